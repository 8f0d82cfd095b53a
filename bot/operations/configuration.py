"""What the settings say, in the words of those who work by it. No decision is made here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from bot.core.deadline import Deadlines
from bot.core.evacuation.rules import Rules
from bot.core.planner import Limits
from bot.operations.consent import Patience
from bot.operations.runner import Timing
from bot.settings import HostSettings, Settings


def read_links(hosts: Mapping[str, HostSettings]) -> dict[str, float]:
    """Gbit/s by host, where it is given."""
    return {name: host.link_gbit_s for name, host in hosts.items() if host.link_gbit_s}


def read_patience(settings: Settings) -> Patience:
    return Patience(
        offer=timedelta(minutes=settings.operations.offer_minutes),
        approval=timedelta(minutes=settings.policy.approval_minutes),
        reminder=timedelta(minutes=settings.policy.reminder_minutes),
    )


def read_rules(settings: Settings, limits: Limits) -> Rules:
    given = settings.evacuation
    return Rules(
        limits=limits,
        tags=settings.tags,
        first=given.first,
        last=given.last,
        never=given.never,
        apart=given.apart,
        processors_per_core=given.processors_per_core,
        failure_budget=given.failure_budget,
    )


def read_timing(settings: Settings) -> Timing:
    given = settings.operations
    deadlines = Deadlines(
        live_s=given.live_deadline_minutes * 60,
        shared_nothing_s=given.shared_nothing_deadline_minutes * 60,
        storage_s=given.storage_deadline_minutes * 60,
        estimates=given.deadline_estimates,
    )
    return Timing(stall_s=given.stall_s, deadlines=deadlines)
