"""The whole search: by hand as far as that goes, then by questions to an exact solver.

Sans I/O: models come out and solutions go in, so whoever drives it decides what solves them and how long that may
take. An answer may be that nothing was decided; then the placement says so and rests on what was found by hand.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from bot.core.placement.balance import balance
from bot.core.placement.board import Board
from bot.core.placement.exact import MOST_PAIRS, Seating, ask_for_most, ask_whether_all_fit
from bot.core.placement.excess import Excess
from bot.core.placement.greedy import leave_some_out, place_greedily
from bot.core.placement.model import Model, Outcome, Solution
from bot.core.placement.problem import Method, Placement, Problem, Shift, Shortfall
from bot.core.placement.reasons import explain
from bot.core.placement.repair import repair
from bot.core.placement.resettling import Resettled, carry_out, order, resettle
from bot.core.placement.room import AskForRoom
from bot.core.placement.shortfall import ask_for_less, read_shortfall, take_less

Search = Generator[Model, Solution, Placement]
"""Yields models, is sent a solution for each, and returns the placement."""

# Sets of moves that let everyone in but can be done in no order, before making room is given up.
_SETS = 3
# What each question may use of the time that is left. Making room waits for the first answer, and once moves were found
# by hand all that is asked is whether fewer do.
_OF_FIT, _OF_FIT_BEFORE_ROOM, _OF_MOST, _OF_SHORTFALL = 0.5, 0.2, 0.5, 0.5
_OF_ROOM, _OF_LESS_ROOM = 0.7, 0.35
_TOO_MANY = f"more than {MOST_PAIRS:,} pairs of VM and host are not given to the exact solver"
_NO_ORDER = "moves of residents were found that make room, but no order in which each fits when its turn comes"
_BROKEN = "the exact solver's answer does not keep the limits"


def place(problem: Problem, *, make_room: bool = False) -> Search:
    """Where every guest goes, or as many as can, and why not the others.

    Args:
        make_room: whether residents may be moved between targets if nothing else lets every guest in.
    """
    return _Search(problem).run(make_room=make_room)


class _Search:
    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._board = Board(problem.guests, problem.targets, problem.residents)
        self._method = Method.GREEDY
        # Whether it is proven that not all fit while residents stay.
        self._disproved = any(map(self._may_go_somewhere, self._board.hopeless))
        self._whys: list[str] = []

    def run(self, *, make_room: bool) -> Search:
        """The steps, each only if those before it left someone out."""
        room = make_room and bool(self._problem.residents)
        share = _OF_FIT_BEFORE_ROOM if room else _OF_FIT
        decided = self._place_by_hand() or (yield from self._ask_whether_all_fit(share))
        room = room and any(map(self._may_go_somewhere, self._board.waiting))
        if room:
            decided, made = yield from self._make_room()
            if made is not None:
                return made
        most = yield from self._serve_most()
        # Of moves of residents this says nothing.
        decided |= most and not room
        shortfall = yield from self._work_out_shortfall()
        full = not self._board.waiting
        return self._finish(decided=decided or full, most=most or full, shortfall=shortfall)

    def _place_by_hand(self) -> bool:
        """Whether that decided whether all can be placed who have a host at all."""
        board = self._board
        if place_greedily(board):
            return True
        before = board.served()
        repaired = repair(board)
        if board.served() > before:
            self._method = Method.REPAIR
        return repaired or self._exceeded

    def _may_go_somewhere(self, guest: int) -> bool:
        """Whether it may go to some target as far as only filters are asked."""
        return any(target.name in self._problem.guests[guest].allowed for target in self._problem.targets)

    @property
    def _exceeded(self) -> bool:
        """Whether all together need more than all hosts have."""
        totals = zip(self._board.total_need(), self._board.total_room(), strict=True)
        return any(need > room for need, room in totals)

    def _ask_whether_all_fit(self, share: float) -> Generator[Model, Solution, bool]:
        """Whether that is decided."""
        if not self._small(self._board):
            return False
        seating = ask_whether_all_fit(self._board)
        solution = yield from self._ask(seating, "whether all fit", share)
        disproved = solution.outcome is Outcome.INFEASIBLE
        self._disproved |= disproved
        return disproved or (self._seat_as(seating, solution) and self._board.complete)

    def _serve_most(self) -> Generator[Model, Solution, bool]:
        """Place as many as can be. Returns whether it is proven that the ranks are served best."""
        if self._board.complete:
            return True
        leave_some_out(self._board)
        if not self._small(self._board):
            return False
        seating = ask_for_most(self._board)
        solution = yield from self._ask(seating, "how many fit", _OF_MOST)
        return self._seat_as(seating, solution) and solution.outcome is Outcome.OPTIMAL

    def _seat_as(self, seating: Seating, solution: Solution) -> bool:
        if not solution.values or not self._seat(self._board, seating.deal(solution)):
            return False
        self._method = Method.EXACT
        return True

    def _make_room(self) -> Generator[Model, Solution, tuple[bool, Placement | None]]:
        """Whether it is decided whether room can be made, and the placement if it was."""
        if self._exceeded:
            return True, None
        asking = AskForRoom(self._problem)
        if not self._small(asking.board):
            return False, None
        found = resettle(self._problem, self._board.seats)
        method, disproved = Method.REPAIR, False
        if found is None or len(found.shifts) > 1 or not self._disproved:
            if found:
                asking.begin_with(found)
            better, disproved = yield from self._ask_for_room(asking, _OF_LESS_ROOM if found else _OF_ROOM)
            found, method = (better, Method.EXACT) if better else (found, method)
        if found is None:
            return disproved, None
        after = carry_out(self._problem, found.shifts)
        board = Board(after.guests, after.targets, after.residents)
        if not self._seat(board, found.seats):
            return False, None
        self._board, self._method = board, method
        return True, self._finish(extra=found.shifts)

    def _ask_for_room(
        self, asking: AskForRoom, share: float
    ) -> Generator[Model, Solution, tuple[Resettled | None, bool]]:
        """Moves that make room, or whether it is proven that none do."""
        for attempt in range(_SETS):
            solution = yield from self._ask(asking, "the fewest moves of residents", share)
            if not solution.values:
                return None, solution.outcome is Outcome.INFEASIBLE and not attempt
            shifts = order(self._problem, asking.read(solution))
            if shifts is not None:
                return Resettled(asking.deal(solution), shifts), False
            self._whys.append(_NO_ORDER)
            asking.exclude(solution)
        return None, False

    def _work_out_shortfall(self) -> Generator[Model, Solution, Shortfall | None]:
        board = self._board
        if not any(board.allowed[guest] for guest in board.waiting):
            return None
        excess = Excess(Board(self._problem.guests, self._problem.targets, self._problem.residents))
        excess.lower(board.seats)
        smallest = excess.least and excess.all_seated
        if not smallest and self._small(board):
            seating = ask_for_less(excess)
            solution = yield from self._ask(seating, "the smallest shortfall", _OF_SHORTFALL)
            smallest = bool(solution.values) and take_less(excess, seating, solution)
        if excess.total:
            return read_shortfall(excess, smallest=smallest)
        # Nothing is too little: what groups let in has its places now.
        if excess.board.served() > board.served():
            board.reseat(excess.board.seats)
            self._method = Method.REPAIR
        return None

    def _ask(self, seating: Seating, question: str, share: float) -> Generator[Model, Solution, Solution]:
        seating.model.share = share
        solution = yield seating.model
        if solution.outcome is Outcome.UNDECIDED:
            self._whys.append(f"{question}: {solution.why}")
        return solution

    def _small(self, board: Board) -> bool:
        small = sum(map(len, board.allowed)) <= MOST_PAIRS
        if not small:
            self._whys.append(_TOO_MANY)
        return small

    def _seat(self, board: Board, pairs: Sequence[tuple[int, int]]) -> bool:
        """Seat guests on hosts; not if that breaks rules after all, or serves the ranks worse."""
        before, seats = board.served(), board.seats
        board.reseat([])
        for guest, host in pairs:
            if not board.fits(guest, host):
                self._whys.append(_BROKEN)
                board.reseat(seats)
                return False
            board.put(guest, host)
        if board.served() < before:
            board.reseat(seats)
            return False
        return True

    def _finish(
        self,
        *,
        decided: bool = True,
        most: bool = True,
        shortfall: Shortfall | None = None,
        extra: tuple[Shift, ...] = (),
    ) -> Placement:
        board = self._board
        balance(board)
        board.fill()
        return Placement(
            where=board.where,
            method=self._method,
            unplaced=explain(board),
            extra=extra,
            decided=decided,
            most=most,
            shortfall=shortfall,
            undecided="; ".join(dict.fromkeys(self._whys)),
        )
