"""Files for threads are made beside the cards, not between them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from bot.core.evacuation import Evacuation
from bot.core.lifecycle import State
from bot.operations.drawing import Drawings
from bot.operations.store.evacuations import ARRIVALS, PICTURE
from tests.core.test_evacuation import row

PATIENCE_S = 10.0


def made(drawings: Drawings, done: threading.Event, shown: Evacuation) -> None:
    drawings.ready(shown, PICTURE)
    assert done.wait(PATIENCE_S)
    assert drawings.ready(shown, PICTURE)


def drawn_by(draw: Callable[[Evacuation], bytes]) -> tuple[Drawings, threading.Event]:
    done = threading.Event()
    return Drawings(draw, look, done.set), done


def look(_: Evacuation) -> None:
    raise AssertionError("only asked for what came to a host")


def test_nobody_waits_for_a_picture_and_it_is_told_when_it_is_there() -> None:
    go = threading.Event()

    def draw(_: Evacuation) -> bytes:
        assert go.wait(PATIENCE_S)
        return b"a picture"

    drawings, done = drawn_by(draw)
    shown = row(State.SUCCEEDED)
    assert not drawings.ready(shown, PICTURE)
    assert not drawings.ready(shown, PICTURE)
    assert not done.is_set()
    go.set()
    assert done.wait(PATIENCE_S)
    assert drawings.ready(shown, PICTURE)
    assert drawings.take(shown, PICTURE) == b"a picture"


def test_what_could_not_be_drawn_is_drawn_again_when_it_is_wanted_again() -> None:
    tries = iter([ZeroDivisionError(), None])

    def draw(_: Evacuation) -> bytes:
        if error := next(tries):
            raise error
        return b"a picture"

    drawings, done = drawn_by(draw)
    shown = row(State.SUCCEEDED)
    made(drawings, done, shown)
    with pytest.raises(ZeroDivisionError):
        drawings.take(shown, PICTURE)
    done.clear()
    made(drawings, done, shown)
    assert drawings.take(shown, PICTURE) == b"a picture"


def test_a_line_that_hosts_fill_in_is_looked_for_beside_the_cards_and_again_after_an_accident() -> None:
    done, looks = threading.Event(), iter([ZeroDivisionError(), None])

    def look(_: Evacuation) -> None:
        if error := next(looks):
            raise error

    drawings, shown = Drawings(lambda _: b"", look, done.set), row(State.SUCCEEDED)
    assert not drawings.ready(shown, ARRIVALS)
    assert done.wait(PATIENCE_S)
    with pytest.raises(ZeroDivisionError):
        drawings.ready(shown, ARRIVALS)
    done.clear()
    assert not drawings.ready(shown, ARRIVALS)
    assert done.wait(PATIENCE_S)
