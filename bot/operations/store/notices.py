"""Who watches what, and what is to be told to whom: an outbox, which follows the journal.

Rules: entries are read, notices written and the place in the journal kept in one transaction, so that each entry is
told once. What goes into one message is settled before it is sent, so that after a crash it can be looked for, and is
not added to. What was sent is removed. No transaction is opened here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from bot.core.history import Record, Subject, read_record, read_subject
from bot.core.names import UserId
from bot.core.notices import MOST_LINES, Subscription
from bot.core.reply import Line
from bot.operations.store.entries import read_entries
from bot.operations.store.rows import LINE
from bot.operations.store.tables import follower, host_answer, journal, notice, operation, subscription

NAME = "notices"
MOST_ENTRIES = 200
"""Read in one transaction."""


@dataclass(frozen=True)
class Batch:
    """One message."""

    number: int
    recipient: str
    lines: tuple[Line, ...]
    since: datetime  # when the first of its notices was written


# Subscriptions


def select_subscriptions(connection: sa.Connection, user: UserId | None = None) -> tuple[Subscription, ...]:
    """All, or one person's, by name."""
    query = sa.select(subscription).order_by(subscription.c.name, subscription.c.what)
    if user is not None:
        query = query.where(subscription.c.user_id == user)
    rows = connection.execute(query)
    return tuple(Subscription(user=UserId(row.user_id), kind=row.kind, what=row.what, name=row.name) for row in rows)


def add_subscription(connection: sa.Connection, new: Subscription) -> None:
    """Idempotent; the name may be another one than before."""
    remove_subscription(connection, new.user, new.what)
    connection.execute(sa.insert(subscription).values(user_id=new.user, kind=new.kind, what=new.what, name=new.name))


def remove_subscription(connection: sa.Connection, user: UserId, what: str) -> None:
    mine = (subscription.c.user_id == user, subscription.c.what == what)
    connection.execute(sa.delete(subscription).where(*mine))


# Following the journal


def is_behind(connection: sa.Connection) -> bool:
    """Whether there are entries that were not read."""
    read = sa.select(follower.c.seq).where(follower.c.name == NAME)
    return connection.execute(read).scalar() != _newest(connection)


def begin(connection: sa.Connection) -> bool:
    """From now on there may be notices. False: so it was already."""
    if connection.execute(sa.select(follower.c.seq).where(follower.c.name == NAME)).first():
        return False
    connection.execute(sa.insert(follower).values(name=NAME, seq=_newest(connection), issued=0))
    return True


def read_news(connection: sa.Connection) -> tuple[Record, ...]:
    """The next entries, each once. The first time there are none: nobody asked to be told of what was before."""
    if begin(connection):
        return ()
    row = connection.execute(sa.select(follower).where(follower.c.name == NAME)).one()
    entries = tuple(islice(read_entries(connection, after=row.seq), MOST_ENTRIES))
    if entries:
        _keep(connection, seq=entries[-1].seq)
    return tuple(read_record(entry, _subject(connection, entry.operation)) for entry in entries)


def add_notices(connection: sa.Connection, recipients: Iterable[str], line: Line, now: datetime) -> None:
    """After `begin` or `read_news` has been called once."""
    for recipient in recipients:
        number = connection.execute(sa.select(follower.c.issued).where(follower.c.name == NAME)).scalar_one() + 1
        _keep(connection, issued=number)
        text = LINE.dump_json(line).decode()
        connection.execute(sa.insert(notice).values(number=number, recipient=recipient, line=text, at=now))


def keep_answer(connection: sa.Connection, host: str, answers: bool) -> bool:
    """Whether that is news to those who watch the host; that it answers at first is none."""
    known = connection.execute(sa.select(host_answer.c.answers).where(host_answer.c.host == host)).scalar()
    if known == answers:
        return False
    connection.execute(sa.delete(host_answer).where(host_answer.c.host == host))
    connection.execute(sa.insert(host_answer).values(host=host, answers=answers))
    return known is not None or not answers


def select_answers(connection: sa.Connection) -> dict[str, bool]:
    rows = connection.execute(sa.select(host_answer))
    return {row.host: row.answers for row in rows}


def _subject(connection: sa.Connection, operation_id: str) -> Subject | None:
    plan = connection.execute(sa.select(operation.c.plan).where(operation.c.id == operation_id)).scalar()
    return read_subject({"plan": json.loads(plan)}) if plan else None


def _newest(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(journal.c.seq), 0))).scalar_one())


def _keep(connection: sa.Connection, **values: int) -> None:
    connection.execute(sa.update(follower).where(follower.c.name == NAME).values(**values))


# Sending


def select_batches(connection: sa.Connection) -> tuple[Batch, ...]:
    """Messages that are settled and not known to be sent, oldest first."""
    rows = connection.execute(sa.select(notice).where(notice.c.batch.is_not(None)).order_by(notice.c.number)).all()
    found: dict[int, list[sa.Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.batch, []).append(row)
    return tuple(_to_batch(number, group) for number, group in found.items())


def select_waiting(connection: sa.Connection) -> dict[str, datetime]:
    """Recipients of notices that are in no message yet, and since when."""
    oldest = sa.func.min(notice.c.number)
    query = sa.select(notice.c.recipient, sa.func.min(notice.c.at).label("since")).where(notice.c.batch.is_(None))
    return {row.recipient: row.since for row in connection.execute(query.group_by(notice.c.recipient).order_by(oldest))}


def settle(connection: sa.Connection, recipient: str) -> Batch:
    """What goes into the next message to them, from now on unchanged."""
    query = sa.select(notice).where(notice.c.recipient == recipient, notice.c.batch.is_(None))
    rows = connection.execute(query.order_by(notice.c.number).limit(MOST_LINES)).all()
    numbers = [row.number for row in rows]
    connection.execute(sa.update(notice).where(notice.c.number.in_(numbers)).values(batch=numbers[0]))
    return _to_batch(numbers[0], rows)


def remove_batch(connection: sa.Connection, number: int) -> bool:
    """Whether it was there."""
    return connection.execute(sa.delete(notice).where(notice.c.batch == number)).rowcount > 0


def _to_batch(number: int, rows: Sequence[sa.Row[Any]]) -> Batch:
    lines = tuple(LINE.validate_json(row.line) for row in rows)
    return Batch(number, rows[0].recipient, lines, rows[0].at)
