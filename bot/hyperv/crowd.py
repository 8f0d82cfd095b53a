"""Lets so many read whole hosts at a time: a hundred at once would slow each other down past their time limits.

A turn is lent for a moment only. Whoever takes longer waits for the host, not for this machine's processors, and goes
on beside the others; so a host that is slow or dead delays nobody else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

MOST = 16
TURN_S = 0.5
"""A warm host with 40 VMs takes Ferry 0.04 s of a core (measured in the lab); what else it takes is the host's time."""


class Crowd:
    """Thread-safe. First come, first served, nearly."""

    def __init__(self, most: int = MOST, turn_s: float = TURN_S) -> None:
        self._most = most
        self._turn_s = turn_s
        self._ends: dict[object, float] = {}  # of each turn that is lent, by time.monotonic()
        self._changed = Condition()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for a turn, and holds it at most so long."""
        mine = object()
        with self._changed:
            while (pause_s := self._until_free_s()) > 0:
                self._changed.wait(pause_s)
            self._ends[mine] = time.monotonic() + self._turn_s
        try:
            yield
        finally:
            with self._changed:
                self._ends.pop(mine, None)
                self._changed.notify()

    def _until_free_s(self) -> float:
        """Not positive: there is a turn."""
        now = time.monotonic()
        self._ends = {turn: end for turn, end in self._ends.items() if end > now}
        return min(self._ends.values()) - now if len(self._ends) >= self._most else 0.0
