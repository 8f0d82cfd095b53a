"""Pauses or drains a cluster's node, or lets it take part again: orders it once, follows it, looks again.

The cluster does the work and goes on without us. So the order leaves in one place only, after a look at the node and
after the row says so; a runner that takes over looks and follows, and orders nothing again. Where the order shows no
effect, that is said, and a person decides. Any node of the cluster tells of it, so one that is silent does not end it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.core import faults
from bot.core.estate import ROLE_FAILED, Cluster
from bot.core.host_change import HostChange, HostPlan
from bot.core.lifecycle import Event, State
from bot.core.maintenance import Maintenance, MaintenancePlan, Task, find_changes
from bot.core.maintenance.judging import Sight, conclude, judge, measure, moving, remaining
from bot.core.maintenance.roles import find_obstacle
from bot.core.names import VmId
from bot.core.operation import Outcome
from bot.core.roster import Roster
from bot.core.wording import render_duration, render_list
from bot.errors import Fault, HostError, Refused
from bot.operations.runner.again import PASSING
from bot.operations.runner.host_runner import HostRunner
from bot.operations.runner.timing import backoff_s
from bot.ports import HostReader

_Answer = TypeVar("_Answer")


def ask_any(plan: MaintenancePlan, ask: Callable[[str], _Answer]) -> _Answer:
    """The answer of the first node that gives one, the host itself first.

    Raises:
        HostError: none does; the host's own error.
    """
    failure: HostError | None = None
    for host in plan.witnesses:
        try:
            return ask(host)
        except HostError as error:
            failure = failure or error
    assert failure is not None  # a plan names its host
    raise failure


@dataclass
class _Course:
    """What this runner has seen of it so far."""

    begun: bool = False  # the order shows its effect
    resting: int = 0  # looks in a row that showed no effect, or no movement
    silent: int = 0  # looks in a row that no node answered
    stopped: bool = False  # this runner has told the cluster to stop the drain
    words: HostError | None = None  # what the order came back with
    last: tuple[int, str] = (-1, "")
    since: float = 0.0  # when that was first seen; monotonic


class Maintainer(HostRunner):
    """Carries out drains and resumptions."""

    def carry_out(self, change: Maintenance) -> None:
        """From the state the row is in to its end.

        Raises:
            Stopped: the runner is to stop, or the row is no longer this attempt's.
        """
        course = _Course(since=time.monotonic())
        if self._state(change) is State.GRANTED and not self._begin(change, course):
            return
        while not self._follow(change, course):
            self._wait(self._timing.poll_s)

    # The order

    def _begin(self, change: Maintenance, course: _Course) -> bool:
        """Whether the order may have been given; otherwise the row has ended, or waits again."""
        plan = change.plan
        roster = self._look_before(change)
        if roster is None:
            return False
        if self._require(change).cancel_asked:
            self._change(change, Event.CANCEL, Outcome(summary="cancelled before it began; nothing was ordered"))
            return False
        if differences := find_changes(plan, roster):
            cause = render_list(differences)
            summary = "what was confirmed is no longer so; nothing was ordered"
            self._change(change, Event.FAIL, Outcome(summary=summary, cause=cause, remedy=f"`{plan.command}`"))
            return False
        if refusal := self._find_refusal(change):
            summary = "nothing was ordered: it is no longer allowed"
            self._change(change, Event.FAIL, Outcome(summary=summary, cause=refusal, remedy=f"`{plan.command}`"))
            return False
        if self._hold(change):
            return False
        if judge(plan, roster.cluster) is Sight.DONE:
            self._change(change, Event.START)
            return True
        self._change(change, Event.START, note=f"asked {plan.cluster} to {plan.task} {plan.host}")
        try:
            self._order(plan)
        except HostError as error:
            course.words = error
            self._say(change, f"{error.message}; looking at the node")
        return True

    def _look_before(self, change: Maintenance) -> Roster | None:
        for turn in range(1, self._timing.starts + 1):
            try:
                return ask_any(change.plan, self._fleet.read_roster)
            except HostError as error:
                if error.fault not in PASSING or turn == self._timing.starts:
                    told = _told(error)
                    summary = f"{change.plan.cluster} gives no answer; nothing was ordered"
                    self._change(change, Event.FAIL, Outcome(summary=summary).model_copy(update=told))
                    return None
                self._wait(backoff_s(self._timing.start_pause_s, self._timing.look_pause_most_s, turn))
        return None

    def _order(self, plan: MaintenancePlan) -> None:
        """By the host itself; by another node only if it certainly did not arrive there."""
        for host in plan.witnesses:
            try:
                if plan.task is Task.RESUME:
                    self._fleet.resume(host, plan.node, failback=plan.failback)
                else:
                    self._fleet.suspend(host, plan.node, drain=plan.task is Task.DRAIN)
            except HostError as error:
                if error.fault is Fault.TRANSIENT and host != plan.witnesses[-1]:
                    continue
                raise
            return

    # Following

    def _follow(self, change: Maintenance, course: _Course) -> bool:
        """One look. True: it has ended."""
        plan = change.plan
        try:
            cluster = ask_any(plan, lambda host: self._fleet.read_cluster(host)[0])
        except HostError as error:
            return self._endure(change, course, error)
        course.silent = 0
        row = self._require(change)
        sight = judge(plan, cluster)
        course.begun |= sight not in (Sight.UNTOUCHED, Sight.LOST)
        if row.cancel_asked and plan.task is Task.DRAIN and sight is Sight.UNDER_WAY:
            self._stop(change, course)
        self._tell(change, course, cluster)
        course.resting = course.resting + 1 if sight in (Sight.UNTOUCHED, Sight.QUIET) else 0
        if sight is Sight.UNDER_WAY or (row.cancel_asked and moving(plan, cluster)):
            return False
        if self._may_still_show(sight, row, course):
            return False
        self._end(change, course, sight, cancelled=row.cancel_asked)
        return True

    def _may_still_show(self, sight: Sight, row: HostChange, course: _Course) -> bool:
        """An order that was just given, or a failback, may take a moment before anybody sees it."""
        if sight is Sight.QUIET:
            return course.resting < self._timing.looks
        refused = course.words is not None and course.words.fault is not Fault.UNKNOWN
        fresh = sight is Sight.UNTOUCHED and not course.begun and not refused and not row.cancel_asked
        return fresh and course.resting < self._timing.second_looks

    def _endure(self, change: Maintenance, course: _Course, error: HostError) -> bool:
        """No node answers: it goes on without us, but not for ever without a word."""
        plan = change.plan
        self._require(change)
        course.silent += 1
        if course.silent >= self._timing.looks:
            summary = f"no node of {plan.cluster} gives an answer: what became of {plan.host} is not known"
            self._change(change, Event.DOUBT, Outcome(summary=summary).model_copy(update=_told(error)))
            return True
        waiting = f"no node of {plan.cluster} gives an answer; it goes on without Ferry"
        self._rows.progress(change.id, max(course.last[0], 0), waiting, attempt=change.attempt)
        self._wait(backoff_s(self._timing.look_pause_s, self._timing.look_pause_most_s, course.silent))
        return False

    def _stop(self, change: Maintenance, course: _Course) -> None:
        """Resuming a node ends its drain. To do so twice is harmless, so a runner that takes over asks again."""
        if course.stopped:
            return
        plan = change.plan
        self._say(change, f"asked {plan.cluster} to stop the drain of {plan.host}")
        try:
            ask_any(plan, lambda host: self._fleet.resume(host, plan.node, failback=False))
        except HostError as error:
            self._say(change, f"{error.message}; asking again")
        else:
            course.stopped = True

    def _tell(self, change: Maintenance, course: _Course, cluster: Cluster) -> None:
        seen = measure(change.plan, cluster)
        if seen != course.last:
            course.last, course.since = seen, time.monotonic()
        percent, words = seen
        if (still_s := time.monotonic() - course.since) >= self._timing.stall_s:
            words = f"{words}; nothing has changed for {render_duration(still_s)}"
        self._rows.progress(change.id, percent, words, attempt=change.attempt)

    # The end

    def _end(self, change: Maintenance, course: _Course, sight: Sight, *, cancelled: bool) -> None:
        plan = change.plan
        if sight is Sight.DONE and self._state(change) is not State.VERIFYING:
            self._change(change, Event.VERIFY)
        roster = ask_any(plan, self._fleet.read_roster)
        ended = conclude(plan, roster.cluster, cancelled=cancelled)
        if ended is None:  # somebody has begun something else since the look before
            cause = f"{plan.host} is being drained or filled again by somebody else"
            ended = (
                Event.FAIL,
                Outcome(summary=f"{plan.host} is not left alone", cause=cause, remedy=f"`{plan.command}`"),
            )
        event, outcome = ended
        if event is Event.FAIL and sight is Sight.FAILED:
            outcome = outcome.model_copy(update={"cause": find_reasons(plan, roster, self._fleet)})
        elif event is Event.FAIL and course.words is not None:
            outcome = outcome.model_copy(update=_told(course.words))
        self._change(change, event, outcome)


def find_reasons(plan: MaintenancePlan, roster: Roster, reader: HostReader) -> str:
    """Why each role that a drain left behind is still there, as far as the cluster tells."""
    said = []
    stayed = {group.name for group in remaining(plan, roster.cluster)}
    for role in roster.roles:
        if role.group.name not in stayed:
            continue
        why = find_obstacle(roster, role, plan.node)
        if not why and role.vm is not None:
            why = _how_it_failed(plan, role.vm, reader)
        said.append(f"{role.group.name}: {why or 'the cluster does not tell why'}")
    return "; ".join(said[:8]) + (f"; and {len(said) - 8} more" if len(said) > 8 else "")


def _how_it_failed(plan: MaintenancePlan, vm: VmId, reader: HostReader) -> str:
    try:
        role = ask_any(plan, lambda host: reader.look_at_role(host, vm)).role
    except HostError:
        return ""
    if role is None or role.migration != ROLE_FAILED:
        return ""
    code = f"0x{role.failure & 0xFFFFFFFF:08X}"
    known = faults.find(code)
    return f"its migration failed, error {code}" + (f" ({known[0].cause})" if known and known[0].cause else "")


def _told(error: HostError) -> dict[str, str]:
    return {"words": error.words, "cause": error.cause or error.message, "remedy": error.hint}


class MaintenanceRules:
    """Implements `host_desk.Rules`."""

    def __init__(self, reader: HostReader) -> None:
        self._reader = reader

    def find_changes(self, plan: HostPlan) -> tuple[str, ...]:
        assert isinstance(plan, MaintenancePlan)
        return find_changes(plan, ask_any(plan, self._reader.read_roster))

    def conclude(self, change: HostChange) -> tuple[Event, Outcome]:
        assert isinstance(change, Maintenance)
        plan = change.plan
        roster = ask_any(plan, self._reader.read_roster)
        ended = conclude(plan, roster.cluster, cancelled=change.cancel_asked)
        if ended is None:
            raise Refused(
                f"{measure(plan, roster.cluster)[1]}: that is still going on in {plan.cluster}",
                needed="a cluster that has come to rest",
                hint=f"`look {change.id}` looks again",
            )
        event, outcome = ended
        if judge(plan, roster.cluster) is Sight.FAILED:
            outcome = outcome.model_copy(update={"cause": find_reasons(plan, roster, self._reader)})
        return event, outcome

    def refuse_late_cancel(self, change: HostChange) -> Refused | None:
        plan = change.plan
        if isinstance(plan, MaintenancePlan) and plan.task is Task.DRAIN and change.state is not State.VERIFYING:
            return None
        return Refused(f"it is too late to cancel {change.id}: it takes a moment only", hint=f"`status {change.id}`")
