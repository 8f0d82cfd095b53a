"""A copy as evidence: whether it holds in itself, and where the journal stood when it was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from bot.audit.file import SCHEMA_VERSION, is_ready, opened, refuse_other
from bot.audit.rows import TABLE, to_rows
from bot.core.journal import Anchor, Break, Entry, Verification, deployment_of, verify
from bot.errors import Refused

PAGE = 1000
_NEEDED = "an audit.db that Ferry made"


def verify_copy(path: Path, anchors: Sequence[Anchor] = ()) -> Verification:
    """Verify the chain of entries that a copy holds, and that each row shows what its entry tells.

    Raises:
        Refused: there is no such file, or it is no copy of this version.
    """
    if not path.exists():
        raise Refused(f"there is no file {path}", needed=_NEEDED)
    with opened(path, "ro") as db:
        if TABLE not in db.table_names():
            raise Refused(f"{path} holds no journal", needed=_NEEDED)
        refuse_other(db, path)
        if not is_ready(db):
            raise Refused(
                f"the copy of the journal {path} is older than version {SCHEMA_VERSION}",
                needed="the Ferry that made it",
                hint="`ferry history` makes the copy anew that the settings name",
            )
        doctored: list[tuple[Entry, str]] = []
        found = verify(_read_entries(db, path, doctored), anchors)
    for entry, column in doctored:
        broken = Break(seq=entry.seq, reason=f"entry {entry.seq} shows another {column} than it tells")
        return Verification(deployment=found.deployment, entries=entry.seq - 1, head=entry.previous, broken=broken)
    return found


def read_head(path: Path) -> Anchor | None:
    """The newest entry of a copy, to compare the journal with. None: there is no copy, or nothing in it.

    Raises:
        Refused: the file is no copy of a journal, or cannot be read.
    """
    if not path.exists():
        return None
    with opened(path, "ro") as db:
        if TABLE not in db.table_names():
            return None
        refuse_other(db, path)
        ends = [*_read_rows(db, "seq", 1), *_read_rows(db, "seq DESC", 1)]
    if not ends:
        return None
    first, last = (_to_entry(row, path) for row in ends)
    return _to_head(first, last, path)


def _to_head(first: Entry, last: Entry, path: Path) -> Anchor:
    try:
        at = datetime.fromisoformat(str(last.read()["at"]))
        return Anchor(deployment=deployment_of(first), seq=last.seq, hash=last.hash, at=at)
    except (ValueError, KeyError):
        raise _unreadable(path) from None


def _read_entries(db: Database, path: Path, doctored: list[tuple[Entry, str]]) -> Iterator[Entry]:
    """Oldest first, up to one whose row shows something else, which is put on the list with the column.

    An entry's row is looked at after whoever verifies took the entry: what the chain says comes first.
    """
    rows = _read_rows(db, "seq", PAGE)
    while rows:
        entries = [_to_entry(row, path) for row in rows]
        for entry, row, told in zip(entries, rows, to_rows(db, entries), strict=True):
            yield entry
            if column := next((name for name, value in told.items() if row.get(name) != value), ""):
                doctored.append((entry, column))
                return
        rows = _read_rows(db, "seq", PAGE, after=entries[-1].seq)


def _read_rows(db: Database, order: str, most: int, after: int | None = None) -> list[dict[str, Any]]:
    """All at once: a cursor left open would keep the copy's writer waiting."""
    where, values = (None, None) if after is None else ("seq > ?", [after])
    return list(db.table(TABLE).rows_where(where, values, order_by=order, limit=most))


def _to_entry(row: Mapping[str, Any], path: Path) -> Entry:
    try:
        return Entry(**{name: row[name] for name in Entry.model_fields})
    except (ValueError, KeyError):
        raise _unreadable(path) from None


def _unreadable(path: Path) -> Refused:
    return Refused(
        f"{path} holds what no Ferry wrote there",
        needed=_NEEDED,
        hint="keep it as evidence; once it is moved away, a new copy is made from the journal",
    )
