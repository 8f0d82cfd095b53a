"""Which of the waiting trips may start now, and in words what the others wait for.

One rule, for the plan's simulation and for what really happens:

    1. A trip takes all that it can use of its source's link, of its destination's and of the core. It starts when half
       of that is free, unless its own VM or one that is under way there would then stand still for too long at its end.
    2. What counts is what will be free when its set-up is over, so that the links are not idle meanwhile. A VM that
       must not be disturbed is given a little longer than predicted, others a little less: sharing does them no harm.
    3. First come, first served, with backfill: one that has no room does not hold up later ones of its rank. It does
       hold up those of a higher one that want the same hosts.
    4. Limits hold at both ends, at every moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.core.schedule.course import CONTENT, WARY, Rest, least_share, predict, rest_of
from bot.core.schedule.roads import CORE, Road, Roads
from bot.core.schedule.trip import Caps, Network, Running, Trip
from bot.core.wording import render_about, render_use

# By what part of the set-up time a trip starts sooner than predicted after one that shares well, or later after a hot
# one: set-ups differ by so much.
_SOONER, _LATER = 0.1, 0.25
# A copy is long that takes so many times a set-up and a finish, which is what waiting for the end of the one before
# costs. Two long ones do not overlap where it is not known when the first ends: if its VM turns out to be hot, both
# take much longer, and what that costs grows with the shorter of them. Between two long ones a short one goes.
_LONG = 4
_ROUNDING = 1e-6
_AT_ONCE_S = 0.05


@dataclass(frozen=True, slots=True)
class Starts:
    """
    Attributes:
        now: ids of those that may start, in order.
        waiting: id -> what it waits for.
        look_again_s: when the next may start if nothing ends before; None: not before something ends.
    """

    now: tuple[str, ...]
    waiting: Mapping[str, str] = field(default_factory=dict)
    look_again_s: float | None = None


def choose_starts(
    waiting: Sequence[Trip], running: Sequence[Running], network: Network, caps: Caps | None = None
) -> Starts:
    """What really happens decides, not the timetable.

    Args:
        waiting: in the planned order, without those that rest after a failure.
        running: all that Ferry runs, in any order.
        network: as planned, or better as it was learnt.
        caps: without them only links count.
    """
    roads = Roads(network)
    floor = Floor(running, roads, caps or Caps())
    started, blocked = floor.admit(roads.of_all(waiting))
    return Starts(
        now=tuple(road.trip.id for road in started),
        waiting={trip.id: floor.render(blocker) for trip, blocker in blocked},
        look_again_s=floor.look_again_s,
    )


@dataclass(frozen=True, slots=True)
class Blocker:
    """What is in the way. `host` is empty for what is no host's; `lasting`: waiting does not help."""

    kind: str
    host: str = ""
    lasting: bool = False


class Floor:
    """What is taken now of limits, and of links when a set-up that begins now is over.

    Attributes:
        look_again_s: see `Starts`.
    """

    def __init__(self, running: Sequence[Running], roads: Roads, caps: Caps) -> None:
        self._roads, self._caps = roads, caps
        self._wanted: dict[str, float] = {}  # link -> bytes a second
        self._perhaps: dict[str, float] = {}  # the same of long ones that may take even longer
        self._least: dict[str, float] = {}  # link -> the part of its rate that somebody there needs at least
        self._crowd: dict[str, float] = {}  # link -> bytes a second that all would take, even those that are soon gone
        self._through_s: dict[str, float] = {}  # link -> until all that is known of is through
        self._busy_s: dict[str, float] = {}  # link -> until the first of its copies ends, where that is known
        self._live: Counter[str] = Counter()
        self._storage: Counter[str] = Counter()
        self._total = 0
        self._stages = [run.trip.stage for run in running]
        self.look_again_s: float | None = None
        for run in sorted(running, key=lambda run: -run.elapsed_s):
            road, network = roads.of(run.trip), roads.network
            course = road.course if run.rate_bytes_s is None else predict(run.trip, network, run.rate_bytes_s)
            self._count(run.trip)
            self._take(road, rest_of(run, course, network.setup_s))

    def admit(self, waiting: Sequence[Road]) -> tuple[list[Road], list[tuple[Trip, Blocker]]]:
        """Those that start now, and what is in the way of each of the others."""
        started: list[Road] = []
        blocked: list[tuple[Trip, Blocker]] = []
        stage = min([road.trip.stage for road in waiting] + self._stages, default=0)
        last = max((road.trip.rank for road in waiting), default=0)
        held: dict[str, int] = {}  # host -> lowest rank that waits for it
        for road in waiting:
            trip = road.trip
            if trip.stage > stage:
                blocked.append((trip, Blocker("stage")))
                continue
            blocker = self._held(trip, held) or self._link(road) or self._limit(trip)
            if blocker is None:
                course = road.course
                self._count(trip)
                self._take(road, Rest(self._roads.network.setup_s, course.copying_s, course.copying_s))
                started.append(road)
                continue
            blocked.append((trip, blocker))
            if trip.rank < last and not blocker.lasting:
                held.update((host, min(held.get(host, trip.rank), trip.rank)) for host in trip.hosts)
        return started, blocked

    def render(self, blocker: Blocker) -> str:
        """ "the link of host02 is busy for about 12 s more"."""
        host, caps = blocker.host, self._caps
        if blocker.kind == "stage":
            return "moves that make room must end first"
        if blocker.kind == "rank":
            return f"others go first on {host}"
        if blocker.kind == "total":
            return f"{self._total} of {caps.total} migrations are running"
        if blocker.kind == "live":
            return f"{host} runs {render_use(self._live[host], caps.live[host], 'live migrations')}"
        if blocker.kind == "storage":
            return f"{host} runs {render_use(self._storage[host], caps.storage[host], 'storage migrations')}"
        link = "the network between the hosts" if host == CORE else f"the link of {host}"
        seconds = self._busy_s.get(host)
        return f"{link} is busy" if seconds is None else f"{link} is busy for {render_about(seconds)} more"

    def _held(self, trip: Trip, held: Mapping[str, int]) -> Blocker | None:
        if not held:
            return None
        return next((Blocker("rank", host) for host in trip.hosts if held.get(host, trip.rank) < trip.rank), None)

    def _limit(self, trip: Trip) -> Blocker | None:
        caps = self._caps
        if caps.total is not None and self._total >= caps.total:
            return Blocker("total", lasting=caps.total <= 0)
        for host in trip.hosts:
            if trip.live and host in caps.live and self._live[host] >= caps.live[host]:
                return Blocker("live", host, lasting=caps.live[host] <= 0)
            if trip.storage and host in caps.storage and self._storage[host] >= caps.storage[host]:
                return Blocker("storage", host, lasting=caps.storage[host] <= 0)
        return None

    def _link(self, road: Road) -> Blocker | None:
        rate = road.rate * (1 - _ROUNDING)
        for link in road.links:
            capacity, wanted = self._roads.capacity(link), self._wanted.get(link, 0.0)
            if wanted and capacity - wanted < CONTENT * rate:
                return Blocker("link", link)
            if wanted and capacity < (wanted + rate) * max(road.least, self._least[link]):
                return Blocker("link", link)
            perhaps = self._perhaps.get(link, 0.0)
            if perhaps and capacity * (1 - _ROUNDING) < (wanted + perhaps + rate) * CONTENT and self._is_long(road):
                return Blocker("link", link)
        return None

    def _is_long(self, road: Road) -> bool:
        network = self._roads.network
        return road.course.copying_s > _LONG * (network.setup_s + network.finish_s)

    def _take(self, road: Road, rest: Rest) -> None:
        ends_s = self._ends_s(road, rest)
        again_s = ends_s - self._ahead_s(road)
        if again_s <= _AT_ONCE_S and not rest.overdue:
            if road.trip.dirty_bytes_s is None and self._is_long(road):
                self._perhaps.update((link, self._perhaps.get(link, 0.0) + road.rate) for link in road.links)
            return
        least = self._least_of(road, rest)
        for link in road.links:
            self._wanted[link] = self._wanted.get(link, 0.0) + road.rate
            self._least[link] = max(least, self._least.get(link, 0.0))
            if not rest.overdue:
                self._busy_s[link] = min(ends_s, self._busy_s.get(link, ends_s))
        if road.links and not rest.overdue:
            self.look_again_s = again_s if self.look_again_s is None else min(again_s, self.look_again_s)

    def _ahead_s(self, road: Road) -> float:
        """How long before its end another may start. What a hot VM copies again may take twice as long as predicted."""
        setup_s = self._roads.network.setup_s
        return setup_s * (1 - _LATER) - road.course.again_s if road.hot else setup_s * (1 + _SOONER)

    def _ends_s(self, road: Road, rest: Rest) -> float:
        """A link on which not all find room is taken to serve them in turn: the last byte comes no sooner."""
        ends_s = rest.begins_s + rest.left_s
        for link in road.links:
            capacity = self._roads.capacity(link)
            begins_s = max(rest.begins_s, self._through_s.get(link, 0.0))
            self._through_s[link] = begins_s + rest.work_s * road.rate / capacity
            self._crowd[link] = self._crowd.get(link, 0.0) + road.rate
            if self._crowd[link] > capacity:
                ends_s = max(ends_s, self._through_s[link])
        return ends_s

    def _least_of(self, road: Road, rest: Rest) -> float:
        """A VM of which most was to be copied again writes at least so fast."""
        if not rest.overdue:
            return road.least
        written = replace(road.trip, dirty_bytes_s=road.rate * max(0.0, 1 - 1 / rest.overdue))
        return max(WARY, road.least, least_share(written, self._roads.network))

    def _count(self, trip: Trip) -> None:
        self._total += 1
        for host in trip.hosts:
            self._live[host] += trip.live
            self._storage[host] += trip.storage
