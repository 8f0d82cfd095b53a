"""The rows as anybody may read them. Readers get frozen values, and wait for no writer."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import NamedTuple

import sqlalchemy as sa

from bot.core.evacuation import Evacuation, EvacuationKind
from bot.core.evacuation.measuring import Rate
from bot.core.holds.model import Hold
from bot.core.host_change import HostChange
from bot.core.journal import Break, Entry, find_break
from bot.core.lifecycle import ENDED, HOLDING, OPEN, State
from bot.core.maintenance import Maintenance
from bot.core.names import UserId
from bot.core.notices import Subscription
from bot.core.operation import Ask, Operation
from bot.core.preparation import Preparation
from bot.core.shown import Shown
from bot.operations.store import cards, decisions, entries, holds, inbox, notices, rooms
from bot.operations.store.cards import CardDue
from bot.operations.store.database import Database
from bot.operations.store.links import read_rate
from bot.operations.store.rows import (
    IS_EVACUATION,
    IS_HOST_CHANGE,
    IS_MOVE,
    is_evacuation,
    is_host_change,
    is_move,
    read_evacuation,
    read_shown,
    to_host_change,
    to_operation,
)
from bot.operations.store.tables import operation
from bot.ports import Clock


class Grant(NamedTuple):
    """An operation that holds its place, and the attempt that is to carry it out."""

    operation: str
    attempt: int
    site: str


class Standing(NamedTuple):
    """What may stop whoever carries an operation out: another attempt, or a person."""

    attempt: int
    cancel_asked: bool


class StoreReader:
    """Thread-safe. Every method raises DatabaseUnavailable where the database cannot be read."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    def find(self, operation_id: str) -> Operation | None:
        """A move; an evacuation is none, nor is a change of a host."""
        with self.database.reading() as connection:
            row = select_row(connection, operation_id)
        return to_operation(row) if row and is_move(row) else None

    def find_evacuation(self, evacuation_id: str) -> Evacuation | None:
        with self.database.reading() as connection:
            row = select_row(connection, evacuation_id)
            return read_evacuation(connection, row) if row and is_evacuation(row) else None

    def has_offered(self, ask_key: str) -> bool:
        """Whether an ask has made an operation."""
        with self.database.reading() as connection:
            query = sa.select(operation.c.id).where(operation.c.ask_key == ask_key)
            return connection.execute(query).first() is not None

    def newest_number(self) -> int:
        """Of all operations; 0 if there is none."""
        with self.database.reading() as connection:
            return decisions.highest(connection, operation.c.number)

    def open(self) -> tuple[Operation, ...]:
        """Moves that have not ended, those of evacuations too; oldest first."""
        return self._list(OPEN)

    def open_evacuations(self) -> tuple[Evacuation, ...]:
        query = sa.select(operation).where(IS_EVACUATION, operation.c.state.in_(names(OPEN)))
        with self.database.reading() as connection:
            rows = list(connection.execute(query.order_by(operation.c.number)).mappings())
            return tuple(read_evacuation(connection, row) for row in rows)

    def evacuations_of(self, host: str) -> tuple[Evacuation, ...]:
        """Those that were confirmed and took VMs away from this host, newest first."""
        query = sa.select(operation).where(IS_EVACUATION, operation.c.confirmed_at.is_not(None))
        with self.database.reading() as connection:
            rows = list(connection.execute(query.order_by(operation.c.number.desc())).mappings())
            found = [read_evacuation(connection, row) for row in rows if host in row["source"].split(", ")]
        return tuple(one for one in found if one.plan.kind is EvacuationKind.EVACUATION)

    def holding(self) -> tuple[Operation, ...]:
        """Those that occupy a place on their hosts, oldest first."""
        return self._list(HOLDING)

    def standings(self) -> dict[str, Standing]:
        """The same, by id, and of each only what may stop it."""
        query = sa.select(operation.c.id, operation.c.attempt, operation.c.cancel_asked)
        with self.database.reading() as connection:
            rows = connection.execute(query.where(operation.c.state.in_(names(HOLDING)))).all()
        return {row.id: Standing(row.attempt, row.cancel_asked) for row in rows}

    def find_host_change(self, change_id: str) -> HostChange | None:
        with self.database.reading() as connection:
            row = select_row(connection, change_id)
        return to_host_change(row) if row and is_host_change(row) else None

    def cluster_of(self, host: str) -> str | None:
        """Empty: it is in none. None: no process has seen it yet."""
        with self.database.reading() as connection:
            return rooms.read_cluster(connection, host)

    def open_host_changes(self) -> tuple[HostChange, ...]:
        query = sa.select(operation).where(IS_HOST_CHANGE, operation.c.state.in_(names(OPEN)))
        with self.database.reading() as connection:
            return tuple(map(to_host_change, connection.execute(query.order_by(operation.c.number)).mappings()))

    def last_preparation(self, host: str) -> Preparation | None:
        """The newest that succeeded there, unless it has been put back."""
        found = self._newest("preparation", host, frozenset({State.SUCCEEDED}))
        return found if isinstance(found, Preparation) and not found.plan.back else None

    def last_maintenance(self, host: str) -> Maintenance | None:
        """The newest that was carried out there, however it ended."""
        found = self._newest("maintenance", host, ENDED)
        return found if isinstance(found, Maintenance) else None

    def _newest(self, kind: str, host: str, states: frozenset[State]) -> HostChange | None:
        """Of those that were confirmed."""
        where = (operation.c.kind == kind, operation.c.source == host, operation.c.state.in_(names(states)))
        newest = sa.select(operation).where(*where, operation.c.position.is_not(None))
        with self.database.reading() as connection:
            row = connection.execute(newest.order_by(operation.c.position.desc()).limit(1)).mappings().first()
        return to_host_change(row) if row else None

    def recent(self, count: int, of: UserId | None = None) -> tuple[Shown, ...]:
        """Those that ended last, newest first; the moves of an evacuation are in it. `of`: who asked or confirmed."""
        query = sa.select(operation).where(operation.c.state.in_(names(ENDED)), operation.c.parent == "")
        if of is not None:
            query = query.where(sa.or_(operation.c.requested_by == of, operation.c.confirmed_by == of))
        newest = query.order_by(operation.c.ended_at.desc(), operation.c.number.desc()).limit(count)
        with self.database.reading() as connection:
            rows = list(connection.execute(newest).mappings())
            return tuple(read_shown(connection, row) for row in rows)

    def find_shown(self, operation_id: str) -> Shown | None:
        """A row of any kind, with what holds it back."""
        with self.database.reading() as connection:
            row = select_row(connection, operation_id)
            return holds.attach(holds.select_holds(connection), read_shown(connection, row), row) if row else None

    def find_offered(self, ask_key: str) -> Shown | None:
        """What an ask has made."""
        with self.database.reading() as connection:
            row = connection.execute(sa.select(operation).where(operation.c.ask_key == ask_key)).mappings().first()
            return read_shown(connection, row) if row else None

    def in_doubt(self) -> tuple[Shown, ...]:
        """Those that need attention, oldest first; each move of an evacuation by itself."""
        query = sa.select(operation).where(operation.c.state == State.NEEDS_ATTENTION.value)
        with self.database.reading() as connection:
            rows = list(connection.execute(query.order_by(operation.c.number)).mappings())
            return tuple(read_shown(connection, row) for row in rows)

    def expired(self, state: State = State.PROPOSED) -> tuple[str, ...]:
        """Rows of any kind that people had time to decide on until now, and have not."""
        query = sa.select(operation.c.id).where(
            operation.c.state == state.value, operation.c.expires_at <= self.clock.now()
        )
        with self.database.reading() as connection:
            return tuple(connection.execute(query).scalars())

    def hosts_waited_for(self) -> tuple[str, ...]:
        """Hosts that a queued operation needs room on, unless a freeze or lock keeps it anyway."""
        with self.database.reading() as connection:
            queued = rooms.select_queued(connection)
            held = holds.select_held(connection, queued)
        free = [row for row in queued if row["id"] not in held]
        return tuple(dict.fromkeys(host for row in free for host in (row["source"], row["destination"])))

    def grants(self, sites: Collection[str] | None = None) -> tuple[Grant, ...]:
        """What the workers of these sites are to carry out now; None: of all."""
        held = operation.c.state.in_(names(HOLDING))
        query = sa.select(operation.c.id, operation.c.attempt, operation.c.site).where(held)
        if sites is not None:
            query = query.where(operation.c.site.in_(list(sites)))
        with self.database.reading() as connection:
            return tuple(Grant(*row) for row in connection.execute(query.order_by(operation.c.number)))

    def _list(self, states: frozenset[State]) -> tuple[Operation, ...]:
        moves = sa.select(operation).where(IS_MOVE, operation.c.state.in_(names(states)))
        query = moves.order_by(operation.c.number)
        with self.database.reading() as connection:
            return tuple(to_operation(row) for row in connection.execute(query).mappings())

    def rate_between(self, one: str, other: str) -> Rate | None:
        with self.database.reading() as connection:
            return read_rate(connection, one, other)

    def known_jobs(self, operation_id: str) -> frozenset[str]:
        with self.database.reading() as connection:
            query = sa.select(operation.c.known_jobs).where(operation.c.id == operation_id)
            return frozenset(json.loads(connection.execute(query).scalar_one()))

    # Cards, sites, inbox

    def cards_due(self) -> tuple[CardDue, ...]:
        with self.database.reading() as connection:
            return cards.select_due(connection)

    def is_held(self, operation_id: str) -> bool:
        """Whether it belongs to an evacuation that is paused, or a freeze or lock concerns it."""
        with self.database.reading() as connection:
            row = select_row(connection, operation_id)
            parent = select_row(connection, row["parent"]) if row and row["parent"] else None
            paused = parent is not None and parent["paused"]
            return paused or (row is not None and bool(holds.concerning(holds.select_holds(connection), row)))

    def holds(self) -> tuple[Hold, ...]:
        """Freezes and locks that have not ended, oldest first."""
        with self.database.reading() as connection:
            return holds.select_holds(connection)

    def unanswered(self) -> tuple[Ask, ...]:
        with self.database.reading() as connection:
            return inbox.select_unanswered(connection)

    def is_answering(self, key: str, by: str) -> bool:
        """Whether this process is still the one to answer it: one that was thought dead has lost it to another."""
        with self.database.reading() as connection:
            return inbox.is_answering(connection, key, by)

    def watched_by(self, user: UserId) -> tuple[Subscription, ...]:
        with self.database.reading() as connection:
            return notices.select_subscriptions(connection, user)

    # Journal

    def journal(self, operation_id: str | None = None) -> tuple[Entry, ...]:
        """Oldest first: everything, or what concerns one operation."""
        with self.database.reading() as connection:
            return tuple(entries.read_entries(connection, operation_id))

    def find_break(self) -> Break | None:
        """Verify the whole journal. None: the chain holds."""
        with self.database.reading() as connection:
            return find_break(entries.read_entries(connection))


def select_row(connection: sa.Connection, operation_id: str) -> sa.RowMapping | None:
    return connection.execute(sa.select(operation).where(operation.c.id == operation_id)).mappings().first()


def names(states: frozenset[State]) -> list[str]:
    return sorted(state.value for state in states)
