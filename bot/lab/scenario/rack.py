"""A rack of eight hosts, one of them to be emptied: what an evacuation looks like on a usual day."""

from __future__ import annotations

from bot.lab.scenario.building import Guest, add_guests, add_host, add_share, add_vm, on_share, settle, stop
from bot.lab.world import Adapter, Host, State, Switch, World, WorldClock

_GUESTS = (
    Guest("DC-01", 4, 10),
    Guest("DC-02", 4, 10),
    Guest("SQL-01", 64, 240, (80, 600), 16),
    Guest("SQL-02", 32, 180, (80, 300), 8),
    Guest("SQL-03", 16, 60, (60, 120)),
    Guest("ERP-01", 32, 120, (80, 200), 8),
    Guest("ERP-02", 16, 60, (80,), 8),
    Guest("MAIL-01", 24, 80, (60, 900), 8),
    Guest("MAIL-02", 16, 60, (60, 700), 8),
    Guest("FILE-01", 8, 20, (60, 1500)),
    Guest("FILE-02", 8, 20, (60, 1200)),
    *(Guest(f"WEB-{number:02}", 4 if number > 2 else 2, 30, (30,), 2) for number in range(1, 7)),
    *(
        Guest(f"APP-{number:02}", memory_gib, 40, (50,))
        for number, memory_gib in enumerate((4, 8, 8, 8, 8, 12, 16, 16), start=1)
    ),
    Guest("BUILD-01", 8, 150, (120,), 8),
    Guest("BUILD-02", 8, 150, (120,), 8),
    Guest("LOG-01", 16, 200, (40, 800)),
    Guest("CACHE-01", 16, 300),
    Guest("MON-01", 8, 90, (60, 200)),
    Guest("WSUS-01", 8, 10, (60, 300), 2),
    Guest("JUMP-01", 4, 10, (50,), 2),
    Guest("PRINT-01", 2, 5, (40,), 2),
    Guest("VPN-01", 2, 15, (20,), 2),
)
# Number, GiB, GiB that are free, live migrations at once.
_OTHERS = (
    (2, 512, 96, 3),
    (3, 512, 72, 3),
    (4, 512, 88, 2),
    (5, 384, 64, 2),
    (6, 384, 56, 2),
    (7, 384, 80, 2),
    (8, 384, 60, 3),
)


def rack(clock: WorldClock | None = None) -> World:
    """Eight hosts on 10 Gbit/s; host01 has 41 VMs on shared storage, and the others have room for those that can move.

    Running VMs of host01 take 396 GB where they can move, and 516 GB are free elsewhere, nowhere more than 96. Most
    are cool, databases and logs are warm, none is hot: one after the other they take ten minutes, and nobody notices;
    three at once take longer, and SQL-01 stands still for seconds.

    PKI-01, TEST-01 and TEST-02 are off, DEV-01 is saved. DC-01 and DC-02 are better not on one host. SETUP-01 (a local
    ISO), SCAN-01 (a switch that no other host has) and CLU-01 (clustered) cannot move.
    """
    world = World(clock)
    add_share(world)
    host01 = add_host(world, 1, 512, at_once=3)
    add_guests(world, host01, _GUESTS)
    for name, memory_gib in (("PKI-01", 4), ("TEST-01", 8), ("TEST-02", 8)):
        stop(add_vm(world, host01, name, memory_gib, on_share(name, 40)))
    stop(add_vm(world, host01, "DEV-01", 12, on_share("DEV-01", 60)), State.SAVED)
    _add_stuck(world, host01)
    for number, memory_gib, free_gib, at_once in _OTHERS:
        settle(world, add_host(world, number, memory_gib, at_once=at_once), free_gib=free_gib)
    return world


def _add_stuck(world: World, host: Host) -> None:
    """Each for a reason of its own."""
    host.isos = frozenset({"D:\\ISO\\setup.iso"})
    add_vm(world, host, "SETUP-01", 4, on_share("SETUP-01", 30)).dvd_paths = ["D:\\ISO\\setup.iso"]
    scanner = Switch("Scanner")
    host.switches = (*host.switches, scanner)
    add_vm(world, host, "SCAN-01", 4, on_share("SCAN-01", 30)).adapters = [Adapter("Network Adapter", scanner.name)]
    add_vm(world, host, "CLU-01", 8, on_share("CLU-01", 60)).clustered = True
