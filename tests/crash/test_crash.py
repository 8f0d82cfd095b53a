"""Ferry is killed with -9, hundreds of times: every VM still moves exactly once, and everybody gets a true answer.

python -m pytest tests/crash                       # the figures at the end
FERRY_SOAK_S=3600 python -m pytest -m soak tests/crash   # other seeds, for an hour
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from tests.crash.checks import Evidence
from tests.crash.crowd import SingleMoves
from tests.crash.ferry import CREW
from tests.crash.judging import Tell, blow, judge
from tests.crash.storm import Weather
from tests.nursery import Nursery
from tests.postgres import Postgres

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a process that has imported everything is forked")

STORMS, KILLS = 4, 38
CREW_STORMS, CREW_KILLS = 2, 28
FIRST_SOAK_SEED = 1000
COMMON = ("propose", "confirm", "grant", "start", "succeed")
"""Transitions that every storm has many of: each must have been killed at."""


@pytest.fixture(scope="session")
def nursery() -> Nursery:
    return Nursery()


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_moves_twice(nursery: Nursery, tmp_path: Path, figures: Tell) -> None:
    began, coverage = time.monotonic(), Counter[str]()
    weathers = [Weather(seed, SingleMoves.drawn(seed), KILLS) for seed in range(1, STORMS + 1)]
    with ThreadPoolExecutor(STORMS) as pool:
        evidence = list(pool.map(lambda one: blow(nursery, tmp_path / f"storm{one.seed}", one, coverage), weathers))
    judge("Crash harness, SQLite", evidence, began, figures)
    assert sum(each.after.kills.total() for each in evidence) >= STORMS * KILLS
    assert {f"row: {each}" for each in COMMON} <= coverage.keys()


@pytest.mark.timeout(600)
def test_two_bots_and_two_workers_replace_each_other(
    nursery: Nursery, tmp_path: Path, figures: Tell, postgres_server: Postgres
) -> None:
    began, coverage = time.monotonic(), Counter[str]()
    weathers = [Weather(seed, SingleMoves.drawn(seed), CREW_KILLS, crew=CREW) for seed in range(101, 101 + CREW_STORMS)]

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
            seed = next(seeds)
            weather = Weather(seed, SingleMoves.drawn(seed, 16), kills=60)
            yield blow(nursery, tmp_path / f"storm{weather.seed}", weather, coverage)

    with ThreadPoolExecutor(STORMS) as pool:
        lists = list(pool.map(lambda _: list(storms()), range(STORMS)))
    judge("Crash harness, soak on SQLite", [each for found in lists for each in found], began, figures)
