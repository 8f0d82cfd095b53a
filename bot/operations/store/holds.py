"""Freezes and locks as rows: which there are, what they hold back, which cards say so. No transaction is opened here.

A hold holds until its row has ended, whatever a clock says: who ends it writes that, and lets go on what waited.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bot.core.holds.model import Hold, Kind
from bot.core.holds.touching import find_holds
from bot.core.holds.wording import render_waiting
from bot.core.lifecycle import OPEN
from bot.core.shown import Shown
from bot.operations.store.rows import read_plan
from bot.operations.store.tables import hold, operation, room

_OPEN = sorted(state.value for state in OPEN)


def select_holds(connection: sa.Connection) -> tuple[Hold, ...]:
    """Those that have not ended, oldest first."""
    query = sa.select(hold).where(hold.c.ended_at.is_(None)).order_by(hold.c.number)
    return tuple(with_hosts(connection, to_hold(row)) for row in connection.execute(query).mappings())


def to_hold(row: sa.RowMapping) -> Hold:
    return Hold.model_validate({column: row[column] for column in Hold.model_fields if column != "hosts"})


def with_hosts(connection: sa.Connection, one: Hold) -> Hold:
    """A cluster's lock is one of every node that it had then, and of each that has told of it since."""
    if one.kind is not Kind.CLUSTER:
        return one
    told = sa.select(room.c.host).where(sa.func.lower(room.c.cluster) == one.target.lower())
    return one.model_copy(update={"hosts": frozenset((*one.host.split(","), *connection.execute(told).scalars()))})


def concerning(holds: Sequence[Hold], row: sa.RowMapping) -> tuple[Hold, ...]:
    """Those that hold an operation back, freezes first."""
    if all(one.kind is Kind.FREEZE for one in holds):
        return tuple(holds)
    return find_holds(holds, read_plan(row))


def select_held(connection: sa.Connection, queued: Sequence[sa.RowMapping]) -> dict[str, str]:
    """Queued operations that may not go now, and why, in words."""
    holds = select_holds(connection)
    found = {row["id"]: concerning(holds, row) for row in queued} if holds else {}
    return {name: render_waiting(held[0]) for name, held in found.items() if held}


def attach(holds: Sequence[Hold], shown: Shown, row: sa.RowMapping) -> Shown:
    """With those that its card has to tell of: while it is open, what runs included."""
    if shown.ended or not holds:
        return shown
    return shown.model_copy(update={"holds": concerning(holds, row)})


def select_concerned(connection: sa.Connection, one: Hold) -> list[sa.RowMapping]:
    """Open operations that it concerns, those within evacuations too, oldest first."""
    query = sa.select(operation).where(operation.c.state.in_(_OPEN)).order_by(operation.c.number)
    return [row for row in connection.execute(query).mappings() if concerning((one,), row)]


def touch_cards(connection: sa.Connection, one: Hold) -> None:
    """What the cards of all that it concerns show has changed."""
    concerned = [row["id"] for row in select_concerned(connection, one)]
    newer = {"version": operation.c.version + 1}
    connection.execute(sa.update(operation).where(operation.c.id.in_(concerned)).values(**newer))
