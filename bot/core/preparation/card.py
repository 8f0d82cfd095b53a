"""The card of a preparation: its row as an answer. It claims what the row knows and nothing more."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.host_card import MARKS, make_buttons, render_badge, render_end
from bot.core.lifecycle import PLANNED, State
from bot.core.preparation.plan import Preparation, render_name, render_value
from bot.core.recorded import render_agreement
from bot.core.reply import Code, Mark, Part, Reply, Strong, Table, Text, marked

_TITLES = {
    State.PROPOSED: "{doing} {host}?",
    State.AWAITING_APPROVAL: "Approve to set up {host}?",
    State.SCHEDULED: "{host} is to be set up later",
    State.QUEUED: "{host} waits to be set up",
    State.GRANTED: "{host} is about to be set up",
    State.RUNNING: "{host} is being set up",
    State.VERIFYING: "Checking the settings of {host}",
    State.SUCCEEDED: "{host} is {done}",
    State.FAILED: "{host} was not {failing}",
    State.NEEDS_ATTENTION: "The settings of {host} need attention",
    State.CLOSED: "The preparation of {host} was closed",
    State.CANCELLED: "The preparation of {host} was cancelled",
    State.DECLINED: "The preparation of {host} was declined",
    State.EXPIRED: "The offer to set up {host} has ended",
}


def render_preparation(preparation: Preparation) -> Reply:
    return Reply(
        title=(Strong(text=_title(preparation)),),
        badge=render_badge(preparation),
        parts=tuple(_body(preparation)),
        buttons=make_buttons(preparation),
        mark=MARKS.get(preparation.state, Mark.NONE),
    )


def _title(preparation: Preparation) -> str:
    back = preparation.plan.back
    words = ("Put back settings of", "as it was before", "put back") if back else ("Prepare", *("prepared",) * 2)
    doing, done, failing = words
    return _TITLES[preparation.state].format(host=preparation.plan.host, doing=doing, done=done, failing=failing)


def _body(preparation: Preparation) -> Iterator[Part]:
    plan = preparation.plan
    rows = tuple(
        (render_name(one.name), render_value(one.name, one.before), render_value(one.name, one.after))
        for one in plan.settings
    )
    yield Table(columns=("Setting", "Before", "After"), rows=rows)
    if preparation.state in PLANNED:
        yield from (Text(lines=(marked(note),)) for note in plan.notes)
    yield from render_agreement(preparation)
    undo = ("To undo it, type ", Code(text=f"prepare {plan.host} back"))
    yield from render_end(preparation, () if plan.back else undo)
