"""Which cards and step lines are behind their rows, and what was shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.core.reply import Line
from bot.core.shown import Shown
from bot.operations.store import holds
from bot.operations.store.rows import LINE, read_shown
from bot.operations.store.tables import card, operation, step


@dataclass(frozen=True)
class StepDue:
    """A line of the thread log that was not posted yet."""

    number: int
    line: Line
    file: str = ""  # which file to share instead; the line is its title


@dataclass(frozen=True)
class CardDue:
    """A card that was never posted (`ts` is None), shows an old version, or whose thread lacks lines."""

    number: int  # of the operation; they rise
    operation: Shown
    ts: str | None
    shown_version: int
    steps: tuple[StepDue, ...]


def select_due(connection: sa.Connection) -> tuple[CardDue, ...]:
    """Oldest operation first."""
    lines: dict[str, list[StepDue]] = {}
    unposted = (
        sa.select(step)
        .join(card, card.c.operation == step.c.operation)
        .where(step.c.ts.is_(None), card.c.lost == "")
        .order_by(step.c.operation, step.c.number)
    )
    for row in connection.execute(unposted):
        lines.setdefault(row.operation, []).append(StepDue(row.number, LINE.validate_json(row.line), row.file))
    behind = sa.or_(card.c.ts.is_(None), card.c.shown_version < operation.c.version, operation.c.id.in_(list(lines)))
    query = (
        sa.select(operation, card.c.ts, card.c.shown_version)
        .join(card, card.c.operation == operation.c.id)
        .where(card.c.lost == "", behind)
        .order_by(operation.c.number)
    )
    rows = list(connection.execute(query).mappings())
    there = holds.select_holds(connection) if rows else ()
    return tuple(
        CardDue(
            row["number"],
            holds.attach(there, read_shown(connection, row), row),
            row["ts"],
            row["shown_version"],
            tuple(lines.get(row["id"], ())),
        )
        for row in rows
    )


def add_step(connection: sa.Connection, operation_id: str, line: Line, now: datetime, file: str = "") -> None:
    last = sa.select(sa.func.coalesce(sa.func.max(step.c.number), 0)).where(step.c.operation == operation_id)
    number = connection.execute(last).scalar_one() + 1
    connection.execute(
        sa.insert(step).values(
            operation=operation_id, number=number, at=now, line=LINE.dump_json(line).decode(), file=file
        )
    )


def keep_posted(connection: sa.Connection, operation_id: str, ts: str, version: int) -> bool:
    unknown = (card.c.operation == operation_id, card.c.ts.is_(None))
    return connection.execute(sa.update(card).where(*unknown).values(ts=ts, shown_version=version)).rowcount > 0


def keep_shown(connection: sa.Connection, operation_id: str, version: int) -> None:
    newer = (card.c.operation == operation_id, card.c.shown_version < version)
    connection.execute(sa.update(card).where(*newer).values(shown_version=version))


def keep_steps_posted(connection: sa.Connection, operation_id: str, numbers: Sequence[int], ts: str) -> bool:
    unposted = (step.c.operation == operation_id, step.c.number.in_(numbers), step.c.ts.is_(None))
    return connection.execute(sa.update(step).where(*unposted).values(ts=ts)).rowcount > 0


def keep_lost(connection: sa.Connection, operation_id: str, reason: str) -> None:
    connection.execute(sa.update(card).where(card.c.operation == operation_id).values(lost=reason or "lost"))
