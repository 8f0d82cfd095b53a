"""How much time is left: what was seen corrects the plan's figures, and the rest is simulated again with them.

Two figures are learnt: the time that a set-up takes, and by how much slower than planned everything is copied. Both
begin at the plan's and give way to what was seen only as fast as there is evidence; one odd migration counts little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from bot.core.schedule.course import predict, rest_of, share_copied
from bot.core.schedule.roads import Road, Roads
from bot.core.schedule.simulation import simulate
from bot.core.schedule.trip import EXPECTED_PACE, Caps, Finished, Network, Running, Trip

# How far off the plan's set-up time and rate are expected to be, and a migration from what both would have it take.
_SETUP_OFF, _PACE_OFF = 0.5, 0.3
_OFF, _OFF_S = 0.01, 0.5
_ODD = 2.0  # from so many times that on, it counts less
_ROUNDS = 3
# A guest that writes fast takes more than in proportion longer where links are slower: what is expected of it is worked
# out anew with the pace found, so many times in all; after the first time by half of the way, which ends between a pace
# that was too slow and one that is too fast for that.
_LOOKS, _STEP = 3, 0.5
_TELLING_SHARE, _PERCENT_OFF = 0.3, 0.1
_MOST = 4.0  # times the plan's figure, or less by as much
# Of the range: what remains uncertain in any case, the same where it is not known how fast guests write, and what is
# uncertain at first.
_LEAST_RANGE, _UNKNOWN_RANGE, _FIRST_RANGE = 0.05, 0.15, 0.35
# Starts are asked for a little later than simulated, and what shares a link copies more again: by so much (measured on
# simulated evacuations).
_LATENESS = 1.04
# Where it is not known how fast guests write, a few hot ones make all of them together take so many times as long; that
# is taken for seen in so many seconds of migrations, so that one hot one does not stand for all that wait. Assumed.
_USUAL_SURPLUS, _PRIOR_S = 1.2, 2000.0
# A guest whose migration should have ended writes at least so fast that it has not, and faster by this part of what is
# left to its link's rate. Assumed.
_FASTER = 0.3


@dataclass(frozen=True, slots=True)
class Left:
    seconds: float
    low_s: float
    high_s: float


@dataclass(frozen=True, slots=True)
class _Seen:
    """One migration: for how long it would have copied as expected, and what it took up to its end's formalities."""

    copying_s: float
    took_s: float
    unsure_s: float  # by how much either may be wrong

    def at_pace(self, pace: float) -> _Seen:
        """The same where what is expected takes `pace` times as long."""
        return replace(self, copying_s=self.copying_s * pace, unsure_s=self.unsure_s * pace)


def time_left(
    waiting: Sequence[Trip],
    running: Sequence[Running],
    finished: Sequence[Finished],
    network: Network,
    caps: Caps | None = None,
) -> Left:
    """Args: waiting: in the planned order. network: as planned."""
    learnt = learn(running, finished, network)
    roads = Roads(learnt)
    believed = [replace(run, trip=_as_it_writes(run, roads)) for run in running]
    slots = simulate(waiting, Roads(learnt), caps, believed)
    seconds, surplus, spread = max((slot.ends_s for slot in slots), default=0.0), _LATENESS, _LEAST_RANGE
    if any(trip.dirty_bytes_s is None for trip in waiting):
        surplus, spread = _surplus(finished, learnt), _UNKNOWN_RANGE
    if waiting:
        seconds *= surplus
    spread += _FIRST_RANGE / sqrt(1 + len(finished))
    return Left(seconds, seconds * (1 - spread), seconds * (1 + spread))


def _as_it_writes(run: Running, roads: Roads) -> Trip:
    """What it shows of how fast its guest writes, where nothing was known of it."""
    road = roads.of(run.trip)
    overdue = rest_of(run, road.course, roads.network.setup_s).overdue
    if run.trip.dirty_bytes_s is not None or not overdue:
        return run.trip
    least = max(0.0, 1 - 1 / overdue)
    return replace(run.trip, dirty_bytes_s=road.rate * (least + _FASTER * (1 - least)))


def _surplus(finished: Sequence[Finished], learnt: Network) -> float:
    """By what factor those of which little was known took longer than most of them: a few hot ones do that."""
    took_s, usual_s = _USUAL_SURPLUS * _PRIOR_S, _PRIOR_S
    for done in finished:
        if done.trip.dirty_bytes_s is None:
            took_s += done.took_s
            usual_s += learnt.setup_s + predict(done.trip, learnt).copying_s + learnt.finish_s
    return _clamp(took_s / usual_s, 1.0, _MOST)


def learn(running: Sequence[Running], finished: Sequence[Finished], network: Network) -> Network:
    """The network as it shows itself: the plan's, its set-up time and its rates corrected.

    What `choose_starts` should be asked with, renewed from time to time: it costs some milliseconds for 400 trips.
    """
    setup_s, pace, step = network.setup_s, EXPECTED_PACE, 1.0
    for _ in range(_LOOKS):
        seen = _see(running, finished, network.slowed(pace))
        found_s, found = _fit([one.at_pace(1 / pace) for one in seen], network.setup_s)
        setup_s, pace = setup_s + step * (found_s - setup_s), pace * (found / pace) ** step
        step = _STEP
    return replace(network.slowed(pace), setup_s=setup_s)


def _fit(seen: Sequence[_Seen], setup_s: float) -> tuple[float, float]:
    """Set-up time, and the factor by which copying takes longer: least squares towards the plan, odd ones tamed."""
    later_s = slower = 0.0
    for _ in range(_ROUNDS):
        n = 1 / (_SETUP_OFF * setup_s + _OFF_S) ** 2
        x, xx, y, xy = 0.0, 1 / _PACE_OFF**2, 0.0, 0.0
        for one in seen:
            off_s = one.took_s - setup_s - EXPECTED_PACE * one.copying_s
            usual_s = _OFF_S + _OFF * one.copying_s + one.unsure_s
            odd = abs(off_s - later_s - slower * one.copying_s) / usual_s
            weight = min(1.0, _ODD / odd if odd else 1.0) / usual_s**2
            n, x, xx = n + weight, x + weight * one.copying_s, xx + weight * one.copying_s**2
            y, xy = y + weight * off_s, xy + weight * off_s * one.copying_s
        determinant = n * xx - x * x
        later_s, slower = (xx * y - x * xy) / determinant, (n * xy - x * y) / determinant
    return _clamp(setup_s + later_s, setup_s / _MOST, setup_s * _MOST), _clamp(EXPECTED_PACE + slower, 1 / _MOST, _MOST)


def _clamp(value: float, least: float, most: float) -> float:
    return max(least, min(most, value))


def _see(running: Sequence[Running], finished: Sequence[Finished], network: Network) -> Iterator[_Seen]:
    roads = Roads(network)
    spans = []
    for done in finished:
        ended_s = -done.ended_ago_s - network.finish_s
        spans.append(_Span(roads.of(done.trip), ended_s + network.finish_s - done.took_s + network.setup_s, ended_s))
    spans += [_Span(roads.of(run.trip), network.setup_s - run.elapsed_s, 0.0) for run in running]
    slowed = _slowed(spans, roads)
    for done, span, slow in zip(finished, spans, slowed, strict=False):
        yield _Seen(span.road.course.copying_s * slow, done.took_s - network.finish_s, span.road.course.again_s)
    for run, slow in zip(running, slowed[len(finished) :], strict=True):
        share = 0.0 if run.percent is None else share_copied(run.percent)
        if _TELLING_SHARE <= share < 1:
            first_s = roads.of(run.trip).course.first_s
            yield _Seen(first_s * share * slow, run.elapsed_s, _PERCENT_OFF * first_s)


@dataclass(frozen=True, slots=True)
class _Span:
    """When a migration copied, in seconds from now."""

    road: Road
    from_s: float
    to_s: float


def _slowed(spans: Sequence[_Span], roads: Roads) -> list[float]:
    """By what factor each was slowed on average, because others of them used the same links."""
    moments = sorted(
        [(min(span.from_s, span.to_s), True, number) for number, span in enumerate(spans)]
        + [(span.to_s, False, number) for number, span in enumerate(spans)]
    )
    wanted: dict[str, float] = {}
    copied, lasted = [0.0] * len(spans), [0.0] * len(spans)
    active: set[int] = set()
    before_s = 0.0
    for moment_s, begins, number in moments:
        for each in active:
            links = spans[each].road.links
            part = min((roads.capacity(link) / max(wanted[link], roads.capacity(link)) for link in links), default=1.0)
            copied[each] += part * (moment_s - before_s)
            lasted[each] += moment_s - before_s
        before_s = moment_s
        (active.add if begins else active.discard)(number)
        for link in spans[number].road.links:
            wanted[link] = wanted.get(link, 0.0) + spans[number].road.rate * (1 if begins else -1)
    return [time_s / amount if amount else 1.0 for time_s, amount in zip(lasted, copied, strict=True)]
