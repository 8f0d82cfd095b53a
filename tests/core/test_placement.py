"""Placement without a solver: each limit, reasons, proofs that counting gives, room, the way home; and properties.

A judge that shares no code with the search looks at random answers (`tests.benchmarks.placements`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bot.core.placement import (
    Away,
    Guest,
    Lack,
    Method,
    Model,
    Obstacle,
    Outcome,
    Placement,
    Problem,
    Shift,
    Solution,
    Staying,
    Target,
    Unplaced,
    place,
    plan_homecoming,
)
from bot.core.placement.resettling import order
from tests.benchmarks.placements import GIB, Ledger, homecoming_violations, planted, violations

ROOT = Path(__file__).parents[2]
NOBODY = Solution(Outcome.UNDECIDED, why="nobody solves")


def vm(name: str, memory: float = 4, processors: int = 1, allowed: str = "abc", **values: object) -> Guest:
    """Memory in GiB; hosts have names of one letter."""
    ready: dict[str, object] = {"host": "old"} | values
    return Guest(name, name.upper(), int(memory * GIB), processors, allowed=frozenset(allowed), **ready)  # type: ignore[arg-type]


def host(
    name: str,
    memory: float = 16,
    processors: int = 64,
    storage: Mapping[str, int] | None = None,
    groups: Sequence[str] = (),
) -> Target:
    disks = {letter: size * GIB for letter, size in (storage or {}).items()}
    return Target(name, int(memory * GIB), 64 * GIB, processors, disks, frozenset(groups))


def by_hand(
    problem: Problem, *, make_room: bool = False, says: Callable[[Model], Solution] = lambda question: NOBODY
) -> tuple[Placement, list[Model]]:
    """The placement when nobody solves anything, or `says` does; and the questions."""
    search, asked = place(problem, make_room=make_room), []
    try:
        asked.append(next(search))
        while True:
            asked.append(search.send(says(asked[-1])))
    except StopIteration as end:
        return end.value, asked


def of(guests: Sequence[Guest], targets: Sequence[Target], residents: Sequence[Guest] = ()) -> Problem:
    return Problem(tuple(guests), tuple(targets), tuple(residents))


LIMITS = [
    ("not allowed", vm("one", allowed="b"), host("a"), Obstacle("a", Lack.NOT_ALLOWED)),
    ("memory", vm("one", 8), host("a", 7), Obstacle("a", Lack.MEMORY, "", 8 * GIB, 7 * GIB)),
    ("processors", vm("one", processors=8), host("a", processors=7), Obstacle("a", Lack.PROCESSORS, "", 8, 7)),
    (
        "storage",
        vm("one", storage={"D": 8 * GIB}),
        host("a", storage={"D": 7}),
        Obstacle("a", Lack.STORAGE, "D", 8 * GIB, 7 * GIB),
    ),
    ("no such volume", vm("one", storage={"E": GIB}), host("a"), Obstacle("a", Lack.STORAGE, "E", GIB, 0)),
    ("group", vm("one", groups=frozenset({"web"})), host("a", groups=["web"]), Obstacle("a", Lack.GROUP, "web")),
    ("more than all", vm("one", 8), host("a", -2), Obstacle("a", Lack.MEMORY, "", 8 * GIB, 0)),
]


@pytest.mark.parametrize(
    ("guest", "target", "obstacle"), [case[1:] for case in LIMITS], ids=[case[0] for case in LIMITS]
)
def test_each_limit_keeps_a_vm_from_a_host_and_is_told(guest: Guest, target: Target, obstacle: Obstacle) -> None:
    other = host("b", storage={"D": 99, "E": 99})

    assert by_hand(of([guest], [target, other]))[0].where == {"one": "b"}

    alone, _ = by_hand(of([guest], [target]))
    assert alone.unplaced == (Unplaced("one", (obstacle,), never=True),)
    assert (alone.decided, alone.most) == (True, True)


def test_two_of_a_group_never_share_a_host() -> None:
    guests = [vm(name, 1, groups=frozenset({"sql"})) for name in ("one", "two", "three")]

    placement, asked = by_hand(of(guests, [host("a"), host("b"), host("c", 0.5)]))

    assert sorted(placement.where.values()) == ["a", "b"]
    (left_out,) = placement.unplaced
    assert left_out.obstacles == (
        Obstacle("a", Lack.GROUP, "sql"),
        Obstacle("b", Lack.GROUP, "sql"),
        Obstacle("c", Lack.MEMORY, "", GIB, GIB // 2),
    )
    # Counting does not prove it, so the solver was asked, and what it did not decide is said.
    assert (placement.decided, placement.most, left_out.never) == (False, False, False)
    assert placement.undecided.startswith("whether all fit: nobody solves; how many fit: nobody solves")
    assert len(asked) >= 2


def test_a_group_of_a_resident_counts() -> None:
    resident = vm("r", host="a", groups=frozenset({"sql"}))

    placement, _ = by_hand(of([vm("one", groups=frozenset({"sql"}))], [host("a"), host("b", 5)], [resident]))

    assert placement.where == {"one": "b"}


def test_memory_is_counted_in_whole_mib_never_too_little() -> None:
    """A byte more than a MiB takes two; a host a byte short of two has one."""
    guest = replace(vm("one"), memory=2**20 + 1)

    assert by_hand(of([guest], [replace(host("a"), memory=2**21 - 1)]))[0].unplaced
    assert not by_hand(of([guest], [replace(host("a"), memory=2**21)]))[0].unplaced


def test_low_ranks_are_served_first_and_then_as_many_as_fit() -> None:
    guests = [vm("last", 2, rank=2), vm("large", 6, rank=1), vm("small", 4, rank=1), vm("first", 12, rank=0)]

    placement, _ = by_hand(of(guests, [host("a", 16)]))

    assert placement.where == {"first": "a", "small": "a"}
    assert [left_out.guest for left_out in placement.unplaced] == ["large", "last"]
    assert placement.decided  # 24 GB do not fit in 16


def test_counting_proves_what_is_short_and_how_much_would_do() -> None:
    guests = [vm(f"vm-{number}", 6, 4) for number in range(4)]

    placement, asked = by_hand(of(guests, [host("a", 12, 8), host("b", 6, 64)]))

    assert placement.decided
    assert placement.shortfall is not None
    assert placement.shortfall.smallest
    assert placement.shortfall.total(Lack.MEMORY) == 6 * GIB
    assert "the smallest shortfall" not in placement.undecided
    assert all(question.share < 1 for question in asked)


def test_with_the_shortfall_added_everything_fits() -> None:
    problem = planted(3, 16, 4, 1.05)
    placement, _ = by_hand(problem)
    assert placement.shortfall is not None
    added: Counter[tuple[str, Lack]] = Counter()
    for short in placement.shortfall.added:
        added[short.host, short.lack] += short.amount

    enough = [
        replace(
            t, memory=t.memory + added[t.name, Lack.MEMORY], processors=t.processors + added[t.name, Lack.PROCESSORS]
        )
        for t in problem.targets
    ]

    assert by_hand(problem)[0].unplaced
    again, _ = by_hand(replace(problem, targets=tuple(enough)))
    assert not again.unplaced or not again.decided  # never disproved


def test_what_no_order_and_rule_places_ejection_chains_place() -> None:
    placement, asked = by_hand(planted(1, 60, 15, 0.97))

    assert not asked
    assert (placement.method, placement.unplaced) == (Method.REPAIR, ())


def test_memory_is_spread_evenly() -> None:
    guests = [vm(f"vm-{number}", size, allowed="ab") for number, size in enumerate((8, 6, 4, 2, 2, 2))]

    placement, _ = by_hand(of(guests, [host("a", 20), host("b", 20)]))

    sizes = {guest.id: guest.memory for guest in guests}
    loads = Counter(dict.fromkeys("ab", 0))
    for guest, name in placement.where.items():
        loads[name] += sizes[guest]
    assert loads == {"a": 12 * GIB, "b": 12 * GIB}


def test_the_same_problem_gives_the_same_placement_in_every_process() -> None:
    """Names' hashes differ from process to process; no answer hangs on them."""
    program = (
        "from tests.core.test_placement import by_hand, planted;"
        "print(by_hand(planted(2, 20, 4, 0.97))[0], by_hand(planted(2, 12, 3, 1.1))[0])"
    )

    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(told) == 1


def test_an_answer_that_breaks_a_limit_is_not_believed() -> None:
    guests = [vm(name, 1, groups=frozenset({"sql"})) for name in ("one", "two", "three")]
    problem = of(guests, [host("a"), host("b")])

    placement, _ = by_hand(problem, says=lambda question: Solution(Outcome.OPTIMAL, tuple(3.0 for _ in question.costs)))

    assert not placement.decided
    assert "does not keep the limits" in placement.undecided
    assert not violations(problem, placement)


# Making room


def test_room_is_made_in_an_order_in_which_each_move_fits() -> None:
    first, second = vm("r1", 6, allowed="ab", host="a"), vm("r2", 6, allowed="bc", host="b")
    problem = of([vm("one", 8, allowed="a")], [host("a", 2), host("b", 0), host("c", 6)], [first, second])

    unaided, _ = by_hand(problem)
    assert [left_out.never for left_out in unaided.unplaced] == [True]
    assert (unaided.decided, unaided.extra) == (True, ())

    placement, _ = by_hand(problem, make_room=True)
    assert placement.where == {"one": "a"}
    assert placement.extra == (Shift("r2", "b", "c"), Shift("r1", "a", "b"))
    assert (placement.decided, placement.method) == (True, Method.REPAIR)
    assert placement.undecided == "the fewest moves of residents: nobody solves"


def test_one_move_needs_no_proof_that_none_would_do() -> None:
    problem = of([vm("one", 8, allowed="a")], [host("a", 4), host("b", 8)], [vm("r", 4, host="a")])

    placement, asked = by_hand(problem, make_room=True)

    assert placement.extra == (Shift("r", "a", "b"),)
    assert (asked, placement.undecided) == ([], "")


def test_residents_are_not_moved_without_being_asked_for_or_without_need() -> None:
    resident = vm("r", 4, host="a")
    tight = of([vm("one", 8, allowed="a")], [host("a", 4), host("b", 8)], [resident])
    roomy = of([vm("one", 8, allowed="ab")], [host("a", 4), host("b", 8)], [resident])

    assert by_hand(tight)[0].extra == ()
    assert by_hand(roomy, make_room=True)[0].extra == ()


def test_what_is_short_in_sum_no_move_makes_up_for() -> None:
    problem = of([vm("one", 8)], [host("a", 3), host("b", 4)], [vm("r", 4, host="a")])

    placement, _ = by_hand(problem, make_room=True)

    assert (placement.decided, placement.extra) == (True, ())


def test_two_full_hosts_cannot_change_places_without_a_third() -> None:
    residents = [vm("r1", 6, host="a"), vm("r2", 6, host="b")]
    swap = [Shift("r1", "a", "b"), Shift("r2", "b", "a")]

    assert order(of([], [host("a", 0), host("b", 0)], residents), swap) is None
    assert order(of([], [host("a", 6), host("b", 0)], residents), swap) == (swap[1], swap[0])


# Coming home


def away(name: str, now: str, home: str, memory: float = 4, **values: object) -> Away:
    return Away(vm(name, memory, host=now, **values), home)  # type: ignore[arg-type]


def test_who_fits_comes_home_now_and_what_they_leave_counts_from_the_next_stage() -> None:
    absent = [away("one", "b", "a"), away("two", "c", "b"), away("three", "c", "a")]

    plan = plan_homecoming(absent, [host("a", 8), host("b", 0), host("c", 0)])

    assert plan.stages == ((Shift("one", "b", "a"), Shift("three", "c", "a")), (Shift("two", "c", "b"),))
    assert plan.staying == ()


def test_vms_in_each_others_place_change_over_a_third_host() -> None:
    absent, hosts = [away("one", "b", "a", 6), away("two", "a", "b", 6)], [host("a", 0), host("b", 0), host("c", 6)]

    plan = plan_homecoming(absent, hosts)

    assert plan.stages == ((Shift("two", "a", "c"),), (Shift("one", "b", "a"),), (Shift("two", "c", "b"),))
    assert plan.staying == ()


def test_without_a_third_host_it_is_proven_that_they_stay() -> None:
    absent = [away("one", "b", "a"), away("two", "a", "b")]

    plan = plan_homecoming(absent, [host("a", 0), host("b", 1)])

    assert plan.stages == ()
    assert plan.staying == (
        Staying("one", (Obstacle("a", Lack.MEMORY, "", 4 * GIB, 0),), decided=True),
        Staying("two", (Obstacle("b", Lack.MEMORY, "", 4 * GIB, GIB),), decided=True),
    )


def test_when_the_search_is_cut_short_only_what_is_proven_is_called_so() -> None:
    """One's home is filled by others for good; two and three could change places if the search went on."""
    absent = [away("one", "c", "d"), away("two", "b", "a"), away("three", "a", "b")]

    plan = plan_homecoming(absent, [host("a", 0), host("b", 0), host("c", 4), host("d", 1)], budget=0)

    assert {staying.vm: staying.decided for staying in plan.staying} == {"one": True, "two": False, "three": False}


def test_a_group_at_home_keeps_a_vm_away() -> None:
    absent = [away("one", "b", "a", groups=frozenset({"sql"}))]

    plan = plan_homecoming(absent, [host("a", groups=["sql"]), host("b")])

    assert plan.staying == (Staying("one", (Obstacle("a", Lack.GROUP, "sql"),), decided=True),)


def test_where_home_has_room_for_one_the_lower_rank_comes() -> None:
    absent = [away("later", "b", "a", 6, rank=1), away("first", "b", "a", 4, rank=0)]

    plan = plan_homecoming(absent, [host("a", 6), host("b", 0)])

    assert plan.stages == ((Shift("first", "b", "a"),),)
    assert [staying.vm for staying in plan.staying] == ["later"]


# Properties

NAMES = "abc"
names = some.frozensets(some.sampled_from(NAMES))
groups = some.frozensets(some.sampled_from(["sql", "web"]), max_size=2)
sizes = some.sampled_from([0, GIB // 2, GIB, 2 * GIB, 3 * GIB, 4 * GIB])
volumes = some.dictionaries(some.sampled_from("DE"), sizes, max_size=1)
free = some.integers(-1, 8).map(lambda count: count * GIB)
targets = some.tuples(
    *(
        some.builds(Target, some.just(n), free, some.just(16 * GIB), some.integers(-1, 8), volumes, groups)
        for n in NAMES
    )
)


@some.composite
def problems(draw: some.DrawFn, residents: int = 0) -> Problem:
    def guest(number: int, where: some.SearchStrategy[str], kind: str) -> Guest:
        return Guest(
            id=f"{kind}-{number}",
            name="",
            memory=draw(sizes),
            processors=draw(some.integers(0, 3)),
            host=draw(where),
            allowed=draw(names),
            storage=draw(volumes),
            groups=draw(groups),
            rank=draw(some.integers(0, 2)),
        )

    guests = [guest(number, some.just("old"), "vm") for number in range(draw(some.integers(0, 5)))]
    living = [guest(number, some.sampled_from(NAMES), "r") for number in range(draw(some.integers(0, residents)))]
    return of(guests, draw(targets), living)


def can_be_placed(problem: Problem) -> bool:
    """With residents where they are; tries everything."""
    ledgers = {target.name: Ledger.of(target) for target in problem.targets}
    for resident in problem.residents:
        ledgers[resident.host].groups.update(resident.groups)
    return can_join(problem.guests, ledgers)


def can_join(guests: Sequence[Guest], ledgers: Mapping[str, Ledger]) -> bool:
    """Tries everything."""
    if not guests:
        return True
    first, *rest = guests
    for name in sorted(first.allowed & set(ledgers)):
        after = {each: Ledger(Counter(ledger.free), Counter(ledger.groups)) for each, ledger in ledgers.items()}
        if not after[name].arrive(first) and can_join(rest, after):
            return True
    return False


@settings(max_examples=100, deadline=None)
@given(problems(residents=2), some.booleans())
def test_no_answer_breaks_a_rule_and_no_proof_is_wrong(problem: Problem, make_room: bool) -> None:
    placement, _ = by_hand(problem, make_room=make_room)

    assert not violations(problem, placement)
    if placement.unplaced and placement.decided:
        assert not can_be_placed(problem)


@settings(max_examples=100, deadline=None)
@given(problems(residents=5), some.data())
def test_no_stage_breaks_a_rule(problem: Problem, data: some.DataObject) -> None:
    """Random VMs on hosts without anyone clashing; whoever stays has a reason."""
    living: dict[str, set[str]] = {target.name: set(target.groups) for target in problem.targets}
    absent = []
    for vm_away in problem.residents:
        if not living[vm_away.host] & vm_away.groups:
            living[vm_away.host] |= vm_away.groups
            absent.append(Away(vm_away, data.draw(some.sampled_from(NAMES))))

    plan = plan_homecoming(absent, problem.targets)

    assert not homecoming_violations(absent, problem.targets, plan)
    assert all(staying.obstacles for staying in plan.staying)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"one": "b", "two": "b"}, "sql twice"),
        ({"one": "a", "two": "b", "three": "a"}, "memory short by"),
        ({"one": "c", "two": "b"}, "not allowed on c"),
        ({"one": "a"}, "two: left out, but fits on b"),
    ],
)
def test_the_judge_judges(wrong: dict[str, str], told: str) -> None:
    sql = frozenset({"sql"})
    guests = [vm("one", groups=sql, allowed="ab"), vm("two", groups=sql, allowed="ab"), vm("three", 15, allowed="a")]
    left_out = tuple(Unplaced(guest.id, (), never=False) for guest in guests if guest.id not in wrong)
    problem = of(guests, [host("a"), host("b"), host("c")])

    assert any(told in each for each in violations(problem, Placement(wrong, Method.GREEDY, left_out)))
