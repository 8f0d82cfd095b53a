"""The searchable copy of the journal: `audit.db`, an SQLite file for chat, auditors, sqlite-utils and Datasette.

Not the journal: that is in the database, and this file can be deleted and made again from it. Rules:
    1. It only grows, by what has a higher number than its newest row, and only if the journal still holds that row.
    2. Never two writers: whoever copies takes the file's own lock (BEGIN IMMEDIATE) before it looks for the newest row.
       A dead process holds no lock, so any process may go on.
    3. No write-ahead log: one file, to be copied, mailed, or served from a folder that nobody may write to.
    4. Every row holds its entry as it is in the journal, so that the copy can be verified alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from sqlite_utils import Database

from bot.audit.file import is_ready, opened, prepare, refuse_other, writing
from bot.audit.rows import TABLE, to_record, to_rows
from bot.core.history import Deed, Found, Record
from bot.core.journal import Entry
from bot.errors import Refused

BATCH = 1000
PAGE = 500

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
        self._newest = 0  # of the copy, as far as this process knows: saves locking the file while nothing happens

    def refresh(self) -> None:
        """Copy what is new.

        Raises:
            Refused: the file cannot be written, is no copy, or the journal no longer holds what was copied from it.
        """
        with self._lock:
            if self._is_current():
                return
            with opened(self._path, "rwc") as db:
                refuse_other(db, self._path)  # before asking for the lock of what may be anybody's database
                while self._copy_some(db):
                    pass

    def search(self, what: str, since: datetime | None, most: int) -> Found:
        self.refresh()
        with opened(self._path) as db:
            where, values = _condition(db, what, since)
            where = f"{where} AND {_BY_PEOPLE}"
            total = db.table(TABLE).count_where(where, values)
            rows = db.table(TABLE).rows_where(where, values, order_by="seq DESC", limit=most)
            deeds = tuple(_to_deed(db, to_record(row)) for row in list(rows))
            return Found(deeds=deeds, total=total, by_words="words" in values)

    def records(self, what: str = "", since: datetime | None = None) -> Iterator[Record]:
        """Everything that fits, newest first: also what Ferry did by itself.

        Whoever takes them may stand still, as a pager does, and keeps nobody from writing meanwhile.
        """
        self.refresh()
        with opened(self._path) as db:
            where, values = _condition(db, what, since)
        page = self._read_page(where, values)
        while page:
            yield from page
            page = self._read_page(f"{where} AND seq < :before", {**values, "before": page[-1].seq})

    def _read_page(self, where: str, values: Mapping[str, str | int]) -> list[Record]:
        with opened(self._path) as db:
            rows = db.table(TABLE).rows_where(where, dict(values), order_by="seq DESC", limit=PAGE)
            return [to_record(row) for row in rows]

    def _is_current(self) -> bool:
        """Whether nothing happened, neither to the journal nor to the file: nearly always so, and needs no lock."""
        if not self._newest or not self._path.exists():
            return False
        with opened(self._path) as db:
            if not is_ready(db) or _read_newest(db).get("seq") != self._newest:
                return False
        return not self._journal.after(self._newest, 1)

    def _copy_some(self, db: Database) -> bool:
        """One batch, in one transaction. Whether there was anything."""
        with writing(db):
            prepare(db, self._path)
            newest = _read_newest(db)
            entries = self._journal.after(newest["seq"] - 1 if newest else 0, BATCH)
            if newest:
                if not entries or entries[0].hash != newest["hash"]:
                    raise Refused(
                        f"the journal no longer holds entry {newest['seq']} as it was copied to {self._path}",
                        needed="the journal that this copy was made from",
                        hint="`ferry verify` says where it differs; move the copy away to have a new one made",
                    )
                self._newest, entries = newest["seq"], entries[1:]
            db.table(TABLE).insert_all(to_rows(db, entries))
            return bool(entries)


def _read_newest(db: Database) -> dict[str, Any]:
    """Number and hash; nothing if the copy is empty."""
    return next(iter(db.query("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1")), {})


def _condition(db: Database, what: str, since: datetime | None) -> tuple[str, dict[str, str]]:
    """Exact names first; words only where nothing has that name, because VM-1 must not find VM-1-test."""
    values = {"since": since.astimezone(UTC).isoformat() if since else ""}
    recent = "at >= :since"
    if not what:
        return recent, values
    # FTS5 reads no further than NUL, and half of a surrogate pair has no UTF-8.
    values["what"] = what.replace("\0", "").encode(errors="ignore").decode()
    words = values["what"].split()
    if not words:
        return "FALSE", values
    if db.table(TABLE).count_where(_NAMED, values):
        return f"{recent} AND {_NAMED}", values
    # Each in quotes of FTS5's query language: nothing in it is then an operator.
    quoted = " ".join('"{}"'.format(word.replace('"', '""')) for word in words)
    return f"{recent} AND {_WORDED}", {**values, "words": quoted}


def _to_deed(db: Database, record: Record) -> Deed:
    """With how its operation stands after its newest entry that says so."""
    query = "SELECT event, state, summary FROM journal WHERE operation = ? AND state != '' ORDER BY seq DESC LIMIT 1"
    now = next(db.query(query, [record.operation]), None)
    if now is None or record.event == "refuse":
        return Deed(record=record)
    return Deed(record=record, state=now["state"], outcome="" if now["event"] == "propose" else now["summary"])
