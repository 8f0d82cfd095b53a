"""The pump: grants queued operations that have room, and writes why the others wait. And the hosts' room itself.

It runs inside the transaction that freed or took a place, that learnt of room, or that confirmed an operation, so that
no place is ever given twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.core.admission import Resource, Room, Slot, count_foreign, decide_admission
from bot.core.estate import Host
from bot.core.lifecycle import HOLDING, Event, State
from bot.operations.store import evacuations, holds, sites
from bot.operations.store.entries import append
from bot.operations.store.links import Links, wait_for_links
from bot.operations.store.rows import IS_MOVE, effects, is_host_change, is_move, to_candidate, update
from bot.operations.store.tables import operation, room

LONGEST_LOOK = timedelta(minutes=2)  # between the beginnings of two looks that end in the wrong order
_OF_ROOM = [column for column in room.c if column.name != "cluster"]

Send = Callable[[sa.Connection, str, int, str], None]
"""Enqueues the workflow of an operation's attempt for the workers of a site."""


@dataclass(frozen=True)
class Means:
    """What the pump grants by and with.

    Attributes:
        room_age: how old a look at a host may be and still count.
        links: what carries the moves of evacuations.
        send: enqueues a granted operation's workflow.
    """

    room_age: timedelta
    links: Links
    send: Send


def pump(connection: sa.Connection, now: datetime, means: Means) -> bool:
    """Whether any row changed."""
    queued = select_queued(connection)
    if not queued:
        return False
    rows = {row["id"]: row for row in queued}
    holds = sa.select(operation).where(IS_MOVE, operation.c.state.in_([state.value for state in HOLDING]))
    holding = list(connection.execute(holds).mappings())
    rooms = {row["host"]: Room(**row) for row in connection.execute(sa.select(*_OF_ROOM)).mappings()}
    held = _hold_back(connection, queued)
    changed = _grant_host_changes(connection, queued, held, now, means.send)
    free = [row for row in queued if row["id"] not in held and is_move(row)]
    fresh = {host: room for host, room in rooms.items() if now - room.seen_at <= means.room_age}
    if evacuated := frozenset(row["parent"] for row in free if row["parent"]):
        network, measured = means.links.read_learnt(connection, evacuated, holding, now)
        held |= wait_for_links(free, holding, fresh, network, measured, now)
    candidates = [to_candidate(row) for row in free if row["id"] not in held]
    admission = decide_admission(candidates, [to_candidate(row) for row in holding], rooms, now, means.room_age)
    changed |= bool(admission.granted)
    for granted in admission.granted:
        grant(connection, rows[granted], now, means.send)
    for waits, words in {**admission.waiting, **held}.items():
        row = rows[waits]
        if row["waiting"] != words:
            changed |= update(connection, row, {"waiting": words, "version": row["version"] + 1})
    return changed


def _grant_host_changes(
    connection: sa.Connection, queued: Sequence[sa.RowMapping], held: Collection[str], now: datetime, send: Send
) -> bool:
    """They need no room; one at a time on a host is what confirming sees to."""
    ready = [row for row in queued if is_host_change(row) and row["id"] not in held]
    for row in ready:
        grant(connection, row, now, send)
    return bool(ready)


def _hold_back(connection: sa.Connection, queued: Sequence[sa.RowMapping]) -> dict[str, str]:
    """Those that may not go whatever room there is, and why."""
    served = sites.read_served(connection)
    unserved = {row["id"]: sites.render_unserved(row) for row in queued if sites.is_unserved(served, row["site"])}
    return unserved | evacuations.select_held(connection) | holds.select_held(connection, queued)


def select_queued(connection: sa.Connection) -> list[sa.RowMapping]:
    """In the order of their turn."""
    query = sa.select(operation).where(operation.c.state == State.QUEUED.value).order_by(operation.c.position)
    return list(connection.execute(query).mappings())


def grant(connection: sa.Connection, row: sa.RowMapping, now: datetime, send: Send) -> None:
    values = effects(row, Event.GRANT, now)
    update(connection, row, values)
    append(connection, row["id"], Event.GRANT.value, now, {"attempt": values["attempt"], "to": values["state"]})
    send(connection, row["id"], values["attempt"], row["site"])


def keep_room(connection: sa.Connection, host: Host, seen_at: datetime) -> None:
    """Remember what a look at a host said. An older look never replaces a newer one, unless the clock was set back."""
    known = connection.execute(sa.select(room.c.seen_at).where(room.c.host == host.name)).scalar_one_or_none()
    if known is not None and seen_at < known <= seen_at + LONGEST_LOOK:
        return
    values = {
        "seen_at": seen_at,
        "cluster": host.cluster,
        "live_limit": host.live_limit,
        "storage_limit": host.storage_limit,
        "live_foreign": count_foreign(host.live_active, _count_ours(connection, (host.name, Resource.LIVE), seen_at)),
        "storage_foreign": count_foreign(
            host.storage_active, _count_ours(connection, (host.name, Resource.STORAGE), seen_at)
        ),
    }
    if known is None:
        connection.execute(sa.insert(room).values(host=host.name, **values))
    else:
        connection.execute(sa.update(room).where(room.c.host == host.name).values(**values))


def read_cluster(connection: sa.Connection, host: str) -> str | None:
    """The cluster that a host was in when it was looked at last, by whichever process. None: it has never told."""
    return connection.execute(sa.select(room.c.cluster).where(room.c.host == host)).scalar_one_or_none()


def _count_ours(connection: sa.Connection, slot: Slot, at: datetime) -> int:
    """Ferry's moves that the host was carrying out at that moment, as far as Ferry knew."""
    running = sa.and_(
        operation.c.started_at <= at, sa.or_(operation.c.settled_at.is_(None), operation.c.settled_at >= at)
    )
    rows = connection.execute(sa.select(operation).where(running, IS_MOVE)).mappings()
    return sum(slot in to_candidate(row).slots for row in rows)
