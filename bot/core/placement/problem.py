"""What a placement is asked, and what it answers: plain frozen data.

Sizes are bytes here. Whether a VM may live on a host at all (switches, processors' features, owners' rules) is decided
elsewhere, with reasons; only the outcome, `Guest.allowed`, comes in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Volumes = Mapping[str, int]
"""Bytes by volume, under the volume's letter ("D")."""


class Lack(StrEnum):
    """What can keep a VM from a host."""

    MEMORY = "memory"
    PROCESSORS = "processors"
    STORAGE = "storage"
    GROUP = "group"  # a VM that it must stay apart from lives there
    NOT_ALLOWED = "not allowed"


class Method(StrEnum):
    """What found the placement, weakest first."""

    GREEDY = "greedy"
    REPAIR = "repair"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Guest:
    """A VM that needs a place, or one that lives on a target and may be moved to make room.

    Attributes:
        memory: bytes.
        processors: virtual processors.
        host: where it is now.
        allowed: hosts that passed every hard filter for it.
        storage: what travels with it and has to fit; empty where both hosts reach the same storage.
        groups: two VMs of one group never share a host.
        rank: when not all fit, the lowest are served first.
    """

    id: str
    name: str
    memory: int
    processors: int
    host: str
    allowed: frozenset[str]
    storage: Volumes = field(default_factory=dict)
    groups: frozenset[str] = frozenset()
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A host that may take VMs.

    Attributes:
        memory: bytes that may be given away; what the host keeps for itself is already taken off.
        memory_total: bytes that are built in; fill is measured by it.
        processors: virtual processors that it may still take.
        storage: free bytes.
        groups: groups of VMs that live there, beside those among the problem's guests and residents.
    """

    name: str
    memory: int
    memory_total: int
    processors: int
    storage: Volumes = field(default_factory=dict)
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Problem:
    """
    Attributes:
        residents: VMs that live on targets, and may be moved between them when asked to make room. What they use is
            already taken off what the targets have free.
    """

    guests: tuple[Guest, ...]
    targets: tuple[Target, ...]
    residents: tuple[Guest, ...] = ()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that keeps a VM from one host, with everything else where the placement puts it.

    Attributes:
        of: the volume's letter or the group's name; empty otherwise.
        needed, free: bytes or virtual processors; 0 where nothing is counted.
    """

    host: str
    lack: Lack
    of: str = ""
    needed: int = 0
    free: int = 0


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A guest that stays where it is.

    Attributes:
        obstacles: at least one for each target.
        never: whether no target could take it even if no other guest went there.
    """

    guest: str
    obstacles: tuple[Obstacle, ...]
    never: bool


@dataclass(frozen=True, slots=True)
class Shortage:
    """What a host has too little of: bytes or virtual processors."""

    host: str
    lack: Lack
    amount: int
    of: str = ""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What would be enough: with this added, every guest that has a host it may share could be placed.

    Attributes:
        smallest: whether it is proven that no smaller addition would do (resources weighed by their total demand).
    """

    added: tuple[Shortage, ...]
    smallest: bool

    def total(self, lack: Lack) -> int:
        """Bytes or virtual processors, over all hosts."""
        return sum(each.amount for each in self.added if each.lack is lack)


@dataclass(frozen=True, slots=True)
class Shift:
    """A move that only makes room: of a resident, or of a VM on its way home. `guest` is the VM's id."""

    guest: str
    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Which guest goes where.

    Attributes:
        where: host by guest id, for every guest that is placed.
        unplaced: the others, by rank and in the order they came.
        extra: moves of residents, to be done before any guest moves and in this order: each fits when its turn comes.
        method: what found it.
        decided: nothing is unplaced, or it is proven that not all can be placed, even with moves of residents if those
            were asked for. False: not found, and not disproved.
        most: nothing is unplaced, or it is proven that no placement serves the ranks better while residents stay.
        shortfall: None if nothing that can be added would help.
        undecided: why the solver did not decide something; empty if it decided all it was asked.
    """

    where: Mapping[str, str]
    method: Method
    unplaced: tuple[Unplaced, ...] = ()
    extra: tuple[Shift, ...] = ()
    decided: bool = True
    most: bool = True
    shortfall: Shortfall | None = None
    undecided: str = ""
