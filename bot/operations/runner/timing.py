"""How long the runner waits for what, in seconds. Tests make them short; nothing else does."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.core.deadline import Deadlines


@dataclass(frozen=True)
class Timing:
    prepared_at_once: int = 3  # moves that are looked at, checked and compared at the same time with one host
    tick_s: float = 0.5  # between two writes of progress, and until a cancel is noticed
    poll_s: float = 1.0  # between two looks at a job that this process did not start
    looks: int = 12  # tries at a look that gave no answer, or showed what cannot last
    second_looks: int = 4  # looks at an unmoved VM, or a passing state, before it is believed
    look_pause_s: float = 1.0  # before the second look; doubles
    look_pause_most_s: float = 15.0
    stall_s: float = 120.0  # without progress, until the host is asked and the card says so; repeated as often
    deadlines: Deadlines = field(default_factory=Deadlines)
    starts: int = 3  # tries at a move that failed for a passing reason, or that a host refused for want of room
    start_pause_s: float = 2.0  # before the second start; doubles
    full_pause_s: float = 10.0  # before a host that had no room is asked again; doubles with every attempt
    full_pause_most_s: float = 120.0


def backoff_s(first_s: float, most_s: float, turn: int) -> float:
    """The pause after the `turn`th try, counted from 1."""
    return min(most_s, first_s * 2.0 ** min(turn - 1, 30))
