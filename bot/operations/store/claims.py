"""Claims asks together: those that come while one transaction is being written share the next.

A disk keeps some hundred transactions a second for good; where more people than that do something at once, each would
wait for all before it, and Slack waits three seconds for nobody.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from bot.core.operation import Ask
from bot.errors import DatabaseUnavailable
from bot.operations.store import inbox
from bot.operations.store.database import Database
from bot.ports import Clock


@dataclass(eq=False)
class _Claim:
    ask: Ask
    by: str
    new: bool | None = None  # None: nobody has written it yet
    problem: Exception | None = None


class Claims:
    """Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._turn = threading.Lock()
        self._waiting: deque[_Claim] = deque()

    @property
    def waiting(self) -> int:
        """How many the next transaction will write."""
        return len(self._waiting)

    def take(self, ask: Ask, by: str) -> bool:
        """False: its key was claimed before.

        Raises:
            DatabaseUnavailable: or whatever the database has against this ask; then nothing of it is kept.
        """
        mine = _Claim(ask, by)
        self._waiting.append(mine)
        with self._turn:  # whoever had it before may have written this one, too
            if mine.new is None and mine.problem is None:
                self._write([self._waiting.popleft() for _ in range(len(self._waiting))])
        if mine.problem is not None:
            raise mine.problem
        return bool(mine.new)

    def _write(self, claims: list[_Claim]) -> None:
        """Together; where the database refuses one of them, each by itself, so that only that one fails."""
        try:
            with self._database.writing() as connection:
                news = [inbox.take(connection, one.ask, self._clock.now(), one.by) for one in claims]
        except Exception as problem:  # noqa: BLE001 - not swallowed: whoever waits for the claim raises it
            if len(claims) > 1 and not isinstance(problem, DatabaseUnavailable):  # that would keep each waiting in turn
                for one in claims:
                    self._write([one])
                return
            for one in claims:
                one.problem = problem
            return
        for one, new in zip(claims, news, strict=True):
            one.new = new
