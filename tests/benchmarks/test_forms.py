"""How long a form takes to suggest VMs and hosts on a large estate, from the payload in to the answer out.

python -m pytest -n 0 -m benchmark tests/benchmarks/test_forms.py -s
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import quantiles

import pytest

import commands
from bot.core.estate import Estate, Seen, VmSummary
from bot.core.names import UserId, VmId
from bot.core.operation import Place
from bot.forms import CommandForms
from bot.registry import discover
from bot.slack.modals import render_suggestions

pytestmark = pytest.mark.benchmark

ALICE = UserId("U0ALICE000")
WHERE = Place(team="T1", channel="C1")
HOSTS, VMS_EACH, TIMES = 100, 50, 400
TYPED = ("", "v", "vm", "vm-4", "vm-42", "vm-4242", "nothing of the kind", "0")


def test_suggestions(figures: Callable[[str], None]) -> None:
    estate = Estate(hosts=tuple(map(_seen, range(HOSTS))))
    forms = CommandForms(discover(commands), lambda *_: True, lambda: estate)
    took: dict[str, list[float]] = {"on the clock": [], "of the processor": []}
    clocks = {"on the clock": time.perf_counter, "of the processor": time.thread_time}
    for turn in range(TIMES):
        for field in ("vm", "host"):
            began = {name: clock() for name, clock in clocks.items()}
            render_suggestions(forms.suggest(ALICE, WHERE, "migrate", field, TYPED[turn % len(TYPED)]))
            for name, clock in clocks.items():
                took[name].append((clock() - began[name]) * 1000)
    for name, each in took.items():
        percentiles = quantiles(each, n=100)
        figures(
            f"suggestions of {HOSTS * VMS_EACH} VMs, {name}: p50 {percentiles[49]:.1f} ms, p99 {percentiles[98]:.1f} ms"
        )


def _seen(number: int) -> Seen:
    host = f"host{number:03}"
    first = number * VMS_EACH
    vms = tuple(
        VmSummary(id=VmId(f"{one:08x}-0000-0000-0000-000000000000"), name=f"VM-{one:04}", host=host, state=2)
        for one in range(first, first + VMS_EACH)
    )
    return Seen(host=host, at=datetime(2026, 11, 30, tzinfo=UTC), vms=vms)
