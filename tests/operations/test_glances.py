"""One read tells all runners whether their rows are still theirs: soon enough, and never wrongly for good."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from bot.core.lifecycle import Event
from bot.core.operation import Operation
from bot.errors import DatabaseUnavailable
from bot.operations.runner.glances import Glances
from bot.operations.store import Standing, Store
from tests.operations.offers import BOB, SetClock, both
from tests.operations.rows import know_room

MINE = Standing(attempt=1, cancel_asked=False)


def test_those_who_ask_together_share_one_read() -> None:
    reads, reading, go_on = [], threading.Event(), threading.Event()

    def read() -> Mapping[str, Standing]:
        reads.append(1)
        reading.set()
        assert go_on.wait(10)
        return {"m-1": MINE, "m-2": MINE}

    glances = Glances(read, fresh_s=60)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(glances.of, f"m-{number % 3}") for number in range(8)]
        assert reading.wait(10)
        go_on.set()
        seen = [each.result(timeout=10) for each in asked]
    assert seen == [None if number % 3 == 0 else MINE for number in range(8)]
    assert len(reads) == 1


def test_what_was_read_is_good_enough_for_a_while_only() -> None:
    told = iter([{"m-1": MINE}, {"m-1": MINE._replace(cancel_asked=True)}])
    glances = Glances(lambda: next(told), fresh_s=0)
    assert [glances.of("m-1"), glances.of("m-1")] == [MINE, MINE._replace(cancel_asked=True)]


def test_a_database_that_gives_no_answer_is_asked_once_by_all_and_told_of_by_each_ones_own_row() -> None:
    tries = []

    def read() -> Mapping[str, Standing]:
        tries.append(1)
        raise DatabaseUnavailable("it is gone", needed="it", hint="wait")

    glances = Glances(read, fresh_s=60)
    assert [glances.of("m-1"), glances.of("m-2")] == [None, None]
    assert len(tries) == 1


@both
def test_the_rows_of_what_holds_a_place_are_read_and_no_others(
    store: Store, clock: SetClock, propose: Callable[..., Operation]
) -> None:
    know_room(store, clock)
    held = propose(1).id
    propose(2)
    store.change(held, Event.CONFIRM, by=BOB)
    assert store.standings() == {held: MINE}
    assert store.ask_cancel(held, BOB)
    assert store.regrant(held, 1)
    assert store.standings() == {held: Standing(attempt=2, cancel_asked=True)}
    store.change(held, Event.CANCEL, by=BOB)
    assert store.standings() == {}
