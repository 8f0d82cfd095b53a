"""What differs from an evacuation that was offered, and matters: for each of its moves what would for a single one."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.estate import Census
from bot.core.evacuation.plan import EvacuationPlan, Leg
from bot.core.evacuation.tied import once_moved
from bot.core.preflight import changes
from bot.core.roster import NONE, Rosters


def find_changes(
    plan: EvacuationPlan,
    censuses: Sequence[Census],
    memory_reserve_bytes: int,
    rosters: Rosters = NONE,
) -> tuple[str, ...]:
    """Sentences; empty if nothing that matters differs.

    Room at a destination that earlier moves are to make, and rivals that they are to take away from there, are looked
    at when it is needed.

    Args:
        censuses: of every host that a move begins or ends at, asked just now.
        rosters: of the clusters that they are nodes of.
    """
    seen = {census.host: census for census in censuses}
    silent = [f"{census.host} gives no answer: {census.failure}" for census in censuses if census.info is None]
    if silent:
        return tuple(silent)
    return tuple(
        text
        for leg in plan.legs
        for text in _leg_changes(leg, seen, memory_reserve_bytes, once_moved(rosters, _before(leg, plan)))
    )


def _before(leg: Leg, plan: EvacuationPlan) -> list[Leg]:
    """The legs that make room for this one."""
    return [one for one in plan.legs if one.makes_room and one.stage < leg.stage]


def _leg_changes(leg: Leg, seen: dict[str, Census], memory_reserve_bytes: int, rosters: Rosters) -> tuple[str, ...]:
    move = leg.plan.move
    source, destination = seen[move.source], seen[move.destination]
    assert source.info is not None
    assert destination.info is not None
    vm = next((one for one in source.vms if one.id == move.vm), None)
    found = destination.info
    if leg.stage:
        found = found.model_copy(update={"memory_free_bytes": found.memory_bytes})
    reserve = 0 if leg.stage else memory_reserve_bytes
    roster = rosters.get(move.source)
    cluster, role = (roster.cluster, roster.role_of(move.vm)) if roster else (None, None)
    return changes(leg.plan, vm, source.info, found, reserve, cluster, role)
