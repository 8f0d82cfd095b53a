"""Checks of a clustered VM: does its cluster move it there, and should it?

Facts (Microsoft Learn, the FailoverClusters module): a node that is paused or down takes no role; a node that is not a
possible owner of the VM's resources is refused (0x80071398); roles that share an anti-affinity class name are kept
apart where there is another node, and strictly where ClusterEnforcedAntiAffinity is 1; affinity rules keep apart, too,
strictly unless they are soft, or together. What the cluster does when asked to break a rule is not documented: Ferry
does not ask. The names of nodes are those of the hosts.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.estate import IN_MEMORY, GroupState, NodeState
from bot.core.names import same_computer
from bot.core.plan import Finding, MoveKind
from bot.core.preflight.case import Case, blocking, fine, warning
from bot.core.ties import Tie, ties_of
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


def check_preferred(case: Case) -> Iterator[Finding]:
    """An empty list prefers none."""
    if not case.in_cluster or case.cluster is None or case.role is None:
        return
    owners, node = case.role.preferred_owners, case.cluster.node(case.destination.fqdn)
    if owners and node is not None and not any(same_computer(owner, node.name) for owner in owners):
        named, verb = render_list([owner.lower() for owner in owners]), "is" if len(owners) == 1 else "are"
        text = f"{case.destination.name} is not a preferred owner of {case.vm.name}; {named} {verb}"
        yield warning("preferred_owner", f"{text}, where {case.cluster.name} may bring it back")


def check_apart(case: Case) -> Iterator[Finding]:
    """Whom it may not, or had better not, share the node with; and whom it had better."""
    if not case.in_cluster or case.cluster is None or case.role is None:
        return
    if case.cluster.rules is None:
        yield warning("rules", f"{case.cluster.name} does not tell its affinity rules (Get-ClusterAffinityRule)")
    told: set[str] = set()
    for tie in ties_of(case.cluster):
        if case.role.group.name in tie.members:
            for finding in _apart(case, tie) if tie.apart else _together(case, tie):
                if finding.text not in told:
                    told.add(finding.text)
                    yield finding


def _apart(case: Case, tie: Tie) -> Iterator[Finding]:
    assert case.cluster is not None
    there, elsewhere = _mates(case, tie)
    by = f" ({tie.what})" if case.cluster.rules else ""
    if there:
        rivals = render_list(there)
        text = f"{case.cluster.name} keeps {case.vm.name} apart from {rivals}, on {case.destination.name}{by}"
        if tie.hard:
            yield blocking(
                "apart",
                text,
                needed="a node without them: the cluster enforces it",
                hint=_elsewhere(case) or f"move {rivals} away from {case.destination.name} first",
            )
        else:
            yield warning("apart", text)
    elif tie.domains and elsewhere:
        yield warning("apart", f"{tie.what} wants another fault domain than {render_list(elsewhere)}'s; {_UNREAD}")


def _together(case: Case, tie: Tie) -> Iterator[Finding]:
    _, elsewhere = _mates(case, tie)
    if not elsewhere:
        return
    if tie.domains:
        yield warning("apart", f"{tie.what} wants the fault domain of {render_list(elsewhere)}; {_UNREAD}")
    else:
        text = f"{tie.what} keeps {case.vm.name} together with {render_list(elsewhere)}"
        yield warning("apart", f"{text}, not on {case.destination.name}")


_UNREAD = "Ferry does not read which that is"


def _mates(case: Case, tie: Tie) -> tuple[list[str], list[str]]:
    """The other roles of a tie: on the destination, and elsewhere."""
    assert case.cluster is not None
    assert case.role is not None
    others = [one for one in case.cluster.groups if one.name in tie.members and one.name != case.role.group.name]
    there = [one.name for one in others if same_computer(one.owner, case.destination.fqdn)]
    return there, [one.name for one in others if one.name not in there]


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
    owners, own = case.role.possible_owners, case.role.group.name
    hard = [tie.members for tie in ties_of(case.cluster) if tie.hard and own in tie.members]
    rivals = [one for one in case.cluster.groups if one.name != own and any(one.name in members for members in hard)]
    for node in case.cluster.nodes:
        admitted = owners is None or any(same_computer(owner, node.name) for owner in owners)
        free = not any(same_computer(rival.owner, node.name) for rival in rivals)
        if node.state == NodeState.UP and admitted and free and not same_computer(node.name, case.source.fqdn):
            return f"`migrate {case.vm_word} to {node.name.lower()}`"
    return ""
