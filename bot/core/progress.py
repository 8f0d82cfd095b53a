"""Showing progress: which cards deserve an update now, how a bar looks, how much time is left.

All cards of a workspace share one budget, because Slack limits `chat.update` per app and workspace, not per message
(Slack, "Rate limits": tier 3, 50 calls a minute). Rules:

    1. Never more than the budget within any 60 seconds.
    2. A card whose operation has ended goes before one whose state changed, and that before a mere percent. For each
       operation that is yet to end one update is kept back, up to half of the budget: ends are shown at once.
    3. Percent ticks leave that and at least a quarter of the budget alone, and keep a pause after any update; the card
       shown longest ago is next. So one running move ticks every two seconds, ten of them every twenty seconds each,
       and a state change never finds the budget eaten by ticks.
       How many of an evacuation's moves are done is such a tick: a card of hundreds has the share of a card of one.
    4. A card is drawn from its row when its turn comes: ticks that were skipped cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from bot.core.estate import Frozen

WINDOW = timedelta(seconds=60)
CLOSEST = timedelta(seconds=1)  # between two ticks, whatever the budget (Slack, "Rate limits": one request a second)
BAR_WIDTH = 15
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
# Percent below which the measured rate says less than the plan's estimate; assumed.
_TELLING_PERCENT = 5


class Urgency(IntEnum):
    """Why a card is behind its row; the lower, the sooner."""

    ENDED = 0
    CHANGED = 1
    TICK = 2


class Behind(Frozen):
    """A card that does not show its row."""

    operation: str
    urgency: Urgency
    shown_at: datetime | None = None  # None: not known


class Schedule(Frozen):
    now: tuple[str, ...] = ()  # operations whose cards to update, in this order
    look_again_at: datetime | None = None  # when more may be possible; None: nothing is left over


def decide_updates(
    behind: Sequence[Behind], spent: Sequence[datetime], updates_per_minute: int, now: datetime, ending: int = 0
) -> Schedule:
    """Choose what to update now.

    Args:
        spent: when earlier updates were sent, in any order; those older than 60 seconds do not matter.
        ending: how many operations are confirmed and have not ended.
    """
    kept_back = min(ending, updates_per_minute // 2)
    limits = {Urgency.ENDED: updates_per_minute, Urgency.CHANGED: updates_per_minute - kept_back}
    used = sorted(at for at in spent if at > now - WINDOW)
    line = sorted(behind, key=lambda card: (card.urgency, card.shown_at or _LONG_AGO))
    sent: list[str] = []
    for urgency, limit in limits.items():
        urgent = [card.operation for card in line if card.urgency is urgency]
        room = max(0, limit - len(used))
        sent += urgent[:room]
        used += [now] * len(urgent[:room])
        if len(urgent) > room:
            return Schedule(now=tuple(sent), look_again_at=_room_at(used, limit))
    ticks = [card.operation for card in line if card.urgency is Urgency.TICK]
    tick_limit = updates_per_minute - max(updates_per_minute // 4, kept_back)
    if ticks and _tick_at(used, tick_limit) <= now:
        sent.append(ticks.pop(0))
        used.append(now)
    look_again_at = _tick_at(used, tick_limit) if ticks else None
    return Schedule(now=tuple(sent), look_again_at=look_again_at)


def _room_at(used: Sequence[datetime], limit: int) -> datetime:
    """When fewer than `limit` of these updates, oldest first, are within the window."""
    return used[-limit] + WINDOW if len(used) >= limit else _LONG_AGO


def _tick_at(used: Sequence[datetime], limit: int) -> datetime:
    """When the next percent tick may be sent."""
    pause = max(CLOSEST, WINDOW / limit)
    return max(_room_at(used, limit), used[-1] + pause if used else _LONG_AGO)


def render_bar(percent: int, width: int = BAR_WIDTH) -> str:
    """`▓▓▓▓▓▓▓░░░░░░░░`: full only at 100 percent, and never empty once something was done."""
    share = min(100, max(0, percent))
    filled = share * width // 100
    if share and not filled:
        filled = 1
    return "▓" * filled + "░" * (width - filled)


def time_left_s(percent: int, elapsed_s: float, estimate_s: float) -> float | None:
    """Seconds left, from the rate so far, or from the estimate while the rate says little. None: nobody can say."""
    if percent >= 100:
        return None
    if percent >= _TELLING_PERCENT:
        return elapsed_s * (100 - percent) / percent
    left = estimate_s - elapsed_s
    return left if left > 0 else None
