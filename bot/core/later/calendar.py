"""When a change is to begin, by what was said: a moment that exists, is to come, and is not too far away.

Facts (Python documentation, "datetime", PEP 495): a local time that the clocks skip comes back from UTC as another
one; of two that they show twice, the first is meant (fold 0).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from bot.core.grammar.ending import AfterAge, AtTime, Ending
from bot.core.names import to_timedelta
from bot.core.policy.model import Hours
from bot.core.wording import render_list
from bot.errors import Refused

LONGEST = timedelta(days=14)
"""How far ahead a change may be agreed to: what people saw of the hosts means little after that."""


@dataclass(frozen=True)
class Calendar:
    """
    Attributes:
        zone: in which times are meant, and the hours are.
        windows: hours of the week for changes, by name.
    """

    zone: tzinfo = UTC
    windows: Mapping[str, Hours] = field(default_factory=dict)

    def find_begin(self, ending: Ending, now: datetime) -> datetime | None:
        """In UTC. None: now, which is inside a window.

        Raises:
            Refused: there is no such moment, it is past, or too far ahead.
        """
        match ending:
            case AtTime():
                begin = self._find_time(ending, now)
            case AfterAge():
                begin = now + to_timedelta(ending.age)
            case _:
                if any(hours.hold(now.astimezone(self.zone)) for hours in self.windows.values()):
                    return None
                begin = self._find_window(now)
        if begin <= now:
            raise Refused(f"{self._render(begin)} is past: it is {self._render(now)}", needed="a time to come")
        if begin - now > LONGEST:
            raise Refused(
                f"{self._render(begin)} is too far ahead",
                needed=f"a time within {LONGEST.days} days: the plan that people agree to shows the hosts of now",
            )
        return begin

    def _find_time(self, said: AtTime, now: datetime) -> datetime:
        today = now.astimezone(self.zone).date()
        if said.day is not None:
            return self._moment(said.day, said.at)
        if said.tomorrow:
            return self._moment(today + timedelta(days=1), said.at)
        if datetime.combine(today, said.at) > now.astimezone(self.zone).replace(tzinfo=None):
            return self._moment(today, said.at)
        return self._moment(today + timedelta(days=1), said.at)

    def _moment(self, day: date, at: time) -> datetime:
        local = datetime.combine(day, at)
        moment = local.replace(tzinfo=self.zone).astimezone(UTC)
        after = moment.astimezone(self.zone)
        if after.replace(tzinfo=None) != local:
            raise Refused(
                f"there is no {local:%Y-%m-%d %H:%M} in {self.zone}: the clocks are put forward then",
                needed="a time that the clocks show",
                hint=f"`at {after:%Y-%m-%d %H:%M}` is the same moment after the change",
            )
        return moment

    def _find_window(self, now: datetime) -> datetime:
        found = [begin for begin in self._beginnings(now) if begin > now]
        if not found:
            raise Refused(
                f"there is no window for changes{f': {render_list(list(self.windows))}' if self.windows else ''}",
                needed="hours that `windows` under `[policy]` in `ferry.toml` names",
                hint="`at 22:00` or `in 2h` needs none",
            )
        return min(found)

    def _beginnings(self, now: datetime) -> Iterator[datetime]:
        """Of this week and the day after. One that the clocks skip begins when they have been put forward."""
        today = now.astimezone(self.zone).date()
        for day in (today + timedelta(days=ahead) for ahead in range(9)):
            for hours in self.windows.values():
                if day.weekday() in hours.days:
                    yield datetime.combine(day, hours.begins, self.zone).astimezone(UTC)

    def _render(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M} ({self.zone})"
