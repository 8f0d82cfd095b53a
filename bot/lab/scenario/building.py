"""What scenarios are built of: hosts that are alike, VMs that run, disks on a share or on a drive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from uuid import NAMESPACE_DNS, uuid5

from bot.lab.world import (
    GIB,
    Adapter,
    Disk,
    DiskFile,
    Host,
    Share,
    State,
    Switch,
    SwitchType,
    Vm,
    Volume,
    World,
)

DOMAIN = "ferry.lab"
TIB = 1024 * GIB
PRODUCTION = Switch("Production")
BACKUP = Switch("Backup")
INTERNAL = Switch("Internal", SwitchType.INTERNAL)
SHARE_1 = "\\\\server01\\vmstore"
SHARE_2 = "\\\\server02\\vmstore"

_RESIDENTS = (("SQL", 64), ("WEB", 16), ("APP", 32), ("ERP", 48), ("FILE", 24), ("WEB", 8), ("APP", 40), ("MAIL", 24))


@dataclass(frozen=True)
class Guest:
    """A VM of a table.

    Attributes:
        dirty_mb_s: how fast it writes its memory.
        local: its disks lie on its host's drive D, and not on the share.
    """

    name: str
    memory_gib: int
    dirty_mb_s: float
    file_gib: tuple[int, ...] = (40,)
    processors: int = 4
    local: bool = False


def add_host(world: World, number: int, memory_gib: int, *, at_once: int = 2, gbit_s: float = 10) -> Host:
    """A host named after its number; preparing a VM at it takes about as long as published measurements say."""
    return world.add_host(
        Host(
            f"host{number:02}.{DOMAIN}",
            memory_gib * GIB,
            maximum_migrations=at_once,
            network_bytes_s=gbit_s * 1e9 / 8,
            setup_s=2.6,
            logical_processors=64,
            listener_addresses=(f"10.0.0.{10 + number}",),
            switches=(PRODUCTION, BACKUP, INTERNAL),
            volumes={"C": Volume("C", 200 * GIB, 80 * GIB), "D": Volume("D", 4 * TIB, 300 * GIB)},
        )
    )


def add_share(world: World) -> Share:
    """What every host reaches."""
    return world.add_share(Share(SHARE_1, 200 * TIB, 20 * TIB, rate_bytes_s=4.0e9))


def add_guests(world: World, host: Host, guests: Iterable[Guest]) -> None:
    for number, guest in enumerate(guests):
        place = local if guest.local else on_share
        vm = add_vm(world, host, guest.name, guest.memory_gib, place(guest.name, *guest.file_gib), days=9 + 3 * number)
        vm.dirty_bytes_s = guest.dirty_mb_s * 1e6
        vm.processors = guest.processors


def settle(
    world: World,
    host: Host,
    *,
    free_gib: int,
    residents: Iterable[tuple[str, int]] = _RESIDENTS,
    dirty_mb_s: float = 20,
) -> None:
    """Add VMs, each of a kind and of so many GiB, round and round, until only so much memory is free."""
    left_gib = host.free_memory_bytes // GIB - free_gib
    for count, (kind, memory_gib) in enumerate(cycle(residents), start=1):
        if left_gib <= 0:
            return
        name = f"{kind}-{host.name[-1]}{count:02}"
        vm = add_vm(world, host, name, min(memory_gib, left_gib), on_share(name, 60), days=30 + count)
        vm.dirty_bytes_s = dirty_mb_s * 1e6
        left_gib -= memory_gib


def add_vm(world: World, host: Host, name: str, memory_gib: int, disks: list[Disk], *, days: float = 7) -> Vm:
    """A running VM whose files lie where its first disk does."""
    path = disks[0].path.split("\\Virtual Hard Disks\\")[0]
    vm = Vm(
        name,
        uuid5(NAMESPACE_DNS, f"{name}.{host.fqdn}"),
        State.RUNNING,
        memory_gib * GIB,
        path=path,
        checkpoint_path=path,
        smart_paging_path=path,
        disks=disks,
        adapters=[Adapter("Network Adapter", PRODUCTION.name)],
        created_at=ago(world, days + 30),
        started_at=ago(world, days),
    )
    return world.add_vm(host, vm)


def stop(vm: Vm, state: State = State.OFF) -> None:
    vm.state, vm.started_at = state, None


def on_share(name: str, *file_gib: int, folder: str = "") -> list[Disk]:
    return dynamic_disks(f"{SHARE_1}\\{folder or name}", name, file_gib)


def local(name: str, *file_gib: int) -> list[Disk]:
    return dynamic_disks(f"D:\\VMs\\{name}", name, file_gib)


def dynamic_disks(folder: str, name: str, file_gib: tuple[int, ...]) -> list[Disk]:
    """Dynamic disks, each with twice the room that its file takes now."""
    return [
        Disk(
            [DiskFile(f"{folder}\\Virtual Hard Disks\\{name}{'-data' * (number > 0)}.vhdx", gib * GIB)],
            2 * gib * GIB,
        )
        for number, gib in enumerate(file_gib)
    ]


def with_checkpoint(disk: Disk, gib: int) -> Disk:
    """What a checkpoint does to a disk: a differencing file is attached in its place."""
    base = disk.files[0]
    leaf = DiskFile(base.path.replace(".vhdx", f"_{str(uuid5(NAMESPACE_DNS, base.path)).upper()}.avhdx"), gib * GIB)
    return Disk([leaf, base], disk.size_bytes)


def ago(world: World, days: float) -> datetime:
    return world.clock.now() - timedelta(days=days)
