"""What the cards of all rows have in common: who asked, confirmed and approved, and what a host said and means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.core.approval import Count
from bot.core.lifecycle import HOLDING, PLANNED, State
from bot.core.names import UserId
from bot.core.operation import Outcome, Recorded
from bot.core.reply import Button, Code, Line, Moment, Part, Quote, Strong, Text, User
from bot.core.wording import render_count, render_duration

BY_SOMEBODY = frozenset({State.CANCELLED, State.DECLINED, State.CLOSED})
"""Ended by a person, whom `cancelled_by` names."""
_OF_NO_LENGTH = frozenset({State.CLOSED, State.DECLINED, State.EXPIRED})
"""Ended, but nothing that was going on ended then."""


def render_badge(row: Recorded, state: str = "") -> str:
    """ "m-12 · succeeded in 11 s". How long it took is left out where only a later look saw the end.

    Args:
        state: as it is called now; empty: as it is.
    """
    if not state:
        state = "cancelling" if row.cancel_asked and row.state in HOLDING else str(row.state)
    timed = row.ended and row.state not in _OF_NO_LENGTH and not (row.outcome and row.outcome.late)
    if timed and row.started_at and row.ended_at:
        taken = render_duration((row.ended_at - row.started_at).total_seconds())
        state += f" in {taken}" if row.state is State.SUCCEEDED else f" after {taken}"
    return f"{row.id} · {state}"


def render_declined(row: Recorded) -> Text:
    reason = f" Reason: {row.outcome.cause}" if row.outcome and row.outcome.cause else ""
    return Text(lines=((f"Nothing was changed.{reason}",),))


def render_closing(row: Recorded) -> Text:
    """What a person may do who knows more than Ferry."""
    close = Code(text=f"close {row.id} because")
    return Text(lines=(("An operator who knows what became of it types ", close, " and the reason."),))


def render_people(row: Recorded) -> Line:
    """Who asked, who confirmed and when."""
    line: Line = ("asked by ", User(id=row.requested_by))
    if row.confirmed_by:
        line = (*line, ", confirmed by ", User(id=row.confirmed_by))
        if row.confirmed_at:
            line = (*line, " ", Moment(at=row.confirmed_at))
    if approved := dict.fromkeys(one for count in row.counts for one in count.by):
        line = (*line, ", approved by ", *_listed(tuple(approved)))
    return line


def render_agreement(row: Recorded) -> Iterator[Text]:
    """Until when people may decide, and what their decision needs."""
    if row.state in PLANNED and row.begins_at is not None:
        promise = ": it is planned again then, and asks again instead if something that matters has changed."
        yield Text(lines=(("Begins ", Moment(at=row.begins_at), promise),))
    if row.state is State.PROPOSED:
        promise = "Nothing changes until someone confirms. This offer ends "
        yield Text(lines=((promise, Moment(at=row.expires_at), "."),))
        if row.counts:
            yield Text(lines=(("Then it has to be approved:",), *map(render_needed, row.counts)))
    elif row.state is State.AWAITING_APPROVAL:
        promise = "Nothing changes until it is approved. The time for that ends "
        yield Text(lines=((promise, Moment(at=row.expires_at), "."), *map(_render_standing, row.counts)))


def agreement_buttons(row: Recorded, confirm: str = "Confirm") -> tuple[Button, ...]:
    """What can be pressed while people decide; the label for confirming says what it does."""
    cancel = Button(label="Cancel", sends=f"cancel {row.id}")
    if row.state is State.SCHEDULED:
        return (cancel,)
    if row.state is State.PROPOSED:
        return (Button(label=confirm, sends=f"confirm {row.id}", style="primary"), cancel)
    if row.state is not State.AWAITING_APPROVAL:
        return ()
    approve = Button(label="Approve", sends=f"approve {row.id}", style="primary")
    decline = Button(label="Decline", sends=f"form decline {row.id}", typed=f"decline {row.id} because …")
    return (approve, decline, cancel.model_copy(update={"label": "Withdraw"}))


def again_button(row: Recorded, command: str) -> Button:
    """For what has come to nothing: plan it again, or see what is offered in its place already."""
    instead = row.outcome.remedy if row.outcome else ""
    if row.state is State.EXPIRED and instead.startswith("status "):
        return Button(label=f"Show {instead.removeprefix('status ')}", sends=instead)
    return Button(label="Plan it again", sends=command)


def render_missing(row: Recorded) -> str:
    """For a list of operations: "2 approvals missing"; empty where none is waited for."""
    missing = sum(count.missing for count in row.counts) if row.state is State.AWAITING_APPROVAL else 0
    return f"{render_count(missing, 'approval')} missing" if missing else ""


def render_reminder(counts: Sequence[Count]) -> Line:
    """For the thread, when the time to approve is soon over."""
    missing = [(*_render_standing(one), "; ") for one in counts if one.missing]
    return ("still waits for approval: ", *(span for line in missing for span in line), "the time for it is soon over")


def render_needed(count: Count) -> Line:
    """ "critical: 2 approvals from @bob, S0OPS, not from who asked"."""
    line: Line = (Code(text=count.name), f": {render_count(count.needed, 'approval')}")
    if count.of:
        line = (*line, " from ", *_listed(count.of))
    return line if count.requester else (*line, ", not from who asked")


def _render_standing(count: Count) -> Line:
    """ "critical: 1 of 2 approvals, by @bob"."""
    line: Line = (Code(text=count.name), f": {len(count.by)} of {render_count(count.needed, 'approval')}")
    if count.by:
        line = (*line, ", by ", *_listed(count.by))
    if count.missing and count.of:
        line = (*line, ", wanted from ", *_listed(count.of))
    return line


def _listed(who: Sequence[str]) -> Line:
    """People as people; a user group by its id, so that nobody is notified."""
    spans: Line = ()
    for one in who:
        named = Strong(text=one) if one.startswith("S") else User(id=UserId(one))
        spans = (*spans, ", ", named) if spans else (named,)
    return spans


def render_meaning(outcome: Outcome, buttons: Sequence[Button] = ()) -> Iterator[Part]:
    """A host's own words, with their cause and what to do. A command that a button types is not said twice."""
    if outcome.words:
        yield Quote(text=outcome.words)
    meaning: list[Line] = []
    if outcome.cause:
        meaning.append((Strong(text="Cause:"), f" {outcome.cause}"))
    if outcome.remedy and outcome.remedy.strip("`") not in [button.sends for button in buttons]:
        meaning.append((Strong(text="Remedy:"), f" {outcome.remedy}"))
    if meaning:
        yield Text(lines=tuple(meaning))
