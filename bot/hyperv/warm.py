"""The warm sessions of one host: opened when first needed, kept for the next read, never more than the settings allow.

Reads share them; an order (a move, a comparison) gets a session of its own, so that however many moves run, reads
never starve. What an order has used stays warm, so a move follows its comparison in the same session. Each session is a
process of about 50 MB on the host, which is why they are few: beyond the settings' number, the one that rested longest
is closed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from bot.hyperv.answer import Answer
from bot.hyperv.cmdlets import Statement
from bot.hyperv.contact import FAILURES, NoFreeSession, OutOfTime
from bot.hyperv.winrm import HostSession
from bot.settings import HostSettings

IDLE_RESET_S = 90.0  # HTTP.sys drops a socket after 120 s
PROVEN_S = 5.0  # an order cannot be repeated, as a read can: its session was opened, or has answered, just now
YOUNG_S = 900.0  # the logon that a session lends to the other host is as old as the session, and tickets expire


class WarmSessions:
    """Safe to use from any thread."""

    def __init__(self, settings: HostSettings, idle_reset_s: float = IDLE_RESET_S, *, young_s: float = YOUNG_S) -> None:
        self.settings = settings
        self._idle_reset_s = idle_reset_s
        self._proven_s = min(PROVEN_S, idle_reset_s)
        self._young_s = young_s
        self._free = BoundedSemaphore(settings.sessions)
        self._lock = Lock()
        self._idle: list[HostSession] = []  # by last use; the last is lent first, so that the others can cool down
        self._closed = False

    def read(self, statements: Sequence[Statement]) -> Answer:
        """One read within the host's time limit. A warm session that proves dead is replaced: a read may be repeated.

        Raises: one of `contact.FAILURES`.
        """
        deadline = time.monotonic() + self.settings.read_timeout_s
        if not self._free.acquire(timeout=self.settings.read_timeout_s):
            raise NoFreeSession
        try:
            if warm := self._warm(deadline):
                try:
                    return self._use(warm, statements, deadline)
                except OutOfTime:
                    raise
                except FAILURES:
                    if time.monotonic() >= deadline:
                        raise
            fresh = HostSession(self.settings)
            return self._use(fresh, statements, deadline, fresh=True)
        finally:
            self._free.release()

    @contextmanager
    def own(self) -> Iterator[HostSession]:
        """A session of its own for one order; open, and kept warm at the end unless contact was lost."""
        session = self._good_as_new() or self._opened()
        try:
            yield session
        except BaseException:
            session.let_go()
            raise
        self._keep(session)

    def close(self) -> None:
        """End the idle sessions; those in use end when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def _good_as_new(self) -> HostSession | None:
        """An idle session that an order can rely on as on one that is opened for it."""
        now = time.monotonic()
        with self._lock:
            for session in reversed(self._idle):
                if now - session.used_at < self._proven_s and now - session.opened_at < self._young_s:
                    self._idle.remove(session)
                    return session
        return None

    def _opened(self) -> HostSession:
        session = HostSession(self.settings)
        try:
            session.open(time.monotonic() + self.settings.read_timeout_s)
        except BaseException:
            session.let_go()
            raise
        return session

    def _warm(self, deadline: float) -> HostSession | None:
        """The session used last that is still fit; those that are not are dropped on the way."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                session = self._idle.pop()
            if session.revive(self._idle_reset_s, deadline):
                return session
            session.let_go()

    def _use(
        self, session: HostSession, statements: Sequence[Statement], deadline: float, *, fresh: bool = False
    ) -> Answer:
        try:
            if fresh:
                session.open(deadline)
            answer = session.run(statements, deadline)
        except OutOfTime:
            session.close()
            raise
        except BaseException:
            session.let_go()
            raise
        self._keep(session)
        return answer

    def _keep(self, session: HostSession) -> None:
        with self._lock:
            surplus: HostSession | None = session
            if session.fit and not self._closed:
                self._idle.append(session)
                surplus = self._idle.pop(0) if len(self._idle) > self.settings.sessions else None
        if surplus is not None:
            surplus.close()
