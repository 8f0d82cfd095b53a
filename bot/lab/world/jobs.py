"""Migration jobs as VMMS keeps them, and the steps they consist of.

A job belongs to its host, not to the client that asked for it. Numbers: Msvm_MigrationJob (Microsoft Learn).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from math import inf
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from bot.lab.world.faults import HyperVError

if TYPE_CHECKING:
    from bot.lab.world.cluster import RoleMove
    from bot.lab.world.layout import Layout
    from bot.lab.world.machines import Host, Status, Vm

# Msvm_MigrationJob.TimeBeforeRemoval is always 00000000000500.000000:000 (Microsoft Learn).
KEPT_S = 300.0


class JobState(IntEnum):
    NEW = 2
    STARTING = 3
    RUNNING = 4
    SHUTTING_DOWN = 6
    COMPLETED = 7
    TERMINATED = 8
    KILLED = 9
    EXCEPTION = 10


class MigrationType(IntEnum):
    VIRTUAL_SYSTEM = 32768
    STORAGE = 32769
    STAGED = 32770
    VIRTUAL_SYSTEM_AND_STORAGE = 32771


JOB_TYPE = {
    MigrationType.VIRTUAL_SYSTEM: 305,
    MigrationType.VIRTUAL_SYSTEM_AND_STORAGE: 306,
    MigrationType.STORAGE: 307,
    MigrationType.STAGED: 301,
}
TITLE = {
    MigrationType.VIRTUAL_SYSTEM: "Moving Virtual Machine",
    MigrationType.VIRTUAL_SYSTEM_AND_STORAGE: "Moving Virtual Machine and Storage",
    MigrationType.STORAGE: "Moving Storage",
    MigrationType.STAGED: "Checking Virtual Machine Compatibility",
}


@dataclass
class Step:
    """One stretch of a job at one speed: so many seconds, or so many bytes through shared resources.

    Attributes:
        start, end: percent of the job before and after it.
        seconds: fixed duration, if `amount_bytes` is 0.
        resources: names of what it uses; each is divided fairly among all steps that use it at that moment.
        efficiency: how many of the bytes that it sends over its resources are bytes of `amount_bytes`.
        most_bytes_s: of `amount_bytes`, what it reaches even if it has its resources for itself.
        phase: what the VM's second operational status says meanwhile; None: nothing.
    """

    start: float
    end: float
    seconds: float = 0.0
    amount_bytes: float = 0.0
    resources: tuple[str, ...] = ()
    efficiency: float = 1.0
    most_bytes_s: float = inf
    cancellable: bool = True
    phase: Status | None = None
    done: float = 0.0  # seconds or bytes

    @property
    def total(self) -> float:
        return self.amount_bytes or self.seconds

    @property
    def percent(self) -> int:
        part = min(1.0, self.done / self.total) if self.total else 1.0
        return int(self.start + (self.end - self.start) * part)


def _no_steps() -> Generator[Step, None, None]:
    yield from ()


@dataclass(eq=False)
class Job:
    """One migration.

    Attributes:
        layout: where its files go; None if they stay.
        steps: the rest of its course; asking for the next step carries out what happens between two steps.
        passes: how often memory was copied while the VM ran; the first time all of it.
        blackout_s: how long the VM stood still at its end, both for the last remainder and to be switched over; None:
            it has not come so far, or the VM was not running.
        admitted: it has passed the limits and counts against them.
        role_move: how its cluster moves it; None: nobody's cluster does.
        fault: a failure ordered by a test: at which percent, and which.
    """

    vm: Vm
    source: Host
    destination: Host | None
    type: MigrationType
    owner: str
    started_at: datetime
    layout: Layout | None = None
    id: UUID = field(default_factory=uuid4)
    state: JobState = JobState.RUNNING
    percent: int = 0
    steps: Generator[Step, None, None] = field(default_factory=lambda: _no_steps())
    passes: int = 0
    blackout_s: float | None = None
    admitted: bool = False
    step: Step | None = None
    role_move: RoleMove | None = None
    ended_at: datetime | None = None
    error: HyperVError | None = None
    end_state: JobState = JobState.COMPLETED
    fault: tuple[int, HyperVError] | None = None

    @property
    def active(self) -> bool:
        return self.ended_at is None

    @property
    def succeeded(self) -> bool:
        return self.state is JobState.COMPLETED

    @property
    def cancellable(self) -> bool:
        return self.active and self.state is JobState.RUNNING and bool(self.step and self.step.cancellable)

    @property
    def title(self) -> str:
        return TITLE[self.type]

    @property
    def moves_vm(self) -> bool:
        return self.type in (MigrationType.VIRTUAL_SYSTEM, MigrationType.VIRTUAL_SYSTEM_AND_STORAGE)

    @property
    def moves_storage(self) -> bool:
        return self.type in (MigrationType.STORAGE, MigrationType.VIRTUAL_SYSTEM_AND_STORAGE)

    def at(self, host: Host) -> bool:
        return host in (self.source, self.destination)
