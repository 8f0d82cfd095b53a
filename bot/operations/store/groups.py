"""What Slack says of user groups, people and channels, as rows: whoever hears Slack writes them, every process goes by
them.

What is older than the policy allows counts as not known: nobody is in a group that is not known, and whoever is not
known counts as a stranger.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.core.names import UserId
from bot.core.policy import ADMISSIBLE, Groups, Mark, asks_about
from bot.core.wording import render_duration
from bot.operations.store.store import Store
from bot.operations.store.tables import heard

_EVER = timedelta(days=36_500)
_COLUMNS = (heard.c.id, heard.c.said.label("said"), heard.c.read_at)


class GroupRows:
    """Thread-safe; holds no state of its own.

    Args:
        groups: ids of those that the policy names.
        age: how old what Slack said may be and still count.
        admitted: what the policy admits although it is not of one's own.
    """

    def __init__(
        self, store: Store, groups: Iterable[str], age: timedelta, admitted: frozenset[Mark] = ADMISSIBLE
    ) -> None:
        self._store = store
        self.groups = tuple(sorted(groups))
        self.age = age
        self.admitted = admitted

    def keep(self, about: str, said: Iterable[str], read_at: datetime) -> None:
        """What Slack said: a group's members, the marks of others. `read_at` is when it was asked.

        An older answer never replaces a newer one.
        """
        values = {"said": json.dumps(sorted(said)), "read_at": read_at}
        with self._store.database.writing() as connection:
            known = sa.select(heard.c.read_at).where(heard.c.id == about)
            last = connection.execute(known).scalar_one_or_none()
            if last is None:
                connection.execute(sa.insert(heard).values(id=about, **values))
            elif last < read_at or last > self._store.clock.now():  # the latter: the clock was set back
                connection.execute(sa.update(heard).where(heard.c.id == about).values(**values))

    def forget(self, about: str) -> None:
        """What is known of it is known to be wrong. Idempotent."""
        with self._store.database.writing() as connection:
            connection.execute(sa.delete(heard).where(heard.c.id == about))

    def find_stale(self, whom: Iterable[str], age: timedelta) -> tuple[str, ...]:
        """Those people and channels that matter and of which nothing is known that is at most so old."""
        wanted = sorted(one for one in set(whom) if asks_about(one, self.admitted))
        if not wanted:
            return ()
        rows = self._read(heard.c.id.in_(wanted))
        return tuple(one for one in wanted if one not in rows or not self._is_fresh(rows[one], age))

    def read(self) -> Groups:
        return self._read_at_most(self.age)

    def read_last(self) -> Groups:
        """By what Slack said last, however long ago; of whom it has said nothing counts as one's own."""
        return self._read_at_most(_EVER).model_copy(update={"trusting": True})

    def _read_at_most(self, age: timedelta) -> Groups:
        asks = any(asks_about(one, self.admitted) for one in ("U", "C"))
        if not self.groups and not asks:
            return Groups(admitted=self.admitted)
        lately = heard.c.read_at >= self._store.clock.now() - age
        rows = self._read(heard.c.id.in_(self.groups) | lately if asks else heard.c.id.in_(self.groups))
        fresh = {about: json.loads(row["said"]) for about, row in rows.items() if self._is_fresh(row, age)}
        return Groups(
            members={one: frozenset(map(UserId, fresh[one])) for one in self.groups if one in fresh},
            unknown={one: self._why_unknown(rows.get(one)) for one in self.groups if one not in fresh},
            marks={one: frozenset(map(Mark, said)) for one, said in fresh.items() if asks_about(one, self.admitted)},
            admitted=self.admitted,
        )

    def read_trusting(self) -> Groups:
        """The same for what is only offered: whoever takes it up is asked about then."""
        return self.read().model_copy(update={"trusting": True})

    def _read(self, which: sa.ColumnElement[bool]) -> dict[str, Mapping[str, Any]]:
        with self._store.database.reading() as connection:
            rows = list(connection.execute(sa.select(*_COLUMNS).where(which)).mappings())
        return {row["id"]: dict(row) for row in rows}

    def _is_fresh(self, row: Mapping[str, Any], age: timedelta) -> bool:
        read_at: datetime = row["read_at"]
        return abs(self._store.clock.now() - read_at) <= age

    def _why_unknown(self, row: Mapping[str, Any] | None) -> str:
        if row is None:
            return "Slack has not said it yet"
        age = abs(self._store.clock.now() - row["read_at"])
        return f"Slack said it last {render_duration(age.total_seconds())} ago"
