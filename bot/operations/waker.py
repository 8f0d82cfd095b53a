"""Wakes a thread that waits for something to have changed. It says that, never what: whoever wakes reads the rows."""

from __future__ import annotations

import threading


class Waker:
    """One waiting thread, any number that ring. A ring while nobody waits is kept for the next wait."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        self._rung.set()

    def wait(self, timeout_s: float) -> bool:
        """Whether it was rung since the last wait ended, at once or within the time."""
        rung = self._rung.wait(timeout_s)
        self._rung.clear()
        return rung
