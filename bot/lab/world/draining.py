"""What the cluster service does with whole nodes: pauses them, drains them, lets them take part again.

Facts (Microsoft Learn, Suspend-ClusterNode and Resume-ClusterNode; Microsoft, "Draining Nodes for Planned Maintenance"
and "Configuring How VMs Are Moved when a Node is Drained", Tech Community):
1. A node is paused first and takes no role from then on. Its roles then leave, the highest priority first; live ones
   under the cluster's limit, those below MoveTypeThreshold saved and restored, at the same time.
2. A drain ends as completed, or as failed where a role has stayed; the node is paused either way.
3. Resuming the node ends a drain. With failback at once, the roles that were drained from it come back.
Assumed: moves that run when a node is resumed go on; a role that failed to leave is not tried again; a node that is
being drained refuses a second drain as one that is paused does.
"""

from __future__ import annotations

from bot.lab.world.cluster import Cluster, DrainStatus, Group, GroupState, Migration, Node, NodeState, RoleMove
from bot.lab.world.faults import NODE_DOWN, NODE_NOT_PAUSED, NODE_PAUSED, ClusterError
from bot.lab.world.roles import ClusterService

_OWN_MOVES = {1: RoleMove.QUICK, 4: RoleMove.LIVE}  # DefaultMoveType, as far as it is simulated


class NodeService:
    """Not safe by itself: the world uses it under its lock."""

    def __init__(self, roles: ClusterService) -> None:
        self._roles = roles
        roles.after_end = self._settle

    def suspend(self, cluster: Cluster, node: Node, owner: str, *, drain: bool) -> None:
        """Pause it, and begin to drain it. Raises ClusterError."""
        if node.state is NodeState.DOWN:
            raise NODE_DOWN
        if node.drain is DrainStatus.IN_PROGRESS:
            raise NODE_PAUSED
        node.paused = True
        if not drain:
            return
        node.drain = DrainStatus.IN_PROGRESS
        node.leaving = sorted(cluster.on(node), key=lambda group: -group.priority)
        node.stuck.clear()
        for group in list(node.leaving):
            self._send_away(cluster, node, group, owner)
        self._settle(cluster)

    def resume(self, cluster: Cluster, node: Node, owner: str, *, failback: bool) -> None:
        """Raises ClusterError."""
        if node.state is NodeState.DOWN:
            raise NODE_DOWN
        if not node.paused:
            raise NODE_NOT_PAUSED
        for group in node.leaving:
            group.waiting = None
        away = [
            group for group in (*node.drained, *node.leaving) if cluster.owner(group) is not node or group.vm.moving
        ]
        node.reset()
        for group in sorted(away, key=lambda group: -group.priority) if failback else ():
            try:
                self._roles.move(cluster, group, node.name, self._how(cluster, group), owner)
            except ClusterError:
                group.last = Migration.FAILURE

    def _send_away(self, cluster: Cluster, node: Node, group: Group, owner: str) -> None:
        heir = cluster.heir(group)
        if heir is None or (cluster.enforces_apart and cluster.rivals(group, heir)):
            node.stuck.append(group)
            return
        try:
            self._roles.move(cluster, group, heir.name, self._how(cluster, group), owner)
        except ClusterError:
            node.stuck.append(group)

    @staticmethod
    def _how(cluster: Cluster, group: Group) -> RoleMove:
        if group.state is GroupState.OFFLINE:
            return RoleMove.QUICK
        by_priority = RoleMove.LIVE if group.priority >= cluster.live_from else RoleMove.QUICK
        return _OWN_MOVES.get(group.move_type, by_priority)

    def _settle(self, cluster: Cluster) -> None:
        """After every move: which roles have left the nodes that are drained, and whether that was the last of them."""
        for node in cluster.nodes:
            if node.drain is not DrainStatus.IN_PROGRESS:
                continue
            busy = [group for group in node.leaving if group.vm.moving or group.waiting]
            for group in [group for group in node.leaving if group not in busy]:
                node.leaving.remove(group)
                stayed = cluster.owner(group) is node
                (node.stuck if stayed else node.drained).append(group)
            if not busy:
                stuck = [group for group in node.stuck if cluster.owner(group) is node]
                node.drain = DrainStatus.FAILED if stuck else DrainStatus.COMPLETED
