"""How long things take and what they cost on the wire, in the lab, beside the same work done by hand with pypsrp.

    python -m pytest -n 0 -m benchmark tests/benchmarks -s

Figures are printed, never asserted: they belong to the machine and to what else it does. Ratios of one run compare.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import pytest
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tests.benchmarks.by_ferry import QuietFerry
from tests.benchmarks.by_hand import Script
from tests.benchmarks.cost import Cost, measure

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

VM, HERE, THERE = "VM-01", "host01", "host02"
SPEED = 20.0  # simulated seconds in a real one: the move itself, ten seconds on 10 Gbit/s, takes half a second
PLANS, MIGRATIONS, STARTS, PROCESSES = 20, 5, 5, 3

Column = tuple[str, Callable[[Cost], float], str]
TOTAL: Column = ("total ms", lambda cost: cost.wall_s * 1e3, ",.0f")
LAB: Column = ("hosts + Slack, CPU ms", lambda cost: cost.lab_s * 1e3, ",.0f")
OWN: Column = ("own share ms", lambda cost: cost.own_s * 1e3, ",.0f")
OWN_CPU: Column = ("own CPU ms", lambda cost: cost.cpu_s * 1e3, ",.0f")
TRAFFIC: tuple[Column, ...] = (
    ("HTTP requests", lambda cost: cost.http_requests, ",.0f"),
    ("KiB", lambda cost: cost.traffic_bytes / 1024, ",.0f"),
)


def test_message_to_plan_card(tmp_path: Path) -> None:
    ferry_costs, hand_costs, looks = [], [], []
    with (ferry := _ferry(tmp_path)):
        script = Script(ferry.lab)
        ferry.look_around()
        ferry.plan(VM, THERE)
        for _ in range(PLANS):
            ferry_costs.append(measure(ferry.lab, partial(ferry.plan, VM, THERE))[1])
            hand_costs.append(measure(ferry.lab, partial(script.plan, VM, HERE, THERE))[1])
            looks.append(measure(ferry.lab, ferry.look_around)[1])
        assert len(ferry.bot.store.open()) == PLANS + 1
    rows = {
        "Ferry: message to plan card": ferry_costs,
        "by hand: the same questions": hand_costs,
        "Ferry's background look at 3 hosts": looks,
    }
    _print("Message to plan card, sessions warm", rows, (TOTAL, LAB, OWN, OWN_CPU, *TRAFFIC), hand_costs, ferry_costs)


def test_migration(tmp_path: Path) -> None:
    """In turns, so that both move there and back under the same load of the machine.

    Not the same work: Ferry asks all questions three times (offer, click, start), compares the hosts and follows the
    rows of its database and its card; the script asks once.
    """
    ferry_costs, hand_costs = [], []
    with (ferry := _ferry(tmp_path)):
        script = Script(ferry.lab)
        ferry.look_around()
        for turn in range(2 * MIGRATIONS):
            source, destination = (HERE, THERE) if turn % 2 == 0 else (THERE, HERE)
            if turn % 4 in (0, 3):
                ferry.look_around()
                ferry_costs.append(measure(ferry.lab, partial(ferry.migrate, VM, destination))[1])
            else:
                hand_costs.append(measure(ferry.lab, partial(script.migrate, VM, source, destination))[1])
            assert ferry.world.whereabouts(ferry.world.vm(VM)) == (destination.upper(),)
    rows = {
        "Ferry: message to verified end": ferry_costs,
        "by hand: questions once, move, two looks": hand_costs,
    }
    title = f"A whole live migration, simulated time running {SPEED:g} times as fast"
    _print(title, rows, (TOTAL, LAB, OWN_CPU, *TRAFFIC), hand_costs, ferry_costs)


def test_start(tmp_path: Path) -> None:
    starts, processes = [], []
    with (ferry := _ferry(tmp_path)):
        for turn in range(STARTS):
            ferry.bot.stop()
            ferry.folder = tmp_path / str(turn)
            ferry.folder.mkdir()
            starts.append(measure(ferry.lab, ferry.start)[1])
            assert ferry.server.connections == 1
        ferry.bot.stop()
        words = (sys.executable, "-m", "bot", "say", f"migrate {VM} to {THERE}", "--yes", "--speed", str(SPEED))
        for _ in range(PROCESSES):
            done, cost = measure(ferry.lab, partial(subprocess.run, words, capture_output=True, text=True))
            assert done.returncode == 0, done.stdout + done.stderr
            processes.append(cost)
    _print("Start, new database, until Slack is heard", {"build + start": starts}, (TOTAL, LAB, OWN, OWN_CPU))
    _print("ferry say … --yes, the whole process", {"from start to exit": processes}, (TOTAL,))


def _ferry(folder: Path) -> QuietFerry:
    return QuietFerry(folder, speed=SPEED, rate_limits=False)


def _print(
    title: str,
    rows: Mapping[str, Sequence[Cost]],
    columns: Sequence[Column],
    slow: Sequence[Cost] = (),
    fast: Sequence[Cost] = (),
) -> None:
    """Medians with the ranges; a last row says how many times the median of `fast` goes into that of `slow`."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("median (range)")
    for name, _, _ in columns:
        table.add_column(name, justify="right")
    for label, costs in rows.items():
        values = [sorted(value(cost) for cost in costs) for _, value, _ in columns]
        table.add_row(
            f"{label} (n={len(costs)})",
            *(
                f"{median(each):{form}} ({each[0]:{form}}–{each[-1]:{form}})"
                for each, (_, _, form) in zip(values, columns, strict=True)
            ),
        )
    if slow and fast:
        times = (median(map(value, slow)) / median(map(value, fast)) for _, value, _ in columns)
        table.add_row("by hand / Ferry", *(f"{each:.1f} ×" for each in times), style="bold")
    console = Console(width=180, highlight=False)
    console.print(f"\n{title}", style="bold")
    console.print(f"simulated hosts and workspace; Python {platform.python_version()}, {os.cpu_count()} CPUs{load}")
    console.print(table)
