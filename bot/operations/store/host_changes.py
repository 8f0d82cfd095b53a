"""The rows of changes of hosts themselves, and the one way to change them: as for moves, each change in one
transaction with its journal entry and the grants that follow from it."""

from __future__ import annotations

from datetime import datetime

from bot.core.approval import Count
from bot.core.host_change import HostChange, HostPlan
from bot.core.lifecycle import Event, states_accepting
from bot.core.names import UserId
from bot.core.operation import Ask, Outcome
from bot.core.reply import Line
from bot.operations.store import cards, decisions, entries, evacuations, rooms
from bot.operations.store.reader import names, select_row
from bot.operations.store.rows import effects, to_host_change, update
from bot.operations.store.store import Store


class HostChanges:
    """Thread-safe; holds no state of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def propose(self, plan: HostPlan, ask: Ask, expires_at: datetime, counts: tuple[Count, ...] = ()) -> HostChange:
        """A new offer. Idempotent by the ask's key."""
        with self._store.writing() as connection:
            return to_host_change(self._store.offer(connection, plan, ask, expires_at, counts))

    def change(
        self,
        change_id: str,
        event: Event,
        *,
        by: UserId | None = None,
        outcome: Outcome | None = None,
        note: Line | None = None,
        attempt: int | None = None,
    ) -> HostChange | None:
        """Let an event happen. None: somebody else was first, and nothing was changed.

        Args:
            attempt: of the runner that says so; a stale one changes nothing.
        """
        now = self._store.clock.now()
        with self._store.writing() as connection:
            row = select_row(connection, change_id)
            stale = row is not None and attempt is not None and row["attempt"] != attempt
            if row is None or stale or row["state"] not in names(states_accepting(event)):
                return None
            values = effects(row, event, now) | decisions.by_whom(connection, row, event, by)
            if outcome is not None:
                values |= {"outcome": outcome.model_dump_json()}
            update(connection, row, values)
            details = decisions.details(row, event, values, by, outcome)
            entries.append(connection, change_id, event.value, now, details)
            if note is not None:
                cards.add_step(connection, row["parent"] or change_id, note, now)
            if row["parent"] and (changed := select_row(connection, change_id)) is not None:
                evacuations.follow_pause(connection, changed, now)
            rooms.pump(connection, now, self._store.means)
        return self._store.find_host_change(change_id)

    def progress(self, change_id: str, percent: int, waiting: str, *, attempt: int) -> None:
        """What goes on now; no journal entry. Nothing, from a stale attempt."""
        self._store.progress(change_id, percent, waiting, attempt=attempt)

    def note(self, change_id: str, line: Line, *, attempt: int) -> None:
        """A line for its thread; the row stays as it is."""
        self._store.step(change_id, line, attempt=attempt)

    def ask_cancel(self, change_id: str, by: UserId) -> bool:
        """Tell its runner to stop it. False: it is in no state for that, or was told before."""
        return self._store.ask_cancel(change_id, by)
