"""What is told of the journal to those who watch a VM or a host, and to the audit channel: one line for each entry.

Rules: a watcher hears what an operation that touches the VM or the host came to: confirmed, ended, or in need of
attention, and whether the host answers. The audit channel hears of every change and of every refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from bot.core.estate import Frozen
from bot.core.history import HOLD_DEEDS, Record
from bot.core.names import UserId
from bot.core.reply import Code, Line, Moment, Reply, Strong, Text, User

MOST_LINES = 20
"""In one message."""

_OUTCOMES = {
    "expire": "expired",
    "succeed": "succeeded",
    "fail": "failed",
    "doubt": "needs attention",
    "cancel": "cancelled",
    "close": "closed",
    "try failed": "a try failed",
}
_STEPS = {
    "confirm": "confirmed",
    "submit": "awaiting approval, confirmed",
    "approve": "approved",
    "schedule": "to begin later, agreed to",
    "due": "its time came",
    "start": "started",
    "decline": "declined",
    "ask to cancel": "is to be stopped",
    "pause": "paused",
    "go on": "resumed",
    "refuse": "refused",
}
_AUDITED = _STEPS | _OUTCOMES | HOLD_DEEDS
_WATCHED = frozenset({"confirm", "submit", "schedule", "succeed", "fail", "doubt", "cancel", "close"})
_LONGEST = 200


class Subscription(Frozen):
    """
    Attributes:
        what: a VM's id, or a host's name as the settings have it.
        name: what people call it.
    """

    user: UserId
    kind: Literal["vm", "host"]
    what: str
    name: str

    def is_about(self, record: Record) -> bool:
        if self.kind == "vm":
            return self.what == record.vm_id
        return self.what in f"{record.source}, {record.destination}".split(", ")


def choose_recipients(record: Record, subscriptions: Iterable[Subscription], audit: str) -> tuple[str, ...]:
    """Ids of people and of the audit channel, each once. `audit`: empty where there is none."""
    watching = [one.user for one in subscriptions if one.is_about(record)] if record.event in _WATCHED else []
    channel = [audit] if audit and record.event in _AUDITED else []
    return tuple(dict.fromkeys((*channel, *watching)))


def render_notice(record: Record) -> Line:
    """When, which operation, what it is about, and what became of it."""
    line: Line = (Moment(at=datetime.fromisoformat(record.at)), " · ")
    by: Line = (" by ", User(id=UserId(record.who))) if record.who else ()
    if record.event == "refuse":
        return (*line, User(id=UserId(record.who)), f" was refused: {_shortened(record.summary)}")
    if record.event in HOLD_DEEDS:
        by = (User(id=UserId(record.who)),) if record.who else ("the time that was set",)
        return (*line, *by, f" {HOLD_DEEDS[record.event]}: {_shortened(record.summary)}")
    moves = record.destination not in ("", record.source)
    route = f" from {record.source} to {record.destination}" if moves and record.vm_id else ""
    about = f" {record.vm}{route}: {_AUDITED.get(record.event, record.event)}"
    told = f": {_shortened(record.summary)}" if record.event in _OUTCOMES and record.summary else ""
    return (*line, Code(text=record.operation), about, *by, told)


def render_answer(host: str, failure: str, at: datetime) -> Line:
    """That a host gives no answer any more, or answers again."""
    said = (
        f" gives no answer: {_shortened(failure)}; what it holds and does is unknown" if failure else " answers again"
    )
    return (Moment(at=at), " · ", Strong(text=host), said)


def render_notices(lines: Sequence[Line], *, watcher: bool) -> Reply:
    """Some of them as one message; a watcher is told how to end it."""
    if len(lines) == 1:
        return Reply(title=lines[0])
    how: Line = (" of what you watch; ", Code(text="watching"), " lists that") if watcher else ()
    return Reply(title=(f"{len(lines)} changes", *how), parts=(Text(lines=tuple(lines)),))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
