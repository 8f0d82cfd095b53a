"""The rows of preparations, and the one way to change them: as for moves, each change in one transaction with its
journal entry and the grants that follow from it."""

from __future__ import annotations

from datetime import datetime

from bot.core.approval import Count
from bot.core.lifecycle import Event, states_accepting
from bot.core.names import UserId
from bot.core.operation import Ask, Outcome
from bot.core.preparation import Preparation, PreparationPlan
from bot.core.reply import Line
from bot.operations.store import cards, decisions, entries, rooms
from bot.operations.store.reader import names, select_row
from bot.operations.store.rows import effects, to_preparation, update
from bot.operations.store.store import Store


class Preparations:
    """Thread-safe; holds no state of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def propose(
        self, plan: PreparationPlan, ask: Ask, expires_at: datetime, counts: tuple[Count, ...] = ()
    ) -> Preparation:
        """A new offer. Idempotent by the ask's key."""
        with self._store.writing() as connection:
            return to_preparation(self._store.offer(connection, plan, ask, expires_at, counts))

    def change(
        self,
        preparation_id: str,
        event: Event,
        *,
        by: UserId | None = None,
        outcome: Outcome | None = None,
        note: Line | None = None,
        attempt: int | None = None,
    ) -> Preparation | None:
        """Let an event happen. None: somebody else was first, and nothing was changed.

        Args:
            attempt: of the runner that says so; a stale one changes nothing.

        Raises:
            Refused: a confirmation while another confirmed preparation of the same host is open.
        """
        now = self._store.clock.now()
        with self._store.writing() as connection:
            row = select_row(connection, preparation_id)
            stale = row is not None and attempt is not None and row["attempt"] != attempt
            if row is None or stale or row["state"] not in names(states_accepting(event)):
                return None
            values = effects(row, event, now) | decisions.by_whom(connection, row, event, by)
            if outcome is not None:
                values |= {"outcome": outcome.model_dump_json()}
            update(connection, row, values)
            details = decisions.details(row, event, values, by, outcome)
            entries.append(connection, preparation_id, event.value, now, details)
            if note is not None:
                cards.add_step(connection, preparation_id, note, now)
            rooms.pump(connection, now, self._store.means)
        return self._store.find_preparation(preparation_id)
