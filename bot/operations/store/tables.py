"""The tables, for SQLite and PostgreSQL alike. Only their shape: what may happen to rows is in the modules beside.

Rules: whatever changes here is a step in `upgrades`; one row per operation is the truth; times are UTC; values of the
core are stored as their JSON; the journal can only grow, which the database itself enforces. They lie beside DBOS's own
tables in one database, so that granting an operation and enqueuing its workflow is one transaction.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa


class Utc(sa.TypeDecorator[datetime]):
    """Aware UTC in Python; SQLite stores it without its zone, which is why only UTC is ever written."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone must not reach the database")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData()

schema = sa.Table("ferry_schema", metadata, sa.Column("version", sa.Integer, nullable=False))

operation = sa.Table(
    "operation",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),  # "m-12"
    sa.Column("ask_key", sa.Text, nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("vm", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("site", sa.Text, nullable=False, server_default="main"),  # whose workers carry it out
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_at", Utc, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
    sa.Column("confirmed_by", sa.Text),
    sa.Column("confirmed_at", Utc),
    sa.Column("cancelled_by", sa.Text),
    sa.Column("cancel_asked", sa.Boolean, nullable=False, default=False),
    sa.Column("position", sa.Integer),  # its turn: order of confirmation, kept when it goes back to the queue
    sa.Column("not_before", Utc),  # a pause after a host refused it for want of room
    sa.Column("attempt", sa.Integer, nullable=False, default=0),  # one workflow each: a stale one is recognised by it
    sa.Column("known_jobs", sa.Text, nullable=False, default="[]"),  # ended before the move was sent
    sa.Column("job", sa.Text, nullable=False, server_default=""),  # by which it went on past its deadline
    sa.Column("started_at", Utc),
    sa.Column(
        "settled_at", Utc, index=True
    ),  # when the host was known to be done with it: it then no longer counts there
    sa.Column("ended_at", Utc),
    sa.Column("percent", sa.Integer, nullable=False, default=0),
    sa.Column("waiting", sa.Text, nullable=False, default=""),
    sa.Column("outcome", sa.Text),
    # Of a move that belongs to an evacuation; and what it copies, for the links.
    sa.Column("parent", sa.Text, nullable=False, server_default="", index=True),
    sa.Column("stage", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("rank", sa.Integer, nullable=False, server_default=sa.text("1")),
    sa.Column("memory_bytes", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("storage_bytes", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    # What has to be approved.
    sa.Column("counts", sa.Text, nullable=False, server_default="[]"),
    sa.Column("remind_at", Utc),  # when the thread is told that it still waits for approval; NULL: never, or no more
    # What begins later.
    sa.Column("begins_at", Utc),
    sa.Column("agreed", sa.Text, nullable=False, server_default=""),  # digest; empty: the plan is as it was agreed to
    # Of an evacuation.
    sa.Column("paused", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("paused_by", sa.Text),  # NULL while paused: it paused by itself
    sa.Column("failures_allowed", sa.Integer, nullable=False, server_default=sa.text("0")),
)

CONFIRMED_AND_OPEN = ("queued", "granted", "running", "verifying")

sa.Index(
    "one_confirmed_operation_per_vm",
    operation.c.vm,
    unique=True,
    sqlite_where=operation.c.state.in_(CONFIRMED_AND_OPEN),
    postgresql_where=operation.c.state.in_(CONFIRMED_AND_OPEN),
)

card = sa.Table(
    "card",
    metadata,
    sa.Column("operation", sa.ForeignKey("operation.id"), primary_key=True),
    sa.Column("ts", sa.Text),
    sa.Column("shown_version", sa.Integer, nullable=False, default=0),
    sa.Column("lost", sa.Text, nullable=False, default=""),  # why it is no longer shown
)

step = sa.Table(
    "step",
    metadata,
    sa.Column("operation", sa.ForeignKey("operation.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", Utc, nullable=False),
    sa.Column("line", sa.Text, nullable=False),
    sa.Column("ts", sa.Text),
    sa.Column("file", sa.Text, nullable=False, server_default=""),  # which file to share instead; the line is its title
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)

approval = sa.Table(
    "approval",
    metadata,
    sa.Column("operation", sa.ForeignKey("operation.id"), primary_key=True),
    sa.Column("approver", sa.Text, primary_key=True),  # a person approves an operation once
    sa.Column("digest", sa.Text, nullable=False),  # of the plan that was approved
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
)

heard = sa.Table(
    "user_group",  # as it was called when nothing else was asked about
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # of a user group, a person or a channel
    sa.Column("members", sa.Text, key="said", nullable=False),  # JSON: a group's members; marks of the others
    sa.Column("read_at", Utc, nullable=False),  # when the question to Slack was sent
)

hold = sa.Table(
    "hold",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("ask_key", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),  # empty: a freeze of everything
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),  # of a VM, where it was seen then
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),  # where it was asked for
    sa.Column("at", Utc, nullable=False),
    sa.Column("until", Utc),
    sa.Column("ended_at", Utc),
    sa.Column("ended_by", sa.Text),  # NULL once it has ended: its time was over
    sa.Column("untold", sa.Boolean, nullable=False, server_default=sa.false()),  # that it has ended by itself
)

sa.Index(
    "one_hold_of_each_thing",
    hold.c.kind,
    hold.c.target,
    unique=True,
    sqlite_where=hold.c.ended_at.is_(None),
    postgresql_where=hold.c.ended_at.is_(None),
)

room = sa.Table(
    "room",
    metadata,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("seen_at", Utc, nullable=False),
    sa.Column("live_limit", sa.Integer, nullable=False),
    sa.Column("storage_limit", sa.Integer, nullable=False),
    sa.Column("live_foreign", sa.Integer, nullable=False),
    sa.Column("storage_foreign", sa.Integer, nullable=False),
    sa.Column("cluster", sa.Text),  # empty: it is in none; NULL: not told yet
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),  # an executor's id; it holds for as long as that one lives
)

executor = sa.Table(
    "executor",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # of one run of a process
    sa.Column("name", sa.Text, nullable=False),  # of the process, the same after a restart
    sa.Column("sites", sa.Text, nullable=False, server_default="[]"),  # JSON: whose operations it carries out
    sa.Column("beat", sa.Integer, nullable=False),  # rises as long as it lives; no clocks are compared
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("ask", sa.Text, nullable=False),
    sa.Column("taken_at", Utc, nullable=False),
    sa.Column("taken_by", sa.Text, nullable=False, server_default=""),  # the process that is to answer it
    sa.Column("answered_at", Utc, index=True),
)

membership = sa.Table(
    "membership",
    metadata,
    sa.Column("cluster", sa.Text, primary_key=True),  # the settings' name of it
    sa.Column("answered_at", Utc, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # which nodes it told of
)

subscription = sa.Table(
    "subscription",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("what", sa.Text, primary_key=True),  # a VM's id, or a host's name
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),  # what people call it
)

follower = sa.Table(
    "follower",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False),  # of the last journal entry that was read
    sa.Column("issued", sa.Integer, nullable=False),  # the number of the last notice; none is ever used again
)

notice = sa.Table(
    "notice",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("recipient", sa.Text, nullable=False),  # a person's id, or a channel's
    sa.Column("line", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("batch", sa.Integer),  # one message, named after its first notice; NULL: not sent yet
)

host_answer = sa.Table(
    "host_answer",
    metadata,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("answers", sa.Boolean, nullable=False),  # as watchers were told last
)

APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER IF NOT EXISTS journal_keeps BEFORE UPDATE ON journal"
        " BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
        "CREATE TRIGGER IF NOT EXISTS journal_stays BEFORE DELETE ON journal"
        " BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
        # INSERT OR REPLACE deletes without asking the trigger above, unless recursive_triggers is set.
        "CREATE TRIGGER IF NOT EXISTS journal_grows BEFORE INSERT ON journal"
        " WHEN EXISTS (SELECT 1 FROM journal WHERE seq >= NEW.seq)"
        " BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION journal_refuses() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$",
        "CREATE OR REPLACE FUNCTION journal_refuses_old() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF EXISTS (SELECT 1 FROM journal WHERE seq >= NEW.seq)"
        " THEN RAISE EXCEPTION 'the journal is append-only'; END IF; RETURN NEW; END $$",
        "CREATE OR REPLACE TRIGGER journal_grows BEFORE INSERT ON journal"
        " FOR EACH ROW EXECUTE FUNCTION journal_refuses_old()",
        "CREATE OR REPLACE TRIGGER journal_keeps BEFORE UPDATE OR DELETE ON journal"
        " FOR EACH ROW EXECUTE FUNCTION journal_refuses()",
        "CREATE OR REPLACE TRIGGER journal_stays BEFORE TRUNCATE ON journal"
        " FOR EACH STATEMENT EXECUTE FUNCTION journal_refuses()",
    ),
}
"""Statements, by dialect, that keep the journal as it was written."""
