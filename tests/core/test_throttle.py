"""What one person may say in a minute: told once, ignored then, and counted anew in the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.throttle import Admission, Spell, admit, budget_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
T, W, I = Admission.TAKE, Admission.WARN, Admission.IGNORE  # noqa: E741 - as short as the table


@pytest.mark.parametrize(
    ("asks", "verdicts"),
    [
        ([("a", 0), ("b", 1), ("c", 2)], [T, T, W]),
        ([("a", 0), ("b", 1), ("c", 2), ("d", 3), ("e", 59)], [T, T, W, I, I]),
        ([("a", 0), ("b", 1), ("c", 2), ("d", 60), ("e", 61), ("f", 62)], [T, T, W, T, T, W]),
        ([("a", 0), ("b", 59), ("c", 60)], [T, T, T]),
        ([("a", 0), ("a", 1), ("b", 1), ("a", 2), ("c", 2)], [T, T, T, T, W]),  # delivered again
        ([("a", 0), ("b", 0), ("c", 0), ("c", 1)], [T, T, W, I]),
        ([("a", 0), ("b", 0), ("c", -5)], [T, T, T]),  # the clock was set back
    ],
)
def test_two_a_minute(asks: list[tuple[str, int]], verdicts: list[Admission]) -> None:
    spell: Spell | None = None
    told = []
    for key, second in asks:
        spell, verdict = admit(spell, key, NOON + timedelta(seconds=second), 2)
        told.append(verdict)
    assert told == verdicts


def test_what_is_counted_together() -> None:
    assert budget_of("U1", "message") == budget_of("U1", "slash") == budget_of("U1", "form") != ""
    assert len({budget_of("U1", "slash"), budget_of("U1", "button"), budget_of("U2", "slash")}) == 3
    assert budget_of("U1", "retraction") == ""
