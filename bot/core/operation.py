"""An operation as its row tells it: who wants what, where it stands, what came out."""

from __future__ import annotations

from datetime import datetime

from bot.core.approval import Count
from bot.core.estate import Frozen
from bot.core.holds.model import Hold
from bot.core.lifecycle import ENDED, State
from bot.core.names import UserId
from bot.core.plan import Plan


class Place(Frozen):
    """Where in chat something was said or is shown. `ts` values are Slack's strings, never numbers."""

    team: str
    channel: str
    thread: str | None = None


class Outcome(Frozen):
    """How an operation ended, or what is known when nobody can say."""

    summary: str  # "running on host02, gone from host01": only what was observed
    words: str = ""  # the host's own words
    cause: str = ""
    remedy: str = ""
    late: bool = False  # seen by a later look: when the move itself ended is not known


class Recorded(Frozen):
    """What every row tells, of one move or of many. `version` rises with every change: cards are projections of it."""

    id: str  # "m-12"
    state: State
    place: Place
    version: int
    requested_by: UserId
    requested_at: datetime
    expires_at: datetime
    confirmed_by: UserId | None = None
    confirmed_at: datetime | None = None
    cancelled_by: UserId | None = None
    cancel_asked: bool = False
    started_at: datetime | None = None  # when the move was last sent to the host
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    counts: tuple[Count, ...] = ()  # the approvals that it needs, as they stood when somebody last decided
    holds: tuple[Hold, ...] = ()  # that concern it now, while it is open: read for cards
    begins_at: datetime | None = None  # what its plan says
    agreed: str = ""  # the digest that people agreed to, where the plan was made anew at its time

    @property
    def ended(self) -> bool:
        return self.state in ENDED


class Operation(Recorded):
    """One move's row."""

    plan: Plan
    percent: int = 0
    waiting: str = ""  # while queued: what it waits for, in words; while running: what it does now
    attempt: int = 0
    parent: str = ""  # the evacuation that it belongs to; empty: it stands alone
    stage: int = 0  # of that evacuation: a stage begins when all of the one before have ended
    job: str = ""  # of its host, by which its move went on past its deadline

    @property
    def recallable(self) -> bool:
        """Whether it has ended although its move goes on, as far as is known: a cancel asks that job to stop."""
        return self.state is State.NEEDS_ATTENTION and bool(self.job)


RETRACTED = "/retracted"
"""Follows the key of a message in the key of the ask that takes it back."""


class Ask(Frozen):
    """One thing a person said or pressed, as it was received and claimed."""

    key: str  # what makes it unique: "T1/C1/1716.2" for a message, with action and user for a button
    text: str
    actor: UserId
    place: Place
    at: datetime  # when the person sent it
    received_at: datetime
    message: str = ""  # ts of the message it came from; empty for a slash command
    kind: str = "message"  # message | bare (in a channel, without mention) | slash | button | form | retraction | due
    card: str = ""  # for a button: ts of the card it was pressed on
