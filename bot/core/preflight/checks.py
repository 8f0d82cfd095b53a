"""Every check, in order, over one move."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bot.core.estate import Host, Vm
from bot.core.plan import Finding, Move
from bot.core.preflight import files, hosts, machine
from bot.core.preflight.case import Case

CHECKS: tuple[Callable[[Case], Iterable[Finding]], ...] = (
    machine.check_clustered,
    machine.check_state,
    machine.check_busy,
    hosts.check_migration,
    hosts.check_switches,
    hosts.check_memory,
    files.check_reachable,
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


def check(move: Move, vm: Vm, source: Host, destination: Host, memory_reserve_bytes: int) -> tuple[Finding, ...]:
    """Everything that was found, in the order of CHECKS.

    Args:
        vm, source, destination: read just now; for a storage migration the two hosts are the same.
        memory_reserve_bytes: what must stay free on a destination.
    """
    case = Case(move=move, vm=vm, source=source, destination=destination, memory_reserve_bytes=memory_reserve_bytes)
    if same := tuple(hosts.check_same_host(case)):
        return same  # the other checks compare two hosts
    return tuple(finding for look in CHECKS for finding in look(case))
