"""The thread that does duties in turn: when each has its turn, and that none of them ends it."""

from __future__ import annotations

import threading
from collections import Counter
from queue import Queue

from bot.operations.ticker import Ticker

PATIENCE_S = 10.0
LONG_S = 3600.0


def test_what_a_duty_returns_is_once_the_pause_before_its_next_turn() -> None:
    done: Queue[str] = Queue()
    pauses = iter((0.01, 0.01))

    def work() -> float | None:
        done.put("done")
        return next(pauses, None)

    ticker = Ticker("test", ((LONG_S, work),), at_once=True)
    ticker.start()
    assert [done.get(timeout=PATIENCE_S) for _ in range(3)] == ["done"] * 3
    ticker.stop()
    assert ticker.stopped


def test_a_duty_that_raises_has_its_next_turn_and_holds_up_no_other() -> None:
    turns: Queue[str] = Queue()

    def fail() -> None:
        turns.put("fail")
        raise ValueError

    ticker = Ticker("test", ((0.01, fail), (0.01, lambda: turns.put("other"))))
    ticker.start()
    seen = Counter({"fail": 0, "other": 0})
    while min(seen.values()) < 2:
        seen[turns.get(timeout=PATIENCE_S)] += 1
    ticker.stop()
    assert set(seen) == {"fail", "other"}


def test_nothing_is_done_before_the_first_period_and_after_the_end() -> None:
    begun = threading.Event()
    ticker = Ticker("test", ((LONG_S, begun.set),))
    ticker.start()
    ticker.stop()
    ticker.stop()
    assert not begun.is_set()
