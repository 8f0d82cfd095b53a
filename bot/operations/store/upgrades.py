"""Brings the tables to the version that this program knows, in one transaction.

Rules: a step only adds, so that a process of the version before may go on while the new one starts (version 1 was one
process on its file, which has ended then); steps are never changed once released; a database newer than the program is
refused. A new database is made from the tables as they are now, and an upgraded one has to come out the same.
"""

from __future__ import annotations

import sqlalchemy as sa

from bot.errors import FerryError
from bot.operations.store.tables import (
    APPEND_ONLY,
    approval,
    executor,
    follower,
    heard,
    hold,
    host_answer,
    lease,
    membership,
    metadata,
    notice,
    schema,
    subscription,
)

SCHEMA_VERSION = 7
"""Rises with every change of the tables. A database that says more was written by a newer Ferry."""


def bring_up_to_date(connection: sa.Connection) -> None:
    """Idempotent. The transaction must be alone among writers.

    Raises:
        FerryError: a newer Ferry wrote this database.
    """
    found = read_version(connection)
    refuse_newer(found)
    if found == 0:
        metadata.create_all(connection)
    else:
        for step in _STEPS[found - 1 :]:
            step(connection)
    if found < SCHEMA_VERSION:
        for statement in APPEND_ONLY[connection.dialect.name]:
            connection.exec_driver_sql(statement)
        connection.execute(sa.delete(schema))
        connection.execute(sa.insert(schema).values(version=SCHEMA_VERSION))


def refuse_newer(found: int) -> None:
    """Raises FerryError: this program does not know what a database of that version means."""
    if found > SCHEMA_VERSION:
        raise FerryError(
            f"the database was written by a newer Ferry: its tables have version {found},"
            f" this Ferry knows version {SCHEMA_VERSION}",
            hint="run the newer Ferry, or give this one another database_url",
        )


def read_version(connection: sa.Connection) -> int:
    """0: there are no tables yet."""
    if not sa.inspect(connection).has_table(schema.name):
        return 0
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(schema.c.version), 0))).scalar_one())


def _to_2(connection: sa.Connection) -> None:
    """Several processes on one database: sites, who took an ask, and who lives."""
    for statement in (
        "ALTER TABLE operation ADD COLUMN site TEXT DEFAULT 'main' NOT NULL",
        "ALTER TABLE inbox ADD COLUMN taken_by TEXT DEFAULT '' NOT NULL",
    ):
        connection.exec_driver_sql(statement)
    executor.create(connection)
    lease.drop(connection)  # it was held until a time of the wall clock
    lease.create(connection)


def _to_3(connection: sa.Connection) -> None:
    """Evacuations: rows that belong together, and files in threads."""
    false = "0" if connection.dialect.name == "sqlite" else "false"
    for statement in (
        "ALTER TABLE operation ADD COLUMN parent TEXT DEFAULT '' NOT NULL",
        "ALTER TABLE operation ADD COLUMN stage INTEGER DEFAULT 0 NOT NULL",
        "ALTER TABLE operation ADD COLUMN rank INTEGER DEFAULT 1 NOT NULL",
        "ALTER TABLE operation ADD COLUMN memory_bytes BIGINT DEFAULT 0 NOT NULL",
        "ALTER TABLE operation ADD COLUMN storage_bytes BIGINT DEFAULT 0 NOT NULL",
        f"ALTER TABLE operation ADD COLUMN paused BOOLEAN DEFAULT {false} NOT NULL",
        "ALTER TABLE operation ADD COLUMN paused_by TEXT",
        "ALTER TABLE operation ADD COLUMN failures_allowed INTEGER DEFAULT 0 NOT NULL",
        "CREATE INDEX ix_operation_parent ON operation (parent)",
        "ALTER TABLE step ADD COLUMN file TEXT DEFAULT '' NOT NULL",
    ):
        connection.exec_driver_sql(statement)


def _to_4(_connection: sa.Connection) -> None:
    """Rows of preparations: the tables stay, and a Ferry of before cannot read what is in them."""


def _to_5(connection: sa.Connection) -> None:
    """Clusters that the settings name tell which hosts there are; rows of maintenance, the same again. Plans tell
    uptimes, which older ones refuse. Approvals, and who is in Slack's user groups. Who watches what, and what is to be
    told to whom."""
    moment = "DATETIME" if connection.dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    for statement in (
        "ALTER TABLE operation ADD COLUMN counts TEXT DEFAULT '[]' NOT NULL",
        f"ALTER TABLE operation ADD COLUMN remind_at {moment}",
    ):
        connection.exec_driver_sql(statement)
    for table in (membership, approval, heard, subscription, follower, notice, host_answer):
        table.create(connection)


def _to_6(connection: sa.Connection) -> None:
    """Freezes and locks; operations that begin later."""
    hold.create(connection)
    moment = "DATETIME" if connection.dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    for statement in (
        f"ALTER TABLE operation ADD COLUMN begins_at {moment}",
        "ALTER TABLE operation ADD COLUMN agreed TEXT DEFAULT '' NOT NULL",
    ):
        connection.exec_driver_sql(statement)


def _to_7(connection: sa.Connection) -> None:
    """Which cluster a host is in, for whoever does not look at it; by which job a move goes on that has taken longer
    than it may."""
    connection.exec_driver_sql("ALTER TABLE room ADD COLUMN cluster TEXT")
    connection.exec_driver_sql("ALTER TABLE operation ADD COLUMN job TEXT DEFAULT '' NOT NULL")


_STEPS = (_to_2, _to_3, _to_4, _to_5, _to_6, _to_7)
"""From version 1 to 2, and so on."""
