"""A move under way, tick by tick: its progress, its silence, its deadline, and the request to stop it.

It never decides how a move ended. Rules:

1. To stop a move is a request to its host, sent only once the move was, while the host says that it can be stopped, and
   at most three times for one job.
2. Silence asks the host and is told; it stops nothing.
3. A deadline asks for a person; it stops nothing either.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

from bot.core.estate import Job
from bot.core.plan import Move, MoveKind
from bot.core.reconcile import Moving, leads_there
from bot.core.wording import render_duration
from bot.errors import Fault, HostError
from bot.operations.runner.endings import Stop
from bot.operations.runner.row import Row
from bot.operations.runner.timing import Timing, backoff_s
from bot.operations.runner.witness import Stopped
from bot.ports import Fleet

log = logging.getLogger(__name__)

_IN_CLUSTER = "cluster"  # stands for the job that a cluster does not name
_TOO_LATE = "it is too late to stop the move"
_NOT_NOW = "its cluster cannot cancel the move now: it waits in the queue, or is in its last step"
_MILESTONES = (25, 50, 75)


class Overdue(Exception):
    """The move has taken longer than its kind and size may. It goes on."""


class Gone(Exception):
    """Nothing was heard of the move for long, and its host shows no job of it: look where the VM is.

    It is not over for that: the request may still be on its way inside the host.
    """


class Following:
    """Not thread-safe, but for `sent`. Times are of this process: a clock that is set moves no deadline.

    Args:
        deadline_s: what is left until a person is asked.
        ignore: jobs that are not this move.
        only: the job that it is, where that is known: no other is asked to stop.

    Attributes:
        sent: whether the order has left; until then no job is this move's.
        stop: what became of a request to stop it.
    """

    def __init__(
        self,
        row: Row,
        fleet: Fleet,
        timing: Timing,
        stopping: threading.Event,
        deadline_s: float,
        ignore: frozenset[str],
        percent: int = 0,
        only: str = "",
    ) -> None:
        self.percent = percent
        self.sent = True
        self.stop = Stop.UNKNOWN
        self._row = row
        self._fleet = fleet
        self._timing = timing
        self._stopping = stopping
        self._ignore = ignore
        self._only = only
        self._move: Move = row.operation.plan.move
        self._deadline = time.monotonic() + deadline_s
        self._heard = self._asked = time.monotonic()
        self._silent = False
        self._by_role = False  # whether its cluster has just shown it moving
        self._streamed = percent
        self._stop_at = 0.0
        self._stop_told: str = ""
        self._stop_tries: Counter[str] = Counter()  # by job
        self._stopped: set[str] = set()  # jobs that are not asked again
        self._stop_doubtful = False  # an earlier request may have arrived: a refusal of the next does not tell

    def tick(self, percent: int, job: Job | None = None) -> None:
        """What is due now.

        Args:
            job: as the host shows it at this moment, if somebody has just looked.

        Raises:
            Stopped: Ferry is to stop, or the row is no longer this attempt's.
            Overdue: its time is over.
            Gone: nobody has heard of it, and the host shows nothing of it.
        """
        if self._stopping.is_set():
            raise Stopped
        now = time.monotonic()
        if now >= self._deadline:
            raise Overdue
        if percent != self._streamed:  # else a host that was asked in between may know better
            self._streamed = percent
            self.report(percent)
        if self._row.cancel_noticed() and self.sent and now >= self._stop_at:
            self._stop_at = now + self._timing.poll_s
            self._stop(job)
        if now - max(self._heard, self._asked) >= self._timing.stall_s:
            self._asked = now
            self._tell_silence(now, job)

    def announce(self, verdict: Moving) -> None:
        vm = self._move.vm_name
        if verdict.role is None:
            self._row.say(f"{self._move.source} is moving {vm}: following its job")
        else:
            does = "has queued the move of" if verdict.role.queued else "is moving"
            self._row.say(f"the cluster {does} {vm}: following it")

    def follow(self, verdict: Moving) -> None:
        """What is due now, for a move that somebody has just looked at. Raises as `tick` does."""
        self._by_role = verdict.role is not None
        if verdict.role is not None and verdict.role.queued:
            self._row.progress(self.percent, "waiting in the cluster's queue")
        percent = verdict.job.percent if verdict.job else verdict.role.percent if verdict.role else self.percent
        self.tick(percent, verdict.job)

    def look_on(self, verdict: Moving, pause_s: Callable[[float], float]) -> None:
        """What is due of a move that another process began, and the pause before another look; a cancel shortens it."""
        try:
            self.follow(verdict)
        except Gone:
            log.info("no_job operation=%s: the VM alone says that it is moving", self._row.operation.id)
        poll_s = self._timing.poll_s
        left_s = pause_s(poll_s)
        self._pause(min(left_s, poll_s))
        while (left_s := left_s - poll_s) > 0 and not self._row.cancel_noticed():
            self._pause(min(left_s, poll_s))

    def _pause(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped

    def report(self, percent: int) -> None:
        if percent == self.percent:
            return
        self._heard = time.monotonic()
        self._silent = False
        passed = [mark for mark in _MILESTONES if self.percent < mark <= percent]
        self.percent = percent
        self._row.progress(percent)
        if passed:
            self._row.say(f"{passed[-1]} %")

    def _tell_silence(self, now: float, job: Job | None) -> None:
        host = self._move.source
        if self._by_role:
            self._tell_quiet(f"no progress for {render_duration(now - self._heard)}; its cluster shows it moving still")
            return
        nothing = f"{host} shows no job of it"
        try:
            job = job or self._find_job()
        except HostError as error:
            shows = f"{host} gives no answer: {error.cause}" if error.cause else f"{host} gives no answer"
        else:
            if job is not None and job.percent > self.percent:
                self.report(job.percent)  # the host goes on; only its messages did not come through
                return
            shows = nothing if job is None else f"{host} says the job is running, at {job.percent} %"
        self._tell_quiet(f"no progress for {render_duration(now - self._heard)}; {shows}")
        if shows == nothing:
            raise Gone

    def _tell_quiet(self, doing: str) -> None:
        self._row.progress(self.percent, doing)
        if not self._silent:
            self._row.say(doing)
        self._silent = True

    def _stop(self, job: Job | None) -> None:
        """Ask the host to end the job, once it shows one. What becomes of the move is seen by following it."""
        if self._move.kind is MoveKind.CLUSTER and not self._only:
            self._ask(_IN_CLUSTER, lambda: self._fleet.cancel(self._move))
            return
        host = self._move.source
        try:
            job = job or self._find_job()
        except HostError as error:
            self.stop = Stop.UNDELIVERED
            self._tell_stop(f"{error.message}; it is asked to stop the move when it answers")
            return
        if job is None or job.id in self._stopped:
            return
        if self._move.kind is MoveKind.CLUSTER:
            self._ask(_IN_CLUSTER, lambda: self._fleet.cancel(self._move))
            return
        if not job.cancellable:
            self.stop = Stop.TOO_LATE
            self._tell_stop(f"{host} does not let the move be stopped at {job.percent} %: it may be too late")
            return
        asked = job
        self._ask(job.id, lambda: self._fleet.stop(host, asked))

    def _ask(self, job: str, stop: Callable[[], bool]) -> None:
        """A cluster that says no is asked again: a queued move cannot be cancelled yet, one in its last step no more.

        Args:
            job: what is asked to end, for counting.
        """
        host = self._move.source
        if job in self._stopped:
            return
        try:
            accepted = stop()
        except HostError as error:
            self._put_off_stop(job, error)
            return
        if accepted or job != _IN_CLUSTER:
            self._stopped.add(job)
        if accepted or self._stop_doubtful:
            self.stop = Stop.ASKED
            self._tell_stop(f"{host} was asked to stop the move")
        else:
            self.stop = Stop.TOO_LATE
            self._tell_stop(f"{host} says {_TOO_LATE if job != _IN_CLUSTER else _NOT_NOW}")

    def _put_off_stop(self, job: str, error: HostError) -> None:
        """The request was refused, or nobody knows whether it came."""
        log.warning("stop_failed operation=%s host=%s code=%s", self._row.operation.id, error.host, error.code)
        self._stop_tries[job] += 1
        tries, denied = self._stop_tries[job], error.fault in (Fault.CONFIGURATION, Fault.BUG)
        self._stop_doubtful |= error.fault is Fault.UNKNOWN
        self.stop = Stop.DENIED if denied else Stop.ASKED if self._stop_doubtful else Stop.UNDELIVERED
        if denied or tries >= self._timing.starts:
            self._stopped.add(job)
            self._tell_stop(f"{error.message}; not asked again")
            return
        pause_s = backoff_s(self._timing.start_pause_s, self._timing.look_pause_most_s, tries)
        self._stop_at = time.monotonic() + pause_s
        self._tell_stop(f"{error.message}; try {tries} of {self._timing.starts}, asked again")

    def _tell_stop(self, told: str) -> None:
        """Once for each thing there is to tell, however often it is tried."""
        kind = told.partition(" at ")[0]
        if kind != self._stop_told:
            self._stop_told = kind
            self._row.say(told)

    def _find_job(self) -> Job | None:
        jobs = self._fleet.look(self._move.source, self._move.vm).jobs
        ours = (job for job in jobs if job.active and job.id not in self._ignore and leads_there(self._move, job))
        return next((job for job in ours if self._only in ("", job.id)), None)
