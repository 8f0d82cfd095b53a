"""Evening out: guests leave the fullest host, or change places with others, while that lowers the highest fill.

Fill is the share of a host's built-in memory that is in use or kept back. Residents do not move for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.placement.board import MEMORY, MIB, Board

# Guests and pairs of guests to look at; about half a second.
_BUDGET = 400_000


def balance(board: Board, budget: int = _BUDGET) -> None:
    """Keep every guest placed and every limit kept; lower the fill of the fullest host while some step does."""
    totals = [max(1, target.memory_total // MIB) for target in board.targets]
    memory = [dict(need).get(MEMORY, 0) for need in board.needs]

    def fill(host: int, more: int = 0) -> float:
        return 1 - (board.left[host][MEMORY] - more) / totals[host]

    while budget > 0:
        # The fullest that holds a guest: others cannot be helped.
        fullest = max((host for host, here in enumerate(board.here) if here), key=fill, default=None)
        if fullest is None:
            return
        before = fill(fullest)
        for guest, other, host in _steps(board, fullest):
            budget -= 1
            change = memory[guest] - (0 if other is None else memory[other])
            if change > 0 and fill(host, change) < before and _do(board, guest, other, host):
                break
            if budget <= 0:
                return
        else:
            return


def _steps(board: Board, fullest: int) -> Iterator[tuple[int, int | None, int]]:
    """A guest of the fullest host, whom it changes places with, if anyone, and the host that it goes to."""
    here = sorted(board.here[fullest], key=lambda guest: -board.guests[guest].memory)
    emptiest_first = sorted(range(len(board.targets)), key=lambda host: -board.left[host][MEMORY])
    for guest in here:
        yield from ((guest, None, host) for host in emptiest_first if host != fullest and host in board.hosts[guest])
    for guest in here:
        for host in emptiest_first:
            if host != fullest and host in board.hosts[guest]:
                for other in tuple(board.here[host]):
                    if fullest in board.hosts[other]:
                        yield guest, other, host


def _do(board: Board, guest: int, other: int | None, host: int) -> bool:
    """Carry the step out if it keeps all limits."""
    fullest = board.take(guest)
    if other is not None:
        board.take(other)
    if board.fits(guest, host):
        board.put(guest, host)
        if other is None:
            return True
        if board.fits(other, fullest):
            board.put(other, fullest)
            return True
        board.take(guest)
    board.put(guest, fullest)
    if other is not None:
        board.put(other, host)
    return False
