"""Waiting for what rings no bell: that a card's row keeps what Slack shows, and the like."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.core.operation import Operation
from bot.lab.slack import Message
from bot.operations.store import CardDue
from tests.ferry import Ferry

PATIENCE_S = 20.0
POLL_S = 0.02


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(POLL_S)


def until_shown(ferry: Ferry) -> None:
    """Every card and every line of a thread is as the rows have it."""
    until(lambda: not ferry.bot.store.cards_due())


def key_of(message: Message) -> str:
    """What Ferry can find its own message by."""
    return str((message.metadata or {}).get("event_payload", {}).get("key", ""))


def assert_true_and_single(ferry: Ferry) -> None:
    """Every card shows the state of its row, every line is in its thread, and nothing was posted twice."""
    until_shown(ferry)
    assert_cards_true_and_single(ferry)


def assert_cards_true_and_single(ferry: Ferry) -> None:
    """The same of cards and answers alone: threads follow at one line a second."""
    until(lambda: not any(_is_behind(card) for card in ferry.bot.store.cards_due()))
    messages = [message for message in ferry.server.messages("#ops") if key_of(message)]
    keys = [key_of(message) for message in messages]
    assert sorted(set(keys)) == sorted(keys)
    for message in messages:
        operation = ferry.bot.store.find_shown(key_of(message))
        if isinstance(operation, Operation):
            assert f"{operation.id} · {operation.state}" in ferry.text(message)


def _is_behind(card: CardDue) -> bool:
    return card.ts is None or card.shown_version < card.operation.version
