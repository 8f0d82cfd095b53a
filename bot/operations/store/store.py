"""Operations as rows: the one way to change them.

Rules: every change of state is a compare-and-set through the transition table, a journal entry, its line for the
thread and the admission of whoever may go next, in one transaction. Thread-safe; several processes may share one
database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import sqlalchemy as sa
from pydantic import JsonValue

from bot.core.approval import Count
from bot.core.estate import Host
from bot.core.evacuation import Evacuation, EvacuationPlan
from bot.core.evacuation.measuring import Measured
from bot.core.evacuation.offered import MOST_SHOWN
from bot.core.evacuation.timing import ASSUMED_NETWORK
from bot.core.lifecycle import HOLDING, Event, State, states_accepting
from bot.core.names import UserId
from bot.core.operation import Ask, Operation, Outcome
from bot.core.plan import Plan
from bot.core.policy import AnyPlan
from bot.core.reply import Line
from bot.core.schedule import Network
from bot.errors import FerryError
from bot.operations.outbox import Outbox
from bot.operations.store import cards, clocks, decisions, entries, evacuations, inbox, leases, rooms
from bot.operations.store.claims import Claims
from bot.operations.store.database import Database
from bot.operations.store.links import Links
from bot.operations.store.reader import StoreReader, names, select_row
from bot.operations.store.rows import COUNTS, effects, read_evacuation, to_operation, update
from bot.operations.store.tables import card, operation
from bot.operations.waker import Waker
from bot.ports import Clock

SITE = "main"
"""Where operations are carried out whose source host no settings name."""

TRY_FAILED = "try failed"
"""What the journal calls a try at a move that failed and may be repeated; the operation's state stays."""


class Store(StoreReader):
    """Implements `bot.command.Operations`.

    Args:
        sites: of the hosts by name; a new operation is its source host's site's.
        network: what carries the moves of evacuations; None: what is assumed where nothing is known.

    Attributes:
        links: what carries migrations; hosts that come later are told to it.
        changed: rings whenever this process changed an operation, gave it a line, or answered an ask.
    """

    def __init__(
        self,
        database_url: str,
        clock: Clock,
        *,
        sites: Mapping[str, str] | None = None,
        network: Network | None = None,
        room_age_s: float = 120,
    ) -> None:
        super().__init__(Database(database_url), clock)
        self.outbox = Outbox(self.database.url)
        self._claims = Claims(self.database, clock)
        self._sites = sites or {}
        self.changed = Waker()
        self.links = Links(network or ASSUMED_NETWORK)
        self.means = rooms.Means(timedelta(seconds=room_age_s), self.links, self.outbox.send)

    def migrate(self) -> None:
        """Create or upgrade the tables. Idempotent; FerryError if a newer Ferry wrote them."""
        self.database.migrate()

    def check_clock(self) -> None:
        """Raises FerryError: this machine's time is too far from the server's, by which all processes are held."""
        if apart := clocks.find_difference(self.database, self.clock.now()):
            raise FerryError(f"this machine's clock is {apart}", hint=clocks.REMEDY)

    def close(self) -> None:
        self.outbox.close()
        self.database.close()

    # Changing

    def propose(self, plan: Plan, ask: Ask, expires_at: datetime, counts: tuple[Count, ...] = ()) -> Operation:
        """A new offer. Idempotent by the ask's key: the same ask gets the operation it already has.

        Args:
            counts: the approvals that it will need.
        """
        with self.writing() as connection:
            return to_operation(self.offer(connection, plan, ask, expires_at, counts))

    def propose_evacuation(
        self, plan: EvacuationPlan, ask: Ask, expires_at: datetime, counts: tuple[Count, ...] = ()
    ) -> Evacuation:
        """The same for many moves. Their rows are written when it is confirmed, and approved if it has to be."""
        with self.writing() as connection:
            return read_evacuation(connection, self.offer(connection, plan, ask, expires_at, counts))

    def offer(
        self, connection: sa.Connection, plan: AnyPlan, ask: Ask, expires_at: datetime, counts: tuple[Count, ...]
    ) -> sa.RowMapping:
        """The row of a new offer of any kind, or the one that the ask already has."""
        now = self.clock.now()
        known = connection.execute(sa.select(operation).where(operation.c.ask_key == ask.key)).mappings().first()
        if known is not None:
            return known
        inbox.refuse_retracted(connection, ask)
        number = decisions.highest(connection, operation.c.number) + 1
        values = decisions.offer(number, plan, ask, expires_at, self.site_of(plan))
        values |= {"counts": COUNTS.dump_json(counts).decode()}
        connection.execute(sa.insert(operation).values(**values))
        connection.execute(sa.insert(card).values(operation=values["id"]))
        details: dict[str, JsonValue] = {
            "by": ask.actor,
            "ask": ask.model_dump(mode="json", exclude={"text"}),  # what was read in it is the plan's command
            "plan": plan.model_dump(mode="json"),
            "digest": plan.digest,
        }
        entries.append(connection, values["id"], "propose", now, details)
        if isinstance(plan, EvacuationPlan) and len(plan.legs) > MOST_SHOWN:
            for file in (evacuations.TABLE, evacuations.LIST):
                cards.add_step(connection, values["id"], ("Every move, in its turn",), now, file)
        return _row(connection, values["id"])

    def site_of(self, plan: AnyPlan) -> str:
        return self._sites.get(decisions.origin(plan), SITE)

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
        job: str | None = None,
    ) -> Operation | None:
        """Let an event happen. None: somebody else was first, and nothing was changed.

        Args:
            attempt: of the runner that says so; a stale one changes nothing.
            not_before: for RETURN, when it may be granted again.
            job: by which its move goes on, although it ends; None: as it was.

        Raises:
            Refused: a confirmation while another confirmed operation of the same VM is open.
        """
        now = self.clock.now()
        with self.writing() as connection:
            row = select_row(connection, operation_id)
            if row is None or row["state"] not in names(states_accepting(event)) or _is_stale(row, attempt):
                return None
            values = effects(row, event, now) | {"waiting": waiting, "not_before": not_before}
            values |= decisions.by_whom(connection, row, event, by)
            said = {"outcome": outcome.model_dump_json() if outcome else None, "job": job}
            values |= {column: value for column, value in said.items() if value is not None}
            update(connection, row, values)
            details = decisions.details(row, event, values, by, outcome)
            entries.append(connection, operation_id, event.value, now, details)
            if note is not None:
                _say(connection, row, note, now)
            evacuations.follow(connection, _row(connection, operation_id), now)
            rooms.pump(connection, now, self.means)
            return to_operation(_row(connection, operation_id))

    def ask_cancel(self, operation_id: str, by: UserId) -> bool:
        """Tell the runner of a granted or running row to stop it. False: in neither state, or told before."""
        now = self.clock.now()
        with self.writing() as connection:
            row = select_row(connection, operation_id)
            stoppable = names(frozenset({State.GRANTED, State.RUNNING}))
            if row is None or row["state"] not in stoppable or row["cancel_asked"]:
                return False
            update(connection, row, {"cancel_asked": True, "cancelled_by": by, "version": row["version"] + 1})
            entries.append(connection, operation_id, "ask to cancel", now, {"by": by, "attempt": row["attempt"]})
            evacuations.touch(connection, row["parent"])
            return True

    def regrant(self, operation_id: str, attempt: int) -> bool:
        """Give an operation whose workflow is gone a new one; its state stays. False: it has moved on meanwhile."""
        now = self.clock.now()
        with self.writing() as connection:
            row = select_row(connection, operation_id)
            if row is None or row["state"] not in names(HOLDING) or row["attempt"] != attempt:
                return False
            update(connection, row, {"attempt": attempt + 1, "waiting": "", "version": row["version"] + 1})
            entries.append(connection, operation_id, "resume", now, {"attempt": attempt + 1, "to": row["state"]})
            self.outbox.send(connection, operation_id, attempt + 1, row["site"])
            return True

    def progress(self, operation_id: str, percent: int, doing: str = "", *, attempt: int | None = None) -> None:
        """What the host says of a running move; no journal entry. Nothing, from a stale attempt."""
        values = {"percent": percent, "waiting": doing, "version": operation.c.version + 1}
        with self.writing() as connection:
            connection.execute(sa.update(operation).where(*_current(operation_id, attempt)).values(**values))
            evacuations.touch(connection, _row(connection, operation_id)["parent"])

    def keep_jobs(self, operation_id: str, jobs: frozenset[str], *, attempt: int | None = None) -> None:
        """Remember, before a move is sent, which jobs have ended: after a crash they are not taken for the move's."""
        values = {"known_jobs": json.dumps(sorted(jobs))}
        with self.database.writing() as connection:
            connection.execute(sa.update(operation).where(*_current(operation_id, attempt)).values(**values))

    def keep_failure(self, operation_id: str, why: str, *, attempt: int) -> None:
        """Journal that a try has failed which may be repeated. Nothing, from a stale attempt."""
        with self.writing() as connection:
            if connection.execute(sa.select(operation.c.id).where(*_current(operation_id, attempt))).first():
                details: dict[str, JsonValue] = {"attempt": attempt, "why": why}
                entries.append(connection, operation_id, TRY_FAILED, self.clock.now(), details)
                evacuations.tell_try(connection, _row(connection, operation_id), why, self.clock.now())

    def step(self, operation_id: str, line: Line, *, attempt: int | None = None) -> None:
        """A line for the operation's thread; the row stays as it is. Nothing, from a stale attempt."""
        with self.writing() as connection:
            row = select_row(connection, operation_id)
            if row is None or _is_stale(row, attempt):
                return
            _say(connection, row, line, self.clock.now())

    # Evacuations

    def hold(self, evacuation_id: str, paused: bool, by: UserId) -> bool:
        """Pause an evacuation, or let it go on. False: it is so already, or has ended."""
        now = self.clock.now()
        with self.writing() as connection:
            row = select_row(connection, evacuation_id)
            if row is None or not evacuations.hold(connection, row, paused, by, now):
                return False
            rooms.pump(connection, now, self.means)
            return True

    def cancel_evacuation(self, evacuation_id: str, by: UserId) -> bool:
        """End its moves that wait, and ask for those that run to be stopped. False: asked before, or ended."""
        with self.writing() as connection:
            row = select_row(connection, evacuation_id)
            return row is not None and evacuations.cancel(connection, row, by, self.clock.now())

    def measured(self) -> tuple[Network, Measured]:
        """What carries migrations, by the settings and by the newest moves; and what those tell of guests."""
        with self.database.reading() as connection:
            return self.links.read(connection, self.clock.now())

    # Room on hosts

    def set_room(self, host: Host, seen_at: datetime) -> None:
        """What a look at a host said of its limits and migrations; `seen_at` is when the look began."""
        with self.writing() as connection:
            rooms.keep_room(connection, host, seen_at)
            rooms.pump(connection, self.clock.now(), self.means)

    def pump(self) -> None:
        """Grant what may go now: pauses end and looks grow old without any row changing."""
        if not self.hosts_waited_for():
            return
        now = self.clock.now()
        with self.database.writing() as connection:
            changed = rooms.pump(connection, now, self.means)
        if changed:
            self.changed.ring()

    # Cards and step lines

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

    # Inbox

    def take(self, ask: Ask, by: str = "") -> bool:
        """Claim an ask durably, for the process that is to answer it. False: that key was taken before."""
        return self._claims.take(ask, by)

    def adopt(self, by: str) -> tuple[Ask, ...]:
        """Take over, oldest first, what processes that live no more have taken and not answered."""
        with self.database.reading() as connection:
            if not inbox.select_orphans(connection, by):
                return ()
        with self.database.writing() as connection:
            orphans = inbox.select_orphans(connection, by)
            inbox.adopt(connection, by)
            return orphans

    def answered(self, key: str) -> None:
        with self.writing() as connection:
            inbox.mark_answered(connection, key, self.clock.now())

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        with self.database.writing() as connection:
            yield connection
        self.changed.ring()


def _row(connection: sa.Connection, operation_id: str) -> sa.RowMapping:
    found = select_row(connection, operation_id)
    assert found is not None  # rows are never deleted
    return found


def _say(connection: sa.Connection, row: sa.RowMapping, line: Line, now: datetime) -> None:
    """In its thread. A move of an evacuation has none: what it does is on the card of all of them."""
    if not row["parent"]:
        cards.add_step(connection, row["id"], line, now)


def _is_stale(row: sa.RowMapping, attempt: int | None) -> bool:
    """Whether the runner of another attempt has taken the operation over."""
    return attempt is not None and row["attempt"] != attempt


def _current(operation_id: str, attempt: int | None) -> list[sa.ColumnElement[bool]]:
    """The operation, if it holds its place, and for this attempt."""
    where = [operation.c.id == operation_id, operation.c.state.in_(names(HOLDING))]
    return where if attempt is None else [*where, operation.c.attempt == attempt]
