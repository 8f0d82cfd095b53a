"""One database, SQLite or PostgreSQL: connections, transactions, and bringing the tables up to date.

Rules: whoever writes takes its turn before the first read, so that what a transaction decides on cannot change under
it: BEGIN IMMEDIATE on SQLite, an advisory lock as the first statement on PostgreSQL (taken later, it could deadlock
with a row lock). Readers never wait for writers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from bot.errors import FerryError
from bot.operations.store.tables import APPEND_ONLY, SCHEMA_VERSION, metadata, schema

BUSY_MS = 30_000
WRITERS_TURN = 0xFE44  # the advisory lock's number: any, but the same in every process


class Database:
    """Thread-safe. `url` as SQLAlchemy reads it; DBOS is given the same."""

    def __init__(self, url: str) -> None:
        self.url = url
        parsed = sa.make_url(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        self.path = Path(parsed.database) if self.sqlite and parsed.database else None
        if self.sqlite:
            if self.path is None or ":memory:" in str(self.path):
                raise FerryError(
                    "the database must be a file or a server: operations have to survive a restart",
                    hint='database_url = "sqlite:///ferry.sqlite"',
                )
            self.path.parent.mkdir(parents=True, exist_ok=True)
        else:
            parsed = parsed.set(drivername="postgresql+psycopg")
        self._reader = sa.create_engine(parsed, pool_size=20, pool_pre_ping=not self.sqlite)
        self._writer = self._reader.execution_options(writes=True)
        if self.sqlite:
            event.listen(self._reader, "connect", _prepare_sqlite)
            event.listen(self._reader, "begin", _begin_sqlite)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self._reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, alone among writers; it is undone if the block raises."""
        with self._writer.begin() as connection:
            if not self.sqlite:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": WRITERS_TURN})
            yield connection

    def migrate(self) -> None:
        """Create or upgrade the tables, DBOS's included. Idempotent.

        Raises:
            FerryError: a newer Ferry wrote this database.
        """
        with self.writing() as connection:
            found = self._read_version(connection)
            if found > SCHEMA_VERSION:
                raise FerryError(
                    f"the database was written by a newer Ferry: its tables have version {found},"
                    f" this Ferry knows version {SCHEMA_VERSION}",
                    hint="run the newer Ferry, or give this one another database_url",
                )
            if found == 0:
                metadata.create_all(connection)
                for statement in APPEND_ONLY[connection.dialect.name]:
                    connection.exec_driver_sql(statement)
                connection.execute(sa.insert(schema).values(version=SCHEMA_VERSION))
        DBOS.migrate(self.url)

    def close(self) -> None:
        self._reader.dispose()

    def _read_version(self, connection: sa.Connection) -> int:
        if not sa.inspect(connection).has_table(schema.name):
            return 0
        return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(schema.c.version), 0))).scalar_one())


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # None hands transactions to _begin_sqlite; the driver would otherwise open its own, too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    # WAL lets readers read while one writes, and stays set in the file: DBOS, which does not ask for it, gets it too.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_MS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
