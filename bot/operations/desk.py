"""Takes what people decide about operations: offered, confirmed, declined, cancelled, looked at and closed here only.

It moves nothing. Rules: who did it is always recorded, and so is who was not allowed to; the world is looked at again
at the click, and a changed world ends the offer; of two people who press at once one is first, and the other is told
who.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bot.core.evacuation import Evacuation, EvacuationPlan
from bot.core.history import render_anchor
from bot.core.journal import Refusal
from bot.core.lifecycle import Event, State
from bot.core.names import UserId
from bot.core.operation import Ask, Operation, Outcome, Recorded
from bot.core.plan import Plan
from bot.core.policy import Policy, decide_over
from bot.core.preparation import Preparation, PreparationPlan
from bot.core.reply import Reply
from bot.core.signal import Anchor, Cancel, Close, Confirm, Look, Pause, Resume, Signal, Unwatch, Watch
from bot.core.wording import render_list
from bot.errors import Refused
from bot.operations.decided import render_cancel_asked, render_decided, render_overtaken
from bot.operations.evacuation_desk import EvacuationDesk
from bot.operations.herald import Subscriptions
from bot.operations.journal import Journal
from bot.operations.looking import Looking
from bot.operations.preparation_desk import PreparationDesk
from bot.operations.store import Store
from bot.ports import Clock


class Desk:
    """Thread-safe.

    Args:
        changes: what differs now from what was offered, read live; empty: nothing that matters. Raises HostError.
        offer: how long an offer stands.
        policy: who may cancel and close what others asked for.
        looking: looks at the hosts of an operation.
        evacuation_changes: what `changes` is for one move, for all of an evacuation's.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        changes: Callable[[Plan], tuple[str, ...]],
        offer: timedelta,
        policy: Policy,
        looking: Looking,
        evacuation_changes: Callable[[EvacuationPlan], tuple[str, ...]],
    ) -> None:
        self._store = store
        self._journal = Journal(store.database, clock)
        self._clock = clock
        self._changes = changes
        self._offer = offer
        self._policy = policy
        self._looking = looking
        self._evacuations = EvacuationDesk(store, clock, evacuation_changes, self._permit)
        self._subscriptions = Subscriptions(store)
        self._preparations = PreparationDesk(store, clock, looking.read_host, self._permit)

    def propose(self, plan: Plan, ask: Ask) -> Operation:
        """Offer a plan; its card is posted by the announcer. Idempotent by the ask's key."""
        return self._store.propose(plan, ask, self._clock.now() + self._offer)

    def propose_evacuation(self, plan: EvacuationPlan, ask: Ask) -> Evacuation:
        """The same for many moves."""
        return self._store.propose_evacuation(plan, ask, self._clock.now() + self._offer)

    def propose_preparation(self, plan: PreparationPlan, ask: Ask) -> Preparation:
        """The same for the settings of a host."""
        return self._preparations.propose(plan, ask, self._clock.now() + self._offer)

    def has_offered(self, ask: Ask) -> bool:
        return self._store.has_offered(ask.key)

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
        if isinstance(signal, Watch | Unwatch):
            return self._subscriptions.apply(signal, ask.actor)
        if (evacuation := self._store.find_evacuation(signal.operation)) is not None:
            return self._evacuations.apply(signal, evacuation, ask)
        if (preparation := self._store.find_preparation(signal.operation)) is not None:
            return self._preparations.apply(signal, preparation, ask)
        operation = self._store.find(signal.operation)
        if operation is None:
            raise Refused(
                f"there is no operation {signal.operation}",
                hint="`status` shows those that are open, and those that ended last",
            )
        match signal:
            case Confirm():
                return self._confirm(operation, ask)
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

    def _confirm(self, operation: Operation, ask: Ask) -> Reply | None:
        if operation.state is not State.PROPOSED:
            return render_decided(operation, operation.plan.command)
        if self._clock.now() >= operation.expires_at:
            return self._expire(operation, Outcome(summary="nobody confirmed it in time; nothing was started"))
        if blocked := operation.plan.blocked:
            raise Refused(blocked[0].text, needed=blocked[0].needed, hint=blocked[0].hint)
        if differences := self._changes(operation.plan):
            outcome = Outcome(
                summary="what was offered is no longer so; nothing was started",
                cause=render_list(differences),
                remedy=operation.plan.command,
            )
            return self._expire(operation, outcome)
        if self._store.change(operation.id, Event.CONFIRM, by=ask.actor) is None:
            return render_decided(self._reread(operation), operation.plan.command)
        return None

    def _expire(self, operation: Operation, outcome: Outcome) -> Reply:
        if self._store.change(operation.id, Event.EXPIRE, outcome=outcome) is None:
            return render_decided(self._reread(operation), operation.plan.command)
        return render_overtaken(operation, operation.plan.command, outcome)

    def _cancel(self, operation: Operation, ask: Ask) -> Reply | None:
        """Rows move on while people press: what is done is decided by the state that is there when it is done."""
        while not operation.ended:
            self._permit(operation, "operation.cancel", f"cancel {operation.id}", ask)
            if operation.state is State.VERIFYING:
                raise Refused(
                    f"it is too late to cancel {operation.id}: the host is done, and Ferry is looking at the result",
                    hint=f"`status {operation.id}`",
                )
            if operation.cancel_asked and operation.state is not State.QUEUED:
                return render_cancel_asked(operation)
            if self._end_or_ask(operation, ask.actor) is not None:
                return None
            operation = self._reread(operation)
        return render_decided(operation, operation.plan.command)

    def _end_or_ask(self, operation: Operation, actor: UserId) -> Operation | None:
        """What cancelling means in this state. None: the row has moved on."""
        match operation.state:
            case State.PROPOSED:
                outcome = Outcome(summary="nothing was started")
                return self._store.change(operation.id, Event.DECLINE, by=actor, outcome=outcome)
            case State.QUEUED:
                outcome = Outcome(summary="cancelled before its turn; nothing was started")
                return self._store.change(operation.id, Event.CANCEL, by=actor, outcome=outcome)
            case State.GRANTED if not self._store.is_served(operation.id):
                outcome = Outcome(summary="cancelled before any worker took it up; nothing was started")
                return self._store.change(operation.id, Event.CANCEL, by=actor, outcome=outcome)
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

    def _permit(self, operation: Recorded, action: str, command: str, ask: Ask, **arguments: str) -> None:
        """Raises Refused, and keeps that it was: not everybody may end what others asked for."""
        verdict = decide_over(self._policy, ask.actor, action, operation)
        if verdict.allowed:
            return
        told = {"operation": operation.id, **arguments}
        self.refuse(Refusal(action=action, reason=verdict.reason, command=command, arguments=told), ask)
        raise Refused(verdict.reason, needed=verdict.needed, hint=verdict.hint, private=True)

    def _reread(self, operation: Operation) -> Operation:
        found = self._store.find(operation.id)
        assert found is not None  # rows are never deleted
        return found
