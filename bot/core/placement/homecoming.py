"""Coming home: moves in stages that bring VMs back to the hosts they came from.

Whoever fits at home moves now; what they leave becomes free for the next stage. Where that stands still because VMs
are in each other's way, the fewest of them step aside, each to a host that has room. VMs that are not among those away
are never moved.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.placement.board import Board, Seats
from bot.core.placement.problem import Guest, Obstacle, Shift, Target
from bot.core.placement.reasons import obstacles

# Arrangements to look at for each time that VMs have to step aside; about a second.
_BUDGET = 20_000


@dataclass(frozen=True, slots=True)
class Away:
    """A VM that is not at home. `vm.host` is where it is now; it may step aside to any host of `vm.allowed`."""

    vm: Guest
    home: str


@dataclass(frozen=True, slots=True)
class Staying:
    """A VM that cannot come home.

    Attributes:
        obstacles: what stands against its home, with everyone where the stages leave them.
        decided: whether it is proven, for where the stages leave everyone, that no moves of those who are still away
            bring it home.
    """

    vm: str
    obstacles: tuple[Obstacle, ...]
    decided: bool


@dataclass(frozen=True, slots=True)
class Homecoming:
    """
    Attributes:
        stages: the moves of a stage all fit as things are when it begins, together and in any order.
    """

    stages: tuple[tuple[Shift, ...], ...]
    staying: tuple[Staying, ...] = ()


def plan_homecoming(away: Sequence[Away], hosts: Sequence[Target], budget: int = _BUDGET) -> Homecoming:
    """Bring home who can come, the lowest rank first, then the largest.

    Args:
        hosts: all where these VMs are, or may go. What the VMs use is already taken off what the hosts have free.
    """
    return _Homecoming(away, hosts, budget).plan()


class _Homecoming:
    def __init__(self, away: Sequence[Away], hosts: Sequence[Target], budget: int) -> None:
        number = {host.name: index for index, host in enumerate(hosts)}
        vms = [replace(each.vm, allowed=each.vm.allowed | {each.home}) for each in away]
        self._board = Board.settled(vms, hosts)
        self._homes = [number[each.home] for each in away]
        sizes = self._board.sizes()
        self._order = sorted(range(len(vms)), key=lambda vm: (vms[vm].rank, -sizes[vm], vm))
        self._budget = budget

    def plan(self) -> Homecoming:
        stages: list[tuple[Shift, ...]] = []
        while self._absent:
            if coming := self._who_fits():
                stages.append(tuple(self._move(vm, self._homes[vm]) for vm in coming))
            elif steps := self._step_aside(self._hopeful()):
                stages.extend((self._move(vm, host),) for vm, host in steps)
            else:
                break
        undecided = set(self._hopeful()) if self._budget <= 0 else set()
        staying = tuple(self._staying(vm, decided=vm not in undecided) for vm in self._absent)
        return Homecoming(tuple(stages), staying)

    @property
    def _absent(self) -> list[int]:
        return [vm for vm in self._order if self._board.at[vm] != self._homes[vm]]

    def _who_fits(self) -> list[int]:
        """Those who fit at home together, before anyone has left."""
        board, coming = self._board, []
        for vm in self._absent:
            if board.fits(vm, self._homes[vm]):
                board.reserve(vm, self._homes[vm])
                coming.append(vm)
        for vm in coming:
            board.release(vm, self._homes[vm])
        return coming

    def _move(self, vm: int, host: int) -> Shift:
        source = self._board.take(vm)
        self._board.put(vm, host)
        targets = self._board.targets
        return Shift(self._board.guests[vm].id, targets[source].name, targets[host].name)

    def _hopeful(self) -> list[int]:
        """Those whom home could take if nobody away were there: the others can only wait for VMs that are not ours."""
        board, absent = self._board, self._absent
        seats = board.seats
        for vm in absent:
            board.take(vm)
        hopeful = [vm for vm in absent if board.fits(vm, self._homes[vm])]
        board.reseat(seats)
        return hopeful

    def _step_aside(self, hopeful: Sequence[int]) -> list[tuple[int, int]]:
        """The fewest moves after which one of these fits at home; empty if there are none, or the budget is used up.

        Breadth first over where those away may be.
        """
        board, absent = self._board, self._absent
        origin = board.seats
        paths: dict[Seats, list[tuple[int, int]]] = {origin: []}
        queue = deque([origin])
        found: list[tuple[int, int]] = []
        while hopeful and queue and not found and self._budget > 0:
            seats = queue.popleft()
            board.reseat(seats)
            for vm, host in self._steps(absent):
                self._budget -= 1
                source = board.take(vm)
                board.put(vm, host)
                if board.seats not in paths:
                    path = paths[board.seats] = [*paths[seats], (vm, host)]
                    queue.append(board.seats)
                    if any(self._homes[other] == source and board.fits(other, source) for other in hopeful):
                        found = path
                        break
                board.shift(vm, source)
        board.reseat(origin)
        return found

    def _steps(self, absent: Sequence[int]) -> list[tuple[int, int]]:
        """The smallest first, each to any host with room."""
        board = self._board
        return [(vm, host) for vm in reversed(absent) for host in board.open(vm) if host != board.at[vm]]

    def _staying(self, vm: int, *, decided: bool) -> Staying:
        against = tuple(obstacles(self._board, vm, self._homes[vm]))
        return Staying(self._board.guests[vm].id, against, decided)
