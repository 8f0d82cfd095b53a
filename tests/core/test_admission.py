"""Admission: a table of who may go and what the others are told, and properties that hold for any queue."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.core.admission import Candidate, Resource, Room, count_foreign, decide_admission
from bot.core.plan import MoveKind

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
AGE = timedelta(minutes=2)
LIVE, SHARED, STORAGE = MoveKind.LIVE, MoveKind.SHARED_NOTHING, MoveKind.STORAGE


def one(
    operation: str, kind: MoveKind = LIVE, source: str = "a", destination: str = "b", **values: object
) -> Candidate:
    target = source if kind is STORAGE else destination
    given_values = {"operation": operation, "kind": kind, "source": source, "destination": target}
    return Candidate.model_validate(given_values | values)


def room(host: str, live: int = 2, storage: int = 2, **values: object) -> Room:
    given_values = {"host": host, "seen_at": NOW, "live_limit": live, "storage_limit": storage}
    return Room.model_validate(given_values | values)


def rooms(*known: Room) -> dict[str, Room]:
    return {each.host: each for each in known}


AB = rooms(room("a"), room("b"))

TABLE = [
    ("nothing queued", [], [], AB, (), {}),
    ("room at both ends", [one("1")], [], AB, ("1",), {}),
    (
        "the source is full",
        [one("1")],
        [one("x", source="a", destination="c"), one("y", source="c", destination="a")],
        AB,
        (),
        {"1": "a runs 2 of 2 live migrations; next in line"},
    ),
    (
        "the destination is full",
        [one("1")],
        [one("x", source="c", destination="b"), one("y", source="c", destination="b")],
        AB,
        (),
        {"1": "b runs 2 of 2 live migrations; next in line"},
    ),
    (
        "others fill it",
        [one("1")],
        [one("x", source="c", destination="b")],
        rooms(room("a"), room("b", live_foreign=1)),
        (),
        {"1": "b runs 2 of 2 live migrations, 1 not started by Ferry; next in line"},
    ),
    (
        "first in, first out",
        [one("1"), one("2"), one("3"), one("4")],
        [],
        AB,
        ("1", "2"),
        {
            "3": "a runs 2 of 2 live migrations; next in line",
            "4": "a runs 2 of 2 live migrations; 1 ahead in line",
        },
    ),
    (
        "a later one with room goes past",
        [one("1"), one("2", source="c", destination="d")],
        [one("x"), one("y")],
        AB | rooms(room("c"), room("d")),
        ("2",),
        {"1": "a runs 2 of 2 live migrations; next in line"},
    ),
    (
        "unknown room is no room",
        [one("1")],
        [],
        rooms(room("a")),
        (),
        {"1": "how many live migrations b runs is not known; Ferry is asking it"},
    ),
    (
        "room seen too long ago is unknown",
        [one("1")],
        [],
        rooms(room("a"), room("b", seen_at=NOW - AGE - timedelta(seconds=1))),
        (),
        {"1": "how many live migrations b runs is not known; Ferry is asking it"},
    ),
    (
        "a limit of none",
        [one("1")],
        [],
        rooms(room("a", live=0), room("b")),
        (),
        {"1": "a is set to allow no live migrations"},
    ),
    (
        "storage is counted apart from live",
        [one("1", STORAGE)],
        [one("x"), one("y")],
        AB,
        ("1",),
        {},
    ),
    (
        "storage is full",
        [one("1", STORAGE)],
        [one("x", STORAGE)],
        rooms(room("a", storage=1)),
        (),
        {"1": "a runs 1 of 1 storage migrations; next in line"},
    ),
    (
        "shared nothing needs both kinds of room, at both ends",
        [one("1", SHARED), one("2")],
        [one("x", STORAGE, source="b"), one("y", STORAGE, source="b")],
        AB,
        ("2",),
        {"1": "b runs 2 of 2 storage migrations; next in line"},
    ),
    (
        "shared nothing takes both kinds of room",
        [one("1", SHARED), one("2"), one("3", STORAGE)],
        [],
        rooms(room("a", live=1, storage=1), room("b")),
        ("1",),
        {
            "2": "a runs 1 of 1 live migrations; next in line",
            "3": "a runs 1 of 1 storage migrations; next in line",
        },
    ),
    (
        "a pause keeps its words and holds nobody up",
        [one("1", not_before=NOW + timedelta(seconds=5), waiting="b has no room"), one("2"), one("3"), one("4")],
        [],
        AB,
        ("2", "3"),
        {"1": "b has no room", "4": "a runs 2 of 2 live migrations; next in line"},
    ),
    ("a pause that is over", [one("1", not_before=NOW)], [], AB, ("1",), {}),
]


@pytest.mark.parametrize(
    ("queued", "holding", "known", "granted", "waiting"), [r[1:] for r in TABLE], ids=[r[0] for r in TABLE]
)
def test_who_may_go(queued, holding, known, granted, waiting):
    decided = decide_admission(queued, holding, known, NOW, AGE)
    assert decided.granted == granted
    assert decided.waiting == waiting


@pytest.mark.parametrize(("active", "ours", "foreign"), [(0, 0, 0), (2, 1, 1), (1, 2, 0), (3, 3, 0)])
def test_foreign_is_never_negative(active, ours, foreign):
    assert count_foreign(active, ours) == foreign


HOSTS = ("a", "b", "c")


@some.composite
def candidates(draw: some.DrawFn, prefix: str) -> list[Candidate]:
    drawn = draw(some.lists(some.tuples(some.sampled_from(MoveKind), some.permutations(HOSTS)), max_size=8))
    return [one(f"{prefix}{n}", kind, hosts[0], hosts[1]) for n, (kind, hosts) in enumerate(drawn)]


known_rooms = some.fixed_dictionaries(
    {},
    optional={
        host: some.builds(
            lambda live, storage, live_foreign, storage_foreign, host=host: room(
                host, live, storage, live_foreign=live_foreign, storage_foreign=storage_foreign
            ),
            *[some.integers(0, 3) for _ in range(4)],
        )
        for host in HOSTS
    },
)


@given(candidates("q"), candidates("h"), known_rooms)
def test_no_limit_is_exceeded_and_no_room_is_wasted(queued, holding, known):
    decided = decide_admission(queued, holding, known, NOW, AGE)
    by_name = {candidate.operation: candidate for candidate in queued}
    before = Counter(slot for candidate in holding for slot in candidate.slots)
    taken = Counter(slot for name in decided.granted for slot in by_name[name].slots)

    def left(slot: tuple[str, Resource]) -> int:
        host, resource = slot
        return known[host].limit(resource) - known[host].foreign(resource) - before[slot] - taken[slot]

    assert all(slot[0] in known and left(slot) >= 0 for slot in taken)
    for name in decided.waiting:
        assert any(slot[0] not in known or left(slot) <= 0 for slot in by_name[name].slots)


@given(candidates("q"), candidates("h"), known_rooms)
def test_everyone_is_granted_or_told_why(queued, holding, known):
    decided = decide_admission(queued, holding, known, NOW, AGE)
    assert set(decided.granted) | set(decided.waiting) == {candidate.operation for candidate in queued}
    assert not set(decided.granted) & set(decided.waiting)
    assert all(decided.waiting.values())


@given(candidates("q"), candidates("h"), known_rooms)
def test_nobody_is_overtaken_by_one_who_needs_the_same(queued, holding, known):
    decided = decide_admission(queued, holding, known, NOW, AGE)
    waiting: list[Candidate] = []
    for candidate in queued:
        if candidate.operation in decided.waiting:
            waiting.append(candidate)
        else:
            assert not any(set(earlier.slots) <= set(candidate.slots) for earlier in waiting)
