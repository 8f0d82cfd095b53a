"""Which holds concern which plan, and which VM.

A plan touches each VM that it moves, the hosts that it changes, and the folders that those VMs' files lie in or are put
into: a live migration hands files over even where they stay. What a failover cluster chooses by itself, like where a
drain puts its VMs, no plan can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.core.estate import Vm
from bot.core.evacuation import EvacuationPlan
from bot.core.holds.model import Hold, Kind
from bot.core.host_change import HostPlan
from bot.core.maintenance import MaintenancePlan
from bot.core.plan import Move, Plan
from bot.core.policy import AnyPlan
from bot.core.storage import files_of, is_below, travelling


@dataclass(frozen=True)
class Touched:
    """VMs by id, hosts by the settings' names, and paths of files and folders."""

    vms: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()

    def by(self, hold: Hold) -> bool:
        """Whether the hold concerns any of it."""
        match hold.kind:
            case Kind.FREEZE:
                return True
            case Kind.VM:
                return hold.target in self.vms
            case Kind.HOST:
                return hold.target in self.hosts
            case Kind.CLUSTER:
                return not hold.hosts.isdisjoint(self.hosts)
            case Kind.STORAGE:
                return any(is_below(path, hold.target) for path in self.paths)


def find_holds(holds: Sequence[Hold], plan: AnyPlan) -> tuple[Hold, ...]:
    """Those that concern the plan, freezes first."""
    if not holds:
        return ()
    touched = touched_by(plan)
    found = [hold for hold in holds if touched.by(hold)]
    return tuple(sorted(found, key=lambda hold: hold.kind is not Kind.FREEZE))


def find_lock(locks: Iterable[Hold], vm: Vm) -> Hold | None:
    """The first that keeps this VM where it is."""
    touched = Touched(frozenset({vm.id}), frozenset({vm.host}), files_of(vm))
    return next((lock for lock in locks if lock.kind is not Kind.FREEZE and touched.by(lock)), None)


def locked_hosts(holds: Iterable[Hold]) -> dict[str, Hold]:
    locked: dict[str, Hold] = {}
    for hold in holds:
        locked |= dict.fromkeys((hold.target,) if hold.kind is Kind.HOST else sorted(hold.hosts), hold)
    return locked


def touched_by(plan: AnyPlan) -> Touched:
    match plan:
        case Plan():
            return _touched((plan.move,))
        case EvacuationPlan():
            moved = _touched(leg.plan.move for leg in plan.legs)
            return Touched(moved.vms, moved.hosts | set(plan.hosts), moved.paths)
        case HostPlan():
            return Touched(frozenset(_passengers(plan)), frozenset({plan.host}))


def _touched(moves: Iterable[Move]) -> Touched:
    known = tuple(moves)
    return Touched(
        frozenset(move.vm for move in known),
        frozenset(host for move in known for host in (move.source, move.destination)),
        tuple(path for move in known for path in _paths(move)),
    )


def _paths(move: Move) -> Iterator[str]:
    disks = (path for disk in travelling(move.disks) for path in (disk.path, disk.parent))
    yield from filter(None, (*disks, move.configuration_path, move.storage_path))


def _passengers(plan: HostPlan) -> Iterator[str]:
    """By id, where `HostPlan.vms` has their names."""
    if isinstance(plan, MaintenancePlan) and plan.vms:
        yield from (role.vm for role in plan.roles if role.vm)
