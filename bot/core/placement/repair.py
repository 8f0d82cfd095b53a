"""Ejection chains: a guest without a place takes one, and whoever has to go for it looks for another.

Guests that were often without a place are hard to place and are put out last, so that the chains do not run in
circles (Nagata and Bräysy, "A powerful route minimization heuristic for the vehicle routing problem with time
windows", 2009: their ejection pool with penalty counters). Nothing is random: ties go to the smaller, then the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from bot.core.placement.board import MEMORY, Board

# Sets of guests to look at that could leave a host, for each pair of guest and host; and at most: about a second.
_BUDGET_EACH, _BUDGET = 150, 400_000
# Beyond so many guests on a host only single ones are put out: pairs and triples would be too many to look at.
_PAIRS, _TRIPLES = 30, 10
_PATIENCE = 7


def repair(board: Board) -> bool:
    """Place those that wait, if it can be done within the budget. Returns whether it is complete.

    Otherwise the board is left as it served the ranks best, never worse than it came.
    """
    return _Repair(board).run()


class _Repair:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._budget = min(_BUDGET_EACH * sum(map(len, board.hosts)), _BUDGET)
        self._sizes = board.sizes()
        self._failures = [0] * len(board.guests)
        self._amounts = [dict(need) for need in board.needs]

    def run(self) -> bool:
        board = self._board
        best, best_seats = board.served(), board.seats
        pool = sorted((guest for guest in board.waiting if board.hosts[guest]), key=lambda guest: self._sizes[guest])
        while pool and self._budget > 0:
            guest = pool.pop()
            self._budget -= len(board.hosts[guest])
            if not self._settle(guest):
                self._failures[guest] += 1
                ejected = self._force(guest)
                # Next in line are those who had to go, except now and then, so that others get a turn.
                pool = [*pool, *ejected] if self._failures[guest] % _PATIENCE else [*ejected, *pool]
            if board.served() > best:
                best, best_seats = board.served(), board.seats
        if not board.complete:
            board.reseat(best_seats)
        return board.complete

    def _settle(self, guest: int) -> bool:
        """Place it without leaving anyone else out: where it fits, or where one other guest can make way."""
        board = self._board
        if hosts := board.open(guest):
            board.put(guest, min(hosts, key=lambda host: board.left[host][MEMORY]))
            return True
        for host in board.hosts[guest]:
            for leaving in self._leavings(guest, host, 1):
                (other,) = leaving
                board.take(other)
                if hosts := [each for each in board.open(other) if each != host]:
                    board.put(other, min(hosts, key=lambda each: board.left[each][MEMORY]))
                    board.put(guest, host)
                    return True
                board.put(other, host)
        return False

    def _force(self, guest: int) -> Sequence[int]:
        """Place it where those who have to leave were seldom without a place. Returns them, the largest last."""
        board, failures, sizes = self._board, self._failures, self._sizes
        best: tuple[int, float, int, tuple[int, ...]] | None = None
        for host in board.hosts[guest]:
            for count in (1, 2, 3):
                for leaving in self._leavings(guest, host, count):
                    rating = sum(failures[each] + 1 for each in leaving), sum(sizes[each] for each in leaving)
                    if best is None or rating < best[:2]:
                        best = *rating, host, leaving
        if best is None:
            return [guest]
        _, _, host, leaving = best
        for each in leaving:
            board.take(each)
        board.put(guest, host)
        return sorted(leaving, key=lambda each: sizes[each])

    def _leavings(self, guest: int, host: int, count: int) -> Iterator[tuple[int, ...]]:
        """Sets of so many guests of the host that make enough room by leaving it."""
        board = self._board
        groups = set(board.groups[guest])
        left = board.left[host]
        short = [(resource, amount - left[resource]) for resource, amount in board.needs[guest]]
        short = [(resource, amount) for resource, amount in short if amount > 0]
        clashing = {each for each in board.here[host] if groups & set(board.groups[each])} if groups else set()
        here = board.here[host]
        if count > 1 and len(here) > (_PAIRS if count == 2 else _TRIPLES):
            return
        frees = [({each: self._amounts[each].get(resource, 0) for each in here}, amount) for resource, amount in short]
        for leaving in combinations(here, count):
            self._budget -= 1
            if clashing and not clashing.issubset(leaving):
                continue
            for free, amount in frees:
                if sum(map(free.__getitem__, leaving)) < amount:
                    break
            else:
                yield leaving
