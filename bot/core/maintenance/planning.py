"""Whether a node can be drained or resumed, and what that would move: what was read of its cluster in, a plan out."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.estate import ClusterNode, DrainStatus, Estate, NodeState, Role, Seen
from bot.core.host_change import HostChange
from bot.core.lifecycle import State
from bot.core.maintenance.checks import check_drain, check_resumption
from bot.core.maintenance.judging import render_owners
from bot.core.maintenance.plan import Maintenance, MaintenancePlan, Passenger, Task
from bot.core.maintenance.roles import find_how, find_obstacle, find_takers
from bot.core.names import same_computer
from bot.core.operation import Operation
from bot.core.roster import Roster
from bot.core.wording import render_list, render_node_state
from bot.errors import Refused


def plan_drain(
    command: str, host: str, roster: Roster, estate: Estate, busy: Sequence[Operation], changes: Sequence[HostChange]
) -> MaintenancePlan:
    """
    Args:
        host: by the settings' name.
        estate: all hosts, asked now, for their memory and for VMs that are no roles.
        busy, changes: what of Ferry's own is open.

    Raises:
        Refused: the node is down, drained or being drained already, or there is no node that could take anything.
    """
    node = _node_of(roster, host, estate)
    _refuse_busy(host, changes)
    _refuse_drained(host, node, roster)
    plan = MaintenancePlan(
        command=command,
        host=host,
        task=Task.DRAIN,
        **_situation(host, node, roster, estate),
        roles=tuple(_passenger(role, roster, node, estate) for role in roster.on(node.name)),
    )
    return plan.model_copy(update={"findings": tuple(check_drain(plan, roster, estate, busy))})


def plan_resumption(
    command: str,
    host: str,
    roster: Roster,
    estate: Estate,
    last: Maintenance | None,
    changes: Sequence[HostChange],
    *,
    failback: bool,
) -> MaintenancePlan:
    """
    Args:
        last: the newest maintenance of this host: what its drain took away is what may come back.

    Raises:
        Refused: the node is down, or not paused.
    """
    node = _node_of(roster, host, estate)
    _refuse_busy(host, changes)
    name = roster.cluster.name
    if node.state != NodeState.PAUSED:
        raise Refused(
            f"{host} is {render_node_state(node.state)} in {name}, not paused",
            needed="a node that is paused",
            hint=f"`cluster {name}` shows its nodes",
        )
    away, source = _taken_away(node, roster, last)
    paused = last is not None and last.plan.task is Task.PAUSE
    plan = MaintenancePlan(
        command=command,
        host=host,
        task=Task.RESUME,
        failback=failback,
        **_situation(host, node, roster, estate),
        roles=tuple(_passenger(role, roster, node, estate, back=True) for role in away),
        source=source,
    )
    return plan.model_copy(update={"findings": tuple(check_resumption(plan, roster, estate, after_evacuation=paused))})


def find_changes(plan: MaintenancePlan, roster: Roster) -> tuple[str, ...]:
    """What differs now from what was offered; empty if nothing that matters."""
    node = roster.cluster.node(plan.node)
    if node is None:
        return (f"{plan.host} is no node of {plan.cluster} any more",)
    if plan.task is not Task.PAUSE and (node.state, node.drain) != (plan.state, plan.drain):
        drain = " and drained" if node.drain == DrainStatus.COMPLETED else ""
        drain = " and being drained" if node.drain == DrainStatus.IN_PROGRESS else drain
        return (f"{plan.host} is {render_node_state(node.state)}{drain} in {plan.cluster} now",)
    return tuple(_moved_on(plan, roster)) if plan.task is Task.DRAIN else ()


def _moved_on(plan: MaintenancePlan, roster: Roster) -> list[str]:
    now = {role.group.name: role for role in roster.on(plan.node)}
    then = {role.group: role for role in plan.roles}
    found = [f"{name} is on {plan.host} now" for name in now if name not in then]
    found += [f"{name} is no longer on {plan.host}" for name in then if name not in now]
    for name in then.keys() & now.keys():
        how, obstacle = find_how(now[name], roster.live_from), find_obstacle(roster, now[name], plan.node)
        if how is not then[name].how:
            found.append(f"{name} would move {how}, and was shown as {then[name].how}")
        if obstacle and not then[name].stays:
            found.append(f"{name} cannot leave: {obstacle}")
    return found


def _situation(host: str, node: ClusterNode, roster: Roster, estate: Estate) -> dict[str, object]:
    others = [
        seen.host
        for seen in estate.hosts
        if seen.host != host and seen.info is not None and seen.info.cluster == roster.cluster.name
    ]
    return {
        "cluster": roster.cluster.name,
        "node": node.name,
        "witnesses": (host, *others),
        "state": node.state,
        "drain": node.drain,
        "live_limit": roster.cluster.live_limit,
    }


def _passenger(role: Role, roster: Roster, node: ClusterNode, estate: Estate, *, back: bool = False) -> Passenger:
    group = role.group
    takers = (node,) if back else find_takers(roster, role, node.name)
    return Passenger(
        group=group.name,
        vm=role.vm,
        name=_name_of(role, estate),
        how=find_how(role, roster.live_from),
        priority=group.priority,
        at=group.owner.lower(),
        to=tuple(taker.name.lower() for taker in takers),
        memory_bytes=_memory_of(role, estate),
        stays="" if back else find_obstacle(roster, role, node.name),
    )


def _name_of(role: Role, estate: Estate) -> str:
    if role.vm is None:
        return ""
    return next((vm.name for vm in estate.with_id(role.vm)), role.group.name)


def _memory_of(role: Role, estate: Estate) -> int | None:
    return next((vm.memory_bytes for vm in estate.with_id(role.vm)), None) if role.vm else None


def _taken_away(node: ClusterNode, roster: Roster, last: Maintenance | None) -> tuple[tuple[Role, ...], str]:
    """What Ferry's last drain of this node moved away, and is still elsewhere."""
    if last is None or last.plan.task is not Task.DRAIN:
        return (), ""
    left = {role.group for role in last.plan.roles}
    away = tuple(
        role for role in roster.roles if role.group.name in left and not same_computer(role.group.owner, node.name)
    )
    return away, last.id


def _node_of(roster: Roster, host: str, estate: Estate) -> ClusterNode:
    seen = estate.on(host)
    computer = seen.info.fqdn if seen is not None and seen.info is not None else host
    node = roster.cluster.node(computer)
    if node is None:
        raise Refused(
            f"{host} is no node of {roster.cluster.name}",
            needed="a node of a failover cluster",
            hint=f"`cluster {roster.cluster.name}` shows its nodes",
        )
    refuse_down(host, roster, estate)
    return node


def refuse_down(host: str, roster: Roster, estate: Estate) -> None:
    """Raises Refused: the node is down, and its cluster has done what could be done."""
    seen = estate.on(host)
    computer = seen.info.fqdn if seen is not None and seen.info is not None else host
    node = roster.cluster.node(computer)
    if node is None or node.state != NodeState.DOWN:
        return
    name = roster.cluster.name
    raise Refused(
        f"{host} is down in {name}: {'; '.join(_render_fate(roster, node, seen))}",
        needed="a node that is up",
        hint=f"`cluster {name}` shows where its virtual machines are",
    )


def _render_fate(roster: Roster, node: ClusterNode, seen: Seen | None) -> list[str]:
    """What became of what a dead node held when it last answered, as far as its cluster tells."""
    held = {vm.id: vm.name for vm in ((seen.held or seen.vms) if seen else ())}
    roles = [role for role in roster.roles if role.vm in held]
    taken = [role.group for role in roles if not same_computer(role.group.owner, node.name)]
    left = [role.group.name for role in roster.on(node.name)]
    known = {role.vm for role in roster.roles}
    others = [name for vm, name in held.items() if vm not in known]
    said = [f"after its failover {render_owners(taken)}"] if taken else []
    if left:
        said.append(f"{render_list(left, most=8)} {'is' if len(left) == 1 else 'are'} left on it and not running")
    if others:
        verb = "is no role of the cluster and is" if len(others) == 1 else "are no roles of the cluster and are"
        said.append(f"{render_list(others, most=8)} {verb} down with it")
    return said or ["what it held is not known"]


def _refuse_busy(host: str, changes: Sequence[HostChange]) -> None:
    """What is scheduled leaves the host free until its time; it may be what is planned here, which has come due."""
    for change in changes:
        agreed = change.confirmed_by is not None and change.state is not State.SCHEDULED
        if change.plan.host == host and agreed:
            raise Refused(
                f"{change.id} is at {host}: {change.plan.command} is {change.state}",
                needed="one operation of a host at a time",
                hint=f"`status {change.id}`, or `cancel {change.id}`",
            )


def _refuse_drained(host: str, node: ClusterNode, roster: Roster) -> None:
    name = roster.cluster.name
    if node.drain == DrainStatus.IN_PROGRESS:
        raise Refused(
            f"{host} is being drained in {name} already, not by an operation of Ferry's that is open",
            needed="a node that is not being drained",
            hint=f"`cluster {name}` shows how far it is; `resume {host}` stops it",
        )
    if node.state == NodeState.PAUSED and not roster.on(node.name):
        raise Refused(
            f"{host} is paused in {name} and owns no virtual machine",
            needed="something to move away",
            hint=f"`resume {host}` lets it take some again",
        )
    if not any(other.state == NodeState.UP for other in roster.cluster.nodes if other.name != node.name):
        raise Refused(
            f"no other node of {name} is up",
            needed="a node that can take what is on this one",
            hint=f"`cluster {name}` shows its nodes",
        )
