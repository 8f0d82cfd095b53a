"""The course of one migration: how long it copies, and for how long the VM stands still at its end.

Facts (Clark et al., "Live Migration of Virtual Machines", 2005): memory is copied once, then again and again what was
written meanwhile; while a remainder would take too long it is copied with the VM running, the last one while it stands
still. A guest that writes faster than the link carries is never caught up with. That Hyper-V makes ten such passes at
most is reported for Windows Server 2008 R2; the remainder at which it stops is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.schedule.trip import Network, Running, Trip

MOST_PASSES = 10
REMAINDER_S = 0.3
LONGEST_BLACKOUT_S = 0.9
"""Beyond this, people and clusters notice: a TCP client repeats itself once, a heartbeat is missed."""

CONTENT, WARY = 0.5, 0.75
"""The part of its rate that most VMs are content with, and the part that some need. Hot ones need all of it."""

# Where it is not known how fast a guest writes: so do most. Assumed.
_USUAL_DIRTY_BYTES_S = 20e6
# Below the first percentage a host still sets up; at the second everything was copied once. Assumed.
_COPYING_PERCENT, _COPIED_PERCENT = 5, 82
# How much the prediction counts against what was seen, in copies of everything.
_TRUST = 0.25
# A migration that takes so much longer than predicted is of a VM that writes faster than thought.
_OVERDUE, _OVERDUE_S = 1.02, 1.0


@dataclass(frozen=True, slots=True)
class Course:
    """
    Attributes:
        first_s: in which everything is copied once.
        again_s: in which it is copied again what was written meanwhile, the last remainder with it.
        blackout_s: in which the last remainder is copied.
        converges: the remainder became small enough before the passes were used up.
    """

    first_s: float
    again_s: float
    blackout_s: float
    sent_bytes: float
    converges: bool

    @property
    def copying_s(self) -> float:
        return self.first_s + self.again_s


def predict(trip: Trip, network: Network, bytes_s: float | None = None) -> Course:
    """Args: bytes_s: what it gets of the links; None: all that it can use."""
    rate = max(1.0, network.rate(trip) if bytes_s is None else bytes_s)
    storage_s = max(0, trip.storage_bytes) / min(rate, max(1.0, network.storage_bytes_s))
    memory = float(max(0, trip.memory_bytes))
    dirty = _USUAL_DIRTY_BYTES_S if trip.dirty_bytes_s is None else max(0.0, trip.dirty_bytes_s)
    sent = remainder = memory
    for _ in range(MOST_PASSES):
        remainder = min(memory, dirty * remainder / rate)
        sent += remainder
        if remainder < REMAINDER_S * rate:
            break
    return Course(
        first_s=storage_s + memory / rate,
        again_s=(sent - memory) / rate,
        blackout_s=remainder / rate,
        sent_bytes=max(0, trip.storage_bytes) + sent,
        converges=remainder < REMAINDER_S * rate,
    )


def least_share(trip: Trip, network: Network) -> float:
    """The part of its rate below which the VM would stand still for too long: `CONTENT`, `WARY` or 1."""
    if trip.dirty_bytes_s is None:
        return CONTENT
    rate = network.rate(trip)
    for share in (CONTENT, WARY):
        if predict(trip, network, rate * share).blackout_s <= LONGEST_BLACKOUT_S:
            return share
    return 1.0


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a migration's copying, as far as can be told.

    Attributes:
        begins_s: until it copies; 0 if it does.
        left_s: from then on, at the pace that it has kept so far.
        work_s: the same at its full rate.
        overdue: how many times as long as one copy it has taken already, if it should have ended; else 0.
    """

    begins_s: float
    left_s: float
    work_s: float
    overdue: float = 0.0


def rest_of(running: Running, course: Course, setup_s: float) -> Rest:
    copied_s, percent = running.elapsed_s - setup_s, running.percent
    if (copied_s < 0 and percent is None) or (percent is not None and percent < _COPYING_PERCENT):
        return Rest(max(0.0, -copied_s), course.copying_s, course.copying_s)
    copied_s, first_s = max(0.0, copied_s), course.first_s
    if percent is None:
        percent = percent_shown(min(1.0, copied_s / first_s) if first_s else 1.0)
    share = share_copied(percent)
    if share < 1:
        at_this_pace_s = (_TRUST * first_s + copied_s) / (_TRUST + share)
        return Rest(0.0, (1 - share) * at_this_pace_s + course.again_s, (1 - share) * first_s + course.again_s)
    left_s = max(0.0, course.copying_s - copied_s)
    late = copied_s > course.copying_s * _OVERDUE + _OVERDUE_S
    return Rest(0.0, left_s, left_s, copied_s / max(first_s, _OVERDUE_S) if late else 0.0)


def share_copied(percent: float) -> float:
    """How much was copied at least once, of all that is to be copied. Between 0 and 1."""
    return min(1.0, max(0.0, (percent - _COPYING_PERCENT) / (_COPIED_PERCENT - _COPYING_PERCENT)))


def percent_shown(share: float) -> float:
    """What a host shows when so much was copied: the inverse of `share_copied`."""
    return _COPYING_PERCENT + share * (_COPIED_PERCENT - _COPYING_PERCENT)
