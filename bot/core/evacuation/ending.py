"""How an evacuation ends: what became of its moves, counted. The only place that decides it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.evacuation.plan import Evacuation, EvacuationKind
from bot.core.lifecycle import OPEN, Event, State
from bot.core.operation import Operation, Outcome
from bot.core.wording import render_count, render_list

FAILED = frozenset({State.FAILED, State.EXPIRED, State.NEEDS_ATTENTION, State.CLOSED})
"""States of a move that did not do what was wanted, or of which that is not known."""


def conclude(evacuation: Evacuation) -> tuple[Event, Outcome] | None:
    """What ends it, and what is said. None: some of its moves have not ended."""
    moves = evacuation.moves
    if any(move.state in OPEN for move in moves):
        return None
    if evacuation.count(State.NEEDS_ATTENTION):
        event = Event.DOUBT
    elif evacuation.cancel_asked and evacuation.count(State.CANCELLED):
        event = Event.CANCEL
    elif evacuation.count(State.SUCCEEDED) < len(moves):
        event = Event.FAIL
    else:
        event = Event.SUCCEED
    return event, Outcome(summary=_render_summary(evacuation), remedy=_remedy(evacuation, event))


def _render_summary(evacuation: Evacuation) -> str:
    """Counts of what was seen: "42 of 45 VMs moved; 2 failed, 1 was cancelled; 3 stay as planned"."""
    moved, all_of_them = evacuation.count(State.SUCCEEDED), len(evacuation.moves)
    verb = "moved" if evacuation.plan.kind is EvacuationKind.EVACUATION else "came home"
    said = [f"{moved} of {render_count(all_of_them, 'VM')} {verb}"]
    others = {
        "failed": evacuation.count(State.FAILED, State.EXPIRED),
        "cancelled": evacuation.count(State.CANCELLED),
        "unknown": evacuation.count(State.NEEDS_ATTENTION, State.CLOSED),
    }
    said += [f"{count} {what}" for what, count in others.items() if count]
    if staying := len(evacuation.plan.staying):
        said.append(f"{staying} stayed, as the plan said")
    return ", ".join(said)


def _remedy(evacuation: Evacuation, event: Event) -> str:
    doubtful = [move.id for move in evacuation.moves if move.state is State.NEEDS_ATTENTION]
    if event is Event.DOUBT:
        return f"look {doubtful[0]}" if len(doubtful) == 1 else f"look at each: {render_list(doubtful)}"
    return "" if event is Event.SUCCEED else f"retry {evacuation.id}"


def failed_moves(moves: Sequence[Operation]) -> tuple[Operation, ...]:
    return tuple(move for move in moves if move.state in FAILED)
