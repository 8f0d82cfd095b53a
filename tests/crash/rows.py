"""The database as a bystander sees it: every transition soon after it was committed, and all rows in the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from bot.core.evacuation import Evacuation, EvacuationKind
from bot.core.journal import Break, Entry
from bot.core.lifecycle import ENDED, State
from bot.core.operation import Operation
from bot.operations.store import Store
from bot.operations.store.rows import is_evacuation, read_evacuation, to_operation
from bot.operations.store.tables import card, inbox, journal, operation, step

EVACUATION_ENDED = "evacuation ended"
_COUNTS = sa.select(
    sa.select(sa.func.coalesce(sa.func.max(journal.c.seq), 0)).scalar_subquery().label("journal"),
    sa.select(sa.func.count()).select_from(inbox).scalar_subquery().label("ask taken"),
    sa.select(sa.func.count(inbox.c.answered_at)).scalar_subquery().label("ask answered"),
    sa.select(sa.func.count(card.c.ts)).scalar_subquery().label("card posted"),
    sa.select(sa.func.coalesce(sa.func.sum(card.c.shown_version), 0)).scalar_subquery().label("card shown"),
    sa.select(sa.func.count(step.c.ts)).where(step.c.file == "").scalar_subquery().label("line posted"),
    sa.select(sa.func.count(step.c.ts)).where(step.c.file != "").scalar_subquery().label("file shared"),
    sa.select(sa.func.count(operation.c.ended_at))
    .where(operation.c.kind == EvacuationKind.EVACUATION.value)
    .scalar_subquery()
    .label(EVACUATION_ENDED),
    sa.select(sa.func.coalesce(sa.func.sum(operation.c.percent), 0)).scalar_subquery().label("progress kept"),
)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class Rows:
    """All that the database says, once nobody writes any more.

    Attributes:
        operations: moves, those of evacuations too.
        keys: of what was said, by operation and evacuation.
        lines, files: what their threads are to have.
    """

    operations: tuple[Operation, ...]
    evacuations: tuple[Evacuation, ...]
    keys: dict[str, str]
    lines: dict[str, tuple[str, ...]]
    files: dict[str, tuple[str, ...]]
    entries: tuple[Entry, ...]
    broken: Break | None
    answered: frozenset[str]


class Bystander:
    """Reads only."""

    def __init__(self, database_url: str) -> None:
        self._store = Store(database_url, SystemClock())

    def close(self) -> None:
        self._store.close()

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        with self._store.database.reading() as connection:
            yield Watch(connection)

    def at_rest(self, operations: int) -> str:
        """What is still to be done; empty if nothing is, and there are at least so many operations."""
        with self._store.database.reading() as connection:
            if not sa.inspect(connection).has_table(operation.name):
                return "there are no tables"
            rows = list(connection.execute(sa.select(operation.c.id, operation.c.state, operation.c.waiting)))
            open_ = [f"{row.id} is {row.state} ({row.waiting})" for row in rows if State(row.state) not in ENDED]
            query = sa.select(inbox.c.key).where(inbox.c.answered_at.is_(None))
            unanswered = [f"{key} has no answer" for key in connection.execute(query).scalars()]
        behind = [f"the card of {one.operation.id} is behind" for one in self._store.cards_due()]
        few = [f"{len(rows)} operations of {operations}"] if len(rows) < operations else []
        return "; ".join([*few, *open_, *unanswered, *behind])

    def read(self) -> Rows:
        with self._store.database.reading() as connection:
            rows = list(connection.execute(sa.select(operation).order_by(operation.c.number)).mappings())
            answered = connection.execute(sa.select(inbox.c.key).where(inbox.c.answered_at.is_not(None))).scalars()
            lines: dict[str, list[str]] = {}
            files: dict[str, list[str]] = {}
            for one in connection.execute(sa.select(step).order_by(step.c.operation, step.c.number)):
                if one.file:
                    files.setdefault(one.operation, []).append(one.file)
                else:
                    lines.setdefault(one.operation, []).append(one.line)
            return Rows(
                operations=tuple(to_operation(row) for row in rows if not is_evacuation(row)),
                evacuations=tuple(read_evacuation(connection, row) for row in rows if is_evacuation(row)),
                keys={row["id"]: row["ask_key"] for row in rows},
                lines={key: tuple(texts) for key, texts in lines.items()},
                files={key: tuple(names) for key, names in files.items()},
                entries=self._store.journal(),
                broken=self._store.find_break(),
                answered=frozenset(answered),
            )


class Watch:
    """Sees what was committed since it began, in the order of a few milliseconds."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._last: dict[str, int] | None = None

    def news(self) -> list[str]:
        """Kinds of transitions: events of the journal, and what happened to rows that it does not tell."""
        with self._connection.begin():
            if self._last is None and not sa.inspect(self._connection).has_table(operation.name):
                return []
            now = dict(self._connection.execute(_COUNTS).mappings().one())
            before, self._last = self._last or now, now
            news = [name for name, count in now.items() if name != "journal" and count > before[name]]
            if now["journal"] > before["journal"]:
                query = sa.select(journal).where(journal.c.seq > before["journal"]).order_by(journal.c.seq)
                entries = [Entry.model_validate(dict(row)) for row in self._connection.execute(query).mappings()]
                news += [str(entry.read()["event"]) for entry in entries]
            return news
