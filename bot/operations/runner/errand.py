"""One move, from what both hosts show now to what they show at its end.

It acts only after it looked, and believes only what it sees. Rules:

1. A move already under way is followed, never started a second time; one that somebody else started is not adopted.
2. Journal first: the row says "running" before the move is sent.
3. Whatever the host answered, the end is decided by where the VM is.
4. To stop a move is a request to its host; where the VM is afterwards decides what became of it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import wait
from datetime import timedelta

from bot.core.estate import VmState
from bot.core.lifecycle import Event, State
from bot.core.operation import Operation
from bot.core.plan import MoveKind, Plan
from bot.core.reconcile import Moved, Moving, NotMoved, Unknown, Whereabouts, decide_whereabouts, ended_jobs
from bot.core.wording import render_duration
from bot.errors import Fault, HostError
from bot.operations.runner import endings
from bot.operations.runner.row import Row
from bot.operations.runner.timing import Timing, backoff_s
from bot.operations.runner.witness import Stopped, Witness
from bot.operations.store import Store
from bot.operations.watch import in_background
from bot.ports import Clock, Fleet

log = logging.getLogger(__name__)

_MILESTONES = (25, 50, 75)
# Below it a move is being set up, and refusals for want of room come; above it something was copied (assumed).
_SET_UP_PERCENT = 10
# Faults after which a read or a comparison may be repeated: nothing has been started by them.
_PASSING = frozenset({Fault.TRANSIENT, Fault.UNKNOWN})


class Errand:
    """Not thread-safe: one thread carries it out."""

    def __init__(
        self,
        operation: Operation,
        store: Store,
        fleet: Fleet,
        clock: Clock,
        changes: Callable[[Plan], tuple[str, ...]],
        timing: Timing,
        stopping: threading.Event,
    ) -> None:
        self._row = Row(store, operation)
        self._plan = operation.plan
        self._move = operation.plan.move
        self._fleet = fleet
        self._clock = clock
        self._changes = changes
        self._timing = timing
        self._stopping = stopping
        self._witness = Witness(fleet, timing, stopping)
        self._ignore: frozenset[str] = frozenset()  # jobs that ended before this move was sent
        self._percent = operation.percent
        self._stop_told = False

    def carry_out(self) -> None:
        """From the state the row is in to its end.

        Raises:
            Stopped: the runner is to stop, or the row is no longer this attempt's.
        """
        if self._row.sent:
            self._resume()
        else:
            self._start()

    # Starting

    def _start(self) -> None:
        """Try until the move was sent and has ended, or may not be sent."""
        for turn in range(1, self._timing.starts + 1):
            last = turn == self._timing.starts
            try:
                if self._prepare():
                    return
            except HostError as error:
                if last or error.fault not in _PASSING:
                    self._give_up(error)
                    return
                self._pause_after(error, turn)
                continue
            failure = self._send()
            doubtful = failure is None or failure.fault is Fault.UNKNOWN
            if failure is not None and doubtful:
                self._row.say(f"{failure.message}; looking at both hosts")
            verdict = self._witness.settle(self._move, self._ignore, doubtful=doubtful)
            if last or failure is None or not self._may_send_again(verdict, failure):
                self._judge(verdict, failure)
                return
            self._pause_after(failure, turn)

    def _prepare(self) -> bool:
        """Look, check and compare. True: the operation has ended instead of going on.

        Raises:
            HostError: a host gave no answer or refused; nothing was started.
        """
        if self._row.cancelled():
            return self._row.end(Event.CANCEL, endings.unstarted(self._row.operation))
        self._row.progress(self._percent, "checking again")
        source, destination = self._witness.look(self._move)
        self._ignore = ended_jobs(source)
        verdict = decide_whereabouts(self._move, source, destination, self._ignore)
        if isinstance(verdict, Moving):
            return self._meet(verdict)
        if isinstance(verdict, Unknown):
            event = Event.DOUBT if self._row.sent else Event.FAIL
            return self._row.end(event, endings.unclear(self._row.operation, verdict.why))
        if differences := self._changes(self._plan):
            return self._row.end(Event.FAIL, endings.world_changed(self._row.operation, differences))
        self._row.say("checked again: nothing that matters has changed")
        return self._compare()

    def _meet(self, verdict: Moving) -> bool:
        """A move is under way before one was sent now: ours, if one was sent before, and else somebody else's."""
        if self._row.sent:
            self._judge(verdict, None)
            return True
        return self._row.end(Event.FAIL, endings.moved_by_others(self._row.operation, verdict.job))

    def _compare(self) -> bool:
        """Let the hosts compare themselves, which only a running VM's move needs. True: the operation has ended."""
        if self._move.kind is MoveKind.STORAGE or self._move.state != VmState.RUNNING:
            return False
        self._row.progress(self._percent, "comparing both hosts")
        if incompatibilities := self._fleet.compare(self._move):
            self._discard()
            return self._row.end(Event.FAIL, endings.not_fitting(self._row.operation, incompatibilities))
        self._row.say(f"{self._move.source} and {self._move.destination} fit for {self._move.vm_name}")
        if self._row.cancelled():
            self._discard()
            return self._row.end(Event.CANCEL, endings.unstarted(self._row.operation))
        # What the comparison may have left in the list of jobs is not this move.
        self._ignore |= ended_jobs(self._fleet.look(self._move.source, self._move.vm))
        return False

    def _send(self) -> HostError | None:
        """Send the move and follow it. The error it ended with; None: its host reports success."""
        if self._stopping.is_set():
            raise Stopped
        target = self._move.storage_path if self._move.kind is MoveKind.STORAGE else self._move.destination
        self._row.keep_jobs(self._ignore)
        note = f"asked {self._move.source} to move {self._move.vm_name} to {target}"
        if self._row.sent:
            self._row.say(f"{note}, again")
        else:
            self._row.change(Event.START, note=note)
        latest = [0]

        def keep(percent: int) -> None:
            latest[0] = percent

        sent = in_background(lambda: self._fleet.move(self._move, keep), f"ferry-move-{self._row.operation.id}")
        while not wait([sent], timeout=self._timing.tick_s).done:
            self._follow(latest[0])
        self._report(latest[0])
        error = sent.exception()
        if error is not None and not isinstance(error, HostError):
            raise error
        return error

    def _may_send_again(self, verdict: Whereabouts, failure: HostError) -> bool:
        """Only after what passes, and only if the host never began."""
        untouched = isinstance(verdict, NotMoved) and verdict.job is None and self._percent == 0
        return failure.fault is Fault.TRANSIENT and untouched and not self._row.cancelled()

    # Following

    def _resume(self) -> None:
        """After a restart: the hosts know what became of the move."""
        self._ignore = self._row.known_jobs()
        verdict = self._witness.settle(self._move, self._ignore)
        never_sent = isinstance(verdict, NotMoved) and (verdict.job is None or verdict.job.succeeded)
        if never_sent and self._row.operation.state is State.RUNNING and not self._row.cancelled():
            self._row.say(f"{self._move.source} shows no trace of the move: starting it from the beginning")
            self._start()
        else:
            self._judge(verdict, None)

    def _judge(self, verdict: Whereabouts, failure: HostError | None) -> None:
        """From a verdict to the end, however long a move under way still takes."""
        if isinstance(verdict, Moving):
            self._row.say(f"{self._move.source} is moving {self._move.vm_name}: following its job")
        while isinstance(verdict, Moving):
            self._follow(verdict.job.percent if verdict.job else self._percent)
            self._pause(self._timing.poll_s)
            verdict = self._witness.settle(self._move, self._ignore)
        match verdict:
            case Moved():
                self._end_moved(verdict)
            case NotMoved():
                self._end_not_moved(verdict, failure)
            case Unknown(why=why):
                self._row.end(Event.DOUBT, endings.unclear(self._row.operation, why))

    def _follow(self, percent: int) -> None:
        """What one tick of a move under way does."""
        if self._stopping.is_set():
            raise Stopped
        self._report(percent)
        if self._row.cancelled() and not self._stop_told:
            self._stop_job()

    def _report(self, percent: int) -> None:
        if percent == self._percent:
            return
        passed = [mark for mark in _MILESTONES if self._percent < mark <= percent]
        self._percent = percent
        self._row.progress(percent)
        if passed:
            self._row.say(f"{passed[-1]} %")

    def _stop_job(self) -> None:
        """Ask the host to end the job, once it shows one. What becomes of the move is seen by following it."""
        try:
            sighting = self._fleet.look(self._move.source, self._move.vm)
            job = next((job for job in sighting.jobs if job.active), None)
            if job is None:
                return
            accepted = self._fleet.stop(self._move.source, job)
        except HostError as error:  # the next tick tries again
            log.warning("stop_failed operation=%s host=%s code=%s", self._row.operation.id, error.host, error.code)
            return
        self._stop_told = True
        told = "was asked to stop the move" if accepted else "says it is too late to stop the move"
        self._row.say(f"{self._move.source} {told}")

    # Ending

    def _end_moved(self, verdict: Moved) -> None:
        if self._row.operation.state is State.RUNNING:
            self._row.change(
                Event.VERIFY, waiting="verifying", note=f"{self._move.source} is done; looking at the result"
            )
        self._row.cancelled()  # reads the row: the outcome tells of a request that came too late
        complete, outcome = endings.moved(self._row.operation, verdict)
        self._row.end(Event.SUCCEED if complete else Event.DOUBT, outcome)

    def _end_not_moved(self, verdict: NotMoved, failure: HostError | None) -> None:
        self._discard()
        if self._row.cancelled():
            self._row.end(Event.CANCEL, endings.not_moved(self._row.operation, verdict, failure))
        elif failure is not None and failure.fault is Fault.CAPACITY and self._percent < _SET_UP_PERCENT:
            self._return(failure)
        else:
            self._row.end(Event.FAIL, endings.not_moved(self._row.operation, verdict, failure))

    def _give_up(self, error: HostError) -> None:
        """A host gave no answer or refused before anything was started."""
        self._discard()
        if self._row.cancelled():
            self._row.end(Event.CANCEL, endings.unstarted(self._row.operation))
        elif error.fault is Fault.CAPACITY:
            self._return(error)
        else:
            self._row.end(Event.FAIL, endings.refused(self._row.operation, error))

    def _return(self, error: HostError) -> None:
        attempt = self._row.operation.attempt
        pause_s = backoff_s(self._timing.full_pause_s, self._timing.full_pause_most_s, attempt)
        reason = f"{error.host} has no room: {error.cause or error.words}"
        self._row.change(
            Event.RETURN,
            waiting=f"{reason}; asked again in {render_duration(pause_s)}",
            note=f"{reason}; back in the queue",
            not_before=self._clock.now() + timedelta(seconds=pause_s),
        )

    def _discard(self) -> None:
        """Remove what a comparison may have left. If it stays, the next move of the VM takes it over."""
        if self._move.kind is MoveKind.STORAGE:
            return
        try:
            self._fleet.discard(self._move)
        except HostError as error:
            log.warning("discard_failed operation=%s host=%s code=%s", self._row.operation.id, error.host, error.code)
            self._row.say(f"{self._move.destination} may still hold a planned copy: {error.message}")

    def _pause_after(self, error: HostError, turn: int) -> None:
        pause_s = backoff_s(self._timing.start_pause_s, self._timing.look_pause_most_s, turn)
        self._row.say(f"{error.message}; asking again in {render_duration(pause_s)}")
        self._pause(pause_s)

    def _pause(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped
