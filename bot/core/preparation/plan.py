"""Plans that set up a host for migrations. Frozen data, like any plan: shown, confirmed by its digest, stored, resumed.

The wish is "these settings have these values", so doing it twice is harmless and checking it is a read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bot.core.estate import Frozen, Host
from bot.core.host_change import HostChange, HostPlan
from bot.core.readiness.model import AUTHENTICATIONS, PERFORMANCES

KIND = "preparation"
"""What a row of one is."""


class Name(StrEnum):
    """A setting that Ferry sets; there is no other."""

    MIGRATION = "migration"
    AUTHENTICATION = "authentication"
    ANY_NETWORK = "any_network"
    PERFORMANCE = "performance"
    LIVE_LIMIT = "live_limit"
    STORAGE_LIMIT = "storage_limit"


class Setting(Frozen):
    """One setting, as Hyper-V's numbers; a switch is 0 or 1."""

    name: Name
    before: int
    after: int


class PreparationPlan(HostPlan):
    """What is to be set on one host.

    Attributes:
        back: it puts back what an earlier one has set.
        notes: what is left to people, and why.
    """

    action: str = "host.prepare"
    settings: tuple[Setting, ...]
    back: bool = False
    notes: tuple[str, ...] = ()


class Preparation(HostChange):
    """One preparation's row."""

    plan: PreparationPlan


def read_settings(host: Host) -> dict[Name, int]:
    """What a host shows of them; a setting that it does not tell is left out."""
    shown: dict[Name, int | None] = {
        Name.MIGRATION: host.migration_enabled,
        Name.AUTHENTICATION: host.authentication,
        Name.ANY_NETWORK: host.any_network,
        Name.PERFORMANCE: host.performance,
        Name.LIVE_LIMIT: host.live_limit,
        Name.STORAGE_LIMIT: host.storage_limit,
    }
    return {name: int(value) for name, value in shown.items() if value is not None}


def find_changes(plan: PreparationPlan, host: Host, *, begun: bool = False) -> tuple[str, ...]:
    """What differs on the host from what was offered; empty if nothing that matters.

    Args:
        begun: some of it may have been set: a setting may then have either value.
    """
    now = read_settings(host)
    closing = any(one.name is Name.MIGRATION and not one.after for one in plan.settings)
    busy = f"{host.name} runs {host.live_active} live migrations, which switching them off would end"
    found = [busy] if closing and host.live_active and host.migration_enabled else []
    for one in plan.settings:
        fits = (one.before, one.after) if begun else (one.before,)
        if now.get(one.name) not in fits:
            found.append(
                f"{host.name} has {render(one.name, now.get(one.name))}, and had {render(one.name, one.before)}"
            )
    return tuple(found)


_WORDS: Mapping[Name, tuple[str, Mapping[int, str]]] = {
    Name.MIGRATION: ("live migration", {0: "off", 1: "enabled"}),
    Name.AUTHENTICATION: ("authentication", AUTHENTICATIONS),
    Name.ANY_NETWORK: ("migrations on any network", {0: "refused", 1: "accepted"}),
    Name.PERFORMANCE: ("performance", PERFORMANCES),
    Name.LIVE_LIMIT: ("live migrations at once", {}),
    Name.STORAGE_LIMIT: ("storage migrations at once", {}),
}


def render_name(name: Name) -> str:
    return _WORDS[name][0]


def render_value(name: Name, value: int | None) -> str:
    return "not known" if value is None else _WORDS[name][1].get(value, str(value))


def render(name: Name, value: int | None) -> str:
    return f"{render_name(name)} {render_value(name, value)}"
