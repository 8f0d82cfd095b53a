"""How many read whole hosts at a time, and that who takes long delays nobody."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Queue

import pytest

from bot.hyperv.crowd import Crowd

LONG_S = 20.0


def enter(crowd: Crowd, inside: Queue[int], go: threading.Event, number: int) -> None:
    with crowd.turn():
        inside.put(number)
        assert go.wait(LONG_S)


def test_no_more_than_so_many_at_a_time_and_then_the_next() -> None:
    crowd, inside = Crowd(most=2, turn_s=LONG_S), Queue[int]()
    go = [threading.Event() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        for number in range(3):
            pool.submit(enter, crowd, inside, go[number], number)
            if number < 2:
                assert inside.get(timeout=LONG_S) == number
        with pytest.raises(Empty):
            inside.get(timeout=0.1)
        go[1].set()
        assert inside.get(timeout=LONG_S) == 2
        go[0].set()
        go[2].set()


def test_who_takes_longer_than_a_turn_keeps_nobody_waiting() -> None:
    crowd, inside, go = Crowd(most=1, turn_s=0.05), Queue[int](), threading.Event()
    with ThreadPoolExecutor(3) as pool:
        for number in range(3):
            pool.submit(enter, crowd, inside, go, number)
        assert {inside.get(timeout=LONG_S) for _ in range(3)} == {0, 1, 2}
        go.set()


def test_a_turn_is_given_back_when_reading_fails() -> None:
    crowd = Crowd(most=1, turn_s=LONG_S)
    for _ in range(2):
        with pytest.raises(ValueError), crowd.turn():
            raise ValueError
