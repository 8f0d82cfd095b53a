"""Plans: the only way to change a host. Frozen data, so that a plan can be shown, confirmed, stored and resumed.

A plan carries everything the person who confirms it sees, and its digest covers all of it. It never changes: a changed
world means a new plan with a new operation id.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum

from bot.core.estate import IN_MEMORY, Disk, Frozen
from bot.core.names import VmId


class MoveKind(StrEnum):
    LIVE = "live"  # storage stays where both hosts reach it
    SHARED_NOTHING = "shared_nothing"  # memory and storage travel
    STORAGE = "storage"  # storage travels, the VM stays on its host
    CLUSTER = "cluster"  # its failover cluster moves it to another node; storage stays on the cluster's

    @property
    def words(self) -> str:
        return {
            MoveKind.LIVE: "Live migration",
            MoveKind.SHARED_NOTHING: "Shared-nothing live migration",
            MoveKind.STORAGE: "Storage live migration",
            MoveKind.CLUSTER: "Live migration in the cluster",
        }[self]

    @property
    def carries_storage(self) -> bool:
        return self in (MoveKind.SHARED_NOTHING, MoveKind.STORAGE)

    @property
    def compared(self) -> bool:
        """Whether both hosts compare themselves before, which stages a planned VM at the destination."""
        return self in (MoveKind.LIVE, MoveKind.SHARED_NOTHING)


class Level(StrEnum):
    FINE = "fine"
    WARNING = "warning"
    BLOCKING = "blocking"


class Finding(Frozen):
    """One thing that was checked: what was seen, and for a blocking one what was needed and what to do."""

    level: Level
    code: str  # stable key, e.g. "switch"; tests and policy name it, people read the text
    text: str  # what was seen, one line
    needed: str = ""
    hint: str = ""


class Move(Frozen):
    """One VM's move. The wish is "this VM is there", so doing it twice is harmless and checking it is a read."""

    kind: MoveKind
    vm: VmId
    vm_name: str
    source: str  # Ferry's host name
    destination: str  # the same host for a storage migration
    destination_fqdn: str = ""  # what the source host is told
    storage_path: str | None = None  # None: disks keep their paths
    state: int  # VmState when planned; must be the same after the move
    memory_bytes: int = 0
    disks: tuple[Disk, ...] = ()
    configuration_path: str = ""
    uptime_s: int = 0  # when planned; 0: it did not run, or it is not known
    quick: bool = False  # its cluster moves it by quick migration: what is in memory is saved, and restored there

    @property
    def words(self) -> str:
        """What Hyper-V calls it; only what is in memory moves live."""
        if self.quick:
            return "Quick migration in the cluster"
        return (
            self.kind.words if self.state in IN_MEMORY else self.kind.words.replace(" live", "").replace("Live m", "M")
        )


class Estimate(Frozen):
    """Seconds, honestly: what it rests on stands beside it."""

    seconds: float
    basis: str  # "8.0 GB at 1.1 GB/s (10 GbE, from settings)"


class Plan(Frozen):
    """What a command offers to do."""

    command: str  # canonical text; typing it again gives the same kind of plan
    action: str  # what policy decides on, e.g. "vm.migrate"
    move: Move
    findings: tuple[Finding, ...]
    estimate: Estimate
    facts: tuple[str, ...] = ()  # further lines for the card: "running for 41 days"
    begins_at: datetime | None = None  # not before; None: as soon as there is room

    @property
    def blocked(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.level is Level.BLOCKING)

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON, 64 hex digits. What is confirmed is this, never a position or a name."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
