"""Who is answered next: people take turns, so that one who asks a lot waits for themselves and not others for them."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Thread-safe.

    Args:
        most: of one person's asks that are worked on at the same time.
    """

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()  # whose turn is next comes first
        self._busy: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, who: str, item: T) -> None:
        with self._changed:
            self._waiting.setdefault(who, deque()).append(item)
            self._changed.notify()

    def take(self) -> tuple[str, T] | None:
        """The next one and whose it is; whoever takes it says when it is `done`. None: the queue is closed."""
        with self._changed:
            while not self._closed:
                who = next((one for one in self._waiting if self._busy[one] < self._most), None)
                if who is not None:
                    return who, self._pop(who)
                self._changed.wait()
            return None

    def done(self, who: str) -> None:
        with self._changed:
            self._busy[who] -= 1
            if not self._busy[who]:
                del self._busy[who]
            self._changed.notify()

    def close(self) -> None:
        """Nothing more is taken; what waits stays where it is. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _pop(self, who: str) -> T:
        theirs = self._waiting.pop(who)
        item = theirs.popleft()
        if theirs:
            self._waiting[who] = theirs  # at the end
        self._busy[who] += 1
        return item
