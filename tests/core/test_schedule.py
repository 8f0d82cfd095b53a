"""Scheduling: one migration by hand, tables of who may start, and properties that hold for any set of trips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bot.core.schedule import (
    Caps,
    Finished,
    Network,
    Running,
    Slot,
    Trip,
    choose_starts,
    learn,
    plan,
    predict,
    time_left,
)

MB, GB = 10**6, 10**9
LAN = Network(links={}, default_bytes_s=1000 * MB, setup_s=3.0, finish_s=1.0)
FAST = replace(LAN, default_bytes_s=2500 * MB, stream_bytes_s=1000 * MB)


def trip(name: str, source: str = "a", destination: str = "b", size: float = 10, **values: Any) -> Trip:
    """Args: size: memory, in GB."""
    return Trip(name, source, destination, **{"memory_bytes": int(size * GB), "dirty_bytes_s": 0.0} | values)


def known(*hosts: str, network: Network = LAN) -> Network:
    return replace(network, links=dict.fromkeys(hosts, network.default_bytes_s))


# One migration

COURSES = [
    ("nothing is written", trip("v"), 10, 0, 0, True),
    ("off", trip("v", size=0), 0, 0, 0, True),
    (
        "written at a tenth: 1 GB, then 0.1 GB while it stands still",
        trip("v", dirty_bytes_s=100.0 * MB),
        10,
        1.1,
        0.1,
        True,
    ),
    ("no faster than written: ten times all of it", trip("v", dirty_bytes_s=2000.0 * MB), 10, 100, 10, False),
    ("storage goes first, at its own rate", trip("v", storage_bytes=5 * GB), 20, 0, 0, True),
    ("nonsense counts as nothing", trip("v", size=-1, dirty_bytes_s=-5.0, storage_bytes=-1), 0, 0, 0, True),
]


@pytest.mark.parametrize(
    ("moved", "first_s", "again_s", "blackout_s", "converges"),
    [row[1:] for row in COURSES],
    ids=[row[0] for row in COURSES],
)
def test_one_migration(moved: Trip, first_s: float, again_s: float, blackout_s: float, converges: bool) -> None:
    course = predict(moved, replace(LAN, storage_bytes_s=500 * MB))

    assert course.first_s == pytest.approx(first_s)
    assert course.again_s == pytest.approx(again_s)
    assert course.blackout_s == pytest.approx(blackout_s)
    assert course.converges is converges


def test_a_slower_rate_writes_more() -> None:
    moved = trip("v", dirty_bytes_s=100.0 * MB)

    assert predict(moved, LAN, 500.0 * MB).sent_bytes > predict(moved, LAN).sent_bytes
    assert predict(moved, LAN, 0.0).blackout_s > 0


# Who may start

WARM, HOT = trip("warm", "a", "c", dirty_bytes_s=500.0 * MB), trip("hot", "a", "c", dirty_bytes_s=850.0 * MB)

STARTS = [
    ("nothing runs", [trip("1")], [], LAN, None, ("1",), {}),
    (
        "one at a time on a link",
        [trip("1"), trip("2", destination="c"), trip("3", "c", "d")],
        [],
        LAN,
        None,
        ("1", "3"),
        {"2": "the link of a is busy for about 15 s more"},
    ),
    (
        "too early to set up the next",
        [trip("2", destination="c")],
        [Running(trip("1"), 5)],
        LAN,
        None,
        (),
        {"2": "the link of a is busy for about 8 s more"},
    ),
    (
        "the next sets up while the last bytes travel",
        [trip("2", destination="c")],
        [Running(trip("1"), 10)],
        LAN,
        None,
        ("2",),
        {},
    ),
    (
        "it follows what is shown, not the clock: half of it has taken 20 s",
        [trip("2", destination="c")],
        [Running(trip("1"), 23, percent=43.5)],
        LAN,
        None,
        (),
        {"2": "the link of a is busy for about 15 s more"},
    ),
    (
        "still setting up, though it should not be",
        [trip("2", destination="c")],
        [Running(trip("1"), 12, percent=2)],
        LAN,
        None,
        (),
        {"2": "the link of a is busy for about 10 s more"},
    ),
    (
        "measured rate",
        [trip("2", destination="c")],
        [Running(trip("1"), 10, rate_bytes_s=500.0 * MB)],
        LAN,
        None,
        (),
        {"2": "the link of a is busy for about 15 s more"},
    ),
    (
        "streams fill a faster link, the last one with half",
        [trip(name, destination=name) for name in "bcde"],
        [],
        FAST,
        None,
        ("b", "c", "d"),
        {"e": "the link of a is busy for about 15 s more"},
    ),
    (
        "a hot one is not squeezed",
        [HOT, trip("2", "a", "d"), trip("3", "a", "e")],
        [],
        FAST,
        None,
        ("hot", "2"),
        {"3": "the link of a is busy for about 15 s more"},
    ),
    (
        "nor does it squeeze in",
        [HOT],
        [Running(trip("1"), 3.5), Running(trip("2", "a", "d"), 3.5)],
        FAST,
        None,
        (),
        {"hot": "the link of a is busy for about 10 s more"},
    ),
    (
        "a hot one that is nearly done is left in peace",
        [trip("2", "a", "d")],
        [Running(WARM, 20)],
        LAN,
        None,
        (),
        {"2": "the link of a is busy for about 3 s more"},
    ),
    (
        "one that does not end has turned out hot",
        [trip("2", "a", "d")],
        [Running(trip("1", dirty_bytes_s=None), 40, percent=94)],
        LAN,
        None,
        (),
        {"2": "the link of a is busy"},
    ),
    (
        "two long ones do not overlap where little is known of the first; a short one goes between them",
        [trip("long", "a", "c", 100), trip("short", "a", "d")],
        [Running(trip("1", size=20, dirty_bytes_s=None), 22)],
        LAN,
        None,
        ("short",),
        {"long": "the link of a is busy for about 15 s more"},
    ),
    (
        "behind a short one a long one may start all the same",
        [trip("long", "a", "c", 100)],
        [Running(trip("1", dirty_bytes_s=None), 11)],
        LAN,
        None,
        ("long",),
        {},
    ),
    (
        "all share a core",
        [trip("1"), trip("2", "c", "d"), trip("3", "e", "f")],
        [],
        replace(LAN, core_bytes_s=2000 * MB),
        None,
        ("1", "2"),
        {"3": "the network between the hosts is busy for about 15 s more"},
    ),
    ("VMs that are off need no link", [trip(name, size=0) for name in "123"], [], LAN, None, ("1", "2", "3"), {}),
    (
        "nor does storage that stays on its host",
        [trip(name, "a", "a", 0, storage_bytes=GB) for name in "12"],
        [],
        LAN,
        None,
        ("1", "2"),
        {},
    ),
    (
        "a limit at the source",
        [trip("2", "a", "c")],
        [Running(trip("1"), 12)],
        LAN,
        Caps(live={"a": 1}),
        (),
        {"2": "a runs 1 of 1 live migrations"},
    ),
    (
        "a limit at the destination, and one that has room passes by",
        [trip("2", "c", "b"), trip("3", "c", "d")],
        [Running(trip("1"), 12)],
        LAN,
        Caps(live={"b": 1}),
        ("3",),
        {"2": "b runs 1 of 1 live migrations"},
    ),
    (
        "a limit that was lowered meanwhile",
        [trip("2", "a", "c")],
        [Running(trip("1"), 12), Running(trip("3", "a", "d"), 12)],
        LAN,
        Caps(live={"a": 1}),
        (),
        {"2": "a runs 2 live migrations and allows 1"},
    ),
    (
        "a limit on storage",
        [trip("2", "a", "c", 1, storage=True, storage_bytes=GB)],
        [Running(trip("1", "a", "a", 0, live=False, storage=True), 12)],
        LAN,
        Caps(storage={"a": 1}),
        (),
        {"2": "a runs 1 of 1 storage migrations"},
    ),
    (
        "a limit on all",
        [trip("2", "c", "d"), trip("3", "e", "f")],
        [Running(trip("1"), 5)],
        LAN,
        Caps(total=2),
        ("2",),
        {"3": "2 of 2 migrations are running"},
    ),
    (
        "what makes room goes first",
        [trip("1"), trip("2", "c", "d", stage=1)],
        [],
        LAN,
        None,
        ("1",),
        {"2": "moves that make room must end first"},
    ),
    (
        "and must have ended",
        [trip("2", "c", "d", stage=1)],
        [Running(trip("1"), 14)],
        LAN,
        None,
        (),
        {"2": "moves that make room must end first"},
    ),
    (
        "a higher rank holds its hosts against lower ones",
        [trip("2", "c", "b", rank=0), trip("3", "c", "d")],
        [Running(trip("1"), 5)],
        LAN,
        None,
        (),
        {"2": "the link of b is busy for about 8 s more", "3": "others go first on c"},
    ),
    (
        "unless it can never start",
        [trip("2", "c", "b", rank=0), trip("3", "c", "d")],
        [],
        LAN,
        Caps(live={"b": 0}),
        ("3",),
        {"2": "b runs 0 of 0 live migrations"},
    ),
]


@pytest.mark.parametrize(
    ("waiting", "running", "network", "caps", "now", "reasons"),
    [row[1:] for row in STARTS],
    ids=[row[0] for row in STARTS],
)
def test_who_may_start(
    waiting: Sequence[Trip],
    running: Sequence[Running],
    network: Network,
    caps: Caps | None,
    now: tuple[str, ...],
    reasons: dict[str, str],
) -> None:
    starts = choose_starts(waiting, running, network, caps)

    assert starts.now == now
    assert starts.waiting == reasons


def test_it_says_when_to_look_again() -> None:
    starts = choose_starts([trip("2", destination="c")], [Running(trip("1"), 5)], LAN)

    assert starts.look_again_s == pytest.approx(8 - 3.3)
    assert choose_starts([trip("2", destination="c")], [Running(trip("1"), 5 + 4.8)], LAN).now == ("2",)


# The plan


def test_the_next_one_is_set_up_in_time() -> None:
    """Three of 10 s each on one link: only the first set-up and the last finish are seen."""
    table = plan([trip(name, "a", name, 10 / 1.15) for name in "bcd"], known(*"abcd"))

    assert table.lower_bound_s == pytest.approx(34)
    assert 34 <= table.seconds <= 36
    assert [round(slot.starts_s) for slot in table.slots] == [0, 10, 20]
    assert table.low_s < table.seconds < table.high_s


def test_ranks_and_stages_are_kept_in_the_order() -> None:
    trips = [
        trip("late", size=1, rank=2),
        trip("next", size=50, stage=1, rank=0),
        trip("first", size=1, rank=0),
        trip("long", size=9),
    ]

    assert plan(trips, LAN).order == ("first", "long", "late", "next")


def test_a_range_widens_with_what_is_not_known() -> None:
    def width(network: Network, dirty_bytes_s: float | None) -> float:
        table = plan([trip("1", dirty_bytes_s=dirty_bytes_s)], network)
        return (table.high_s - table.low_s) / table.seconds

    assert width(known("a", "b"), 0.0) < width(known("a", "b"), None) < width(LAN, None)


@pytest.mark.parametrize("dirty_bytes_s", [0.0, 850.0 * MB, None])
def test_what_is_foretold_is_off_by_the_same_share_at_either_end(dirty_bytes_s: float | None) -> None:
    """A guest that writes nearly as fast as its link carries takes three times as long on a bad day."""
    table = plan([trip("1", dirty_bytes_s=dirty_bytes_s)], known("a", "b"))

    assert table.foretold_s / table.low_s - 1 == pytest.approx(1 - table.foretold_s / table.high_s)


def test_links_that_are_not_known_widen_the_range_and_do_not_change_what_is_foretold() -> None:
    assumed, measured = plan([trip("1")], LAN), plan([trip("1")], known("a", "b"))

    assert assumed.low_s < measured.low_s < measured.foretold_s == assumed.foretold_s < measured.high_s < assumed.high_s


def test_those_that_stand_still_for_long_are_named() -> None:
    trips = [trip("cool"), trip("wild", dirty_bytes_s=1500.0 * MB), trip("unknown", dirty_bytes_s=None)]
    (blackout,) = plan(trips, LAN).blackouts

    assert (blackout.trip, blackout.converges) == ("wild", False)
    assert blackout.seconds > 10


@pytest.mark.parametrize(
    ("size", "network", "caps", "advised"),
    [
        pytest.param(30, LAN, Caps(live={"a": 1, "b": 1}), [], id="large VMs, hardly any set-up"),
        pytest.param(2, LAN, Caps(live={"a": 1}), [("a", 1, 2)], id="small VMs, mostly set-up"),
        pytest.param(
            10, FAST, Caps(live={"a": 1, "b": 1, "c": 1, "d": 1}), [("a", 1, 4)], id="a stream does not fill the link"
        ),
        pytest.param(10, FAST, Caps(live={"a": 4}), [], id="enough"),
        pytest.param(10, FAST, Caps(total=1), [("", 1, 4)], id="the total"),
    ],
)
def test_advice_only_where_a_limit_costs_more_than_a_fifth(
    size: float, network: Network, caps: Caps, advised: list[tuple[str, int, int]]
) -> None:
    trips = [trip(f"{number}{host}", "a", host, size) for number in range(4) for host in "bcd"]
    table = plan(trips, network, caps)

    assert [(advice.host, advice.limit, advice.better) for advice in table.advice] == advised
    for advice in table.advice:
        lifted = Caps(live={**caps.live, "a": advice.better}) if advice.host else Caps(total=advice.better)
        assert plan(trips, network, lifted).seconds == pytest.approx(table.seconds - advice.seconds_saved, rel=0.05)


def test_a_limit_on_storage_migrations_is_advised_on_like_one_on_live_migrations() -> None:
    """Storage is copied at 500 MB/s and the link carries 2500: one at a time leaves most of it idle."""
    trips = [trip(f"{n}{host}", "a", host, 1, storage=True, storage_bytes=20 * GB) for n in range(4) for host in "bcd"]
    table = plan(trips, FAST, Caps(live={"a": 9}, storage={"a": 1}))

    assert [(advice.host, advice.limit, advice.storage) for advice in table.advice] == [("a", 1, True)]
    assert table.advice[0].seconds_saved > table.seconds / 2


def test_a_trip_that_no_limit_lets_start_is_left_out() -> None:
    table = plan([trip("1", "a", "b"), trip("2", "a", "c")], LAN, Caps(live={"b": 0}))

    assert [slot.trip.id for slot in table.slots] == ["2"]
    assert set(table.order) == {"1", "2"}


@pytest.mark.timeout(30)
def test_planning_many_is_fast() -> None:
    """So many take half a second; no test of time, only of a rule that has become quadratic."""
    trips = [trip(f"{number}", f"s{number % 10}", f"d{number % 29}", 4 + number % 13) for number in range(400)]

    assert len(plan(trips, FAST).slots) == 400


# Time left


def history(count: int, took_s: float, size: float = 10, ago_s: float = 0) -> list[Finished]:
    """One after the other."""
    made = [trip(f"f{ago_s} {number}", "a", "b", size) for number in range(count)]
    return [Finished(each, took_s, ago_s + number * took_s) for number, each in enumerate(made)]


def test_nothing_seen_yet_is_a_little_more_than_was_planned() -> None:
    trips = [trip(name, "a", name) for name in "bcd"]

    assert time_left(trips, [], [], LAN).seconds == pytest.approx(1.04 * plan(trips, LAN).seconds)


def test_what_hot_guests_take_longer_is_not_all_put_down_to_the_link() -> None:
    """It carries 30 % less than it should, and guests that write 300 MB/s take not 1.4 but 1.75 times as long."""
    slow = LAN.slowed(1 / 0.7)
    hot = [trip(f"hot{number}", "a", "b", dirty_bytes_s=300 * MB) for number in range(30)]
    took_s = slow.setup_s + predict(hot[0], slow).copying_s + slow.finish_s
    seen = [Finished(one, took_s, number * took_s) for number, one in enumerate(hot)]

    assert learn([], seen, LAN).default_bytes_s == pytest.approx(slow.default_bytes_s, rel=0.06)


def test_a_guest_of_which_nothing_is_known_is_hot_once_its_migration_should_have_ended() -> None:
    def left_s(percent: float, elapsed_s: float, dirty_bytes_s: float | None) -> float:
        running = Running(trip("1", size=10, dirty_bytes_s=dirty_bytes_s), elapsed_s, percent)
        return time_left([], [running], [], LAN).seconds

    assert left_s(90, 30, None) > 3 + left_s(90, 30, 20 * MB)


def test_of_guests_that_are_not_known_some_are_taken_to_be_hot_until_none_was() -> None:
    trips = [trip(name, "a", name, dirty_bytes_s=None) for name in "bcd"]
    cool = [
        Finished(replace(done.trip, dirty_bytes_s=None), done.took_s, done.ended_ago_s) for done in history(400, 14)
    ]
    learnt_s = time_left(trips, [], cool, LAN).seconds

    assert time_left(trips, [], [], LAN).seconds == pytest.approx(1.2 * plan(trips, LAN).seconds, rel=0.02)
    assert learnt_s == pytest.approx(3 * 10 + 4, rel=0.1)


def test_nothing_left() -> None:
    assert time_left([], [], history(3, 14), LAN).seconds == 0


def test_what_was_seen_corrects_set_up_and_rate() -> None:
    """Half as fast as it should be, and seven seconds of set-up: both are found."""
    seen = history(8, 7 + 20 + 1) + history(8, 7 + 2 + 1, size=1, ago_s=300)
    learnt = learn([], seen, LAN)

    assert learnt.default_bytes_s == pytest.approx(500 * MB, rel=0.05)
    assert learnt.setup_s == pytest.approx(7, rel=0.1)


def test_two_odd_points_do_not_explode() -> None:
    trips = [trip(name, "a", name) for name in "bcd"]
    planned = time_left(trips, [], [], LAN).seconds
    odd = [Finished(trip("f1", size=10), 400.0, 0), Finished(trip("f2", size=10.1), 12.0, 400)]

    assert planned / 2 < time_left(trips, [], odd, LAN).seconds < planned * 2


def test_a_running_one_counts_by_what_it_shows() -> None:
    half = time_left([], [Running(trip("1"), 13, percent=43.5)], [], LAN).seconds

    assert time_left([], [Running(trip("1"), 3, percent=6)], [], LAN).seconds > half > 5
    assert half > time_left([], [Running(trip("1"), 13, percent=75)], [], LAN).seconds


def test_one_that_runs_over_time_is_expected_to_end() -> None:
    left = time_left([trip("2", destination="c")], [Running(trip("1"), 100, percent=94)], [], LAN)

    assert 8 < left.low_s < left.seconds < left.high_s < 60


# Whatever the trips

HOSTS = some.sampled_from("abcd")
DIRTY = some.one_of(some.none(), some.floats(0, 2000 * MB))


@some.composite
def sites(draw: some.DrawFn) -> tuple[list[Trip], Network, Caps]:
    trips = []
    for number in range(draw(some.integers(0, 12))):
        storage = draw(some.integers(0, 20)) * GB * draw(some.booleans())
        trips.append(
            Trip(
                str(number),
                draw(HOSTS),
                draw(HOSTS),
                memory_bytes=draw(some.integers(0, 64)) * GB,
                storage_bytes=storage,
                dirty_bytes_s=draw(DIRTY),
                rank=draw(some.integers(0, 2)),
                stage=draw(some.integers(0, 1)),
                live=draw(some.booleans()),
                storage=storage > 0,
            )
        )
    network = Network(
        links=draw(some.dictionaries(HOSTS, some.floats(100 * MB, 3000 * MB))),
        default_bytes_s=1100 * MB,
        stream_bytes_s=draw(some.sampled_from([None, 1100.0 * MB])),
        core_bytes_s=draw(some.sampled_from([None, 2200.0 * MB])),
        setup_s=draw(some.floats(0.5, 8)),
    )
    limits = some.dictionaries(HOSTS, some.integers(1, 3))
    return trips, network, Caps(draw(limits), draw(limits), draw(some.sampled_from([None, 1, 3])))


def overlap(one: Slot, other: Slot) -> bool:
    return one.starts_s < other.ends_s and other.starts_s < one.ends_s


@settings(max_examples=150, deadline=None)
@given(sites())
def test_a_plan_is_whole_and_keeps_every_rule(site: tuple[list[Trip], Network, Caps]) -> None:
    trips, network, caps = site
    table = plan(trips, network, caps)

    assert table == plan(trips, network, caps)
    assert Counter(table.order) == Counter(slot.trip.id for slot in table.slots) == Counter(each.id for each in trips)
    assert all(slot.ends_s > slot.starts_s >= 0 for slot in table.slots)
    assert table.seconds >= table.lower_bound_s * (1 - 1e-6)
    assert table.low_s <= table.foretold_s <= table.high_s
    for moment in [slot.starts_s for slot in table.slots]:
        under_way = [slot.trip for slot in table.slots if slot.starts_s <= moment < slot.ends_s]
        assert caps.total is None or len(under_way) <= caps.total
        live = Counter(host for each in under_way if each.live for host in each.hosts)
        storage = Counter(host for each in under_way if each.storage for host in each.hosts)
        assert all(live[host] <= limit for host, limit in caps.live.items())
        assert all(storage[host] <= limit for host, limit in caps.storage.items())
    for one, other in combinations(table.slots, 2):
        if one.trip.stage != other.trip.stage:
            first, second = sorted((one, other), key=lambda slot: slot.trip.stage)
            assert first.ends_s <= second.starts_s
        elif one.trip.rank != other.trip.rank and set(one.trip.hosts) & set(other.trip.hosts):
            first, second = sorted((one, other), key=lambda slot: slot.trip.rank)
            assert first.starts_s <= second.starts_s


@settings(max_examples=100, deadline=None)
@given(sites(), some.lists(some.tuples(some.floats(0, 500), some.one_of(some.none(), some.floats(0, 100))), max_size=4))
def test_time_left_is_always_a_time(
    site: tuple[list[Trip], Network, Caps], shown: list[tuple[float, float | None]]
) -> None:
    trips, network, caps = site
    running = [Running(each, *seen) for each, seen in zip(trips, shown, strict=False)]
    waiting = trips[len(running) :]
    left = time_left(waiting, running, [Finished(each, 30.0, 5.0) for each in trips[:1]], network, caps)

    assert 0 <= left.low_s <= left.seconds <= left.high_s < 1e7
    assert left.seconds > 0 or not trips
