"""What an endpoint counts, for benchmarks and for tests that ask what really went over the wire."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, fields


@dataclass(frozen=True)
class Stats:
    """Totals since the server was made; the difference of two readings is again a Stats.

    Attributes:
        http_requests: requests answered or refused, authentication legs included.
        unauthorized: answers 401.
        undecipherable: answers 400 to messages whose security context this connection does not have.
        bytes_in: bodies as received, so encrypted ones as encrypted; HTTP headers are not counted.
        bytes_out: bodies as sent.
        actions: WSMan actions carried out or refused with a fault ("Create", "Receive").
        faults: WSMan faults by code.
        content_types: requests with a body by media type; "multipart/encrypted" is WinRM's message encryption.
    """

    http_requests: int = 0
    unauthorized: int = 0
    undecipherable: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    faults: Counter[int] = field(default_factory=Counter)
    content_types: Counter[str] = field(default_factory=Counter)

    def __sub__(self, earlier: Stats) -> Stats:
        return Stats(**{each.name: getattr(self, each.name) - getattr(earlier, each.name) for each in fields(self)})


class Meter:
    """The counting end of Stats. Written from the server's loop, read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: Counter[str] = Counter()
        self._actions: Counter[str] = Counter()
        self._faults: Counter[int] = Counter()
        self._content_types: Counter[str] = Counter()

    def request(self, bytes_in: int, content_type: str) -> None:
        with self._lock:
            self._numbers["http_requests"] += 1
            self._numbers["bytes_in"] += bytes_in
            if bytes_in:
                self._content_types[content_type] += 1

    def answer(self, status: int, bytes_out: int) -> None:
        with self._lock:
            self._numbers["bytes_out"] += bytes_out
            self._numbers["unauthorized"] += status == 401
            self._numbers["undecipherable"] += status == 400

    def action(self, name: str) -> None:
        with self._lock:
            self._actions[name] += 1

    def fault(self, code: int) -> None:
        with self._lock:
            self._faults[code] += 1

    def read(self) -> Stats:
        with self._lock:
            return Stats(
                **self._numbers,
                actions=self._actions.copy(),
                faults=self._faults.copy(),
                content_types=self._content_types.copy(),
            )
