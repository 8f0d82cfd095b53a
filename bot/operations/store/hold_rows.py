"""Freezes and locks, and the one way to make and end them: the row, its journal entry, the cards and the grants that
follow from it are one transaction."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from pydantic import JsonValue

from bot.core.holds.model import Hold, Kind
from bot.core.holds.wording import refuse_locked
from bot.core.lifecycle import State
from bot.core.names import UserId
from bot.core.operation import Ask, Place
from bot.operations.store import decisions, holds, rooms
from bot.operations.store.entries import append
from bot.operations.store.store import Store
from bot.operations.store.tables import hold


class Begun(NamedTuple):
    """A hold, and how many operations wait for its end or run on to theirs."""

    hold: Hold
    waiting: int
    running: int


class Told(NamedTuple):
    """A hold that has ended by itself, and where it was asked for."""

    hold: Hold
    place: Place


class HoldRows:
    """Thread-safe; holds no state of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, wanted: Hold, ask: Ask) -> Begun:
        """Hold it; its number is given here. A freeze, and one's own lock, takes the place of the one before.

        Idempotent by the ask's key.

        Raises:
            Refused: somebody else has locked it.
        """
        now = self._store.clock.now()
        with self._store.writing() as connection:
            known = connection.execute(sa.select(hold).where(hold.c.ask_key == ask.key)).mappings().first()
            if known is None:
                self._replace(connection, wanted)
                number = decisions.highest(connection, hold.c.number) + 1
                made = holds.with_hosts(connection, wanted.model_copy(update={"number": number}))
                place = ask.place.model_copy(update={"thread": ask.place.thread or ask.message or None})
                row = {**made.model_dump(exclude={"hosts"}), "ask_key": ask.key, "place": place.model_dump_json()}
                connection.execute(sa.insert(hold).values(**row))
                _journal(connection, made, "freeze" if made.kind is Kind.FREEZE else "lock", made.by, self._store)
                holds.touch_cards(connection, made)
                rooms.pump(connection, now, self._store.means)
            else:
                made = holds.with_hosts(connection, holds.to_hold(known))
            states = [State(row["state"]) for row in holds.select_concerned(connection, made)]
            waiting = sum(state in (State.QUEUED, State.GRANTED) for state in states)
            running = sum(state in (State.RUNNING, State.VERIFYING) for state in states)
            return Begun(made, waiting, running)

    def _replace(self, connection: sa.Connection, wanted: Hold) -> None:
        there = [
            one for one in holds.select_holds(connection) if (one.kind, one.target) == (wanted.kind, wanted.target)
        ]
        for before in there:
            if before.kind is not Kind.FREEZE and before.by != wanted.by:
                raise refuse_locked(before)
            self._end(connection, before, wanted.by)

    def end(self, one: Hold, by: UserId | None) -> bool:
        """End it, and let go on what waited. False: somebody else did before.

        Args:
            by: None: its time is over.
        """
        with self._store.writing() as connection:
            if one.number not in {each.number for each in holds.select_holds(connection)}:
                return False
            self._end(connection, one, by)
            rooms.pump(connection, self._store.clock.now(), self._store.means)
            return True

    def _end(self, connection: sa.Connection, one: Hold, by: UserId | None) -> None:
        values = {"ended_at": self._store.clock.now(), "ended_by": by, "untold": by is None}
        connection.execute(sa.update(hold).where(hold.c.number == one.number).values(**values))
        free = "unfreeze" if one.kind is Kind.FREEZE else "unlock"
        taken = one.kind is not Kind.FREEZE and by not in (None, one.by)
        _journal(connection, one, "take over" if taken else free, by, self._store)
        holds.touch_cards(connection, one)

    def end_late(self) -> None:
        """End those whose time is over. Idempotent."""
        now = self._store.clock.now()
        for one in self._store.holds():
            if one.until is not None and one.until <= now:
                self.end(one, None)

    def untold(self) -> tuple[Told, ...]:
        """Those that have ended by themselves, of which nobody has been told."""
        query = sa.select(hold).where(hold.c.untold).order_by(hold.c.number)
        with self._store.database.reading() as connection:
            rows = list(connection.execute(query).mappings())
        return tuple(Told(holds.to_hold(row), Place.model_validate_json(row["place"])) for row in rows)

    def keep_told(self, number: int) -> None:
        with self._store.database.writing() as connection:
            connection.execute(sa.update(hold).where(hold.c.number == number).values(untold=False))


def _journal(connection: sa.Connection, one: Hold, event: str, by: UserId | None, store: Store) -> None:
    """Filed under the hold, with what it is on where history looks for that."""
    slot = {Kind.VM: "vm", Kind.HOST: "host"}.get(one.kind)
    details: dict[str, JsonValue] = {
        "by": by,
        "kind": one.kind.value,
        "target": one.target,
        "holder": one.by,
        "reason": f"{one.name}: {one.reason}" if one.name else one.reason,
        "arguments": {slot: one.name} if slot else {},
        "until": one.until.isoformat() if one.until else None,
    }
    append(connection, f"h-{one.number}", event, store.clock.now(), details)
