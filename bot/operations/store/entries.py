"""The journal's rows: one entry per change, appended in the transaction that makes the change.

Rules: nothing is ever changed or removed; the chain is computed by `bot.core.journal`, and begins with a deployment id
drawn at random; a body holds what happened, to what, by whom and when, as canonical JSON, and never what people wrote
but the command that was read in it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa
from pydantic import JsonValue

from bot.core.journal import GENESIS, JOURNAL, Entry, link
from bot.operations.store.tables import journal

_NEWEST = sa.select(journal.c.seq, journal.c.hash).order_by(journal.c.seq.desc()).limit(1)


def append(
    connection: sa.Connection, operation: str, event: str, at: datetime, details: Mapping[str, JsonValue]
) -> Entry:
    """Add an entry. The caller's transaction must be alone among writers, or two entries could follow the same one."""
    if last := connection.execute(_NEWEST).one_or_none():
        return _insert(connection, last.seq + 1, last.hash, operation, event, at, details)
    first = _insert(connection, 1, GENESIS, JOURNAL, "genesis", at, {"deployment": uuid.uuid4().hex})
    return _insert(connection, 2, first.hash, operation, event, at, details)


def _insert(
    connection: sa.Connection,
    seq: int,
    previous: str,
    operation: str,
    event: str,
    at: datetime,
    details: Mapping[str, JsonValue],
) -> Entry:
    known = {key: value for key, value in details.items() if value is not None}
    entry = link(seq, previous, {**known, "operation": operation, "event": event, "at": at.isoformat()})
    connection.execute(sa.insert(journal).values(**entry.model_dump()))
    return entry


def read_entries(
    connection: sa.Connection, operation: str | None = None, *, after: int | None = None, newest_first: bool = False
) -> Iterator[Entry]:
    """All or those of one operation; read in pieces, so that a long journal does not fill the memory."""
    order = journal.c.seq.desc() if newest_first else journal.c.seq
    query = sa.select(journal).order_by(order)
    if after is not None:
        query = query.where(journal.c.seq > after)
    if operation is not None:
        query = query.where(journal.c.operation == operation)
    for row in connection.execute(query.execution_options(yield_per=500)).mappings():
        yield Entry(**row)
