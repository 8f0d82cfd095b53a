"""What a cluster shows of a drain or of a resumption: how far it is, and how it ended.

Facts (Microsoft Learn, Suspend-ClusterNode; clusapi.h): a drain pauses the node first; DrainStatus is then in progress,
and completed or failed at the end, the node paused in each case. Resuming the node stops a drain and sets the status
back. Moves that had begun go on (assumed). A failback has no status of its own: owners tell of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from bot.core.estate import Cluster, ClusterGroup, DrainStatus, GroupState, NodeState
from bot.core.lifecycle import Event
from bot.core.maintenance.plan import MaintenancePlan, Task
from bot.core.names import same_computer
from bot.core.operation import Outcome
from bot.core.wording import render_count, render_group_state, render_list

_AT_REST = frozenset({GroupState.ONLINE, GroupState.OFFLINE})


class Sight(StrEnum):
    """What one look at the cluster says of an order."""

    UNTOUCHED = "untouched"  # the node is as if there had been no order, or is so again
    UNDER_WAY = "under way"
    QUIET = "quiet"  # of a failback: not all is back, and nothing moves
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"  # the node is down, or no node of the cluster any more


def judge(plan: MaintenancePlan, cluster: Cluster) -> Sight:
    node = cluster.node(plan.node)
    if node is None or node.state == NodeState.DOWN:
        return Sight.LOST
    paused = node.state == NodeState.PAUSED
    if plan.task is Task.PAUSE:
        return Sight.DONE if paused else Sight.UNTOUCHED
    if plan.task is Task.DRAIN:
        ends = {DrainStatus.COMPLETED: Sight.DONE, DrainStatus.FAILED: Sight.FAILED}
        if node.drain == DrainStatus.IN_PROGRESS:
            return Sight.UNDER_WAY
        return ends.get(DrainStatus(node.drain), Sight.UNTOUCHED) if paused and node.drain in ends else Sight.UNTOUCHED
    if paused or node.drain == DrainStatus.IN_PROGRESS:
        return Sight.UNTOUCHED
    if not plan.failback or not _away(plan, cluster):
        return Sight.UNDER_WAY if moving(plan, cluster) else Sight.DONE
    return Sight.UNDER_WAY if moving(plan, cluster) else Sight.QUIET


def moving(plan: MaintenancePlan, cluster: Cluster) -> tuple[ClusterGroup, ...]:
    """Of the plan's roles, those that move now or wait for it."""
    return tuple(one for one in _planned(plan, cluster) if one.queued or one.state == GroupState.PENDING)


def remaining(plan: MaintenancePlan, cluster: Cluster) -> tuple[ClusterGroup, ...]:
    """What is still on the node, whatever the plan knew of."""
    return tuple(group for group in cluster.groups if same_computer(group.owner, plan.node))


def _planned(plan: MaintenancePlan, cluster: Cluster) -> tuple[ClusterGroup, ...]:
    names = {role.group for role in plan.roles}
    return tuple(group for group in cluster.groups if group.name in names)


def _away(plan: MaintenancePlan, cluster: Cluster) -> tuple[ClusterGroup, ...]:
    return tuple(group for group in _planned(plan, cluster) if not same_computer(group.owner, plan.node))


def measure(plan: MaintenancePlan, cluster: Cluster) -> tuple[int, str]:
    """Percent, by the number of roles, and the same in words: "3 of 7 have left; VM-01 is moving"."""
    roles = _planned(plan, cluster)
    away = len(_away(plan, cluster))
    done = away if plan.task is Task.DRAIN else len(roles) - away
    verb = "left" if plan.task is Task.DRAIN else "come back"
    said = [f"{done} of {len(roles)} {'has' if done == 1 else 'have'} {verb}"] if roles else []
    running = [group.name for group in moving(plan, cluster) if not group.queued]
    queued = [group.name for group in moving(plan, cluster) if group.queued]
    if running:
        said.append(f"{render_list(running)} {_is(running)} moving")
    if queued:
        said.append(f"{render_list(queued)} {_wait(queued)} for {'its' if len(queued) == 1 else 'their'} turn")
    return (100 * done // len(roles) if roles else 0), "; ".join(said)


def conclude(plan: MaintenancePlan, cluster: Cluster, *, cancelled: bool = False) -> tuple[Event, Outcome] | None:
    """How it ended, by what is there now. None: it is still under way.

    Args:
        cancelled: a person asked for it to be stopped.
    """
    match judge(plan, cluster):
        case Sight.UNDER_WAY:
            return None
        case Sight.DONE if plan.task is Task.DRAIN and _running_there(plan, cluster):
            left = [group.name for group in remaining(plan, cluster)]
            summary = f"{plan.host} counts as drained, and {render_list(left)} {_is(left)} on it"
            return Event.FAIL, Outcome(summary=summary, cause="somebody moved it there since", remedy=plan.command)
        case Sight.DONE:
            late = "; the cancel came too late" if cancelled else ""
            return Event.SUCCEED, Outcome(summary=_render_done(plan, cluster) + late)
        case Sight.FAILED:
            return Event.FAIL, _failed(plan, cluster)
        case Sight.LOST:
            return Event.FAIL, _lost(plan, cluster)
        case _ if cancelled:
            return Event.CANCEL, Outcome(summary=render_stopped(plan, cluster))
        case _:
            return Event.FAIL, _untouched(plan, cluster)


def _running_there(plan: MaintenancePlan, cluster: Cluster) -> bool:
    return any(group.state != GroupState.OFFLINE for group in remaining(plan, cluster))


def _render_done(plan: MaintenancePlan, cluster: Cluster) -> str:
    if plan.task is Task.RESUME:
        back = [group.name for group in _planned(plan, cluster)] if plan.failback else []
        returned = f"; {render_list(back, most=8)} {_is(back)} back" if back else ""
        return f"{plan.host} is up in {plan.cluster} and takes virtual machines again{returned}"
    if plan.task is Task.PAUSE:
        return f"{plan.host} is paused in {plan.cluster}"
    there = [group.name for group in remaining(plan, cluster)]
    rest = f"; {render_list(there)}, which {_is(there)} off, stayed" if there else ""
    gone = render_owners(_away(plan, cluster))
    return f"{plan.host} is paused and drained" + (f"; {gone}" if gone else "") + rest


def render_owners(groups: Iterable[ClusterGroup]) -> str:
    """ "host02 has VM-01 and APP-01, host03 has SQL-01 (failed)"."""
    by: dict[str, list[str]] = {}
    for group in groups:
        state = "" if group.state in _AT_REST else f" ({render_group_state(group.state)})"
        by.setdefault(group.owner.lower(), []).append(f"{group.name}{state}")
    return ", ".join(f"{owner} has {render_list(names, most=8)}" for owner, names in sorted(by.items()))


def render_stopped(plan: MaintenancePlan, cluster: Cluster) -> str:
    """Who is where, once a drain was stopped."""
    node = cluster.node(plan.node)
    up = node is not None and node.state == NodeState.UP
    gone = render_owners(_away(plan, cluster))
    stayed = [group.name for group in remaining(plan, cluster)]
    said = [f"{plan.host} takes part in {plan.cluster} again" if up else f"{plan.host} is still paused"]
    said.append(f"{gone} by now" if gone else "nothing has moved")
    if stayed:
        said.append(f"{render_list(stayed, most=8)} stayed")
    return "; ".join(said)


def _failed(plan: MaintenancePlan, cluster: Cluster) -> Outcome:
    stayed = [group.name for group in remaining(plan, cluster)]
    gone = render_owners(_away(plan, cluster))
    kept = f"{render_list(stayed, most=8)} stayed" if stayed else "nothing is left on it"
    return Outcome(
        summary=f"{plan.cluster} could not drain {plan.host}, which is still paused: {kept}"
        + (f"; {gone}" if gone else ""),
        remedy=f"mend that, then `{plan.command}` goes on; `resume {plan.host}` lets it take virtual machines again",
    )


def _lost(plan: MaintenancePlan, cluster: Cluster) -> Outcome:
    node = cluster.node(plan.node)
    what = f"{plan.host} went down" if node else f"{plan.host} is no node of {plan.cluster} any more"
    elsewhere = render_owners(_away(plan, cluster))
    return Outcome(
        summary=what + (f"; {elsewhere}" if elsewhere else ""),
        cause="its cluster starts anew elsewhere what a dead node held" if node else "",
        remedy=f"`cluster {plan.cluster}` shows where everything is",
    )


def _untouched(plan: MaintenancePlan, cluster: Cluster) -> Outcome:
    if plan.task is Task.PAUSE:
        cause = "the order did not arrive, or somebody has resumed it since; it is not sent twice"
        return Outcome(summary=f"{plan.host} takes part in {plan.cluster}", cause=cause)
    if plan.task is Task.RESUME:
        node = cluster.node(plan.node)
        if node is not None and node.state == NodeState.PAUSED:
            cause = "the order did not arrive, or somebody paused it again; it is not sent twice"
            return Outcome(summary=f"{plan.host} is still paused", cause=cause, remedy=f"`{plan.command}`")
        away = _away(plan, cluster)
        names = [group.name for group in away]
        return Outcome(
            summary=f"{plan.host} is up in {plan.cluster}, and not everything is back: {render_owners(away)}",
            cause="its cluster did not bring it back" if len(names) == 1 else "its cluster did not bring them back",
            remedy=f"`migrate {names[0]} to {plan.host}`" if len(names) == 1 else "`migrate <vm> to " + plan.host + "`",
        )
    gone = render_owners(_away(plan, cluster))
    return Outcome(
        summary=f"{plan.host} is not being drained"
        + (f"; {gone}" if gone else f"; {render_count(len(remaining(plan, cluster)), 'VM')} on it"),
        cause="the order did not arrive, or somebody has resumed the node since; it is not sent twice",
        remedy=f"`{plan.command}`",
    )


def _is(items: list[str]) -> str:
    return "is" if len(items) == 1 else "are"


def _wait(items: list[str]) -> str:
    return "waits" if len(items) == 1 else "wait"
