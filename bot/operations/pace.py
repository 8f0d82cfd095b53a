"""What the announcer remembers from call to call: what a card shows, what was sent when, and what has to wait."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.core.evacuation import Evacuation
from bot.core.evacuation.ending import failed_moves
from bot.core.operation import Operation
from bot.core.progress import WINDOW, Urgency
from bot.core.shown import Shown

THREAD_PAUSE = timedelta(seconds=1)  # chat.postMessage: about one a second in a channel (Slack, "Rate limits")
LONGEST_PAUSE_S = 60.0
EVER = datetime.min.replace(tzinfo=UTC)


class Kind(StrEnum):
    """Calls that the chat service limits separately."""

    POST = "post"
    UPDATE = "update"
    FIND = "find"


@dataclass
class Memory:
    """What this process knows of a card beyond its row."""

    shown: Shown | None = None
    shown_at: datetime | None = None
    failures: int = 0
    not_before: datetime = EVER
    maybe_posted: bool = False  # a post was sent, and no answer came
    looked_for: bool = False  # what a predecessor may have posted
    maybe_logged: bool = False  # the same of lines for the thread
    logs_looked_for: bool = False

    def remember(self, operation: Shown, now: datetime) -> None:
        self.shown, self.shown_at, self.failures = operation, now, 0

    def forget_times(self) -> None:
        """The clock was set back: what was to happen at a time would wait for that time to come again."""
        self.shown_at, self.not_before = None, EVER

    def put_off(self, now: datetime) -> None:
        """Twice as long each time."""
        self.not_before = now + timedelta(seconds=min(LONGEST_PAUSE_S, 2.0**self.failures))
        self.failures = min(self.failures + 1, 10)

    def urgency(self, operation: Shown) -> Urgency:
        """Percent, done moves, and words about them or about a turn, are ticks; else what a card shows is a change."""
        if operation.ended:
            return Urgency.ENDED
        return Urgency.TICK if self.shown and _steady(operation) == _steady(self.shown) else Urgency.CHANGED


def _steady(operation: Shown) -> object:
    """What stays between two ticks.

    That one more of an evacuation's moves is done is a tick: where they end all the time its card would leave nothing
    of the budget to the others. One that failed is not, and the failure budget bounds how often that happens.
    """
    if isinstance(operation, Evacuation):
        rest = operation.model_copy(update={"version": 0, "moves": (), "pauses": ()})
        return rest, len(failed_moves(operation.moves)), [pause.state for pause in operation.pauses]
    ticks = {"percent": 0} if isinstance(operation, Operation) else {}
    return operation.model_copy(update={"waiting": "", "version": 0, **ticks})


@dataclass
class Pace:
    """What was sent when, and what has to wait."""

    updates: deque[datetime] = field(default_factory=deque)
    paused_until: dict[Kind, datetime] = field(default_factory=dict)
    posted_at: dict[str, datetime] = field(default_factory=dict)  # by channel
    crowded_until: datetime = EVER

    def open_at(self, kind: Kind) -> datetime:
        return self.paused_until.get(kind, EVER)

    def pause(self, kind: Kind, now: datetime, seconds: float) -> None:
        """The service asks for it. New cards, too, keep the pause between two messages for a while after that."""
        self.paused_until[kind] = now + timedelta(seconds=seconds)
        if kind is Kind.POST:
            self.crowded_until = now + WINDOW

    def card_open_at(self, channel: str, now: datetime) -> datetime:
        return self.thread_open_at(channel) if now < self.crowded_until else self.open_at(Kind.POST)

    def thread_open_at(self, channel: str) -> datetime:
        return max(self.open_at(Kind.POST), self.posted_at.get(channel, EVER) + THREAD_PAUSE)

    def forget(self, now: datetime) -> None:
        while self.updates and self.updates[0] <= now - WINDOW:
            self.updates.popleft()
        self.posted_at = {channel: at for channel, at in self.posted_at.items() if at > now - THREAD_PAUSE}
