"""What a plan touches, in a policy's terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bot.core.evacuation import EvacuationPlan
from bot.core.holds.model import Held, Kind
from bot.core.host_change import HostPlan
from bot.core.maintenance import MaintenancePlan
from bot.core.plan import Move, Plan
from bot.core.policy.model import Target
from bot.core.storage import folder_of, travelling

EVERY_HOST, EVERY_PATH = "every host", "every folder"
"""Names that nothing has: only what is not limited to some covers them."""

AnyPlan = Plan | EvacuationPlan | HostPlan


@dataclass(frozen=True)
class Facts:
    """What plans do not say themselves.

    Attributes:
        tags_of: of the VM of that name, by the settings.
        cluster_of: of the host of that name; empty: it is in none; None: not known.
    """

    tags_of: Callable[[str], frozenset[str]]
    cluster_of: Callable[[str], str | None]


def targets_of(plan: AnyPlan, facts: Facts) -> tuple[Target, ...]:
    """One for each VM; of a change of a host the host itself, too."""
    match plan:
        case Plan():
            return (_of_move(plan.move, facts),)
        case EvacuationPlan():
            return tuple(_of_move(leg.plan.move, facts) for leg in plan.legs)
        case HostPlan():
            return tuple(_of_host_change(plan, facts))


def target_of_hold(held: Held, facts: Facts) -> Target:
    """What a freeze or lock would keep from being touched: a freeze everything, a folder one of any host."""
    match held.kind:
        case Kind.FREEZE:
            return Target(hosts=frozenset({EVERY_HOST}), clusters=None, paths=(EVERY_PATH,))
        case Kind.VM:
            hosts = (held.host or EVERY_HOST,)
            return _of_hosts(hosts, facts).model_copy(update={"vm": held.name, "tags": facts.tags_of(held.name)})
        case Kind.HOST:
            return _of_hosts((held.target,), facts)
        case Kind.CLUSTER:
            return Target(hosts=frozenset({EVERY_HOST}), clusters=frozenset({held.target}))
        case Kind.STORAGE:
            return Target(hosts=frozenset({EVERY_HOST}), clusters=None, paths=(held.target,))


def _of_hosts(hosts: tuple[str, ...], facts: Facts) -> Target:
    return Target(hosts=frozenset(hosts), clusters=_clusters(hosts, facts))


def count_vms(plan: AnyPlan) -> int:
    match plan:
        case Plan():
            return 1
        case EvacuationPlan():
            return len(plan.legs)
        case HostPlan():
            return len(plan.vms)


def _of_move(move: Move, facts: Facts) -> Target:
    hosts = dict.fromkeys((move.source, move.destination))
    return Target(
        vm=move.vm_name,
        tags=facts.tags_of(move.vm_name),
        hosts=frozenset(hosts),
        clusters=_clusters(hosts, facts),
        paths=_paths(move),
    )


def _of_host_change(plan: HostPlan, facts: Facts) -> Iterator[Target]:
    """Where a cluster chooses the destinations, they are not among the hosts: whoever may ask for it asks the host."""
    known = frozenset({plan.cluster}) if isinstance(plan, MaintenancePlan) else _clusters((plan.host,), facts)
    host = Target(hosts=frozenset({plan.host}), clusters=known)
    yield host
    for vm in plan.vms:
        yield host.model_copy(update={"vm": vm, "tags": facts.tags_of(vm)})


def _clusters(hosts: Iterable[str], facts: Facts) -> frozenset[str] | None:
    found = [facts.cluster_of(host) for host in hosts]
    known = [cluster for cluster in found if cluster is not None]
    return frozenset(known) if len(known) == len(found) else None


def _paths(move: Move) -> tuple[str, ...]:
    """The folders that the destination gets files in; none where storage stays."""
    if not move.kind.carries_storage:
        return ()
    if move.storage_path:
        return (move.storage_path,)
    folders = [folder_of(disk.path) for disk in travelling(move.disks)]
    return tuple(dict.fromkeys(filter(None, (*folders, move.configuration_path))))
