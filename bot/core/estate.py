"""The hosts and VMs as they were last seen: plain frozen values, in the domain's words.

Enum values of Hyper-V are compared as numbers, because their texts are localised. Sizes are bytes. `None` means "not
known", never "none". Numbers: Microsoft.HyperV.PowerShell enums and Msvm_MigrationJob (Microsoft Learn).
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum

from pydantic import BaseModel, ConfigDict

from bot.core.affinity import AffinityRule
from bot.core.names import VmId, same_computer


class Frozen(BaseModel):
    """Base of every value in the core."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class VmState(IntEnum):
    """Microsoft.HyperV.PowerShell.VMState, the states Ferry names; hosts may report others, kept as plain numbers."""

    OTHER = 1
    RUNNING = 2
    OFF = 3
    STOPPING = 4
    SAVED = 6
    PAUSED = 9
    STARTING = 10
    SAVING = 32773
    PAUSING = 32776
    RESUMING = 32777
    RUNNING_CRITICAL = 32785
    OFF_CRITICAL = 32786
    SAVED_CRITICAL = 32788
    PAUSED_CRITICAL = 32789


IN_MEMORY = frozenset({VmState.RUNNING, VmState.PAUSED})
"""States in which a VM occupies memory; only then memory travels."""


class Status(IntEnum):
    """Microsoft.HyperV.PowerShell.VMOperationalStatus: [0] is OK or IN_SERVICE, [1] says what the VM is busy with."""

    OK = 2
    DEGRADED = 3
    IN_SERVICE = 11
    CREATING_SNAPSHOT = 32768
    DELETING_SNAPSHOT = 32770
    MERGING_DISKS = 32772
    EXPORTING = 32773
    MIGRATING = 32774
    BACKING_UP = 32776
    STORAGE_MIGRATION_PHASE_ONE = 32778
    STORAGE_MIGRATION_PHASE_TWO = 32779
    MIGRATING_PLANNED = 32780
    CHECKING_COMPATIBILITY = 32781
    CRITICAL_IO_ERROR = 32795


MIGRATING = frozenset(
    {
        Status.MIGRATING,
        Status.STORAGE_MIGRATION_PHASE_ONE,
        Status.STORAGE_MIGRATION_PHASE_TWO,
        Status.MIGRATING_PLANNED,
    }
)


class JobState(IntEnum):
    """CIM_ConcreteJob.JobState as Msvm_MigrationJob reports it."""

    NEW = 2
    STARTING = 3
    RUNNING = 4
    SUSPENDED = 5
    SHUTTING_DOWN = 6
    COMPLETED = 7
    TERMINATED = 8
    KILLED = 9
    EXCEPTION = 10
    COMPLETED_WITH_WARNINGS = 32768


JOB_ACTIVE = frozenset(range(JobState.NEW, JobState.SHUTTING_DOWN + 1))
JOB_SUCCEEDED = frozenset({JobState.COMPLETED, JobState.COMPLETED_WITH_WARNINGS})


class Disk(Frozen):
    """One virtual hard disk attached to a VM."""

    path: str
    size_bytes: int | None = None  # what the guest sees
    file_bytes: int | None = None  # what lies on storage now, all parents included
    passthrough: bool = False  # a physical disk of the host
    shared: bool = False  # shared VHDX / VHD set (persistent reservations)
    parent: str | None = None  # differencing disk's parent


class Adapter(Frozen):
    name: str
    switch: str | None  # None: not connected


class Vm(Frozen):
    """A VM as one host reports it, in full."""

    id: VmId
    name: str
    host: str
    state: int
    status: tuple[int, ...] = (Status.OK,)
    memory_bytes: int = 0  # assigned now; start-up memory when it is not running
    uptime_s: int = 0
    version: str = ""
    generation: int = 2
    clustered: bool = False
    processors: int = 1
    path: str = ""  # configuration
    checkpoint_path: str = ""
    smart_paging_path: str = ""
    disks: tuple[Disk, ...] = ()
    adapters: tuple[Adapter, ...] = ()
    dvd_paths: tuple[str, ...] = ()
    checkpoints: int = 0
    processor_compatibility: bool = False

    @property
    def migrating(self) -> bool:
        return any(value in MIGRATING for value in self.status)


class VmSummary(Frozen):
    """A VM in a list: what `Get-VM` of a whole host answers without asking for disks and adapters."""

    id: VmId
    name: str
    host: str
    state: int
    status: tuple[int, ...] = (Status.OK,)
    memory_bytes: int = 0
    uptime_s: int = 0
    clustered: bool = False


class Switch(Frozen):
    name: str
    type: int  # 0 private, 1 internal, 2 external


class Volume(Frozen):
    """A local volume of a host."""

    letter: str  # "D"
    size_bytes: int
    free_bytes: int


class Host(Frozen):
    """A host's settings and room, read live."""

    name: str  # Ferry's name of it, from the settings
    fqdn: str  # what the host calls itself; what other hosts are told
    memory_bytes: int
    memory_free_bytes: int
    migration_enabled: bool
    authentication: int  # 0 CredSSP, 1 Kerberos
    performance: int  # 0 TCP/IP, 1 compression, 2 SMB
    live_limit: int  # MaximumVirtualMachineMigrations; on a node what its cluster allows goes before it
    storage_limit: int  # MaximumStorageMigrations
    live_active: int = 0  # migrations under way there now, whoever started them
    storage_active: int = 0
    vm_versions: tuple[str, ...] = ()
    processors: int = 1
    switches: tuple[Switch, ...] = ()
    volumes: tuple[Volume, ...] = ()
    vm_path: str = ""
    any_network: bool | None = None  # takes migrations on whatever network they come
    listeners: tuple[str, ...] | None = None  # addresses on which it waits for migrations
    cluster: str = ""  # the failover cluster that it is a node of; empty: it tells of none


class NodeState(IntEnum):
    """CLUSTER_NODE_STATE (clusapi.h)."""

    UNKNOWN = -1
    UP = 0
    DOWN = 1
    PAUSED = 2
    JOINING = 3


class DrainStatus(IntEnum):
    """CLUSTER_NODE_DRAIN_STATUS (clusapi.h)."""

    NOT_INITIATED = 0
    IN_PROGRESS = 1
    COMPLETED = 2
    FAILED = 3


class GroupState(IntEnum):
    """CLUSTER_GROUP_STATE (clusapi.h)."""

    UNKNOWN = -1
    ONLINE = 0
    OFFLINE = 1
    FAILED = 2
    PARTIAL_ONLINE = 3
    PENDING = 4


WAITING_IN_QUEUE = 4
"""Bit of a group's StatusInformation: its move waits in the cluster's queue (clusapi.h)."""

LOCKED = 1
"""Another bit of it: something, like a backup, has locked the role where it is (clusapi.h)."""

ROLE_MIGRATING = frozenset({1, 2, 3})
"""MigrationState of a virtual machine's resource: set-up, data transfer, move (Microsoft Learn)."""

ROLE_FAILED = 5
"""MigrationState again: how the last migration ended, until the next one begins."""


class ClusterNode(Frozen):
    name: str  # as the cluster calls it: a NetBIOS name
    state: int = NodeState.UP
    drain: int = DrainStatus.NOT_INITIATED


class ClusterGroup(Frozen):
    """The role of one virtual machine in its cluster."""

    name: str  # mostly the VM's, but not always
    owner: str  # a node's name
    state: int = GroupState.ONLINE
    status: int = 0  # StatusInformation, bits
    priority: int = 2000  # 0 not started by itself, 1000 low, 2000 medium, 3000 high
    apart: tuple[str, ...] = ()  # AntiAffinityClassNames: groups that share one are kept apart

    @property
    def queued(self) -> bool:
        return bool(self.status & WAITING_IN_QUEUE)

    @property
    def locked(self) -> bool:
        return bool(self.status & LOCKED)


class Role(Frozen):
    """What a cluster knows of one VM."""

    group: ClusterGroup
    preferred_owners: tuple[str, ...] = ()  # in their order; empty: any node, or not told
    possible_owners: tuple[str, ...] | None = None  # names of nodes that may own all its resources; None: not known
    vm: VmId | None = None  # None: not told, or not asked for
    move_type: int | None = None  # DefaultMoveType of the VM's resource; None: not told, or not asked for

    def may_be_on(self, node: str) -> bool:
        """As far as it is known."""
        return self.possible_owners is None or any(same_computer(owner, node) for owner in self.possible_owners)


class RoleSight(Frozen):
    """A role at one moment: the observation that a move in a cluster is judged by."""

    owner: str
    state: int
    status: int = 0
    migration: int = 0  # MigrationState of its VM's resource
    percent: int = 0
    failure: int = 0  # MigrationFailureReason, a system error code

    @property
    def queued(self) -> bool:
        return bool(self.status & WAITING_IN_QUEUE)

    @property
    def moving(self) -> bool:
        return self.queued or self.state == GroupState.PENDING or self.migration in ROLE_MIGRATING


class SharedVolume(Frozen):
    """A cluster shared volume."""

    path: str  # "C:\\ClusterStorage\\Volume1"
    size_bytes: int | None = None
    free_bytes: int | None = None


class Cluster(Frozen):
    """A failover cluster, as one of its nodes describes it."""

    name: str
    nodes: tuple[ClusterNode, ...] = ()
    groups: tuple[ClusterGroup, ...] = ()  # of virtual machines only
    volumes: tuple[SharedVolume, ...] = ()
    live_limit: int | None = None  # MaximumParallelMigrations, of each node
    enforces_apart: bool = False  # ClusterEnforcedAntiAffinity
    rules: tuple[AffinityRule, ...] | None = ()  # None: it does not tell

    def node(self, computer: str) -> ClusterNode | None:
        """By short or full name."""
        return next((node for node in self.nodes if same_computer(node.name, computer)), None)


class Seen(Frozen):
    """What one look at one host gave: its VMs, or why there is no answer and what the last answer was."""

    host: str
    at: datetime  # when this look began: what it says is no older
    vms: tuple[VmSummary, ...] = ()  # empty after a failure: what the host holds is unknown then
    info: Host | None = None
    failure: str = ""  # empty: the look succeeded
    answered_at: datetime | None = None  # when the host last answered; None: never yet
    held: tuple[VmSummary, ...] = ()  # after a failure: what it held when it last answered

    @property
    def known(self) -> bool:
        return not self.failure


class Census(Frozen):
    """One host asked for everything: itself and all its VMs in full, or why there is no answer."""

    host: str
    at: datetime  # when the asking began: what it says is no older
    info: Host | None = None
    vms: tuple[Vm, ...] = ()  # empty after a failure: what the host holds is unknown then
    failure: str = ""  # empty: it answered


class Estate(Frozen):
    """All hosts as last seen, in the order of the settings."""

    hosts: tuple[Seen, ...] = ()

    def on(self, host: str) -> Seen | None:
        return next((seen for seen in self.hosts if seen.host == host), None)

    def named(self, name: str) -> tuple[VmSummary, ...]:
        """Every VM of that name, upper and lower case alike; more than one is an ambiguity to ask about."""
        wanted = name.casefold()
        return tuple(vm for seen in self.hosts for vm in seen.vms if vm.name.casefold() == wanted)

    def with_id(self, vm: VmId) -> tuple[VmSummary, ...]:
        return tuple(found for seen in self.hosts for found in seen.vms if found.id == vm)

    @property
    def unknown(self) -> tuple[Seen, ...]:
        """Hosts whose last look failed: what they hold is unknown."""
        return tuple(seen for seen in self.hosts if not seen.known)


class Job(Frozen):
    """A migration job of a host's VMMS (Msvm_MigrationJob). Kept by the host for five minutes after its end."""

    id: str
    vm: VmId
    state: int
    percent: int = 0
    destination: str = ""  # empty: a storage migration
    cancellable: bool = False
    started_at: datetime | None = None
    error: str = ""  # the host's own words, both of its texts
    error_code: int = 0

    @property
    def active(self) -> bool:
        return self.state in JOB_ACTIVE

    @property
    def succeeded(self) -> bool:
        return self.state in JOB_SUCCEEDED


class Sighting(Frozen):
    """What one host shows of one VM, in one look. An unreachable host gives no sighting: that is `None`, unknown."""

    host: str
    vm: Vm | None  # a realised VM; None means the host answered and has no such VM
    planned: bool = False  # it holds a planned VM of that id: a move under way, or left by a comparison
    jobs: tuple[Job, ...] = ()  # newest first
    role: RoleSight | None = None  # what its cluster says; None: not asked for, or not known
