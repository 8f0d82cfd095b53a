"""Estates where it matters how fast links are and how fast guests write: for how long VMs would stand still."""

from __future__ import annotations

from bot.lab.scenario.building import Guest, add_guests, add_host, add_share, add_vm, local, settle, stop
from bot.lab.world import World, WorldClock


def slow_link(clock: WorldClock | None = None) -> World:
    """Four hosts on 1 Gbit/s, which carries 110 MB of memory a second. There is room; it takes half an hour.

    LOG-01 (60 MB/s) is caught up with if nothing else uses the links. SQL-01 (150 MB/s) never is: all of its memory is
    copied eleven times, and while it is copied for the last time, for more than a minute, it stands still.
    """
    world = World(clock)
    add_share(world)
    guests = (
        Guest("SQL-01", 8, 150, (80, 300), 8),
        Guest("LOG-01", 8, 60, (40, 400)),
        Guest("APP-01", 16, 20),
        Guest("APP-02", 12, 20),
        Guest("MAIL-01", 12, 15, (60, 300)),
        Guest("FILE-01", 8, 5, (60, 600)),
        Guest("WEB-01", 4, 10),
        Guest("WEB-02", 4, 10),
        Guest("DC-01", 4, 2),
    )
    add_guests(world, add_host(world, 1, 128, gbit_s=1), guests)
    for number in range(2, 5):
        settle(world, add_host(world, number, 128, gbit_s=1), free_gib=48, dirty_mb_s=5)
    return world


def hot_vms(clock: WorldClock | None = None) -> World:
    """Four hosts on 10 Gbit/s, which carries 1100 MB of memory a second, and guests that write nearly as fast.

    SQL-01, SQL-02 and BUILD-01 (300 to 700 MB/s) are caught up with if nothing else uses the links. CACHE-01 (1000) and
    QUEUE-01 (1500) are not: they stand still for seconds. FILE-01, ARCHIVE-01, LOG-01 (400 MB/s) and TEST-01 (off) lie
    on drive D of host01 and travel with their storage.
    """
    world = World(clock)
    add_share(world)
    guests = (
        Guest("SQL-01", 32, 300, (80, 300), 8),
        Guest("SQL-02", 32, 600, (80, 300), 8),
        Guest("BUILD-01", 8, 700, (120,), 8),
        Guest("CACHE-01", 16, 1000),
        Guest("QUEUE-01", 16, 1500),
        Guest("FILE-01", 8, 20, (40, 60), local=True),
        Guest("ARCHIVE-01", 8, 5, (40, 100), local=True),
        Guest("LOG-01", 8, 400, (40,), local=True),
        Guest("APP-01", 16, 40),
        Guest("APP-02", 8, 40),
        Guest("WEB-01", 4, 30),
        Guest("WEB-02", 4, 30),
        Guest("DC-01", 4, 10),
    )
    host01 = add_host(world, 1, 256, at_once=3)
    add_guests(world, host01, guests)
    stop(add_vm(world, host01, "TEST-01", 8, local("TEST-01", 30)))
    for number in range(2, 5):
        settle(world, add_host(world, number, 256, at_once=3), free_gib=112)
    return world
