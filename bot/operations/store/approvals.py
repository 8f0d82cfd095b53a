"""What people agree to, as rows of any kind: confirmed, approved, and ended instead.

Rules: each change is one transaction with its journal entry, so of two who decide at once the second sees what the
first has done; an approval is a row that names the plan's digest and the approver; whether enough of them count is
asked in the transaction that writes the last one, of a function that does no I/O, and that transaction queues the
operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa
from pydantic import JsonValue

from bot.core.approval import Count, Given, is_met
from bot.core.lifecycle import Event, State, states_accepting
from bot.core.names import UserId
from bot.core.operation import Ask, Outcome
from bot.core.policy import AnyPlan
from bot.core.reply import Line, User
from bot.core.shown import Shown
from bot.operations.store import cards, decisions, entries, evacuations, rooms
from bot.operations.store.reader import names, select_row
from bot.operations.store.rows import COUNTS, effects, is_evacuation, read_plan, read_shown, update
from bot.operations.store.store import Store
from bot.operations.store.tables import approval, card, operation

Counting = Callable[[Sequence[Given]], tuple[Count, ...]]


class Approvals:
    """Thread-safe; holds no state of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def given(self, operation_id: str) -> tuple[Given, ...]:
        """In their order."""
        with self._store.database.reading() as connection:
            return _read_given(connection, operation_id)

    def confirm(
        self,
        operation_id: str,
        by: UserId,
        counts: tuple[Count, ...] = (),
        *,
        until: datetime | None = None,
        remind_at: datetime | None = None,
    ) -> bool:
        """Queue it, and where approvals are needed let it await them until then. False: somebody else was first.

        Raises:
            Refused: another operation of its VM, or host, was confirmed before and has not ended.
        """
        now = self._store.clock.now()
        with self._store.writing() as connection:
            row = _select(connection, operation_id, Event.CONFIRM)
            if row is None:
                return False
            later = Event.SCHEDULE if row["begins_at"] else Event.CONFIRM
            event = Event.SUBMIT if counts else later
            values = effects(row, event, now) | decisions.by_whom(connection, row, event, by)
            if counts:
                values |= {"expires_at": until or row["expires_at"], "remind_at": remind_at}
            values |= {"counts": COUNTS.dump_json(counts).decode()}
            update(connection, row, values)
            details = decisions.details(row, event, values, by, None)
            entries.append(connection, operation_id, event.value, now, details)
            if not counts:
                self._queue(connection, operation_id, now)
            return True

    def approve(self, operation_id: str, given: Given, count: Counting) -> tuple[Count, ...] | None:
        """Write one person's approval; the last one that is needed queues the operation.

        Args:
            count: how the approvals that are needed stand, with these given. It does no I/O.

        Returns:
            How they stand now; None: it does not await approval any more, or that person has approved it before.

        Raises:
            Refused: another operation of its VM, or host, was confirmed before and has not ended; nothing is written.
        """
        now = self._store.clock.now()
        with self._store.writing() as connection:
            row = _select(connection, operation_id, Event.APPROVE)
            before = _read_given(connection, operation_id)
            if row is None or given.by in {one.by for one in before}:
                return None
            values = {"operation": operation_id, "approver": given.by, **given.model_dump(exclude={"by"})}
            connection.execute(sa.insert(approval).values(**values))
            counts = count((*before, given))
            self._keep(connection, row, given, counts, now)
            if is_met(counts):
                self._queue(connection, operation_id, now)
            return counts

    def _keep(
        self, connection: sa.Connection, row: sa.RowMapping, given: Given, counts: tuple[Count, ...], now: datetime
    ) -> None:
        values: dict[str, object] = {"counts": COUNTS.dump_json(counts).decode(), "version": row["version"] + 1}
        if is_met(counts):
            event = Event.SCHEDULE if row["begins_at"] else Event.APPROVE
            values |= effects(row, event, now) | {"remind_at": None}
            values |= decisions.by_whom(connection, row, event, given.by)
        update(connection, row, values)
        standing: list[JsonValue] = [f"{one.name}: {len(one.by)} of {one.needed}" for one in counts]
        details: dict[str, JsonValue] = {
            "by": given.by,
            "digest": given.digest,
            "from": row["state"],
            "to": str(values.get("state", row["state"])),
            "approvals": standing,
        }
        entries.append(connection, row["id"], Event.APPROVE.value, now, details)
        cards.add_step(connection, row["id"], ("approved by ", User(id=given.by)), now)

    def _queue(self, connection: sa.Connection, operation_id: str, now: datetime) -> None:
        """It has been confirmed, and approved as far as that was needed; it begins now, or waits for its time."""
        row = select_row(connection, operation_id)
        assert row is not None  # rows are never deleted
        if row["state"] == State.SCHEDULED.value:
            return
        if is_evacuation(row):
            evacuations.begin(connection, row, row["confirmed_by"], now, self._store.site_of)
        rooms.pump(connection, now, self._store.means)

    def due(self) -> tuple[Shown, ...]:
        """What is scheduled until now, oldest first."""
        now = self._store.clock.now()
        scheduled = (operation.c.state == State.SCHEDULED.value, operation.c.begins_at <= now)
        query = sa.select(operation).where(*scheduled).order_by(operation.c.begins_at, operation.c.number)
        with self._store.database.reading() as connection:
            return tuple(read_shown(connection, row) for row in list(connection.execute(query).mappings()))

    def begin(self, operation_id: str, plan: AnyPlan) -> bool:
        """Queue what was scheduled, as it was planned anew. False: somebody else was first.

        Raises:
            Refused: another operation of its VM, or host, was confirmed before and has not ended; nothing is written.
        """
        now = self._store.clock.now()
        with self._store.writing() as connection:
            row = _select(connection, operation_id, Event.DUE)
            if row is None:
                return False
            agreed = read_plan(row).digest
            values = effects(row, Event.DUE, now) | decisions.by_whom(connection, row, Event.DUE, None)
            details = decisions.details(row, Event.DUE, values, None, None)
            if plan.digest != agreed:
                about = decisions.describe(row["number"], plan, self._store.site_of(plan))
                values |= {key: about[key] for key in about if key not in ("state", "version", "vm", "kind")}
                values |= {"agreed": agreed}
                details |= {"agreed": agreed, "digest": plan.digest, "plan": plan.model_dump(mode="json")}
            update(connection, row, values)
            entries.append(connection, operation_id, Event.DUE.value, now, details)
            self._queue(connection, operation_id, now)
            return True

    def put_off(self, operation_id: str, why: str, note: Line) -> None:
        """Remember why what is due could not be planned; the thread is told the first time."""
        with self._store.writing() as connection:
            row = _select(connection, operation_id, Event.DUE)
            if row is None or row["waiting"]:
                return
            update(connection, row, {"waiting": why, "version": row["version"] + 1})
            cards.add_step(connection, operation_id, note, self._store.clock.now())

    def ask_again(
        self,
        operation_id: str,
        plan: AnyPlan,
        ask: Ask,
        expires_at: datetime,
        counts: tuple[Count, ...],
        why: str,
        note: Callable[[str], Line],
    ) -> bool:
        """End what was scheduled, and offer in its place what was planned anew. False: somebody else was first.

        Args:
            why: what differs.
            note: for the thread, with the id of what is offered instead.
        """
        now = self._store.clock.now()
        with self._store.writing() as connection:
            row = _select(connection, operation_id, Event.DUE)
            if row is None:
                return False
            made = self._store.offer(connection, plan, _in_thread(connection, row, ask), expires_at, counts)
            told, instead = f"it did not begin at its time; {made['id']} is offered instead", f"status {made['id']}"
            outcome = Outcome(summary=told, cause=why, remedy=instead)
            evacuations.apply(connection, row, Event.EXPIRE, now, outcome=outcome)
            cards.add_step(connection, made["id"], note(made["id"]), now)
            return True

    def end(
        self,
        operation_id: str,
        event: Event,
        by: UserId | None = None,
        outcome: Outcome | None = None,
        note: Line = (),
        *,
        while_in: State | None = None,
    ) -> bool:
        """Decline it, let it expire, or withdraw it. False: somebody else has decided on it before.

        Args:
            while_in: the state that this was decided in, where the event means something else in another.
        """
        now = self._store.clock.now()
        with self._store.writing() as connection:
            row = _select(connection, operation_id, event)
            if row is None or while_in not in (None, State(row["state"])):
                return False
            values = decisions.by_whom(connection, row, event, by) | {"remind_at": None}
            evacuations.apply(connection, row, event, now, values, by=by, outcome=outcome)
            if note:
                cards.add_step(connection, operation_id, note, now)
            return True

    def remind(self, word: Callable[[Sequence[Count]], Line]) -> None:
        """Tell the threads of those whose time to be approved is soon over. Once each."""
        now = self._store.clock.now()
        due = sa.select(operation).where(
            operation.c.state == State.AWAITING_APPROVAL.value, operation.c.remind_at <= now
        )
        with self._store.database.reading() as connection:
            if connection.execute(due).first() is None:
                return
        with self._store.writing() as connection:
            for row in list(connection.execute(due).mappings()):
                update(connection, row, {"remind_at": None, "version": row["version"] + 1})
                cards.add_step(connection, row["id"], word(COUNTS.validate_json(row["counts"])), now)


def _select(connection: sa.Connection, operation_id: str, event: Event) -> sa.RowMapping | None:
    """The row, if its state accepts the event."""
    row = select_row(connection, operation_id)
    return row if row is not None and row["state"] in names(states_accepting(event)) else None


def _in_thread(connection: sa.Connection, row: sa.RowMapping, ask: Ask) -> Ask:
    """The ask as if it was said below the row's card, where that was not in a thread anyway."""
    ts = connection.execute(sa.select(card.c.ts).where(card.c.operation == row["id"])).scalar()
    return ask.model_copy(update={"place": ask.place.model_copy(update={"thread": ask.place.thread or ts})})


def _read_given(connection: sa.Connection, operation_id: str) -> tuple[Given, ...]:
    query = sa.select(approval).where(approval.c.operation == operation_id).order_by(approval.c.at, approval.c.approver)
    return tuple(
        Given(by=UserId(row["approver"]), channel=row["channel"], at=row["at"], digest=row["digest"])
        for row in connection.execute(query).mappings()
    )
