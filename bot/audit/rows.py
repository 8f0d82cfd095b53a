"""The rows of the searchable copy: what of an entry is shown in which column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlite_utils import Database

from bot.core.history import Record, Subject, read_record
from bot.core.journal import Entry

TABLE = "journal"
COLUMNS = (
    *("seq", "at", "operation", "event", "who", "vm", "vm_id", "source", "destination", "state", "summary"),
    *("digest", "hash"),
)
"""In the order in which people read them."""


def to_rows(db: Database, entries: Iterable[Entry]) -> Iterator[dict[str, object]]:
    """Entries in columns, and as they are; oldest first. What is before them is looked up in the copy."""
    subjects: dict[str, Subject | None] = {}
    for entry in entries:
        if entry.operation not in subjects:
            subjects[entry.operation] = _find_subject(db, entry)
        record = read_record(entry, subjects[entry.operation])
        if record.event == "propose":
            subjects[entry.operation] = record
        yield {**record.model_dump(), "previous": entry.previous, "body": entry.body}


def to_record(row: Mapping[str, Any]) -> Record:
    return Record(**{column: row[column] for column in COLUMNS})


def _find_subject(db: Database, entry: Entry) -> Subject | None:
    """Only before the entry: verifying has nothing but its own word for what comes after."""
    offers = db.query(
        "SELECT vm, vm_id, source, destination, digest FROM journal"
        " WHERE operation = ? AND event = 'propose' AND seq < ? ORDER BY seq LIMIT 1",
        [entry.operation, entry.seq],
    )
    return next((Subject(**row) for row in offers), None)
