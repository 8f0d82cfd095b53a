"""How the rest would go: the rule that chooses starts, and migrations that give way to each other alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from bot.core.schedule.course import percent_shown, predict, rest_of
from bot.core.schedule.roads import Road, Roads
from bot.core.schedule.starts import Floor
from bot.core.schedule.trip import Caps, Running, Trip

_ASKING_S = 1.0  # the closest that the rule is asked again when nothing has ended
_ROUNDING_S = 1e-9


@dataclass(frozen=True, slots=True)
class Slot:
    """When a trip starts and ends, in seconds from now; one that runs already started before 0."""

    trip: Trip
    starts_s: float
    ends_s: float


@dataclass(slots=True)
class _Journey:
    road: Road
    starts_s: float
    copies_s: float  # when copying begins
    left_s: float  # of copying, at its full rate
    copying: bool = False
    ends_s: float = inf

    def show(self, now_s: float) -> Running:
        """What would be seen of it."""
        elapsed_s = now_s - self.starts_s
        if not self.copying and self.ends_s == inf:
            return Running(self.road.trip, elapsed_s)
        course = self.road.course
        done_s = course.copying_s - self.left_s
        share = min(1.0, done_s / course.first_s) if done_s < course.first_s else 1.0
        return Running(self.road.trip, elapsed_s, percent_shown(share))


def simulate(
    waiting: Sequence[Trip], roads: Roads, caps: Caps | None = None, running: Sequence[Running] = ()
) -> tuple[Slot, ...]:
    """In the order of their ends. A trip that a limit never lets start is left out."""
    now_s, asks_s = 0.0, 0.0
    line, slots = roads.of_all(waiting), []
    active = [_resume(run, roads) for run in running]
    while line or active:
        if line and now_s >= asks_s:
            floor = Floor([journey.show(now_s) for journey in active], roads, caps or Caps())
            started, _ = floor.admit(line)
            if started:
                names = {road.trip.id for road in started}
                line = [road for road in line if road.trip.id not in names]
                active += [_begin(road, now_s, roads) for road in started]
            asks_s = inf if floor.look_again_s is None else now_s + max(_ASKING_S, floor.look_again_s)
        if not active:
            break
        speeds = _speeds(active, roads)
        then_s = min(_next_s(active, speeds, now_s), asks_s if line else inf)
        ended = _advance(active, speeds, now_s, then_s, roads.network.finish_s)
        now_s = then_s
        if ended:
            asks_s = now_s
            slots += [Slot(journey.road.trip, journey.starts_s, journey.ends_s) for journey in ended]
            active = [journey for journey in active if journey.ends_s > now_s]
    return tuple(slots)


def _begin(road: Road, now_s: float, roads: Roads) -> _Journey:
    return _Journey(road, now_s, now_s + roads.network.setup_s, road.course.copying_s)


def _resume(run: Running, roads: Roads) -> _Journey:
    """What is known of it, as if it had gone as planned so far."""
    road, network = roads.of(run.trip), roads.network
    course = road.course if run.rate_bytes_s is None else predict(run.trip, network, run.rate_bytes_s)
    rest = rest_of(run, course, network.setup_s)
    journey = _Journey(road, -run.elapsed_s, rest.begins_s, rest.left_s)
    if rest.begins_s + rest.left_s <= 0:
        journey.ends_s = network.finish_s
    return journey


def _speeds(active: Sequence[_Journey], roads: Roads) -> list[float]:
    """What part of its full rate each gets: all on a link give way alike. 0 for those that do not copy."""
    wanted: dict[str, float] = {}
    for journey in active:
        if journey.copying:
            for link in journey.road.links:
                wanted[link] = wanted.get(link, 0.0) + journey.road.rate
    parts = {link: min(1.0, roads.capacity(link) / rate) for link, rate in wanted.items()}
    return [
        min([parts[link] for link in journey.road.links], default=1.0) if journey.copying else 0.0 for journey in active
    ]


def _next_s(active: Sequence[_Journey], speeds: Sequence[float], now_s: float) -> float:
    """When something begins to copy, has copied, or ends."""
    moments = []
    for journey, speed in zip(active, speeds, strict=True):
        if journey.copying:
            moments.append(now_s + journey.left_s / speed)
        elif journey.ends_s < inf:
            moments.append(journey.ends_s)
        else:
            moments.append(max(now_s, journey.copies_s))
    return min(moments)


def _advance(
    active: Sequence[_Journey], speeds: Sequence[float], now_s: float, then_s: float, finish_s: float
) -> list[_Journey]:
    """Those that have ended."""
    ended = []
    for journey, speed in zip(active, speeds, strict=True):
        if journey.copying:
            journey.left_s -= speed * (then_s - now_s)
            if journey.left_s <= _ROUNDING_S:
                journey.left_s, journey.copying, journey.ends_s = 0.0, False, then_s + finish_s
        elif journey.ends_s < inf:
            if journey.ends_s <= then_s:
                ended.append(journey)
        elif journey.copies_s <= then_s:
            journey.copying = True
    return ended
