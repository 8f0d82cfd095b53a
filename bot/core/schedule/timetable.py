"""The plan: in which order trips start, how long it all takes, and what limits cost.

Several orders are tried by the same rule that later chooses starts; the fastest is kept. It is an estimate: what
starts when is decided by what really happens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from bot.core.schedule.course import LONGEST_BLACKOUT_S
from bot.core.schedule.roads import Road, Roads
from bot.core.schedule.simulation import Slot, simulate
from bot.core.schedule.trip import EXPECTED_PACE, Caps, Network, Trip

COSTLY = 1.2
"""A limit is worth a word when everything takes so much longer than it would with a better one."""

_GOOD_ENOUGH = 1.02  # of the lower bound: no other order is tried
# How many times as long as it should copying takes, at best and at worst; the same where a speed is not known. Assumed.
_PACES, _ASSUMED_PACES = (0.95, 1.5), (0.4, 3.0)
_PERHAPS_DIRTY_BYTES_S = 60e6  # on average, where it is not known. Assumed.


@dataclass(frozen=True, slots=True)
class Blackout:
    """A VM that is predicted to stand still for longer than people notice, though it has its links for itself.

    Attributes:
        converges: False: it writes faster than its links carry, and the remainder never becomes small.
    """

    trip: str
    seconds: float
    converges: bool


@dataclass(frozen=True, slots=True)
class Advice:
    """A limit on migrations that makes everything take longer. `host` is empty for the total.

    Attributes:
        storage: it is the limit on storage migrations, not the one on live migrations.
        seconds_saved: if all that is advised were done.
    """

    host: str
    limit: int
    better: int
    seconds_saved: float
    storage: bool = False


@dataclass(frozen=True, slots=True)
class Timetable:
    """
    Attributes:
        order: of all trips; in it they are offered to `choose_starts`.
        slots: by start; without those that a limit of nothing keeps from ever starting.
        seconds: until the last has ended, as simulated.
        foretold_s: what a person is told. It lies between `low_s` and `high_s`, which depend on what links carry and
            guests write, where it is off by the same share at either end: no other figure is less wrong at worst.
        lower_bound_s: no schedule is faster, with the same links and limits.
    """

    order: tuple[str, ...]
    slots: tuple[Slot, ...]
    seconds: float
    foretold_s: float
    low_s: float
    high_s: float
    lower_bound_s: float
    blackouts: tuple[Blackout, ...] = ()
    advice: tuple[Advice, ...] = ()


def plan(trips: Sequence[Trip], network: Network, caps: Caps | None = None) -> Timetable:
    expected, caps = network.slowed(EXPECTED_PACE), caps or Caps()
    roads, bound_s = Roads(expected), find_lower_bound_s(trips, expected, caps)
    line, slots = list(trips), tuple[Slot, ...]()
    for order in _orders(trips, roads):
        tried = simulate(order, roads, caps)
        if not slots or _makespan_s(tried) < _makespan_s(slots):
            line, slots = order, tried
        if _makespan_s(slots) <= _GOOD_ENOUGH * bound_s:
            break
    seconds = _makespan_s(slots)
    over_bound = seconds / bound_s if bound_s else 0.0
    assumed = any(host not in network.links for trip in trips for host in trip.hosts)
    least_s, most_s = _bounds_s(trips, network, caps, _PACES)
    foretold_s = 2 * least_s * most_s / (least_s + most_s) if bound_s else 0.0
    low_s, high_s = _bounds_s(trips, network, caps, _ASSUMED_PACES) if assumed else (least_s, most_s)
    return Timetable(
        order=tuple(trip.id for trip in line),
        slots=tuple(sorted(slots, key=lambda slot: slot.starts_s)),
        seconds=seconds,
        foretold_s=foretold_s * over_bound,
        low_s=low_s * over_bound,
        high_s=high_s * over_bound,
        lower_bound_s=bound_s,
        blackouts=tuple(_blackouts(trips, roads)),
        advice=_advise(line, roads, caps, seconds),
    )


def find_lower_bound_s(trips: Sequence[Trip], network: Network, caps: Caps) -> float:
    """Every byte crosses its links, every migration takes its time alone, and limits share that out."""
    roads = Roads(network)
    through: dict[str, float] = defaultdict(float)
    live: dict[str, float] = defaultdict(float)
    storage: dict[str, float] = defaultdict(float)
    longest = total = 0.0
    for road in roads.of_all(trips):
        seconds = network.setup_s + road.course.copying_s + network.finish_s
        longest, total = max(longest, seconds), total + seconds
        for link in road.links:
            through[link] += road.course.sent_bytes / roads.capacity(link)
        for host in road.trip.hosts:
            live[host] += seconds * road.trip.live
            storage[host] += seconds * road.trip.storage
    bounds = [longest] + [seconds + network.setup_s + network.finish_s for seconds in through.values()]
    for taken, limits in ((live, caps.live), (storage, caps.storage)):
        bounds += [taken[host] / limit for host, limit in limits.items() if limit > 0]
    return max(bounds + ([total / caps.total] if caps.total else []))


def _orders(trips: Sequence[Trip], roads: Roads) -> Iterator[list[Trip]]:
    """What is on the busiest link first, hot ones before all others: how long they take is the least certain. Where all
    share a core, rather the longest first.
    """
    busy: dict[str, float] = defaultdict(float)
    for road in roads.of_all(trips):
        for host in road.trip.hosts:
            busy[host] += road.course.sent_bytes / roads.capacity(host)

    def busiest(road: Road) -> float:
        return -max(busy[host] for host in road.trip.hosts)

    def longest(road: Road) -> float:
        return -road.course.copying_s

    def by_link(road: Road) -> tuple[float, ...]:
        return road.trip.stage, road.trip.rank, not road.hot, busiest(road), longest(road)

    def by_length(road: Road) -> tuple[float, ...]:
        return road.trip.stage, road.trip.rank, longest(road)

    for key in (by_link, by_length):
        yield [road.trip for road in sorted(roads.of_all(trips), key=key)]


def _makespan_s(slots: Sequence[Slot]) -> float:
    return max((slot.ends_s for slot in slots), default=0.0)


def _blackouts(trips: Sequence[Trip], roads: Roads) -> Iterator[Blackout]:
    for road in roads.of_all(trips):
        course = road.course
        if road.trip.dirty_bytes_s is not None and (course.blackout_s > LONGEST_BLACKOUT_S or not course.converges):
            yield Blackout(road.trip.id, course.blackout_s, course.converges)


def _bounds_s(trips: Sequence[Trip], network: Network, caps: Caps, paces: tuple[float, float]) -> tuple[float, float]:
    """Lower bounds where links carry the most and the least, and guests write as little and as much as they may."""
    fastest, slowest = paces
    writing = [
        trip if trip.dirty_bytes_s is not None else replace(trip, dirty_bytes_s=_PERHAPS_DIRTY_BYTES_S)
        for trip in trips
    ]
    return (
        find_lower_bound_s(trips, network.slowed(fastest), caps),
        find_lower_bound_s(writing, network.slowed(slowest), caps),
    )


def _advise(line: Sequence[Trip], roads: Roads, caps: Caps, seconds: float) -> tuple[Advice, ...]:
    """As few changes as bring about the same: those of sources alone, if that is enough."""
    network = roads.network
    for storage in (False, True):
        counted = [trip for trip in line if (trip.storage if storage else trip.live)]
        limits = caps.storage if storage else caps.live
        better = {host: _enough(network, host, storage) for trip in counted for host in trip.hosts}
        low = {host: limit for host, limit in limits.items() if 0 < limit < better.get(host, 0)}
        for hosts in ({trip.source for trip in counted} & low.keys(), low.keys()):
            lifted = {**limits, **{host: better[host] for host in hosts}}
            changed = replace(caps, storage=lifted) if storage else replace(caps, live=lifted)
            saved = _saved_s(line, roads, changed, seconds) if hosts else 0.0
            if saved:
                return tuple(Advice(host, low[host], better[host], saved, storage) for host in sorted(hosts))
    most = max((_enough(network, host) for trip in line if trip.live for host in trip.hosts), default=0)
    if caps.total and caps.total < most:
        saved = _saved_s(line, roads, replace(caps, total=most), seconds)
        if saved:
            return (Advice("", caps.total, most, saved),)
    return ()


def _saved_s(line: Sequence[Trip], roads: Roads, caps: Caps, seconds: float) -> float:
    """0 where it is not worth a word."""
    if seconds <= COSTLY * find_lower_bound_s(line, roads.network, caps):
        return 0.0
    then_s = _makespan_s(simulate(line, roads, caps))
    return seconds - then_s if seconds > COSTLY * then_s else 0.0


def _enough(network: Network, host: str, storage: bool = False) -> int:
    """So many fill its link, and one more sets up meanwhile."""
    link = network.link(host)
    each = min(link, network.stream_bytes_s or link, network.storage_bytes_s if storage else link)
    return ceil(link / each) + 1
