"""Whether the database can be used, and what is in it: for `ferry doctor`. Nothing in it is changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from bot.core.plan import Finding, Level
from bot.errors import DatabaseUnavailable, FerryError
from bot.operations.store.clocks import REMEDY, find_difference
from bot.operations.store.database import Database, parse_url
from bot.operations.store.tables import lease
from bot.operations.store.upgrades import SCHEMA_VERSION, read_version, refuse_newer

_WHERE = "database_url, or DATABASE_URL in the environment, names a file or postgresql://user@server/name"


def examine_database(database_url: str) -> Iterator[Finding]:
    """It opens, its version, and that it takes a change. Never raises."""
    try:
        url = parse_url(database_url)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
            yield _not_yet(Path(url.database or ""))
            return
        database = Database(database_url)
        try:
            yield from _examine(database)
        finally:
            database.close()
    except DatabaseUnavailable as error:
        hint = "Look at what else uses it, at its disk, at its server; " + _WHERE
        yield Finding(level=Level.BLOCKING, code="database", text=error.message, needed=error.needed, hint=hint)
    except FerryError as error:
        yield Finding(
            level=Level.BLOCKING, code="database", text=error.message, needed="a database that answers", hint=error.hint
        )
    except (sa.exc.SQLAlchemyError, OSError) as error:
        text = f"the database cannot be used: {getattr(error, 'orig', None) or error}"
        yield Finding(level=Level.BLOCKING, code="database", text=text, needed="a database that answers", hint=_WHERE)


def _not_yet(file: Path) -> Finding:
    folder = file.absolute().parent
    above = next(one for one in (folder, *folder.parents) if one.exists())
    if os.access(above, os.W_OK):
        return Finding(level=Level.FINE, code="database", text=f"there is no {file} yet; the first start makes it")
    return Finding(
        level=Level.BLOCKING,
        code="database",
        text=f"there is no {file}, and this account may not write in {above}",
        needed="a folder that Ferry may write in",
        hint=_WHERE,
    )


def _examine(database: Database) -> Iterator[Finding]:
    with database.reading() as connection:
        found = read_version(connection)
        dialect = connection.dialect.name
    refuse_newer(found)
    name = "SQLite" if dialect == "sqlite" else "PostgreSQL"
    if not found:
        yield Finding(level=Level.FINE, code="database", text=f"{name} answers and is empty; the first start fills it")
        return
    older = f", which the next start brings to {SCHEMA_VERSION}" if found < SCHEMA_VERSION else ""
    yield Finding(level=Level.FINE, code="database", text=f"{name} answers; its tables have version {found}{older}")
    with database.writing() as connection:
        connection.execute(sa.delete(lease).where(sa.false()))  # changes nothing, and is refused like any change
    yield Finding(level=Level.FINE, code="writing", text="it takes changes")
    if dialect != "sqlite":
        yield examine_clock(find_difference(database, datetime.now(UTC)))


def examine_clock(apart: str) -> Finding:
    """
    Args:
        apart: as `find_difference` says it.
    """
    if not apart:
        return Finding(level=Level.FINE, code="clock", text="this machine's clock agrees with the database server's")
    return Finding(
        level=Level.BLOCKING,
        code="clock",
        text=f"this machine's clock is {apart}",
        needed="clocks that are at most a minute apart",
        hint=REMEDY,
    )
