"""Who is in Slack's user groups, as rows: whoever hears Slack writes them, every process goes by them.

What is older than the policy allows counts as not known, and nobody is in a group that is not known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.core.names import UserId
from bot.core.policy import Groups
from bot.core.wording import render_duration
from bot.operations.store.store import Store
from bot.operations.store.tables import user_group


class GroupRows:
    """Thread-safe; holds no state of its own.

    Args:
        groups: ids of those that the policy names.
        age: how old what Slack said may be and still count.
    """

    def __init__(self, store: Store, groups: Iterable[str], age: timedelta) -> None:
        self._store = store
        self.groups = tuple(sorted(groups))
        self._age = age

    def keep(self, group: str, members: Iterable[UserId], read_at: datetime) -> None:
        """What Slack said; `read_at` is when it was asked. An older answer never replaces a newer one."""
        values = {"members": json.dumps(sorted(members)), "read_at": read_at}
        with self._store.database.writing() as connection:
            known = sa.select(user_group.c.read_at).where(user_group.c.id == group)
            last = connection.execute(known).scalar_one_or_none()
            if last is None:
                connection.execute(sa.insert(user_group).values(id=group, **values))
            elif last < read_at or last > self._store.clock.now():  # the latter: the clock was set back
                connection.execute(sa.update(user_group).where(user_group.c.id == group).values(**values))

    def forget(self, group: str) -> None:
        """What is known of it is known to be wrong. Idempotent."""
        with self._store.database.writing() as connection:
            connection.execute(sa.delete(user_group).where(user_group.c.id == group))

    def read(self) -> Groups:
        if not self.groups:
            return Groups()
        now, members, unknown = self._store.clock.now(), {}, {}
        with self._store.database.reading() as connection:
            query = sa.select(user_group).where(user_group.c.id.in_(self.groups))
            rows = {row["id"]: row for row in connection.execute(query).mappings()}
        for group in self.groups:
            row = rows.get(group)
            age = None if row is None else now - row["read_at"]
            if row is not None and age is not None and abs(age) <= self._age:
                members[group] = frozenset(map(UserId, json.loads(row["members"])))
            elif age is None:
                unknown[group] = "Slack has not said it yet"
            else:
                unknown[group] = f"Slack said it last {render_duration(abs(age).total_seconds())} ago"
        return Groups(members=members, unknown=unknown)
