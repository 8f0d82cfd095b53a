"""What clusters told of their nodes, kept for the next start and for processes that do not reach them."""

from __future__ import annotations

import sqlalchemy as sa

from bot.core.membership import Membership
from bot.operations.store.database import Database
from bot.operations.store.tables import membership


class MembershipRows:
    """Thread-safe; a row per cluster, of its latest answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> dict[str, Membership]:
        with self._database.reading() as connection:
            rows = list(connection.execute(sa.select(membership)).mappings())
        return {row["cluster"]: Membership.model_validate_json(row["body"]) for row in rows}

    def keep(self, one: Membership) -> None:
        """An answer that is older than the one that is kept is let go."""
        assert one.answered_at is not None
        values = {"answered_at": one.answered_at, "body": one.model_dump_json()}
        with self._database.writing() as connection:
            this = membership.c.cluster == one.cluster
            known = connection.execute(sa.select(membership.c.answered_at).where(this)).scalar_one_or_none()
            if known is None:
                connection.execute(sa.insert(membership).values(cluster=one.cluster, **values))
            elif known < one.answered_at:
                connection.execute(sa.update(membership).where(this).values(**values))
