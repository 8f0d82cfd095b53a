"""What people asked, kept until it is answered: an ask that Slack was told is received survives a crash."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.core.operation import RETRACTED, Ask
from bot.errors import Refused
from bot.operations.store.tables import executor, inbox


def take(connection: sa.Connection, ask: Ask, now: datetime, by: str) -> bool:
    """Claim an ask for a process. False: its key was claimed before."""
    if connection.execute(sa.select(inbox.c.key).where(inbox.c.key == ask.key)).one_or_none():
        return False
    connection.execute(sa.insert(inbox).values(key=ask.key, ask=ask.model_dump_json(), taken_at=now, taken_by=by))
    return True


def select_unanswered(connection: sa.Connection) -> tuple[Ask, ...]:
    """Oldest first."""
    query = sa.select(inbox.c.ask).where(inbox.c.answered_at.is_(None)).order_by(inbox.c.taken_at, inbox.c.key)
    return tuple(Ask.model_validate_json(text) for text in connection.execute(query).scalars())


def select_orphans(connection: sa.Connection, by: str) -> tuple[Ask, ...]:
    """Unanswered asks of other processes that live no more, oldest first."""
    query = sa.select(inbox.c.ask).where(_orphaned(by)).order_by(inbox.c.taken_at, inbox.c.key)
    return tuple(Ask.model_validate_json(text) for text in connection.execute(query).scalars())


def adopt(connection: sa.Connection, by: str) -> None:
    """Whatever `select_orphans` gives is this process's from now on."""
    connection.execute(sa.update(inbox).where(_orphaned(by)).values(taken_by=by))


def _orphaned(by: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        inbox.c.answered_at.is_(None), inbox.c.taken_by != by, inbox.c.taken_by.not_in(sa.select(executor.c.id))
    )


def is_answering(connection: sa.Connection, key: str, by: str) -> bool:
    mine = (inbox.c.key == key, inbox.c.taken_by == by, inbox.c.answered_at.is_(None))
    return connection.execute(sa.select(inbox.c.key).where(*mine)).first() is not None


def mark_answered(connection: sa.Connection, key: str, now: datetime) -> None:
    connection.execute(sa.update(inbox).where(inbox.c.key == key).values(answered_at=now))


def forget_answered(connection: sa.Connection, before: datetime) -> None:
    connection.execute(sa.delete(inbox).where(inbox.c.answered_at < before))


def refuse_retracted(connection: sa.Connection, ask: Ask) -> None:
    """Raises Refused: its message was edited or deleted while it was being answered."""
    query = sa.select(inbox.c.ask).where(inbox.c.key == f"{ask.key}{RETRACTED}")
    if retraction := connection.execute(query).scalar():
        what = Ask.model_validate_json(retraction).text
        raise Refused(
            f"the message that asked for it was {what}; nothing is offered",
            hint="say it again if it is still wanted",
            private=True,
        )
