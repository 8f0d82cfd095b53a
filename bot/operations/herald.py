"""Tells watchers and the audit channel of changes: journal -> notices -> messages, by one process at a time.

Rules:
    1. Notices are rows, written in the transaction that reads the journal; a message is settled before it is sent.
    2. What comes within a moment is one message. To one place there is one every five seconds at most, and all share
       a budget far below what Slack allows.
    3. A message that may have been sent although no answer came, or by a predecessor, is looked for before it is sent.
    4. What can never be sent (the channel is gone, the person has left) is given up with its reason in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.core.estate import Estate
from bot.core.freshness import NOT_YET
from bot.core.names import UserId, is_person_id
from bot.core.notices import Subscription, choose_recipients, render_answer, render_notice, render_notices
from bot.core.operation import Place
from bot.core.reply import Reply, Strong, say
from bot.core.signal import Unwatch, Watch
from bot.errors import ChatError, RateLimited
from bot.operations.pace import EVER
from bot.operations.store import Store, notices
from bot.operations.store.notices import Batch
from bot.operations.ticker import Ticker
from bot.ports import Chat, Clock

LEASE = "herald"
TURN_S = 2.0
COALESCED = timedelta(seconds=2)
APART = timedelta(seconds=5)  # two messages to one place
PAUSE_S = 1.2  # between any two messages; half of one a second, and far from "several hundred a minute"
LATER = timedelta(seconds=30)  # before what failed is tried again

log = logging.getLogger(__name__)


class Subscriptions:
    """What `watch` and `unwatch` do."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def apply(self, signal: Watch | Unwatch, actor: UserId) -> Reply:
        with self._store.database.writing() as connection:
            if isinstance(signal, Watch):
                new = Subscription(user=actor, kind=signal.kind, what=signal.what, name=signal.name)
                notices.add_subscription(connection, new)
                return say("You are told of what happens to ", Strong(text=signal.name), private=True)
            notices.remove_subscription(connection, actor, signal.what)
        return say("You are no longer told of ", Strong(text=signal.name), private=True)


class Herald:
    """Any number on one database: one at a time works.

    Args:
        estate: the hosts as last seen.
        audit: the channel that hears of every change and refusal; empty: none.
        holder: by which others can tell whether this process lives.
        hurry: for tests, by how much all pauses are shorter.
    """

    def __init__(
        self,
        store: Store,
        chat: Chat,
        estate: Callable[[], Estate],
        clock: Clock,
        audit: str,
        holder: str,
        *,
        hurry: float = 1,
    ) -> None:
        self._store = store
        self._chat = chat
        self._estate = estate
        self._clock = clock
        self._audit = audit
        self._holder = holder
        self._hurry = hurry
        self._leads = False
        self._doubtful: set[int] = set()  # batches that may have been sent
        self._open_at: dict[str, datetime] = {}  # when the next message to a recipient may be sent
        self._direct: dict[str, str] = {}  # channels of direct messages by person
        turn = (TURN_S / hurry, lambda: self._turn() / hurry)
        self._ticker = Ticker("herald", (turn,), at_once=True)

    def start(self) -> None:
        self._ticker.start()

    def stop(self) -> None:
        """Idempotent. What is not told yet is told after the next start."""
        self._ticker.stop()

    def _turn(self) -> float:
        """At most one message. Returns the seconds until the next turn."""
        if not self._store.lease(LEASE, self._holder):
            self._leads = False
            return TURN_S
        if not self._leads:
            with self._store.database.reading() as connection:
                self._doubtful = {batch.number for batch in notices.select_batches(connection)}
            self._leads = True
        self._follow()
        self._watch_hosts()
        return self._send(self._clock.now())

    # What there is to tell

    def _follow(self) -> None:
        with self._store.database.reading() as connection:
            if not notices.is_behind(connection):
                return
        with self._store.database.writing() as connection:
            subscriptions = notices.select_subscriptions(connection)
            for record in notices.read_news(connection):
                recipients = choose_recipients(record, subscriptions, self._audit)
                if recipients:
                    notices.add_notices(connection, recipients, render_notice(record), self._clock.now())

    def _watch_hosts(self) -> None:
        """Of hosts that somebody watches, as the last look left them."""
        with self._store.database.reading() as connection:
            watched = [one for one in notices.select_subscriptions(connection) if one.kind == "host"]
            told = notices.select_answers(connection)
        names = {one.what for one in watched}
        seen = [one for one in self._estate().hosts if one.host in names and one.failure != NOT_YET]
        for host in (one for one in seen if told.get(one.host) != one.known):
            people = [one.user for one in watched if one.what == host.host]
            with self._store.database.writing() as connection:
                if notices.keep_answer(connection, host.host, host.known):
                    line = render_answer(host.host, host.failure, host.at)
                    notices.add_notices(connection, people, line, self._clock.now())

    # Telling it

    def _send(self, now: datetime) -> float:
        batch = self._next(now)
        if batch is None:
            return TURN_S
        self._open_at[batch.recipient] = now + APART / self._hurry
        try:
            self._deliver(batch)
        except RateLimited as pause:
            log.info("notices_put_off recipient=%s seconds=%g", batch.recipient, pause.seconds)
            return pause.seconds * self._hurry
        except ChatError as error:
            log.warning("notices_not_sent recipient=%s code=%s", batch.recipient, error.code)
            self._open_at[batch.recipient] = now + LATER / self._hurry
            if error.lasting:
                self._remove(batch)
        return PAUSE_S

    def _next(self, now: datetime) -> Batch | None:
        """One that was settled before, else what has waited long enough for whatever came with it."""
        with self._store.database.reading() as connection:
            settled = notices.select_batches(connection)
            waiting = notices.select_waiting(connection)
        held = {batch.recipient for batch in settled}  # in their order: nobody hears of an end before its beginning
        for batch in settled:
            if self._is_open(batch.recipient, now):
                return batch
        for recipient, since in waiting.items():
            ripe = not timedelta() <= now - since < COALESCED / self._hurry
            if recipient not in held and ripe and self._is_open(recipient, now):
                with self._store.database.writing() as connection:
                    return notices.settle(connection, recipient)
        return None

    def _is_open(self, recipient: str, now: datetime) -> bool:
        """A clock that was set back by more than any pause keeps nobody waiting."""
        left = self._open_at.get(recipient, EVER) - now
        return left <= timedelta() or left > LATER

    def _deliver(self, batch: Batch) -> None:
        watcher = is_person_id(batch.recipient)
        place = Place(team="", channel=self._channel(batch.recipient) if watcher else batch.recipient)
        key = f"notices-{batch.number}"
        if batch.number in self._doubtful and self._chat.find(place, key, batch.since):
            self._remove(batch)
            return
        self._doubtful.add(batch.number)
        try:
            ts = self._chat.post(place, render_notices(batch.lines, watcher=watcher), key=key)
        except ChatError as error:
            if not error.maybe_done:
                self._doubtful.discard(batch.number)
            raise
        if not self._remove(batch):  # this process had stood still, and another one has sent it
            self._chat.delete(place.channel, ts)

    def _channel(self, person: str) -> str:
        if person not in self._direct:
            self._direct[person] = self._chat.open_direct(UserId(person))
        return self._direct[person]

    def _remove(self, batch: Batch) -> bool:
        """False: somebody else has removed it."""
        with self._store.database.writing() as connection:
            removed = notices.remove_batch(connection, batch.number)
        self._doubtful.discard(batch.number)
        return removed
