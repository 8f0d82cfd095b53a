"""Plans that pause or drain a node of a failover cluster, or let it take part again. Frozen data, like any plan.

The cluster carries them out: it chooses where each role goes, and in which order. A plan says what that rests on, and
claims no destination.
"""

from __future__ import annotations

from enum import StrEnum

from bot.core.estate import Frozen
from bot.core.host_change import HostChange, HostPlan
from bot.core.names import VmId
from bot.core.plan import Finding


class Task(StrEnum):
    DRAIN = "drain"
    PAUSE = "pause"  # nothing is moved by it; an evacuation begins so
    RESUME = "resume"


class How(StrEnum):
    """What happens to a VM when its cluster moves its role by itself."""

    LIVE = "live"
    QUICK = "quick"  # it is saved, and restored at the other node
    STOPPED = "stopped"  # it is shut down or turned off, and started there
    OFF = "off"  # it is not running, and only its owner changes


class Passenger(Frozen):
    """A role that is to move."""

    group: str
    vm: VmId | None
    name: str = ""  # of the VM, or of its group where no host has told it; empty: it is none
    how: How
    priority: int
    at: str  # the node that owned it when this was planned
    to: tuple[str, ...] = ()  # nodes that are up and may own it; the cluster chooses
    memory_bytes: int | None = None  # None: not known
    stays: str = ""  # why it cannot move; empty: nothing stands in its way


class MaintenancePlan(HostPlan):
    """
    Attributes:
        node: the cluster's name of the host.
        witnesses: hosts of Ferry's that are nodes of the cluster, the host itself first: any of them tells of it.
        state, drain: of the node when this was planned.
        roles: of a drain, all that the node owned; of a resumption with failback, what is known to come back.
        source: the operation that is known to have taken them away; empty: none is known.
    """

    action: str = "host.maintain"
    task: Task
    cluster: str
    node: str
    witnesses: tuple[str, ...]
    state: int
    drain: int
    failback: bool = False
    live_limit: int | None = None
    roles: tuple[Passenger, ...] = ()
    source: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def vms(self) -> tuple[str, ...]:
        """Those that cannot leave as far as Ferry can tell, too: the cluster decides."""
        moves = self.task is Task.DRAIN or (self.task is Task.RESUME and self.failback)
        return tuple(role.name for role in self.roles if role.name) if moves else ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*super().names, self.cluster, *self.witnesses)

    @property
    def touched(self) -> tuple[str, ...]:
        return self.witnesses


class Maintenance(HostChange):
    """One such row."""

    plan: MaintenancePlan
