"""A hundred commands, presses and suggestions a second: how soon each is acknowledged, and how soon answered.

    python -m pytest -n 0 -m benchmark tests/benchmarks/test_events.py -s

Ferry is a process of its own, on a SQLite file, and so are its 100 simulated hosts with 5,000 VMs; the workspace, which
sends as fast as it is told to and does not limit calls, is this process: all share this machine's processors. A minute
for each way; FERRY_EVENTS_S sets another time, FERRY_EVENTS_A_SECOND another pace, FERRY_REFRESH_S how often Ferry
looks at all hosts meanwhile.
"""

from __future__ import annotations

import os
import random
import socket
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from statistics import quantiles

import pytest

from bot.lab.slack import Delivery, InView, SlackServer
from bot.lab.slack.model import JsonObject
from bot.slack.manifest import HTTP_PATH
from bot.slack.modals import ACTION
from tests.benchmarks.many_hosts import Shape
from tests.benchmarks.process import cpu_percent, estate, ferry, read_usage
from tests.contract.slack_lab import running

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

HOSTS, VMS = 100, 5000
SECONDS = float(os.environ.get("FERRY_EVENTS_S", "60"))
PACE = float(os.environ.get("FERRY_EVENTS_A_SECOND", "100"))
SECRET = "a signing secret"
PEOPLE = tuple(f"p{number:02}x" for number in range(20))
PATIENCE_S = 180.0
IDLE_PERCENT = 10
REFRESH_S = float(os.environ.get("FERRY_REFRESH_S", "300"))
OPS = "#ops"


class Crowd:
    """People who do at random what there is to do."""

    def __init__(self, server: SlackServer) -> None:
        self._server = server
        self._random = random.Random(1)
        self._typed: list[str] = []
        self._deeds: list[Callable[[str], object]] = [self._ask, self._mention, self._press, self._type, self._type]

    def gather(self) -> None:
        """There is something to press, and everybody has a form open."""
        server = self._server
        for who in PEOPLE:
            server.slash(who, OPS, "/ferry", "migrate")
            server.wait_for(lambda one=who: server.modal(one), PATIENCE_S)  # type: ignore[misc]
        while not self._suggested(PEOPLE[0], f"vm-{VMS - 1}").result(PATIENCE_S):  # hosts are still being looked at
            time.sleep(1)
        server.say(PEOPLE[0], OPS, "lock VM-000 because of a test")
        self._card = server.wait_for(lambda: next((m.ts for m in server.messages(OPS) if m.buttons), ""), PATIENCE_S)

    def act(self) -> None:
        self._random.choice(self._deeds)(self._random.choice(PEOPLE))

    def _ask(self, who: str) -> None:
        self._server.say(who, OPS, self._random.choice(("status", "help", "scheduled", "locks")))

    def _mention(self, who: str) -> None:
        """Two events, of which one is answered."""
        self._server.say(who, OPS, f"@Ferry history VM-{self._random.randrange(VMS):03}")

    def _press(self, who: str) -> None:
        self._server.press(who, OPS, self._card, "Unlock")

    def _type(self, who: str) -> None:
        self._suggested(who, f"vm-{self._random.randrange(100)}")

    def _suggested(self, who: str, typed: str) -> Future[Sequence[JsonObject]]:
        modal = self._server.modal(who)
        assert modal is not None
        return self._server.search(who, InView(modal.view["id"]), "vm", ACTION, typed)


@pytest.mark.parametrize("mode", ["socket", "http"])
def test_events_a_second(tmp_path: Path, figures: Callable[[str], None], mode: str) -> None:
    with (
        running(people=PEOPLE, rate_limits=False, ping_s=5.0) as server,
        estate(tmp_path, Shape(HOSTS, VMS, on=HOSTS, at_once=2)) as settings,
    ):
        settings["slack"] = slack_settings(server, mode)
        settings["operations"]["refresh_s"] = REFRESH_S
        settings["remote"]["read_timeout_s"] = PATIENCE_S  # the simulated ends may be the slower ones
        with ferry(settings, tmp_path, "all", "ferry") as process:
            crowd = Crowd(server)
            crowd.gather()
            wait_until_idle(process)
            print(f"{mode}: {PACE:.0f} deeds a second begin", flush=True)
            heard, before = len(server.deliveries()), read_usage(process)
            began = time.monotonic()
            sent = drive(crowd)
            after = read_usage(process)
            sent_s = time.monotonic() - began
            server.wait_for(
                lambda: all(one.acknowledged or one.lost for one in server.deliveries()[heard:]), PATIENCE_S
            )
            deliveries = server.deliveries()[heard:]
            answered_s = (
                wait_until_answered(Path(settings["operations"]["database_url"].removeprefix("sqlite:///")), began)
                - sent_s
            )
    report(figures, mode, deliveries, sent, sent_s)
    figures(
        f"  Ferry worked {cpu_percent(before, after):.0f} % of a core, {after.memory_mb:.0f} MB,"
        f" {after.threads} threads; the last answer came {answered_s:.1f} s after the last event"
        f" (load {os.getloadavg()[0]:.1f})"
    )


def slack_settings(server: SlackServer, mode: str) -> dict[str, object]:
    settings: dict[str, object] = {
        "bot_token": server.bot_token,
        "app_token": server.app_token,
        "api_url": server.api_url,
        "allow": [server.user_id(who) for who in PEOPLE],
        "bare_channels": [server.channel_id("ops")],
    }
    if mode == "http":
        with socket.create_server(("127.0.0.1", 0)) as free:
            listen = f"127.0.0.1:{free.getsockname()[1]}"
        settings |= {"mode": "http", "listen": listen, "signing_secret": SECRET}
        server.deliver_to(f"http://{listen}{HTTP_PATH}", SECRET)
    return settings


def wait_until_idle(process: int) -> None:
    """All hosts have been looked at."""
    idle, before = 0, read_usage(process)
    while idle < 3:
        time.sleep(1)
        after = read_usage(process)
        idle, before = (idle + 1 if cpu_percent(before, after) < IDLE_PERCENT else 0), after


def drive(crowd: Crowd) -> int:
    """At an even pace, whether Ferry keeps up or not."""
    began, sent = time.monotonic(), 0
    while sent < SECONDS * PACE:
        wait_s = began + sent / PACE - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        crowd.act()
        sent += 1
    return sent


def wait_until_answered(database: Path, began: float) -> float:
    """Seconds from the beginning until nothing is unanswered any more."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        while connection.execute("SELECT count(*) FROM inbox WHERE answered_at IS NULL").fetchone()[0]:
            assert time.monotonic() - began < SECONDS + PATIENCE_S
            time.sleep(0.2)
    return time.monotonic() - began


def report(figures: Callable[[str], None], mode: str, deliveries: list[Delivery], sent: int, sent_s: float) -> None:
    took = [one.ack_s for one in deliveries if one.ack_s is not None]
    p = quantiles(took, n=1000)
    lost, again = sum(one.lost for one in deliveries), sum(one.attempts > 1 for one in deliveries)
    figures(
        f"{mode}: {len(deliveries)} events for {sent} deeds in {sent_s:.0f} s, {len(deliveries) / sent_s:.0f} a second:"
        f" acknowledged after p50 {1000 * p[499]:.0f} ms, p99 {1000 * p[989]:.0f} ms,"
        f" at most {1000 * max(took):.0f} ms; {lost} lost, {again} sent again"
    )
