"""The journal, for those who read all of it, and for what no change of an operation writes: refusals and anchors.

What happens to operations is written by the store, in the transaction that makes the change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from pydantic import JsonValue

from bot.core.journal import JOURNAL, Anchor, Entry, Refusal, Verification, deployment_of, verify
from bot.core.names import UserId
from bot.core.operation import Ask
from bot.errors import Refused
from bot.operations.store.database import Database, parse_url
from bot.operations.store.entries import append, read_entries
from bot.operations.store.tables import journal
from bot.operations.store.upgrades import read_version, refuse_newer
from bot.ports import Clock

POLICY = "policy"
"""What a refusal is filed under that concerns no operation."""

_ANCHOR, _POSTED = "anchor", "anchor posted"


class JournalReader:
    """Thread-safe. Changes nothing, and waits for no writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def after(self, seq: int, most: int) -> tuple[Entry, ...]:
        """The entries that follow a number, oldest first, at most so many."""
        with self._database.reading() as connection:
            return tuple(islice(read_entries(connection, after=seq), most))

    def verify(self, anchors: Sequence[Anchor] = ()) -> Verification:
        """The whole chain, as it is at one moment."""
        with self._database.reading() as connection:
            return verify(read_entries(connection), anchors)


class Journal(JournalReader):
    """Thread-safe; one writer at a time, in whichever process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database)
        self._clock = clock

    def refuse(self, refusal: Refusal, ask: Ask) -> None:
        """Filed under the operation that it concerns, if it names one."""
        told = refusal.model_dump(mode="json")
        about = str(refusal.arguments.get("operation") or POLICY)
        with self._database.writing() as connection:
            append(connection, about, "refuse", self._clock.now(), {"by": ask.actor, "key": ask.key, **told})

    def anchor(self, by: UserId | None = None) -> Anchor:
        """Write that the journal is anchored here. That entry is the head to keep, so nothing else has to be."""
        with self._database.writing() as connection:
            append(connection, JOURNAL, _ANCHOR, self._clock.now(), {"by": by})
        anchor, _ = self.last_anchor()
        assert anchor is not None
        return anchor

    def keep_posted(self, anchor: Anchor, channel: str, ts: str) -> None:
        with self._database.writing() as connection:
            details: dict[str, JsonValue] = {"anchor": anchor.seq, "channel": channel, "ts": ts}
            append(connection, JOURNAL, _POSTED, self._clock.now(), details)

    def last_anchor(self) -> tuple[Anchor | None, bool]:
        """The newest anchor, and whether chat has it."""
        posted: set[JsonValue] = set()
        with self._database.reading() as connection:
            for entry in read_entries(connection, JOURNAL, newest_first=True):
                told = entry.read()
                if told["event"] == _POSTED:
                    posted.add(told["anchor"])
                elif told["event"] == _ANCHOR:
                    return _to_anchor(connection, entry), entry.seq in posted
        return None, False


@contextmanager
def open_journal(database_url: str) -> Iterator[JournalReader]:
    """The journal in a database that another process may be using.

    Raises:
        Refused: there is no database, or no journal in it.
        FerryError: the URL names no database that Ferry knows, or a newer Ferry wrote it.
    """
    url = parse_url(database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise Refused(
            f"there is no database {url.database}",
            needed="the database that the settings name, made by `ferry run`",
            hint="--config names another settings file",
        )
    database = Database(database_url)
    try:
        with database.reading() as connection:
            refuse_newer(read_version(connection))
            found = sa.inspect(connection).has_table(journal.name)
        if not found:
            raise Refused("this database holds no journal", needed="a database that `ferry run` made")
        yield JournalReader(database)
    finally:
        database.close()


def _to_anchor(connection: sa.Connection, entry: Entry) -> Anchor:
    deployment = deployment_of(next(read_entries(connection)))
    at = datetime.fromisoformat(str(entry.read()["at"]))
    return Anchor(deployment=deployment, seq=entry.seq, hash=entry.hash, at=at)
