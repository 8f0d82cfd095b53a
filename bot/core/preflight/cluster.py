"""Checks of a clustered VM: does its cluster move it there, and should it?

Facts (Microsoft Learn, the FailoverClusters module): a node that is paused or down takes no role; a node that is not a
possible owner of the VM's resources is refused (0x80071398); roles that share an anti-affinity class name are kept
apart where there is another node, and strictly where ClusterEnforcedAntiAffinity is 1. The names of nodes are those of
the hosts.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.estate import IN_MEMORY, ClusterGroup, GroupState, NodeState
from bot.core.names import same_computer
from bot.core.plan import Finding, MoveKind
from bot.core.preflight.case import Case, blocking, fine, warning
from bot.core.wording import render_bytes, render_group_state, render_list, render_node_state


def check_clustered(case: Case) -> Iterator[Finding]:
    """What is not its cluster's move: Move-VM refuses to take storage along, and leaves the cluster out without."""
    if not case.vm.clustered or case.move.kind in (MoveKind.CLUSTER, MoveKind.STORAGE):
        return
    if not case.source.cluster:
        needed = f"{case.source.name} to tell of its cluster, which has to move it"
        hint = (
            "let Ferry's account see the cluster (`Grant-ClusterAccess`), or use Failover Cluster Manager for this one"
        )
    elif case.copies_storage:
        needed = "its storage to stay on the cluster's, where every node reaches it"
        hint = f"`migrate {case.vm_word} to {case.destination.name}` moves it in {case.source.cluster}"
    else:
        needed = "a move in its cluster, which could not be read just now"
        hint = f"`migrate {case.vm_word} to {_other(case)}` moves it in {case.source.cluster}"
    yield blocking("clustered", f"{case.vm.name} belongs to a failover cluster", needed=needed, hint=hint)


def _other(case: Case) -> str:
    return case.destination.name if case.destination.cluster == case.source.cluster else "<host>"


def check_role(case: Case) -> Iterator[Finding]:
    if not case.in_cluster:
        return
    group = case.role.group if case.role else None
    if group is None:
        yield blocking(
            "role",
            f"{case.source.cluster or case.source.name} shows no role of {case.vm.name}",
            needed="a role of its cluster",
            hint="look at it in Failover Cluster Manager",
        )
    elif group.queued or group.state == GroupState.PENDING:
        what = "waits in the cluster's queue to move" if group.queued else "is changing its state in the cluster"
        yield blocking(
            "role",
            f"{case.vm.name} {what}",
            needed="nothing else under way on it",
            hint=f"`cluster {case.source.cluster}` shows it; ask again when that has ended",
        )
    elif group.state not in (GroupState.ONLINE, GroupState.OFFLINE):
        yield blocking(
            "role",
            f"the role of {case.vm.name} is {render_group_state(group.state)}",
            needed="a role that is online or offline",
            hint="mend it in Failover Cluster Manager first",
        )


def check_node(case: Case) -> Iterator[Finding]:
    if not case.in_cluster or case.cluster is None:
        return
    name, destination = case.cluster.name, case.destination.name
    node = case.cluster.node(case.destination.fqdn)
    if node is None:
        yield blocking(
            "node",
            f"{destination} is no node of {name}",
            needed=f"a node of {name}: a clustered VM moves within its cluster only",
            hint=_elsewhere(case) or "take its role out of the cluster first, in Failover Cluster Manager",
        )
    elif node.state != NodeState.UP:
        yield blocking(
            "node",
            f"{destination} is {render_node_state(node.state)} in {name}",
            needed="a node that is up and not paused",
            hint=_elsewhere(case) or f"`cluster {name}` shows its nodes",
        )
    else:
        yield fine("node", f"{destination} is up in {name}")


def check_owner(case: Case) -> Iterator[Finding]:
    if not case.in_cluster or case.cluster is None or case.role is None:
        return
    owners, node = case.role.possible_owners, case.cluster.node(case.destination.fqdn)
    if owners is None:
        yield warning("possible_owner", f"{case.cluster.name} does not tell which nodes may own {case.vm.name}")
    elif node is not None and not any(same_computer(owner, node.name) for owner in owners):
        yield blocking(
            "possible_owner",
            f"{case.destination.name} is not a possible owner of {case.vm.name}; "
            f"{render_list([owner.lower() for owner in owners])} {'is' if len(owners) == 1 else 'are'}",
            needed="a possible owner of the VM's resources",
            hint=_elsewhere(case)
            or f"add it: `Get-ClusterResource -VMId {case.vm.id} | Set-ClusterOwnerNode -Owners …`",
        )


def check_apart(case: Case) -> Iterator[Finding]:
    if not case.in_cluster or case.cluster is None or case.role is None:
        return
    rivals = [group.name for group in _rivals(case.cluster.groups, case.role.group, case.destination.fqdn)]
    if not rivals:
        return
    text = f"{case.cluster.name} keeps {case.vm.name} apart from {render_list(rivals)}, on {case.destination.name}"
    if case.cluster.enforces_apart:
        yield blocking(
            "apart",
            text,
            needed="a node without them: the cluster enforces it",
            hint=_elsewhere(case) or f"move {render_list(rivals)} away from {case.destination.name} first",
        )
    else:
        yield warning("apart", text)


def _rivals(groups: tuple[ClusterGroup, ...], role: ClusterGroup, computer: str) -> Iterator[ClusterGroup]:
    for group in groups:
        if group.name != role.name and set(group.apart) & set(role.apart) and same_computer(group.owner, computer):
            yield group


def check_interruption(case: Case) -> Iterator[Finding]:
    """A quick migration saves what is in memory and restores it at the other node."""
    vm = case.vm
    if case.move.quick and vm.state in IN_MEMORY:
        memory = render_bytes(vm.memory_bytes)
        yield warning("interruption", f"{vm.name} stands still while {memory} of memory are saved and restored")


def _elsewhere(case: Case) -> str:
    """The command with a node that takes it, if there is one."""
    if case.cluster is None or case.role is None:
        return ""
    owners = case.role.possible_owners
    for node in case.cluster.nodes:
        admitted = owners is None or any(same_computer(owner, node.name) for owner in owners)
        free = not case.cluster.enforces_apart or not any(_rivals(case.cluster.groups, case.role.group, node.name))
        if node.state == NodeState.UP and admitted and free and not same_computer(node.name, case.source.fqdn):
            return f"`migrate {case.vm_word} to {node.name.lower()}`"
    return ""
