"""What was read of a VM and of two hosts becomes the plan that a person is asked to confirm.

A plan is made whatever was found, blocking findings included: showing them all at once saves the asker from one refusal
after the other. Whoever receives the plan does not offer one that is blocked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.estate import IN_MEMORY, Cluster, Host, Role, Vm, VmState
from bot.core.estimate import estimate
from bot.core.plan import Move, MoveKind, Plan
from bot.core.preflight import check
from bot.core.storage import disk_name, folder_of, known_bytes, place_of, target_of, travelling
from bot.core.wording import render_bytes, render_count, render_duration, render_list, render_share, render_state

_MOST_DISKS_LISTED = 6


@dataclass(frozen=True)
class Limits:
    """The few settings that planning needs."""

    memory_reserve_bytes: int = 2 << 30
    link_gbit_s: Mapping[str, float] = field(default_factory=dict)  # host name -> Gbit/s, where known


def plan_live(command: str, vm: Vm, source: Host, destination: Host, limits: Limits) -> Plan:
    """Move a VM whose storage stays where it is. `command` is the canonical text."""
    return _plan(MoveKind.LIVE, command, vm, source, destination, limits)


def plan_shared_nothing(
    command: str, vm: Vm, source: Host, destination: Host, limits: Limits, storage_path: str | None = None
) -> Plan:
    """Move a VM with its storage; without a path every file keeps its path."""
    return _plan(MoveKind.SHARED_NOTHING, command, vm, source, destination, limits, storage_path)


def plan_storage(
    command: str, vm: Vm, host: Host, limits: Limits, storage_path: str, cluster: Cluster | None = None
) -> Plan:
    """Move a VM's storage; the VM stays on its host. `cluster`: of a clustered VM."""
    return _plan(MoveKind.STORAGE, command, vm, host, host, limits, storage_path, cluster)


def plan_in_cluster(
    command: str,
    vm: Vm,
    source: Host,
    destination: Host,
    limits: Limits,
    cluster: Cluster,
    role: Role | None,
    *,
    quickly: bool = False,
) -> Plan:
    """Let its cluster move a VM. What is not in memory cannot move live, so it moves quickly without being asked to."""
    quick = quickly or vm.state not in IN_MEMORY
    return _plan(MoveKind.CLUSTER, command, vm, source, destination, limits, None, cluster, role, quick=quick)


def _plan(
    kind: MoveKind,
    command: str,
    vm: Vm,
    source: Host,
    destination: Host,
    limits: Limits,
    storage_path: str | None = None,
    cluster: Cluster | None = None,
    role: Role | None = None,
    *,
    quick: bool = False,
) -> Plan:
    move = Move(
        kind=kind,
        vm=vm.id,
        vm_name=vm.name,
        source=source.name,
        destination=destination.name,
        destination_fqdn=destination.fqdn,
        storage_path=storage_path,
        state=vm.state,
        memory_bytes=vm.memory_bytes,
        disks=vm.disks,
        configuration_path=vm.path,
        uptime_s=vm.uptime_s,
        quick=quick,
    )
    return Plan(
        command=command,
        action="vm.move_storage" if kind is MoveKind.STORAGE else "vm.migrate",
        move=move,
        findings=check(move, vm, source, destination, limits.memory_reserve_bytes, cluster, role),
        estimate=estimate(move, limits.link_gbit_s),
        facts=_render_facts(move, vm),
    )


def _render_facts(move: Move, vm: Vm) -> tuple[str, ...]:
    """What the approver should know and no check says, a line each; the first is the summary."""
    memory = "" if move.kind is MoveKind.STORAGE else f"{render_bytes(vm.memory_bytes)} memory, "
    summary = f"{memory}{_render_journey(move)} · {_render_uptime(vm)}"
    return tuple(filter(None, (summary, _render_disks(vm), *_render_folders(move), _render_configuration(move, vm))))


def _render_journey(move: Move) -> str:
    """Where the disks stay or go: "2 disks stay on \\\\server01\\vmstore"."""
    disks = travelling(move.disks)
    count = render_count(len(disks), "disk")
    if not disks:
        return count
    verb = "stays" if len(disks) == 1 else "stay"
    if not move.kind.carries_storage:
        return f"{count} {verb} on {render_list(list(dict.fromkeys(place_of(disk.path) for disk in disks)))}"
    size = f" ({render_bytes(total)})" if (total := known_bytes(disks)) else ""
    goes = "goes" if len(disks) == 1 else "go"
    where = "" if move.kind is MoveKind.STORAGE else f" on {move.destination}"
    if move.storage_path:
        return f"{count}{size} {goes} to {move.storage_path}{where}"
    folders = render_list(list(dict.fromkeys(folder_of(disk.path) for disk in disks)))
    return f"{count}{size} {goes} to the same path{where}, {folders}"


def _render_uptime(vm: Vm) -> str:
    return f"running for {render_duration(vm.uptime_s)}" if vm.state == VmState.RUNNING else render_state(vm.state)


def _render_disks(vm: Vm) -> str:
    """File names with what they take: "VM-01.vhdx 42 of 80 GB, data.vhdx 12 GB"."""
    disks = travelling(vm.disks)
    shown = [
        _render_disk(disk_name(disk.path), disk.file_bytes, disk.size_bytes) for disk in disks[:_MOST_DISKS_LISTED]
    ]
    more = len(disks) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _render_disk(name: str, file_bytes: int | None, size_bytes: int | None) -> str:
    if file_bytes is None:
        return name if size_bytes is None else f"{name} up to {render_bytes(size_bytes)}"
    return f"{name} {render_bytes(file_bytes) if size_bytes is None else render_share(file_bytes, size_bytes)}"


def _render_folders(move: Move) -> tuple[str, ...]:
    """Where the disks are and where each folder's will be, where they go to another path."""
    if not move.storage_path:
        return ()
    folders = dict.fromkeys(folder_of(disk.path) for disk in travelling(move.disks))
    there = folder_of(target_of("any.vhdx", move.storage_path))
    return (f"disks go from {render_list(list(folders))} to {there}",) if folders else ()


def _render_configuration(move: Move, vm: Vm) -> str:
    if not vm.path:
        return ""
    if move.storage_path:
        return f"configuration, checkpoints and smart paging go from {vm.path} to {move.storage_path}"
    verb = "stays in" if not move.kind.carries_storage else "goes to the same path,"
    return f"configuration {verb} {vm.path}"
