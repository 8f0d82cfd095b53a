"""Evacuations placed, proven impossible, made room for, and brought home again.

    python -m pytest -n 0 -m benchmark tests/benchmarks/test_placement.py -s

All instances are made up (see `placements`); hosts are not asked. What is asserted is that no rule is broken: a judge
that shares no code with the search looks at every answer. Times are wall times of one `Placer.place`, the worker's
start included, and belong to the machine and to what else it does; CPU is of this process and its workers.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from statistics import median, quantiles

import pytest

from bot.core.placement import Lack, Placement, Problem, plan_homecoming
from bot.solver import Placer
from tests.benchmarks.placements import (
    LARGE,
    NORMAL,
    homecoming_violations,
    host_by_host,
    planted,
    rolled,
    scattered,
    violations,
)
from tests.benchmarks.seeds import seeds

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

SEEDS = 200


@dataclass
class Tally:
    """What became of one kind of instance."""

    name: str
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def place(self, problem: Problem, *, make_room: bool = False) -> Placement:
        wall, cpu = time.perf_counter(), sum(os.times()[:4])
        placement = Placer().place(problem, make_room=make_room)
        self.wall_s.append(time.perf_counter() - wall)
        self.cpu_s.append(sum(os.times()[:4]) - cpu)
        self.placements.append(placement)
        self.broken += violations(problem, placement)
        return placement

    def share(self, true_of: Callable[[Placement], bool]) -> str:
        return f"{100 * sum(map(true_of, self.placements)) / len(self.placements):5.1f} %"

    @property
    def times(self) -> str:
        late = quantiles(self.wall_s, n=100)[-1] if len(self.wall_s) > 1 else self.wall_s[0]
        wall = f"{median(self.wall_s):6.2f} {min(late, max(self.wall_s)):6.2f} {max(self.wall_s):6.2f} s"
        return f"{wall} (CPU {median(self.cpu_s):5.2f} {max(self.cpu_s):5.2f})"

    @property
    def methods(self) -> str:
        return " ".join(f"{method} {count}" for method, count in Counter(p.method for p in self.placements).items())


def table(title: str, rows: Iterable[str]) -> None:
    print(f"\n{title} [simulated]")
    for row in rows:
        print(f"  {row}", flush=True)


def placed(placement: Placement) -> bool:
    return not placement.unplaced


def test_planted(capsys: pytest.CaptureFixture[str]) -> None:
    """60 VMs of one host onto 15: all of these can be placed."""
    broken = []
    with capsys.disabled():
        table("1 x 60 -> 15 hosts: placed, wall median p99 max, method, violations", [])
        for mix, name in ((NORMAL, "normal"), (LARGE, "large")):
            for fill in (0.80, 0.90, 0.95, 0.97):
                tally = Tally(f"{name:6} fill {fill:.2f}")
                for seed in seeds(SEEDS):
                    tally.place(planted(seed, 60, 15, fill, mix))
                broken += tally.broken
                print(f"  {tally.name} {tally.share(placed)} {tally.times} {tally.methods}; {len(tally.broken)} broken")
    assert not broken


def test_scale(capsys: pytest.CaptureFixture[str]) -> None:
    """Many hosts at once; beyond 50,000 pairs by hand only."""
    broken = []
    with capsys.disabled():
        table("Scale: placed, wall median p99 max, method, violations", [])
        for vms, hosts, count in ((400, 30, 20), (5000, 100, 5)):
            for fill in (0.90, 0.95, 0.97):
                tally = Tally(f"{vms} x {hosts} fill {fill:.2f}")
                for seed in seeds(count):
                    tally.place(planted(seed, vms, hosts, fill, sources=10))
                broken += tally.broken
                print(f"  {tally.name} {tally.share(placed)} {tally.times} {tally.methods}; {len(tally.broken)} broken")
    assert not broken


def test_impossible(capsys: pytest.CaptureFixture[str]) -> None:
    """More than fits: proof, the most that can be served rank by rank, and what would be enough."""
    broken = []
    with capsys.disabled():
        table("Impossible: proven, most served proven, shortfall smallest, wall median p99 max, violations", [])
        for vms, hosts, fill, mix, count in (
            (60, 15, 1.02, NORMAL, 30),
            (60, 15, 1.10, NORMAL, 30),
            (60, 15, 1.02, LARGE, 30),
            (60, 15, 1.10, LARGE, 30),
            (400, 30, 1.05, NORMAL, 6),
        ):
            tally = Tally(f"{vms} x {hosts} fill {fill:.2f} {'large' if mix is LARGE else 'normal':6}")
            excess = []
            for seed in seeds(count):
                problem = _ranked(planted(seed, vms, hosts, fill, mix))
                placement = tally.place(problem)
                short = sum(g.memory for g in problem.guests) - sum(t.memory for t in problem.targets)
                assert placement.shortfall is not None
                excess.append(placement.shortfall.total(Lack.MEMORY) / short)
            broken += tally.broken
            print(
                f"  {tally.name} {tally.share(lambda p: p.decided)} {tally.share(lambda p: p.most)} "
                f"{tally.share(lambda p: p.shortfall is not None and p.shortfall.smallest)} "
                f"(memory x{median(excess):.2f} of what is short in sum) {tally.times}; {len(tally.broken)} broken"
            )
    assert not broken


def _ranked(problem: Problem) -> Problem:
    return replace(problem, guests=tuple(replace(g, rank=n % 3) for n, g in enumerate(problem.guests)))


def test_scattered(capsys: pytest.CaptureFixture[str]) -> None:
    """Free memory is enough in sum; 400 residents may be moved where that alone helps."""
    broken = []
    with capsys.disabled():
        table("60 -> 15, 400 residents: placed, extra moves, fewest proven, wall median p99 max, violations", [])
        for slack in (1.02, 1.03, 1.05, 1.15):
            alone = [seed for seed in seeds(20) if Placer().place(scattered(seed, 60, 15, 400, slack)).unplaced]
            print(f"  free {slack:.2f} x need: {20 - len(alone)} of 20 placed without moves of residents", flush=True)
            tally = Tally("    the others, with them:")
            for seed in alone:
                tally.place(scattered(seed, 60, 15, 400, slack), make_room=True)
            broken += tally.broken
            if alone:
                extra = sorted(Counter(len(p.extra) for p in tally.placements).items())
                print(
                    f"{tally.name} {tally.share(placed)} moves {' '.join(f'{n}: {count}x' for n, count in extra)} "
                    f"{tally.share(lambda p: not p.undecided)} {tally.times} {tally.methods}; "
                    f"{len(tally.broken)} broken"
                )
    assert not broken


def test_homecoming(capsys: pytest.CaptureFixture[str]) -> None:
    """After rolling maintenance: all home, beside hosts in fixed order with failures dropped."""
    broken, stayed = [], 0
    with capsys.disabled():
        table("100 pools each: away, home, steps aside, stages (most), plan (slowest); host by host: not home", [])
        for hosts in (3, 4, 8, 16):
            for fill in (0.5, 0.7, 0.8, 0.9):
                away = home = aside = stages = dropped = failed = 0
                slowest = 0.0
                for seed in seeds(100):
                    pool = rolled(seed, hosts, fill)
                    absent, targets = pool.away, pool.hosts
                    began = time.perf_counter()
                    plan = plan_homecoming(absent, targets)
                    slowest = max(slowest, time.perf_counter() - began)
                    broken += homecoming_violations(absent, targets, plan)
                    away += len(absent)
                    home += len(absent) - len(plan.staying)
                    aside += sum(map(len, plan.stages)) - (len(absent) - len(plan.staying))
                    stages = max(stages, len(plan.stages))
                    left = host_by_host(pool)
                    dropped, failed = dropped + left, failed + bool(left)
                stayed += away - home
                share = f"{100 * home / max(1, away):5.1f} %"
                print(
                    f"  {hosts:2} hosts {fill:.0%} full: {away:6} {share} {aside:3} {stages:3} {slowest:5.2f} s; "
                    f"{100 * dropped / max(1, away):4.1f} % in {failed} pools",
                    flush=True,
                )
    assert not broken
    assert not stayed
