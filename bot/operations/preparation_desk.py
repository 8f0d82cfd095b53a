"""Takes what people decide about preparations of hosts: declined, cancelled, looked at, closed.

The rules are those of the desk for a single move, which also says who may do what.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.core.approval import Count
from bot.core.estate import Host
from bot.core.lifecycle import Event, State
from bot.core.operation import Ask, Outcome
from bot.core.preparation import Preparation, PreparationPlan, find_changes
from bot.core.reply import Reply
from bot.core.signal import Cancel, Close, Look, Pause, Resume
from bot.errors import Refused
from bot.operations.consent import Permit
from bot.operations.decided import render_decided
from bot.operations.runner.preparer import conclude
from bot.operations.store import Store
from bot.operations.store.preparations import Preparations


class PreparationDesk:
    """Thread-safe.

    Args:
        read: a host, asked now. Raises HostError.
    """

    def __init__(self, store: Store, read: Callable[[str], Host], permit: Permit) -> None:
        self._store = store
        self._rows = Preparations(store)
        self._read = read
        self._permit = permit

    def propose(
        self, plan: PreparationPlan, ask: Ask, expires_at: datetime, counts: tuple[Count, ...] = ()
    ) -> Preparation:
        return self._rows.propose(plan, ask, expires_at, counts)

    def find_changes(self, plan: PreparationPlan) -> tuple[str, ...]:
        """What differs on the host from what was offered. Raises HostError."""
        return find_changes(plan, self._read(plan.host))

    def apply(self, signal: Cancel | Look | Close | Pause | Resume, preparation: Preparation, ask: Ask) -> Reply | None:
        """None: the updated card is the answer. Raises Refused, HostError."""
        match signal:
            case Cancel():
                return self._cancel(preparation, ask)
            case Look():
                return self._look(preparation)
            case Close():
                return self._close(preparation, signal.reason, ask)
            case Pause() | Resume():
                raise Refused(
                    f"{preparation.id} sets up a host, which takes seconds",
                    needed="an evacuation that is under way",
                    hint=f"`status {preparation.id}`",
                )

    def _cancel(self, preparation: Preparation, ask: Ask) -> Reply | None:
        self._permit(preparation, "operation.cancel", f"cancel {preparation.id}", ask)
        outcome = Outcome(summary="nothing was set")
        match preparation.state:
            case State.PROPOSED:
                return self._decide(preparation, Event.DECLINE, ask, outcome)
            case State.QUEUED:
                return self._decide(preparation, Event.CANCEL, ask, outcome)
            case State.GRANTED | State.RUNNING | State.VERIFYING:
                raise Refused(
                    f"it is too late to cancel {preparation.id}: {preparation.plan.host} is being set up",
                    hint=f"`prepare {preparation.plan.host} back` undoes it",
                )
            case _:
                return render_decided(preparation, preparation.plan.command)

    def _look(self, preparation: Preparation) -> Reply | None:
        """Concludes one that needs attention."""
        if preparation.state is not State.NEEDS_ATTENTION:
            raise Refused(
                f"{preparation.id} is {preparation.state}",
                needed="a preparation that needs attention",
                hint=f"`check {preparation.plan.host}` shows the host as it is",
            )
        event, outcome = conclude(preparation, self._read(preparation.plan.host))
        late = outcome.model_copy(update={"late": True})
        if self._rows.change(preparation.id, event, outcome=late) is None:
            return render_decided(self._reread(preparation), preparation.plan.command)
        return None

    def _close(self, preparation: Preparation, reason: str, ask: Ask) -> Reply | None:
        self._permit(preparation, "operation.close", f"close {preparation.id}", ask, reason=reason)
        if preparation.state is not State.NEEDS_ATTENTION:
            raise Refused(
                f"{preparation.id} is {preparation.state}",
                needed="an operation that needs attention",
                hint=f"`status {preparation.id}`",
            )
        return self._decide(preparation, Event.CLOSE, ask, Outcome(summary=f"closed because {reason}"))

    def _decide(self, preparation: Preparation, event: Event, ask: Ask, outcome: Outcome | None = None) -> Reply | None:
        if self._rows.change(preparation.id, event, by=ask.actor, outcome=outcome) is None:
            return render_decided(self._reread(preparation), preparation.plan.command)
        return None

    def _reread(self, preparation: Preparation) -> Preparation:
        found = self._store.find_preparation(preparation.id)
        assert found is not None  # rows are never deleted
        return found
