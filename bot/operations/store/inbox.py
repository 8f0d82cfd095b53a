"""What people asked, kept until it is answered: an ask that Slack was told is received survives a crash."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.core.operation import Ask
from bot.operations.store.tables import inbox


def take(connection: sa.Connection, ask: Ask, now: datetime) -> bool:
    """Claim an ask. False: its key was claimed before."""
    if connection.execute(sa.select(inbox.c.key).where(inbox.c.key == ask.key)).one_or_none():
        return False
    connection.execute(sa.insert(inbox).values(key=ask.key, ask=ask.model_dump_json(), taken_at=now))
    return True


def select_unanswered(connection: sa.Connection) -> tuple[Ask, ...]:
    """Oldest first."""
    query = sa.select(inbox.c.ask).where(inbox.c.answered_at.is_(None)).order_by(inbox.c.taken_at, inbox.c.key)
    return tuple(Ask.model_validate_json(text) for text in connection.execute(query).scalars())


def mark_answered(connection: sa.Connection, key: str, now: datetime) -> None:
    connection.execute(sa.update(inbox).where(inbox.c.key == key).values(answered_at=now))
