"""Takes what people decide about changes of hosts themselves: declined, cancelled, looked at, closed.

The rules are those of the desk for a single move, which also says who may do what. What differs between one kind of
change and another is in `Rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from bot.core.approval import Count
from bot.core.host_change import HostChange, HostPlan
from bot.core.lifecycle import Event, State
from bot.core.operation import Ask, Outcome
from bot.core.reply import Reply
from bot.core.signal import Cancel, Close, Look, Pause, Resume
from bot.errors import Refused
from bot.operations.consent import Permit
from bot.operations.decided import render_decided
from bot.operations.store import Store
from bot.operations.store.host_changes import HostChanges


class Rules(Protocol):
    """What is peculiar to one kind of change of a host. It looks; it changes nothing."""

    def find_changes(self, plan: HostPlan) -> tuple[str, ...]:
        """What differs now from what was offered; empty if nothing that matters. Raises HostError."""

    def conclude(self, change: HostChange) -> tuple[Event, Outcome]:
        """How one ended that needs attention, by what is there now. Raises HostError; Refused: that cannot be told."""

    def refuse_late_cancel(self, change: HostChange) -> Refused | None:
        """Why one that is under way is not stopped; None: it is, by whoever carries it out."""


class HostDesk:
    """Thread-safe.

    Args:
        rules: by what is planned.
    """

    def __init__(self, store: Store, rules: Callable[[HostPlan], Rules], permit: Permit) -> None:
        self._store = store
        self._rows = HostChanges(store)
        self._rules = rules
        self._permit = permit

    def propose(self, plan: HostPlan, ask: Ask, expires_at: datetime, counts: tuple[Count, ...] = ()) -> HostChange:
        return self._rows.propose(plan, ask, expires_at, counts)

    def find_changes(self, plan: HostPlan) -> tuple[str, ...]:
        """What differs now from what was offered. Raises HostError."""
        return self._rules(plan).find_changes(plan)

    def apply(self, signal: Cancel | Look | Close | Pause | Resume, change: HostChange, ask: Ask) -> Reply | None:
        """None: the updated card is the answer. Raises Refused, HostError."""
        match signal:
            case Cancel():
                return self._cancel(change, ask)
            case Look():
                return self._look(change)
            case Close():
                return self._close(change, signal.reason, ask)
            case Pause() | Resume():
                raise Refused(
                    f"{change.id} changes a host, which is not paused half-way",
                    needed="an evacuation that is under way",
                    hint=f"`status {change.id}`",
                )

    def _cancel(self, change: HostChange, ask: Ask) -> Reply | None:
        self._permit(change, "operation.cancel", f"cancel {change.id}", ask)
        outcome = Outcome(summary="nothing was changed")
        match change.state:
            case State.PROPOSED:
                return self._decide(change, Event.DECLINE, ask, outcome)
            case State.QUEUED:
                return self._decide(change, Event.CANCEL, ask, outcome)
            case State.GRANTED | State.RUNNING | State.VERIFYING:
                return self._stop(change, ask)
            case _:
                return render_decided(change, change.plan.command)

    def _stop(self, change: HostChange, ask: Ask) -> Reply | None:
        """It is under way: whoever carries it out is told, where it can be stopped at all."""
        if refused := self._rules(change.plan).refuse_late_cancel(change):
            raise refused
        if self._rows.ask_cancel(change.id, ask.actor):
            return None
        return render_decided(self._reread(change), change.plan.command)

    def _look(self, change: HostChange) -> Reply | None:
        """Concludes one that needs attention."""
        if change.state is not State.NEEDS_ATTENTION:
            raise Refused(
                f"{change.id} is {change.state}",
                needed="one that needs attention",
                hint=f"`check {change.plan.host}` shows the host as it is",
            )
        event, outcome = self._rules(change.plan).conclude(change)
        late = outcome.model_copy(update={"late": True})
        if self._rows.change(change.id, event, outcome=late) is None:
            return render_decided(self._reread(change), change.plan.command)
        return None

    def _close(self, change: HostChange, reason: str, ask: Ask) -> Reply | None:
        self._permit(change, "operation.close", f"close {change.id}", ask, reason=reason)
        if change.state is not State.NEEDS_ATTENTION:
            raise Refused(
                f"{change.id} is {change.state}",
                needed="an operation that needs attention",
                hint=f"`status {change.id}`",
            )
        return self._decide(change, Event.CLOSE, ask, Outcome(summary=f"closed because {reason}"))

    def _decide(self, change: HostChange, event: Event, ask: Ask, outcome: Outcome | None = None) -> Reply | None:
        if self._rows.change(change.id, event, by=ask.actor, outcome=outcome) is None:
            return render_decided(self._reread(change), change.plan.command)
        return None

    def _reread(self, change: HostChange) -> HostChange:
        found = self._store.find_host_change(change.id)
        assert found is not None  # rows are never deleted
        return found
