"""A move that has ended as overdue and goes on at its host: having it stopped, and when there is nothing to stop.

Its row runs again, journalled and with a workflow in one transaction, for a runner that asks its job to end and tells
what both hosts show then. So whoever dies in between has lost nothing.
"""

from __future__ import annotations

from bot.core.lifecycle import Event, State, states_accepting
from bot.core.names import UserId
from bot.operations.store import decisions, entries, evacuations
from bot.operations.store.reader import names, select_row
from bot.operations.store.rows import effects, update
from bot.operations.store.store import Store


def recall(store: Store, operation_id: str, by: UserId) -> bool:
    """Ask for its job to be stopped. False: somebody else was first, or it does not go on any more.

    Raises:
        Refused: another operation of that VM is open, whose move it may be.
    """
    now = store.clock.now()
    with store.writing() as connection:
        row = select_row(connection, operation_id)
        if row is None or not row["job"] or row["state"] not in names(states_accepting(Event.RECALL)):
            return False
        values = effects(row, Event.RECALL, now) | decisions.by_whom(connection, row, Event.RECALL, by)
        update(connection, row, values)
        details = decisions.details(row, Event.RECALL, values, by, None)
        entries.append(connection, operation_id, Event.RECALL.value, now, details)
        store.outbox.send(connection, operation_id, values["attempt"], row["site"])
        evacuations.touch(connection, row["parent"])
        return True


def forget_job(store: Store, operation_id: str) -> None:
    """A look has shown that its move goes on no more. Nothing, where it has been recalled meanwhile. Idempotent."""
    with store.writing() as connection:
        row = select_row(connection, operation_id)
        if row is not None and row["job"] and row["state"] == State.NEEDS_ATTENTION.value:
            update(connection, row, {"job": "", "version": row["version"] + 1})
            evacuations.touch(connection, row["parent"])
