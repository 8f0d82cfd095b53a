"""A thread that does its duties in turn, each in its own period, until it is stopped."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable

log = logging.getLogger(__name__)

Duty = tuple[float, Callable[[], float | None]]
"""A period in seconds, and what is done then; the seconds that it returns are once the period. A duty that raises is
logged, and is done again in its next turn."""


class Ticker:
    """Started once, stopped once.

    Args:
        at_once: whether every duty's first turn is at the start, instead of one period after it.
    """

    def __init__(self, name: str, duties: Iterable[Duty], *, at_once: bool = False) -> None:
        self._duties = tuple(duties)
        self._at_once = at_once
        self._due_at = [0.0] * len(self._duties)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        now = time.monotonic()
        self._due_at = [now if self._at_once else now + period_s for period_s, _ in self._duties]
        self._thread.start()

    def stop(self, patience_s: float = 5.0) -> None:
        """No further duty begins. Idempotent."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(patience_s)

    @property
    def stopped(self) -> bool:
        """Whether no further duty begins."""
        return self._stopping.is_set()

    def _run(self) -> None:
        while not self._stopping.wait(max(0.0, min(self._due_at) - time.monotonic())):
            for number, (period_s, work) in enumerate(self._duties):
                if self._due_at[number] <= time.monotonic() and not self._stopping.is_set():
                    pause_s = self._do(work)
                    self._due_at[number] = time.monotonic() + (period_s if pause_s is None else pause_s)

    def _do(self, work: Callable[[], float | None]) -> float | None:
        try:
            return work()
        except Exception:
            # The thread's top: one failing duty must not end the others.
            log.exception("incident=%s thread=%s", secrets.token_hex(4), self._thread.name)
            return None
