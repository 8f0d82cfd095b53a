"""What people decide, as rows: a new offer, who confirmed, declined, cancelled or closed it; and what is journalled.

No transaction is opened here.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from pydantic import JsonValue

from bot.core.estate import IN_MEMORY
from bot.core.evacuation import EvacuationPlan
from bot.core.host_change import HostPlan
from bot.core.lifecycle import Event, State
from bot.core.names import UserId
from bot.core.operation import Ask, Outcome
from bot.core.plan import MoveKind, Plan
from bot.core.policy import AnyPlan
from bot.core.storage import known_bytes, travelling
from bot.errors import Refused
from bot.operations.store.rows import Values, is_move, kind_of, read_plan
from bot.operations.store.tables import CONFIRMED_AND_OPEN, operation

_AGREED = (Event.CONFIRM, Event.SUBMIT, Event.APPROVE, Event.SCHEDULE)


def by_whom(connection: sa.Connection, row: sa.RowMapping, event: Event, by: UserId | None) -> Values:
    """Who confirmed, with the turn in the queue that it gives, or who declined, cancelled or closed it."""
    match event:
        case Event.CONFIRM:
            return {"confirmed_by": by, "position": _turn(connection, row)}
        case Event.SUBMIT:
            return {"confirmed_by": by}
        case Event.SCHEDULE if row["state"] == State.PROPOSED.value:
            return {"confirmed_by": by}
        case Event.APPROVE | Event.DUE:
            return {"position": _turn(connection, row)}
        case Event.DECLINE | Event.CANCEL:
            return {"cancelled_by": row["cancelled_by"] or by}
        case Event.CLOSE:
            return {"cancelled_by": by}
        case Event.RECALL:
            refuse_busy(connection, row)
            return {"cancelled_by": by}
        case _:
            return {}


def _turn(connection: sa.Connection, row: sa.RowMapping) -> int:
    """Its turn in the queue. Raises Refused as below."""
    refuse_busy(connection, row)
    return highest(connection, operation.c.position) + 1


def refuse_busy(connection: sa.Connection, row: sa.RowMapping) -> None:
    """Raises Refused: another operation of that VM was confirmed before and has not ended."""
    busy = sa.select(operation).where(operation.c.vm == row["vm"], operation.c.state.in_(CONFIRMED_AND_OPEN))
    if other := connection.execute(busy).mappings().first():
        about = read_plan(other)
        name = about.move.vm_name if isinstance(about, Plan) else row["source"]
        raise Refused(
            f"{name} already has an operation: {other['id']} is {other['state']}",
            needed=f"one operation of a {'virtual machine' if is_move(row) else 'host'} at a time",
            hint=f"status {other['id']}, or cancel {other['id']}",
        )


def highest(connection: sa.Connection, column: sa.Column[int]) -> int:
    return connection.execute(sa.select(sa.func.max(column))).scalar_one() or 0


def details(
    row: sa.RowMapping, event: Event, values: Values, by: UserId | None, outcome: Outcome | None
) -> dict[str, JsonValue]:
    return {
        "by": by,
        "digest": read_plan(row).digest if event in _AGREED else None,  # what it was that was confirmed
        "from": row["state"],
        "to": values["state"],
        "attempt": row["attempt"],
        "waiting": values["waiting"] or None,
        "outcome": outcome.model_dump(mode="json") if outcome else None,
    }


def offer(number: int, plan: AnyPlan, ask: Ask, expires_at: datetime, site: str) -> Values:
    return describe(number, plan, site) | {
        "ask_key": ask.key,
        "place": ask.place.model_dump_json(),
        "requested_by": ask.actor,
        "requested_at": ask.at,
        "expires_at": expires_at,
    }


def origin(plan: AnyPlan) -> str:
    """The host whose site's workers carry it out; none for an evacuation, whose moves have their own."""
    match plan:
        case Plan():
            return plan.move.source
        case HostPlan():
            return plan.host
        case EvacuationPlan():
            return ""


def describe(number: int, plan: AnyPlan, site: str) -> Values:
    """What a new row says of its plan. An evacuation has its own id where a move has its VM's; a change of a
    host has the host's name, so that no two of one host are confirmed at a time."""
    name = f"m-{number}"
    values: Values = {
        "number": number,
        "id": name,
        "state": State.PROPOSED.value,
        "version": 1,
        "plan": plan.model_dump_json(),
        "site": site,
        "begins_at": plan.begins_at,
    }
    if isinstance(plan, EvacuationPlan):
        hosts = {"source": ", ".join(plan.hosts), "destination": ", ".join(plan.destinations)}
        return values | hosts | {"vm": name, "kind": plan.kind.value}
    if isinstance(plan, HostPlan):
        return values | {
            "vm": f"host {plan.host}",
            "kind": kind_of(plan),
            "source": plan.host,
            "destination": plan.host,
        }
    move = plan.move
    return values | {
        "vm": move.vm,
        "kind": move.kind.value,
        "source": move.source,
        "destination": move.destination,
        "memory_bytes": move.memory_bytes if move.kind is not MoveKind.STORAGE and move.state in IN_MEMORY else 0,
        "storage_bytes": known_bytes(travelling(move.disks)) if move.kind.carries_storage else 0,
    }
