"""The intake, with a real poster and the Slack stand-in: claimed once, answered once, taken up after a restart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from bot.core.names import UserId
from bot.core.operation import Ask, Place
from bot.core.reply import Interim, Reply, say
from bot.lab.slack import SlackServer
from bot.lab.slack.faults import Fault
from bot.operations.intake import Intake
from bot.operations.store import Store
from bot.settings import SlackSettings
from bot.slack.poster import Poster, connect
from tests.contract.slack_lab import running

PATIENCE_S = 8.0
Answer = Callable[[Ask, bool], Reply | Interim | None]


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with running() as server:
        yield server


@pytest.fixture
def poster(slack: SlackServer) -> Poster:
    return Poster(connect(SlackSettings(bot_token=SecretStr(slack.bot_token), api_url=slack.api_url)))


@contextmanager
def receiving(store: Store, poster: Poster, answer: Answer, workers: int = 2) -> Iterator[Intake]:
    intake = Intake(store, answer, poster, workers=workers, pause_s=0.001)
    intake.start()
    try:
        yield intake
    finally:
        intake.stop()


def ask(slack: SlackServer, text: str, key: str = "") -> Ask:
    now = datetime.now(UTC)
    place = Place(team="T1", channel=slack.channel_id("#ops"))
    actor = UserId(slack.user_id("alice"))
    return Ask(key=key or f"k/{text}", text=text, actor=actor, place=place, at=now, received_at=now)


def echo(asked: Ask, again: bool = False) -> Reply | None:
    return say(f"you said {asked.text}")


def posted(slack: SlackServer) -> list[str]:
    return [line for message in slack.messages("#ops") for line in slack.render_text(message)]


def seen(slack: SlackServer, text: str) -> Callable[[], bool]:
    return lambda: sum(text in line for line in posted(slack)) > 0


def all_answered(store: Store) -> None:
    while store.unanswered():
        assert store.changed.wait(PATIENCE_S), "something stays unanswered"


def test_an_ask_is_answered_where_it_was_said(store, slack, poster):
    with receiving(store, poster, echo) as intake:
        assert intake.take(ask(slack, "status"))
        slack.wait_for(seen(slack, "you said status"), PATIENCE_S)
        all_answered(store)


def test_what_is_delivered_twice_is_answered_once(store, slack, poster):
    asked = ask(slack, "status")
    with receiving(store, poster, echo) as intake:
        assert intake.take(asked)
        assert not intake.take(asked)
        assert intake.take(ask(slack, "last"))
        slack.wait_for(seen(slack, "you said last"), PATIENCE_S)
    assert sum("you said status" in line for line in posted(slack)) == 1


def test_a_private_answer_is_whispered(store, slack, poster):
    with receiving(store, poster, lambda asked, again: say("only you", private=True)) as intake:
        intake.take(ask(slack, "stauts"))
        slack.wait_for(lambda: slack.ephemerals("alice"), PATIENCE_S)
    assert posted(slack) == []


def test_no_answer_means_that_a_card_answers(store, slack, poster):
    with receiving(store, poster, lambda asked, again: None) as intake:
        intake.take(ask(slack, "confirm m-1"))
        all_answered(store)
    assert posted(slack) == []


def test_taking_does_not_wait_for_the_answer(store, slack, poster):
    held, go = threading.Event(), threading.Event()

    def slow(asked: Ask, again: bool = False) -> Reply | None:
        held.set()
        assert go.wait(PATIENCE_S)
        return echo(asked)

    with receiving(store, poster, slow, workers=1) as intake:
        assert intake.take(ask(slack, "one"))
        assert held.wait(PATIENCE_S)
        assert intake.take(ask(slack, "two"))
        go.set()
        slack.wait_for(seen(slack, "you said two"), PATIENCE_S)


def test_what_was_not_answered_is_taken_up_at_the_next_start(store, slack, poster):
    left = ask(slack, "left behind")
    store.take(left)
    with receiving(store, poster, echo) as intake:
        slack.wait_for(seen(slack, "you said left behind"), PATIENCE_S)
        all_answered(store)
        assert not intake.take(left)


def test_a_mistake_of_ours_costs_one_answer_and_no_worker(store, slack, poster, caplog):
    def broken(asked: Ask, again: bool = False) -> Reply | None:
        if asked.text == "bad":
            raise ZeroDivisionError
        return echo(asked)

    with receiving(store, poster, broken, workers=1) as intake:
        intake.take(ask(slack, "bad"))
        intake.take(ask(slack, "good"))
        slack.wait_for(seen(slack, "you said good"), PATIENCE_S)
    assert [left.text for left in store.unanswered()] == ["bad"]
    assert any("incident=" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429, retry_after_s=0),
        Fault(status=503),
        Fault(reset="before"),
        Fault(reset="after"),
        Fault(error="internal_error"),
    ],
    ids=["rate limit", "unavailable", "never arrived", "arrived without an answer", "internal error"],
)
def test_chat_that_stumbles_gets_the_answer_once(store, slack, poster, fault):
    slack.fail_next("chat.postMessage", fault, times=1)
    with receiving(store, poster, echo) as intake:
        intake.take(ask(slack, "status"))
        all_answered(store)
    assert sum("you said status" in line for line in posted(slack)) == 1


def test_an_answer_outlasts_a_long_outage(store, slack, poster):
    slack.fail_next("chat.postMessage", Fault(status=503), times=9)
    with receiving(store, poster, echo) as intake:
        assert intake.take(ask(slack, "status"))
        slack.wait_for(seen(slack, "you said status"), PATIENCE_S)
        all_answered(store)


def test_who_says_too_much_is_told_once_and_their_buttons_still_count(store, slack, poster, caplog):
    answered: list[str] = []

    def note(asked: Ask, again: bool = False) -> Reply | None:
        answered.append(asked.text)

    intake = Intake(store, note, poster, per_minute=3)
    intake.start()
    try:
        assert [intake.take(ask(slack, f"said {number}")) for number in range(6)] == [True] * 3 + [False] * 3
        assert not intake.take(ask(slack, "said 1"))  # delivered again: it is known, and says nothing new
        press = ask(slack, "cancel m-1").model_copy(update={"kind": "button"})
        assert intake.take(press)
        assert intake.take(ask(slack, "edited").model_copy(update={"kind": "retraction"}))
        other = ask(slack, "by another").model_copy(update={"actor": UserId(slack.user_id("bob"))})
        assert intake.take(other)
        (told,) = slack.wait_for(lambda: slack.ephemerals("alice"), PATIENCE_S)
        assert "more than 3 things within a minute" in "\n".join(slack.render_text(told))
        all_answered(store)
    finally:
        intake.stop()
    assert sorted(answered) == sorted(["said 0", "said 1", "said 2", "cancel m-1", "edited", "by another"])
    assert len(slack.ephemerals("alice")) == 1
    assert [record.getMessage() for record in caplog.records if "asks_ignored" in record.getMessage()]


def test_one_who_asks_a_lot_keeps_nobody_waiting(store, slack, poster):
    go = threading.Event()

    def slow(asked: Ask, again: bool = False) -> Reply | None:
        if asked.text.startswith("slow"):
            assert go.wait(PATIENCE_S)
        return echo(asked)

    with receiving(store, poster, slow, workers=3) as intake:
        for number in range(5):
            assert intake.take(ask(slack, f"slow {number}"))
        assert intake.take(ask(slack, "quick").model_copy(update={"actor": UserId(slack.user_id("bob"))}))
        slack.wait_for(seen(slack, "you said quick"), PATIENCE_S)
        go.set()
        all_answered(store)


def test_an_answer_that_chat_refuses_for_good_is_given_up(store, slack, poster):
    asked = ask(slack, "status").model_copy(update={"place": Place(team="T1", channel="C0GONE")})
    with receiving(store, poster, echo) as intake:
        intake.take(asked)
        all_answered(store)


def test_stopping_does_not_wait_for_a_slow_answer(store, slack, poster):
    held, go = threading.Event(), threading.Event()

    def slow(asked: Ask, again: bool = False) -> Reply | None:
        held.set()
        go.wait(PATIENCE_S)
        return echo(asked)

    intake = Intake(store, slow, poster, workers=1)
    intake.start()
    intake.take(ask(slack, "slow"))
    assert held.wait(PATIENCE_S)
    intake.stop(patience_s=0.01)
    assert [left.text for left in store.unanswered()] == ["slow"]
    go.set()
    all_answered(store)


def test_an_ask_that_another_process_has_taken_over_is_answered_there_only(store, slack, poster):
    """This one stood still for so long that it was thought dead: first before, then while it worked out the answer."""
    held, go = threading.Event(), threading.Event()

    def slow(asked: Ask, again: bool = False) -> Reply | None:
        held.set()
        assert go.wait(PATIENCE_S)
        return echo(asked)

    intake = Intake(store, slow, poster, workers=1, holder="paused#1")
    intake.start()
    intake.take(ask(slack, "first"))
    intake.take(ask(slack, "second"))
    assert held.wait(PATIENCE_S)
    with receiving(store, poster, echo):
        all_answered(store)
    go.set()
    intake.stop()
    assert sorted(posted(slack)) == ["you said first", "you said second"]


def two_steps(learn: Callable[[], Reply]) -> Answer:
    return lambda asked, again: Interim(say(f"{asked.text}: asking"), learn)


def test_an_interim_answer_is_replaced_where_it_stands(store, slack, poster):
    """It keeps nobody waiting, not even with one worker."""
    go = threading.Event()

    def learn() -> Reply:
        assert go.wait(PATIENCE_S)
        return say("all answered")

    with receiving(store, poster, two_steps(learn), workers=1) as intake:
        intake.take(ask(slack, "hosts"))
        intake.take(ask(slack, "more"))
        slack.wait_for(seen(slack, "more: asking"), PATIENCE_S)
        assert posted(slack) == ["hosts: asking", "more: asking"]
        assert len(store.unanswered()) == 2
        go.set()
        all_answered(store)
    assert posted(slack) == ["all answered", "all answered"]


@pytest.mark.parametrize("call", ["chat.postMessage", "chat.update"])
@pytest.mark.parametrize("fault", [Fault(status=503), Fault(reset="after")], ids=["unavailable", "without an answer"])
def test_an_interim_answer_is_replaced_though_chat_stumbles(store, slack, poster, call, fault):
    slack.fail_next(call, fault, times=1)
    with receiving(store, poster, two_steps(lambda: say("all answered"))) as intake:
        intake.take(ask(slack, "hosts"))
        all_answered(store)
    assert posted(slack) == ["all answered"]


def test_an_interim_answer_of_a_process_that_died_is_replaced_by_the_next(store, slack, poster):
    never = threading.Event()
    asked = ask(slack, "hosts")
    late = two_steps(lambda: say("too late") if never.wait(PATIENCE_S) else say("never"))
    first = Intake(store, late, poster, holder="dead")
    first.start()
    first.take(asked)
    slack.wait_for(seen(slack, "hosts: asking"), PATIENCE_S)
    first.stop()
    with receiving(store, poster, two_steps(lambda: say("all answered"))):
        all_answered(store)
    never.set()
    assert posted(slack) == ["all answered"]


def test_an_interim_answer_that_chat_does_not_take_is_given_up(store, slack, poster):
    asked = ask(slack, "hosts").model_copy(update={"place": Place(team="T1", channel="C0GONE")})
    with receiving(store, poster, two_steps(lambda: say("all answered"))) as intake:
        intake.take(asked)
        all_answered(store)
