"""One move, from what both hosts show now to what they show at its end.

It acts only after it looked, and believes only what it sees. Rules:

1. A move already under way is followed, never started a second time; one that somebody else started is neither
   followed nor stopped.
2. Journal first: before every try the row says "running", by compare-and-set, so that only the current attempt sends;
   and it is looked at again right before the order leaves, because this process may have stood still in between.
3. Whatever the host answered, the end is decided by where the VM is.
4. Once a move may have been sent, nothing ends without a look at both hosts.
5. Tried at most three times, restarts and refusals for want of room included: what passes, and what is unknown once
   both hosts have said that nothing moves and no job tells of an end. Never what a person has to change or has stopped,
   and never after something was copied.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from bot.core.deadline import deadline_s
from bot.core.estate import VmState
from bot.core.lifecycle import Event, State
from bot.core.plan import MoveKind, Plan
from bot.core.reconcile import (
    Moved,
    Moving,
    MovingElsewhere,
    NotMoved,
    Restarted,
    Unknown,
    Whereabouts,
    decide_whereabouts,
    ended_jobs,
    tell_apart,
)
from bot.core.wording import render_duration
from bot.errors import Fault, HostError
from bot.operations.runner import endings
from bot.operations.runner.again import PASSING, RECORD_S, SET_UP_PERCENT, may_be_sent_again
from bot.operations.runner.endings import Stop
from bot.operations.runner.following import Following, Overdue
from bot.operations.runner.leftovers import Leftovers
from bot.operations.runner.order import Held, Order, Unwanted
from bot.operations.runner.row import Row
from bot.operations.runner.timing import Timing, backoff_s
from bot.operations.runner.turns import Turns
from bot.operations.runner.witness import Stopped, Witness
from bot.operations.watch import in_background
from bot.ports import Clock, Fleet

log = logging.getLogger(__name__)


class Errand:
    """Not thread-safe: one thread carries it out."""

    def __init__(
        self,
        row: Row,
        fleet: Fleet,
        clock: Clock,
        changes: Callable[[Plan], tuple[str, ...]],
        timing: Timing,
        turns: Turns,
        stopping: threading.Event,
    ) -> None:
        self._row, operation = row, row.operation
        self._leftovers = Leftovers(row, fleet)
        self._plan = operation.plan
        self._move = operation.plan.move
        self._fleet = fleet
        self._clock = clock
        self._changes = changes
        self._timing = timing
        self._turns = turns
        self._stopping = stopping
        self._witness = Witness(fleet, timing, stopping, self._tell_away)
        self._deadline_s = deadline_s(timing.deadlines, operation.plan)
        self._ignore: frozenset[str] = frozenset()  # jobs that ended before this move was sent
        self._certain = not self._row.sent  # whether no move that a host shows can be one that Ferry sent
        self._away_told = False
        self._following = self._follow_from(operation.percent)
        if row.just_recalled():
            self._following.stop = Stop.TOO_LATE  # until its host is asked

    def carry_out(self) -> None:
        """From the state the row is in to its end.

        Raises:
            Stopped: the runner is to stop, or the row is no longer this attempt's.
        """
        try:
            if self._row.sent:
                self._resume()
            else:
                self._start()
        except Overdue:
            self._end_overdue()

    # Starting

    def _start(self) -> None:
        """Try until the move was sent and has ended, or may not be sent."""
        for turn in range(self._row.failures() + 1, self._timing.starts + 1):
            last = turn == self._timing.starts
            try:
                with self._turns.take((self._move.source, self._move.destination), self._await_turn):
                    ended = self._prepare()
                if ended:
                    return
            except HostError as error:
                if last or error.fault not in PASSING:
                    self._give_up(error)
                    return
                self._pause_after(error, turn, "asking")
                continue
            certain = self._certain
            try:
                failure = self._send(turn)
            except Unwanted:
                self._end_unsent(certain)
                return
            except Held:
                self._hold()
                return
            answered = failure is not None and failure.fault is not Fault.UNKNOWN
            # A host that said no at once has nothing of ours under way; one that had begun may go on all the same.
            self._certain = certain and answered and self._following.percent == 0
            if failure is not None and not answered:
                self._row.say(f"{failure.message}; looking at both hosts")
            verdict = self._settle(doubtful=not answered)
            again = failure is not None and may_be_sent_again(verdict, failure, self._following.percent)
            if last or failure is None or not again or self._row.cancelled():
                self._judge(verdict, failure)
                return
            self._certain = certain and answered
            self._pause_after(failure, turn, "trying")
        # A former process has used up all tries, and died before the end.
        self._judge(self._settle(doubtful=True), None)

    def _await_turn(self) -> bool:
        """Others are prepared with these hosts. True: the turn is wanted no more."""
        if self._stopping.is_set():
            raise Stopped
        self._row.progress(self._following.percent, "waiting its turn to be checked again")
        return self._row.cancel_noticed()

    def _prepare(self) -> bool:
        """Look, check and compare. True: the operation has ended instead of going on.

        Raises:
            HostError: a host gave no answer or refused; nothing was started by this try.
        """
        if self._row.cancelled():
            return self._end_unwanted()
        if self._certain and self._row.held():
            return self._hold()
        self._row.progress(self._following.percent, "checking again")
        checked = in_background(lambda: self._changes(self._plan), f"ferry-check-{self._row.operation.id}")
        source, destination = self._witness.look(self._move)
        verdict = decide_whereabouts(self._move, source, destination, self._ignore)
        if self._certain or isinstance(verdict, NotMoved):
            self._ignore |= ended_jobs(source)
        if not isinstance(verdict, NotMoved | Moved) or (isinstance(verdict, Moved) and not self._certain):
            return self._meet(verdict)
        permit = self._row.permit()
        if permit.doubt or self._row.held():  # since, or before an earlier order escaped it, which has not arrived
            return self._hold()
        if differences := checked.result():
            return self._end_changed(differences)
        if permit.refusal:
            self._leftovers.discard_former()
            return self._row.end(Event.FAIL, endings.not_permitted(self._row.operation, permit.refusal))
        self._row.say("checked again: nothing that matters has changed")
        return self._compare()

    def _meet(self, verdict: Whereabouts) -> bool:
        """It is not simply where it was, before a move is sent now. True: the operation has ended."""
        if self._certain and self._row.cancelled():
            return self._end_unwanted()
        if self._certain and isinstance(verdict, Moving | MovingElsewhere):
            return self._row.end(Event.FAIL, endings.moved_by_others(self._row.operation, verdict.job))
        if isinstance(verdict, Unknown) and not self._row.sent:
            return self._row.end(Event.FAIL, endings.unclear(self._row.operation, verdict.why))
        self._judge(self._settle(), None)
        return True

    def _hold(self) -> bool:
        """Back to its turn, in which it waits for what holds it back to end. True, always: nothing was sent."""
        self._leftovers.discard()
        self._row.change(Event.HOLD, note="held back before its order left; back in the queue")
        return True

    def _end_changed(self, differences: tuple[str, ...]) -> bool:
        """The world is not what was confirmed; perhaps because a move that was sent before has changed it."""
        verdict = None if self._certain else self._settle(doubtful=True)
        if verdict is not None and not isinstance(verdict, NotMoved):
            self._judge(verdict, None)
            return True
        if self._row.cancelled():
            return self._end_unwanted()
        self._leftovers.discard_former()
        return self._row.end(Event.FAIL, endings.world_changed(self._row.operation, differences))

    def _end_unwanted(self) -> bool:
        """Cancelled before this try."""
        if self._row.sent:
            verdict = self._settle(doubtful=not self._certain)
            if self._certain and isinstance(verdict, Moving | MovingElsewhere):
                return self._row.end(Event.CANCEL, endings.moved_by_others(self._row.operation, verdict.job))
            self._judge(verdict, None)
            return True
        self._leftovers.discard_former()
        return self._row.end(Event.CANCEL, endings.unstarted(self._row.operation))

    def _end_unsent(self, certain: bool) -> None:
        """Cancelled after the journal had announced the order, and before it left."""
        if not certain:
            self._judge(self._settle(doubtful=True), None)
            return
        self._leftovers.discard()
        self._row.end(Event.CANCEL, endings.unstarted(self._row.operation, certain=True))

    def _compare(self) -> bool:
        """Let the hosts compare themselves, which only a running VM's move needs. True: the operation has ended."""
        if not self._move.kind.compared or self._move.state != VmState.RUNNING:
            return False
        self._row.progress(self._following.percent, "comparing both hosts")
        if incompatibilities := self._fleet.compare(self._move):
            self._leftovers.discard()
            if self._row.cancelled():
                return self._end_unwanted()
            return self._row.end(Event.FAIL, endings.not_fitting(self._row.operation, incompatibilities))
        self._row.say(f"{self._move.source} and {self._move.destination} fit for {self._move.vm_name}")
        if self._row.cancelled():
            self._leftovers.discard()
            return self._end_unwanted()
        return False

    def _send(self, turn: int) -> HostError | None:
        """Send the move and follow it. The error it ended with; None: where the VM is tells the rest."""
        if self._stopping.is_set():
            raise Stopped
        target = self._move.storage_path if self._move.kind is MoveKind.STORAGE else self._move.destination
        again = f", try {turn} of {self._timing.starts}" if turn > 1 else ", again" if self._row.sent else ""
        self._row.keep_jobs(self._ignore)
        self._row.change(Event.START, note=f"asked {self._move.source} to move {self._move.vm_name} to {target}{again}")
        self._following = self._follow_from(0)
        return Order(self._row, self._fleet, self._timing, self._following, self._settle).send()

    # Following

    def _resume(self) -> None:
        """After a restart: the hosts know what became of the move. A request may still be on its way to its host."""
        self._ignore = self._row.known_jobs()
        verdict = self._settle(doubtful=True)
        operation = self._row.operation
        unsent = isinstance(verdict, NotMoved) and verdict.job is None and operation.state is State.RUNNING
        if not unsent or self._row.cancelled() or not isinstance(verdict, NotMoved):
            self._judge(verdict, None)
        elif self._age_s() > RECORD_S:
            self._leftovers.discard()
            self._row.end(Event.FAIL, endings.traceless(self._row.operation, verdict, self._age_s()))
        else:
            self._row.say(f"{self._move.source} shows no trace of the move: starting it from the beginning")
            self._start()

    def _judge(self, verdict: Whereabouts, failure: HostError | None) -> None:
        """From a verdict to the end, however long a move under way still takes."""
        if isinstance(verdict, Moving) and not self._certain:
            self._following.announce(verdict)
        with self._turns.looking():
            while isinstance(verdict, Moving) and not self._certain:
                self._following.look_on(verdict, self._turns.between_looks_s)
                self._away_told = False
                verdict = self._settle(doubtful=True, following=True)
        match verdict:
            case Moved():
                self._end_moved(verdict)
            case NotMoved():
                self._end_not_moved(verdict, failure)
            case (
                MovingElsewhere() | Moving()
            ):  # its host said no to all that was ever sent: the latter may be anybody's
                self._end_taken(verdict, failure)
            case Restarted():
                self._row.end(Event.FAIL, endings.restarted(self._row.operation, verdict))
            case Unknown(why=why):
                self._row.end(Event.DOUBT, endings.unclear(self._row.operation, why), self._goes_on(verdict))

    def _settle(self, *, doubtful: bool = False, following: bool = False) -> Whereabouts:
        age_s = (self._clock.now() - self._row.operation.requested_at).total_seconds()
        verdict = self._witness.settle(self._move, self._ignore, age_s, doubtful=doubtful, following=following)
        return tell_apart(verdict, job) if (job := self._row.operation.job) else verdict

    def _tell_away(self, why: str) -> None:
        """A host gave no answer, and is asked again: the card says so, and whoever lost the row stops."""
        self._row.cancelled()
        self._row.progress(self._following.percent, f"{why}; asking again")
        if not self._away_told:
            self._row.say(f"{why}; asking again")
        self._away_told = True

    def _follow_from(self, percent: int) -> Following:
        job = self._row.operation.job  # one that was recalled is given its whole time once more
        left_s = self._deadline_s - (0 if job else self._age_s())
        return Following(self._row, self._fleet, self._timing, self._stopping, left_s, self._ignore, percent, job)

    def _age_s(self) -> float:
        """Seconds since the move was sent, by the wall clock: the only one that outlives a process."""
        sent_at = self._row.operation.started_at
        return max(0.0, (self._clock.now() - sent_at).total_seconds()) if sent_at else 0.0

    # Ending

    def _end_moved(self, verdict: Moved) -> None:
        if self._row.operation.state is State.RUNNING:
            self._row.change(
                Event.VERIFY, waiting="verifying", note=f"{self._move.source} is done; looking at the result"
            )
        self._row.cancelled()  # reads the row: the outcome tells of a request that came too late
        complete, outcome = endings.moved(self._row.operation, verdict, self._following.stop)
        self._row.end(Event.SUCCEED if complete else Event.DOUBT, outcome)

    def _end_not_moved(self, verdict: NotMoved, failure: HostError | None) -> None:
        self._leftovers.discard()
        if self._row.cancelled():
            self._row.end(Event.CANCEL, endings.not_moved(self._row.operation, verdict, failure))
        elif failure is None or not self._may_return(failure):
            self._row.end(Event.FAIL, endings.not_moved(self._row.operation, verdict, failure))

    def _end_taken(self, verdict: Moving | MovingElsewhere, failure: HostError | None) -> None:
        """Whose move it is, is only certain where it leads elsewhere; that ours is not queued, where it was refused."""
        foreign = isinstance(verdict, MovingElsewhere)
        outcome = endings.taken(self._row.operation, verdict.job, failure, foreign=foreign)
        self._row.end(Event.FAIL if self._certain and foreign else Event.DOUBT, outcome)

    def _end_overdue(self) -> None:
        """Ask for a person, unless it has just ended. A request that its host has not taken up may still be."""
        verdict = self._settle()
        if isinstance(verdict, Moved) or (isinstance(verdict, NotMoved) and verdict.job is not None):
            self._judge(verdict, None)
        else:
            outcome = endings.overdue(self._row.operation, self._deadline_s, self._witness.words)
            self._row.end(Event.DOUBT, outcome, self._goes_on(verdict))

    def _goes_on(self, verdict: Whereabouts) -> str:
        """The job by which this move goes on although it ends here, as far as it is known."""
        if isinstance(verdict, Moving) and verdict.job and self._following.sent:
            return verdict.job.id
        return "" if self._witness.is_over(self._row.operation.job) else self._row.operation.job

    def _give_up(self, error: HostError) -> None:
        """A host gave no answer or refused before this try was sent."""
        if not self._certain:
            self._judge(self._settle(doubtful=True), error)
            return
        self._leftovers.discard()
        if self._row.cancelled():
            self._row.end(Event.CANCEL, endings.unstarted(self._row.operation))
        elif not self._may_return(error):
            self._row.end(Event.FAIL, endings.refused(self._row.operation, error))

    def _may_return(self, error: HostError) -> bool:
        """Back to the queue after a host had no room, as often as it is tried. True: it is there."""
        refusals = self._row.failures() + 1
        full = error.fault is Fault.CAPACITY and self._following.percent < SET_UP_PERCENT
        if not full or refusals >= self._timing.starts:
            return False
        pause_s = backoff_s(self._timing.full_pause_s, self._timing.full_pause_most_s, refusals)
        reason = f"{error.host} has no room: {error.cause or error.words}"
        self._row.change(
            Event.RETURN,
            waiting=f"{reason}; asked again in {render_duration(pause_s)}",
            note=f"{reason}; back in the queue, try {refusals} of {self._timing.starts}",
            not_before=self._clock.now() + timedelta(seconds=pause_s),
        )
        if self._row.operation.cancel_asked:  # in the last moment: nobody has to wait for its turn
            self._row.end(Event.CANCEL, endings.unstarted(self._row.operation))
        return True

    def _pause_after(self, error: HostError, turn: int, verb: str) -> None:
        """A pause that a cancel ends."""
        pause_s = backoff_s(self._timing.start_pause_s, self._timing.look_pause_most_s, turn)
        self._row.keep_failure(error)
        self._row.say(
            f"{error.message}; try {turn} of {self._timing.starts}, {verb} again in {render_duration(pause_s)}"
        )
        while pause_s > 0 and not self._row.cancelled():
            self._pause(min(pause_s, self._timing.tick_s))
            pause_s -= self._timing.tick_s

    def _pause(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped
