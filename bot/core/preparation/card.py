"""The card of a preparation: its row as an answer. It claims what the row knows and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.core.lifecycle import UNDECIDED, State
from bot.core.preparation.plan import Preparation, render_name, render_value
from bot.core.recorded import agreement_buttons, render_agreement, render_meaning, render_missing, render_people
from bot.core.reply import (
    Button,
    Code,
    Line,
    Mark,
    Note,
    Part,
    Reply,
    Strong,
    Table,
    Text,
    User,
    marked,
)
from bot.core.wording import render_duration

_MARKS = {State.SUCCEEDED: Mark.FINE, State.FAILED: Mark.BLOCKING, State.NEEDS_ATTENTION: Mark.WARNING}
_TITLES = {
    State.PROPOSED: "{doing} {host}?",
    State.AWAITING_APPROVAL: "Approve to set up {host}?",
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


def render_preparation(preparation: Preparation, _now: datetime) -> Reply:
    return Reply(
        title=(Strong(text=_title(preparation)),),
        badge=_badge(preparation),
        parts=tuple(_body(preparation)),
        buttons=_buttons(preparation),
        mark=_MARKS.get(preparation.state, Mark.NONE),
    )


def render_status_line(preparation: Preparation, _now: datetime) -> Line:
    plan, outcome = preparation.plan, preparation.outcome
    said = [str(preparation.state), plan.command, render_missing(preparation)]
    if preparation.ended and outcome:
        said.append(outcome.summary)
    elif preparation.waiting:
        said.append(preparation.waiting)
    return (Code(text=preparation.id), " " + " · ".join(filter(None, said)))


def _title(preparation: Preparation) -> str:
    back = preparation.plan.back
    words = ("Put back settings of", "as it was before", "put back") if back else ("Prepare", *("prepared",) * 2)
    doing, done, failing = words
    return _TITLES[preparation.state].format(host=preparation.plan.host, doing=doing, done=done, failing=failing)


def _badge(preparation: Preparation) -> str:
    began, ended = preparation.started_at, preparation.ended_at
    late = preparation.outcome is not None and preparation.outcome.late
    state = str(preparation.state)
    if preparation.state is State.SUCCEEDED and began and ended and not late:
        state += f" in {render_duration((ended - began).total_seconds())}"
    return f"{preparation.id} · {state}"


def _buttons(preparation: Preparation) -> tuple[Button, ...]:
    cancel = Button(label="Cancel", sends=f"cancel {preparation.id}")
    match preparation.state:
        case State.PROPOSED | State.AWAITING_APPROVAL:
            return agreement_buttons(preparation)
        case State.QUEUED:
            return (cancel,)
        case State.FAILED | State.EXPIRED:
            return (Button(label="Plan it again", sends=preparation.plan.command),)
        case State.NEEDS_ATTENTION:
            return (Button(label="Look again", sends=f"look {preparation.id}"),)
        case _:
            return ()


def _body(preparation: Preparation) -> Iterator[Part]:
    plan = preparation.plan
    rows = tuple(
        (render_name(one.name), render_value(one.name, one.before), render_value(one.name, one.after))
        for one in plan.settings
    )
    yield Table(columns=("Setting", "Before", "After"), rows=rows)
    if preparation.state in UNDECIDED:
        yield from (Text(lines=(marked(note),)) for note in plan.notes)
        yield from render_agreement(preparation)
    if preparation.waiting and not preparation.ended:
        yield Text(lines=((preparation.waiting,),))
    yield from _outcome(preparation)
    if preparation.state is State.SUCCEEDED and not plan.back:
        yield Text(lines=(("To undo it, type ", Code(text=f"prepare {plan.host} back")),))
    if preparation.state is State.NEEDS_ATTENTION:
        yield Text(
            lines=(
                ("To look again, type ", Code(text=f"look {preparation.id}")),
                ("An operator who knows types ", Code(text=f"close {preparation.id} because"), " and the reason"),
            )
        )
    yield Note(line=_people(preparation))


def _outcome(preparation: Preparation) -> Iterator[Part]:
    outcome = preparation.outcome
    if outcome is None:
        return
    fine = preparation.state is State.SUCCEEDED
    summary = f"Verified: {outcome.summary}" if fine else outcome.summary
    yield Text(lines=((summary,),), mark=Mark.FINE if fine else Mark.NONE)
    yield from render_meaning(outcome)


def _people(preparation: Preparation) -> Line:
    line = render_people(preparation)
    if preparation.cancelled_by:
        line = (*line, f", {preparation.state} by ", User(id=preparation.cancelled_by))
    return line
