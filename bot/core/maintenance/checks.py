"""What is said beside a plan of maintenance: what moves with an interruption, what stays, and whether there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.core.estate import Estate, NodeState
from bot.core.lifecycle import State
from bot.core.maintenance.plan import How, MaintenancePlan, Passenger
from bot.core.maintenance.roles import DEFAULT_LIVE_FROM, find_rivals, find_takers
from bot.core.names import same_computer
from bot.core.operation import Operation
from bot.core.plan import Finding
from bot.core.preflight.case import blocking, fine, warning
from bot.core.roster import Roster
from bot.core.wording import render_bytes, render_list, render_node_state, render_word

PRIORITIES = {0: "none", 1000: "low", 2000: "medium", 3000: "high"}
_OCCUPIES = (How.LIVE, How.QUICK, How.STOPPED)


def render_priority(priority: int) -> str:
    return PRIORITIES.get(priority, str(priority))


def check_drain(plan: MaintenancePlan, roster: Roster, estate: Estate, busy: Sequence[Operation]) -> Iterator[Finding]:
    yield from _check_stays(plan)
    yield from _check_nodes(plan, roster)
    yield from _check_memory(plan, roster, estate)
    yield from _check_interruptions(plan, roster)
    yield from _check_apart(plan, roster)
    yield from _check_others(plan, estate)
    yield from _check_operations(plan, busy)


def check_resumption(
    plan: MaintenancePlan, roster: Roster, estate: Estate, *, after_evacuation: bool
) -> Iterator[Finding]:
    """Args: after_evacuation: it was paused for one, which moved its VMs one by one."""
    if not plan.failback:
        if plan.roles:
            names = render_list([role.group for role in plan.roles])
            yield fine(
                "stay", f"{names} {_verb(plan.roles, 'stays', 'stay')} where {_verb(plan.roles, 'it is', 'they are')}"
            )
        return
    if after_evacuation:
        told = f"what an evacuation took away comes home by `return {plan.host}` afterwards"
        yield fine("return", told)
    elif not plan.source:
        yield warning(
            "unknown",
            f"the last drain of {plan.host} was not Ferry's: what comes back is known to {plan.cluster} alone",
        )
    elif not plan.roles:
        yield fine("none", f"nothing that {plan.source} took away is elsewhere")
    yield from _check_interruptions(plan, roster)
    free = _free_bytes(plan.node, roster, estate)
    needed = sum(role.memory_bytes or 0 for role in plan.roles if role.how in _OCCUPIES)
    if free is not None and needed:
        told = f"{render_bytes(free)} free on {plan.host}, {render_bytes(needed)} come back"
        yield fine("memory", told) if needed <= free else warning("memory", f"{told}: not all of it fits")


def _check_stays(plan: MaintenancePlan) -> Iterator[Finding]:
    """Roles with the same reason together: a node may have a hundred."""
    reasons: dict[str, list[str]] = {}
    for role in plan.roles:
        if role.stays:
            reasons.setdefault(role.stays, []).append(role.group)
    for why, names in reasons.items():
        yield blocking(
            "stays",
            f"{render_list(names)} cannot leave: {why}",
            needed="a node that may take " + _verb(names, "it", "them"),
            hint=f"The drain then ends as failed, with {plan.host} paused and {_verb(names, 'it', 'them')} still there",
        )


def _check_nodes(plan: MaintenancePlan, roster: Roster) -> Iterator[Finding]:
    others = [node for node in roster.cluster.nodes if not same_computer(node.name, plan.node)]
    up = [node.name.lower() for node in others if node.state == NodeState.UP]
    yield fine("nodes", f"{render_list(up)} {'is' if len(up) == 1 else 'are'} up in {plan.cluster}")
    for node in others:
        if node.state != NodeState.UP:
            yield warning("node", f"{node.name.lower()} is {render_node_state(node.state)} and takes nothing")
    if plan.state == NodeState.PAUSED:
        yield warning("paused", f"{plan.host} is paused already; what is on it is moved now")


def _check_memory(plan: MaintenancePlan, roster: Roster, estate: Estate) -> Iterator[Finding]:
    """Whether there is a way to fit it all in; which way the cluster takes is its own choice."""
    movers = [role for role in plan.roles if role.how in _OCCUPIES and not role.stays]
    unknown = [role.group for role in movers if role.memory_bytes is None]
    if unknown:
        yield warning(
            "memory", f"how much memory {render_list(unknown)} {_verb(unknown, 'needs', 'need')} is not known"
        )
    nodes = sorted({name for role in movers for name in role.to})
    free = {name: _free_bytes(name, roster, estate) for name in nodes}
    silent = [name for name, value in free.items() if value is None]
    if silent:
        yield warning(
            "memory", f"how much memory {render_list(silent)} {_verb(silent, 'has', 'have')} free is not known"
        )
    left = {name: value for name, value in free.items() if value is not None}
    if not left or not movers:
        return
    shown = render_list([f"{render_bytes(value)} on {name}" for name, value in left.items()])
    needed = sum(role.memory_bytes or 0 for role in movers)
    homeless = _find_homeless(movers, dict(left))
    told = f"{render_bytes(needed)} of memory to place, {shown} free"
    if not homeless:
        yield fine("memory", told)
    elif not silent:
        names = render_list([f"{role.group} ({render_bytes(role.memory_bytes or 0)})" for role in homeless])
        yield warning("memory", f"{told}: Ferry finds no room for {names}")


def _find_homeless(movers: Sequence[Passenger], left: dict[str, int]) -> list[Passenger]:
    """The largest first, each where most is left."""
    homeless = []
    for role in sorted(movers, key=lambda role: -(role.memory_bytes or 0)):
        most = max((name for name in role.to if name in left), key=lambda name: left[name], default=None)
        if most is None or left[most] < (role.memory_bytes or 0):
            homeless.append(role)
        else:
            left[most] -= role.memory_bytes or 0
    return homeless


def _check_interruptions(plan: MaintenancePlan, roster: Roster) -> Iterator[Finding]:
    """By what happens to them and why, together."""
    threshold = DEFAULT_LIVE_FROM if roster.live_from is None else roster.live_from
    groups: dict[tuple[How, bool], list[Passenger]] = {}
    for role in plan.roles:
        if not role.stays and role.how in (How.QUICK, How.STOPPED):
            groups.setdefault((role.how, role.priority >= threshold), []).append(role)
    for (how, own), roles in groups.items():
        why = f"{_verb(roles, 'its', 'their')} own DefaultMoveType says so"
        if not own:
            shown = render_list(sorted({render_priority(role.priority) for role in roles}))
            live = f"{plan.cluster} moves live only from {render_priority(threshold)} up"
            why = f"{_verb(roles, 'its', 'their')} priority is {shown}, and {live}"
        yield warning("interruption", f"{_render_interrupted(how, roles)}: {why}", hint=_live_instead(roles, own))
    if roster.live_from is None and any(role.how in (How.LIVE, How.QUICK) for role in plan.roles):
        told = f"{plan.cluster} does not tell from which priority it moves live; medium is its default"
        yield warning("threshold", told)


def _render_interrupted(how: How, roles: Sequence[Passenger]) -> str:
    names = render_list([role.group for role in roles])
    if how is How.STOPPED:
        return f"{names} {_verb(roles, 'is', 'are')} shut down and started again"
    known = sum(role.memory_bytes or 0 for role in roles)
    memory = f"{render_bytes(known)} of memory are" if known else f"{_verb(roles, 'its', 'their')} memory is"
    return f"{names} {_verb(roles, 'stands', 'stand')} still while {memory} saved and restored"


def _live_instead(roles: Sequence[Passenger], own: bool) -> str:
    """For this time by a move of its own, and for good by the cluster's threshold."""
    said = []
    if roles[0].to:
        word = render_word(roles[0].group)
        said.append(f"`migrate {word} to {roles[0].to[0]}` moves {_verb(roles, 'it', 'one')} live first")
    if not own:
        least = min(role.priority for role in roles)
        command = f'Get-ClusterResourceType "Virtual Machine" | Set-ClusterParameter MoveTypeThreshold {least}'
        said.append(f"`{command}` has {_verb(roles, 'it', 'them')} moved live from now on")
    return ", ".join(said)


def _check_apart(plan: MaintenancePlan, roster: Roster) -> Iterator[Finding]:
    """Kept apart where possible: said where it is not."""
    if roster.cluster.enforces_apart:
        return
    together = []
    for role in roster.on(plan.node):
        takers = find_takers(roster, role, plan.node)
        rivals = [find_rivals(roster.cluster, role, node.name) for node in takers]
        if takers and all(rivals):
            names = render_list([group.name for groups in rivals for group in groups], last="or")
            together.append(f"{role.group.name} with {names}")
    if together:
        yield warning("apart", f"{plan.cluster} keeps apart what then comes together: {render_list(together)}")


def _check_others(plan: MaintenancePlan, estate: Estate) -> Iterator[Finding]:
    seen = estate.on(plan.host)
    if seen is None or not seen.known:
        yield warning(
            "others", f"{plan.host} gives no answer: virtual machines that are no roles of {plan.cluster} are not known"
        )
        return
    others = [vm.name for vm in seen.vms if not vm.clustered]
    if others:
        verb = _verb(others, "is no role", "are no roles")
        yield warning(
            "others",
            f"{render_list(others)} {verb} of {plan.cluster} and {_verb(others, 'stays', 'stay')} on {plan.host}",
            hint=f"`migrate {render_word(others[0])} to <host>` moves {_verb(others, 'it', 'one')}",
        )


def _check_operations(plan: MaintenancePlan, busy: Sequence[Operation]) -> Iterator[Finding]:
    for operation in busy:
        move = operation.plan.move
        agreed = operation.confirmed_by is not None and operation.state is not State.SCHEDULED
        if not agreed or plan.host not in (move.source, move.destination):
            continue
        if move.destination == plan.host:
            yield warning("operation", f"{operation.id} is to move {move.vm_name} here, which a paused node refuses")
        else:
            yield warning("operation", f"{operation.id} is moving {move.vm_name} away from here by itself")


def _free_bytes(node: str, roster: Roster, estate: Estate) -> int | None:
    for seen in estate.hosts:
        if seen.info is not None and seen.info.cluster == roster.cluster.name and same_computer(seen.info.fqdn, node):
            return seen.info.memory_free_bytes
    return None


def _verb(items: Sequence[object], one: str, several: str) -> str:
    return one if len(items) == 1 else several
