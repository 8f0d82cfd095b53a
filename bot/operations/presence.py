"""This process among the others on its database: who it is, that it lives, and who of the others does.

A process has a name, the same after every restart, and each run of it an id of its own. Work is held by ids, so what a
dead run held is never taken for a new run's. Rules:

1. One run per name at a time, and one process for a SQLite file. Whoever has the lock knows that its predecessor is
   dead, and says so.
2. A run that lives raises its beat. Whoever sees a beat stand still for long enough removes it; the DELETE is the
   verdict. Each watches by its own steady clock, so that clocks which differ or jump kill nobody.
3. To be thought dead is harmless: what was taken over is marked with a new attempt, and the run writes itself in again.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Collection

import sqlalchemy as sa
from filelock import FileLock, Timeout

from bot.errors import DatabaseUnavailable, FerryError
from bot.operations.store.database import Database
from bot.operations.store.tables import executor, lease

LOCKS = 0xFE46  # first key of the advisory locks of names; any, but the same in every process
DEAD_AFTER_S = 30.0
BEATS = 6  # in that time

log = logging.getLogger(__name__)


class Presence:
    """`enter` before the tables are brought up to date, `announce` after, `leave` last. Used once.

    Args:
        sites: whose operations this process carries out.
        dead_after_s: for how long a beat may stand still.
        beat_s: how often the beat rises and the others are looked at.
        enter_s: how long to wait for a name: a server notices a little late that its holder was killed.

    Attributes:
        id: of this run.
        sites: as given.
        lost: set once another process has this one's name: this one must end.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        sites: Collection[str] = (),
        dead_after_s: float = DEAD_AFTER_S,
        beat_s: float | None = None,
        enter_s: float = 5.0,
    ) -> None:
        self.id = f"{name}#{secrets.token_hex(4)}"
        self.sites = tuple(sites)
        self.lost = threading.Event()
        self._database = database
        self._name = name
        self._row = {"id": self.id, "name": name, "sites": json.dumps(self.sites), "beat": 1}
        self._beat_s = beat_s or dead_after_s / BEATS
        self._enter_s = enter_s
        self._key = {"locks": LOCKS, "name": name}
        self._dead_after_s = dead_after_s
        self._file = FileLock(f"{database.path}.lock", timeout=0, thread_local=False) if database.path else None
        self._held: sa.Connection | None = None
        self._seen: dict[str, tuple[int, float]] = {}  # beat, and when it was first seen
        self._looked_at = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ferry-presence", daemon=True)

    def enter(self) -> None:
        """
        Raises:
            FerryError: another process runs on this file, or under this name.
        """
        if self._file is not None:
            try:
                self._file.acquire()
            except Timeout:
                raise FerryError(
                    f"another Ferry is running on {self._database.path}",
                    hint="stop it first, give this one another database_url, or use PostgreSQL for several at once",
                ) from None
            return
        try:
            if not self._take_name(self._enter_s):
                raise FerryError(
                    f"another Ferry named {self._name} is running on this database",
                    hint="stop it first, or give this one a name of its own: process in [operations]",
                )
        except sa.exc.OperationalError as error:
            raise FerryError(
                f"the database does not answer: {str(error.orig).strip()}",
                hint="database_url, or DATABASE_URL in the environment, is like postgresql://user@server/name",
            ) from error

    def announce(self) -> None:
        """Say that this run lives, and that those before it under this name do not."""
        mine = sa.true() if self._file is not None else executor.c.name == self._name
        with self._database.writing() as connection:
            _bury(connection, mine)
            connection.execute(sa.insert(executor).values(**self._row))
        self._thread.start()

    def living(self) -> frozenset[str]:
        """The ids of those that are not known to be dead."""
        with self._database.reading() as connection:
            return frozenset(connection.execute(sa.select(executor.c.id)).scalars())

    def leave(self) -> None:
        """Give up the name; whatever this run held may be taken over at once. Idempotent."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
            self._forget()
        if self._held is not None:
            self._unlock(self._held)
            self._held = None
        if self._file is not None:
            self._file.release()

    def _run(self) -> None:
        while not self._stopping.wait(self._beat_s):
            try:
                self._beat()
            except (DatabaseUnavailable, sa.exc.OperationalError) as error:
                log.warning("no_beat id=%s: %s", self.id, error)  # it may answer at the next one
            except Exception:
                # The thread's top: without a beat this process would be thought dead.
                log.exception("incident=%s presence=%s", secrets.token_hex(4), self.id)

    def _take_name(self, patience_s: float) -> bool:
        """PostgreSQL: a lock that lasts as long as its connection. False: another run has it."""
        held = self._database.keep_connection()
        give_up_at = time.monotonic() + patience_s
        while not held.execute(sa.text("SELECT pg_try_advisory_lock(:locks, hashtext(:name))"), self._key).scalar_one():
            if time.monotonic() >= give_up_at:
                held.close()
                return False
            time.sleep(0.1)
        self._held = held
        return True

    def _keep_name(self) -> bool:
        """Whether the name is still this run's: a server that restarts, or a firewall, may have cut the connection."""
        if self._file is not None:
            return True
        if self._held is not None:
            try:
                self._held.exec_driver_sql("SELECT 1")
            except sa.exc.DBAPIError:
                log.warning("presence_connection_lost id=%s", self.id)
                self._held.invalidate()
                self._held.close()
                self._held = None
        return self._held is not None or self._take_name(0)

    def _beat(self) -> None:
        if not self._keep_name():
            log.critical("presence_name_lost id=%s: another Ferry named %s has taken over", self.id, self._name)
            self.lost.set()
            self._stopping.set()
            return
        me = executor.c.id == self.id
        with self._database.writing() as connection:
            if not connection.execute(sa.update(executor).where(me).values(beat=executor.c.beat + 1)).rowcount:
                log.warning("presence_lost id=%s: taken for dead, and back", self.id)
                connection.execute(sa.insert(executor).values(**self._row))
            beats = {row.id: row.beat for row in connection.execute(sa.select(executor.c.id, executor.c.beat))}
            for silent in self._find_silent(beats):
                log.warning("process_dead id=%s silent_s=%g", silent, self._dead_after_s)
                _bury(connection, executor.c.id == silent)

    def _find_silent(self, beats: dict[str, int]) -> list[str]:
        now = time.monotonic()
        if now - self._looked_at > self._dead_after_s / 2:
            self._seen = {}  # whoever could not look for that long, knows nothing of the others
        self._looked_at = now
        self._seen = {
            each: self._seen[each] if each in self._seen and self._seen[each][0] == beat else (beat, now)
            for each, beat in beats.items()
        }
        return [each for each, (_, since) in self._seen.items() if now - since > self._dead_after_s]

    def _unlock(self, held: sa.Connection) -> None:
        try:
            held.execute(sa.text("SELECT pg_advisory_unlock(:locks, hashtext(:name))"), self._key)
        except sa.exc.SQLAlchemyError:
            log.info("presence_unlocked id=%s: its connection was gone", self.id)
        held.invalidate()
        held.close()

    def _forget(self) -> None:
        try:
            with self._database.writing() as connection:
                _bury(connection, executor.c.id == self.id)
        except sa.exc.SQLAlchemyError as error:
            log.warning("presence_not_removed id=%s: %s", self.id, error)  # the others will see it silent


def _bury(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """These live no more; what they had leased is free at once."""
    connection.execute(sa.delete(lease).where(lease.c.holder.in_(sa.select(executor.c.id).where(which))))
    connection.execute(sa.delete(executor).where(which))
