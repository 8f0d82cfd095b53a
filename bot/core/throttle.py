"""How much one person may say in a minute: what is over it is answered once, and then ignored until the minute is over.

What is typed and what is pressed are counted apart, so that a script in somebody's name does not take their buttons
away: confirming, cancelling and unfreezing by button goes on. What Slack delivers twice counts once. What takes back a
message is never ignored. Counted are the asks that one process hears; several bots each count their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

MINUTE = timedelta(minutes=1)
_NEVER = "retraction"


class Admission(Enum):
    TAKE = auto()
    WARN = auto()
    IGNORE = auto()


@dataclass(frozen=True)
class Spell:
    """One person's minute. It begins with what they say first."""

    began: datetime
    keys: frozenset[str] = frozenset()
    warned: bool = False

    def is_over(self, now: datetime) -> bool:
        """Also if the clock was set back."""
        return not timedelta() <= now - self.began < MINUTE


def budget_of(actor: str, kind: str) -> str:
    """What is counted together; empty: it is not counted. `kind` is that of the ask."""
    return "" if kind == _NEVER else f"{actor}/{'pressed' if kind == 'button' else 'said'}"


def admit(spell: Spell | None, key: str, now: datetime, limit: int) -> tuple[Spell, Admission]:
    """The minute after this ask, and what becomes of it. `limit` is at least 1."""
    current = Spell(now) if spell is None or spell.is_over(now) else spell
    if key in current.keys or len(current.keys) < limit:
        return replace(current, keys=current.keys | {key}), Admission.TAKE
    return replace(current, warned=True), Admission.IGNORE if current.warned else Admission.WARN
