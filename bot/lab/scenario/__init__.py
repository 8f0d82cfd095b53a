"""Named worlds: estates that show what Ferry does, and what it refuses and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bot.lab.scenario.building import BACKUP, DOMAIN, PRODUCTION, SHARE_1, SHARE_2, TIB
from bot.lab.scenario.cluster import cluster
from bot.lab.scenario.crowded import full, scattered
from bot.lab.scenario.links import hot_vms, slow_link
from bot.lab.scenario.rack import rack
from bot.lab.scenario.small import busy_host, dead_host, small
from bot.lab.world import World, WorldClock

__all__ = [
    "BACKUP",
    "DOMAIN",
    "PRODUCTION",
    "SCENARIOS",
    "SHARE_1",
    "SHARE_2",
    "SPEEDS",
    "TIB",
    "busy_host",
    "cluster",
    "dead_host",
    "full",
    "hot_vms",
    "rack",
    "scattered",
    "slow_link",
    "small",
]

SCENARIOS: Mapping[str, Callable[[WorldClock | None], World]] = MappingProxyType(
    {
        "small": small,
        "dead-host": dead_host,
        "busy-host": busy_host,
        "rack": rack,
        "full": full,
        "scattered": scattered,
        "slow-link": slow_link,
        "hot-vms": hot_vms,
        "cluster": cluster,
    }
)

SPEEDS: Mapping[str, float] = MappingProxyType(
    {"rack": 60, "full": 30, "scattered": 30, "slow-link": 60, "hot-vms": 30}
)
"""How many simulated seconds pass in one real second where nobody says it; 1 for the others. Evacuations take long."""
