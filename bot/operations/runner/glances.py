"""What the rows of all moves under way say now, read once for all of them instead of once for each.

A row that is followed hardly ever changes by anybody's hand but its runner's, yet its runner has to notice soon when it
does: a cancel, or another attempt. With hundreds of moves under way, asking for each alone is most of a process's work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from bot.errors import DatabaseUnavailable
from bot.operations.store import Standing


class Glances:
    """Thread-safe.

    Args:
        read: of all operations that hold a place, by id.
        fresh_s: how long what was read is good enough.
    """

    def __init__(self, read: Callable[[], Mapping[str, Standing]], fresh_s: float) -> None:
        self._read = read
        self._fresh_s = fresh_s
        self._lock = threading.Lock()
        self._standings: Mapping[str, Standing] = {}
        self._stale_at = 0.0  # of time.monotonic()

    def of(self, operation_id: str) -> Standing | None:
        """How it stood at most so long ago. None: nobody can say so; its own row tells."""
        with self._lock:  # whoever comes while it is read waits, and has what the first has read
            now = time.monotonic()
            if now >= self._stale_at:
                try:
                    self._standings = self._read()
                except DatabaseUnavailable:
                    self._standings = {}  # not told here: whoever asks for its own row is
                self._stale_at = now + self._fresh_s
            return self._standings.get(operation_id)
