"""What happened in the world and exactly when: the outside view that checks of a client rest on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from bot.lab.world.jobs import Job
    from bot.lab.world.machines import Host, Vm


class Event(StrEnum):
    REQUESTED = "requested"  # a job exists
    STARTED = "started"  # it was not refused by a limit or for want of a connection
    COMPLETED = "completed"
    FAILED = "failed"
    CANCEL_REQUESTED = "cancel requested"
    CANCELLED = "cancelled"
    VM_LEFT = "vm left"
    VM_ARRIVED = "vm arrived"
    PLANNED_REMOVED = "planned vm removed"
    VM_REMOVED = "vm removed"
    HOST_DOWN = "host down"
    HOST_UP = "host up"
    VMMS_RESTARTED = "vmms restarted"


@dataclass(frozen=True)
class Entry:
    """One event.

    Attributes:
        host: short name; of a job's source for its events.
        destination: the other host of a migration; empty for a storage migration.
        kind: the job's title, like "Moving Virtual Machine".
        passes, blackout_s: of the job, as far as it has come; see `Job`.
    """

    at: datetime
    host: str
    event: Event
    vm: str = ""
    vm_id: UUID | None = None
    job: UUID | None = None
    destination: str = ""
    kind: str = ""
    owner: str = ""
    error: str = ""
    passes: int = 0
    blackout_s: float | None = None


class Journal:
    """All entries, oldest first. Read it under `World.look`."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._entries)

    def write(self, at: datetime, host: Host, event: Event, vm: Vm | None = None, job: Job | None = None) -> None:
        self._entries.append(
            Entry(
                at,
                host.name,
                event,
                vm.name if vm else "",
                vm.id if vm else None,
                job.id if job else None,
                job.destination.name if job and job.destination else "",
                job.title if job else "",
                job.owner if job else "",
                job.error.message if job and job.error else "",
                job.passes if job else 0,
                job.blackout_s if job else None,
            )
        )

    def of(self, vm: Vm, *events: Event) -> tuple[Entry, ...]:
        """A VM's entries, of the given events only if any are given."""
        return tuple(entry for entry in self._entries if entry.vm_id == vm.id and (not events or entry.event in events))

    def most_at_once(self, host: str) -> int:
        """How many migrations the host ever took part in at the same time, at either end; comparisons do not count."""
        running: set[UUID] = set()
        most = 0
        for entry in self._entries:
            if entry.job is None or not entry.kind.startswith("Moving"):
                continue
            if entry.event is Event.STARTED and host.upper() in (entry.host, entry.destination):
                running.add(entry.job)
                most = max(most, len(running))
            elif entry.event in (Event.COMPLETED, Event.FAILED, Event.CANCELLED):
                running.discard(entry.job)
        return most
