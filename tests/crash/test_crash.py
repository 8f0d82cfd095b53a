"""Ferry is killed with -9, hundreds of times: every VM still moves exactly once, and everybody gets a true answer.

python -m pytest tests/crash                       # the figures at the end
FERRY_SOAK_S=3600 python -m pytest -m soak tests/crash   # other seeds, for an hour
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from bot.app import Role
from tests.crash.checks import Evidence, find_faults, render_figures
from tests.crash.ferry import Member, Nursery
from tests.crash.storm import Storm, Weather
from tests.postgres import Postgres

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a process that has imported everything is forked")

STORMS, KILLS = 4, 38
CREW = (
    Member("bot-1", Role.BOT),
    Member("worker-1", Role.WORKER),
    Member("bot-2", Role.BOT),
    Member("worker-2", Role.WORKER),
)
CREW_STORMS, CREW_KILLS = 2, 28
FIRST_SOAK_SEED = 1000
LEAST_KINDS = 8
"""Of transitions at which was killed: which those are is drawn, and printed with the figures."""

CREW = (
    Member("bot-1", Role.BOT),
    Member("worker-1", Role.WORKER),
    Member("bot-2", Role.BOT),
    Member("worker-2", Role.WORKER),
)
CREW_STORMS, CREW_KILLS = 2, 28
FIRST_SOAK_SEED = 1000
COMMON = ("propose", "confirm", "grant", "start", "succeed")
"""Transitions that every storm has many of: each must have been killed at."""

Tell = Callable[[str], None]


@pytest.fixture(scope="session")
def nursery() -> Nursery:
    return Nursery()


def blow(nursery: Nursery, folder: Path, weather: Weather, coverage: Counter[str], database_url: str = "") -> Evidence:
    """One storm, on a SQLite file if no database is given."""
    folder.mkdir()
    url = database_url or f"sqlite:///{folder}/ferry.sqlite"
    return Evidence(Storm(nursery, weather, folder, url, coverage).pass_over())


def judge(title: str, evidence: list[Evidence], began: float, tell: Tell) -> None:
    tell(render_figures(title, evidence, time.monotonic() - began))
    faults = [f"{each.after.log}: {fault}" for each in evidence for fault in find_faults(each)]
    if faults:
        pytest.fail("\n".join([*faults, *(str(each.after.weather) for each in evidence)]), pytrace=False)


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_moves_twice(nursery: Nursery, tmp_path: Path, figures: Tell) -> None:
    began, coverage = time.monotonic(), Counter[str]()
    weathers = [Weather(seed=seed, kills=KILLS) for seed in range(1, STORMS + 1)]
    with ThreadPoolExecutor(STORMS) as pool:
        evidence = list(pool.map(lambda one: blow(nursery, tmp_path / f"storm{one.seed}", one, coverage), weathers))
    judge("Crash harness, SQLite", evidence, began, figures)
    assert sum(each.after.kills.total() for each in evidence) >= STORMS * KILLS
    assert sum(kind.startswith("row: ") for kind in coverage) >= LEAST_KINDS


@pytest.mark.timeout(600)
def test_two_bots_and_two_workers_replace_each_other(
    nursery: Nursery, tmp_path: Path, figures: Tell, postgres_server: Postgres
) -> None:
    began, coverage = time.monotonic(), Counter[str]()
    weathers = [Weather(seed=seed, kills=CREW_KILLS, crew=CREW) for seed in range(101, 101 + CREW_STORMS)]

    def blow_on_postgres(weather: Weather) -> Evidence:
        name = postgres_server.create()
        return blow(nursery, tmp_path / name, weather, coverage, postgres_server.url(name))

    with ThreadPoolExecutor(CREW_STORMS) as pool:
        evidence = list(pool.map(blow_on_postgres, weathers))
    judge("Crash harness, PostgreSQL, two bots and two workers", evidence, began, figures)
    assert sum(each.after.kills.total() for each in evidence) >= CREW_STORMS * CREW_KILLS


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_for_long(nursery: Nursery, tmp_path: Path, figures: Tell) -> None:
    began, seeds = time.monotonic(), count(int(os.environ.get("FERRY_CRASH_SEED", FIRST_SOAK_SEED)))
    coverage = Counter[str]()
    ends_at = began + float(os.environ.get("FERRY_SOAK_S", "600"))

    def storms() -> Iterator[Evidence]:
        while time.monotonic() < ends_at:
            weather = Weather(seed=next(seeds), kills=60, wishes=16, seconds=30)
            yield blow(nursery, tmp_path / f"storm{weather.seed}", weather, coverage)

    with ThreadPoolExecutor(STORMS) as pool:
        lists = list(pool.map(lambda _: list(storms()), range(STORMS)))
    judge("Crash harness, soak on SQLite", [each for found in lists for each in found], began, figures)
