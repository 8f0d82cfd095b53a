"""Approvals as a row has them: those that were given, and how those that are needed stand."""

from __future__ import annotations

from datetime import datetime

from bot.core.estate import Frozen
from bot.core.names import UserId


class Given(Frozen):
    """One person's approval of one plan. A person approves an operation once.

    Attributes:
        channel: in which it was said.
        digest: of the plan that the person saw.
    """

    by: UserId
    channel: str
    at: datetime
    digest: str


class Count(Frozen):
    """One approval that is needed, by its name in the settings, and how it stands.

    Attributes:
        needed: by so many different people.
        of: who they may be, ids of people and groups; empty: whoever may approve it.
        requester: whether who asked may be one of them.
        by: those that count, in the order in which they approved.
    """

    name: str
    needed: int
    of: tuple[str, ...] = ()
    requester: bool = False
    by: tuple[UserId, ...] = ()

    @property
    def missing(self) -> int:
        return max(0, self.needed - len(self.by))


def is_met(counts: tuple[Count, ...]) -> bool:
    return not any(one.missing for one in counts)
