"""Estates where host01 cannot simply be emptied: the others are nearly full, or what they have is in small pieces."""

from __future__ import annotations

from bot.lab.scenario.building import Guest, add_guests, add_host, add_share, settle
from bot.lab.world import World, WorldClock

_SMALL_RESIDENTS = (("APP", 16), ("WEB", 8), ("FILE", 12), ("WEB", 6))


def full(clock: WorldClock | None = None) -> World:
    """Four hosts of 256 GB; the twelve VMs of host01 take 192 GB, and host02 to host04 have 104 GB free together.

    Not everything fits, in whatever way it is placed and whatever is moved between the others.
    """
    world = World(clock)
    add_share(world)
    guests = (
        Guest("SQL-01", 48, 150, (80, 300), 8),
        Guest("SQL-02", 32, 90, (80, 200), 8),
        Guest("ERP-01", 24, 60, (80,), 8),
        Guest("MAIL-01", 16, 60, (60, 400)),
        Guest("APP-01", 16, 40),
        Guest("APP-02", 16, 40),
        Guest("FILE-01", 12, 20, (60, 600)),
        Guest("MON-01", 8, 60),
        Guest("APP-03", 8, 40),
        Guest("WEB-01", 4, 30),
        Guest("WEB-02", 4, 30),
        Guest("DC-01", 4, 10),
    )
    add_guests(world, add_host(world, 1, 256), guests)
    for number, free_gib in ((2, 40), (3, 36), (4, 28)):
        settle(world, add_host(world, number, 256), free_gib=free_gib)
    return world


def scattered(clock: WorldClock | None = None) -> World:
    """Five hosts of 128 GB; the VMs of host01 take 112 GB, and 168 GB are free, but nowhere more than 42.

    SQL-01 and SQL-02 take 48 GB each. They fit only once somebody makes room: by moving one of the small VMs of two
    hosts to the other two, which leaves enough there for all the rest.
    """
    world = World(clock)
    add_share(world)
    guests = (
        Guest("SQL-01", 48, 150, (80, 300), 8),
        Guest("SQL-02", 48, 150, (80, 300), 8),
        Guest("WEB-01", 8, 30),
        Guest("WEB-02", 8, 30),
    )
    add_guests(world, add_host(world, 1, 128), guests)
    for number in range(2, 6):
        settle(world, add_host(world, number, 128), free_gib=42, residents=_SMALL_RESIDENTS)
    return world
