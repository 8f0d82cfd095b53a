"""Whose move is prepared now: few at a time with each host, nobody forgotten."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from bot.operations.runner.turns import Turns


def never() -> bool:
    return False


@pytest.mark.parametrize("third", [("host01", "host03"), ("host03", "host02")])
def test_the_third_waits_until_one_of_two_has_left(third: tuple[str, str]) -> None:
    """At one of its hosts two are being prepared, whichever way round they move."""
    turns, asked, entered = Turns(at_once=2, pause_s=60), threading.Event(), threading.Event()

    def asks() -> bool:
        asked.set()
        return False

    def prepare() -> None:
        with turns.take(third, asks):
            entered.set()

    with ExitStack() as first:
        first.enter_context(turns.take(("host01", "host02"), never))
        with turns.take(("host02", "host01"), never), ThreadPoolExecutor(1) as pool:
            waits = pool.submit(prepare)
            assert asked.wait(10)
            assert not entered.is_set()
            first.close()
            waits.result(timeout=10)
    assert entered.is_set()


def test_other_hosts_wait_for_nobody() -> None:
    turns = Turns(at_once=1, pause_s=60)
    with turns.take(("host01", "host02"), never), turns.take(("host03", "host04"), never):
        pass


def test_a_turn_that_is_unwanted_is_waited_for_no_longer() -> None:
    turns = Turns(at_once=1, pause_s=0.01)
    with turns.take(["host01"], never), turns.take(["host01"], lambda: True):
        pass  # without a turn: whoever waited sees for himself that he is unwanted
    with turns.take(["host01"], never):
        pass  # and nothing was given back that had not been taken


def test_what_the_question_raises_gives_back_what_was_taken() -> None:
    turns = Turns(at_once=1, pause_s=60)

    def lost() -> bool:
        raise LookupError

    with turns.take(["host02"], never), pytest.raises(LookupError), turns.take(["host01", "host02"], lost):
        pass
    with turns.take(["host01"], never):
        pass


def test_a_few_look_as_often_as_one_and_many_no_more_often_than_a_few() -> None:
    turns = Turns(at_once=1, pause_s=60)
    pauses = []
    with ExitStack() as looking:
        for _ in range(100):
            looking.enter_context(turns.looking())
            pauses.append(turns.between_looks_s(0.5))
    assert (pauses[0], pauses[19], pauses[39], pauses[99]) == (0.5, 0.5, 1.0, 2.5)
    assert turns.between_looks_s(0.5) == 0.5
