"""The exact solver: its answers against trying everything, and a worker that is slow, broken or missing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

import pytest
from hypothesis import given, settings

from bot.core.placement import (
    Guest,
    Lack,
    Method,
    Model,
    Outcome,
    Placement,
    Problem,
    Shift,
    Shortage,
    Shortfall,
    Solution,
    Target,
)
from bot.solver import Placer, SolverFailed, solve
from bot.solver.__main__ import solve as solve_here
from tests.benchmarks.placements import GIB, Ledger, planted, violations
from tests.core.test_placement import can_be_placed, can_join, host, of, problems, vm

SQL = frozenset({"sql"})
THREE_OF_A_GROUP = of([vm(name, 1, groups=SQL) for name in ("one", "two", "three")], [host("a"), host("b")])


def program(text: str) -> Callable[[Model, float], Solution]:
    """Another program in the worker's place."""
    return partial(solve, worker=(sys.executable, "-c", text))


def small_model() -> Model:
    """At most one of two, the second is worth more."""
    model = Model()
    model.count([model.whole(1, cost=-1.0), model.whole(1, cost=-2.0)], most=1)
    return model


def test_a_question_is_answered_by_a_process_of_its_own() -> None:
    assert solve(small_model(), 10.0) == Solution(Outcome.OPTIMAL, (0.0, 1.0))


def test_what_cannot_be_is_told_from_what_was_not_found() -> None:
    model = small_model()
    model.count([0, 1], least=2)

    assert solve_here(model, 10.0) == Solution(Outcome.INFEASIBLE)


def test_the_solver_keeps_its_limit_and_says_so() -> None:
    problem = planted(1, 30, 8, 1.05)
    asked: list[Model] = []

    def at_once(model: Model, _limit_s: float) -> Solution:
        asked.append(model)
        return solve_here(model, 0.0)

    placement = Placer(solve=at_once).place(problem)

    assert asked
    assert not placement.most
    assert "how many fit: the exact solver ran out of time" in placement.undecided


def test_a_worker_that_does_not_end_is_ended() -> None:
    began = time.monotonic()

    solution = program("import time; time.sleep(60)")(small_model(), 0.1)

    assert solution.outcome is Outcome.UNDECIDED
    assert solution.why == "the exact solver was ended after 0.4 s"
    assert time.monotonic() - began < 30


def test_what_a_worker_had_found_when_it_was_ended_counts_and_proves_nothing() -> None:
    text = """
import time
print('{"outcome": "undecided", "values": [0, 0], "why": ""}', flush=True)
print('{"outcome": "undecided", "values": [0, 1], "why": ""}', flush=True)
print('{"outcome": "optim', end="", flush=True)
time.sleep(60)
"""
    limit_s = 2.0  # in which Python starts on any machine

    solution = program(text)(small_model(), limit_s)

    assert solution == Solution(Outcome.UNDECIDED, (0.0, 1.0), why="the exact solver was ended after 2.3 s")


def test_better_solutions_are_told_while_the_best_is_looked_for() -> None:
    told: list[Solution] = []

    def solve_and_listen(model: Model, limit_s: float) -> Solution:
        told.clear()
        answer = solve_here(model, limit_s, told.append)
        if told:
            assert {(each.outcome, len(each.values)) for each in told} == {(Outcome.UNDECIDED, len(model.costs))}
            assert _cost(model, told[-1]) == pytest.approx(_cost(model, answer))
            heard.append(model)
        return answer

    heard: list[Model] = []
    Placer(solve=solve_and_listen).place(planted(1, 30, 8, 1.05))

    assert heard


def _cost(model: Model, solution: Solution) -> float:
    return sum(cost * value for cost, value in zip(model.costs, solution.values, strict=True))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys; sys.exit('out of memory')", "the exact solver ended with code 1: out of memory"),
        ("import os; os._exit(9)", "the exact solver ended with code 9"),
        ("print('no JSON')", "the exact solver's answer cannot be read: JSONDecodeError"),
        ("print('{}')", "the exact solver's answer cannot be read: KeyError"),
        (
            """print('{"outcome": "optimal", "values": [1], "why": ""}')""",
            "the exact solver's answer has 1 columns of 2",
        ),
        (
            "import sys, runpy; sys.modules['highspy'] = None; runpy.run_module('bot.solver', run_name='__main__')",
            "the exact solver ended with code 1: ModuleNotFoundError: import of highspy halted",
        ),
    ],
)
def test_a_worker_that_fails_is_reported_in_its_own_words(text: str, words: str) -> None:
    with pytest.raises(SolverFailed) as failed:
        partial(solve, worker=(sys.executable, "-c", text))(small_model(), 10.0)

    assert failed.value.message.startswith(words)


def test_a_worker_that_cannot_be_started_is_reported() -> None:
    with pytest.raises(SolverFailed, match="the exact solver could not be started"):
        solve(small_model(), 1.0, worker=("no-such-program-anywhere",))


def test_without_a_solver_what_is_known_is_told_and_that_it_is_not_decided() -> None:
    placement = Placer(solve=program("import sys; sys.exit('no solver here')")).place(THREE_OF_A_GROUP)

    assert sorted(placement.where.values()) == ["a", "b"]
    assert (placement.decided, placement.most) == (False, False)
    assert "whether all fit: the exact solver ended with code 1: no solver here" in placement.undecided


def test_with_it_the_same_is_proven() -> None:
    placement = Placer().place(THREE_OF_A_GROUP)

    assert len(placement.unplaced) == 1
    assert (placement.decided, placement.most, placement.undecided) == (True, True, "")
    assert placement.shortfall is None  # nothing that can be added to a host would help


def test_only_the_worker_loads_the_solver() -> None:
    subprocess.run(
        [sys.executable, "-c", "import bot.solver, sys; assert not {'highspy', 'numpy'} & set(sys.modules)"],
        check=True,
    )


def here(problem: Problem, *, make_room: bool = False) -> Placement:
    """With the solver in this process, which is faster for many small ones."""
    return Placer(solve=solve_here).place(problem, make_room=make_room)


def test_the_smallest_shortfall_is_found_where_counting_sees_none() -> None:
    """20 GB free, but 12 GB nowhere: 2 GB more would do."""
    placement = here(of([vm("one", 12), vm("two", 8)], [host("a", 10), host("b", 10)]))

    assert placement.shortfall is not None
    assert placement.shortfall.smallest
    assert [short.amount for short in placement.shortfall.added] == [2 * GIB]


def test_a_host_that_is_over_its_limit_already_needs_that_much_more() -> None:
    placement = here(of([vm("one", 4, allowed="a")], [host("a", -2)]))

    assert placement.shortfall == Shortfall((Shortage("a", Lack.MEMORY, 6 * GIB),), smallest=False)


def test_a_resident_leaves_its_group_behind() -> None:
    resident = vm("r", 1, host="a", groups=SQL)
    problem = of([vm("one", 1, allowed="a", groups=SQL)], [host("a"), host("b")], [resident])

    placement = here(problem, make_room=True)

    assert (placement.where, placement.extra) == ({"one": "a"}, (Shift("r", "a", "b"),))
    assert placement.method is Method.EXACT


def test_it_is_proven_that_no_move_of_residents_helps() -> None:
    """12 GB free, 8 GB needed at once; the resident that would have to go may not."""
    resident = vm("r", 4, host="a", allowed="a")
    problem = of([vm("one", 8, allowed="ab")], [host("a", 6), host("b", 6)], [resident])

    placement = here(problem, make_room=True)

    assert [left_out.guest for left_out in placement.unplaced] == ["one"]
    assert (placement.decided, placement.undecided) == (True, "")


def test_moves_without_an_order_are_not_offered() -> None:
    """Two residents would have to change places, and neither host has room for a moment."""
    residents = [vm("r1", 6, 1, host="a", allowed="ab"), vm("r2", 6, 2, host="b", allowed="ab")]
    problem = of([vm("one", 0, 1, allowed="b")], [host("a", 0, 1), host("b", 0, 0)], residents)

    placement = here(problem, make_room=True)

    assert placement.extra == ()
    assert not placement.decided
    assert "no order in which each fits" in placement.undecided


def best_served(problem: Problem) -> tuple[int, ...]:
    """By rank, how many at most, with residents where they are; tries everything."""
    ranks = sorted({guest.rank for guest in problem.guests})
    return max(
        tuple(sum(guest.rank == rank for guest in chosen) for rank in ranks)
        for chosen in _subsets(problem.guests)
        if can_be_placed(replace(problem, guests=tuple(chosen)))
    )


def _subsets(guests: Sequence[Guest]) -> Iterator[list[Guest]]:
    for bits in range(2 ** len(guests)):
        yield [guest for number, guest in enumerate(guests) if bits >> number & 1]


@settings(max_examples=40, deadline=None)
@given(problems())
def test_exact_answers_are_what_trying_everything_gives(problem: Problem) -> None:
    placement = here(problem)

    assert not violations(problem, placement)
    assert (placement.decided, placement.most) == (True, True)
    ranks = sorted({guest.rank for guest in problem.guests})
    rank_of = {guest.id: guest.rank for guest in problem.guests}
    served = Counter(rank_of[guest] for guest in placement.where)
    assert tuple(served[rank] for rank in ranks) == best_served(problem)
    if placement.shortfall is not None:
        groups_alone = replace(problem, targets=tuple(_add(target, placement.shortfall) for target in problem.targets))
        assert len(here(groups_alone).unplaced) < len(placement.unplaced)


def _add(target: Target, shortfall: Shortfall) -> Target:
    def more(lack: Lack, of: str = "") -> int:
        return sum(s.amount for s in shortfall.added if (s.host, s.lack, s.of) == (target.name, lack, of))

    return replace(
        target,
        memory=target.memory + more(Lack.MEMORY),
        processors=target.processors + more(Lack.PROCESSORS),
        storage={letter: target.storage.get(letter, 0) + more(Lack.STORAGE, letter) for letter in "DE"},
    )


@settings(max_examples=40, deadline=None)
@given(problems(residents=3))
def test_room_is_made_with_the_fewest_moves(problem: Problem) -> None:
    placement = here(problem, make_room=True)

    assert not violations(problem, placement)
    pinned = {guest.id for guest in problem.guests if not guest.allowed}
    movable = replace(problem, guests=tuple(guest for guest in problem.guests if guest.allowed))
    fewest = fewest_moves(movable)
    if {left_out.guest for left_out in placement.unplaced} <= pinned:
        assert fewest is not None
        assert len(placement.extra) >= fewest
        assert placement.undecided or len(placement.extra) == fewest
    else:
        assert fewest is None or not placement.decided


def fewest_moves(problem: Problem) -> int | None:
    """Of residents, so that every guest fits in the end, in whatever order. Tries everything."""
    choices = [sorted({resident.host, *resident.allowed}) for resident in problem.residents]
    found = (_moves_to(problem, places) for places in product(*choices))
    return min((moves for moves in found if moves is not None), default=None)


def _moves_to(problem: Problem, places: Sequence[str]) -> int | None:
    """How many moves it takes until residents are there; None if that cannot be, or not every guest fits then."""
    ledgers = {target.name: Ledger.of(target) for target in problem.targets}
    moving = [(vm, place) for vm, place in zip(problem.residents, places, strict=True) if place != vm.host]
    for resident in problem.residents:
        ledgers[resident.host].groups.update(resident.groups)
    for resident, _ in moving:
        ledgers[resident.host].leave(resident)
    broken = [each for resident, place in moving for each in ledgers[place].arrive(resident)]
    return None if broken or not can_join(problem.guests, ledgers) else len(moving)
