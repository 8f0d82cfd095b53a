"""What the cards of changes of a host have in common. Each claims what its row knows and nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.core.host_change import HostChange
from bot.core.lifecycle import State
from bot.core.recorded import (
    BY_SOMEBODY,
    again_button,
    agreement_buttons,
    render_closing,
    render_declined,
    render_meaning,
    render_missing,
    render_people,
)
from bot.core.reply import Button, Code, Line, Mark, Note, Part, Text, User
from bot.core.wording import capital

MARKS = {State.SUCCEEDED: Mark.FINE, State.FAILED: Mark.BLOCKING, State.NEEDS_ATTENTION: Mark.WARNING}


def render_status_line(change: HostChange) -> Line:
    said = [str(change.state), change.plan.command, render_missing(change)]
    if change.ended and change.outcome:
        said.append(change.outcome.summary)
    elif change.waiting:
        said.append(change.waiting)
    return (Code(text=change.id), " " + " · ".join(filter(None, said)))


def make_buttons(change: HostChange, *, stoppable: bool = False) -> tuple[Button, ...]:
    """
    Args:
        stoppable: it may be cancelled while it is carried out, too.
    """
    cancel = Button(label="Cancel", sends=f"cancel {change.id}")
    match change.state:
        case State.PROPOSED | State.AWAITING_APPROVAL | State.SCHEDULED:
            return agreement_buttons(change)
        case State.QUEUED:
            return (cancel,)
        case State.GRANTED | State.RUNNING if stoppable and not change.cancel_asked:
            return (cancel,)
        case State.FAILED | State.EXPIRED:
            return (again_button(change, change.plan.command),)
        case State.NEEDS_ATTENTION:
            return (Button(label="Look again", sends=f"look {change.id}"),)
        case _:
            return ()


def render_end(change: HostChange, buttons: Sequence[Button], afterwards: Line = ()) -> Iterator[Part]:
    """What goes on or came out, what to type next, and whose doing it was.

    Args:
        buttons: of the card.
        afterwards: what may be typed once it has succeeded.
    """
    if change.waiting and not change.ended and not (change.holds and change.state is State.QUEUED):
        yield Text(lines=((capital(change.waiting, *change.plan.names),),))
    if change.state is State.DECLINED:
        yield render_declined(change)
    elif change.outcome is not None:
        fine = change.state is State.SUCCEEDED
        summary = f"Verified: {change.outcome.summary}" if fine else change.outcome.summary
        yield Text(lines=((capital(summary, *change.plan.names),),), mark=Mark.FINE if fine else Mark.NONE)
        yield from render_meaning(change.outcome, buttons)
    if change.state is State.SUCCEEDED and afterwards:
        yield Text(lines=(afterwards,))
    if change.state is State.NEEDS_ATTENTION:
        yield render_closing(change)
    yield Note(line=_people(change))


def _people(change: HostChange) -> Line:
    line = render_people(change)
    if change.cancelled_by:
        done = str(change.state) if change.state in BY_SOMEBODY else "cancel asked"
        line = (*line, f", {done} by ", User(id=change.cancelled_by))
    return line
