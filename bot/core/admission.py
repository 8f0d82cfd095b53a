"""Which queued operations may start now, and in words why the others wait.

First in, first out, with backfill: an operation that has no room does not hold up later ones that have. An operation
needs room at its source and at its destination; Hyper-V refuses what exceeds a host's limits, it does not queue. A
host whose room is not known, or was seen too long ago, has none.

Facts: a live migration counts against MaximumVirtualMachineMigrations of both hosts, moving storage against
MaximumStorageMigrations (Microsoft Learn, Set-VMHost). That a shared-nothing move counts against both is assumed. A
cluster would queue what exceeds its limit; Ferry lets it wait here, where it can be cancelled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

from bot.core.estate import Frozen
from bot.core.plan import MoveKind
from bot.core.wording import render_use


class Resource(StrEnum):
    """What a host limits, in the words people read."""

    LIVE = "live migrations"
    STORAGE = "storage migrations"


Slot = tuple[str, Resource]
"""One place on one host."""

_RESOURCES: Mapping[MoveKind, tuple[Resource, ...]] = {
    MoveKind.LIVE: (Resource.LIVE,),
    MoveKind.SHARED_NOTHING: (Resource.LIVE, Resource.STORAGE),
    MoveKind.STORAGE: (Resource.STORAGE,),
    MoveKind.CLUSTER: (Resource.LIVE,),
}


class Room(Frozen):
    """A host's limits and what others than Ferry run there, as of one look."""

    host: str
    seen_at: datetime
    live_limit: int
    storage_limit: int
    live_foreign: int = 0
    storage_foreign: int = 0

    def limit(self, resource: Resource) -> int:
        return self.live_limit if resource is Resource.LIVE else self.storage_limit

    def foreign(self, resource: Resource) -> int:
        return self.live_foreign if resource is Resource.LIVE else self.storage_foreign


class Candidate(Frozen):
    """What admission needs to know of an operation."""

    operation: str
    kind: MoveKind
    source: str
    destination: str
    not_before: datetime | None = None  # a pause after a host refused it for want of room
    waiting: str = ""  # what its row says now; kept during a pause

    @property
    def slots(self) -> tuple[Slot, ...]:
        hosts = dict.fromkeys((self.source, self.destination))  # one host only for a storage migration
        return tuple((host, resource) for host in hosts for resource in _RESOURCES[self.kind])


class Admission(Frozen):
    granted: tuple[str, ...] = ()
    waiting: dict[str, str] = Field(default_factory=dict)  # operation -> why, for every queued one that was not granted


def count_foreign(active: int, ours: int) -> int:
    """Migrations on a host that Ferry did not start; the two counts are of slightly different moments."""
    return max(0, active - ours)


def decide_admission(
    queued: Sequence[Candidate],
    holding: Sequence[Candidate],
    rooms: Mapping[str, Room],
    now: datetime,
    room_age: timedelta,
) -> Admission:
    """Grant what has room, in the order given.

    Args:
        queued: in the order of their turn.
        holding: those that occupy places now.
        room_age: how old a look may be and still count.
    """
    known = {host: room for host, room in rooms.items() if now - room.seen_at <= room_age}
    used: Counter[Slot] = Counter(slot for candidate in holding for slot in candidate.slots)
    ahead: Counter[Slot] = Counter()
    granted: list[str] = []
    waiting: dict[str, str] = {}
    for candidate in queued:
        if candidate.not_before is not None and now < candidate.not_before:
            waiting[candidate.operation] = candidate.waiting
            continue
        full = next((slot for slot in candidate.slots if not _has_room(slot, known, used)), None)
        if full is None:
            granted.append(candidate.operation)
            used.update(candidate.slots)
        else:
            waiting[candidate.operation] = _render_waiting(full, known.get(full[0]), used[full], ahead[full])
            ahead.update(candidate.slots)
    return Admission(granted=tuple(granted), waiting=waiting)


def _has_room(slot: Slot, rooms: Mapping[str, Room], used: Mapping[Slot, int]) -> bool:
    host, resource = slot
    room = rooms.get(host)
    return room is not None and used.get(slot, 0) + room.foreign(resource) < room.limit(resource)


def _render_waiting(slot: Slot, room: Room | None, ours: int, ahead: int) -> str:
    host, resource = slot
    if room is None:
        return f"how many {resource} {host} runs is not known; Ferry is asking it"
    limit, foreign = room.limit(resource), room.foreign(resource)
    if limit <= 0:
        return f"{host} is set to allow no {resource}"
    others = f", {foreign} not started by Ferry" if foreign else ""
    turn = f"{ahead} ahead in line" if ahead else "next in line"
    return f"{host} runs {render_use(ours + foreign, limit, resource)}{others}; {turn}"
