"""What the cluster service does: moves roles between nodes, queues what exceeds the limit, takes over from the dead.

It refuses what a failover cluster refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.lab.world import migration
from bot.lab.world.cluster import Cluster, Group, Migration, Node, NodeState, RoleMove, Waiting
from bot.lab.world.estate import Estate
from bot.lab.world.faults import (
    APART,
    GROUP_MOVING,
    INVALID_STATE,
    LOCKED,
    NO_SUCH_NODE,
    NODE_DOWN,
    NODE_PAUSED,
    NOT_A_POSSIBLE_OWNER,
    ClusterError,
)
from bot.lab.world.jobs import Job, JobState, MigrationType
from bot.lab.world.journal import Event
from bot.lab.world.machines import Host, State
from bot.lab.world.schedule import Schedule

_CODE = re.compile(r"\((0x[0-9A-F]{8})\)", re.IGNORECASE)
_LIVE = frozenset({State.RUNNING, State.PAUSED})
_HOW_IT_ENDED = {
    JobState.COMPLETED: Migration.NONE,
    JobState.TERMINATED: Migration.CANCELED,
    JobState.KILLED: Migration.CANCELED,
    JobState.EXCEPTION: Migration.FAILURE,
}


def _nothing(_: Cluster) -> None:
    """Until somebody wants to be told."""


class ClusterService:
    """The cluster services of a world. Not safe by itself: the world uses it under its lock.

    Attributes:
        after_end: told of a cluster whenever a move of a VM has ended.
    """

    def __init__(self, estate: Estate, schedule: Schedule) -> None:
        self._estate = estate
        self._schedule = schedule
        self.after_end: Callable[[Cluster], None] = _nothing
        schedule.after_end = self._after

    def move(self, cluster: Cluster, group: Group, to: str, how: RoleMove, owner: str) -> None:
        """Begin to move a role, or queue it. Does nothing for a role that is there. Raises ClusterError."""
        node = cluster.node(to)
        if node is None:
            raise NO_SUCH_NODE
        self._check(cluster, group, node, how)
        if cluster.owner(group) is node:
            return
        if how is RoleMove.LIVE and not cluster.has_room(group, node):
            group.waiting = Waiting(node, how, owner)
            return
        self._begin(cluster, group, node, how, owner)

    def cancel(self, group: Group) -> None:
        """Cancel its live migration. Raises ClusterError unless one is in Setup or DataTransfer."""
        job = group.vm.job
        cancellable = group.migration in (Migration.SETUP, Migration.DATA_TRANSFER)
        if job is None or not cancellable or self._schedule.request_state_change(job, 4) != 0:
            raise INVALID_STATE

    def fail_over(self, host: Host) -> None:
        """The other nodes take over what a dead one held; what ran is started anew. Without a fit node it stays."""
        cluster = self._estate.cluster_of(host)
        if cluster is None:
            return
        held = [group for group in cluster.groups if group.vm.id in host.vms]
        for node in cluster.nodes:
            if node.host is host:
                paused = node.paused
                node.reset()  # its cluster has other things to do than to drain it; assumed
                node.paused = paused
        for group in sorted(held, key=lambda group: -group.priority):
            vm, heir = group.vm, cluster.heir(group)
            group.waiting = None
            if heir is None:
                continue
            del host.vms[vm.id]
            heir.host.vms[vm.id] = vm
            vm.state = State.RUNNING if vm.running else vm.state
            vm.started_at = self._schedule.now if vm.running else None
            self._schedule.note(host, Event.VM_LEFT, vm)
            self._schedule.note(heir.host, Event.VM_ARRIVED, vm)

    def _check(self, cluster: Cluster, group: Group, node: Node, how: RoleMove) -> None:
        if node.state is NodeState.DOWN:
            raise NODE_DOWN
        if node.state is NodeState.PAUSED:
            raise NODE_PAUSED
        if not group.admits(node):
            raise NOT_A_POSSIBLE_OWNER
        if group.vm.moving or group.waiting:
            raise GROUP_MOVING
        if group.locked:
            raise LOCKED
        if how is RoleMove.LIVE and group.vm.state not in _LIVE:
            raise INVALID_STATE  # reported from the field: a VM that is off is not moved live
        if cluster.strict_rivals(group, node):
            raise APART

    def _begin(self, cluster: Cluster, group: Group, node: Node, how: RoleMove, owner: str) -> None:
        source = cluster.owner(group).host
        kind = MigrationType.VIRTUAL_SYSTEM
        job = Job(group.vm, source, node.host, kind, owner, self._schedule.now, role_move=how)
        node.host.planned.pop(group.vm.id, None)
        course = migration.move if how is RoleMove.LIVE else migration.move_quickly
        self._schedule.start(job, course(self._schedule, job))

    def _after(self, job: Job) -> None:
        """A migration has ended: what of it the role keeps, and whose turn it is."""
        for cluster in self._estate.clusters:
            group = cluster.group_of(job.vm.id)
            if group is not None and job.role_move is RoleMove.LIVE:
                group.last = _HOW_IT_ENDED[job.state]
                codes = _CODE.findall(job.error.description) if job.error and group.last is Migration.FAILURE else ()
                group.failure = int(codes[-1], 16) if codes else 0
            for waiting in sorted((one for one in cluster.groups if one.waiting), key=lambda one: -one.priority):
                self._take_up(cluster, waiting)
            self.after_end(cluster)

    def _take_up(self, cluster: Cluster, group: Group) -> None:
        put_off = group.waiting
        if put_off is None or group.vm.moving or not cluster.has_room(group, put_off.node):
            return
        group.waiting = None
        try:
            self._check(cluster, group, put_off.node, put_off.how)
        except ClusterError:
            group.last = Migration.FAILURE  # the node was paused or has died meanwhile
            return
        self._begin(cluster, group, put_off.node, put_off.how, put_off.owner)
