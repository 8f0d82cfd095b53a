"""The file of the searchable copy: opening it, telling it from any other database, and making its tables.

Rules: whatever is not a copy that Ferry made is refused and stays as it is, above all Ferry's own database, which has
a table of the same name; a copy of an older version is made anew, one of a newer version is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlite_utils import Database

from bot.audit.rows import COLUMNS, TABLE
from bot.errors import Refused

APPLICATION_ID = 0x46525259
"""Of SQLite's file header: says that Ferry made this file, and as a copy. Never changes."""

SCHEMA_VERSION = 1
BUSY_S = 30.0

_SEARCHED = ("operation", "event", "who", "vm", "source", "destination", "summary")


@contextmanager
def opened(path: Path, mode: Literal["ro", "rw", "rwc"] = "rw") -> Iterator[Database]:
    """Only "rwc" makes a file where there is none.

    Raises:
        Refused: it cannot be opened, or what is done with it fails.
    """
    try:
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)
        db = Database(connection)
        try:
            yield db
        finally:
            db.close()
    except sqlite3.Error as error:
        raise Refused(
            f"the searchable copy of the journal, {path}, cannot be used: {error}",
            needed="a file that Ferry may read and write",
            hint="the journal itself is in the database; the copy may be moved away, and is then made anew",
        ) from error


@contextmanager
def writing(db: Database) -> Iterator[None]:
    """Alone among writers."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.commit()


def refuse_other(db: Database, path: Path) -> None:
    """Changes nothing, and waits for no writer.

    Raises:
        Refused: this is a database of something else, or a copy that a newer Ferry made.
    """
    # In this order: a copy gets its tables and its mark at once, so that whoever sees tables sees the mark as well.
    filled = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    mark = _pragma(db, "application_id")
    if mark not in (APPLICATION_ID, 0) or (filled and mark != APPLICATION_ID):
        raise Refused(
            f"{path} is a database, and not a copy of the journal that Ferry made",
            needed="a file that Ferry made as its copy, or a name that no file has yet",
            hint="nothing in it was changed; audit_path in [operations] names another file",
        )
    if mark == APPLICATION_ID and (version := _pragma(db, "user_version")) > SCHEMA_VERSION:
        raise Refused(
            f"the copy of the journal {path} was made by a newer Ferry: it has version {version},"
            f" this Ferry knows version {SCHEMA_VERSION}",
            needed="the newer Ferry",
            hint="or move the copy away to have a new one made",
        )


def is_ready(db: Database) -> bool:
    """Whether this is a copy of this very version, with its table."""
    marks = (_pragma(db, "application_id"), _pragma(db, "user_version"))
    return marks == (APPLICATION_ID, SCHEMA_VERSION) and TABLE in db.table_names()


def prepare(db: Database, path: Path) -> None:
    """The tables of this version; those of an older one are made anew. Within `writing`.

    Raises:
        Refused: as `refuse_other` does.
    """
    refuse_other(db, path)
    if is_ready(db):
        return
    db.execute(f"DROP TABLE IF EXISTS {TABLE}_fts")
    db.execute(f"DROP TABLE IF EXISTS {TABLE}")
    kinds: dict[str, Any] = {**dict.fromkeys(COLUMNS, str), "seq": int, "previous": str, "body": str}
    table = db.table(TABLE).create(kinds, pk="seq", not_null=set(kinds) - {"seq"})
    for column in ("at", "operation", "who", "vm", "vm_id"):
        table.create_index([column])
    table.enable_fts(_SEARCHED, create_triggers=True, tokenize="unicode61 remove_diacritics 2")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _pragma(db: Database, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])
