"""When what a form asks for is to begin: at a moment that is picked, in the next window, or once it is agreed to.

A moment is picked in the person's own zone and arrives as such; the command says it in the zone of the settings, to the
minute. What was filled in becomes the ending that the person could have typed.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bot.core.form import Field, Option, Values
from bot.core.grammar.ending import AtTime, Ending, NextWindow
from bot.core.later import Calendar
from bot.core.wording import render_list

# No slot of a usage line has a blank in its name.
AT, WINDOW = "begin at", "begin in"


class NoSuchTime(ValueError):
    """What was filled in is no time to begin at.

    Attributes:
        field: where to say so.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


def make_time_fields(calendar: Calendar) -> tuple[Field, ...]:
    at = Field(name=AT, label="Begin at", kind="moment", optional=True, about="Empty: as soon as it is agreed to.")
    if not calendar.windows:
        return (at,)
    names = render_list(list(calendar.windows), last="or")
    window = Option(label="in the next window", value="next", detail=names)
    return (at, Field(name=WINDOW, label="Or begin", kind="flags", optional=True, options=(window,)))


def read_ending(values: Values, calendar: Calendar) -> Ending | None:
    """None: once it is agreed to. Raises NoSuchTime."""
    picked, window = values.get(AT, ()), values.get(WINDOW, ())
    if picked and window:
        raise NoSuchTime(AT, "a time and the next window do not go together: leave one of them empty")
    if window:
        return NextWindow()
    return _read_moment(picked[0], calendar) if picked else None


def _read_moment(seconds: str, calendar: Calendar) -> Ending:
    try:
        moment = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        raise NoSuchTime(AT, "this is no time") from None
    local = moment.astimezone(calendar.zone)
    minute = local.replace(second=0, microsecond=0)
    if minute.replace(fold=0).astimezone(UTC) != minute.astimezone(UTC):
        raise NoSuchTime(
            AT, f"the clocks of {calendar.zone} show {local:%H:%M} twice then, and a command means the first"
        )
    return AtTime(at=minute.time().replace(tzinfo=None, fold=0), day=minute.date())
