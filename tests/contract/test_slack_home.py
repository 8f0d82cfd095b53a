"""Homes in Slack: who opens theirs is shown it, by the bot that heard of it; what a button there types, and where."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.core.estate import Estate, Seen
from bot.core.home import Home
from bot.core.names import UserId
from bot.core.operation import Ask, Place
from bot.core.policy import Policy, simple
from bot.core.reply import Button
from bot.lab.slack import Fault, SlackServer
from bot.lab.terminal import run_terminal
from bot.operations.authority import Authority
from bot.operations.homes import HomeKeeper
from bot.operations.store import Store
from bot.settings import SlackSettings
from bot.slack.home import HomeBoard
from bot.slack.listeners import SlackFront
from tests.contract.slack_lab import running, web

WAIT_S = 5


class HandClock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 30, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


class Bench:
    """A bot's homes, with hosts that change by hand."""

    def __init__(self, server: SlackServer, folder: Path) -> None:
        self.server = server
        self.clock = HandClock()
        self.hosts = ("host01",)
        self.store = Store(f"sqlite:///{folder / 'ferry.sqlite'}", self.clock)
        self.store.migrate()
        self.alice = UserId(server.user_id("alice"))
        self.place = Place(team="T0LAB00000", channel=server.direct_channel("alice"))

    def keeper(self, turn_s: float = 0.01) -> HomeKeeper:
        authority = Authority(Policy(rules=simple([self.alice])), self.clock)
        board = HomeBoard(web(self.server))
        return HomeKeeper(self.store, board, self.estate, authority, self.clock, turn_s=turn_s, pause_s=0.01)

    def estate(self) -> Estate:
        return Estate(hosts=tuple(Seen(host=host, at=self.clock.at, failure="off") for host in self.hosts))

    def published(self) -> list[str]:
        return [error for method, error in self.server.calls() if method == "views.publish"]


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with running() as started:
        yield started


@pytest.fixture
def bench(server: SlackServer, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(server, tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def serve(bench: Bench) -> Iterator[Callable[[], HomeKeeper]]:
    started: list[HomeKeeper] = []

    def start() -> HomeKeeper:
        started.append(bench.keeper())
        started[-1].start()
        return started[-1]

    yield start
    for keeper in started:
        keeper.stop()


def shows(bench: Bench, text: str) -> bool:
    return text in str(bench.server.home("alice"))


def test_a_home_is_shown_when_opened_and_again_when_something_changed(
    bench: Bench, serve: Callable[[], HomeKeeper]
) -> None:
    serve().opened(bench.alice, bench.place)
    bench.server.wait_for(lambda: shows(bench, "host01"), WAIT_S)
    bench.hosts = ("host01", "host02")
    bench.clock.at += timedelta(seconds=9)
    assert bench.server.workspace.wait_for(lambda: shows(bench, "host02"), 0.1) is None
    bench.clock.at += timedelta(seconds=2)
    bench.server.wait_for(lambda: shows(bench, "host02"), WAIT_S)
    assert bench.published() == ["", ""]


def test_it_stops_at_once_though_nobody_looks(bench: Bench) -> None:
    keeper = bench.keeper(turn_s=60)
    keeper.start()
    keeper.stop(patience_s=10)
    assert "ferry-homes" not in [thread.name for thread in threading.enumerate()]


def test_whoever_has_not_opened_it_for_an_hour_is_forgotten(bench: Bench, serve: Callable[[], HomeKeeper]) -> None:
    keeper = serve()
    keeper.opened(bench.alice, bench.place)
    bench.server.wait_for(lambda: shows(bench, "host01"), WAIT_S)
    bench.clock.at += timedelta(hours=1, seconds=1)
    bench.hosts = ("host02",)
    assert bench.server.workspace.wait_for(lambda: shows(bench, "host02"), 0.1) is None
    keeper.opened(bench.alice, bench.place)
    bench.server.wait_for(lambda: shows(bench, "host02"), WAIT_S)


def test_of_two_bots_the_one_that_heard_of_the_last_opening_shows_the_home(
    bench: Bench, serve: Callable[[], HomeKeeper]
) -> None:
    first, second = serve(), serve()
    first.opened(bench.alice, bench.place)
    bench.server.wait_for(lambda: len(bench.published()) == 1, WAIT_S)
    second.opened(bench.alice, bench.place)
    bench.server.wait_for(lambda: len(bench.published()) == 2, WAIT_S)
    bench.clock.at += timedelta(seconds=11)
    bench.hosts = ("host02",)
    bench.server.wait_for(lambda: sorted(bench.published()) == ["", "", "", "hash_conflict"], WAIT_S)
    assert shows(bench, "host02")


def test_what_was_overtaken_by_another_bot_is_left_alone(bench: Bench, serve: Callable[[], HomeKeeper]) -> None:
    serve().opened(bench.alice, bench.place)
    bench.server.wait_for(lambda: shows(bench, "host01"), WAIT_S)
    other = {"type": "home", "blocks": [{"type": "divider"}]}
    web(bench.server).views_publish(user_id=bench.alice, view=other)
    for seconds in (11, 22):
        bench.clock.at += timedelta(seconds=seconds)
        bench.hosts = (f"host{seconds}",)
        bench.server.wait_for(lambda: bench.published()[-1] == "hash_conflict", WAIT_S)
    assert bench.published() == ["", "", "hash_conflict"]
    assert not shows(bench, "host")


@pytest.mark.parametrize("fault", [Fault(status=429, retry_after_s=1), Fault(error="internal_error")])
def test_what_slack_does_not_take_is_shown_later(bench: Bench, serve: Callable[[], HomeKeeper], fault: Fault) -> None:
    bench.server.fail_next("views.publish", fault)
    serve().opened(bench.alice, bench.place)
    bench.server.wait_for(bench.published, WAIT_S)
    assert bench.server.home("alice") is None
    bench.clock.at += timedelta(seconds=11)
    bench.server.wait_for(lambda: shows(bench, "host01"), WAIT_S)


@pytest.mark.parametrize("refusal", ["", "view_too_large", "invalid_arguments"])
def test_a_home_that_slack_does_not_take_says_where_to_read_it(bench: Bench, refusal: str) -> None:
    """What Ferry sees by itself is not even sent."""
    if refusal:
        bench.server.fail_next("views.publish", Fault(error=refusal))
    home = Home(buttons=() if refusal else (Button(label="", sends=""),))
    HomeBoard(web(bench.server)).publish(bench.alice, bench.place, home, "")
    assert shows(bench, "type `status` and `hosts`")
    assert bench.published() == [*([refusal] if refusal else []), ""]


def test_opening_and_pressing_reach_ferry_with_the_direct_message_as_their_place(server: SlackServer) -> None:
    asks: list[Ask] = []
    opened: list[tuple[UserId, Place]] = []

    def take(ask: Ask) -> bool:
        asks.append(ask)
        server.workspace.notify()
        return True

    def hear(user: UserId, place: Place) -> None:
        opened.append((user, place))
        server.workspace.notify()

    settings = SlackSettings(
        bot_token=SecretStr(server.bot_token), app_token=SecretStr(server.app_token), api_url=server.api_url
    )
    front = SlackFront(settings, ping_s=0.3)
    front.start(take, opened=hear)
    try:
        server.wait_for(lambda: server.connections, WAIT_S)
        server.open_home("alice")
        server.wait_for(lambda: opened, WAIT_S)
        place = Place(team="T0LAB00000", channel=server.direct_channel("alice"))
        assert opened == [(server.user_id("alice"), place)]
        button = {"type": "button", "text": {"type": "plain_text", "text": "Help"}, "value": "help", "action_id": "a"}
        view = {"type": "home", "private_metadata": place.model_dump_json()}
        blocks = [{"type": "actions", "elements": [button]}]
        front.client.views_publish(user_id=server.user_id("alice"), view=view | {"blocks": blocks})
        server.press_home("alice", "Help")
        output, script = io.StringIO(), io.StringIO("/home\n/home Help\n/home Nothing\n")
        run_terminal(server, "alice", "#ops", settle_s=0.1, stdin=script, stdout=output)
        server.wait_for(lambda: len(asks) == 2, WAIT_S)
    finally:
        front.stop()
    assert "[Help]" in output.getvalue()
    assert "no button 'Nothing'" in output.getvalue()
    assert {(ask.text, ask.kind, ask.place, ask.card) for ask in asks} == {("help", "button", place, "")}
    assert len({ask.key for ask in asks}) == 2
