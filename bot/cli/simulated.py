"""The lab as the command line runs it: a scenario's world, its endpoints, and the bot among them."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import Refused
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.lab.running import RunningLab
    from bot.lab.slack import SlackServer
    from bot.lab.world import World


def make_world(scenario: str, speed: float | None) -> World:
    from bot.lab.scenario import SCENARIOS, SPEEDS
    from bot.lab.world import RunningClock

    if scenario not in SCENARIOS:
        raise Refused(f"there is no scenario {scenario!r}", needed=f"one of {', '.join(SCENARIOS)}")
    return SCENARIOS[scenario](RunningClock(speed or SPEEDS.get(scenario, 1.0)))


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Where a lab keeps its database, certificates and log until it ends, by SIGTERM too."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        with tempfile.TemporaryDirectory(prefix="ferry-lab-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    finally:
        signal.signal(signal.SIGTERM, before)


def files_folder(given: Path | None) -> Path:
    return given or Path(tempfile.gettempdir()) / "ferry-files"


@contextmanager
def bot_in_lab(
    server: SlackServer, scenario: str, speed: float | None, folder: Path, *, tls: bool = False, port: int = 0
) -> Iterator[float]:
    """The world's speed."""
    from bot.app import build
    from bot.lab.running import RunningLab

    running = RunningLab(make_world(scenario, speed), folder, slack=server, slack_port=port, tls=tls, in_real_time=True)
    with _listening(running):
        bot = build(Settings.model_validate(running.settings(folder / "ferry.sqlite")))
        bot.start()
        try:
            yield running.world.clock.speed
        finally:
            bot.stop()


@contextmanager
def _listening(running: RunningLab) -> Iterator[None]:
    try:
        running.start()
    except OSError as error:
        raise Refused(f"the lab cannot listen: {error.strerror}", hint="--port 0 takes ports that are free") from None
    try:
        yield
    finally:
        running.stop()


def serve_hosts(running: RunningLab) -> None:
    from bot.lab.running import render_toml

    with _listening(running):
        sys.stdout.write(render_toml(running))
        sys.stdout.flush()
        sys.stderr.write("The simulated hosts run until Ctrl+C.\n")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
