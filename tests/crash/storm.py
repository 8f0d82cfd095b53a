"""One storm: Ferry's processes are killed with -9, again and again, while people want things moved; then it is calm.

Kills come by turns at a transition in the database, at a request to a host, at a call of Slack, at an event of the
world, and at any moment. Which, is drawn from the seed; of transitions and events those are preferred that were killed
at least often, so that each has its turn. Several processes are killed in turn, and half of them stay away for a while,
so that the others have to take over.
"""

from __future__ import annotations

import math
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

from bot.core.lifecycle import State
from tests.crash import lab
from tests.crash.ferry import Member, run
from tests.crash.lab import Aim, LabProcess, Report, Scene
from tests.crash.rows import EVACUATION_ENDED, Bystander, Rows
from tests.nursery import Life, Nursery

MODES = ("row", "host", "slack", "row", "world", "moment")
LONGEST_S = {"row": 3.0, "world": 3.0, "host": 1.0, "slack": 1.0, "moment": 1.0, "end": 30.0, "file": 20.0}
"""A process that has not met its moment is killed so long after it was ready, by mode."""
SHARING = frozenset({"files.completeUploadExternal"})
START_S = 0.4
"""What a start takes on a machine with nothing else to do."""
MOST_REQUESTS, MOST_CALLS = 120, 12
MOVES = frozenset({"requested", "started", "completed", "failed", "vm left", "vm arrived", "cancelled"})


@dataclass(frozen=True)
class Weather:
    """What kind of storm.

    Attributes:
        kills: so many.
        last: modes of the last kills: "end" is the end of an evacuation, "file" one that is being shared.
        rows: transitions at which is worth to be killed; empty: all.
        speed: seconds of the world in a real one. Hosts forget ended jobs after 300 of the world's.
        patience: how many times as long as usual a process lives that does not meet its moment.
        refresh_s: how often all hosts are looked at, needed or not.
        calm_s: within which all must be at rest once nobody is killed any more.
        crew: the processes that share the database.
    """

    seed: int
    scene: Scene = field(repr=False)
    kills: int = 50
    last: tuple[str, ...] = ()
    rows: frozenset[str] = frozenset()
    speed: float = 20.0
    patience: float = 1.0
    refresh_s: float = 5.0
    calm_s: float = 120.0
    crew: tuple[Member, ...] = (Member(),)


@dataclass
class Aftermath:
    """Everything that there is to be checked after a storm."""

    weather: Weather
    report: Report
    rows: Rows
    kills: Counter[str]
    killed_at: list[float]
    ended_alone: list[str]
    log: Path
    not_at_rest: str
    seconds: float = 0.0


@dataclass
class Storm:
    """Used once.

    Args:
        database_url: empty, and nobody else's.
        coverage: how often was killed at what, in all storms that share it.
    """

    nursery: Nursery
    weather: Weather
    folder: Path
    database_url: str
    coverage: Counter[str]
    kills: Counter[str] = field(default_factory=Counter)
    killed_at: list[float] = field(default_factory=list)
    ended_alone: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.weather.seed)
        self._stack = ExitStack()
        self._running: dict[str, Life] = {}
        self._back_at: dict[str, int] = {}  # the kill before which who stays away is started again
        self._settings: dict[str, Any] = {}
        self._log = self.folder / "ferry.log"

    def pass_over(self) -> Aftermath:
        began = time.monotonic()
        with self._stack:
            self._lab, self._rows = self._start_lab(), Bystander(self.database_url)
            self._stack.callback(self._rows.close)
            self._stack.callback(self._kill_all)
            for number, mode in enumerate(self._modes()):
                self._start_all(number)
                member = self.weather.crew[number % len(self.weather.crew)]
                self._strike(member, mode)
                self._back_at[member.name] = number + self._chance.choice((1, 1 + len(self.weather.crew) // 2))
            self._back_at.clear()
            left = self._calm_down()
            self._kill_all()
            return Aftermath(
                *(self.weather, self._lab.ask("report"), self._rows.read(), self.kills, self.killed_at),
                *(self.ended_alone, self._log, left, time.monotonic() - began),
            )

    # Processes

    def _start_lab(self) -> LabProcess:
        process = self.nursery.start(lab.serve, self.folder, self.weather.speed, self.weather.scene)
        self._stack.callback(process.kill)
        there = LabProcess(process.line)
        self._settings = there.ask("start")
        there.ask("begin")
        return there

    def _start_all(self, number: int = 0) -> None:
        """All that are to be there for this kill."""
        for member in self.weather.crew:
            if self._back_at.get(member.name, 0) > number:
                continue
            process = self._running.get(member.name)
            if process is None or process.ended():
                if process is not None:
                    self.ended_alone.append(f"{member.name} ended by itself, process {process.pid}")
                self._running[member.name] = self._start(member)

    def _start(self, member: Member) -> Life:
        operations = {
            "database_url": self.database_url,
            "process": member.name,
            "audit_path": str(self.folder / f"{member.name}.audit.db"),
            "refresh_s": self.weather.refresh_s,
            "updates_per_minute": 50,
            "stale_command_s": 3600,  # on a busy machine a storm can keep people waiting for minutes
        }
        settings = self._settings | {"operations": operations}
        return self.nursery.start(run, member, settings, self._log)

    def _kill_all(self) -> None:
        for process in self._running.values():
            process.kill()
        self._running.clear()

    # Killing

    def _modes(self) -> Iterator[str]:
        drawn = chain.from_iterable(self._chance.sample(modes, len(modes)) for modes in repeat(MODES))
        return chain(islice(drawn, self.weather.kills - len(self.weather.last)), self.weather.last)

    def _strike(self, member: Member, mode: str) -> None:
        """Let a process live until its moment, and kill it."""
        mode = self._possible(mode)
        process = self._running.pop(member.name)
        if mode in ("row", "end"):
            at = self._wait_for_row(process, mode)
        elif mode == "moment":
            at = self._wait_for_a_moment(process)
        else:
            self._lab.ask("aim", self._aim(mode, process.pid))
            while not process.ended(0.02) and process.ready_s() < self._longest_s(mode):
                pass
            at = self._lab.ask("hit")
        if process.kill() == signal.SIGKILL:
            self.killed_at.append(time.time())
            self.kills[at or "any moment"] += 1
            self.coverage[at] += 1
        else:
            self.ended_alone.append(f"{member.name} ended by itself, process {process.pid}")

    def _possible(self, mode: str) -> str:
        """What has its moment behind it is killed at any."""
        if mode not in ("end", "file"):
            return mode
        left = self._rows.at_rest(self.weather.scene.operations)
        over = State.UNDER_WAY.value not in left if mode == "end" else not left
        return "moment" if over else mode

    def _longest_s(self, mode: str) -> float:
        return LONGEST_S[mode] * self.weather.patience

    def _aim(self, mode: str, pid: int) -> Aim:
        done = self._chance.random() < 0.5
        if mode == "host":
            return Aim(pid, mode, self._early(MOST_REQUESTS), done)
        if mode == "slack":
            return Aim(pid, mode, self._early(MOST_CALLS), done)
        if mode == "file":
            return Aim(pid, "slack", done=done, wanted=SHARING)
        return Aim(pid, mode, wanted=frozenset(self._rare("world: ", sorted(MOVES))))

    def _early(self, most: int) -> int:
        """From 1 to `most`, early ones more often: a process that was just started has its own dangers."""
        return round(math.exp(self._chance.uniform(0, math.log(most))))

    def _rare(self, prefix: str, kinds: Sequence[str]) -> Sequence[str]:
        """The half at which fewest were killed so far."""
        return sorted(kinds, key=lambda kind: self.coverage[prefix + kind])[: (len(kinds) + 1) // 2]

    def _wait_for_a_moment(self, process: Life) -> str:
        """While it starts, or soon after."""
        if self._chance.random() < 0.4:
            process.ended(self._chance.uniform(0, START_S))
            return "starting"
        length_s = self._chance.uniform(0, self._longest_s("moment"))
        while not process.ended(0.01) and process.ready_s() < length_s:
            pass
        return ""

    def _wait_for_row(self, process: Life, mode: str) -> str:
        """What the database showed of it; empty if nothing came that is wanted and rare enough."""
        wanted = {EVACUATION_ENDED} if mode == "end" else self.weather.rows
        with self._rows.watching() as watch:
            while process.ready_s() < self._longest_s(mode) and not process.ended(0.01):
                for kind in watch.news():
                    name = f"row: {kind}"
                    rare = mode == "end" or self._chance.random() < 1 / (1 + self.coverage[name]) ** 3
                    if rare and (kind in wanted or not wanted):
                        return name
        return ""

    # Calm

    def _calm_down(self) -> str:
        """Let all go to its end. What is not at rest then."""
        ends_at, left = time.monotonic() + self.weather.calm_s, "nothing was looked at"
        while left and time.monotonic() < ends_at:
            self._start_all()
            time.sleep(0.1)
            said = self._lab.ask("all_said")
            left = self._rows.at_rest(self.weather.scene.operations) if said else "not everything was said"
        return left
