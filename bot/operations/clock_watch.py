"""Notices a clock that has gone wrong since the start, which refuses a wrong one: in the log and the audit channel.

It stops nothing: moves are followed by steady clocks, and who lives is told without any. People have to set it right.
"""

from __future__ import annotations

import logging

from bot.operations.store import Store
from bot.operations.store.clocks import REMEDY, find_difference
from bot.operations.store.notices import add_notices, begin

LOOK_S = 60.0

log = logging.getLogger(__name__)


class ClockWatch:
    """Of one process.

    Args:
        process: its name among the others.
        channel: that hears of it; empty: none.
    """

    def __init__(self, store: Store, process: str, channel: str) -> None:
        self._store = store
        self._process = process
        self._channel = channel
        self._told = False  # that it is wrong

    def look(self) -> None:
        """Tell it once when it has become wrong, and once when it is right again."""
        apart = find_difference(self._store.database, self._store.clock.now())
        if bool(apart) == self._told:
            return
        if apart:
            log.error("clock_wrong process=%s clock=%r hint=%r", self._process, apart, REMEDY)
            self._tell(f"⚠️ The clock of {self._process} is {apart}; {REMEDY}")
        else:
            log.warning("clock_right process=%s", self._process)
            self._tell(f"The clock of {self._process} agrees with the database server's again")
        self._told = bool(apart)

    def _tell(self, words: str) -> None:
        if self._channel:
            with self._store.database.writing() as connection:
                begin(connection)
                add_notices(connection, (self._channel,), (words,), self._store.clock.now())
