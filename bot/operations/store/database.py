"""One database, SQLite or PostgreSQL: connections, transactions, and bringing the tables up to date.

Rules: whoever writes takes its turn before the first read, so that what a transaction decides on cannot change under
it: BEGIN IMMEDIATE on SQLite, an advisory lock as the first statement on PostgreSQL (taken later, it could deadlock
with a row lock). In one process the turn is a lock in memory before that, so that many runners wait there and not
each in a connection of its own. Readers never wait for writers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from dbos import DBOS
from filelock import FileLock
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from bot.errors import DatabaseUnavailable, FerryError
from bot.operations.store.upgrades import bring_up_to_date

BUSY_MS = 30_000
# Advisory locks of PostgreSQL: any numbers, but the same in every process.
WRITERS_TURN = 0xFE44
UPGRADERS_TURN = 0xFE45
CONNECTIONS = 8
MORE_CONNECTIONS = 8  # while many runners begin or end at once; a PostgreSQL server has 100 for everybody
UPGRADE_S = 120.0  # how long another process may take to bring the tables up to date
# What Ferry asks of a PostgreSQL server. A process that stands still in mid-transaction, or is gone with its machine,
# would otherwise keep everybody from writing, and itself from being found dead. It stands in the database's URL, so
# that DBOS asks it as well; whatever the given URL says of these is left as it is.
PATIENCE = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "options": "-c idle_in_transaction_session_timeout=10s -c lock_timeout=25s"
    " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
}
# Classes of SQLSTATE that are the server's trouble and no mistake of ours, whatever the driver calls them: connection,
# transaction state (a server that lets nobody write), resources, operator intervention, system.
TROUBLE = ("08", "25", "53", "57", "58")


class Database:
    """Thread-safe. `url` as SQLAlchemy reads it, or as hosting platforms write it; DBOS is given the same."""

    def __init__(self, url: str) -> None:
        parsed = parse_url(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        if not self.sqlite:
            parsed = parsed.update_query_dict({**PATIENCE, **parsed.query})
        self.path = Path(parsed.database) if self.sqlite and parsed.database else None
        if self.sqlite:
            if self.path is None or ":memory:" in str(self.path):
                raise FerryError(
                    "the database must be a file or a server: operations have to survive a restart",
                    hint='database_url = "sqlite:///ferry.sqlite"',
                )
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self.url = parsed.render_as_string(hide_password=False)
        driver = parsed if self.sqlite else parsed.set(drivername="postgresql+psycopg")
        patience: Mapping[str, object] = (
            {"timeout": BUSY_MS / 1000} if self.sqlite and "timeout" not in driver.query else {}
        )
        self._reader = sa.create_engine(
            driver,
            pool_size=CONNECTIONS,
            max_overflow=MORE_CONNECTIONS,
            pool_pre_ping=not self.sqlite,
            connect_args=patience,
        )
        self._writer = self._reader.execution_options(writes=True)
        self._turn = threading.Lock()
        if self.sqlite:
            event.listen(self._reader, "connect", _prepare_sqlite)
            event.listen(self._reader, "begin", _begin_sqlite)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Raises DatabaseUnavailable."""
        with _available(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, alone among writers; it is undone if the block raises. Not to be nested.

        Raises:
            DatabaseUnavailable: somebody else holds it, its disk is full, or its server does not answer.
        """
        with _available(), self._turn, self._writer.begin() as connection:
            if not self.sqlite:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": WRITERS_TURN})
            yield connection

    def read_time(self) -> datetime | None:
        """The server's; None for a file, which has no time of its own."""
        if self.sqlite:
            return None
        with self.reading() as connection:
            now: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
            return now.astimezone(UTC)

    def keep_connection(self) -> sa.Connection:
        """A connection of PostgreSQL outside of transactions, for locks that last as long as it does. Close it."""
        return self._reader.connect().execution_options(isolation_level="AUTOCOMMIT")

    def migrate(self) -> None:
        """Create or upgrade the tables, DBOS's included; of several processes one does it. Idempotent.

        Raises:
            FerryError: a newer Ferry wrote this database, or it does not answer.
        """
        try:
            with _available(), self._alone():
                with self.writing() as connection:
                    bring_up_to_date(connection)
                DBOS.migrate(self.url)
        except (DatabaseUnavailable, sa.exc.DatabaseError) as error:  # the latter if the file is none
            raise FerryError(
                error.message if isinstance(error, FerryError) else f"the database cannot be used: {error.orig}",
                hint="database_url, or DATABASE_URL in the environment, names a file or postgresql://user@server/name",
            ) from error

    def close(self) -> None:
        self._reader.dispose()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time: DBOS upgrades its own tables in several transactions."""
        if self.path is not None:
            with FileLock(f"{self.path}.upgrading", timeout=UPGRADE_S):
                yield
            return
        with self.keep_connection() as connection:
            turn = {"turn": UPGRADERS_TURN}
            # Asked again and again: DBOS builds indexes concurrently, which waits for every statement under way.
            give_up_at = time.monotonic() + UPGRADE_S
            while not connection.execute(sa.text("SELECT pg_try_advisory_lock(:turn)"), turn).scalar_one():
                if time.monotonic() > give_up_at:
                    raise FerryError("another Ferry is bringing the database up to date", hint="start this one later")
                time.sleep(0.1)
            try:
                yield
            finally:
                connection.execute(sa.text("SELECT pg_advisory_unlock(:turn)"), turn)


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except sa.exc.TimeoutError as error:  # of the pool: every connection waits for the server
        raise _unavailable("all connections to it are in use") from error
    except sa.exc.DBAPIError as error:
        if not _is_trouble(error):
            raise
        raise _unavailable(str(error.orig).strip()) from error


def _is_trouble(error: sa.exc.DBAPIError) -> bool:
    """Whether the database cannot be used now, rather than that we asked for nonsense."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return (
        isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError))
        or error.connection_invalidated
        or state.startswith(TROUBLE)
    )


def _unavailable(why: str) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"the database cannot be used: {why}",
        needed="a database that nobody else holds, with room on its disk",
        hint="say it again then; `status` shows what there is",
    )


def parse_url(url: str) -> sa.URL:
    """Raises FerryError, which never quotes the URL: there may be a password in it."""
    # Hosting platforms write postgres://, which SQLAlchemy does not read.
    given = f"postgresql://{url.removeprefix('postgres://')}" if url.startswith("postgres://") else url
    try:
        parsed = sa.make_url(given)
        # A host with an @ is the end of a password that was not escaped, and is not to be shown as a host.
        known = parsed.get_backend_name() in ("sqlite", "postgresql") and "@" not in (parsed.host or "")
    except (sa.exc.ArgumentError, ValueError):  # the latter for a port that is no number
        known = False
    if not known:
        raise FerryError(
            "database_url names a database that Ferry does not know",
            hint="sqlite:///ferry.sqlite, or postgresql://user:password@server/name, where @ in a password is %40",
        ) from None
    return parsed


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # None hands transactions to _begin_sqlite; the driver would otherwise open its own, too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    # WAL lets readers read while one writes, and stays set in the file: DBOS, which does not ask for it, gets it too.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
