"""Looks at the hosts of a move until what they show makes a verdict, or patience ends.

It never changes a host. A look that gives no answer is repeated, unless the host answered what a person has to change;
so is one that shows what cannot last: both hosts or
neither with the VM, the VM at its old place although its host reports success, or in passing from one state to another.
Both hosts are asked at the same time; while a move is followed, the source alone, as long as it shows the job.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from bot.core.estate import Sighting
from bot.core.failover import decide_failover, owner_of
from bot.core.names import same_computer
from bot.core.plan import Move, MoveKind
from bot.core.reconcile import (
    Moved,
    Moving,
    MovingElsewhere,
    NotMoved,
    Restarted,
    Unknown,
    Whereabouts,
    decide_whereabouts,
    render_sightings,
)
from bot.errors import Fault, HostError
from bot.operations.runner.timing import Timing, backoff_s
from bot.operations.watch import in_background
from bot.ports import HostReader


class Stopped(Exception):
    """Ferry is stopping, or another runner has taken over. The move itself belongs to its host and goes on."""


def _nobody(_: str) -> None:
    """Who is told unless somebody is."""


class Witness:
    """Not thread-safe.

    Attributes:
        words: what each host showed at the last look that asked both.
    """

    def __init__(
        self,
        reader: HostReader,
        timing: Timing,
        stopping: threading.Event,
        tell: Callable[[str], None] = _nobody,
    ) -> None:
        """
        Args:
            tell: told before each pause after a look in which a host gave no answer; what it raises ends the looking.
        """
        self._tell = tell
        self._reasons: dict[str, str] = {}  # of the last look, by host: why no answer came
        self._seen: tuple[Sighting | None, Sighting | None] = (None, None)
        self._hopeless = False
        self._reader = reader
        self._timing = timing
        self._stopping = stopping
        self.words = ""

    def look(self, move: Move) -> tuple[Sighting, Sighting]:
        """Source and destination, once, as they answer now.

        Raises:
            HostError: one of them gave no answer.
        """
        if move.source == move.destination:
            one = self._look(move.source, move)
            return one, one
        other = in_background(lambda: self._look(move.destination, move), f"ferry-look-{move.destination}")
        return self._look(move.source, move), other.result()

    def settle(
        self, move: Move, ignore: frozenset[str], age_s: float, *, doubtful: bool = False, following: bool = False
    ) -> Whereabouts:
        """The verdict that lasts, or the last one when patience ends.

        Args:
            ignore: jobs that ended before this move began.
            age_s: since the move was planned.
            doubtful: that the VM has not moved, and no job says so, is only believed after several looks: the source
                reported success, or a request may still be on its way.
            following: the move was under way a moment ago.

        Raises:
            Stopped: the runner is to stop.
        """
        verdict = self._decide(move, ignore, following)
        for turn in range(1, self._timing.looks):
            if _lasts(verdict, move, doubtful, early=turn < self._timing.second_looks):
                return verdict
            if isinstance(verdict, Unknown):
                if self._hopeless:
                    return self._ask_owner(move, verdict, age_s)
                if self._reasons:
                    self._tell(verdict.why)
            if self._stopping.wait(backoff_s(self._timing.look_pause_s, self._timing.look_pause_most_s, turn)):
                raise Stopped
            verdict = self._decide(move, ignore, following)
        return self._ask_owner(move, verdict, age_s)

    def is_over(self, job: str) -> bool:
        """Whether the source has answered, and showed no such job that runs, at the last look that asked both."""
        source = self._seen[0]
        return source is not None and not any(one.active and one.id == job for one in source.jobs)

    def _ask_owner(self, move: Move, verdict: Whereabouts, age_s: float) -> Whereabouts:
        """In a cluster a third node may have taken over what a dead one held."""
        owner = owner_of(self._seen)
        if not isinstance(verdict, Unknown) or not owner:
            return verdict
        host = next((name for name in self._reader.hosts() if same_computer(name, owner)), None)
        there = next((one for one in self._seen if one is not None and one.host == host), None)
        if there is None and host is not None:
            there = self._try(host, move)
        return decide_failover(move, verdict, owner, there.vm if there is not None else None, age_s)

    def _decide(self, move: Move, ignore: frozenset[str], following: bool) -> Whereabouts:
        self._reasons, self._hopeless = {}, False
        if following:
            source = self._try(move.source, move)
            if source is not None and any(job.active for job in source.jobs):
                return decide_whereabouts(move, source, None, ignore)
        source, destination = self._seen = self._try_both(move)
        self.words = render_sightings(move, source, destination, self._reasons)
        return decide_whereabouts(move, source, destination, ignore, self._reasons)

    def _try_both(self, move: Move) -> tuple[Sighting | None, Sighting | None]:
        if move.source == move.destination:
            one = self._try(move.source, move)
            return one, one
        other = in_background(lambda: self._try(move.destination, move), f"ferry-look-{move.destination}")
        return self._try(move.source, move), other.result()

    def _look(self, host: str, move: Move) -> Sighting:
        if move.kind is MoveKind.CLUSTER:
            return self._reader.look_at_role(host, move.vm)
        return self._reader.look(host, move.vm)

    def _try(self, host: str, move: Move) -> Sighting | None:
        try:
            return self._look(host, move)
        except HostError as error:
            self._reasons[host] = error.cause or error.words
            self._hopeless |= error.fault in (Fault.CONFIGURATION, Fault.BUG)
            return None  # unknown, never absent: the verdict says so


def _lasts(verdict: Whereabouts, move: Move, doubtful: bool, early: bool) -> bool:
    match verdict:
        case Moving() | MovingElsewhere():
            return True
        case Moved(vm=vm):
            return vm.state == move.state or not early
        case NotMoved(job=job):  # a job that failed is its own proof
            return not (early and (job.succeeded if job else doubtful))
        case Unknown() | Restarted():
            return False
