"""Asks Slack who people are and which channels are shared: when one of them is to change something and what is known
has grown old, and now and then for those on whom something open rests. It decides nothing.

A process that does not hear Slack asks nothing, and goes by what the others have written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from bot.core.policy import Marks
from bot.errors import ChatError
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals
from bot.operations.store.groups import GroupRows
from bot.operations.ticker import Ticker
from bot.ports import Clock, Directory

log = logging.getLogger(__name__)

PAUSE = timedelta(seconds=10)
"""Until somebody of whom Slack said nothing is asked about again: hundreds of starts must not wait for it each."""

MOST_NAMED = 50
"""Of those that the policy names, as many are asked about before anybody is heard; Slack takes about 100 a minute."""


class People:
    """A part of whoever hears Slack. Thread-safe.

    Args:
        named: people and channels that the policy names.
        check: told of these once, at the start, if Slack tells; raises what is wrong with the policy by it.
    """

    def __init__(
        self,
        store: Store,
        rows: GroupRows,
        directory: Directory,
        clock: Clock,
        named: Iterable[str] = (),
        check: Callable[[Marks], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._approvals = Approvals(store)
        self._rows = rows
        self._directory = directory
        self._clock = clock
        self._named = tuple(named)[:MOST_NAMED]
        self._check = check
        self._doubted: set[str] = set()
        self._silent: dict[str, datetime] = {}  # when Slack said nothing of them
        self._again = rows.age / 3
        self._ticker = Ticker("ferry-people", ((self._again.total_seconds(), self.refresh_open),))

    def start(self) -> None:
        """Ask about whomever the policy names, and on whom something open rests, before anybody is heard.

        Raises:
            Refused: the policy says something that cannot be met by who they are.
        """
        self.learn(self._named)
        self._check(self._rows.read().marks)
        self.refresh_open()
        self._ticker.start()

    def stop(self) -> None:
        self._ticker.stop()

    def doubt(self, whom: str) -> None:
        """Slack said something of it that may not go with what is known: it is asked before that counts again."""
        self._doubted.add(whom)

    def learn(self, whom: Iterable[str]) -> bool:
        """Ask about those of whom nothing fresh is known. Waits for Slack. Whether any were asked about."""
        about = frozenset(whom)
        doubted = self._doubted & about
        for one in doubted:
            self._doubted.discard(one)
            self._silent.pop(one, None)
            self._rows.forget(one)
        asked = bool(doubted)
        for one in self._rows.find_stale(about, self._again):
            asked = self._ask(one) or asked
        return asked

    def refresh_open(self) -> None:
        """Those who asked for, confirmed or approved what has not ended, and where: their start is judged by it."""
        whom: set[str] = set()
        single = [row for row in self._store.open() if not row.parent]
        changes = [row for row in self._store.open_host_changes() if not row.parent]
        for row in (*single, *changes, *self._store.open_evacuations()):
            whom |= {row.requested_by, row.place.channel, row.confirmed_by or row.requested_by}
            for given in self._approvals.given(row.id):
                whom |= {given.by, given.channel}
        self.learn(whom)

    def _ask(self, whom: str) -> bool:
        """Whether Slack has told. What it does not tell grows old, and counts as not known then."""
        asked_at = self._clock.now()
        if whom in self._silent and abs(asked_at - self._silent[whom]) < PAUSE:
            return False
        try:
            marks = self._directory.describe(whom)
        except ChatError as error:
            log.warning("not_described id=%s code=%s", whom, error.code)
            self._silent[whom] = self._clock.now()
            return False
        self._silent.pop(whom, None)
        self._rows.keep(whom, marks, asked_at)
        return True
