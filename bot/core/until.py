"""Until when: a time of day, or how long from now, as people say it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Annotated

from pydantic import AfterValidator

from bot.core.names import check_age, to_timedelta

_TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])\Z")


def check_until(value: str) -> str:
    if _TIME_OF_DAY.match(value):
        return value
    try:
        return check_age(value)
    except ValueError:
        raise ValueError("a time is one of the day, like 18:00, or how long from now, like 90min, 2h or 3d") from None


def resolve_until(said: str, now: datetime, zone: tzinfo) -> datetime:
    """The moment that is meant, later than now; a time of day is the next one there is in that zone."""
    found = _TIME_OF_DAY.match(said)
    if found is None:
        return now + to_timedelta(said)
    local, at = now.astimezone(zone), time(int(found[1]), int(found[2]))
    days = (local.date() + timedelta(days=ahead) for ahead in (0, 1, 2))  # of three one follows, whatever the clocks do
    moments = (datetime.combine(day, at, zone).astimezone(UTC) for day in days)
    return next(moment for moment in moments if moment > now)


Until = Annotated[str, AfterValidator(check_until)]
