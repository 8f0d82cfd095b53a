"""What is said to the one who was second: somebody else has decided, or time has."""

from __future__ import annotations

from bot.core.lifecycle import State
from bot.core.names import UserId
from bot.core.operation import Outcome, Recorded
from bot.core.reply import Code, Mark, Moment, Note, Reply, Span, Text, User


def render_decided(operation: Recorded, command: str) -> Reply:
    """Somebody was first, or time was. Only the person who pressed sees it."""
    match operation.state:
        case State.DECLINED:
            line = _by(operation, "was declined", operation.cancelled_by)
        case State.EXPIRED:
            line = (f"the offer {operation.id} has ended. To plan it again: ", Code(text=command))
        case State.AWAITING_APPROVAL:
            line = (*_by(operation, "was already confirmed", operation.confirmed_by), ", and awaits approval")
        case _ if operation.ended:
            line = (f"{operation.id} has ended: {operation.state.value}",)
        case _:
            line = _by(operation, "was already confirmed", operation.confirmed_by)
            if operation.confirmed_at is not None:
                line = (*line, " at ", Moment(at=operation.confirmed_at))
    return Reply(title=line, private=True, mark=Mark.WARNING)


def render_overtaken(operation: Recorded, command: str, outcome: Outcome) -> Reply:
    """The offer ended at the click: its time was up, or the world is no longer as it was shown."""
    saw = f"{outcome.summary}: {outcome.cause}" if outcome.cause else outcome.summary
    return Reply(
        title=(f"{operation.id}: {saw}",),
        parts=(Note(line=("To plan it again: ", Code(text=command))),),
        mark=Mark.WARNING,
    )


def render_cancel_asked(operation: Recorded) -> Reply:
    return Reply(
        title=_by(operation, "was already told to stop", operation.cancelled_by),
        parts=(Text(lines=(("Where the virtual machine is afterwards decides what the card says.",),)),),
        private=True,
    )


def _by(operation: Recorded, what: str, who: UserId | None) -> tuple[Span, ...]:
    return (f"{operation.id} {what}", " by ", User(id=who)) if who else (f"{operation.id} {what}",)
