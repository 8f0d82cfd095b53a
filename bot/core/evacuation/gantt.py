"""The picture of an evacuation that has ended, as data: every migration that began, from its order to its end."""

from __future__ import annotations

from bot.core.evacuation.plan import Evacuation, EvacuationKind
from bot.core.lifecycle import State
from bot.core.operation import Operation
from bot.core.picture import Bar, BarState, Picture
from bot.core.storage import known_bytes, travelling
from bot.core.wording import render_list

_STATES: dict[State, BarState] = {
    State.SUCCEEDED: "moved",
    State.CANCELLED: "cancelled",
    State.FAILED: "failed",
    State.NEEDS_ATTENTION: "failed",
    State.CLOSED: "failed",
}


def make_picture(evacuation: Evacuation) -> Picture:
    """Of moves that were sent; one that never began has no bar."""
    hosts = render_list(evacuation.plan.hosts)
    bars = tuple(bar for move in evacuation.moves if (bar := _bar(move)) is not None)
    began = evacuation.started_at or evacuation.requested_at
    ended = evacuation.ended_at or max((bar.ended_at for bar in bars), default=began)
    what = "Evacuation of" if evacuation.plan.kind is EvacuationKind.EVACUATION else "Return to"
    return Picture(
        title=f"{what} {hosts}",
        bars=bars,
        began_at=began,
        ended_at=ended,
        predicted_s=evacuation.plan.forecast.seconds,
        note=evacuation.outcome.summary if evacuation.outcome else "",
    )


def _bar(move: Operation) -> Bar | None:
    if move.started_at is None or move.ended_at is None:
        return None
    about = move.plan.move
    storage = known_bytes(travelling(about.disks)) if about.kind.carries_storage else 0
    whole = about.memory_bytes + storage
    return Bar(
        vm=about.vm_name,
        destination=about.destination,
        started_at=move.started_at,
        ended_at=move.ended_at,
        state=_STATES.get(move.state, "running"),
        bytes=whole if move.state is State.SUCCEEDED else whole * move.percent // 100,
    )
