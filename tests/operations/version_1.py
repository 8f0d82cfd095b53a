"""A database as the first released version of Ferry left it."""

from __future__ import annotations

import sqlalchemy as sa

from bot.operations.store import Store
from tests.operations.rows import workflow_table

_AFTER_VERSION_2 = (
    "DROP INDEX ix_operation_parent",
    *(
        f"ALTER TABLE operation DROP COLUMN {column}"
        for column in (
            *("parent", "stage", "rank", "memory_bytes", "storage_bytes"),
            *("paused", "paused_by", "failures_allowed"),
        )
    ),
    "ALTER TABLE step DROP COLUMN file",
    "ALTER TABLE room DROP COLUMN cluster",
    "DROP TABLE membership",
    "ALTER TABLE operation DROP COLUMN counts",
    "ALTER TABLE operation DROP COLUMN remind_at",
    "ALTER TABLE operation DROP COLUMN begins_at",
    "ALTER TABLE operation DROP COLUMN agreed",
    "ALTER TABLE operation DROP COLUMN job",
    "DROP TABLE approval",
    "DROP TABLE user_group",
    "DROP TABLE hold",
)
EXECUTOR, QUEUE = "ferry", "site-default"


def make_version_1(store: Store, operation: str = "", status: str = "PENDING") -> None:
    """Take away what came later, and put an operation's workflow where version 1 had it."""
    with store.database.writing() as connection:
        for statement in (
            *_AFTER_VERSION_2,
            "ALTER TABLE operation DROP COLUMN site",
            "ALTER TABLE inbox DROP COLUMN taken_by",
            "DROP TABLE executor",
            *(f"DROP TABLE {table}" for table in ("subscription", "follower", "notice", "host_answer")),
            "DROP TABLE lease",
            "CREATE TABLE lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until TIMESTAMP NOT NULL)",
            "UPDATE ferry_schema SET version = 1",
        ):
            connection.exec_driver_sql(statement)
        if operation:
            workflows = workflow_table(store)
            values = {"status": status, "executor": EXECUTOR if status == "PENDING" else None, "queue": QUEUE}
            change = "SET status = :status, executor_id = :executor, queue_name = :queue"
            connection.execute(sa.text(f"UPDATE {workflows} {change}"), values)
