"""Processes that are forked, within milliseconds, from one that has imported everything and has no threads.

Made for POSIX (`forkserver`), as tests may be. Windows has `spawn` instead: the same, after seconds of importing.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE_S = 30.0
READY = "ready"
PRELOADED = ("pytest", "psycopg", "tests.crash.ferry", "tests.crash.lab", "tests.operations.one_process")
"""The first, because a child imports again what its ancestor was started by."""


class Life:
    """A process, from its fork to its end.

    Attributes:
        line: to what it runs.
    """

    def __init__(self, process: ForkServerProcess, line: Connection, turn: threading.Lock) -> None:
        self.line = line
        self._process = process
        self._turn = turn
        self._ready_at = 0.0
        assert process.pid is not None
        self.pid = process.pid

    def ended(self, within_s: float = 0.0) -> bool:
        """Whether it ends, or has ended, within this time."""
        return bool(wait([self._process.sentinel], max(0.0, within_s)))

    def ready_s(self) -> float:
        """For how long it has been ready; 0 if it is not."""
        if not self._ready_at:
            with suppress(EOFError):  # it has ended instead
                if self.line.poll() and self.line.recv() == READY:
                    self._ready_at = time.monotonic()
        return time.monotonic() - self._ready_at if self._ready_at else 0.0

    def kill(self) -> int:
        """Make sure that it is dead. The signal that ended it, or 0 if it ended by itself."""
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)
            self.ended(PATIENCE_S)
        self.line.close()
        with self._turn:
            self._process.join()
            return max(0, -(self._process.exitcode or 0))


class Nursery:
    """What processes are forked from. Thread-safe.

    It has a lock, because `multiprocessing` looks after all children at each start, and reads an exit code only once.
    """

    def __init__(self, *more: str) -> None:
        """Args: more: what else is to be imported beforehand. Only the first nursery of a test session decides."""
        self._context = multiprocessing.get_context("forkserver")
        self._turn = threading.Lock()
        self._context.set_forkserver_preload([*PRELOADED, *more])
        # It looks for modules where it was started, and nowhere else (CPython, gh-126631).
        before = os.environ.get("PYTHONPATH", "")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), before)))
        try:
            forkserver.ensure_running()
        finally:
            os.environ["PYTHONPATH"] = before

    def start(self, target: Callable[..., None], *arguments: object) -> Life:
        """`target` gets the other end of the line first."""
        ours, theirs = multiprocessing.Pipe()
        with self._turn, theirs:
            process = self._context.Process(target=target, args=(theirs, *arguments), daemon=True)
            process.start()
            return Life(process, ours, self._turn)
