"""Looks at the hosts of a move until what they show makes a verdict, or patience ends.

It never changes a host. A look that gives no answer is repeated; so is one that shows what cannot last: both hosts or
neither with the VM, the VM at its old place although its host reports success, or in passing from one state to another.
"""

from __future__ import annotations

import threading

from bot.core.estate import Sighting
from bot.core.plan import Move, MoveKind
from bot.core.reconcile import Moved, Moving, NotMoved, Unknown, Whereabouts, decide_whereabouts
from bot.errors import HostError
from bot.operations.runner.timing import Timing, backoff_s
from bot.ports import HostReader


class Stopped(Exception):
    """Ferry is stopping, or another runner has taken over. The move itself belongs to its host and goes on."""


class Witness:
    def __init__(self, reader: HostReader, timing: Timing, stopping: threading.Event) -> None:
        self._reader = reader
        self._timing = timing
        self._stopping = stopping

    def look(self, move: Move) -> tuple[Sighting, Sighting]:
        """Source and destination, once, as they answer now.

        Raises:
            HostError: one of them gave no answer.
        """
        source = self._reader.look(move.source, move.vm)
        if move.kind is MoveKind.STORAGE:
            return source, source
        return source, self._reader.look(move.destination, move.vm)

    def settle(self, move: Move, ignore: frozenset[str], *, doubtful: bool = False) -> Whereabouts:
        """The verdict that lasts, or the last one when patience ends.

        Args:
            ignore: jobs that ended before this move began.
            doubtful: the source reported success, or nobody knows whether it began: that the VM has not moved is only
                believed after several looks.

        Raises:
            Stopped: the runner is to stop.
        """
        verdict = self._decide(move, ignore)
        for turn in range(1, self._timing.looks):
            if _lasts(verdict, move, doubtful, early=turn < self._timing.second_looks):
                return verdict
            if self._stopping.wait(backoff_s(self._timing.look_pause_s, self._timing.look_pause_most_s, turn)):
                raise Stopped
            verdict = self._decide(move, ignore)
        return verdict

    def _decide(self, move: Move, ignore: frozenset[str]) -> Whereabouts:
        source = self._try(move.source, move)
        # An active job at the source says it all: the destination is not asked every second of a long move.
        if source is not None and any(job.active for job in source.jobs):
            return decide_whereabouts(move, source, None, ignore)
        destination = source if move.kind is MoveKind.STORAGE else self._try(move.destination, move)
        return decide_whereabouts(move, source, destination, ignore)

    def _try(self, host: str, move: Move) -> Sighting | None:
        try:
            return self._reader.look(host, move.vm)
        except HostError:
            return None  # unknown, never absent: the verdict says so


def _lasts(verdict: Whereabouts, move: Move, doubtful: bool, early: bool) -> bool:
    match verdict:
        case Moving():
            return True
        case Moved(vm=vm):
            return vm.state == move.state or not early
        case NotMoved(job=job):  # a job that failed is its own proof
            return not (early and (job.succeeded if job else doubtful))
        case Unknown():
            return False
