"""A hundred hosts with forty VMs each: how soon `hosts` and `check all` answer first, and when in full.

    python -m pytest -n 0 -m benchmark tests/benchmarks/test_hosts.py -s

The hosts are simulated and live in a process of their own, which shares this machine's processors. Figures are printed,
never asserted: they belong to the machine and to what else it does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

import commands
from bot.core.lookup import find_vms
from bot.core.reply import Interim
from bot.hyperv.fleet import HyperVFleet
from bot.operations.inventory import Inventory
from bot.registry import discover
from bot.settings import Settings
from bot.slack.blocks import render
from tests.asking import Tray, make_dispatcher, said
from tests.benchmarks.many_hosts import Shape
from tests.benchmarks.process import estate

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

HOSTS, VMS = 100, 4000
PATIENCE_S = 120.0
T = TypeVar("T")


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def answer(inventory: Inventory, clock: Clock, text: str) -> Interim:
    """As from a message that has just come in; policy, grammar, command and rendering are the real ones."""
    dispatcher = make_dispatcher(Tray(), discover(commands), hosts=inventory, clock=clock)
    interim = dispatcher.answer(said(text).model_copy(update={"at": clock.now(), "received_at": clock.now()}))
    assert isinstance(interim, Interim)
    assert render(interim.reply).blocks
    return interim


def timed(what: str, work: Callable[[], T]) -> T:
    began, worked = time.monotonic(), time.process_time()
    result = work()
    took_s, cpu_s = time.monotonic() - began, time.process_time() - worked
    print(f"  {what}: {took_s:.3f} s, of which Ferry worked {cpu_s:.3f} s (load {os.getloadavg()[0]:.1f})")
    return result


def test_a_hundred_hosts(tmp_path: Path) -> None:
    print(f"\n{HOSTS} simulated hosts, {VMS} VMs:")
    with estate(tmp_path, Shape(HOSTS, VMS, on=HOSTS, at_once=2)) as given:
        given["remote"]["read_timeout_s"] = PATIENCE_S  # the simulated end may be the slower one
        settings = Settings.model_validate(given)
        fleet = HyperVFleet(settings.hosts)
        clock = Clock()
        inventory = Inventory(fleet, clock, refresh_s=3600, patience_s=PATIENCE_S)
        try:
            first = timed("hosts, sessions to be opened", inventory.refreshed)
            assert [len(seen.vms) for seen in first.hosts] == [VMS // HOSTS] * HOSTS, [
                one.failure for one in first.unknown
            ]
            clock.ahead = timedelta(minutes=3)  # what is older than a moment is asked for again
            for text in ("hosts", "check all", "check all"):
                interim = timed(f"{text}, first answer, from what was seen", partial(answer, inventory, clock, text))
                assert "being asked now" in interim.reply.badge
                last = timed(f"{text}, full answer", interim.learn)
                assert last.parts
            checkups = inventory.last_checked()
            assert not [one.failure or one.unread for one in checkups if one.failure or one.unread]
            found = timed("a VM by its name, from what was seen", lambda: find_vms(inventory.estate(), "VM-3999"))
            assert len(found) == 1
        finally:
            fleet.close()
