"""One attempt's hold on its operation's row: what it may write, and when it has lost it.

The row is the truth: every read refreshes `operation`. A row that has ended, or that another attempt has taken over,
stops this one.
"""

from __future__ import annotations

from datetime import datetime

from bot.core.lifecycle import Event, State
from bot.core.names import UserId
from bot.core.operation import Operation, Outcome
from bot.errors import HostError
from bot.operations.runner.glances import Glances
from bot.operations.runner.permission import Permission, Permit
from bot.operations.runner.witness import Stopped
from bot.operations.store import TRY_FAILED, Store

_ENDINGS = {
    Event.SUCCEED: "verified",
    Event.FAIL: "failed",
    Event.CANCEL: "cancelled",
    Event.DOUBT: "needs attention",
}


class Row:
    """Every method raises Stopped once the row is no longer this attempt's."""

    def __init__(self, store: Store, operation: Operation, permission: Permission, glances: Glances) -> None:
        self._store = store
        self._glances = glances
        self._told: tuple[int, str] | None = None
        self.operation = operation
        self._permission = permission

    @property
    def sent(self) -> bool:
        """Whether the move may have been sent to its host: the journal says so before it is."""
        return self.operation.state is not State.GRANTED

    def cancelled(self) -> bool:
        """Whether a person asked to cancel, as the row says now."""
        self.operation = self._read()
        return self.operation.cancel_asked

    def cancel_noticed(self) -> bool:
        """The same, as one read for all moves under way has shown it a moment ago: often asked, and cheap."""
        operation = self.operation
        if self._glances.of(operation.id) == (operation.attempt, operation.cancel_asked):
            return operation.cancel_asked
        return self.cancelled()

    def permit(self) -> Permit:
        """Whether policy lets it start still; what has started is not asked about."""
        return Permit() if self.sent else self._permission(self.operation)

    def held(self) -> bool:
        """Whether a pause, freeze or lock keeps it: what has not left goes back to its turn. Safe from any thread."""
        return self._store.is_held(self.operation.id)

    def require(self) -> Operation:
        """The row, if it is still this attempt's. Safe from any thread."""
        return self._read()

    def _read(self) -> Operation:
        operation = self._store.find(self.operation.id)
        if operation is None or operation.attempt != self.operation.attempt or operation.ended:
            raise Stopped
        return operation

    def change(
        self,
        event: Event,
        *,
        note: str,
        waiting: str = "",
        outcome: Outcome | None = None,
        by: UserId | None = None,
        not_before: datetime | None = None,
        job: str | None = None,
    ) -> None:
        changed = self._store.change(
            self.operation.id,
            event,
            by=by,
            outcome=outcome,
            waiting=waiting,
            note=(note,),
            attempt=self.operation.attempt,
            not_before=not_before,
            job=job,
        )
        if changed is None:
            raise Stopped
        self._told = None
        self.operation = changed

    def end(self, event: Event, outcome: Outcome, job: str = "") -> bool:
        """True, always: the operation has ended. `job`: by which its move goes on all the same."""
        by = self.operation.cancelled_by if event is Event.CANCEL else None
        self.change(event, outcome=outcome, note=f"{_ENDINGS[event]}: {outcome.summary}", by=by, job=job)
        return True

    def progress(self, percent: int, doing: str = "") -> None:
        """Nothing is written where this attempt has just said the same."""
        if self._told == (percent, doing):
            return
        self._told = (percent, doing)
        self._store.progress(self.operation.id, percent, doing, attempt=self.operation.attempt)

    def just_recalled(self) -> bool:
        """Whether a person has asked for what goes on to be stopped, and no attempt can have done so yet."""
        *_, last = self._store.journal(self.operation.id)
        return bool(self.operation.job) and last.read()["event"] == Event.RECALL

    def failures(self) -> int:
        """How many tries have failed, of all attempts: a restart gives nobody more of them."""
        told = (entry.read()["event"] for entry in self._store.journal(self.operation.id))
        return sum(event in (Event.RETURN, TRY_FAILED) for event in told)

    def keep_failure(self, error: HostError) -> None:
        """Journal a try that failed and is followed by another."""
        self._store.keep_failure(self.operation.id, error.message, attempt=self.operation.attempt)

    def keep_jobs(self, jobs: frozenset[str]) -> None:
        self._store.keep_jobs(self.operation.id, jobs, attempt=self.operation.attempt)

    def known_jobs(self) -> frozenset[str]:
        """Ids of jobs that had ended before the move was sent."""
        return self._store.known_jobs(self.operation.id)

    def say(self, text: str) -> None:
        """A line for the operation's thread."""
        self._store.step(self.operation.id, (text,), attempt=self.operation.attempt)
