"""Whose move is prepared now: at most so many at the same time with any one host, of those that this process runs.

To look at two hosts, check and compare is most of a move's work for Ferry; moving is the hosts' own. When hundreds of
moves are granted at once, a crowd that asks all at the same time is answered within nobody's time limit; in turns, the
first are on their way at once and none is refused for the crowd's sake.

The same for those who follow a move by looking at its host again and again, as after a restart: beyond a few, each
looks less often, and all together no more often than a few do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

FEW = 20
"""A look takes about a hundredth of a second of this process and as much of its host (measured in the lab)."""


class Turns:
    """Thread-safe."""

    def __init__(self, at_once: int, pause_s: float) -> None:
        """
        Args:
            pause_s: between two questions whether a turn is still wanted.
        """
        self._at_once = at_once
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Semaphore] = {}
        self._looking = 0

    @contextmanager
    def take(self, hosts: Iterable[str], unwanted: Callable[[], bool]) -> Iterator[None]:
        """A turn with each of these hosts while the context lasts; or none, as soon as it is unwanted.

        Args:
            unwanted: asked before each wait; what it raises comes out.
        """
        with ExitStack() as held:
            for host in sorted(set(hosts)):  # in one order for all, so that nobody waits in a circle
                turn = self._of(host)
                if not self._wait(turn, unwanted):
                    break
                held.callback(turn.release)
            yield

    @contextmanager
    def looking(self) -> Iterator[None]:
        """While it lasts, one more follows by looking."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def between_looks_s(self, pause_s: float) -> float:
        """From one look to the next of one of them, where it is so long for a few."""
        return pause_s * max(1.0, self._looking / FEW)

    def _count(self, more: int) -> None:
        with self._lock:
            self._looking += more

    def _of(self, host: str) -> threading.Semaphore:
        with self._lock:
            return self._turns.setdefault(host, threading.Semaphore(self._at_once))

    def _wait(self, turn: threading.Semaphore, unwanted: Callable[[], bool]) -> bool:
        if turn.acquire(blocking=False):
            return True
        while not unwanted():
            if turn.acquire(timeout=self._pause_s):
                return True
        return False
