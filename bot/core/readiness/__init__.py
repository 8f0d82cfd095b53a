"""May hosts send each other virtual machines? Rules over what was read of them, and the answer. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.evacuation.measuring import Rate
from bot.core.planner import Limits
from bot.core.readiness.alike import check_alike
from bot.core.readiness.card import render_check
from bot.core.readiness.host import RESTART_KEYS, check_host
from bot.core.readiness.model import Checkup, Finding, Level, Reached, Surroundings, Target
from bot.core.readiness.pair import check_delegation, check_ports, targets_between
from bot.core.readiness.rate import check_rate
from bot.core.reply import Reply
from bot.core.wording import render_count

__all__ = [
    "Checkup",
    "Finding",
    "Level",
    "Reached",
    "Surroundings",
    "Target",
    "answer_hosts",
    "answer_pair",
    "check_hosts",
    "check_pair",
    "targets_between",
]


_KEYS = ", ".join(f"'{key}'" for key in RESTART_KEYS)
_RESTART = f"Not read, since it takes a script: whether a restart is pending. On the host: `Test-Path {_KEYS}`"


def check_hosts(checkups: Sequence[Checkup], memory_reserve_bytes: int) -> tuple[Finding, ...]:
    """Each by itself, and what differs among them."""
    each = (finding for checkup in checkups for finding in check_host(checkup, memory_reserve_bytes))
    return (*each, *check_alike(checkups))


def check_pair(
    source: Checkup, destination: Checkup, reached: Sequence[Reached], limits: Limits, rate: Rate | None = None
) -> tuple[Finding, ...]:
    """Both, what differs, what the one needs of the other, and what migrations between them carried."""
    return (
        *check_hosts((source, destination), limits.memory_reserve_bytes),
        *check_ports(source, destination, reached),
        *check_delegation(source, destination),
        *check_rate(source, destination, rate, limits.link_gbit_s),
    )


def answer_hosts(checkups: Sequence[Checkup], memory_reserve_bytes: int) -> Reply:
    names = tuple(checkup.host for checkup in checkups)
    subject = names[0] if len(names) == 1 else render_count(len(names), "host")
    more = "`check <host> to <host>` also tries the ports, and writes the commands for delegation"
    return render_check(subject, names, check_hosts(checkups, memory_reserve_bytes), (_RESTART, more))


def answer_pair(
    source: Checkup, destination: Checkup, reached: Sequence[Reached], limits: Limits, rate: Rate | None = None
) -> Reply:
    names = (source.host, destination.host)
    findings = check_pair(source, destination, reached, limits, rate)
    back = f"`check {destination.host} to {source.host}` tries the ports on the way back"
    return render_check(" to ".join(names), names, findings, (_RESTART, back))
