"""A hundred hosts with forty VMs each: how long `hosts` and `check all` take, and what is answered from what was seen.

    python -m pytest -n 0 -m benchmark tests/benchmarks/test_hosts.py -s

The hosts are simulated and live in a process of their own, which shares this machine's processors. Figures are printed,
never asserted: they belong to the machine and to what else it does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest

from bot.core.lookup import find_vms
from bot.core.readiness import answer_hosts
from bot.hyperv.fleet import HyperVFleet
from bot.operations.inventory import Inventory
from bot.settings import Settings
from tests.benchmarks.process import estate

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

HOSTS, VMS = 100, 4000
PATIENCE_S = 120.0
T = TypeVar("T")


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def timed(what: str, work: Callable[[], T]) -> T:
    began = time.monotonic()
    result = work()
    print(f"  {what}: {time.monotonic() - began:.3f} s")
    return result


def test_a_hundred_hosts(tmp_path: Path) -> None:
    print(f"\n{HOSTS} simulated hosts, {VMS} VMs:")
    with estate(tmp_path, HOSTS, VMS, 2, 1, on=HOSTS) as given:
        given["remote"]["read_timeout_s"] = PATIENCE_S  # the simulated end may be the slower one
        settings = Settings.model_validate(given)
        fleet = HyperVFleet(settings.hosts)
        inventory = Inventory(fleet, SystemClock(), refresh_s=3600, patience_s=PATIENCE_S)
        try:
            first = timed("hosts, sessions to be opened", inventory.refreshed)
            assert [len(seen.vms) for seen in first.hosts] == [VMS // HOSTS] * HOSTS, [
                one.failure for one in first.unknown
            ]
            timed("hosts, sessions warm", inventory.refreshed)
            names = [seen.host for seen in inventory.estate().hosts]
            checkups = timed("check all, reads", lambda: inventory.check(names))
            assert not [one.failure or one.unread for one in checkups if one.failure or one.unread]
            reply = timed("check all, rules and answer", lambda: answer_hosts(checkups, 0))
            assert reply.parts
            found = timed("a VM by its name, from what was seen", lambda: find_vms(inventory.estate(), "VM-3999"))
            assert len(found) == 1
        finally:
            fleet.close()
