"""What a plan touches, in a policy's terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.core.evacuation import EvacuationPlan
from bot.core.plan import Move, Plan
from bot.core.policy.model import Target
from bot.core.preparation import PreparationPlan
from bot.core.storage import folder_of, travelling

AnyPlan = Plan | EvacuationPlan | PreparationPlan


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
    """One for each VM, or the host where it is about none."""
    match plan:
        case Plan():
            return (_of_move(plan.move, facts),)
        case EvacuationPlan():
            return tuple(_of_move(leg.plan.move, facts) for leg in plan.legs)
        case PreparationPlan():
            return (Target(hosts=frozenset({plan.host}), clusters=_clusters((plan.host,), facts)),)


def count_vms(plan: AnyPlan) -> int:
    match plan:
        case Plan():
            return 1
        case EvacuationPlan():
            return len(plan.legs)
        case PreparationPlan():
            return 0


def _of_move(move: Move, facts: Facts) -> Target:
    hosts = dict.fromkeys((move.source, move.destination))
    return Target(
        vm=move.vm_name,
        tags=facts.tags_of(move.vm_name),
        hosts=frozenset(hosts),
        clusters=_clusters(hosts, facts),
        paths=_paths(move),
    )


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
