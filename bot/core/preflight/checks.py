"""Every check, in order, over one move."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bot.core.estate import Cluster, Host, Role, Vm
from bot.core.plan import Finding, Move
from bot.core.preflight import cluster as clusters
from bot.core.preflight import files, hosts, machine
from bot.core.preflight.case import Case

CHECKS: tuple[Callable[[Case], Iterable[Finding]], ...] = (
    clusters.check_clustered,
    clusters.check_role,
    clusters.check_node,
    clusters.check_owner,
    clusters.check_preferred,
    clusters.check_apart,
    clusters.check_interruption,
    machine.check_state,
    machine.check_busy,
    hosts.check_migration,
    hosts.check_switches,
    hosts.check_memory,
    files.check_reachable,
    files.check_reachable_in_cluster,
    files.check_cluster_storage,
    files.check_kept_paths,
    files.check_destination_path,
    hosts.check_version,
    machine.check_shared_disks,
    machine.check_passthrough_disks,
    machine.check_parents,
    machine.check_dvd,
    hosts.check_authentication,
    machine.check_checkpoints,
    hosts.check_limits,
)
"""In the order in which a card shows them."""


def check(
    move: Move,
    vm: Vm,
    source: Host,
    destination: Host,
    memory_reserve_bytes: int,
    cluster: Cluster | None = None,
    role: Role | None = None,
) -> tuple[Finding, ...]:
    """Everything that was found, in the order of CHECKS.

    Args:
        vm, source, destination: read just now; for a storage migration the two hosts are the same.
        memory_reserve_bytes: what must stay free on a destination.
        cluster, role: of a clustered VM, where its host tells of a cluster.
    """
    case = Case(move, vm, source, destination, memory_reserve_bytes, cluster, role)
    if same := tuple(hosts.check_same_host(case)):
        return same  # the other checks compare two hosts
    return tuple(finding for look in CHECKS for finding in look(case))
