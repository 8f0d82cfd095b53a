"""Making room as an integer programme: the fewest moves of residents between targets that let every guest in.

A resident moves once, straight to where it stays.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import islice

from bot.core.placement.board import Board
from bot.core.placement.exact import Seating
from bot.core.placement.model import Solution
from bot.core.placement.problem import Problem, Shift
from bot.core.placement.resettling import Resettled


class AskForRoom(Seating):
    """Every guest on a host, with the fewest moves of residents. Infeasible: no such moves let every guest in."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        board = Board(problem.guests + problem.residents, problem.targets)
        guests = [guest for guest in range(len(problem.guests)) if board.allowed[guest]]
        super().__init__(board, guests, board.allowed)
        for kind, alike in enumerate(self.kinds):
            self.model.count(self.of_kind[kind], least=len(alike), most=len(alike))
        self._moves = self._add_moves()
        self.model.count(self._moves.values(), least=1)
        self.limit()

    def _add_moves(self) -> dict[tuple[tuple[int, ...], int], int]:
        """Column by residents that are alike and destination: how many of them go there."""
        number = {target.name: host for host, target in enumerate(self.board.targets)}
        alike: dict[object, list[int]] = defaultdict(list)
        board = self.board
        for resident in range(len(self._problem.guests), len(board.guests)):
            source = number[board.guests[resident].host]
            alike[source, board.needs[resident], board.groups[resident], board.allowed[resident]].append(resident)
            self.members.update((source, group) for group in board.groups[resident])
        moves: dict[tuple[tuple[int, ...], int], int] = {}
        for residents in alike.values():
            first, source = residents[0], number[board.guests[residents[0]].host]
            destinations = [host for host in board.allowed[first] if host != source]
            for host in destinations:
                column = moves[tuple(residents), host] = self.model.whole(len(residents), cost=1.0)
                self.take(column, first, host)
                self.take(column, first, source, times=-1)
            self.model.count((moves[tuple(residents), host] for host in destinations), most=len(residents))
        return moves

    def read(self, solution: Solution) -> tuple[Shift, ...]:
        """The residents' moves, in no order."""
        left = {residents: iter(residents) for residents, _ in self._moves}
        return tuple(
            self._shift(resident, host)
            for (residents, host), column in self._moves.items()
            for resident in islice(left[residents], solution.number(column))
        )

    def _shift(self, resident: int, host: int) -> Shift:
        vm = self.board.guests[resident]
        return Shift(vm.id, vm.host, self.board.targets[host].name)

    def begin_with(self, known: Resettled) -> None:
        """Give the solver these seats and moves to begin with."""
        seats: list[int | None] = [None] * len(self.board.guests)
        for guest, host in known.seats:
            seats[guest] = host
        self.begin(seats)
        destination = {shift.guest: shift.destination for shift in known.shifts}
        for (residents, host), column in self._moves.items():
            ids = (self.board.guests[resident].id for resident in residents)
            self.model.start[column] = sum(destination.get(each) == self.board.targets[host].name for each in ids)

    def exclude(self, solution: Solution) -> None:
        """Ask for other moves than these."""
        counts = {column: solution.number(column) for column in self._moves.values()}
        terms = [(column, 1.0 if count else -1.0) for column, count in counts.items()]
        self.model.row(terms, most=sum(counts.values()) - 1)
