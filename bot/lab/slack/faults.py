"""Bad days on demand: the next call of a method is refused, fails, or loses its connection.

Thread-safe. A fault is used up by the call it hits; without faults nothing here does anything.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """What happens to one call.

    Attributes:
        status: HTTP status instead of an answer (429, 500, 503); 0 for none.
        retry_after_s: Retry-After of a 429.
        error: an error code in a regular 200 answer ("internal_error"); empty for none.
        reset: the connection is reset before the server took the call, or after it carried it out.
        delay_s: how long the answer is held back.
    """

    status: int = 0
    retry_after_s: int = 1
    error: str = ""
    reset: Literal["", "before", "after"] = ""
    delay_s: float = 0


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Fault]] = {}

    def add(self, method: str, fault: Fault, times: int) -> None:
        with self._lock:
            self._waiting.setdefault(method, deque()).extend([fault] * times)

    def forget(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, method: str) -> Fault | None:
        with self._lock:
            waiting = self._waiting.get(method)
            return waiting.popleft() if waiting else None
