"""The searchable copy of the journal: `audit.db`, an SQLite file for chat, auditors, sqlite-utils and Datasette.

Not the journal: that is in the database, and this file can be deleted and made again from it. Rules:
    1. It only grows, by what has a higher number than its newest row, and only if the journal still holds that row.
    2. Never two writers: whoever copies takes the file's own lock (BEGIN IMMEDIATE) before it looks for the newest row.
       A dead process holds no lock, so any process may go on.
    3. No write-ahead log: one file, to be copied, mailed, or served from a folder that nobody may write to.
    4. Every row holds its entry as it is in the journal, so that the copy can be verified alone.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from sqlite_utils import Database

from bot.core.history import Deed, Found, Record, Subject, read_record
from bot.core.journal import Anchor, Entry, deployment_of
from bot.errors import Refused

TABLE = "journal"
SCHEMA_VERSION = 1
BATCH = 1000
BUSY_S = 30.0
COLUMNS = (
    *("seq", "at", "operation", "event", "who", "vm", "vm_id", "source", "destination", "state", "summary"),
    *("digest", "hash"),
)
"""In the order in which people read them."""

_SEARCHED = ("operation", "event", "who", "vm", "source", "destination", "summary")
_NAMED = """(operation = :what COLLATE NOCASE OR who = :what COLLATE NOCASE OR vm = :what COLLATE NOCASE
    OR vm_id = :what COLLATE NOCASE OR source = :what COLLATE NOCASE OR destination = :what COLLATE NOCASE)"""
_WORDED = "seq IN (SELECT rowid FROM journal_fts WHERE journal_fts MATCH :words)"
_BY_PEOPLE = "who != '' AND event NOT IN ('look')"


class Source(Protocol):
    def after(self, seq: int, most: int) -> tuple[Entry, ...]:
        """The journal's entries that follow a number, oldest first."""


class AuditCopy:
    """Thread-safe, and safe beside other processes. Implements `bot.command.History`."""

    def __init__(self, path: Path, journal: Source) -> None:
        self._path = path
        self._journal = journal
        self._lock = threading.Lock()
        self._newest = 0  # as far as this process knows: saves opening the file while nothing happens

    def refresh(self) -> None:
        """Copy what is new.

        Raises:
            Refused: the file cannot be written, or the journal no longer holds what was copied from it.
        """
        with self._lock:
            if self._newest and not self._journal.after(self._newest, 1):
                return
            with _opened(self._path) as db:
                while self._copy_some(db):
                    pass

    def search(self, what: str, since: datetime | None, most: int) -> Found:
        self.refresh()
        with _opened(self._path) as db:
            where, values = _condition(db, what, since)
            where = f"{where} AND {_BY_PEOPLE}"
            total = db.table(TABLE).count_where(where, values)
            rows = db.table(TABLE).rows_where(where, values, order_by="seq DESC", limit=most)
            deeds = tuple(_to_deed(db, _to_record(row)) for row in list(rows))
            return Found(deeds=deeds, total=total, by_words="words" in values)

    def records(self, what: str = "", since: datetime | None = None) -> Iterator[Record]:
        """Everything that fits, newest first: also what Ferry did by itself."""
        self.refresh()
        with _opened(self._path) as db:
            where, values = _condition(db, what, since)
            for row in db.table(TABLE).rows_where(where, values, order_by="seq DESC"):
                yield _to_record(row)

    def _copy_some(self, db: Database) -> bool:
        """One batch, in one transaction. Whether there was anything."""
        with _writing(db):
            _prepare(db)
            newest = next(db.query("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1"), None)
            entries = self._journal.after(newest["seq"] - 1 if newest else 0, BATCH)
            if newest:
                if not entries or entries[0].hash != newest["hash"]:
                    raise Refused(
                        f"the journal no longer holds entry {newest['seq']} as it was copied to {self._path}",
                        needed="the journal that this copy was made from",
                        hint="`ferry verify` says where it differs; move the copy away to have a new one made",
                    )
                self._newest, entries = newest["seq"], entries[1:]
            db.table(TABLE).insert_all(_to_rows(db, entries))
            return bool(entries)


def read_copy(path: Path) -> Iterator[Entry]:
    """The entries that a copy holds, oldest first, as they were in the journal.

    Raises:
        Refused: there is no such file, or it is none of these.
    """
    if not path.exists():
        raise Refused(f"there is no file {path}", needed="an audit.db that Ferry made")
    with _opened(path, read_only=True) as db:
        if TABLE not in db.table_names():
            raise Refused(f"{path} holds no journal", needed="an audit.db that Ferry made")
        for row in db.query("SELECT seq, previous, operation, body, hash FROM journal ORDER BY seq"):
            yield Entry(**row)


def read_head(path: Path) -> Anchor | None:
    """The newest entry of a copy, to compare the journal with. None: there is no copy, or nothing in it.

    Raises:
        Refused: the file is no copy of a journal.
    """
    if not path.exists():
        return None
    first, last = None, None
    for last in read_copy(path):
        first = first or last
    if first is None or last is None:
        return None
    at = datetime.fromisoformat(str(last.read()["at"]))
    return Anchor(deployment=deployment_of(first), seq=last.seq, hash=last.hash, at=at)


@contextmanager
def _opened(path: Path, *, read_only: bool = False) -> Iterator[Database]:
    try:
        uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
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
def _writing(db: Database) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.commit()


def _prepare(db: Database) -> None:
    """The tables of this version; those of another are made anew."""
    if db.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION:
        return
    if TABLE in db.table_names():
        db.table(TABLE).disable_fts()
        db.table(TABLE).drop()
    kinds: dict[str, Any] = {**dict.fromkeys(COLUMNS, str), "seq": int, "previous": str, "body": str}
    table = db.table(TABLE).create(kinds, pk="seq", not_null=set(kinds) - {"seq"})
    for column in ("at", "operation", "who", "vm", "vm_id"):
        table.create_index([column])
    table.enable_fts(_SEARCHED, create_triggers=True, tokenize="unicode61 remove_diacritics 2")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _to_rows(db: Database, entries: tuple[Entry, ...]) -> Iterator[dict[str, object]]:
    subjects: dict[str, Subject] = {}
    for entry in entries:
        if entry.operation not in subjects and (known := _find_subject(db, entry.operation)):
            subjects[entry.operation] = known
        record = read_record(entry, subjects.get(entry.operation))
        if record.event == "propose":
            subjects[entry.operation] = record
        yield {**record.model_dump(), "previous": entry.previous, "body": entry.body}


def _find_subject(db: Database, operation: str) -> Subject | None:
    offers = db.query(
        "SELECT vm, vm_id, source, destination, digest FROM journal WHERE operation = ? AND event = 'propose'",
        [operation],
    )
    return next((Subject(**row) for row in offers), None)


def _condition(db: Database, what: str, since: datetime | None) -> tuple[str, dict[str, str]]:
    """Exact names first; words only where nothing has that name, because VM-1 must not find VM-1-test."""
    values = {"since": since.astimezone(UTC).isoformat() if since else ""}
    recent = "at >= :since"
    if not what:
        return recent, values
    values["what"] = what
    if db.table(TABLE).count_where(_NAMED, values):
        return f"{recent} AND {_NAMED}", values
    return f"{recent} AND {_WORDED}", {**values, "words": db.quote_fts(what)}


def _to_record(row: dict[str, Any]) -> Record:
    return Record(**{column: row[column] for column in COLUMNS})


def _to_deed(db: Database, record: Record) -> Deed:
    """With how its operation stands after its newest entry that says so."""
    query = "SELECT event, state, summary FROM journal WHERE operation = ? AND state != '' ORDER BY seq DESC LIMIT 1"
    now = next(db.query(query, [record.operation]), None)
    if now is None or record.event == "refuse":
        return Deed(record=record)
    return Deed(record=record, state=now["state"], outcome="" if now["event"] == "propose" else now["summary"])
