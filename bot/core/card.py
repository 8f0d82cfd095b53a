"""The card of an operation: its row as an answer. The one place for the wording of operations; knows no Slack.

A card claims what the row knows and nothing more. It says in every state what happens next, or what to type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from bot.core.findings import render_findings
from bot.core.lifecycle import PLANNED, State
from bot.core.names import UserId
from bot.core.operation import Operation
from bot.core.plan import Move, MoveKind
from bot.core.progress import time_left_s
from bot.core.recorded import (
    again_button,
    agreement_buttons,
    render_agreement,
    render_badge,
    render_closing,
    render_declined,
    render_meaning,
    render_missing,
    render_people,
)
from bot.core.reply import Bar, Button, Code, Line, Mark, Moment, Note, Part, Reply, Strong, Text, User
from bot.core.wording import capital, render_about, render_duration

_MARKS = {
    State.SUCCEEDED: Mark.FINE,
    State.FAILED: Mark.BLOCKING,
    State.NEEDS_ATTENTION: Mark.WARNING,
}


def render_card(operation: Operation, now: datetime) -> Reply:
    """The card as the row has it now."""
    return Reply(
        title=(Strong(text=_title(operation)),),
        badge=render_badge(operation),
        parts=tuple(_body(operation, now)),
        buttons=_buttons(operation),
        mark=_MARKS.get(operation.state, Mark.NONE),
    )


def render_status_line(operation: Operation, now: datetime) -> Line:
    """One line for a list of operations: `m-12` running, 47 % · VM-01 from host01 to host02 · about 6 s left."""
    move = operation.plan.move
    state = f"{operation.state}, {operation.percent} %" if operation.state is State.RUNNING else str(operation.state)
    said = [state, f"{_subject(move)} {_route(move)}"]
    said.append(render_missing(operation))
    if operation.state is State.RUNNING:
        said.append(_time(operation, now))
    elif operation.state is State.QUEUED and operation.waiting:
        said.append(operation.waiting)
    elif operation.ended and operation.outcome:
        said.append(operation.outcome.summary)
    return (Code(text=operation.id), " " + " · ".join(filter(None, said)))


def _body(operation: Operation, now: datetime) -> Iterable[Part]:
    return _running(operation, now) if operation.state is State.RUNNING else _BODIES[operation.state](operation)


# Phrases


def _subject(move: Move) -> str:
    return {
        MoveKind.LIVE: move.vm_name,
        MoveKind.SHARED_NOTHING: f"{move.vm_name} with its storage",
        MoveKind.STORAGE: f"the storage of {move.vm_name}",
        MoveKind.CLUSTER: move.vm_name,
    }[move.kind]


def _goal(move: Move) -> str:
    return (move.storage_path or move.destination) if move.kind is MoveKind.STORAGE else move.destination


def _route(move: Move) -> str:
    return f"to {_goal(move)}" if move.kind is MoveKind.STORAGE else f"from {move.source} to {_goal(move)}"


def _there(move: Move) -> str:
    return f"{'at' if move.kind is MoveKind.STORAGE else 'on'} {_goal(move)}"


def _hosts(move: Move) -> str:
    return move.source if move.source == move.destination else f"{move.source} and {move.destination}"


def _title(operation: Operation) -> str:
    move = operation.plan.move
    subject, route = _subject(move), _route(move)
    the_move = f"the move of {subject} to {_goal(move)}"
    if operation.cancel_asked and operation.state in (State.GRANTED, State.RUNNING):
        return f"Cancelling {the_move}"
    return capital(
        {
            State.PROPOSED: f"Move {subject} {route}?",
            State.AWAITING_APPROVAL: f"Approve to move {subject} {route}?",
            State.SCHEDULED: f"{subject} is to move {route} later",
            State.QUEUED: f"{subject} waits to move {route}",
            State.GRANTED: f"{subject} is about to move {route}",
            State.RUNNING: f"{subject} is moving {route}",
            State.VERIFYING: f"Checking whether {subject} is {_there(move)}",
            State.SUCCEEDED: f"{subject} is {_there(move)}",
            State.FAILED: f"{the_move} did not succeed",
            State.NEEDS_ATTENTION: f"{the_move} needs attention",
            State.CLOSED: f"{the_move} was closed",
            State.CANCELLED: f"{the_move} was cancelled",
            State.DECLINED: f"{the_move} was declined",
            State.EXPIRED: f"the offer to move {subject} {route} has ended",
        }[operation.state],
        move.vm_name,
    )


def _say(operation: Operation, text: str) -> str:
    """A sentence: most begin with a name of the move."""
    move = operation.plan.move
    return capital(text, move.vm_name, move.source, move.destination)


def _buttons(operation: Operation) -> tuple[Button, ...]:
    cancel = Button(label="Cancel", sends=f"cancel {operation.id}")
    if operation.state in PLANNED:
        return agreement_buttons(operation)
    if operation.state in (State.QUEUED, State.GRANTED, State.RUNNING):
        return () if operation.cancel_asked else (cancel,)
    if operation.state in (State.FAILED, State.EXPIRED):
        return (again_button(operation, operation.plan.command),)
    if operation.state is State.NEEDS_ATTENTION:
        look = Button(label="Look again", sends=f"look {operation.id}")
        return (look, cancel) if operation.recallable else (look,)
    return ()


# Bodies, one for each state


def _proposed(operation: Operation) -> Iterable[Part]:
    plan = operation.plan
    summary, *details = plan.facts or ("",)
    yield Text(lines=((" · ".join(filter(None, (plan.move.words, summary))),), *((fact,) for fact in details)))
    yield from render_findings(plan.findings)
    agreement = list(render_agreement(operation))
    estimate = (capital(f"{render_about(plan.estimate.seconds)}: {plan.estimate.basis}."),)
    yield Text(lines=(estimate, *(line for text in agreement[:1] for line in text.lines)))
    yield from agreement[1:]
    yield Note(line=(*render_people(operation), " · VM id ", Code(text=plan.move.vm)))


def _queued(operation: Operation) -> Iterable[Part]:
    if not operation.holds:  # which the card begins with
        waiting = operation.waiting or f"it starts as soon as {_hosts(operation.plan.move)} can take it"
        yield Text(lines=((f"Waiting: {waiting}",),))
    yield _people(operation)


def _granted(operation: Operation) -> Iterable[Part]:
    if operation.cancel_asked:
        yield from _cancelling(operation, ": it is not started, unless its order has left already.")
    else:
        yield Text(lines=((_say(operation, operation.waiting) or _look_once_more(operation.plan.move),),))
    yield _people(operation)


def _look_once_more(move: Move) -> str:
    verb = "is" if move.source == move.destination else "are"
    return f"{_hosts(move)} {verb} looked at once more, then it starts."


def _running(operation: Operation, now: datetime) -> Iterable[Part]:
    yield Bar(percent=min(100, max(0, operation.percent)), line=(_time(operation, now),))
    if operation.waiting:
        yield Text(lines=((_say(operation, operation.waiting),),))
    yield from _cancelling(operation, "; the host decides whether it is still in time.")
    yield _people(operation)


def _time(operation: Operation, now: datetime) -> str:
    """Time gone and left, as far as they are known: "5 s gone, about 6 s left"."""
    if operation.started_at is None:
        return ""
    elapsed_s = max(0.0, (now - operation.started_at).total_seconds())
    left_s = time_left_s(operation.percent, elapsed_s, operation.plan.estimate.seconds)
    if operation.waiting:  # it is not going on as it was, as far as anybody knows
        left = ""
    elif left_s is not None:
        left = f", {render_about(left_s)} left"
    else:
        left = "" if operation.percent else ", longer than estimated"
    return f"{render_duration(elapsed_s)} gone{left}"


def _cancelling(operation: Operation, what: str) -> Iterable[Part]:
    if operation.cancel_asked:
        by: Line = (" by ", User(id=operation.cancelled_by)) if operation.cancelled_by else ()
        yield Text(lines=(("Cancel was asked", *by, what),))


def _verifying(operation: Operation) -> Iterable[Part]:
    yield Text(lines=((f"The move has ended; Ferry looks at {_hosts(operation.plan.move)}.",),))
    yield _people(operation)


def _succeeded(operation: Operation) -> Iterable[Part]:
    if operation.outcome and operation.outcome.summary:
        yield Text(lines=((f"Verified: {operation.outcome.summary}",),), mark=Mark.FINE)
    yield _people(operation)


def _failed(operation: Operation) -> Iterable[Part]:
    yield from _outcome(operation)
    yield _people(operation)


def _in_doubt(operation: Operation) -> Iterable[Part]:
    yield from _outcome(operation)
    if operation.recallable:
        yield Text(lines=((f"Cancel asks {operation.plan.move.source} to stop it.",),))
    yield render_closing(operation)
    yield _people(operation)


def _closed(operation: Operation) -> Iterable[Part]:
    if operation.outcome:
        yield Text(lines=((_say(operation, operation.outcome.summary),),))
        if operation.outcome.cause:
            yield Text(lines=((f"Last seen: {operation.outcome.cause}",),))
    yield _people(operation, "closed", operation.cancelled_by)


def _outcome(operation: Operation) -> Iterable[Part]:
    outcome = operation.outcome
    if outcome is None:
        return
    if outcome.summary:
        yield Text(lines=((_say(operation, outcome.summary),),))
    yield from render_meaning(outcome, _buttons(operation))


def _cancelled(operation: Operation) -> Iterable[Part]:
    if operation.outcome:
        yield from _outcome(operation)
    elif operation.started_at is None:
        yield Text(lines=(("Nothing was started.",),))
    yield _people(operation, "cancelled", operation.cancelled_by)


def _declined(operation: Operation) -> Iterable[Part]:
    yield render_declined(operation)
    yield _people(operation, "declined", operation.cancelled_by)


def _expired(operation: Operation) -> Iterable[Part]:
    """Time was up, or what was offered is no longer so."""
    outcome = operation.outcome
    if outcome and (outcome.cause or outcome.remedy):
        seen: tuple[Line, ...] = ((Strong(text="Seen:"), f" {outcome.cause}"),) if outcome.cause else ()
        yield Text(lines=((_say(operation, f"{outcome.summary}."),), *seen))
    else:
        late = "It was not approved before " if operation.confirmed_by else "Nobody confirmed it before "
        yield Text(lines=((late, Moment(at=operation.expires_at), ". Nothing was changed."),))
    yield _people(operation)


def _people(operation: Operation, ended: str = "", by: UserId | None = None) -> Note:
    """Who asked, who confirmed and when, and who ended it."""
    line = render_people(operation)
    if by:
        line = (*line, f", {ended} by ", User(id=by))
    elif operation.ended and operation.cancel_asked and operation.cancelled_by:
        line = (*line, ", cancel asked by ", User(id=operation.cancelled_by))
    return Note(line=line)


_BODIES: dict[State, Callable[[Operation], Iterable[Part]]] = {
    State.PROPOSED: _proposed,
    State.AWAITING_APPROVAL: _proposed,
    State.SCHEDULED: _proposed,
    State.QUEUED: _queued,
    State.GRANTED: _granted,
    State.VERIFYING: _verifying,
    State.SUCCEEDED: _succeeded,
    State.FAILED: _failed,
    State.NEEDS_ATTENTION: _in_doubt,
    State.CLOSED: _closed,
    State.CANCELLED: _cancelled,
    State.DECLINED: _declined,
    State.EXPIRED: _expired,
}
