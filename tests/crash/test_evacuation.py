"""A host is emptied while Ferry is killed with -9 again and again: every VM leaves once, or stays, and it is told.

python -m pytest -n 0 -m soak tests/crash/test_evacuation.py -k "not long"     # the figures at the end
"""

from __future__ import annotations

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.crash.checks import Evidence
from tests.crash.emptying import Emptying
from tests.crash.ferry import CREW
from tests.crash.judging import Tell, blow, judge
from tests.crash.storm import Weather
from tests.nursery import Nursery
from tests.postgres import Postgres

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a process that has imported everything is forked")

KILLS, LAST = 10, ("end", "file")
PAUSED = Emptying(1, vms=60, failing=4)
CANCELLED = Emptying(2, vms=24, failing=3, limit=4, cancels=True)
CREWED = Emptying(101, vms=12, failing=5, limit=3)  # after five it pauses by itself
ROWS = frozenset({"begin", "pause", "go on", "ask to cancel", "cancel", "fail", "try failed", "succeed", "file shared"})
"""What only an evacuation has, or what changes it as a whole."""
FIRST_SOAK_SEED = 2000


@pytest.fixture(scope="module")
def nursery() -> Nursery:
    return Nursery("bot.charts.evacuation")  # takes seconds to import, in every process that draws


def weather(scene: Emptying, **more: Any) -> Weather:
    return Weather(scene.seed, scene, KILLS, rows=ROWS, patience=3, refresh_s=60, calm_s=240, **more)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_host_is_emptied_and_nothing_moves_twice(nursery: Nursery, tmp_path: Path, figures: Tell) -> None:
    """Once paused and resumed in the middle, once cancelled."""
    began, coverage = time.monotonic(), Counter[str]()
    weathers = [weather(scene, last=LAST) for scene in (PAUSED, CANCELLED)]
    with ThreadPoolExecutor(len(weathers)) as pool:
        evidence = list(pool.map(lambda one: blow(nursery, tmp_path / f"storm{one.seed}", one, coverage), weathers))
    judge(
        "Crash harness, an evacuation of 60 VMs that is paused, one of 24 that is cancelled, SQLite",
        evidence,
        began,
        figures,
    )
    assert "go on" in {str(entry.read()["event"]) for entry in evidence[0].rows.entries}


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_two_bots_and_two_workers_empty_a_host(
    nursery: Nursery, tmp_path: Path, figures: Tell, postgres_server: Postgres
) -> None:
    began, coverage, name = time.monotonic(), Counter[str](), postgres_server.create()
    one = weather(CREWED, last=("end",), crew=CREW)
    evidence = blow(nursery, tmp_path / name, one, coverage, postgres_server.url(name))
    judge("Crash harness, an evacuation of 12 VMs, PostgreSQL, two bots and two workers", [evidence], began, figures)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_for_long(nursery: Nursery, tmp_path: Path, figures: Tell) -> None:
    began, seeds = time.monotonic(), count(int(os.environ.get("FERRY_CRASH_SEED", FIRST_SOAK_SEED)))
    coverage, evidence = Counter[str](), list[Evidence]()
    ends_at = began + float(os.environ.get("FERRY_SOAK_S", "600"))
    while time.monotonic() < ends_at:
        seed = next(seeds)
        scene = Emptying(seed, vms=24, failing=seed % 8, limit=4, cancels=seed % 2 == 0)
        evidence.append(blow(nursery, tmp_path / f"storm{seed}", weather(scene, last=LAST), coverage))
    judge("Crash harness, evacuations, soak on SQLite", evidence, began, figures)
