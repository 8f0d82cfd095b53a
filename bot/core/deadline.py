"""How long a move may take before a person is asked to look at it. A move is never ended for being slow.

A floor for each kind of move, or a multiple of what was estimated from its size, whichever is longer: an estimate of
seconds says little about a busy network, and a large disk takes hours.
"""

from __future__ import annotations

from bot.core.estate import Frozen
from bot.core.plan import MoveKind, Plan


class Deadlines(Frozen):
    """Floors in seconds by kind, and how many times the estimate a move may take."""

    live_s: float = 1800
    shared_nothing_s: float = 1800
    storage_s: float = 1800
    estimates: float = 10


def deadline_s(deadlines: Deadlines, plan: Plan) -> float:
    """Seconds from the moment it was sent."""
    floor_s = {
        MoveKind.LIVE: deadlines.live_s,
        MoveKind.SHARED_NOTHING: deadlines.shared_nothing_s,
        MoveKind.STORAGE: deadlines.storage_s,
        MoveKind.CLUSTER: deadlines.live_s,
    }[plan.move.kind]
    return max(floor_s, deadlines.estimates * plan.estimate.seconds)
