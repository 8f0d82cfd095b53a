"""Checks of the VM itself: may anything be done to it now, and does it hold what cannot travel?"""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.estate import Status, VmState
from bot.core.plan import Finding
from bot.core.preflight.case import Case, blocking, fine, warning
from bot.core.storage import disk_name, file_of
from bot.core.wording import render_count, render_list, render_state, render_status

MOVABLE = frozenset({VmState.RUNNING, VmState.OFF, VmState.SAVED, VmState.PAUSED})
CRITICAL = frozenset({VmState.RUNNING_CRITICAL, VmState.OFF_CRITICAL, VmState.SAVED_CRITICAL, VmState.PAUSED_CRITICAL})


def check_state(case: Case) -> Iterator[Finding]:
    vm = case.vm
    if vm.state in CRITICAL:
        yield blocking(
            "state",
            f"{vm.name} is {render_state(vm.state)}: {case.source.name} reports trouble with its storage",
            needed="a VM whose storage is healthy",
            hint=f"mend its storage first; `where {case.vm_word}` shows its state",
        )
    elif vm.state not in MOVABLE:
        yield blocking(
            "state",
            f"{vm.name} is {render_state(vm.state)}",
            needed="a VM that is running, off, saved or paused",
            hint=f"ask again when it has settled; `where {case.vm_word}` shows its state",
        )
    elif vm.state == VmState.SAVED and case.crosses_hosts:
        yield warning(
            "state", f"{vm.name} is saved: it resumes only if {case.destination.name}'s processor fits its saved state"
        )
    elif vm.state != VmState.RUNNING:
        yield fine("state", f"{vm.name} is {render_state(vm.state)} and stays so")


def check_busy(case: Case) -> Iterator[Finding]:
    """Status[0] says whether a VM takes a new request: only when it is OK (Microsoft Learn, Msvm_ComputerSystem)."""
    vm = case.vm
    first = vm.status[0] if vm.status else Status.OK
    if Status.CRITICAL_IO_ERROR in vm.status:
        yield blocking(
            "busy",
            f"{vm.name} is {render_status((Status.CRITICAL_IO_ERROR,))}",
            needed="a VM that reaches its disks",
            hint=f"mend its storage first; `where {case.vm_word}` shows its state",
        )
    elif vm.migrating:
        yield blocking(
            "busy",
            f"{vm.name} is {render_status(vm.status)} now",
            needed="no other move of it under way",
            hint="`status` shows whether Ferry moves it; ask again when that has ended",
        )
    elif first == Status.DEGRADED:
        yield warning("busy", f"{case.source.name} reports {vm.name} as {render_status(vm.status)}")
    elif first != Status.OK:
        yield blocking(
            "busy",
            f"{vm.name} is {render_status(vm.status)} now",
            needed="nothing else under way on it",
            hint=f"ask again when that has ended; `where {case.vm_word}` shows it",
        )


def check_checkpoints(case: Case) -> Iterator[Finding]:
    if count := case.vm.checkpoints:
        verb = "travels" if count == 1 else "travel"
        yield warning("checkpoints", f"{render_count(count, 'checkpoint')} {verb} along")


def check_shared_disks(case: Case) -> Iterator[Finding]:
    """A shared VHDX or VHD set "can only be used in clustered VM roles and can't be migrated using standard methods"
    (Microsoft, live migration issues)."""
    shared = [file_of(disk.path) for disk in case.vm.disks if disk.shared]
    if shared and not case.in_cluster:
        yield blocking(
            "shared_disk",
            f"{case.vm.name} shares {render_list(shared)} with other VMs",
            needed="disks that belong to this VM alone",
            hint="detach the shared disk in Hyper-V Manager, move, and attach it again",
        )


def check_passthrough_disks(case: Case) -> Iterator[Finding]:
    """Physical disks cannot be migrated (Microsoft, requirements for live migration)."""
    if physical := [disk.path or "a physical disk" for disk in case.vm.disks if disk.passthrough]:
        yield blocking(
            "passthrough_disk",
            f"{case.vm.name} uses {render_list(physical)} of {case.source.name} directly",
            needed="virtual hard disks only",
            hint="detach the physical disk, or convert it to a VHDX with New-VHD -SourceDisk",
        )


def check_parents(case: Case) -> Iterator[Finding]:
    """Disks of a VM with checkpoints are differencing too; those parents travel with the checkpoints."""
    built = [disk for disk in case.vm.disks if disk.parent]
    if case.copies_storage and built and not case.vm.checkpoints:
        pairs = render_list([f"{disk_name(disk.path)} on {disk_name(disk.parent or '')}" for disk in built])
        asked = f"{case.destination.name} says before the move" if case.crosses_hosts else "only the move itself shows"
        yield warning("differencing", f"differencing disks: {pairs}; {asked} whether the parents can follow")


def check_dvd(case: Case) -> Iterator[Finding]:
    """An image on the host's own drive stops a move (0xC03A0014; Microsoft, live migration troubleshooting)."""
    if not case.crosses_hosts:
        return
    local = [path for path in case.vm.dvd_paths if path and not case.is_shared(path)]
    shared = [path for path in case.vm.dvd_paths if path and case.is_shared(path)]
    if local:
        yield blocking(
            "dvd",
            f"{case.vm.name} has {render_list(local)} in its DVD drive, which lies on {case.source.name} itself",
            needed="an empty DVD drive, or an image on a share",
            hint=f"on {case.source.name}: `Get-VM -Id {case.vm.id} | Get-VMDvdDrive | Set-VMDvdDrive -Path $null`",
        )
    elif shared:
        place = "shared storage" if case.in_cluster else "a share"
        yield fine("dvd", f"{render_list([file_of(path) for path in shared])} in its DVD drive lies on {place}")
