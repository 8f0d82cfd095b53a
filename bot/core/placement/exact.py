"""Placement as an integer programme: can all be placed; if not, how many at most, and what is too little.

One column for each kind of guest and each host that could take it: how many of the kind go there. Guests that are
alike are one kind, so that the solver does not try them in each other's place.

Memory and storage are given in GiB: the board's MiB are binary fractions of them, which floating point holds exactly,
and a MiB is far above what it takes for nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from bot.core.placement.board import Board
from bot.core.placement.model import Model, Solution
from bot.core.placement.problem import Lack

# More pairs of guest and host are not given to the solver: it would not end in the time a person waits.
MOST_PAIRS = 50_000
MIB_PER_GIB = 1024


class Seating:
    """A model whose columns say how many of each kind go to each host, and what they take there.

    Attributes:
        kinds: guests that are alike; together all of those asked for.
        columns: by kind and host.
        of_kind: all columns of a kind.
        members: by host and group, how many residents are in it that may leave.
    """

    def __init__(self, board: Board, guests: Iterable[int], hosts: Sequence[Sequence[int]]) -> None:
        self.board = board
        self.model = Model()
        self.columns: dict[tuple[int, int], int] = {}
        self.members: Counter[tuple[int, str]] = Counter()
        self._takes: dict[tuple[int, int], list[tuple[int, float]]] = defaultdict(list)
        self._joins: dict[tuple[int, str], list[tuple[int, float]]] = defaultdict(list)
        alike: dict[object, list[int]] = defaultdict(list)
        for guest in guests:
            alike[board.needs[guest], board.groups[guest], hosts[guest], board.guests[guest].rank].append(guest)
        self.kinds = list(alike.values())
        self.of_kind: list[list[int]] = [[] for _ in self.kinds]
        for kind, (first, *_) in enumerate(self.kinds):
            for host in hosts[first]:
                column = self.columns[kind, host] = self.model.whole(len(self.kinds[kind]))
                self.of_kind[kind].append(column)
                self.take(column, first, host)

    def take(self, column: int, guest: int, host: int, times: int = 1) -> None:
        """A column's guest takes its room on a host and joins its groups there; -1 times: it leaves them."""
        for resource, amount in self.board.needs[guest]:
            self._takes[host, resource].append((column, times * amount / self.scale(resource)))
        for group in self.board.groups[guest]:
            self._joins[host, group].append((column, float(times)))

    def limit(self, added: Mapping[tuple[int, int], int] | None = None) -> None:
        """No host gives more than it has left and what is added to it; of a group, no two share one."""
        for (host, resource), terms in self._takes.items():
            room = self.board.room[host][resource] / self.scale(resource)
            if room < 0 and any(amount < 0 for _, amount in terms):
                self._limit_overfull(terms, room)
            else:
                extra = [(added[host, resource], -1.0)] if added else []
                self.model.row([*terms, *extra], most=max(0.0, room))
        for place, terms in self._joins.items():
            if self.members[place] > 1:
                self._limit_crowded(terms, self.members[place])
            else:
                self.model.row(terms, most=1 - self.members[place])

    def _limit_crowded(self, terms: Sequence[tuple[int, float]], members: int) -> None:
        """Residents may leave a host where two of a group are together already; only if all do may another come."""
        gone = self.model.whole(1)
        coming = [(column, times) for column, times in terms if times > 0]
        leaving = [(column, times) for column, times in terms if times < 0]
        self.model.row([*coming, (gone, -1.0)], most=0)
        self.model.row([*leaving, (gone, float(members))], most=0)

    def _limit_overfull(self, terms: Sequence[tuple[int, float]], room: float) -> None:
        """Residents may leave a host that is over its limit; only if it is under it then may others come."""
        under = self.model.whole(1)
        coming = [(column, amount) for column, amount in terms if amount > 0]
        most = sum(amount * (self.model.ceilings[column] or 0) for column, amount in coming)
        self.model.row([*terms, (under, -room)], most=0)
        self.model.row([*coming, (under, -most)], most=0)

    def scale(self, resource: int) -> int:
        """The board's units in one of the model's."""
        return 1 if self.board.resources[resource][0] is Lack.PROCESSORS else MIB_PER_GIB

    def begin(self, seats: Sequence[int | None]) -> None:
        """Give the solver these seats to begin with."""
        counts = Counter((kind, seats[guest]) for kind, guests in enumerate(self.kinds) for guest in guests)
        self.model.start = {column: counts[pair] for pair, column in self.columns.items() if counts[pair]}

    def deal(self, solution: Solution) -> tuple[tuple[int, int], ...]:
        """Guest and host, for all whom the solution places."""
        left = [iter(guests) for guests in self.kinds]
        return tuple(
            (guest, host)
            for (kind, host), column in self.columns.items()
            for guest in islice(left[kind], solution.number(column))
        )


def ask_whether_all_fit(board: Board) -> Seating:
    """Every guest on one host, of those that some host could take. Infeasible: proven that it cannot be done."""
    seating = Seating(board, _placeable(board), board.hosts)
    for kind, guests in enumerate(seating.kinds):
        seating.model.count(seating.of_kind[kind], least=len(guests), most=len(guests))
    seating.limit()
    return seating


def ask_for_most(board: Board) -> Seating:
    """Some guests on a host: the most of the lowest rank, among those the most of the next, and so on.

    Args:
        board: as it serves the ranks best so far; the solver begins there.
    """
    seating = Seating(board, _placeable(board), board.hosts)
    worth = _worth(board)
    for kind, guests in enumerate(seating.kinds):
        columns, rank = seating.of_kind[kind], board.guests[guests[0]].rank
        for column in columns:
            seating.model.costs[column] = -worth.get(rank, 0.0)
        seating.model.count(columns, least=None if rank in worth else len(guests), most=len(guests))
    seating.limit()
    seating.begin(board.seats)
    return seating


def _placeable(board: Board) -> list[int]:
    return [guest for guest, hosts in enumerate(board.hosts) if hosts]


def _worth(board: Board) -> dict[int, float]:
    """By rank, more than all higher ranks together. Not of the lowest ranks that are served in full: they stay so."""
    lowest = min(board.guests[guest].rank for guest in board.waiting if board.hosts[guest])
    counts = Counter(guest.rank for guest in board.guests if guest.rank >= lowest)
    worth: dict[int, float] = {}
    for rank in sorted(counts, reverse=True):
        worth[rank] = 1.0 + sum(worth[each] * counts[each] for each in worth)
    return worth
