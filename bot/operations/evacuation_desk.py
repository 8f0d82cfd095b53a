"""Takes what people decide about evacuations: declined, paused, resumed, cancelled, closed.

The rules are those of the desk for a single move, which also says who may do what.
"""

from __future__ import annotations

from bot.core.evacuation import Evacuation
from bot.core.lifecycle import Event, State
from bot.core.operation import Ask, Outcome
from bot.core.reply import Mark, Reply
from bot.core.signal import Cancel, Close, Look, Pause, Resume
from bot.errors import Refused
from bot.operations.consent import Permit
from bot.operations.decided import render_cancel_asked, render_decided
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals


class EvacuationDesk:
    """Thread-safe."""

    def __init__(self, store: Store, permit: Permit) -> None:
        self._store = store
        self._rows = Approvals(store)
        self._permit = permit

    def apply(self, signal: Cancel | Look | Close | Pause | Resume, evacuation: Evacuation, ask: Ask) -> Reply | None:
        """None: the updated card is the answer. Raises Refused."""
        match signal:
            case Cancel():
                return self._cancel(evacuation, ask)
            case Pause():
                return self._hold(evacuation, True, ask)
            case Resume():
                return self._hold(evacuation, False, ask)
            case Close():
                return self._close(evacuation, signal.reason, ask)
            case Look():
                doubtful = [move.id for move in evacuation.moves if move.state is State.NEEDS_ATTENTION]
                raise Refused(
                    f"{evacuation.id} has {len(evacuation.moves)} moves",
                    needed="one of its moves, to look at both of its hosts",
                    hint=f"`look {doubtful[0]}`" if doubtful else f"`status {evacuation.id}`",
                )

    def _cancel(self, evacuation: Evacuation, ask: Ask) -> Reply | None:
        self._permit(evacuation, "operation.cancel", f"cancel {evacuation.id}", ask)
        if evacuation.state is State.PROPOSED:
            outcome = Outcome(summary="nothing was started")
            done = self._rows.end(evacuation.id, Event.DECLINE, ask.actor, outcome)
        else:
            done = self._store.cancel_evacuation(evacuation.id, ask.actor)
        if done:
            return None
        now = self._reread(evacuation)
        if now.state is State.UNDER_WAY:
            return render_cancel_asked(now)
        return render_decided(now, now.plan.command)

    def _hold(self, evacuation: Evacuation, paused: bool, ask: Ask) -> Reply | None:
        verb = "pause" if paused else "resume"
        self._permit(evacuation, "operation.pause", f"{verb} {evacuation.id}", ask)
        if self._store.hold(evacuation.id, paused, ask.actor):
            return None
        now = self._reread(evacuation)
        if now.state is State.UNDER_WAY:
            state = "paused" if now.paused else "going on"
            return Reply(title=(f"{now.id} is {state} already",), private=True, mark=Mark.WARNING)
        raise Refused(f"{now.id} is {now.state}", needed="an evacuation that is under way", hint=f"`status {now.id}`")

    def _close(self, evacuation: Evacuation, reason: str, ask: Ask) -> Reply | None:
        self._permit(evacuation, "operation.close", f"close {evacuation.id}", ask, reason=reason)
        if evacuation.state is not State.NEEDS_ATTENTION:
            raise Refused(
                f"{evacuation.id} is {evacuation.state}",
                needed="an operation that needs attention",
                hint=f"`status {evacuation.id}`",
            )
        outcome = Outcome(summary=f"closed because {reason}")
        if not self._rows.end(evacuation.id, Event.CLOSE, ask.actor, outcome):
            return render_decided(self._reread(evacuation), evacuation.plan.command)
        return None

    def _reread(self, evacuation: Evacuation) -> Evacuation:
        found = self._store.find_evacuation(evacuation.id)
        assert found is not None  # rows are never deleted
        return found
