"""The working state of a placement: which guest sits on which host, and what each host has left. Mutable.

Guests and hosts are numbers here, in the order of the problem. Memory and storage are counted in whole MiB, a guest's
rounded up and a host's rounded down, so that every method counts alike and never takes more than there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from bot.core.placement.problem import Guest, Lack, Target

MIB = 1024 * 1024
MEMORY = 0  # the first resource

Need = tuple[tuple[int, int], ...]
"""What a guest takes: (resource, amount), of each resource that it takes some of."""

Seats = tuple[int | None, ...]
"""Host by guest; None while it has no place."""


class Board:
    """
    Attributes:
        resources: memory, processors, then each volume that some guest takes with it, by its letter.
        needs: by guest, what it takes.
        room: by host, amount by resource while no guest is placed.
        left: the same, as it is now.
        allowed: by guest, hosts that no filter and no fixed neighbour keep it from.
        hosts: by guest, those of them where it fits while no guest is placed.
        at: by guest, its host, or None.
        here: by host, its guests.
    """

    def __init__(self, guests: Sequence[Guest], targets: Sequence[Target], residents: Sequence[Guest] = ()) -> None:
        """
        Args:
            residents: they stay where they are; only their groups matter, their room is taken off already.
        """
        volumes = sorted({volume for guest in guests for volume in guest.storage})
        self.guests, self.targets = tuple(guests), tuple(targets)
        self.resources: tuple[tuple[Lack, str], ...] = (
            (Lack.MEMORY, ""),
            (Lack.PROCESSORS, ""),
            *((Lack.STORAGE, volume) for volume in volumes),
        )
        self.room = [
            [t.memory // MIB, t.processors, *(t.storage.get(volume, 0) // MIB for volume in volumes)] for t in targets
        ]
        self.left = [list(amounts) for amounts in self.room]
        self.needs = [self._need(guest, volumes) for guest in guests]
        self.groups = [tuple(sorted(guest.groups)) for guest in guests]
        self.present: list[Counter[str]] = [Counter(target.groups) for target in targets]
        self.at: list[int | None] = [None] * len(guests)
        self.here: list[list[int]] = [[] for _ in targets]
        number = {target.name: host for host, target in enumerate(targets)}
        for resident in residents:
            self.present[number[resident.host]].update(resident.groups)
        self.allowed = [
            tuple(
                host
                for host in sorted(number[name] for name in guest.allowed if name in number)
                if not self.groups[index] or self.clash(index, host) is None
            )
            for index, guest in enumerate(guests)
        ]
        self.hosts = self._open_while_empty()

    def _open_while_empty(self) -> list[tuple[int, ...]]:
        return [tuple(host for host in allowed if self.fits(guest, host)) for guest, allowed in enumerate(self.allowed)]

    @staticmethod
    def _need(guest: Guest, volumes: Sequence[str]) -> Need:
        sizes = (guest.memory, *(guest.storage.get(volume, 0) for volume in volumes))
        memory, *storage = (-(-size // MIB) for size in sizes)
        return tuple((r, amount) for r, amount in enumerate((memory, guest.processors, *storage)) if amount > 0)

    @classmethod
    def settled(cls, guests: Sequence[Guest], targets: Sequence[Target], residents: Sequence[Guest] = ()) -> Board:
        """Those who live on a target are on it: what they use is not taken off a second time. The others wait."""
        board = cls(guests, targets, residents)
        number = {target.name: host for host, target in enumerate(targets)}
        seats = [number.get(guest.host) for guest in guests]
        for guest, host in enumerate(seats):
            if host is not None:
                for resource, amount in board.needs[guest]:
                    board.room[host][resource] += amount
                    board.left[host][resource] += amount
        board.hosts = board._open_while_empty()
        board.reseat(seats)
        return board

    def clash(self, guest: int, host: int) -> str | None:
        """A group of this guest's that has a member on the host."""
        present = self.present[host]
        return next((group for group in self.groups[guest] if present[group]), None)

    def fits(self, guest: int, host: int) -> bool:
        """Whether there is room and no clash. Does not ask whether the host is allowed."""
        left = self.left[host]
        for resource, amount in self.needs[guest]:
            if amount > left[resource]:
                return False
        return not self.groups[guest] or self.clash(guest, host) is None

    def open(self, guest: int) -> list[int]:
        """Hosts that could take it now."""
        return [host for host in self.hosts[guest] if self.fits(guest, host)]

    def put(self, guest: int, host: int) -> None:
        self.reserve(guest, host)
        self.here[host].append(guest)
        self.at[guest] = host

    def take(self, guest: int) -> int:
        """Take it from its host, which is returned."""
        host = self.at[guest]
        assert host is not None
        self.release(guest, host)
        self.here[host].remove(guest)
        self.at[guest] = None
        return host

    def reserve(self, guest: int, host: int) -> None:
        """Take its room and join its groups on a host, without being there."""
        left = self.left[host]
        for resource, amount in self.needs[guest]:
            left[resource] -= amount
        if self.groups[guest]:
            self.present[host].update(self.groups[guest])

    def release(self, guest: int, host: int) -> None:
        left = self.left[host]
        for resource, amount in self.needs[guest]:
            left[resource] += amount
        if self.groups[guest]:
            self.present[host].subtract(self.groups[guest])

    def shift(self, guest: int, host: int) -> None:
        self.take(guest)
        self.put(guest, host)

    @property
    def seats(self) -> Seats:
        return tuple(self.at)

    def reseat(self, seats: Iterable[int | None]) -> None:
        """Make it what it was when `seats` were taken; `[]` empties it."""
        for guest, host in enumerate(self.at):
            if host is not None:
                self.take(guest)
        for guest, place in enumerate(seats):
            if place is not None:
                self.put(guest, place)

    def fill(self) -> None:
        """Place whoever fits as it is, low ranks and small guests first."""
        sizes = self.sizes()
        for guest in sorted(self.waiting, key=lambda guest: (self.guests[guest].rank, sizes[guest], guest)):
            if hosts := self.open(guest):
                self.put(guest, max(hosts, key=lambda host: self.left[host][MEMORY]))

    @property
    def waiting(self) -> list[int]:
        return [guest for guest, host in enumerate(self.at) if host is None]

    @property
    def hopeless(self) -> list[int]:
        """Those whom no host could take even if no other guest had a place."""
        return [guest for guest, hosts in enumerate(self.hosts) if not hosts]

    @property
    def complete(self) -> bool:
        """Whether everyone has a place who could have one if no other guest had."""
        return not any(self.hosts[guest] for guest in self.waiting)

    @property
    def where(self) -> Mapping[str, str]:
        return {
            self.guests[guest].id: self.targets[host].name for guest, host in enumerate(self.at) if host is not None
        }

    def served(self) -> tuple[int, ...]:
        """How many of each rank have a place, lowest rank first: the greater of two serves better."""
        placed = Counter(self.guests[guest].rank for guest, host in enumerate(self.at) if host is not None)
        return tuple(placed[rank] for rank in sorted({guest.rank for guest in self.guests}))

    def weights(self) -> list[float]:
        """By resource, one over all that the hosts have: makes amounts of different resources comparable."""
        return [1 / max(1, amount) for amount in self.total_room()]

    def total_room(self) -> list[int]:
        """By resource, over all hosts. Moves of residents do not make it more."""
        return [sum(max(0, amount) for amount in amounts) for amounts in zip(*self.room, strict=True)]

    def total_need(self) -> list[int]:
        """By resource, over all guests that some host may take."""
        total = [0] * len(self.resources)
        for guest, allowed in enumerate(self.allowed):
            for resource, amount in self.needs[guest] if allowed else ():
                total[resource] += amount
        return total

    def sizes(self) -> list[float]:
        """By guest, how much it takes of all that there is, over all resources."""
        weights = self.weights()
        return [sum(weights[resource] * amount for resource, amount in need) for need in self.needs]
