"""Rows become cards: the real store, the real poster, slack_sdk and the workspace on loopback, on good and bad days."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr
from slack_sdk import WebClient

from bot.core.card import render_card
from bot.core.evacuation import Evacuation
from bot.core.lifecycle import Event
from bot.core.names import UserId, VmId
from bot.core.operation import Ask, Operation, Outcome, Place
from bot.core.plan import Plan
from bot.core.reply import Code, Reply
from bot.lab.slack import ChannelSetup, Fault, Message, SlackServer
from bot.lab.world.clock import ManualClock
from bot.operations.announcer import Announcer
from bot.operations.store import Store
from bot.ports import Chat, Clock
from bot.settings import SlackSettings
from bot.slack.poster import Poster, connect
from tests.contract.slack_lab import running
from tests.core.rows import live_plan
from tests.faults.waiting import until
from tests.operations.rows import discharge, enlist

WAIT_S = 8
OUTCOME = Outcome(summary="running on host02, gone from host01")


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with running(channels=("ops", ChannelSetup("elsewhere", with_bot=False))) as one:
        yield one


@pytest.fixture
def poster(server: SlackServer) -> Poster:
    return Poster(client(server))


def client(server: SlackServer) -> WebClient:
    return connect(SlackSettings(bot_token=SecretStr(server.bot_token), api_url=server.api_url))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path, WallClock()) as one:
        yield one


@contextmanager
def opened(folder: Path, clock: Clock) -> Iterator[Store]:
    store = Store(f"sqlite:///{folder}/ferry.sqlite", clock)
    store.migrate()
    try:
        yield store
    finally:
        store.close()


def draw(_: Evacuation) -> bytes:
    return b"a picture"


def look(_: Evacuation) -> None:
    """Nothing here is an evacuation that has ended."""


@contextmanager
def announcing(
    store: Store, chat: Chat, clock: Clock | None = None, updates_per_minute: int = 40, holder: str = ""
) -> Iterator[Announcer]:
    announcer = Announcer(store, chat, clock or WallClock(), updates_per_minute, holder, draw=draw, look=look)
    announcer.start()
    try:
        yield announcer
    finally:
        announcer.stop()


def propose(
    store: Store,
    server: SlackServer,
    key: str = "1",
    *,
    where: str = "#ops",
    thread: str | None = None,
    at: datetime | None = None,
    plan: Plan | None = None,
) -> Operation:
    at = at or datetime.now(UTC)
    ask = Ask(
        key=key,
        text="migrate VM-01 to host02",
        actor=UserId(server.user_id("alice")),
        place=Place(team="T0LAB00000", channel=server.channel_id(where), thread=thread),
        at=at,
        received_at=at,
    )
    return store.propose(plan or live_plan(), ask, at + timedelta(minutes=10))


def run(store: Store, operation: str, *events: Event) -> None:
    for event in events:
        outcome = OUTCOME if event is Event.SUCCEED else None
        assert store.change(operation, event, by=UserId("U0BOB00000"), outcome=outcome) is not None


TO_RUNNING = (Event.CONFIRM, Event.GRANT, Event.START)


def card_that(server: SlackServer, says: str, where: str = "#ops") -> Message:
    """The card once it says this."""

    def find() -> Message | None:
        return next((one for one in server.messages(where) if says in one.text), None)

    found = server.wait_for(find, WAIT_S)
    assert found is not None
    return found


def calls(server: SlackServer, method: str) -> list[str]:
    """Outcomes of the calls of a method: "" or an error code."""
    return [error for name, error in server.calls() if name == method]


# Good days


def test_a_card_follows_its_row_from_offer_to_end(server: SlackServer, store: Store, poster: Poster) -> None:
    with announcing(store, poster):
        operation = propose(store, server)
        card = card_that(server, "Move VM-01 from host01 to host02?")
        assert [button.label for button in card.buttons] == ["Confirm", "Cancel"]
        assert card.metadata == {"event_type": "ferry_card", "event_payload": {"key": operation.id}}
        run(store, operation.id, Event.CONFIRM)
        card_that(server, "VM-01 waits to move")
        run(store, operation.id, Event.GRANT, Event.START)
        store.progress(operation.id, 47)
        card_that(server, "47 %")
        run(store, operation.id, Event.VERIFY, Event.SUCCEED)
        end = card_that(server, "VM-01 is on host02")
        assert end.ts == card.ts
        assert end.buttons == ()
        assert len(server.messages("#ops")) == 1


def test_lines_go_to_the_cards_thread_in_their_order(server: SlackServer, store: Store, poster: Poster) -> None:
    operation = propose(store, server)
    with announcing(store, poster):
        card = card_that(server, "Move VM-01")
        store.step(operation.id, ("asked ", Code(text="host01"), " to compare"))
        store.step(operation.id, ("both hosts fit",))
        store.step(operation.id, ("sent to host01",))
        server.wait_for(
            lambda: "sent to host01" in "\n".join(one.text for one in server.thread("#ops", card.ts)), WAIT_S
        )
    said = "\n".join(one.text for one in server.thread("#ops", card.ts))
    assert said.splitlines() == ["asked `host01` to compare", "both hosts fit", "sent to host01"]


def test_a_command_said_in_a_thread_keeps_everything_there(server: SlackServer, store: Store, poster: Poster) -> None:
    parent = server.say("alice", "#ops", "let us move it")
    operation = propose(store, server, thread=parent)
    store.step(operation.id, ("a line",))
    with announcing(store, poster):
        server.wait_for(lambda: len(server.thread("#ops", parent)) == 2, WAIT_S)
    texts = [one.text for one in server.thread("#ops", parent)]
    assert "Move VM-01" in texts[0]
    assert texts[1] == "a line"
    assert len(server.messages("#ops")) == 1


def test_percent_ticks_coalesce_and_the_end_does_not_wait_for_them(
    server: SlackServer, store: Store, poster: Poster
) -> None:
    operation = propose(store, server)
    run(store, operation.id, *TO_RUNNING)
    with announcing(store, poster):
        card_that(server, "is moving")
        for percent in range(100):
            store.progress(operation.id, percent)
        run(store, operation.id, Event.VERIFY, Event.SUCCEED)
        end = card_that(server, "VM-01 is on host02")
    assert (end.current.at - end.versions[0].at).total_seconds() < 2
    assert len(end.versions) <= 4


def test_the_budget_holds_whatever_happens_and_ends_are_shown_first(
    server: SlackServer, tmp_path: Path, poster: Poster
) -> None:
    clock, budget = ManualClock(), 4
    with opened(tmp_path, clock) as store, announcing(store, poster, clock, budget):
        operations = [propose(store, server, str(number), at=clock.now()) for number in range(6)]
        server.wait_for(lambda: len(server.messages("#ops")) == 6, WAIT_S)
        for operation in operations[:4]:
            run(store, operation.id, Event.DECLINE)
        server.wait_for(lambda: len(calls(server, "chat.update")) == budget, WAIT_S)
        run(store, operations[4].id, Event.CONFIRM)
        run(store, operations[5].id, Event.DECLINE)
        clock.advance(59)
        store.changed.ring()
        propose(store, server, "new", at=clock.now())  # posting has a limit of its own
        server.wait_for(lambda: len(server.messages("#ops")) == 7, WAIT_S)
        assert len(calls(server, "chat.update")) == budget
        clock.advance(2)
        store.changed.ring()
        server.wait_for(lambda: len(calls(server, "chat.update")) == budget + 2, WAIT_S)
        end, change = sorted(server.messages("#ops"), key=lambda one: one.current.at)[-2:]
        assert f"{operations[5].id} · declined" in end.text
        assert f"{operations[4].id} · queued" in change.text


def test_of_twenty_moves_at_once_every_end_is_shown_within_the_minutes_budget(
    server: SlackServer, tmp_path: Path, poster: Poster
) -> None:
    """The clock stands, so no more than one minute's budget is there: changes leave room for the ends to come."""
    clock, server.rate_limits = ManualClock(), False
    with opened(tmp_path, clock) as store, announcing(store, poster, clock, 40):
        moves = [
            propose(store, server, str(number), at=clock.now(), plan=live_plan(id=VmId(str(UUID(int=number)))))
            for number in range(20)
        ]
        server.wait_for(lambda: len(server.messages("#ops")) == 20, WAIT_S)
        for event in (Event.CONFIRM, Event.GRANT, Event.START):
            for move in moves:
                run(store, move.id, event)
            server.wait_for(lambda: len(calls(server, "chat.update")) >= 20, WAIT_S)
        for move in moves:
            run(store, move.id, Event.VERIFY, Event.SUCCEED)
        server.wait_for(lambda: all("succeeded" in one.text for one in server.messages("#ops")), WAIT_S)
    assert len(calls(server, "chat.update")) == 40


# Bad days


def test_a_pause_of_updates_does_not_hold_up_new_cards(server: SlackServer, store: Store, poster: Poster) -> None:
    first = propose(store, server)
    with announcing(store, poster):
        card_that(server, "Move VM-01")
        server.fail_next("chat.update", Fault(status=429, retry_after_s=1))
        run(store, first.id, Event.DECLINE)
        server.wait_for(lambda: calls(server, "chat.update") == ["429"], WAIT_S)
        propose(store, server, "2")
        server.wait_for(lambda: len(server.messages("#ops")) == 2, WAIT_S)
        assert calls(server, "chat.update") == ["429"]
        card_that(server, "was declined")
    assert calls(server, "chat.update") == ["429", ""]


@pytest.mark.parametrize(
    "fault",
    [Fault(reset="after"), Fault(reset="before"), Fault(status=503), Fault(status=429), Fault(error="internal_error")],
    ids=["answer lost", "request lost", "server error", "rate limited", "internal error"],
)
def test_a_card_is_posted_once_whatever_becomes_of_the_answer(
    server: SlackServer, store: Store, poster: Poster, fault: Fault
) -> None:
    with announcing(store, poster):
        server.fail_next("chat.postMessage", fault)
        operation = propose(store, server)
        card_that(server, "Move VM-01")
        run(store, operation.id, Event.DECLINE)
        card_that(server, "was declined")
    assert len(server.messages("#ops")) == 1


def test_a_card_that_a_predecessor_posted_before_it_died_is_adopted(
    server: SlackServer, store: Store, poster: Poster
) -> None:
    operation = propose(store, server)
    ts = poster.post(operation.place, render_card(operation, datetime.now(UTC)), key=operation.id)
    with announcing(store, poster):
        run(store, operation.id, Event.DECLINE)
        assert card_that(server, "was declined").ts == ts
    assert len(server.messages("#ops")) == 1


def test_a_channel_that_may_not_be_read_gets_its_card_all_the_same(
    server: SlackServer, store: Store, poster: Poster
) -> None:
    server.fail_next("conversations.history", Fault(error="missing_scope"))
    propose(store, server)
    with announcing(store, poster):
        card_that(server, "Move VM-01")
    assert calls(server, "conversations.history") == ["missing_scope"]


def test_a_card_that_was_deleted_is_given_up(server: SlackServer, store: Store, poster: Poster) -> None:
    operation, other = propose(store, server), propose(store, server, "2")
    with announcing(store, poster):
        server.wait_for(lambda: len(server.messages("#ops")) == 2, WAIT_S)
        card = next(one for one in server.messages("#ops") if f"{operation.id} ·" in one.text)
        client(server).chat_delete(channel=card.channel, ts=card.ts)
        run(store, operation.id, Event.DECLINE)
        server.wait_for(lambda: "message_not_found" in calls(server, "chat.update"), WAIT_S)
        run(store, other.id, Event.DECLINE)
        card_that(server, "was declined")
        told = server.wait_for(lambda: server.ephemerals("alice"), WAIT_S)
    assert f"The card of `{operation.id}` cannot be kept up to date any more: message_not_found" in told[0].text
    assert calls(server, "chat.update").count("message_not_found") == 1
    assert store.cards_due() == ()


def test_a_place_where_ferry_is_not_a_member_is_told_to_the_asker(
    server: SlackServer, store: Store, poster: Poster
) -> None:
    operation = propose(store, server, where="#elsewhere")
    direct = server.direct_channel("alice")
    with announcing(store, poster):
        server.wait_for(lambda: bool(server.messages(direct)), WAIT_S)
    assert f"The card of `{operation.id}` cannot be shown there: not_in_channel" in server.messages(direct)[0].text
    assert "Needed: Ferry as a member of that channel" in server.messages(direct)[0].text
    assert "`migrate VM-01 to host02`" in server.messages(direct)[0].text
    assert store.cards_due() == ()


def test_where_nothing_can_be_said_membership_is_not_blamed(server: SlackServer, store: Store, poster: Poster) -> None:
    server.fail_next("chat.postMessage", Fault(error="restricted_action"))
    operation = propose(store, server)
    with announcing(store, poster):
        server.wait_for(lambda: bool(server.ephemerals("alice")), WAIT_S)
    told = server.ephemerals("alice")[0].text
    assert f"The card of `{operation.id}` cannot be shown there: restricted_action" in told
    assert "Needed: a channel that takes what Ferry says. Say again there:" in told


class Breaking:
    """A chat that meets a bug with one card; everything else goes to Slack."""

    def __init__(self, poster: Poster, key: str) -> None:
        self._poster = poster
        self._key = key
        self.update, self.whisper, self.find = poster.update, poster.whisper, poster.find

    def post(self, place: Place, reply: Reply, *, key: str = "") -> str:
        if key == self._key:
            raise ZeroDivisionError(key)
        return self._poster.post(place, reply, key=key)


def test_a_bug_with_one_card_is_logged_under_an_incident_and_holds_up_no_other(
    server: SlackServer, store: Store, poster: Poster, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = propose(store, server), propose(store, server, "2")
    with announcing(store, Breaking(poster, broken.id)):
        card = card_that(server, f"{sound.id} · proposed")
    assert [message.ts for message in server.messages("#ops")] == [card.ts]
    assert f"operation={broken.id}" in caplog.text
    assert "incident=" in caplog.text
    assert "ZeroDivisionError" in caplog.text


# Several announcers


def test_only_one_announcer_works_and_another_takes_over_at_once_when_it_stops(
    server: SlackServer, store: Store, poster: Poster
) -> None:
    enlist(store, "first")
    enlist(store, "second")
    with announcing(store, poster, holder="first"):
        first = propose(store, server)
        card_that(server, f"{first.id} · proposed")
        assert not store.lease("announcer", "second")
    assert store.lease("announcer", "second")
    with announcing(store, poster, holder="second"):
        run(store, first.id, Event.DECLINE)
        card_that(server, "was declined")
    assert len(server.messages("#ops")) == 1


def test_an_announcer_without_the_lease_says_nothing(server: SlackServer, tmp_path: Path, poster: Poster) -> None:
    with opened(tmp_path, WallClock()) as store:
        enlist(store, "somebody else")
        assert store.lease("announcer", "somebody else")
        propose(store, server)
        with announcing(store, poster):
            store.changed.ring()
            assert server.messages("#ops") == []
            discharge(store, "somebody else")
            store.changed.ring()
            card_that(server, "Move VM-01")


class Stalling:
    """A poster whose process stands still after Slack took its post, until told to go on."""

    def __init__(self, poster: Poster) -> None:
        self._poster = poster
        self.posted, self.go_on = threading.Event(), threading.Event()

    def post(self, place: Place, reply: Reply, *, key: str = "") -> str:
        ts = self._poster.post(place, reply, key=key)
        self.posted.set()
        assert self.go_on.wait(WAIT_S)
        return ts

    def __getattr__(self, name: str) -> object:
        return getattr(self._poster, name)


def test_who_stood_still_while_another_took_over_takes_back_what_both_have_posted(
    server: SlackServer, store: Store, poster: Poster
) -> None:
    enlist(store, "first")
    enlist(store, "second")
    stalling = Stalling(poster)
    with announcing(store, stalling, holder="first"):  # type: ignore[arg-type]
        operation = propose(store, server)
        assert stalling.posted.wait(WAIT_S)
        (early,) = server.messages("#ops")
        server.fail_next("conversations.history", Fault(error="missing_scope"))  # it cannot be found
        discharge(store, "first")
        with announcing(store, poster, holder="second"):
            server.wait_for(lambda: len(server.messages("#ops")) == 2, WAIT_S)
            until(lambda: not store.cards_due())
            stalling.go_on.set()
            server.wait_for(lambda: len(server.messages("#ops")) == 1, WAIT_S)
            (left,) = server.messages("#ops")
            assert left.ts != early.ts
            run(store, operation.id, Event.DECLINE)
            card_that(server, "was declined")


def test_what_a_predecessor_posted_is_found_although_its_clock_was_slow(
    server: SlackServer, store: Store, poster: Poster
) -> None:
    """The person's time is Slack's, and the announcer's clock is a minute behind it."""
    clock = ManualClock(datetime.now(UTC) - timedelta(minutes=1))
    operation = propose(store, server)
    poster.post(operation.place, render_card(operation, clock.now()), key=operation.id)
    with announcing(store, poster, clock):
        until(lambda: not store.cards_due())
    assert len(server.messages("#ops")) == 1


def test_an_announcer_that_was_never_started_can_be_stopped(store: Store, poster: Poster) -> None:
    Announcer(store, poster, WallClock(), 40, draw=draw, look=look).stop()
