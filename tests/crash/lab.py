"""The lab of a storm, in a process of its own: hosts, workspace and people, told what to do over a connection.

It also kills: whoever is aimed at dies with -9 in the moment in which the lab sees what it was to wait for, so that a
kill falls exactly before or after a request is carried out. It knows nothing of Ferry.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from bot.lab.running import RunningLab
from bot.lab.slack import Message, SlackServer
from bot.lab.winrm import Limits
from bot.lab.world import Entry, RunningClock, WorldClock
from tests.crash.crowd import Crowd
from tests.crash.estate import CHANNELS, CountingWorld, Said

REDELIVERY_S = (0.2,) * 100
"""Slack gives up after three tries in six minutes; here a bot may die a hundred times before it takes a message."""

MANY_SHELLS = Limits(shells_per_user=100_000)
"""A killed process leaves its shells to the host until they have been idle for minutes; nobody is killed so often."""


class Scene(Protocol):
    """What a storm passes over: hosts, and people who want something of them. It is sent to the lab's process."""

    @property
    def operations(self) -> int:
        """Rows that there will be when everything was said and confirmed."""

    def build(self, clock: WorldClock) -> CountingWorld: ...
    def gather(self, server: SlackServer) -> Crowd: ...


@dataclass(frozen=True)
class Aim:
    """Whom to kill, and when: at the `count`th thing that is seen of that kind.

    Attributes:
        kind: "host" (HTTP requests to hosts), "slack" (Web API calls) or "world" (events of moves).
        done: of requests, those that were carried out and are about to be answered, instead of those that have come.
        wanted: for "world", which events count; for "slack", which methods. Empty: any.
    """

    pid: int
    kind: str
    count: int = 1
    done: bool = False
    wanted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Report:
    """What can be seen from outside, once all is over.

    Attributes:
        said: ts of each thing said.
        orders: Unix times at which a move of a VM was asked of its host, by lower-case id.
        homes: short names of the hosts that hold it, and its path, by lower-case id.
        planned: VM names that a host still holds a planned copy of.
    """

    said: dict[Said, str]
    messages: tuple[Message, ...]
    names: dict[str, str]
    entries: tuple[Entry, ...]
    limits: dict[str, tuple[int, int]]
    orders: dict[str, tuple[float, ...]]
    homes: dict[str, tuple[tuple[str, ...], str]]
    planned: tuple[str, ...]
    calls: int
    requests: int


class CrashLab:
    """Methods are called by name over the connection, one at a time."""

    def __init__(self, folder: Path, speed: float, scene: Scene) -> None:
        self._world = scene.build(RunningClock(speed))
        self._server = SlackServer(channels=CHANNELS, rate_limits=False, ack_s=0.5, retry_after_s=REDELIVERY_S)
        self._lab = RunningLab(self._world, folder, slack=self._server, limits=MANY_SHELLS, in_real_time=True)
        self._crowd = scene.gather(self._server)
        self._lock = threading.Lock()
        self._aim: Aim | None = None
        self._left = 0
        self._hit = ""
        self._requests = 0

    def start(self) -> dict[str, Any]:
        """Settings that reach it, without a database."""
        self._lab.start()
        self._server.watch(lambda method, done: self._see("slack", method, done))
        for endpoint in self._lab.hosts.values():
            endpoint.watch = lambda done: self._see("host", "request", done)
        threading.Thread(target=self._watch_world, name="world-watch", daemon=True).start()
        settings = self._lab.settings(Path("unused"))
        settings["remote"]["authentication"] = "basic"  # cheaper than encryption, which is not what is tried here
        settings["slack"]["commands_per_minute"] = 0
        settings["slack"]["bare_channels"] = [self._server.channel_id(name) for name in CHANNELS]
        return settings

    def begin(self) -> None:
        self._crowd.begin()

    def all_said(self) -> bool:
        return self._crowd.all_said

    def aim(self, aim: Aim) -> None:
        with self._lock:
            self._aim, self._left, self._hit = aim, aim.count, ""

    def hit(self) -> str:
        """What the kill came at; empty: it has not come. It comes no more: the number may soon be another process's."""
        with self._lock:
            self._aim = None
            return self._hit

    def transcript(self) -> str:
        return self._server.transcript()

    def report(self) -> Report:
        with self._world.look():
            hosts = self._world.hosts
            vms = {vm.id: vm for host in hosts for vm in host.vms.values()}
            return Report(
                said=dict(self._crowd.said),
                messages=tuple(one for one in self._server.backend.workspace.messages() if not one.deleted),
                names=self._server.backend.workspace.names(),
                entries=self._world.journal.entries,
                limits={host.name: (host.maximum_migrations, host.maximum_storage_migrations) for host in hosts},
                orders={str(vm): tuple(at for one, at in self._world.orders if one == vm) for vm in vms},
                homes={
                    str(vm.id): (tuple(host.name.lower() for host in hosts if vm.id in host.vms), vm.path)
                    for vm in vms.values()
                },
                planned=tuple(f"{one.vm.name} on {host.name}" for host in hosts for one in host.planned.values()),
                calls=len(self._server.calls()),
                requests=self._requests,
            )

    # Watching, and killing

    def _see(self, kind: str, what: str, done: bool) -> None:
        """A request has come or has been carried out, or something has happened in the world."""
        with self._lock:
            self._requests += kind == "host" and not done
            aim = self._aim
            if aim is None or (aim.kind, aim.done) != (kind, done) or (aim.wanted and what not in aim.wanted):
                return
            self._left -= 1
            if self._left <= 0:
                self._kill(aim, what)

    def _watch_world(self) -> None:
        """Events of moves, as they happen. The world's time passes only when somebody looks, so this looks."""
        seen, wait = 0, threading.Event()
        while True:
            with self._lock:
                aim = self._aim
            if aim is None or aim.kind != "world":
                seen = len(self._world.journal)
                wait.wait(0.05)
                continue
            wait.wait(0.005)
            with self._world.look():
                news, seen = self._world.journal.entries[seen:], len(self._world.journal)
            for entry in news:
                if entry.kind.startswith("Moving"):
                    self._see("world", entry.event.value, False)

    def _kill(self, aim: Aim, what: str) -> None:
        stage = {"world": ""}.get(aim.kind, ", answer lost" if aim.done else ", on its way")
        self._aim, self._hit = None, f"{aim.kind}: {what}{stage}"
        with suppress(ProcessLookupError):  # it may have been killed for another reason in between
            os.kill(aim.pid, signal.SIGKILL)


def serve(connection: Connection, folder: Path, speed: float, scene: Scene) -> None:
    """The lab's process: carries out calls until the other end is gone."""
    gc.freeze()
    logging.basicConfig(filename=folder / "lab.log", level=logging.WARNING)
    lab = CrashLab(folder, speed, scene)
    with suppress(EOFError):
        while True:
            name, arguments = connection.recv()
            method: Callable[..., Any] = getattr(lab, name)
            connection.send(method(*arguments))


class LabProcess:
    """The other end. Not thread-safe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, name: str, *arguments: object) -> Any:
        self._connection.send((name, arguments))
        if not self._connection.poll(30):
            raise TimeoutError(f"the lab's process does not answer {name}")
        return self._connection.recv()
