"""Which moves of evacuations wait for a link, by what the rows say of those under way.

Admission keeps the hosts' limits for every move; this keeps the links for those that were planned together. A move that
somebody ordered by itself does not wait for a link: nobody has promised when it ends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.core.admission import Resource, Room
from bot.core.evacuation.measuring import Measured, Past, Rate, measure, measure_between
from bot.core.lifecycle import State
from bot.core.plan import MoveKind
from bot.core.schedule import EXPECTED_PACE, Caps, Finished, Network, Running, Trip, choose_starts, learn
from bot.operations.store.rows import IS_MOVE
from bot.operations.store.tables import operation

REMEMBERED = 500
"""Moves that are measured by: the newest."""
_FRESH, _LEARNT_FRESH = timedelta(minutes=1), timedelta(seconds=20)


class Links:
    """What carries migrations: what the settings say, and what the newest moves tell of the rest. Thread-safe."""

    def __init__(self, known: Network) -> None:
        self.known = known
        self._measured: tuple[datetime, Measured] | None = None
        self._learnt: tuple[datetime, frozenset[str], Network] | None = None

    def read(self, connection: sa.Connection, now: datetime) -> tuple[Network, Measured]:
        """Measured at most once a minute. Plans take off what links seldom carry of what they could; of what one was
        seen to carry nothing is to be taken off.
        """
        measured = self._measured
        if measured is None or not measured[0] <= now < measured[0] + _FRESH:
            measured = self._measured = now, measure(_read_past(connection), self.known)
        links = {host: bytes_s * EXPECTED_PACE for host, bytes_s in measured[1].links.items()}
        return replace(self.known, links={**links, **self.known.links}), measured[1]

    def read_learnt(
        self, connection: sa.Connection, evacuations: frozenset[str], holding: Sequence[sa.RowMapping], now: datetime
    ) -> tuple[Network, Measured]:
        """The same, with set-up and pace as the moves of these evacuations show them. Learnt every 20 seconds."""
        network, measured = self.read(connection, now)
        learnt = self._learnt
        if learnt is None or learnt[1] != evacuations or not learnt[0] <= now < learnt[0] + _LEARNT_FRESH:
            running = [_running(row, measured, now) for row in holding]
            shown = learn(running, _read_finished(connection, evacuations, measured, now), network)
            learnt = self._learnt = now, evacuations, shown
        return learnt[2], measured


def _read_finished(
    connection: sa.Connection, evacuations: frozenset[str], measured: Measured, now: datetime
) -> list[Finished]:
    done = (IS_MOVE, operation.c.parent.in_(evacuations), operation.c.state == State.SUCCEEDED.value)
    query = sa.select(operation).where(*done, operation.c.started_at.is_not(None), operation.c.settled_at.is_not(None))
    return [
        Finished(
            _trip(row, measured),
            took_s=max(0.0, (row["settled_at"] - row["started_at"]).total_seconds()),
            ended_ago_s=max(0.0, (now - row["settled_at"]).total_seconds()),
        )
        for row in connection.execute(query).mappings()
    ]


def read_rate(connection: sa.Connection, one: str, other: str) -> Rate | None:
    """Between two hosts, by what their clusters moved, too: what is in memory is copied alike."""
    return measure_between(_read_past(connection, MoveKind.LIVE, MoveKind.CLUSTER), one, other)


def _read_past(connection: sa.Connection, *kinds: MoveKind) -> list[Past]:
    wanted = [kind.value for kind in kinds or (MoveKind.LIVE,)]
    done = (operation.c.state == State.SUCCEEDED.value, operation.c.kind.in_(wanted))
    query = sa.select(operation).where(*done, operation.c.started_at.is_not(None), operation.c.settled_at.is_not(None))
    newest = query.order_by(operation.c.number.desc()).limit(REMEMBERED)
    return [
        Past(row["vm"], row["source"], row["destination"], row["memory_bytes"], row["started_at"], row["settled_at"])
        for row in connection.execute(newest).mappings()
        if row["kind"] != MoveKind.CLUSTER.value or not json.loads(row["plan"])["move"].get("quick")
    ]


def wait_for_links(
    queued: Sequence[sa.RowMapping],
    holding: Sequence[sa.RowMapping],
    rooms: Mapping[str, Room],
    network: Network,
    measured: Measured,
    now: datetime,
) -> dict[str, str]:
    """What each of the queued moves of evacuations that may not start yet waits for.

    Args:
        queued: in the order of their turn, without those that are held back for another reason.
        rooms: of hosts that were looked at lately enough. A move of another host, or of one that others have filled, is
            admission's alone, which says what it waits for.
    """
    open_hosts = {
        host for host, room in rooms.items() if all(room.foreign(kind) < room.limit(kind) for kind in Resource)
    }
    planned = [row for row in queued if row["parent"] and {row["source"], row["destination"]} <= open_hosts]
    if not planned:
        return {}
    running = [_running(row, measured, now) for row in holding]
    starts = choose_starts([_trip(row, measured) for row in planned], running, network, _caps(rooms))
    return dict(starts.waiting)


def _trip(row: sa.RowMapping, measured: Measured) -> Trip:
    kind = MoveKind(row["kind"])
    return Trip(
        id=row["id"],
        source=row["source"],
        destination=row["destination"],
        memory_bytes=row["memory_bytes"],
        storage_bytes=row["storage_bytes"],
        dirty_bytes_s=measured.dirty.get(row["vm"]),
        rank=row["rank"],
        stage=row["stage"],
        live=kind is not MoveKind.STORAGE,
        storage=kind.carries_storage,
    )


def _running(row: sa.RowMapping, measured: Measured, now: datetime) -> Running:
    """One that is granted and not yet sent is at its beginning."""
    elapsed_s = max(0.0, (now - row["started_at"]).total_seconds()) if row["started_at"] else 0.0
    return Running(trip=_trip(row, measured), elapsed_s=elapsed_s, percent=row["percent"])


def _caps(rooms: Mapping[str, Room]) -> Caps:
    """What the hosts allow Ferry: what others run there is taken off."""
    return Caps(live=_limits(rooms, Resource.LIVE), storage=_limits(rooms, Resource.STORAGE))


def _limits(rooms: Mapping[str, Room], resource: Resource) -> Mapping[str, int]:
    return {host: max(0, room.limit(resource) - room.foreign(resource)) for host, room in rooms.items()}
