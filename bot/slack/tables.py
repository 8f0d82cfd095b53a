"""A table as aligned text for a fixed-width font, in pieces that each begin with the columns' names."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from bot.core.reply import Table
from bot.slack.mrkdwn import clean, escape, size

WIDEST_CELL = 40


def render_table(table: Table, longest: int) -> Iterator[str]:
    """Texts of whole rows, each at most `longest` characters once escaped (one row always fits below 3000)."""
    head, *rows = _aligned([table.columns, *table.rows])
    piece = head
    for row in rows:
        if size(escape(piece)) + 1 + size(escape(row)) > longest:
            yield piece
            piece = head
        piece = f"{piece}\n{row}"
    yield piece


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [[_cell(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(_padded, row, widths)).rstrip() for row in cells]


def _cell(text: str) -> str:
    shown = " ".join(clean(text).split())
    return shown if len(shown) <= WIDEST_CELL else shown[: WIDEST_CELL - 1] + "…"


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    """Columns taken in a fixed-width font."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in ("W", "F"))
        for character in text
    )
