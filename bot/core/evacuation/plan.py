"""What an evacuation offers to do, and its row. A return is the same the other way round.

Frozen data like any plan: it carries everything that the person who confirms it sees, and its digest covers all of it.
Each of its moves is a plan of its own, and becomes an operation of its own when it is confirmed.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum

from bot.core.estate import Frozen
from bot.core.lifecycle import OPEN, State
from bot.core.maintenance import Maintenance, MaintenancePlan
from bot.core.names import UserId, VmId
from bot.core.operation import Operation, Recorded
from bot.core.plan import Plan
from bot.core.schedule import Caps, Network


class EvacuationKind(StrEnum):
    EVACUATION = "evacuation"
    RETURN = "return"


class Leg(Frozen):
    """One move of an evacuation, in its turn.

    Attributes:
        stage: a stage begins when every move of the one before has ended.
        rank: of two that compete for a link, the one of lower rank starts first.
        makes_room: it moves a VM that is not to be evacuated, from one destination to another.
        begins_s, ends_s: predicted, in seconds after the confirmation.
        blackout_s: for how long the VM is predicted to stand still at its end; 0: nobody will notice, or not known.
        converges: False: it writes faster than its links carry.
        dirty_bytes_s: how fast its guest writes, measured on an earlier move; None: not known.
    """

    plan: Plan
    stage: int = 0
    rank: int = 1
    makes_room: bool = False
    begins_s: float = 0
    ends_s: float = 0
    blackout_s: float = 0
    converges: bool = True
    dirty_bytes_s: float | None = None


class Staying(Frozen):
    """A VM that will not be moved, and what would change that."""

    vm: VmId
    vm_name: str
    host: str
    why: str
    remedy: str = ""


class Load(Frozen):
    """A host's memory before and after. Bytes."""

    host: str
    vms_before: int
    vms_after: int
    used_before: int
    used_after: int
    total: int


class Forecast(Frozen):
    """Seconds from the confirmation to the last end, and between which they are expected to be."""

    seconds: float = 0
    low_s: float = 0
    high_s: float = 0
    basis: str = ""  # what it rests on: "10 GbE, from settings; how fast guests write is not known"


class EvacuationPlan(Frozen):
    """
    Attributes:
        hosts: those that are emptied, or whose VMs come home.
        legs: in the planned order.
        failure_budget: after so many moves that failed it pauses by itself.
        retries: the evacuation whose failed moves these are; empty: none.
        network, caps: what the forecast took the links and the limits to be; None: nothing moves.
        pauses: of nodes of failover clusters, which come before everything else.
        notes: further lines for the card: which hosts were not considered, what a limit costs.
        begins_at: not before; None: once it is agreed to.
    """

    kind: EvacuationKind
    command: str  # canonical text; typing it again gives the same kind of plan
    action: str  # what policy decides on, e.g. "host.evacuate"
    hosts: tuple[str, ...]
    destinations: tuple[str, ...]
    legs: tuple[Leg, ...]
    staying: tuple[Staying, ...] = ()
    loads: tuple[Load, ...] = ()
    forecast: Forecast = Forecast()
    method: str = ""
    notes: tuple[str, ...] = ()
    failure_budget: int = 5
    retries: str = ""
    network: Network | None = None
    caps: Caps = Caps()
    pauses: tuple[MaintenancePlan, ...] = ()
    begins_at: datetime | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON, 64 hex digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class Evacuation(Recorded):
    """One row, and those of its moves and pauses in their order; there are none before it is confirmed."""

    plan: EvacuationPlan
    moves: tuple[Operation, ...] = ()
    pauses: tuple[Maintenance, ...] = ()
    paused: bool = False
    paused_by: UserId | None = None  # None while paused: Ferry itself, after too many failures

    def count(self, *states: State) -> int:
        return sum(move.state in states for move in self.moves)

    @property
    def open_moves(self) -> int:
        return self.count(*OPEN)
