"""The card of a preparation: its row as an answer. It claims what the row knows and nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.core.host_card import MARKS, make_buttons, render_end
from bot.core.lifecycle import PLANNED, State
from bot.core.preparation.plan import Preparation, render_name, render_value
from bot.core.recorded import render_agreement, render_badge
from bot.core.reply import Button, Code, Mark, Part, Reply, Strong, Table, Text, marked

_NOTHING_SET = frozenset({State.CANCELLED, State.DECLINED, State.EXPIRED})
_TITLES = {
    State.PROPOSED: "Prepare {host}?",
    State.AWAITING_APPROVAL: "Approve to prepare {host}?",
    State.SCHEDULED: "{host} is to be prepared later",
    State.QUEUED: "{host} waits to be prepared",
    State.GRANTED: "{host} is about to be prepared",
    State.RUNNING: "{host} is being prepared",
    State.VERIFYING: "Checking the settings of {host}",
    State.SUCCEEDED: "{host} is prepared",
    State.FAILED: "{host} was not prepared",
    State.NEEDS_ATTENTION: "The settings of {host} need attention",
    State.CLOSED: "The preparation of {host} was closed",
    State.CANCELLED: "The preparation of {host} was cancelled",
    State.DECLINED: "The preparation of {host} was declined",
    State.EXPIRED: "The offer to prepare {host} has ended",
}
_TITLES_BACK = _TITLES | {
    State.PROPOSED: "Put the settings of {host} back?",
    State.AWAITING_APPROVAL: "Approve to put the settings of {host} back?",
    State.SCHEDULED: "The settings of {host} are to be put back later",
    State.QUEUED: "The settings of {host} wait to be put back",
    State.GRANTED: "The settings of {host} are about to be put back",
    State.RUNNING: "The settings of {host} are being put back",
    State.SUCCEEDED: "{host} is as it was before",
    State.FAILED: "The settings of {host} were not put back",
    State.CLOSED: "Putting back the settings of {host} was closed",
    State.CANCELLED: "Putting back the settings of {host} was cancelled",
    State.DECLINED: "Putting back the settings of {host} was declined",
    State.EXPIRED: "The offer to put the settings of {host} back has ended",
}


def render_preparation(preparation: Preparation) -> Reply:
    plan, buttons = preparation.plan, make_buttons(preparation)
    titles = _TITLES_BACK if plan.back else _TITLES
    return Reply(
        title=(Strong(text=titles[preparation.state].format(host=plan.host)),),
        badge=render_badge(preparation),
        parts=tuple(_body(preparation, buttons)),
        buttons=buttons,
        mark=MARKS.get(preparation.state, Mark.NONE),
    )


def _body(preparation: Preparation, buttons: Sequence[Button]) -> Iterator[Part]:
    plan = preparation.plan
    rows = tuple(
        (render_name(one.name), render_value(one.name, one.before), render_value(one.name, one.after))
        for one in plan.settings
    )
    if preparation.state not in _NOTHING_SET:
        yield Table(columns=("Setting", "Before", "To be"), rows=rows)
    if preparation.state in PLANNED:
        yield from (Text(lines=(marked(note),)) for note in plan.notes)
    yield from render_agreement(preparation)
    undo = ("To undo it, type ", Code(text=f"prepare {plan.host} back"))
    yield from render_end(preparation, buttons, () if plan.back else undo)
