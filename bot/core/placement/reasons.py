"""Why guests stay: for each host, everything that keeps them from it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.placement.board import MIB, Board
from bot.core.placement.problem import Lack, Obstacle, Unplaced


def explain(board: Board) -> tuple[Unplaced, ...]:
    """Those that wait, by rank, with what stands against each host as the board is now."""
    waiting = sorted(board.waiting, key=lambda guest: board.guests[guest].rank)
    return tuple(
        Unplaced(
            board.guests[guest].id,
            tuple(obstacle for host in range(len(board.targets)) for obstacle in obstacles(board, guest, host)),
            never=not board.hosts[guest],
        )
        for guest in waiting
    )


def obstacles(board: Board, guest: int, host: int) -> Iterator[Obstacle]:
    """All that keeps a guest from a host as the board is now; nothing if it may go there."""
    name = board.targets[host].name
    if name not in board.guests[guest].allowed:
        yield Obstacle(name, Lack.NOT_ALLOWED)
        return
    if group := board.clash(guest, host):
        yield Obstacle(name, Lack.GROUP, of=group)
    for resource, amount in board.needs[guest]:
        if amount > board.left[host][resource]:
            lack, of = board.resources[resource]
            unit = 1 if lack is Lack.PROCESSORS else MIB
            yield Obstacle(name, lack, of, needed=amount * unit, free=max(0, board.left[host][resource]) * unit)
