"""Records for people and their tools: a table for a terminal, CSV for spreadsheets, JSON for programs.

Names in them come from chat and from hosts. Rules: a terminal gets printable characters only; a spreadsheet never gets
a cell that it would take for a formula; JSON holds everything as it is.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import TextIO

from bot.audit.rows import COLUMNS
from bot.core.history import Record

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # OWASP, "CSV Injection"
_HEAD = ("when (UTC)", "who", "event", "operation", "vm", "from", "to", "what")


def write_table(records: Iterable[Record], out: TextIO) -> None:
    """Aligned columns, one record a line, as wide as it is: pipe it into a pager."""
    rows = [_HEAD, *map(_cells, records)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        out.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


def write_csv(records: Iterable[Record], out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        told = record.model_dump()
        writer.writerow([_harmless(told[column]) for column in COLUMNS])


def write_json(records: Iterable[Record], out: TextIO) -> None:
    """An array, one record a line."""
    between = "[\n"
    for record in records:
        told = record.model_dump()
        out.write(between + json.dumps({column: told[column] for column in COLUMNS}))
        between = ",\n"
    out.write("[]\n" if between == "[\n" else "\n]\n")


def _cells(record: Record) -> tuple[str, ...]:
    when = record.at[:19].replace("T", " ")
    who, route = record.who or "Ferry", (record.source, record.destination)
    cells = (when, who, record.event, record.operation, record.vm, *route, record.summary)
    return tuple("".join(character if character.isprintable() else "\ufffd" for character in cell) for cell in cells)


def _harmless(value: object) -> object:
    """With an apostrophe before what a spreadsheet would calculate; it shows the rest as text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
