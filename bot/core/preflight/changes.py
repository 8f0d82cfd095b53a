"""What differs from what was approved, and matters.

Time passes between a plan, its confirmation and its start. A disk that grew, a longer uptime, less free memory that is
still enough: these do not matter. Another state, other disks, another host behind the name, or anything that now
stands in the way: these are another plan.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.estate import Cluster, Disk, Host, Role, Vm
from bot.core.plan import Level, Move, Plan
from bot.core.preflight.checks import check
from bot.core.storage import same_path
from bot.core.wording import render_list, render_state


def changes(
    plan: Plan,
    vm: Vm | None,
    source: Host,
    destination: Host,
    memory_reserve_bytes: int,
    cluster: Cluster | None = None,
    role: Role | None = None,
) -> tuple[str, ...]:
    """Sentences; empty if nothing that matters differs.

    Args:
        vm: what the source shows now; None: it answered and has no such VM.
        cluster, role: of a clustered VM, where its host tells of a cluster.
    """
    move = plan.move
    found = [*_address(move, destination)]
    if vm is None:
        return (f"{move.vm_name} is no longer on {move.source}", *found)
    found += _machine(move, vm)
    known = {(finding.code, finding.text) for finding in plan.blocked}
    for finding in check(move, vm, source, destination, memory_reserve_bytes, cluster, role):
        if finding.level is Level.BLOCKING and (finding.code, finding.text) not in known:
            found.append(f"{finding.text} (needed: {finding.needed})")
    return tuple(found)


def _address(move: Move, destination: Host) -> Iterator[str]:
    if move.destination_fqdn and destination.fqdn.casefold() != move.destination_fqdn.casefold():
        yield f"{move.destination} calls itself {destination.fqdn} now, not {move.destination_fqdn}"


def _machine(move: Move, vm: Vm) -> Iterator[str]:
    if vm.name != move.vm_name:
        yield f"{move.vm_name} is called {vm.name} now"
    if vm.state != move.state:
        yield f"{vm.name} is {render_state(vm.state)} now, not {render_state(move.state)}"
    if move.configuration_path and not same_path(vm.path, move.configuration_path):
        yield f"the configuration of {vm.name} is in {vm.path} now, not in {move.configuration_path}"
    yield from _disks(vm.name, move.disks, vm.disks)


def _disks(name: str, before: tuple[Disk, ...], now: tuple[Disk, ...]) -> Iterator[str]:
    """A disk is the one that was approved by its file, its parent and its kind; not by its size."""
    was, is_now = ({disk.path.casefold(): disk for disk in disks} for disks in (before, now))
    if gone := [disk.path for path, disk in was.items() if path not in is_now]:
        yield f"{name} no longer has {render_list(gone)}"
    if new := [disk.path for path, disk in is_now.items() if path not in was]:
        yield f"{name} has {render_list(new)} now"
    if other := [disk.path for path, disk in is_now.items() if path in was and _kind(disk) != _kind(was[path])]:
        yield f"{render_list(other)} of {name} {'is' if len(other) == 1 else 'are'} not the same kind of disk as before"


def _kind(disk: Disk) -> tuple[str, bool, bool]:
    return (disk.parent or "").casefold(), disk.passthrough, disk.shared
