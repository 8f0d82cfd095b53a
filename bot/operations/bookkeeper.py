"""Looks after the journal in the background: keeps its searchable copy fresh, and anchors it in the audit channel. It
also tells of freezes and locks that time has ended.

It writes nothing into the journal but its anchors. Rules: every anchor, a person's as well, is posted once, by the
process that holds the lease; one that a former process may have posted is looked for first; what cannot be posted now
is tried again later, because an anchor that is only in the journal proves nothing.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import timedelta

from bot.core.history import render_anchor
from bot.core.journal import Anchor
from bot.core.operation import Place
from bot.errors import ChatError, FerryError, RateLimited
from bot.operations.hold_notices import HoldNotices
from bot.operations.journal import Journal
from bot.operations.store import Store
from bot.operations.store.hold_rows import HoldRows, Told
from bot.operations.ticker import Ticker
from bot.ports import Chat, Clock

LEASE = "bookkeeper"
EVERY = timedelta(days=1)
TURN_S = 5.0
PAUSE_S = 300.0  # before chat is tried again

CLOCK_SKEW = timedelta(seconds=30)  # between Ferry's clock and the chat service's; assumed

log = logging.getLogger(__name__)


class Bookkeeper:
    """Any number on one database: the copies are each one's own, the anchors are posted by one at a time.

    Args:
        copy: brings the searchable copy up to date.
        channel: where anchors go; empty: nowhere, and only people make them.
        holder: by which others can tell whether this process lives.
    """

    def __init__(
        self, store: Store, chat: Chat, clock: Clock, copy: Callable[[], object], channel: str, holder: str = ""
    ) -> None:
        self._store = store
        self._journal = Journal(store.database, clock)
        self._chat = chat
        self._clock = clock
        self._copy = copy
        self._channel = channel
        self._notices = HoldNotices(HoldRows(store), chat, channel)
        self._holder = holder or uuid.uuid4().hex
        self._not_before = clock.now()
        self._complaint = ""
        self._ticker = Ticker("bookkeeper", ((TURN_S, self._take_turn),), at_once=True)

    def start(self) -> None:
        self._ticker.start()

    def stop(self) -> None:
        self._ticker.stop()

    def turn(self) -> None:
        """Copy what is new, and post an anchor and the ends of holds if there are any due.

        Raises:
            FerryError: the copy does not follow from the journal, or cannot be written.
        """
        if self._is_due() and self._store.lease(LEASE, self._holder):
            self._post_due()
        if (told := self._due_notices()) and self._store.lease(LEASE, self._holder):
            self._tell(told)
        self._copy()
        self._complaint = ""

    def _take_turn(self) -> float:
        """Returns the seconds until the next one: a mistake of ours will not pass in a moment."""
        try:
            self.turn()
        except FerryError as error:
            self._complain(error)
        except Exception:
            log.exception("incident=%s bookkeeper turn broke", uuid.uuid4().hex[:8])
            return PAUSE_S
        return TURN_S

    def _complain(self, error: FerryError) -> None:
        """Once for each reason, not every few seconds."""
        if error.message != self._complaint:
            log.error("bookkeeper problem=%r hint=%r", error.message, error.hint)
        self._complaint = error.message

    def _is_due(self) -> bool:
        if not self._channel or self._clock.now() < self._not_before:
            return False
        anchor, posted = self._journal.last_anchor()
        return anchor is None or not posted or self._clock.now() - anchor.at >= EVERY

    def _due_notices(self) -> tuple[Told, ...]:
        return () if self._clock.now() < self._not_before else self._notices.due()

    def _tell(self, due: tuple[Told, ...]) -> None:
        try:
            for told in due:
                self._notices.tell(told)
        except ChatError as error:
            self._put_off(error)
            log.warning("end_of_hold_not_posted code=%s", error.code)

    def _put_off(self, error: ChatError) -> None:
        pause_s = max(PAUSE_S, error.seconds) if isinstance(error, RateLimited) else PAUSE_S
        self._not_before = self._clock.now() + timedelta(seconds=pause_s)

    def _post_due(self) -> None:
        anchor, posted = self._journal.last_anchor()
        if anchor is None or (posted and self._is_due()):
            anchor, posted = self._journal.anchor(), False
        if posted:
            return  # the former holder of the lease did it
        try:
            ts = self._post(anchor)
        except ChatError as error:
            self._put_off(error)
            log.warning("anchor_not_posted seq=%d channel=%s code=%s", anchor.seq, self._channel, error.code)
        else:
            self._journal.keep_posted(anchor, self._channel, ts)

    def _post(self, anchor: Anchor) -> str:
        place, key = Place(team="", channel=self._channel), str(anchor)
        since = anchor.at - CLOCK_SKEW
        return self._chat.find(place, key, since) or self._chat.post(place, render_anchor(anchor), key=key)
