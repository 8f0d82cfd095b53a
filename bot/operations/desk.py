"""Takes what people decide about operations: offered, confirmed, declined, cancelled, looked at and closed here only.

It moves nothing. Rules: who did it is always recorded, and so is who was not allowed to; of two people who press at
once one is first, and the other is told who. What people agree to is `consent`, the same for every kind of row.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.core.approval import Count
from bot.core.evacuation import Evacuation, EvacuationPlan
from bot.core.history import render_anchor
from bot.core.holds.model import Kind
from bot.core.holds.touching import find_holds
from bot.core.holds.wording import refuse_locked
from bot.core.host_change import HostChange, HostPlan
from bot.core.journal import Refusal
from bot.core.lifecycle import Event, State
from bot.core.names import UserId
from bot.core.operation import RETRACTED, Ask, Operation, Outcome
from bot.core.plan import Plan
from bot.core.policy import AnyPlan
from bot.core.reply import Reply
from bot.core.shown import Shown
from bot.core.signal import (
    Anchor,
    Approve,
    Cancel,
    Close,
    Confirm,
    Decline,
    Holding,
    Look,
    Pause,
    Resume,
    Signal,
    Unwatch,
    Watch,
)
from bot.errors import Refused
from bot.operations.authority import Authority
from bot.operations.consent import Consent, Patience
from bot.operations.decided import render_cancel_asked, render_decided
from bot.operations.evacuation_desk import EvacuationDesk
from bot.operations.herald import Subscriptions
from bot.operations.hold_desk import HoldDesk
from bot.operations.host_desk import HostDesk
from bot.operations.journal import Journal
from bot.operations.looking import Looking
from bot.operations.store import Store
from bot.operations.store.recalls import recall
from bot.operations.store.unserved import withdraw
from bot.ports import Clock


class Desk:
    """Thread-safe.

    Args:
        changes: what differs now from what was offered, read live; empty: nothing that matters. Raises HostError.
        patience: how long what people are asked waits for them.
        authority: who may confirm, approve, cancel and close.
        looking: looks at the hosts of an operation.
        evacuation_changes: what `changes` is for one move, for all of an evacuation's.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        changes: Callable[[Plan], tuple[str, ...]],
        patience: Patience,
        authority: Authority,
        looking: Looking,
        evacuation_changes: Callable[[EvacuationPlan], tuple[str, ...]],
    ) -> None:
        self._store = store
        self._journal = Journal(store.database, clock)
        self._clock = clock
        self._changes = changes
        self._evacuation_changes = evacuation_changes
        self._patience = patience
        self._authority = authority
        self._looking = looking
        self._consent = Consent(store, clock, authority, patience, self._find_changes, self._permit)
        self._evacuations = EvacuationDesk(store, self._permit)
        self._host_changes = HostDesk(store, looking.rules_of, self._permit)
        self._holds = HoldDesk(store, authority, self.refuse)
        self._subscriptions = Subscriptions(store)

    def propose(self, plan: Plan, ask: Ask) -> Operation:
        """Offer a plan; its card is posted by the announcer. Idempotent by the ask's key. Refused if it is locked."""
        self._refuse_locked(plan)
        return self._store.propose(plan, ask, self._offer_ends(plan), self._needed(plan, ask))

    def propose_evacuation(self, plan: EvacuationPlan, ask: Ask) -> Evacuation:
        """The same for many moves. What is locked stays out of such a plan; a lock made since then keeps it waiting."""
        return self._store.propose_evacuation(plan, ask, self._offer_ends(plan), self._needed(plan, ask))

    def propose_host_change(self, plan: HostPlan, ask: Ask) -> HostChange:
        """The same for a host itself."""
        self._refuse_locked(plan)
        return self._host_changes.propose(plan, ask, self._offer_ends(plan), self._needed(plan, ask))

    def _refuse_locked(self, plan: Plan | HostPlan) -> None:
        for one in find_holds(self._store.holds(), plan):
            if one.kind is not Kind.FREEZE:
                raise refuse_locked(one)

    def _offer_ends(self, plan: AnyPlan) -> datetime:
        ends = self._clock.now() + self._patience.offer
        return min(ends, plan.begins_at) if plan.begins_at else ends

    def _needed(self, plan: AnyPlan, ask: Ask) -> tuple[Count, ...]:
        return self._authority.counting(plan, ask.actor)(())

    def has_offered(self, ask: Ask) -> bool:
        return self._store.has_offered(ask.key)

    def retract(self, ask: Ask) -> None:
        """The message was edited or deleted: what it offered ends, unless that is decided already."""
        row = self._store.find_offered(ask.key.removesuffix(RETRACTED))
        if row is not None:
            self._consent.retract(row, ask)

    def refuse(self, refusal: Refusal, ask: Ask) -> None:
        """Keep that policy refused a change."""
        self._journal.refuse(refusal, ask)

    def apply(self, signal: Signal, ask: Ask) -> Reply | None:
        """Do what the signal says. None: the updated card is the answer.

        Raises:
            Refused: the operation does not exist, or is not in a state for it.
            HostError: a host could not be asked whether the offer still holds; the offer stands.
        """
        if isinstance(signal, Anchor):
            return render_anchor(self._journal.anchor(ask.actor))
        if isinstance(signal, Holding):
            return self._holds.apply(signal, ask)
        if isinstance(signal, Watch | Unwatch):
            return self._subscriptions.apply(signal, ask.actor)
        row = self._store.find_shown(signal.operation)
        if row is None:
            raise Refused(
                f"there is no operation {signal.operation}",
                hint="`status` shows those that are open, and those that ended last",
            )
        match signal:
            case Confirm():
                return self._consent.confirm(row, ask)
            case Approve():
                return self._consent.approve(row, ask)
            case Decline():
                return self._consent.decline(row, signal.reason, ask)
            case Cancel() if row.state in (State.AWAITING_APPROVAL, State.SCHEDULED):
                self._permit(row, "operation.cancel", f"cancel {row.id}", ask)
                return self._consent.withdraw(row, ask)
            case _ if isinstance(row, Evacuation):
                return self._evacuations.apply(signal, row, ask)
            case _ if isinstance(row, HostChange):
                return self._host_changes.apply(signal, row, ask)
            case _:
                return self._apply(signal, row, ask)

    def _apply(self, signal: Cancel | Look | Close | Pause | Resume, operation: Operation, ask: Ask) -> Reply | None:
        match signal:
            case Cancel():
                return self._cancel(operation, ask)
            case Look():
                return self._looking.look(operation, ask)
            case Close():
                return self._close(operation, signal.reason, ask)
            case Pause() | Resume():
                raise Refused(
                    f"{operation.id} is one move, which a host carries out to its end",
                    needed="an evacuation that is under way",
                    hint=f"`cancel {operation.id}` asks the host to stop it",
                )

    def _cancel(self, operation: Operation, ask: Ask) -> Reply | None:
        """Rows move on while people press: what is done is decided by the state that is there when it is done."""
        while not operation.ended or operation.recallable:
            self._permit(operation, "operation.cancel", f"cancel {operation.id}", ask)
            if operation.state is State.VERIFYING:
                raise Refused(
                    f"it is too late to cancel {operation.id}: the host is done, and Ferry is looking at the result",
                    hint=f"`status {operation.id}`",
                )
            if operation.cancel_asked and operation.state is not State.QUEUED and not operation.recallable:
                return render_cancel_asked(operation)
            if self._end_or_ask(operation, ask.actor):
                return None
            operation = self._reread(operation)
        return render_decided(operation, operation.plan.command)

    def _end_or_ask(self, operation: Operation, actor: UserId) -> bool:
        """What cancelling means in this state. False: the row has moved on."""
        match operation.state:
            case State.PROPOSED:
                outcome = Outcome(summary="nothing was started")
                return self._store.change(operation.id, Event.DECLINE, by=actor, outcome=outcome) is not None
            case State.AWAITING_APPROVAL:  # it was an offer a moment ago
                outcome = Outcome(summary="withdrawn before it was approved; nothing was started")
                return self._store.change(operation.id, Event.CANCEL, by=actor, outcome=outcome) is not None
            case State.SCHEDULED:  # as above
                outcome = Outcome(summary="withdrawn before its time came; nothing was started")
                return self._store.change(operation.id, Event.CANCEL, by=actor, outcome=outcome) is not None
            case State.QUEUED | State.GRANTED if withdraw(self._store, operation.id, actor):
                return True
            case State.NEEDS_ATTENTION:
                return recall(self._store, operation.id, actor)
            case _:
                return self._store.ask_cancel(operation.id, actor)

    def _close(self, operation: Operation, reason: str, ask: Ask) -> Reply | None:
        self._permit(operation, "operation.close", f"close {operation.id}", ask, reason=reason)
        if operation.state is not State.NEEDS_ATTENTION:
            raise Refused(
                f"{operation.id} is {operation.state}",
                needed="an operation that needs attention",
                hint=f"`status {operation.id}`",
            )
        seen = operation.outcome.summary if operation.outcome else ""
        outcome = Outcome(summary=f"closed because {reason}", cause=seen)
        if self._store.change(operation.id, Event.CLOSE, by=ask.actor, outcome=outcome) is None:
            return render_decided(self._reread(operation), operation.plan.command)
        return None

    def _permit(self, operation: Shown, action: str, command: str, ask: Ask, **arguments: str) -> None:
        """Raises Refused, and keeps that it was: not everybody may end what others asked for."""
        verdict = self._authority.decide_over(ask.actor, ask.place.channel, action, operation)
        if verdict.allowed:
            return
        told = {"operation": operation.id, **arguments}
        self.refuse(Refusal(action=action, reason=verdict.reason, command=command, arguments=told), ask)
        raise Refused(verdict.reason, needed=verdict.needed, hint=verdict.hint, private=True)

    def _find_changes(self, row: Shown) -> tuple[str, ...]:
        match row:
            case Operation():
                return self._changes(row.plan)
            case Evacuation():
                return self._evacuation_changes(row.plan)
            case HostChange():
                return self._host_changes.find_changes(row.plan)

    def _reread(self, operation: Operation) -> Operation:
        found = self._store.find(operation.id)
        assert found is not None  # rows are never deleted
        return found
