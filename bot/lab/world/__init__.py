"""The simulated world behind the lab's hosts. It knows neither PowerShell nor WinRM."""

from bot.lab.world.clock import ManualClock, RunningClock, WorldClock
from bot.lab.world.cluster import (
    AffinityRule,
    Cluster,
    Group,
    Node,
    NodeState,
    Priority,
    RoleMove,
    RuleType,
    SharedVolume,
)
from bot.lab.world.faults import ClusterError, HyperVError, Identifier
from bot.lab.world.jobs import Job, JobState, MigrationType
from bot.lab.world.journal import Entry, Event, Journal
from bot.lab.world.layout import Layout
from bot.lab.world.machines import (
    Adapter,
    Authentication,
    Checkpoint,
    Disk,
    DiskFile,
    DiskType,
    Host,
    Performance,
    PlannedVm,
    State,
    Status,
    Switch,
    SwitchType,
    Vm,
)
from bot.lab.world.storage import GIB, Share, Store, Volume
from bot.lab.world.world import MoveRequest, World

__all__ = [
    "GIB",
    "Adapter",
    "AffinityRule",
    "Authentication",
    "Checkpoint",
    "Cluster",
    "ClusterError",
    "Disk",
    "DiskFile",
    "DiskType",
    "Entry",
    "Event",
    "Group",
    "Host",
    "HyperVError",
    "Identifier",
    "Job",
    "JobState",
    "Journal",
    "Layout",
    "ManualClock",
    "MigrationType",
    "MoveRequest",
    "Node",
    "NodeState",
    "Performance",
    "PlannedVm",
    "Priority",
    "RoleMove",
    "RuleType",
    "RunningClock",
    "Share",
    "SharedVolume",
    "State",
    "Status",
    "Store",
    "Switch",
    "SwitchType",
    "Vm",
    "Volume",
    "World",
    "WorldClock",
]
