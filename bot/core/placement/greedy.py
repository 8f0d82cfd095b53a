"""The first attempts: guests in some order, each to the best host by some rule. Milliseconds for most evacuations.

No order and no rule is best for all; together they place nearly everything that leaves a little room, and the first
full placement is taken. Where there is none, someone has to be left out: of the highest rank, and there the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import product

from bot.core.placement.board import MEMORY, Board, Need, Seats

Rule = Callable[[Need, Sequence[int]], float]
"""What a guest takes and what a host has left -> how good a match they are; the best host is taken."""

Attempt = tuple[Sequence[int], Rule]

# Pairs of guest and host to look at before no further attempt is begun; about a second.
_BUDGET = 2_500_000
# Attempts at each number of guests to serve, when not all can be.
_ATTEMPTS = 4


def place_greedily(board: Board) -> bool:
    """Fill an empty board as well as some order and rule do. Returns whether it is complete."""
    best, best_seats = board.served(), board.seats
    for attempt in _attempts(board):
        if _place(board, attempt, range(len(board.guests))):
            return True
        if board.served() > best:
            best, best_seats = board.served(), board.seats
    board.reseat(best_seats)
    return False


def leave_some_out(board: Board) -> None:
    """Place the first so many in line, low ranks and small guests first, as far as that serves the ranks better.

    How many is found by halving the interval between what was placed together and what was not.
    """
    before, seats_before = board.served(), board.seats
    attempts = _attempts(board)
    attempts = attempts[: max(1, min(_ATTEMPTS, len(attempts) // 4))]
    sizes = board.sizes()
    line = sorted((guest for guest, hosts in enumerate(board.hosts) if hosts), key=lambda guest: sizes[guest])
    line.sort(key=lambda guest: board.guests[guest].rank)
    fit, too_many = 0, len(line)
    seats: Seats = ()
    while too_many - fit > 1:
        middle = (fit + too_many) // 2
        if any(_place(board, attempt, set(line[:middle])) for attempt in attempts):
            fit, seats = middle, board.seats
        else:
            too_many = middle
    board.reseat(seats)
    board.fill()
    if board.served() < before:
        board.reseat(seats_before)


def _attempts(board: Board) -> Sequence[Attempt]:
    """As many as the budget allows, at least one."""
    pairs = sum(map(len, board.hosts)) + 1
    return list(product(_orders(board), _rules(board)))[: max(1, _BUDGET // pairs)]


def _place(board: Board, attempt: Attempt, guests: Collection[int]) -> bool:
    """Place these on an emptied board. Returns whether all have a place who could have one."""
    order, rule = attempt
    board.reseat([])
    complete = True
    for guest in order:
        if guest in guests and board.hosts[guest]:
            if hosts := board.open(guest):
                need = board.needs[guest]
                board.put(guest, max(hosts, key=lambda host: rule(need, board.left[host])))
            else:
                complete = False
    return complete


def _orders(board: Board) -> list[list[int]]:
    """Largest over all resources, fewest hosts to choose from, most memory, largest in one resource."""
    sizes, weights = board.sizes(), board.weights()
    guests = range(len(board.guests))
    largest = [max((weights[resource] * amount for resource, amount in need), default=0) for need in board.needs]
    return [
        sorted(guests, key=lambda guest: (-sizes[guest], guest)),
        sorted(guests, key=lambda guest: (len(board.hosts[guest]), -sizes[guest], guest)),
        sorted(guests, key=lambda guest: (-board.guests[guest].memory, guest)),
        sorted(guests, key=lambda guest: (-largest[guest], guest)),
    ]


def _rules(board: Board) -> list[Rule]:
    """Worst fit, dot product, shortest rest, best fit, first fit. Ties go to the first host."""
    weights = board.weights()
    squares = [weight**2 for weight in weights]

    def most_memory_left(_need: Need, left: Sequence[int]) -> float:
        return left[MEMORY]

    def same_direction(need: Need, left: Sequence[int]) -> float:
        return sum(squares[resource] * amount * left[resource] for resource, amount in need)

    def shortest_rest(need: Need, left: Sequence[int]) -> float:
        return -sum(squares[resource] * (left[resource] - amount) ** 2 for resource, amount in need)

    def least_left(_need: Need, left: Sequence[int]) -> float:
        return -sum(weight * amount for weight, amount in zip(weights, left, strict=True))

    def first(_need: Need, _left: Sequence[int]) -> float:
        return 0

    return [most_memory_left, same_direction, shortest_rest, least_left, first]
