"""Everyone on some host, over its limits if need be: what is too little then, and the search for places with less.

Guests are shifted and swapped while that lowers the excess, which is what hosts would need more, every resource
weighed by what all guests take of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.placement.board import Board, Seats

# What less excess may differ by and still not be looked for: nobody buys half a per cent of a memory module.
TOLERANCE = 0.01
# Steps to try in all; about two seconds.
_BUDGET = 300_000
_LESS = 1e-12

Step = tuple[int, int | None, int]
"""A guest, whom it changes places with, if anyone, and the host that it goes to."""


class Excess:
    """
    Attributes:
        board: with everyone on it whom groups let in.
        weights: by resource.
    """

    def __init__(self, board: Board, movable: int | None = None) -> None:
        """
        Args:
            board: is changed from now on.
            movable: the first so many guests move at will; the others are residents. None: all do.
        """
        self.board = board
        self.weights = [1 / need if need else 0.0 for need in board.total_need()]
        self._movable = len(board.guests) if movable is None else movable
        self._hosts = range(len(board.targets))
        self._budget = _BUDGET

    def over(self, host: int) -> list[int]:
        """By resource, what it would need more for its guests."""
        room, left = self.board.room[host], self.board.left[host]
        return [max(0, -now) if now < before else 0 for before, now in zip(room, left, strict=True)]

    def of(self, host: int, arrives: int | None = None, leaves: int | None = None) -> float:
        """Weighed; with a guest that arrives and one that leaves, as it would be then."""
        room, left, weights = self.board.room[host], self.board.left[host], self.weights
        if arrives is not None or leaves is not None:
            left = list(left)
            for guest, sign in ((arrives, -1), (leaves, 1)):
                for resource, amount in () if guest is None else self.board.needs[guest]:
                    left[resource] += sign * amount
        over = 0.0
        for resource, now in enumerate(left):
            if now < 0 and now < room[resource]:
                over -= weights[resource] * now
        return over

    @property
    def total(self) -> float:
        return sum(map(self.of, self._hosts))

    @property
    def all_seated(self) -> bool:
        """Whether groups let everyone in who may go anywhere."""
        return not any(self.board.allowed[guest] for guest in self.board.waiting)

    @property
    def least(self) -> bool:
        """Whether no less can do, if all are seated: it is all need beyond all room."""
        totals = zip(self.weights, self.board.total_need(), self.board.total_room(), strict=True)
        return self.total <= (1 + TOLERANCE) * sum(weight * max(0, need - room) for weight, need, room in totals)

    @property
    def exhausted(self) -> bool:
        """Whether the budget is used up: nothing is tried any more."""
        return self._budget <= 0

    def lower(self, seats: Seats) -> None:
        """Begin with those who have seats in these, put the others somewhere, and find better places for all."""
        self.board.reseat(seats)
        self._place_the_rest()
        improved = True
        while improved and not self.exhausted and not self.least:
            improved = False
            for host in sorted(self._hosts, key=lambda host: -self.of(host)):
                for guest in tuple(self.board.here[host]) if self.of(host) else ():
                    improved |= guest < self._movable and self._improve(guest, host)

    def disturbances(self) -> list[Step]:
        """Steps of one resident each, alone or against a guest, from or to a host with excess; the best first."""
        found: list[tuple[float, Step]] = []
        for source in self._hosts:
            for guest in tuple(self.board.here[source]) if self.of(source) else ():
                for step in self._steps(guest, source):
                    _, other, host = step
                    residents = (guest >= self._movable) + (other is not None and other >= self._movable)
                    if residents == 1:
                        before = self.of(source) + self.of(host)
                        if self.do(step):
                            found.append((self.of(source) + self.of(host) - before, step))
                            self.undo(step, source)
        return [step for _, step in sorted(found, key=lambda each: each[0])]

    def _place_the_rest(self) -> None:
        board, sizes = self.board, self.board.sizes()
        for guest in sorted(board.waiting, key=lambda guest: -sizes[guest]):
            hosts = [host for host in board.allowed[guest] if board.clash(guest, host) is None]
            if hosts:
                board.put(guest, min(hosts, key=lambda host: self._added(guest, host)))

    def _added(self, guest: int, host: int) -> float:
        before = self.of(host)
        self.board.reserve(guest, host)
        after = self.of(host)
        self.board.release(guest, host)
        return after - before

    def _improve(self, guest: int, source: int) -> bool:
        """Do the first step that lowers the excess, among those without residents."""
        of_source = self.of(source)
        of_hosts = {host: self.of(host) for host in self.board.allowed[guest]}
        for step in self._steps(guest, source):
            _, other, host = step
            if other is None or other < self._movable:
                after = self.of(source, other, guest) + self.of(host, guest, other)
                if after >= of_source + of_hosts[host] - _LESS:
                    self._budget -= 1
                elif self.do(step):
                    return True
        return False

    def _steps(self, guest: int, source: int) -> Iterator[Step]:
        if self.exhausted:
            return
        board = self.board
        others = [host for host in board.allowed[guest] if host != source]
        yield from ((guest, None, host) for host in others)
        for host in others:
            yield from ((guest, other, host) for other in tuple(board.here[host]) if source in board.allowed[other])

    def do(self, step: Step) -> bool:
        """Carry the step out if groups let it be."""
        self._budget -= 1
        guest, other, host = step
        board = self.board
        source = board.take(guest)
        if other is not None:
            board.take(other)
            board.put(other, source)
        apart = board.clash(guest, host) is None
        if other is not None and board.groups[other] and apart:
            board.take(other)
            apart = board.clash(other, source) is None
            board.put(other, source)
        board.put(guest, host)
        if not apart:
            self.undo(step, source)
        return apart

    def undo(self, step: Step, source: int) -> None:
        guest, other, host = step
        self.board.take(guest)
        if other is not None:
            self.board.shift(other, host)
        self.board.put(guest, source)
