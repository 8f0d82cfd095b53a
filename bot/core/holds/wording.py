"""How holds are said: on cards, in refusals, in lists. Who holds it and how to free it is in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.core.holds.model import Hold, Kind
from bot.core.reply import Button, Code, Line, Mark, Moment, Note, Part, Reply, Strong, Text, User
from bot.core.wording import render_word
from bot.errors import Locked


def render_freeing(hold: Hold) -> str:
    """What to type to end it."""
    return "unfreeze" if hold.kind is Kind.FREEZE else f"unlock {render_word(hold.name)}"


def render_briefly(hold: Hold) -> str:
    """In words alone, among others."""
    return f"{_render_state(hold)} ({hold.reason}); `{render_freeing(hold)}` ends that"


def _render_state(hold: Hold) -> str:
    return "Ferry is frozen" if hold.kind is Kind.FREEZE else f"{hold.name} is locked"


def render_hold(hold: Hold) -> Line:
    """Who holds what, since when, until when and why."""
    since: Line = (f"{_render_state(hold)} by ", User(id=hold.by), " since ", Moment(at=hold.at))
    if hold.until:
        since = (*since, " until ", Moment(at=hold.until))
    return (*since, f": {hold.reason}")


def render_holding(holds: Sequence[Hold]) -> Iterator[Part]:
    """For the card of what they concern."""
    for hold in holds:
        freeze = hold.kind is Kind.FREEZE
        what = "nothing new starts; what runs goes on to its end" if freeze else "what touches it does not start"
        ends: Line = (f"While it lasts, {what}. ", Code(text=render_freeing(hold)), " ends it.")
        yield Text(lines=(render_hold(hold),), mark=Mark.WARNING)
        yield Text(lines=(ends,))


def render_waiting(hold: Hold) -> str:
    """For a row that waits for its end, in plain text: its card says by whom."""
    return f"{_render_state(hold)}: {hold.reason}"


def refuse_locked(lock: Hold) -> Locked:
    return Locked(lock.name, by=lock.by, since=lock.at, until=lock.until, reason=lock.reason, free=render_freeing(lock))


def render_holds(holds: Sequence[Hold]) -> Reply:
    """All there are."""
    if not holds:
        return Reply(title=("Nothing is frozen or locked",))
    lines = tuple((*render_hold(hold), " · ", Code(text=render_freeing(hold)), " ends it") for hold in holds)
    return Reply(title=(Strong(text="What holds back new starts"),), parts=(Text(lines=lines),))


def render_begun(hold: Hold, waiting: int, running: int) -> Reply:
    """The answer to whoever made it.

    Args:
        waiting, running: operations that it concerns.
    """
    free = render_freeing(hold)
    told = f"Waiting for its end: {waiting}. Running on to their end: {running}." if waiting or running else ""
    lines: tuple[Line, ...] = ((told,),) if told else ()
    return Reply(
        title=render_hold(hold),
        parts=(Text(lines=(*lines, ("Reading and cancelling go on as ever. ", Code(text=free), " ends it."))),),
        buttons=(Button(label="Unfreeze" if hold.kind is Kind.FREEZE else "Unlock", sends=free),),
        mark=Mark.WARNING,
    )


def render_ended(hold: Hold, by: User | None) -> Reply:
    """
    Args:
        by: who ended it; None: its time was over.
    """
    what = "The freeze" if hold.kind is Kind.FREEZE else f"The lock of {hold.name}"
    ended: Line = (" was ended by ", by) if by else (" is over: its time has come",)
    return Reply(
        title=(Strong(text=what), *ended),
        parts=(
            Text(lines=(("What waited for it goes on.",),)),
            Note(line=("It was made by ", User(id=hold.by), " ", Moment(at=hold.at), f": {hold.reason}")),
        ),
    )
