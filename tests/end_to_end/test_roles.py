"""Ferry as several processes, started and stopped as a supervisor does: bots and workers on one PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.lab.running import CHANNEL, RunningLab, render_toml
from bot.lab.scenario import SCENARIOS
from bot.lab.slack import Message, SlackServer
from bot.lab.world import Event, RunningClock
from tests.postgres import Postgres

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
STOPPED_WITHIN_S = 10.0


class Site:
    """A lab, and the processes that people and supervisors see."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.clock = RunningClock(1)
        self.world = SCENARIOS["small"](self.clock)
        self.slack = SlackServer(rate_limits=False)
        self.lab = RunningLab(self.world, folder, slack=self.slack)
        self._config = folder / "ferry.toml"
        self._database_url = database_url

    def configure(self) -> None:
        sections = {"slack": self.lab.slack_settings(), "operations": {"database_url": self._database_url}}
        head = "".join(
            f"[{name}]\n" + "".join(f"{key} = {value!r}\n" for key, value in section.items())
            for name, section in sections.items()
        )
        self._config.write_text(head + render_toml(self.lab))

    @contextmanager
    def pair(self) -> Iterator[tuple[subprocess.Popen[str], subprocess.Popen[str]]]:
        """A bot and a worker, started together; both work once it is entered."""
        bot, worker = (self._start(role) for role in ("bot", "worker"))
        try:
            for each in (bot, worker):
                assert each.stderr is not None
                said = iter(each.stderr.readline, "")
                assert any("looks after host01, host02, host03" in line for line in said)
            yield bot, worker
        finally:
            for each in (bot, worker):
                each.kill()
                each.communicate()

    def _start(self, role: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bot", "run", "--role", role, "--config", str(self._config)]
        return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)

    def card(self, text: str) -> Message:
        message = self.slack.wait_for(
            lambda: next((one for one in self.slack.messages(f"#{CHANNEL}") if text in self.text(one)), None),
            PATIENCE_S,
        )
        assert message is not None, [self.text(one) for one in self.slack.messages(f"#{CHANNEL}")]
        return message

    def text(self, message: Message) -> str:
        return "\n".join(self.slack.render_text(message))

    def moves(self) -> int:
        return sum(job.title.startswith("Moving") for job in self.world.active_jobs())


@pytest.fixture
def site(tmp_path: Path, postgres_server: Postgres) -> Iterator[Site]:
    name = postgres_server.create()
    made = Site(tmp_path, postgres_server.url(name))
    with made.lab:
        made.configure()
        yield made
    postgres_server.drop(name)


def stop(process: subprocess.Popen[str]) -> None:
    """As a supervisor does."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    assert time.monotonic() - began < STOPPED_WITHIN_S


def test_a_move_outlives_the_worker_and_the_bot_that_began_it(site: Site) -> None:
    with site.pair() as (bot, worker):
        site.slack.say("alice", f"#{CHANNEL}", "migrate VM-01 to host02")
        card = site.card("Move VM-01 from host01 to host02?")
        site.slack.press("bob", card.channel, card.ts, "Confirm")
        assert site.world.wait_until(lambda: site.moves() == 1, PATIENCE_S)
        stop(worker)
        stop(bot)
    with site.pair():
        site.card("VM-01 is on host02")
    starts = site.world.journal.of(site.world.vm("VM-01"), Event.STARTED)
    assert sum(entry.kind.startswith("Moving") for entry in starts) == 1
