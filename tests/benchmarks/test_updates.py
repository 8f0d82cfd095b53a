"""Three hundred moves run, and some end all the time: how soon cards show ends, and how many calls that takes.

    python -m pytest -n 0 -m benchmark tests/benchmarks/test_updates.py -s

Rows are driven directly, so that only the announcing is measured: store, announcer, poster and slack_sdk are the real
ones, and so are Slack's limits, which the simulated workspace enforces. Twice six minutes, of which four are measured;
FERRY_UPDATES_S sets another time for those.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

import pytest
from pydantic import SecretStr

from bot.core.evacuation import Evacuation
from bot.core.lifecycle import Event
from bot.core.names import UserId
from bot.core.operation import Ask, Outcome, Place
from bot.lab.slack import SlackServer
from bot.operations.announcer import Announcer
from bot.operations.store import Store
from bot.settings import SlackSettings
from bot.slack.poster import Poster, connect
from tests.contract.slack_lab import running
from tests.operations.offers import make_plan

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

RUNNING, HOSTS = 300, 100
SECONDS = float(os.environ.get("FERRY_UPDATES_S", "240"))
ENDS_A_MINUTE = (15, 30)
TICK_S = 6.0  # a percent of one move
BUDGET = 40  # updates a minute, as the settings say if nobody changes it
WINDOW_S = 60.0
BEGUN = (Event.CONFIRM, Event.GRANT, Event.START)
DONE = Outcome(summary="running on its destination, gone from its source")


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def draw(_: Evacuation) -> bytes:
    return b""


def look(_: Evacuation) -> None:
    """Nothing here is an evacuation."""


class Fleet:
    """Operations whose rows move on as if hosts moved VMs."""

    def __init__(self, store: Store, server: SlackServer) -> None:
        self._store = store
        self._server = server
        self._random = random.Random(1)
        self._offered: list[str] = []
        self._percents: dict[str, int] = {}
        self.ended: list[str] = []

    def offer(self, number: int) -> None:
        source = f"host{number % HOSTS:02d}"
        plan = make_plan(number, source=source, destination=f"host{(number + 1) % HOSTS:02d}")
        now = datetime.now(UTC)
        place = Place(team="T0LAB00000", channel=self._server.channel_id("#ops"))
        actor = UserId(self._server.user_id("alice"))
        ask = Ask(key=f"k{number}", text=plan.command, actor=actor, place=place, at=now, received_at=now)
        self._offered.append(self._store.propose(plan, ask, now + timedelta(hours=1)).id)

    def begin(self) -> None:
        name = self._offered.pop(0)
        for event in BEGUN:
            assert self._store.change(name, event, by=UserId("U0BOB00000"))
        self._store.step(name, ("checked again: as it was offered",))
        self._percents[name] = self._random.randrange(60)

    def tick(self) -> None:
        name = self._random.choice(sorted(self._percents))
        self._percents[name] = min(99, self._percents[name] + 1)
        self._store.progress(name, self._percents[name])

    def end(self) -> None:
        name = self._random.choice(sorted(self._percents))
        del self._percents[name]
        assert self._store.change(name, Event.VERIFY)
        self._store.step(name, ("verified: running on its destination",))
        assert self._store.change(name, Event.SUCCEED, outcome=DONE)
        self.ended.append(name)

    def drive(self, seconds: float, ends_a_minute: int) -> None:
        """Ends come at random, and another move begins after each."""
        began = time.monotonic()
        next_tick, next_end = began, began
        while (now := time.monotonic()) < began + seconds:
            if now >= next_end:
                self.end()
                self.begin()
                next_end += self._random.expovariate(ends_a_minute / 60)
            elif now >= next_tick:
                self.tick()
                next_tick += TICK_S / RUNNING
            else:
                time.sleep(min(next_tick, next_end) - now)


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with running(rate_limits=False) as one:
        yield one


@pytest.mark.parametrize("ends_a_minute", ENDS_A_MINUTE)
def test_three_hundred_at_once(
    server: SlackServer, tmp_path: Path, figures: Callable[[str], None], ends_a_minute: int
) -> None:
    store = Store(f"sqlite:///{tmp_path}/ferry.sqlite", WallClock())
    store.migrate()
    client = connect(SlackSettings(bot_token=SecretStr(server.bot_token), api_url=server.api_url))
    announcer = Announcer(store, Poster(client), WallClock(), BUDGET, draw=draw, look=look)
    fleet = Fleet(store, server)
    offers = RUNNING + int((SECONDS + WINDOW_S) * ends_a_minute / 60 * 1.5) + 20
    announcer.start()
    try:
        for number in range(1, offers + 1):
            fleet.offer(number)
        server.wait_for(lambda: len(server.messages("#ops")) == offers, 300)
        server.rate_limits = True  # the cards of what was offered long ago
        for _ in range(RUNNING):
            fleet.begin()
        updated: list[float] = []
        server.watch(
            lambda method, done: updated.append(time.monotonic()) if method == "chat.update" and done else None
        )
        fleet.drive(WINDOW_S, ends_a_minute)  # until changes of three hundred rows at once are a minute old
        fleet.ended.clear()
        calls = len(server.calls())
        fleet.drive(SECONDS, ends_a_minute)
        ended = list(fleet.ended)
        late_s = [lateness(store, server, name) for name in ended]
        limited = [name for name, outcome in server.calls()[calls:] if outcome == "ratelimited"]
    finally:
        announcer.stop()
        store.close()
    p, most = quantiles(late_s, n=100), most_within(updated, WINDOW_S)
    figures(
        f"{RUNNING} moves, {len(ended)} ends in {SECONDS:.0f} s: on their cards after p50 {p[49]:.1f} s,"
        f" p95 {p[94]:.1f} s, at most {max(late_s):.1f} s; most updates within a minute {most} of {BUDGET};"
        f" {len(limited)} calls refused: {sorted(set(limited))} (load {os.getloadavg()[0]:.1f})"
    )
    assert most <= BUDGET


def lateness(store: Store, server: SlackServer, name: str) -> float:
    """From the row's end to the first version of its card that shows it."""
    row = store.find(name)
    assert row is not None
    assert row.ended_at is not None

    def shown() -> datetime | None:
        card = next(one for one in server.messages("#ops") if (one.metadata or {})["event_payload"]["key"] == name)
        return next((one.at for one in card.versions if f"{name} · succeeded" in str(one.text)), None)

    found = server.wait_for(shown, 300)
    assert found is not None
    return (found - row.ended_at).total_seconds()


def most_within(moments: Sequence[float], window_s: float) -> int:
    return max((sum(at <= one < at + window_s for one in moments) for at in moments), default=0)
