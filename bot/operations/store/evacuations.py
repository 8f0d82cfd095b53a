"""An evacuation's row and those of its moves: begun together, held together, ended together.

No transaction is opened here. Rules: its moves are written when it is confirmed, by whoever confirmed it, each with
journal entries of its own; whatever changes a move changes the evacuation's version, because one card shows them all;
whoever ends the last move ends the evacuation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import sqlalchemy as sa
from pydantic import JsonValue

from bot.core.evacuation import EvacuationKind, EvacuationPlan
from bot.core.evacuation.card import render_failure
from bot.core.evacuation.ending import FAILED, conclude
from bot.core.host_change import HostPlan
from bot.core.lifecycle import ENDED, HOLDING, OPEN, Event, State
from bot.core.names import UserId
from bot.core.operation import Outcome
from bot.core.plan import Plan
from bot.core.reply import marked
from bot.operations.store import cards, decisions, sites
from bot.operations.store.entries import append
from bot.operations.store.rows import (
    HOST_CHANGES,
    IS_EVACUATION,
    effects,
    read_evacuation,
    to_host_change,
    to_operation,
    update,
)
from bot.operations.store.tables import CONFIRMED_AND_OPEN, operation

TABLE, LIST, PICTURE, ARRIVALS = "table", "list", "picture", "arrivals"
"""What the thread gets instead of a line, drawn from the rows when it is posted: what `step.file` says."""

_OPEN, _HOLDING, _FAILED = (sorted(state.value for state in states) for states in (OPEN, HOLDING, FAILED))


def begin(
    connection: sa.Connection,
    row: sa.RowMapping,
    by: UserId,
    now: datetime,
    site_of: Callable[[Plan | HostPlan], str],
) -> None:
    """Write its moves as confirmed, and let it be under way. The row has just been confirmed."""
    plan = EvacuationPlan.model_validate_json(row["plan"])
    pauses = [_write_child(connection, row, pause, by, now, site_of(pause), pause.host) for pause in plan.pauses]
    for leg in plan.legs:
        turn = {"stage": leg.stage, "rank": leg.rank}
        _write_child(connection, row, leg.plan, by, now, site_of(leg.plan), leg.plan.move.vm, turn)
    values = effects(row, Event.BEGIN, now) | {"failures_allowed": plan.failure_budget}
    update(connection, row, values)
    append(connection, row["id"], Event.BEGIN.value, now, {"by": by, "moves": len(plan.legs), "to": values["state"]})
    for pause in pauses:
        follow_pause(connection, _select(connection, pause), now)


def _write_child(
    connection: sa.Connection,
    parent: sa.RowMapping,
    plan: Plan | HostPlan,
    by: UserId,
    now: datetime,
    site: str,
    about: str,
    turn: Mapping[str, int] | None = None,
) -> str:
    """Its id. A VM or a host that has an operation of its own is not touched by a second one."""
    number = decisions.highest(connection, operation.c.number) + 1
    values = decisions.describe(number, plan, site) | {
        "ask_key": f"{parent['ask_key']}/{about}",
        "parent": parent["id"],
        **(turn or {}),
        **{column: parent[column] for column in ("place", "requested_by", "requested_at", "expires_at")},
    }
    connection.execute(sa.insert(operation).values(**values))
    row = _select(connection, values["id"])
    details: dict[str, JsonValue] = {
        "evacuation": parent["id"],  # which says who asked
        "plan": plan.model_dump(mode="json"),
        "digest": plan.digest,
    }
    append(connection, row["id"], "propose", now, details)
    busy = sa.select(operation.c.id).where(operation.c.vm == row["vm"], operation.c.state.in_(CONFIRMED_AND_OPEN))
    if other := connection.execute(busy).scalar():
        name = plan.move.vm_name if isinstance(plan, Plan) else plan.host
        told = f"nothing was started: {name} has another operation, {other}"
        apply(connection, row, Event.EXPIRE, now, outcome=Outcome(summary=told, remedy=f"status {other}"))
    else:
        position = decisions.highest(connection, operation.c.position) + 1
        apply(connection, row, Event.CONFIRM, now, {"confirmed_by": by, "position": position}, by=by)
    return str(row["id"])


def hold(connection: sa.Connection, row: sa.RowMapping, paused: bool, by: UserId | None, now: datetime) -> bool:
    """Pause, or go on. False: it is so already, or has ended."""
    if row["state"] != State.UNDER_WAY.value or row["paused"] == paused:
        return False
    values = {"paused": paused, "paused_by": by if paused else None, "version": row["version"] + 1}
    if not paused:
        values |= {"failures_allowed": _count_failures(connection, row["id"]) + row["failures_allowed"]}
    update(connection, row, values)
    append(connection, row["id"], "pause" if paused else "go on", now, {"by": by})
    return True


def cancel(connection: sa.Connection, row: sa.RowMapping, by: UserId, now: datetime) -> bool:
    """End what waits, and ask for what runs to be stopped. False: that was done before, or it has ended."""
    if row["state"] != State.UNDER_WAY.value or row["cancel_asked"]:
        return False
    asked = {"cancel_asked": True, "cancelled_by": by}
    update(connection, row, asked | {"version": row["version"] + 1})
    append(connection, row["id"], "ask to cancel", now, {"by": by})
    query = sa.select(operation).where(operation.c.parent == row["id"]).order_by(operation.c.number)
    served = sites.read_served(connection)
    for move in list(connection.execute(query).mappings()):
        if move["state"] == State.QUEUED.value or sites.is_nobodys(move, served):
            _end(connection, move, by, now)
        elif move["state"] in _HOLDING and move["state"] != State.VERIFYING.value and not move["cancel_asked"]:
            update(connection, move, asked | {"version": move["version"] + 1})
            append(connection, move["id"], "ask to cancel", now, {"by": by, "attempt": move["attempt"]})
    settle(connection, row["id"], now)
    return True


def end_unbegun(connection: sa.Connection, move: sa.RowMapping, by: UserId | None, now: datetime) -> None:
    """Cancel one that waits, or that nobody has begun; its evacuation, if it has one, may end with it."""
    _end(connection, move, by, now)
    follow(connection, _select(connection, move["id"]), now)


def _end(connection: sa.Connection, move: sa.RowMapping, by: UserId | None, now: datetime) -> None:
    early = "before its turn" if move["state"] == State.QUEUED.value else "before any worker took it up"
    outcome = Outcome(summary=f"cancelled {early}; nothing was started")
    who = {"cancelled_by": move["cancelled_by"] or by}  # whoever was first
    apply(connection, move, Event.CANCEL, now, who | {"waiting": ""}, by=by, outcome=outcome)


def follow(connection: sa.Connection, move: sa.RowMapping, now: datetime) -> None:
    """A move has changed: its evacuation's card does, and perhaps it pauses or ends."""
    if move["parent"]:
        if State(move["state"]) in FAILED:
            for line in render_failure(to_operation(move)):
                cards.add_step(connection, move["parent"], line, now)
            _pause_after_failures(connection, move["parent"], now)
        touch(connection, move["parent"])
        if State(move["state"]) in ENDED:
            settle(connection, move["parent"], now)


def follow_pause(connection: sa.Connection, pause: sa.RowMapping, now: datetime) -> None:
    """The pause of a node has changed. Where it did not come about, nothing is moved until a person says so."""
    touch(connection, pause["parent"])
    if State(pause["state"]) not in FAILED:
        return
    outcome = to_host_change(pause).outcome
    told = f"{pause['source']} was not paused: {outcome.summary if outcome else pause['state']}"
    go_on = f"`resume {pause['parent']}` moves its virtual machines all the same, `cancel {pause['parent']}` does not"
    row = _select(connection, pause["parent"])
    if not row["cancel_asked"] and hold(connection, row, True, None, now):
        cards.add_step(connection, pause["parent"], marked(f"{told}; {go_on}"), now)


def touch(connection: sa.Connection, evacuation: str) -> None:
    """What its card shows has changed. Nothing, for a move that stands alone."""
    if evacuation:
        newer = {"version": operation.c.version + 1}
        connection.execute(sa.update(operation).where(operation.c.id == evacuation).values(**newer))


def settle(connection: sa.Connection, evacuation: str, now: datetime) -> None:
    """End it, if its moves have ended; end it otherwise, if a look has told what became of a doubtful one."""
    row = _select(connection, evacuation)
    if row["state"] not in (State.UNDER_WAY.value, State.NEEDS_ATTENTION.value):
        return
    ended = conclude(read_evacuation(connection, row))
    if ended is None or (ended[0] is Event.DOUBT and row["state"] == State.NEEDS_ATTENTION.value):
        return
    event, outcome = ended
    apply(connection, row, event, now, {"paused": False, "paused_by": None}, outcome=outcome)
    if row["state"] == State.UNDER_WAY.value:
        cards.add_step(connection, evacuation, (outcome.summary,), now)
        if row["kind"] == EvacuationKind.EVACUATION.value and event is not Event.CANCEL:
            cards.add_step(connection, evacuation, ("What came meanwhile",), now, ARRIVALS)
        cards.add_step(connection, evacuation, ("Every migration, by destination",), now, PICTURE)


def select_held(connection: sa.Connection) -> dict[str, str]:
    """Queued moves that may not go now whatever room there is, and why, in words."""
    parents = sa.select(operation).where(IS_EVACUATION, operation.c.state == State.UNDER_WAY.value)
    waiting: dict[str, str] = {}
    for parent in connection.execute(parents).mappings():
        columns = (operation.c[name] for name in ("id", "state", "stage", "kind", "source"))
        moves = sa.select(*columns).where(operation.c.parent == parent["id"], operation.c.state.in_(_OPEN))
        found = list(connection.execute(moves))
        stage = min((move.stage for move in found), default=0)
        pausing = [move.source for move in found if move.kind in HOST_CHANGES]
        for move in found:
            if move.state != State.QUEUED.value:
                continue
            if parent["paused"] or parent["cancel_asked"]:
                waiting[move.id] = f"{parent['id']} is paused"
            elif pausing and move.kind not in HOST_CHANGES:
                waiting[move.id] = f"{pausing[0]} is paused in its cluster first"
            elif move.stage > stage:
                waiting[move.id] = "the moves that make room for it come first"
    return waiting


def tell_try(connection: sa.Connection, move: sa.RowMapping, why: str, now: datetime) -> None:
    """A move's try has failed, and is to be repeated."""
    if move["parent"]:
        line = (f"{move['id']}: {to_operation(move).plan.move.vm_name}, a try has failed: {why}",)
        cards.add_step(connection, move["parent"], line, now)


def _pause_after_failures(connection: sa.Connection, evacuation: str, now: datetime) -> None:
    row = _select(connection, evacuation)
    failures = _count_failures(connection, evacuation)
    if failures >= row["failures_allowed"] > 0 and not row["cancel_asked"] and hold(connection, row, True, None, now):
        words = f"{failures} moves have failed: paused, so that nobody has to watch more of them fail"
        cards.add_step(connection, evacuation, (words,), now)


def _count_failures(connection: sa.Connection, evacuation: str) -> int:
    failed = (operation.c.parent == evacuation, operation.c.state.in_(_FAILED))
    return connection.execute(sa.select(sa.func.count()).select_from(operation).where(*failed)).scalar_one()


def apply(
    connection: sa.Connection,
    row: sa.RowMapping,
    event: Event,
    now: datetime,
    more: Mapping[str, object] | None = None,
    *,
    by: UserId | None = None,
    outcome: Outcome | None = None,
) -> None:
    """Let one event of one row happen, with its journal entry. The state must accept it."""
    values = effects(row, event, now) | dict(more or {})
    if outcome is not None:
        values |= {"outcome": outcome.model_dump_json()}
    update(connection, row, values)
    append(connection, row["id"], event.value, now, decisions.details(row, event, values, by, outcome))


def _select(connection: sa.Connection, evacuation: str) -> sa.RowMapping:
    return connection.execute(sa.select(operation).where(operation.c.id == evacuation)).mappings().one()
