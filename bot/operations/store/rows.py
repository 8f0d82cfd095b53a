"""Between rows and the core's values, and what each event writes. No transaction is opened here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from bot.core.admission import Candidate
from bot.core.approval import Count
from bot.core.evacuation import Evacuation, EvacuationKind, EvacuationPlan
from bot.core.host_change import HostChange, HostPlan
from bot.core.lifecycle import ENDED, SENDING, Event, IllegalEvent, State, after
from bot.core.maintenance import Maintenance, MaintenancePlan
from bot.core.operation import Operation, Outcome, Place
from bot.core.plan import MoveKind, Plan
from bot.core.policy import AnyPlan
from bot.core.preparation import Preparation, PreparationPlan
from bot.core.reply import Line
from bot.core.shown import Shown
from bot.operations.store.tables import operation

LINE: TypeAdapter[Line] = TypeAdapter(Line)
COUNTS: TypeAdapter[tuple[Count, ...]] = TypeAdapter(tuple[Count, ...])
Values = dict[str, Any]  # columns of a row: SQLAlchemy's side of the border


HOST_CHANGES: Mapping[str, tuple[type[HostPlan], type[HostChange]]] = {
    "preparation": (PreparationPlan, Preparation),
    "maintenance": (MaintenancePlan, Maintenance),
}
"""Kinds of rows that change a host itself, with their plans and values."""

IS_EVACUATION = operation.c.kind.in_([kind.value for kind in EvacuationKind])
IS_HOST_CHANGE = operation.c.kind.in_(list(HOST_CHANGES))
IS_MOVE = operation.c.kind.in_([kind.value for kind in MoveKind])


def is_move(row: sa.RowMapping) -> bool:
    return row["kind"] in set(MoveKind)


def is_evacuation(row: sa.RowMapping) -> bool:
    return row["kind"] in set(EvacuationKind)


def is_host_change(row: sa.RowMapping) -> bool:
    return row["kind"] in HOST_CHANGES


def kind_of(plan: HostPlan) -> str:
    return next(kind for kind, (plans, _) in HOST_CHANGES.items() if isinstance(plan, plans))


def read_plan(row: sa.RowMapping) -> AnyPlan:
    if is_host_change(row):
        return HOST_CHANGES[row["kind"]][0].model_validate_json(row["plan"])
    return EvacuationPlan.model_validate_json(row["plan"]) if is_evacuation(row) else _parse_plan(row["plan"])


def read_shown(connection: sa.Connection, row: sa.RowMapping) -> Shown:
    if is_host_change(row):
        return to_host_change(row)
    return read_evacuation(connection, row) if is_evacuation(row) else to_operation(row)


def to_host_change(row: sa.RowMapping) -> HostChange:
    plans, changes = HOST_CHANGES[row["kind"]]
    now = {column: row[column] for column in ("waiting", "percent", "attempt", "parent")}
    return changes(**_recorded(row), plan=plans.model_validate_json(row["plan"]), **now)


@lru_cache(maxsize=1000)  # a plan never changes, and every look at an evacuation reads those of all its moves
def _parse_plan(text: str) -> Plan:
    return Plan.model_validate_json(text)


def to_operation(row: sa.RowMapping) -> Operation:
    return Operation(
        **_recorded(row),
        plan=_parse_plan(row["plan"]),
        percent=row["percent"],
        waiting=row["waiting"],
        attempt=row["attempt"],
        parent=row["parent"],
        stage=row["stage"],
        job=row["job"],
    )


def read_evacuation(connection: sa.Connection, row: sa.RowMapping) -> Evacuation:
    children = sa.select(operation).where(operation.c.parent == row["id"]).order_by(operation.c.number)
    rows = list(connection.execute(children).mappings())
    pauses = (to_host_change(child) for child in rows if is_host_change(child))
    return Evacuation(
        **_recorded(row),
        plan=EvacuationPlan.model_validate_json(row["plan"]),
        moves=tuple(to_operation(child) for child in rows if is_move(child)),
        pauses=tuple(one for one in pauses if isinstance(one, Maintenance)),
        paused=row["paused"],
        paused_by=row["paused_by"],
    )


def _recorded(row: sa.RowMapping) -> Values:
    return {
        "id": row["id"],
        "state": State(row["state"]),
        "place": Place.model_validate_json(row["place"]),
        "outcome": Outcome.model_validate_json(row["outcome"]) if row["outcome"] else None,
        "counts": COUNTS.validate_json(row["counts"]),
    } | {
        column: row[column]
        for column in (
            *("version", "requested_by", "requested_at", "expires_at", "confirmed_by", "confirmed_at"),
            *("cancelled_by", "cancel_asked", "started_at", "ended_at", "begins_at", "agreed"),
        )
    }


def to_candidate(row: sa.RowMapping) -> Candidate:
    return Candidate(
        operation=row["id"],
        kind=MoveKind(row["kind"]),
        source=row["source"],
        destination=row["destination"],
        not_before=row["not_before"],
        waiting=row["waiting"],
    )


def effects(row: sa.RowMapping, event: Event, now: datetime) -> Values:
    """What an event does to the columns, by itself: the state, the moments, and what no longer applies."""
    if row["job"] and event in SENDING:
        raise IllegalEvent(State(row["state"]), event)
    state = after(State(row["state"]), event)
    values: Values = {"state": state.value, "version": row["version"] + 1, "waiting": "", "not_before": None}
    match event:
        case Event.CONFIRM | Event.SUBMIT | Event.SCHEDULE if row["state"] == State.PROPOSED.value:
            values |= {"confirmed_at": now}
        case Event.GRANT:
            values |= {"attempt": row["attempt"] + 1}
        case Event.BEGIN:
            values |= {"started_at": now}
        case Event.START:
            values |= {"started_at": now, "settled_at": None, "percent": 0}
        case Event.VERIFY:
            values |= {"settled_at": now, "percent": 100}
        case Event.RETURN | Event.HOLD:
            # Refused, or never sent: it was not under way, and its time starts with the start that succeeds.
            values |= {"started_at": None, "settled_at": None, "percent": 0}
        case Event.RECALL:  # its attempt is another, so that what may still wake up of the former writes nothing
            values |= {"attempt": row["attempt"] + 1, "cancel_asked": True, "ended_at": None, "settled_at": None}
        case Event.SUCCEED:
            values |= {"percent": 100}
        case _:
            pass
    if state in ENDED:
        values |= {"ended_at": row["ended_at"] or now, "settled_at": row["settled_at"] or now}
    return values


def update(connection: sa.Connection, row: sa.RowMapping, values: Mapping[str, Any]) -> bool:
    """Compare and set: nothing is written if the row is no longer as it was read."""
    unchanged = (operation.c.id == row["id"], operation.c.version == row["version"])
    return connection.execute(sa.update(operation).where(*unchanged).values(**values)).rowcount == 1
