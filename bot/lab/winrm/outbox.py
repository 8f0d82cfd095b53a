"""What a pipeline or a pool has to say and its client has not fetched yet."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

_REMEMBERED_ANSWERS = 2
_STREAM_ELEMENT_BYTES = 200  # room for the tags around one fragment


class Bell:
    """Wakes all who wait, in the order in which they came. Who is woken looks again and may wait again."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        finally:
            self._waiting.remove(future)

    def ring(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)


class Outbox:
    """Fragments waiting for a Receive; and the last answers given, for clients that repeat a request as it was.

    A full outbox makes its writer wait and drops nothing (OutputBufferingMode Block, the default of Windows).
    """

    def __init__(self, limit_bytes: int) -> None:
        self.bell = Bell()
        self.finished = False
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._fragments: deque[bytes] = deque()
        self._answers: OrderedDict[str, bytes] = OrderedDict()

    @property
    def empty(self) -> bool:
        return not self._fragments

    @property
    def drained(self) -> bool:
        """Nothing is waiting and nothing will come."""
        return self.finished and self.empty

    def put(self, fragment: bytes) -> None:
        self._fragments.append(fragment)
        self._size_bytes += len(fragment)
        self.bell.ring()

    async def room(self) -> bool:
        """Wait until the client has fetched enough. Whether waiting was necessary."""
        waited = False
        while self._size_bytes > self._limit_bytes and not self.finished:
            waited = True
            await self.bell.wait()
        return waited

    def take(self, limit_bytes: int) -> list[bytes]:
        """At least one fragment if there is one, and as many as fit into an envelope of `limit_bytes` in base64."""
        taken: list[bytes] = []
        total = 0
        while self._fragments:
            total += len(self._fragments[0]) * 4 // 3 + _STREAM_ELEMENT_BYTES
            if taken and total > limit_bytes:
                break
            taken.append(self._fragments.popleft())
            self._size_bytes -= len(taken[-1])
        self.bell.ring()
        return taken

    def finish(self) -> None:
        self.finished = True
        self.bell.ring()

    def answered(self, message_id: str) -> bytes | None:
        """What was answered to this very message before."""
        return self._answers.get(message_id)

    def remember(self, message_id: str, answer: bytes) -> None:
        self._answers[message_id] = answer
        while len(self._answers) > _REMEMBERED_ANSWERS:
            self._answers.popitem(last=False)
