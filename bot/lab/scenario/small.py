"""A small estate with one VM for every answer that a person may meet, and what may go wrong with its hosts."""

from __future__ import annotations

from bot.lab.scenario.building import (
    BACKUP,
    DOMAIN,
    INTERNAL,
    PRODUCTION,
    SHARE_1,
    SHARE_2,
    TIB,
    add_vm,
    ago,
    dynamic_disks,
    local,
    on_share,
    stop,
    with_checkpoint,
)
from bot.lab.world import GIB, Adapter, Checkpoint, Host, Share, Volume, World, WorldClock


def small(clock: WorldClock | None = None) -> World:
    """Three hosts on 10 Gbit/s, two file servers, and one VM for every answer that a person may meet.

    host01 has room, host02 has 52 of 128 GB free, host03 is nearly full. All reach \\\\server01\\vmstore; host03 does
    not reach \\\\server02\\vmstore. host01 alone has the ISO that VM-05 has mounted, and host02 lacks switch "Backup".
    """
    world = World(clock)
    _, host02, host03 = (world.add_host(host) for host in _small_hosts())
    world.add_share(Share(SHARE_1, 20 * TIB, 6 * TIB, rate_bytes_s=2.0e9))
    world.add_share(Share(SHARE_2, 8 * TIB, 1 * TIB, rate_bytes_s=2.0e9, hosts=frozenset({"host01", "host02"})))
    for add in (_vm_01, _vm_02, _vm_03, _vm_04, _vm_05, _vm_06, _vm_07, _vm_08, _vm_09, _vm_10):
        add(world)
    for host, name, memory_gib in (
        (host02, "SQL-01", 32),
        (host02, "SQL-02", 31),
        (host02, "WEB-01", 8),
        (host03, "APP-01", 32),
        (host03, "APP-02", 24),
    ):
        add_vm(world, host, name, memory_gib, on_share(name, 60))
    return world


def dead_host(clock: WorldClock | None = None) -> World:
    """The small estate, and host02 answers nobody."""
    world = small(clock)
    world.kill_host("host02")
    return world


def busy_host(clock: WorldClock | None = None) -> World:
    """The small estate, and somebody else moves two VMs from host02 to host01: both are at their limit for a while."""
    world = small(clock)
    for name in ("WEB-01", "SQL-01"):
        world.start_foreign_move(world.vm(name), "host01")
    return world


def _small_hosts() -> tuple[Host, Host, Host]:
    def host(number: int, memory_gib: int) -> Host:
        made = Host(f"host{number:02}.{DOMAIN}", memory_gib * GIB, listener_addresses=(f"10.0.0.{10 + number}",))
        made.switches = (PRODUCTION, BACKUP, INTERNAL)
        made.volumes = {
            "C": Volume("C", 200 * GIB, 80 * GIB),
            "D": Volume("D", 2 * TIB, 300 * GIB),
        }
        return made

    host01, host02, host03 = host(1, 192), host(2, 128), host(3, 64)
    host01.isos = frozenset({"D:\\ISO\\setup.iso"})
    host02.switches = (PRODUCTION, INTERNAL)
    host03.volumes["D"].other_bytes = 2 * TIB - 20 * GIB
    return host01, host02, host03


def _vm_01(world: World) -> None:
    """The VM of the README, with storage on server02. A checkpoint makes its disks differencing ones."""
    disks = [with_checkpoint(disk, 1) for disk in dynamic_disks(f"{SHARE_2}\\VM-01", "VM-01", (8, 16))]
    vm = add_vm(world, world.host("host01"), "VM-01", 8, disks, days=41)
    vm.checkpoints = [Checkpoint("VM-01 - before update", ago(world, 20))]


def _vm_02(world: World) -> None:
    """Its disk is local to host01: it can only move with its storage."""
    add_vm(world, world.host("host01"), "VM-02", 4, local("VM-02", 12), days=12)


def _vm_03(world: World) -> None:
    """Clustered: Move-VM refuses it with storage, and its cluster should move it."""
    add_vm(world, world.host("host01"), "VM-03", 4, on_share("VM-03", 20), days=90).clustered = True


def _vm_04(world: World) -> None:
    """Switched off."""
    vm = add_vm(world, world.host("host01"), "VM-04", 4, on_share("VM-04", 16))
    stop(vm)


def _vm_05(world: World) -> None:
    """Has an ISO mounted from a local path of host01."""
    add_vm(world, world.host("host01"), "VM-05", 4, on_share("VM-05", 16)).dvd_paths = ["D:\\ISO\\setup.iso"]


def _vm_06(world: World) -> None:
    """On a switch that host02 lacks."""
    add_vm(world, world.host("host01"), "VM-06", 2, on_share("VM-06", 16)).adapters = [
        Adapter("Network Adapter", BACKUP.name)
    ]


def _vm_07(world: World) -> None:
    """One name, two VMs: on host01 and on host02."""
    add_vm(world, world.host("host01"), "VM-07", 2, on_share("VM-07", 8, folder="VM-07-A"))
    add_vm(world, world.host("host02"), "VM-07", 1, on_share("VM-07", 8, folder="VM-07-B"))


def _vm_08(world: World) -> None:
    """Every move of it fails half-way, because the connection breaks."""
    world.fail_next(add_vm(world, world.host("host01"), "VM-08", 4, on_share("VM-08", 16)), 47, every_time=True)


def _vm_09(world: World) -> None:
    """Is being backed up."""
    add_vm(world, world.host("host01"), "VM-09", 2, on_share("VM-09", 16)).backing_up = True


def _vm_10(world: World) -> None:
    """Needs more memory than any other host has free."""
    add_vm(world, world.host("host01"), "VM-10", 96, on_share("VM-10", 80), days=200)
