"""A thread that does its duties in turn, each in its own period, until it is stopped."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable

log = logging.getLogger(__name__)

Duty = tuple[float, Callable[[], None]]
"""A period in seconds, and what is done then. A duty that raises is logged, and is done again in its next turn."""


class Ticker:
    """Started once, stopped once."""

    def __init__(self, name: str, duties: Iterable[Duty]) -> None:
        self._duties = tuple(duties)
        self._due_at = [0.0] * len(self._duties)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        now = time.monotonic()
        self._due_at = [now + period_s for period_s, _ in self._duties]
        self._thread.start()

    def stop(self, patience_s: float = 5.0) -> None:
        """No further duty begins. Idempotent."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(patience_s)

    def _run(self) -> None:
        while not self._stopping.wait(max(0.0, min(self._due_at) - time.monotonic())):
            for number, (period_s, work) in enumerate(self._duties):
                if self._due_at[number] <= time.monotonic() and not self._stopping.is_set():
                    self._do(work)
                    self._due_at[number] = time.monotonic() + period_s

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            # The thread's top: one failing duty must not end the others.
            log.exception("incident=%s thread=%s", secrets.token_hex(4), self._thread.name)
