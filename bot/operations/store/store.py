"""Operations as rows: the one way to change them.

Rules: every change of state is a compare-and-set through the transition table, a journal entry, its line for the
thread and the admission of whoever may go next, in one transaction. Readers get frozen values. Thread-safe; several
processes may share one database.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from pydantic import JsonValue

from bot.core.estate import Host
from bot.core.journal import Break, Entry, find_break
from bot.core.lifecycle import ENDED, HOLDING, OPEN, Event, State, states_accepting
from bot.core.names import UserId
from bot.core.operation import Ask, Operation, Outcome
from bot.core.plan import Plan
from bot.core.reply import Line
from bot.operations.outbox import Outbox
from bot.operations.store import cards, decisions, entries, inbox, leases, rooms, sites
from bot.operations.store.cards import CardDue
from bot.operations.store.database import Database
from bot.operations.store.rows import effects, to_operation, update
from bot.operations.store.tables import card, operation
from bot.operations.waker import Waker
from bot.ports import Clock

SITE = "main"
"""Where operations are carried out whose source host no settings name."""


class Grant(NamedTuple):
    """An operation that holds its place, and the attempt that is to carry it out."""

    operation: str
    attempt: int
    site: str


class Store:
    """Implements `bot.command.Operations`.

    Args:
        sites: of the hosts by name; a new operation is its source host's site's.

    Attributes:
        changed: rings whenever this process changed an operation, gave it a line, or answered an ask.
    """

    def __init__(
        self, database_url: str, clock: Clock, *, sites: Mapping[str, str] | None = None, room_age_s: float = 120
    ) -> None:
        self.database = Database(database_url)
        self.outbox = Outbox(self.database.url)
        self._sites = sites or {}
        self.changed = Waker()
        self._clock = clock
        self._room_age = timedelta(seconds=room_age_s)

    def migrate(self) -> None:
        """Create or upgrade the tables. Idempotent; FerryError if a newer Ferry wrote them."""
        self.database.migrate()

    def close(self) -> None:
        self.outbox.close()
        self.database.close()

    # Reading

    def find(self, operation_id: str) -> Operation | None:
        with self.database.reading() as connection:
            row = _select(connection, operation_id)
        return to_operation(row) if row else None

    def find_offered(self, ask_key: str) -> Operation | None:
        """The operation that an ask has made."""
        with self.database.reading() as connection:
            row = connection.execute(sa.select(operation).where(operation.c.ask_key == ask_key)).mappings().first()
        return to_operation(row) if row else None

    def newest_number(self) -> int:
        """Of all operations; 0 if there is none."""
        with self.database.reading() as connection:
            return decisions.highest(connection, operation.c.number)

    def open(self) -> tuple[Operation, ...]:
        return self._list(OPEN)

    def holding(self) -> tuple[Operation, ...]:
        """Those that occupy a place on their hosts, oldest first."""
        return self._list(HOLDING)

    def recent(self, count: int) -> tuple[Operation, ...]:
        query = sa.select(operation).where(operation.c.state.in_(_names(ENDED)))
        newest = query.order_by(operation.c.ended_at.desc(), operation.c.number.desc()).limit(count)
        with self.database.reading() as connection:
            return tuple(to_operation(row) for row in connection.execute(newest).mappings())

    def expired(self) -> tuple[str, ...]:
        """Offers whose time is over, still open."""
        query = sa.select(operation.c.id).where(
            operation.c.state == State.PROPOSED.value, operation.c.expires_at <= self._clock.now()
        )
        with self.database.reading() as connection:
            return tuple(connection.execute(query).scalars())

    def hosts_waited_for(self) -> tuple[str, ...]:
        """Hosts that a queued operation needs room on."""
        with self.database.reading() as connection:
            queued = rooms.select_queued(connection)
        return tuple(dict.fromkeys(host for row in queued for host in (row["source"], row["destination"])))

    def grants(self, sites: Collection[str]) -> tuple[Grant, ...]:
        """What the workers of these sites are to carry out now."""
        query = sa.select(operation.c.id, operation.c.attempt, operation.c.site).where(
            operation.c.state.in_(_names(HOLDING)), operation.c.site.in_(list(sites))
        )
        with self.database.reading() as connection:
            return tuple(Grant(*row) for row in connection.execute(query.order_by(operation.c.number)))

    def _list(self, states: frozenset[State]) -> tuple[Operation, ...]:
        query = sa.select(operation).where(operation.c.state.in_(_names(states))).order_by(operation.c.number)
        with self.database.reading() as connection:
            return tuple(to_operation(row) for row in connection.execute(query).mappings())

    # Changing

    def propose(self, plan: Plan, ask: Ask, expires_at: datetime) -> Operation:
        """A new offer. Idempotent by the ask's key: the same ask gets the operation it already has."""
        now = self._clock.now()
        with self._write() as connection:
            query = sa.select(operation).where(operation.c.ask_key == ask.key)
            known = connection.execute(query).mappings().first()
            if known is None:
                number = decisions.highest(connection, operation.c.number) + 1
                values = decisions.offer(number, plan, ask, expires_at, self._sites.get(plan.move.source, SITE))
                connection.execute(sa.insert(operation).values(**values))
                connection.execute(sa.insert(card).values(operation=values["id"]))
                details: dict[str, JsonValue] = {
                    "by": ask.actor,
                    "ask": ask.model_dump(mode="json", exclude={"text"}),  # what was read in it is the plan's command
                    "plan": plan.model_dump(mode="json"),
                    "digest": plan.digest,
                }
                entries.append(connection, values["id"], "propose", now, details)
                known = _select(connection, values["id"])
            assert known is not None
            return to_operation(known)

    def change(
        self,
        operation_id: str,
        event: Event,
        *,
        by: UserId | None = None,
        outcome: Outcome | None = None,
        waiting: str = "",
        note: Line | None = None,
        attempt: int | None = None,
        not_before: datetime | None = None,
    ) -> Operation | None:
        """Let an event happen. None: somebody else was first, and nothing was changed.

        Args:
            attempt: of the runner that says so; a stale one changes nothing.
            not_before: for RETURN, when it may be granted again.

        Raises:
            Refused: a confirmation while another confirmed operation of the same VM is open.
        """
        now = self._clock.now()
        with self._write() as connection:
            row = _select(connection, operation_id)
            if row is None or row["state"] not in _names(states_accepting(event)) or _is_stale(row, attempt):
                return None
            values = effects(row, event, now) | {"waiting": waiting, "not_before": not_before}
            values |= decisions.by_whom(connection, row, event, by)
            if outcome is not None:
                values |= {"outcome": outcome.model_dump_json()}
            update(connection, row, values)
            details = decisions.details(row, event, values, by, outcome)
            entries.append(connection, operation_id, event.value, now, details)
            if note is not None:
                cards.add_step(connection, operation_id, note, now)
            rooms.pump(connection, now, self._room_age, self.outbox.send)
            changed = _select(connection, operation_id)
            assert changed is not None
            return to_operation(changed)

    def ask_cancel(self, operation_id: str, by: UserId) -> Operation | None:
        """Tell the runner of a granted or running operation to stop it. None: in neither state, or told before."""
        now = self._clock.now()
        with self._write() as connection:
            row = _select(connection, operation_id)
            stoppable = _names(frozenset({State.GRANTED, State.RUNNING}))
            if row is None or row["state"] not in stoppable or row["cancel_asked"]:
                return None
            update(connection, row, {"cancel_asked": True, "cancelled_by": by, "version": row["version"] + 1})
            entries.append(connection, operation_id, "ask to cancel", now, {"by": by, "attempt": row["attempt"]})
            changed = _select(connection, operation_id)
            assert changed is not None
            return to_operation(changed)

    def regrant(self, operation_id: str, attempt: int) -> bool:
        """Give an operation whose workflow is gone a new one; its state stays. False: it has moved on meanwhile."""
        now = self._clock.now()
        with self._write() as connection:
            row = _select(connection, operation_id)
            if row is None or row["state"] not in _names(HOLDING) or row["attempt"] != attempt:
                return False
            update(connection, row, {"attempt": attempt + 1, "waiting": "", "version": row["version"] + 1})
            entries.append(connection, operation_id, "resume", now, {"attempt": attempt + 1, "to": row["state"]})
            self.outbox.send(connection, operation_id, attempt + 1, row["site"])
            return True

    def progress(self, operation_id: str, percent: int, doing: str = "", *, attempt: int | None = None) -> None:
        """What the host says of a running move; no journal entry. Nothing, from a stale attempt."""
        values = {"percent": percent, "waiting": doing, "version": operation.c.version + 1}
        with self._write() as connection:
            connection.execute(sa.update(operation).where(*_current(operation_id, attempt)).values(**values))

    def keep_jobs(self, operation_id: str, jobs: frozenset[str], *, attempt: int | None = None) -> None:
        """Remember, before a move is sent, which jobs have ended: after a crash they are not taken for the move's."""
        values = {"known_jobs": json.dumps(sorted(jobs))}
        with self.database.writing() as connection:
            connection.execute(sa.update(operation).where(*_current(operation_id, attempt)).values(**values))

    def known_jobs(self, operation_id: str) -> frozenset[str]:
        with self.database.reading() as connection:
            query = sa.select(operation.c.known_jobs).where(operation.c.id == operation_id)
            return frozenset(json.loads(connection.execute(query).scalar_one()))

    def step(self, operation_id: str, line: Line) -> None:
        """A line for the operation's thread; the row stays as it is."""
        with self._write() as connection:
            cards.add_step(connection, operation_id, line, self._clock.now())

    # Room on hosts

    def set_room(self, host: Host, seen_at: datetime) -> None:
        """What a look at a host said of its limits and migrations; `seen_at` is when the look began."""
        with self._write() as connection:
            rooms.keep_room(connection, host, seen_at)
            rooms.pump(connection, self._clock.now(), self._room_age, self.outbox.send)

    def pump(self) -> None:
        """Grant what may go now: pauses end and looks grow old without any row changing."""
        if not self.hosts_waited_for():
            return
        now = self._clock.now()
        with self.database.writing() as connection:
            changed = rooms.pump(connection, now, self._room_age, self.outbox.send)
        if changed:
            self.changed.ring()

    # Cards and step lines

    def cards_due(self) -> tuple[CardDue, ...]:
        with self.database.reading() as connection:
            return cards.select_due(connection)

    def card_posted(self, operation_id: str, ts: str, version: int) -> bool:
        """False: another message is known as its card."""
        with self.database.writing() as connection:
            return cards.keep_posted(connection, operation_id, ts, version)

    def card_shown(self, operation_id: str, version: int) -> None:
        with self.database.writing() as connection:
            cards.keep_shown(connection, operation_id, version)

    def steps_posted(self, operation_id: str, numbers: Sequence[int], ts: str) -> bool:
        """All of a message at once: what remains begins with another line, by which it could not be found again.

        False: they are in another message.
        """
        with self.database.writing() as connection:
            return cards.keep_steps_posted(connection, operation_id, numbers, ts)

    def card_lost(self, operation_id: str, reason: str) -> None:
        """The card cannot be shown any more (its channel or message is gone): it is not due again."""
        with self.database.writing() as connection:
            cards.keep_lost(connection, operation_id, reason)

    # Leases

    def lease(self, name: str, holder: str) -> bool:
        """Take a lease, or see that it is still held. False: another run of a process has it, and lives.

        No clock is asked: whether a holder lives is what `Presence` finds out.
        """
        with self.database.reading() as connection:
            if leases.read_holder(connection, name) == holder:
                return True
            if leases.is_taken(connection, name):
                return False
        with self.database.writing() as connection:
            return leases.take(connection, name, holder)

    def give_up_lease(self, name: str, holder: str) -> None:
        """Idempotent."""
        with self.database.writing() as connection:
            leases.give_up(connection, name, holder)

    # Sites

    def is_served(self, operation_id: str) -> bool:
        """Whether a worker lives that is to carry this operation out."""
        with self.database.reading() as connection:
            row = _select(connection, operation_id)
            return row is not None and not sites.is_unserved(sites.read_served(connection), row["site"])

    def tell_unserved(self) -> None:
        """Say on the rows of what is to be carried out that nobody is there to do it."""
        with self.database.reading() as connection:
            if not sites.select_untold(connection):
                return
        with self._write() as connection:
            for row in sites.select_untold(connection):
                update(connection, row, {"waiting": sites.render_unserved(row), "version": row["version"] + 1})

    # Inbox

    def take(self, ask: Ask, by: str = "") -> bool:
        """Claim an ask durably, for the process that is to answer it. False: that key was taken before."""
        with self.database.writing() as connection:
            return inbox.take(connection, ask, self._clock.now(), by)

    def adopt(self, by: str) -> tuple[Ask, ...]:
        """Take over, oldest first, what processes that live no more have taken and not answered."""
        with self.database.reading() as connection:
            if not inbox.select_orphans(connection, by):
                return ()
        with self.database.writing() as connection:
            orphans = inbox.select_orphans(connection, by)
            inbox.adopt(connection, by)
            return orphans

    def unanswered(self) -> tuple[Ask, ...]:
        with self.database.reading() as connection:
            return inbox.select_unanswered(connection)

    def is_answering(self, key: str, by: str) -> bool:
        """Whether this process is still the one to answer it: one that was thought dead has lost it to another."""
        with self.database.reading() as connection:
            return inbox.is_answering(connection, key, by)

    def answered(self, key: str) -> None:
        with self._write() as connection:
            inbox.mark_answered(connection, key, self._clock.now())

    # Journal

    def journal(self, operation_id: str | None = None) -> tuple[Entry, ...]:
        """Oldest first: everything, or what concerns one operation."""
        with self.database.reading() as connection:
            return tuple(entries.read_entries(connection, operation_id))

    def find_break(self) -> Break | None:
        """Verify the whole journal. None: the chain holds."""
        with self.database.reading() as connection:
            return find_break(entries.read_entries(connection))

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with self.database.writing() as connection:
            yield connection
        self.changed.ring()


def _select(connection: sa.Connection, operation_id: str) -> sa.RowMapping | None:
    return connection.execute(sa.select(operation).where(operation.c.id == operation_id)).mappings().first()


def _is_stale(row: sa.RowMapping, attempt: int | None) -> bool:
    """Whether the runner of another attempt has taken the operation over."""
    return attempt is not None and row["attempt"] != attempt


def _current(operation_id: str, attempt: int | None) -> list[sa.ColumnElement[bool]]:
    """The operation, if it holds its place, and for this attempt."""
    where = [operation.c.id == operation_id, operation.c.state.in_(_names(HOLDING))]
    return where if attempt is None else [*where, operation.c.attempt == attempt]


def _names(states: frozenset[State]) -> list[str]:
    return sorted(state.value for state in states)
