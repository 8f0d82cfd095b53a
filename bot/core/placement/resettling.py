"""Making room by hand: residents move to other targets, so that every guest fits. And an order for such moves.

Everyone is put on some host first, over its limits if need be. Then one resident after the other is shifted, or changes
places with a guest, and the guests are evened out around it, until nothing is over a limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.placement.board import Board, Seats
from bot.core.placement.excess import Excess
from bot.core.placement.problem import Guest, Problem, Shift, Target

# Moves of residents before it is given up, and first steps that are tried for each.
_MOST_MOVES, _TRIES = 6, 15
# Steps of the search for an order; many more than an order without detours takes.
_BUDGET = 20_000


@dataclass(frozen=True, slots=True)
class Resettled:
    """
    Attributes:
        seats: guest and host, by number, for every guest that any host may take.
        shifts: the residents' moves that come before, in an order in which each fits when its turn comes.
    """

    seats: tuple[tuple[int, int], ...]
    shifts: tuple[Shift, ...]


def resettle(problem: Problem, seats: Seats) -> Resettled | None:
    """Few moves of residents that let every guest in, not always the fewest; None if none were found.

    Args:
        seats: of the guests, the best that were found with residents where they are.
    """
    board = Board.settled(problem.guests + problem.residents, problem.targets)
    if any(amount < 0 for left in board.left for amount in left):
        return None  # over its limits without a guest: what is excess there is not the guests'
    homes = board.seats[len(problem.guests) :]
    excess = Excess(board, movable=len(problem.guests))
    excess.lower((*seats, *homes))
    for _ in range(_MOST_MOVES):
        if not excess.total or excess.exhausted or not _disturb(excess):
            break
    if excess.total or not excess.all_seated:
        return None
    shifts = order(problem, _shifts(problem, board))
    found = ((guest, host) for guest, host in enumerate(board.at[: len(problem.guests)]) if host is not None)
    return None if shifts is None else Resettled(tuple(found), shifts)


def _disturb(excess: Excess) -> bool:
    """Do the step of a resident after which the guests can be evened out best. Returns whether there is one."""
    before = excess.board.seats
    best: tuple[float, Seats] | None = None
    for step in excess.disturbances()[:_TRIES]:
        excess.board.reseat(before)
        excess.do(step)
        excess.lower(excess.board.seats)
        if best is None or excess.total < best[0]:
            best = excess.total, excess.board.seats
        if not excess.total:
            break
    excess.board.reseat(before if best is None else best[1])
    return best is not None


def _shifts(problem: Problem, board: Board) -> list[Shift]:
    names = [target.name for target in problem.targets]
    living = enumerate(problem.residents, start=len(problem.guests))
    now = ((resident, board.at[number]) for number, resident in living)
    return [
        Shift(resident.id, resident.host, names[host])
        for resident, host in now
        if host is not None and names[host] != resident.host
    ]


def order(problem: Problem, shifts: Sequence[Shift]) -> tuple[Shift, ...] | None:
    """An order in which each of these moves of residents fits when its turn comes; None if none was found."""
    moving = {shift.guest: shift for shift in shifts}
    movers = [resident for resident in problem.residents if resident.id in moving]
    others = [resident for resident in problem.residents if resident.id not in moving]
    board = Board.settled(movers, problem.targets, others)
    number = {target.name: host for host, target in enumerate(problem.targets)}
    destinations = [number[moving[mover.id].destination] for mover in movers]
    found = _order(board, destinations)
    return None if found is None else tuple(moving[movers[mover].id] for mover in found)


def _order(board: Board, destinations: Sequence[int]) -> list[int] | None:
    """Depth first, and never twice from the same moves done: those say all about where everyone is."""
    done: list[int] = []
    dead: set[frozenset[int]] = set()
    sources = list(board.at)
    tried = [0]
    for _ in range(_BUDGET):
        if len(done) == len(destinations):
            return done
        following = next(
            (
                mover
                for mover in range(tried[-1], len(destinations))
                if board.at[mover] != destinations[mover]
                and board.fits(mover, destinations[mover])
                and frozenset((*done, mover)) not in dead
            ),
            None,
        )
        if following is not None:
            tried[-1] = following + 1
            board.shift(following, destinations[following])
            done.append(following)
            tried.append(0)
        elif done:
            dead.add(frozenset(done))
            tried.pop()
            source = sources[last := done.pop()]
            assert source is not None
            board.shift(last, source)
        else:
            return None
    return None


def carry_out(problem: Problem, shifts: Sequence[Shift]) -> Problem:
    """The problem once these moves of residents are done."""
    moving = {shift.guest: shift.destination for shift in shifts}
    targets = {target.name: target for target in problem.targets}
    residents = []
    for resident in problem.residents:
        if (destination := moving.get(resident.id)) is not None:
            targets[resident.host] = _give(targets[resident.host], resident, 1)
            targets[destination] = _give(targets[destination], resident, -1)
        residents.append(replace(resident, host=moving.get(resident.id, resident.host)))
    return replace(problem, targets=tuple(targets.values()), residents=tuple(residents))


def _give(target: Target, resident: Guest, times: int) -> Target:
    storage = dict(target.storage)
    for volume, size in resident.storage.items():
        storage[volume] = storage.get(volume, 0) + times * size
    return replace(
        target,
        memory=target.memory + times * resident.memory,
        processors=target.processors + times * resident.processors,
        storage=storage,
    )
