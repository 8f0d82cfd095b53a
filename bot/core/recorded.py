"""What the cards of all rows have in common: who asked and confirmed, and what a host said and means."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.operation import Outcome, Recorded
from bot.core.reply import Line, Moment, Part, Quote, Strong, Text, User


def render_people(row: Recorded) -> Line:
    """Who asked, who confirmed and when."""
    line: Line = ("asked by ", User(id=row.requested_by))
    if row.confirmed_by:
        line = (*line, ", confirmed by ", User(id=row.confirmed_by))
        if row.confirmed_at:
            line = (*line, " ", Moment(at=row.confirmed_at))
    return line


def render_meaning(outcome: Outcome) -> Iterator[Part]:
    """A host's own words, with their cause and what to do."""
    if outcome.words:
        yield Quote(text=outcome.words)
    meaning: list[Line] = []
    if outcome.cause:
        meaning.append((Strong(text="Cause:"), f" {outcome.cause}"))
    if outcome.remedy:
        meaning.append((Strong(text="Remedy:"), f" {outcome.remedy}"))
    if meaning:
        yield Text(lines=tuple(meaning))
