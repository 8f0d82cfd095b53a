"""A failover cluster of the world's hosts: nodes, roles, shared volumes, and who may move where.

Plain mutable records, changed only under the world's lock. Which node owns a role is never kept: it is the one that
holds its VM. Numbers are the cluster API's (clusapi.h, Microsoft Learn); what is assumed is marked so.

Facts (Microsoft Learn, the FailoverClusters module and "Live Migration Overview"):
1. MaximumParallelMigrations overrides what the nodes allow; what exceeds it waits in the cluster's queue, which the
   role's StatusInformation shows (bit 4).
2. Possible owners are kept for each resource of a role; a node that is none is refused (5016).
3. A running migration is cancelled only in Setup and DataTransfer; else ERROR_INVALID_STATE (5023).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from uuid import NAMESPACE_DNS, UUID, uuid5

from bot.lab.world.jobs import Job
from bot.lab.world.machines import Host, State, Vm
from bot.lab.world.storage import Store

CLUSTER_STORAGE = "C:\\ClusterStorage\\"


class NodeState(IntEnum):
    """CLUSTER_NODE_STATE."""

    UP = 0
    DOWN = 1
    PAUSED = 2


class DrainStatus(IntEnum):
    """CLUSTER_NODE_DRAIN_STATUS."""

    NOT_INITIATED = 0
    IN_PROGRESS = 1
    COMPLETED = 2
    FAILED = 3


class GroupState(IntEnum):
    """CLUSTER_GROUP_STATE."""

    ONLINE = 0
    OFFLINE = 1
    FAILED = 2
    PARTIAL_ONLINE = 3
    PENDING = 4


class RoleMove(IntEnum):
    """VmMigrationType, as far as it is simulated; the numbers are the lab's own."""

    QUICK = 1
    LIVE = 2


class Migration(IntEnum):
    """The private property MigrationState of a virtual machine's resource; FAILURE stays until the next attempt."""

    NONE = 0
    SETUP = 1
    DATA_TRANSFER = 2
    MOVE = 3
    CANCELED = 4
    FAILURE = 5


class Priority(IntEnum):
    NO_AUTO_START = 0
    LOW = 1000
    MEDIUM = 2000
    HIGH = 3000


LOCKED, WAITING_IN_QUEUE = 1, 4  # StatusInformation of a group
BY_PRIORITY = 4294967295  # DefaultMoveType: the resource type's MoveTypeThreshold decides
_SET_UP_PERCENT = 5
_MOVE_PERCENT = 98


@dataclass(eq=False)
class Node:
    """A host as its cluster sees it.

    Attributes:
        leaving: roles that its drain has still to move.
        drained: roles that were drained from it: what a failback brings back.
        stuck: roles that could not leave.
    """

    host: Host
    paused: bool = False
    drain: DrainStatus = DrainStatus.NOT_INITIATED
    leaving: list[Group] = field(default_factory=list)
    drained: list[Group] = field(default_factory=list)
    stuck: list[Group] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def state(self) -> NodeState:
        if not self.host.up:
            return NodeState.DOWN
        return NodeState.PAUSED if self.paused else NodeState.UP

    def reset(self) -> None:
        """It takes part again, and nothing of a drain is kept."""
        self.paused, self.drain = False, DrainStatus.NOT_INITIATED
        for groups in (self.leaving, self.drained, self.stuck):
            groups.clear()


@dataclass(eq=False)
class SharedVolume(Store):
    """A cluster shared volume; `name` is its folder, C:\\ClusterStorage\\Volume1."""


class RuleType(IntEnum):
    """MSCluster_AffinityRule.RuleType."""

    SAME_FAULT_DOMAIN = 1
    SAME_NODE = 2
    DIFFERENT_FAULT_DOMAIN = 3
    DIFFERENT_NODE = 4


@dataclass(eq=False)
class AffinityRule:
    """`groups` are names of roles. Failover keeps rules of the kind `DIFFERENT_` only, as far as it can."""

    name: str
    type: RuleType
    groups: list[str]
    enabled: bool = True
    soft: bool = False


@dataclass(frozen=True)
class Waiting:
    """A move that the cluster has put off."""

    node: Node
    how: RoleMove
    owner: str


@dataclass(eq=False)
class Group:
    """A virtual machine's role.

    Attributes:
        possible_owners: short names of nodes that may own its resources; None: every node.
        preferred_owners: short names of nodes, in their order.
        apart: AntiAffinityClassNames.
        waiting: what it waits for in the cluster's queue.
        last: how its last migration ended.
        failure: the error code of one that failed.
        locked: something, like a backup, holds it where it is.
        move_type: DefaultMoveType of its VM's resource.
    """

    vm: Vm
    priority: Priority = Priority.MEDIUM
    possible_owners: frozenset[str] | None = None
    preferred_owners: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    waiting: Waiting | None = None
    last: Migration = Migration.NONE
    failure: int = 0
    locked: bool = False
    move_type: int = BY_PRIORITY

    @property
    def name(self) -> str:
        return self.vm.name

    @property
    def id(self) -> UUID:
        return uuid5(self.vm.id, "cluster group")

    @property
    def state(self) -> GroupState:
        if self.vm.job is not None and self.vm.job.role_move is not None:
            return GroupState.PENDING
        if self.vm.state is State.RUNNING_CRITICAL:
            return GroupState.FAILED
        return GroupState.ONLINE if self.vm.running else GroupState.OFFLINE

    @property
    def status(self) -> int:
        return (WAITING_IN_QUEUE if self.waiting else 0) | (LOCKED if self.locked else 0)

    @property
    def migration(self) -> Migration:
        job = self.vm.job
        if job is None or job.role_move is not RoleMove.LIVE:
            return self.last
        if job.percent < _SET_UP_PERCENT:
            return Migration.SETUP
        return Migration.DATA_TRANSFER if job.percent < _MOVE_PERCENT else Migration.MOVE

    @property
    def progress(self) -> int:
        return self.vm.job.percent if self.vm.job else 0

    def admits(self, node: Node) -> bool:
        return self.possible_owners is None or node.name.casefold() in {one.casefold() for one in self.possible_owners}


@dataclass(eq=False)
class Cluster:
    """Make one of hosts, then add its volumes and roles: `World.add_cluster`, `add_role`.

    Attributes:
        maximum_parallel_migrations: of each node, at either end; 1 is what Windows Server has set since 2022.
        enforces_apart: ClusterEnforcedAntiAffinity.
        rules: None: a Windows Server that does not have them.
        live_from: MoveTypeThreshold of virtual machines: the priority from which it moves them live by itself.
    """

    name: str
    nodes: list[Node]
    domain: str = "ferry.lab"
    maximum_parallel_migrations: int = 1
    enforces_apart: bool = False
    rules: list[AffinityRule] | None = field(default_factory=list)
    live_from: int = Priority.MEDIUM
    volumes: list[SharedVolume] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, *hosts: Host) -> Cluster:
        return cls(name, [Node(host) for host in hosts])

    @property
    def id(self) -> UUID:
        return uuid5(NAMESPACE_DNS, f"{self.name}.{self.domain}")

    def node(self, name: str) -> Node | None:
        return next((node for node in self.nodes if node.host.answers_to(name)), None)

    def has(self, host: Host) -> bool:
        return any(node.host is host for node in self.nodes)

    def owner(self, group: Group) -> Node:
        """The node that holds its VM; any, for a role left behind by a VM that somebody took out of the cluster."""
        return next((node for node in self.nodes if group.vm.id in node.host.vms), self.nodes[0])

    def group_of(self, vm_id: UUID) -> Group | None:
        return next((group for group in self.groups if group.vm.id == vm_id), None)

    def volume_for(self, path: str) -> SharedVolume | None:
        wanted = path.casefold() + "\\"
        return next((one for one in self.volumes if wanted.startswith(one.name.casefold() + "\\")), None)

    def rivals(self, group: Group, node: Node) -> list[Group]:
        """Roles on that node that are to be kept apart from this one."""
        return [
            other
            for other in self.groups
            if other is not group and self.owner(other) is node and self._apart(group, other)
        ]

    def strict_rivals(self, group: Group, node: Node) -> list[Group]:
        """Those for whose sake the node does not take it."""
        return [
            other
            for other in self.rivals(group, node)
            if (self.enforces_apart and set(other.apart) & set(group.apart))
            or any(not rule.soft for rule in self._rules_between(group, other))
        ]

    def _apart(self, one: Group, other: Group) -> bool:
        return bool(set(other.apart) & set(one.apart) or self._rules_between(one, other))

    def _rules_between(self, one: Group, other: Group) -> list[AffinityRule]:
        return [
            rule
            for rule in self.rules or ()
            if rule.enabled
            and rule.type in (RuleType.DIFFERENT_NODE, RuleType.DIFFERENT_FAULT_DOMAIN)
            and {one.name, other.name} <= set(rule.groups)
        ]

    def migrations(self, node: Node) -> int:
        """Live migrations of the cluster's that the node takes part in."""
        jobs: list[Job] = [group.vm.job for group in self.groups if group.vm.job is not None]
        return sum(job.at(node.host) and job.role_move is RoleMove.LIVE for job in jobs)

    def has_room(self, group: Group, node: Node) -> bool:
        """Whether a live migration of it there may begin now."""
        return all(self.migrations(one) < self.maximum_parallel_migrations for one in (self.owner(group), node))

    def on(self, node: Node) -> list[Group]:
        return [group for group in self.groups if group.vm.id in node.host.vms]

    def heir(self, group: Group) -> Node | None:
        """Where a role goes whose node has died or is drained: another that is up and may own it, without rivals if
        there is one."""
        room = {node: node.host.free_memory_bytes - self._promised(node) for node in self.nodes}
        owner = self.owner(group)
        fit = [
            node
            for node in self.nodes
            if node is not owner
            and node.state is NodeState.UP
            and group.admits(node)
            and room[node] >= group.vm.assigned_bytes
        ]
        return max(fit, key=lambda node: (not self.rivals(group, node), room[node]), default=None)

    def _promised(self, node: Node) -> int:
        """Memory of roles that wait to move there."""
        return sum(one.vm.assigned_bytes for one in self.groups if one.waiting is not None and one.waiting.node is node)
