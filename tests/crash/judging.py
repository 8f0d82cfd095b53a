"""From a weather to a verdict: one storm, its checks, its figures."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.crash import checks, emptied
from tests.crash.checks import Evidence, render_figures
from tests.crash.storm import Storm, Weather
from tests.nursery import Nursery

Tell = Callable[[str], None]


def blow(nursery: Nursery, folder: Path, weather: Weather, coverage: Counter[str], database_url: str = "") -> Evidence:
    """One storm, on a SQLite file if no database is given."""
    folder.mkdir()
    url = database_url or f"sqlite:///{folder}/ferry.sqlite"
    return Evidence(Storm(nursery, weather, folder, url, coverage).pass_over())


def judge(title: str, evidence: Sequence[Evidence], began: float, tell: Tell) -> None:
    tell(render_figures(title, list(evidence), time.monotonic() - began))
    every = (*checks.CHECKS, *emptied.CHECKS)
    faults = [f"{each.after.log}: {fault}" for each in evidence for check in every for fault in check(each)]
    if faults:
        pytest.fail("\n".join([*faults, *(str(each.after.weather) for each in evidence)]), pytrace=False)
