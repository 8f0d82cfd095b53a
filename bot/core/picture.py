"""What a picture of many migrations shows: when each ran and where to, in lanes, and how much went over the network.

Data for whoever draws it. Times are aware; nothing here knows colours, fonts or sizes.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal

from bot.core.estate import Frozen

BarState = Literal["moved", "failed", "cancelled", "running"]
Rates = tuple[tuple[datetime, float], ...]
"""A staircase: from each moment on so many bytes a second, until the next one."""

# As many moves get a lane each, so that every name can be read; above that lanes are shared.
MOST_OWN_LANES = 24
_NOTHING_BYTES_S = 1.0  # what rounding leaves over is below


class Bar(Frozen):
    """One migration.

    Attributes:
        vm, destination: untrusted names.
        ended_at: for one that runs, the moment of the picture.
        bytes: carried over the network by then; 0 where that is not known.
    """

    vm: str
    destination: str
    started_at: datetime
    ended_at: datetime
    state: BarState
    bytes: int = 0

    @property
    def seconds(self) -> float:
        return max(0.0, (self.ended_at - self.started_at).total_seconds())


class Picture(Frozen):
    """
    Attributes:
        throughput: as it was measured; empty: derived from the bars.
        predicted_s: seconds from `began_at` that it was expected to take; 0: nobody said.
        note: small print under the picture ("simulated").
    """

    title: str
    bars: tuple[Bar, ...]
    began_at: datetime
    ended_at: datetime
    throughput: Rates = ()
    predicted_s: float = 0
    note: str = ""

    @property
    def seconds(self) -> float:
        return max(0.0, (self.ended_at - self.began_at).total_seconds())

    @property
    def rates(self) -> Rates:
        return self.throughput or derive_throughput(self.bars)

    def count(self, state: BarState) -> int:
        return sum(bar.state == state for bar in self.bars)


class Group(Frozen):
    """The migrations to one destination. Within a lane they follow each other and do not overlap."""

    destination: str
    lanes: tuple[tuple[Bar, ...], ...]

    @property
    def size(self) -> int:
        return sum(map(len, self.lanes))


def group_by_destination(bars: Iterable[Bar], most_own_lanes: int = MOST_OWN_LANES) -> tuple[Group, ...]:
    """By name of the destination; in it, by time. Up to `most_own_lanes` bars in all, each has its own lane."""
    ordered = sorted(bars, key=lambda bar: (bar.started_at, bar.ended_at, bar.vm))
    shared = len(ordered) > most_own_lanes
    groups = []
    for destination in sorted({bar.destination for bar in ordered}, key=lambda name: (name.casefold(), name)):
        here = [bar for bar in ordered if bar.destination == destination]
        lanes = _pack(here) if shared else tuple((bar,) for bar in here)
        groups.append(Group(destination=destination, lanes=lanes))
    return tuple(groups)


def derive_throughput(bars: Iterable[Bar]) -> Rates:
    """Each bar's bytes spread evenly over its time, added up. A bar without a duration adds nothing."""
    return tuple(_add_up(bar for bar in bars if bar.bytes > 0 and bar.seconds > 0))


def _add_up(bars: Iterable[Bar]) -> Iterator[tuple[datetime, float]]:
    changes: defaultdict[datetime, float] = defaultdict(float)
    for bar in bars:
        rate = bar.bytes / bar.seconds
        changes[bar.started_at] += rate
        changes[bar.ended_at] -= rate
    now = 0.0
    for moment in sorted(changes):
        now += changes[moment]
        yield moment, now if now >= _NOTHING_BYTES_S else 0.0


def _pack(bars: Iterable[Bar]) -> tuple[tuple[Bar, ...], ...]:
    """As few lanes as there are bars at once: each goes to the lane that has been free the longest. Args: by start."""
    lanes: list[list[Bar]] = []
    free: list[tuple[datetime, int]] = []
    for bar in bars:
        if free and free[0][0] <= bar.started_at:
            _, number = heapq.heappop(free)
        else:
            number = len(lanes)
            lanes.append([])
        lanes[number].append(bar)
        heapq.heappush(free, (max(bar.ended_at, bar.started_at + timedelta(microseconds=1)), number))
    return tuple(map(tuple, lanes))
