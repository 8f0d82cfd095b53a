"""Slack on bad days: nothing is said twice, nothing is lost, and what the channel shows is what the rows say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from bot.core.lifecycle import State
from bot.lab.slack import Fault, Message
from bot.operations.intake import Intake
from bot.settings import SlackSettings
from bot.slack.listeners import SlackFront
from tests.faults.waiting import assert_true_and_single, key_of, until, until_shown
from tests.ferry import Ferry

OFFER = "move storage VM-10 \\\\server02\\vmstore"
FAULTS = {
    "429": Fault(status=429, retry_after_s=1),
    "500": Fault(status=500),
    "reset before Slack took it": Fault(reset="before"),
    "reset after Slack took it": Fault(reset="after"),
}
each_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    with Ferry(tmp_path_factory.mktemp("lab"), speed=100, rate_limits=False) as ferry:
        yield ferry


@pytest.fixture
def ferry(lab: Ferry) -> Iterator[Ferry]:
    """The lab, with a look afterwards whether any card differs from its row or was posted twice."""
    yield lab
    assert_true_and_single(lab)


def answers_to(ferry: Ferry, ts: str) -> list[Message]:
    """What Ferry posted for a message said in #ops: its key holds the message's ts."""
    return [message for message in ferry.server.messages("#ops") if ts in key_of(message)]


@each_fault
def test_a_card_is_posted_once(ferry: Ferry, fault: Fault) -> None:
    ferry.server.fail_next("chat.postMessage", fault)
    card = ferry.say(OFFER)
    ferry.press(card, "Cancel")
    assert f"{ferry.operation(card).id} · declined" in ferry.wait_until_ended(card)


def test_a_card_is_true_after_updates_that_came_to_nothing(ferry: Ferry) -> None:
    card = ferry.say(OFFER)
    ferry.server.fail_next("chat.update", FAULTS["reset after Slack took it"])
    ferry.press(card, "Cancel")
    assert f"{ferry.operation(card).id} · declined" in ferry.wait_until_ended(card)


@each_fault
def test_an_answer_is_posted_once(ferry: Ferry, fault: Fault) -> None:
    ferry.server.fail_next("chat.postMessage", fault)
    ts = ferry.server.say("alice", "#ops", "where VM-10")
    ferry.wait(lambda: answers_to(ferry, ts))
    until(lambda: not ferry.bot.store.unanswered())
    assert len(answers_to(ferry, ts)) == 1


@pytest.mark.parametrize(
    ("vm", "fault"), [("VM-01", FAULTS["500"]), ("VM-04", FAULTS["reset after Slack took it"])], ids=["500", "reset"]
)
def test_the_lines_of_a_thread_are_posted_once_and_all(ferry: Ferry, vm: str, fault: Fault) -> None:
    card = ferry.say(f"migrate {vm} to host02")
    ferry.server.fail_next("chat.postMessage", fault)
    ferry.press(card, "Confirm")
    ferry.wait_until_ended(card)
    until_shown(ferry)
    lines = "\n".join(ferry.steps(card)).splitlines()
    assert ferry.operation(card).state is State.SUCCEEDED
    assert len(lines) == len(set(lines))
    assert [line for line in lines if line.startswith(("checked again", "verified: "))] == [lines[0], lines[-1]]


def test_a_refresh_in_the_middle_loses_and_repeats_nothing(ferry: Ferry) -> None:
    said = []
    for number in range(6):
        said.append(ferry.server.say("alice", "#ops", "where VM-10"))
        if number == 2:
            ferry.server.refresh_sockets()
    ferry.wait(lambda: all(answers_to(ferry, ts) for ts in said))
    assert [len(answers_to(ferry, ts)) for ts in said] == [1] * 6


def test_two_sockets_and_retried_envelopes_make_one_answer(ferry: Ferry) -> None:
    given = ferry.lab.slack_settings()
    settings = SlackSettings.model_validate(given | {"bot_token": SecretStr(given["bot_token"])})
    front = SlackFront(settings, ping_s=0.3)
    intake = next(part for part in ferry.bot.parts if isinstance(part, Intake))
    front.start(intake.take)
    ferry.wait(lambda: ferry.server.connections == 2)
    said = [ferry.server.say("alice", "#ops", "where VM-10") for _ in range(4)]
    ferry.wait(lambda: all(answers_to(ferry, ts) for ts in said))
    events = [one for one in ferry.server.deliveries() if one.payload.get("event", {}).get("ts") in said]
    for delivery in events:
        ferry.server.redeliver(delivery.envelope_id)
    ids = {delivery.envelope_id for delivery in events}
    ferry.wait(lambda: all(one.attempts > 1 for one in ferry.server.deliveries() if one.envelope_id in ids))
    last = ferry.server.say("alice", "#ops", "where VM-10")
    ferry.wait(lambda: answers_to(ferry, last))
    front.stop()
    assert [len(answers_to(ferry, ts)) for ts in said] == [1] * 4


def test_a_press_that_comes_twice_confirms_once(ferry: Ferry) -> None:
    card = ferry.say(OFFER)
    ferry.press(card, "Cancel", who="alice")
    ferry.press(card, "Cancel", who="bob")
    ferry.wait_until_ended(card)
    whisper = ferry.wait(lambda: [one for who in ("alice", "bob") for one in ferry.server.ephemerals(who)])
    assert "was declined by" in ferry.text(whisper[-1])
    operation = ferry.operation(card)
    events = [entry.body for entry in ferry.bot.store.journal(operation.id) if '"decline"' in entry.body]
    assert len(events) == 1
