"""The ending that every command may have which plans a change: when it is to begin.

    at 22:00 · at tomorrow 06:00 · at 2026-12-01 22:00 · in 2h · in the next window

It is taken off before the rest is laid along the command's usage line, so that no line says it. `at` and `in` begin one
only where a figure, `tomorrow` or `the` follows: no path begins so, and a host of such a name goes in quotes.
"""

from __future__ import annotations

import re
from datetime import date, time

from bot.core.estate import Frozen
from bot.core.grammar.words import Word, shown
from bot.core.names import check_age
from bot.errors import UsageError

FORMS = "`at 22:00`, `at tomorrow 06:00`, `at 2026-12-01 22:00`, `in 2h`, `in the next window`"
LATER = f"{FORMS} at its end says when it is to begin"
"""For help and hints, the one place that says it."""

_LONGEST = 4  # words of the longest ending
_WINDOW = ("the", "next", "window")
_TOMORROW = "tomorrow"
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\Z")
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")


class AtTime(Frozen):
    """
    Attributes:
        day: None: today or tomorrow, whichever comes first.
        tomorrow: instead of a day.
    """

    at: time
    day: date | None = None
    tomorrow: bool = False

    def __str__(self) -> str:
        day = f"{self.day} " if self.day else f"{_TOMORROW} " if self.tomorrow else ""
        return f"at {day}{self.at:%H:%M}"


class AfterAge(Frozen):
    age: str  # as `check_age` takes it

    def __str__(self) -> str:
        return f"in {self.age}"


class NextWindow(Frozen):
    def __str__(self) -> str:
        return f"in {' '.join(_WINDOW)}"


Ending = AtTime | AfterAge | NextWindow
"""As text it is canonical: reading that gives the same again."""


def take_ending(words: tuple[Word, ...]) -> tuple[tuple[Word, ...], Ending | None]:
    """The words without their ending, and what that says. None: they have none.

    Raises:
        UsageError: there is one, and it says no time.
    """
    for start in range(len(words) - 2, max(-1, len(words) - _LONGEST - 1), -1):
        tail = words[start + 1 :]
        said = tuple(word.text.casefold() for word in tail)
        if any(word.quoted for word in tail):
            return words, None
        if words[start].says("at") and (said[0][0].isdigit() or said[0] == _TOMORROW):
            return words[:start], _read_time(said)
        if words[start].says("in") and said == _WINDOW:
            return words[:start], NextWindow()
        if words[start].says("in") and said[0][0].isdigit():
            return words[:start], _read_age(said)
    return words, None


def _read_time(said: tuple[str, ...]) -> AtTime:
    clock = _CLOCK.match(said[-1])
    if clock is None or len(said) > 2:
        raise _unreadable("at", said, "a time of day is needed, like 22:00")
    at = time(int(clock[1]), int(clock[2]))
    if len(said) == 1:
        return AtTime(at=at)
    if said[0] == _TOMORROW:
        return AtTime(at=at, tomorrow=True)
    if not _DAY.match(said[0]):
        raise _unreadable("at", said, "a day is written like 2026-12-01")
    try:
        return AtTime(at=at, day=date.fromisoformat(said[0]))
    except ValueError:
        raise _unreadable("at", said, f"there is no day {said[0]}") from None


def _read_age(said: tuple[str, ...]) -> AfterAge:
    try:
        return AfterAge(age=check_age("".join(said)))
    except ValueError:
        raise _unreadable("in", said, "how long is a number with s, min, h, d or w, like 90min or 2h") from None


def _unreadable(word: str, said: tuple[str, ...], needed: str) -> UsageError:
    return UsageError(f"{shown(' '.join((word, *said)))} says no time: {needed}", hint=LATER)
