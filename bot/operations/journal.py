"""The journal in the database: one entry per change, appended in the transaction that makes the change.

Not the log, and not what people see in chat. Rules: nothing is ever changed or removed; the chain is computed by
`bot.core.journal`; a body holds what happened, to what, by whom and when, as canonical JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa
from pydantic import JsonValue

from bot.core.journal import GENESIS, Entry, canonical, link
from bot.operations.store.tables import journal


def append(
    connection: sa.Connection, operation: str, event: str, at: datetime, details: Mapping[str, JsonValue]
) -> Entry:
    """Add an entry. The caller's transaction must be alone among writers, or two entries could follow the same one."""
    last = connection.execute(
        sa.select(journal.c.seq, journal.c.hash).order_by(journal.c.seq.desc()).limit(1)
    ).one_or_none()
    seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
    known = {key: value for key, value in details.items() if value is not None}
    entry = link(seq, previous, canonical({**known, "operation": operation, "event": event, "at": at.isoformat()}))
    connection.execute(sa.insert(journal).values(**entry.model_dump(), operation=operation))
    return entry


def read_entries(connection: sa.Connection, operation: str | None = None) -> Iterator[Entry]:
    """Oldest first, all or those of one operation; read in pieces, so that a long journal does not fill the memory."""
    query = sa.select(journal.c.seq, journal.c.previous, journal.c.body, journal.c.hash).order_by(journal.c.seq)
    if operation is not None:
        query = query.where(journal.c.operation == operation)
    for row in connection.execute(query.execution_options(yield_per=500)):
        yield Entry(seq=row.seq, previous=row.previous, body=row.body, hash=row.hash)
