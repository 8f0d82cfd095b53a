"""How a cluster moves a role when it empties a node by itself, and what keeps a role where it is.

Facts (Microsoft, "Configuring How VMs Are Moved when a Node is Drained", Tech Community 371848, 2013; Failover Cluster
API, clusapi.h):
1. A role whose priority is at least the resource type's MoveTypeThreshold moves live, one below it by quick migration.
   By default that is medium, 2000. A resource's own DefaultMoveType goes before it, unless it is 4294967295.
2. A paused node, one that is down, and one that is not a possible owner of all of a role's resources take none.
3. Roles that share an anti-affinity class are kept apart where that is possible, and strictly where it is enforced.
4. A locked role is not moved (StatusInformation bit 1).
Assumed: DefaultMoveType counts as VmMigrationType does, 0 turn off, 1 quick, 2 and 3 shut down, 4 live.
"""

from __future__ import annotations

from bot.core.estate import Cluster, ClusterGroup, ClusterNode, GroupState, NodeState, Role
from bot.core.maintenance.plan import How
from bot.core.names import same_computer
from bot.core.roster import Roster
from bot.core.wording import render_list, render_node_state

DEFAULT_LIVE_FROM = 2000
BY_THRESHOLD = 4294967295
_OWN_TYPES = {0: How.STOPPED, 1: How.QUICK, 2: How.STOPPED, 3: How.STOPPED, 4: How.LIVE}


def find_how(role: Role, live_from: int | None) -> How:
    if role.group.state == GroupState.OFFLINE:
        return How.OFF
    if role.move_type in _OWN_TYPES:
        return _OWN_TYPES[role.move_type]
    return How.LIVE if role.group.priority >= (DEFAULT_LIVE_FROM if live_from is None else live_from) else How.QUICK


def find_takers(roster: Roster, role: Role, leaving: str) -> tuple[ClusterNode, ...]:
    """Other nodes that are up and may own it."""
    nodes = roster.cluster.nodes
    others = (node for node in nodes if not same_computer(node.name, leaving) and node.state == NodeState.UP)
    return tuple(node for node in others if role.may_be_on(node.name))


def find_rivals(cluster: Cluster, role: Role, node: str) -> tuple[ClusterGroup, ...]:
    """What is to be kept apart from it, on that node."""
    apart = set(role.group.apart)
    return tuple(
        group
        for group in cluster.groups
        if group.name != role.group.name and apart & set(group.apart) and same_computer(group.owner, node)
    )


def find_obstacle(roster: Roster, role: Role, leaving: str) -> str:
    """Why the cluster cannot move it away from its node; empty if nothing is known to stand in its way."""
    cluster = roster.cluster
    if role.group.locked:
        return "the cluster has it locked, as it does while it is backed up"
    takers = find_takers(roster, role, leaving)
    if not takers:
        return _no_taker(cluster, role, leaving)
    rivals = {node.name: find_rivals(cluster, role, node.name) for node in takers}
    if cluster.enforces_apart and all(rivals.values()):
        there = [f"{group.name} on {name.lower()}" for name, groups in rivals.items() for group in groups]
        return f"{cluster.name} enforces that it is kept apart from {render_list(there)}"
    return ""


def _no_taker(cluster: Cluster, role: Role, leaving: str) -> str:
    others = [node for node in cluster.nodes if not same_computer(node.name, leaving)]
    owners = [node for node in others if role.may_be_on(node.name)]
    if not owners:
        return f"no node but {leaving.lower()} is a possible owner of it"
    shown = render_list([f"{node.name.lower()} is {render_node_state(node.state)}" for node in owners])
    return f"{shown}, and no other node is a possible owner of it" if len(owners) < len(others) else shown
