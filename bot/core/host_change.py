"""What plans and rows have in common that change a host itself and move no VM of Ferry's choosing: its settings, or its
place in a failover cluster. One of a host is confirmed and open at a time."""

from __future__ import annotations

import hashlib
from datetime import datetime

from bot.core.estate import Frozen
from bot.core.operation import Recorded


class HostPlan(Frozen):
    """What is offered for one host. Frozen data, like any plan: shown, confirmed by its digest, stored, resumed."""

    command: str
    action: str
    host: str  # Ferry's name of it
    begins_at: datetime | None = None  # not before; None: once it is agreed to

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON, 64 hex digits. What is confirmed is this."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def vms(self) -> tuple[str, ...]:
        """Names of the VMs that may move by it."""
        return ()

    @property
    def names(self) -> tuple[str, ...]:
        """That a sentence about it may begin with."""
        return (self.host, *self.vms)

    @property
    def touched(self) -> tuple[str, ...]:
        """The hosts that are no longer as they were once it has ended."""
        return (self.host,)


class HostChange(Recorded):
    """One such row."""

    plan: HostPlan
    waiting: str = ""  # while queued: what it waits for; while running: what goes on now
    percent: int = 0
    attempt: int = 0
    parent: str = ""  # the evacuation that it belongs to; empty: it stands alone
