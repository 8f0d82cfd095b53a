"""Nodes that are paused before they are emptied, so that nothing lands on them meanwhile: planned, and shown.

A paused node keeps what it has and takes nothing. It stays paused afterwards: whoever emptied it has something to do on
it, and says when that is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.core.estate import Census, ClusterNode, NodeState
from bot.core.evacuation.plan import Evacuation, EvacuationPlan
from bot.core.lifecycle import OPEN, State
from bot.core.maintenance import MaintenancePlan, Task
from bot.core.reply import Line, Part, Text, marked
from bot.core.roster import Rosters
from bot.core.wording import render_list


def add_pauses(plan: EvacuationPlan, censuses: Sequence[Census], rosters: Rosters) -> EvacuationPlan:
    """The plan, with those of its hosts that are nodes paused first; of one that is paused already that is said."""
    answered = {census.host: census.info for census in censuses if census.info is not None}
    pauses, notes = [], []
    for host in plan.hosts:
        roster, info = rosters.get(host), answered.get(host)
        node = roster.cluster.node(info.fqdn) if roster and info else None
        if roster is None or node is None:
            continue
        if node.state == NodeState.PAUSED:
            notes.append(f"{host} is paused in {roster.cluster.name} already, and stays so: {_way_back(host)}")
        elif node.state == NodeState.UP:
            witnesses = [name for name in answered if name in rosters and rosters[name] == roster and name != host]
            pauses.append(_plan_pause(plan.command, host, roster.cluster.name, node, witnesses))
    return plan.model_copy(update={"pauses": tuple(pauses), "notes": (*notes, *plan.notes)})


def _plan_pause(command: str, host: str, cluster: str, node: ClusterNode, witnesses: Sequence[str]) -> MaintenancePlan:
    return MaintenancePlan(
        command=command,
        host=host,
        task=Task.PAUSE,
        cluster=cluster,
        node=node.name,
        witnesses=(host, *witnesses),
        state=node.state,
        drain=node.drain,
    )


def _way_back(host: str) -> str:
    return f"`resume {host}` lets it take virtual machines again"


def render_intent(plan: EvacuationPlan) -> Iterator[Part]:
    """Of an offer."""
    for pause in plan.pauses:
        first = f"First {pause.host} is paused in {pause.cluster}, so that nothing lands on it"
        yield Text(lines=(marked(f"{first}. It stays paused afterwards: {_way_back(pause.host)}."),))


def render_pauses(evacuation: Evacuation) -> Iterator[Part]:
    """Of what is under way or over, as far as the rows know."""
    lines: list[Line] = []
    for pause in evacuation.pauses:
        plan = pause.plan
        if pause.state in OPEN and not evacuation.ended:
            lines.append((f"{plan.host} is being paused in {plan.cluster}; then its virtual machines leave.",))
        elif pause.state is State.SUCCEEDED and evacuation.ended:
            lines.append(marked(f"{plan.host} stays paused in {plan.cluster}: {_way_back(plan.host)}"))
        elif pause.ended and pause.state is not State.SUCCEEDED:
            why = pause.outcome.summary if pause.outcome else str(pause.state)
            lines.append((f"{plan.host} was not paused: {why}",))
    if lines:
        yield Text(lines=tuple(lines))


def unpaused(evacuation: Evacuation) -> str:
    """The hosts that were to be paused and were not."""
    failed = (one.plan.host for one in evacuation.pauses if one.ended and one.state is not State.SUCCEEDED)
    return render_list(list(failed))
