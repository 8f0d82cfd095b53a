"""Takes what people decide about operations: offers are made, confirmed, declined and cancelled here, and nowhere else.

It moves nothing. Rules: who did it is always recorded; the world is looked at again at the click, and a changed world
ends the offer; of two people who press at once one is first, and the other is told who.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bot.core.lifecycle import Event, State
from bot.core.names import UserId
from bot.core.operation import Ask, Operation, Outcome
from bot.core.plan import Plan
from bot.core.reply import Code, Mark, Moment, Note, Reply, Span, Text, User
from bot.core.signal import Cancel, Confirm, Signal
from bot.core.wording import render_list
from bot.errors import Refused
from bot.operations.store import Store
from bot.ports import Clock


class Desk:
    """Thread-safe.

    Args:
        changes: what differs now from what was offered, read live; empty: nothing that matters. Raises HostError.
        offer: how long an offer stands.
    """

    def __init__(
        self, store: Store, clock: Clock, changes: Callable[[Plan], tuple[str, ...]], offer: timedelta
    ) -> None:
        self._store = store
        self._clock = clock
        self._changes = changes
        self._offer = offer

    def propose(self, plan: Plan, ask: Ask) -> Operation:
        """Offer a plan; its card is posted by the announcer. Idempotent by the ask's key."""
        return self._store.propose(plan, ask, self._clock.now() + self._offer)

    def apply(self, signal: Signal, ask: Ask) -> Reply | None:
        """Do what the signal says. None: the updated card is the answer.

        Raises:
            Refused: the operation does not exist, or is not in a state for it.
            HostError: a host could not be asked whether the offer still holds; the offer stands.
        """
        operation = self._store.find(signal.operation)
        if operation is None:
            raise Refused(f"there is no operation {signal.operation}", hint="status")
        match signal:
            case Confirm():
                return self._confirm(operation, ask)
            case Cancel():
                return self._cancel(operation, ask)

    def _confirm(self, operation: Operation, ask: Ask) -> Reply | None:
        if operation.state is not State.PROPOSED:
            return _render_decided(operation)
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
            return _render_decided(self._reread(operation))
        return None

    def _expire(self, operation: Operation, outcome: Outcome) -> Reply:
        if self._store.change(operation.id, Event.EXPIRE, outcome=outcome) is None:
            return _render_decided(self._reread(operation))
        saw = f"{outcome.summary}: {outcome.cause}" if outcome.cause else outcome.summary
        return Reply(
            title=(f"{operation.id}: {saw}",),
            parts=(Note(line=("To plan it again: ", Code(text=operation.plan.command))),),
            mark=Mark.WARNING,
        )

    def _cancel(self, operation: Operation, ask: Ask) -> Reply | None:
        """Rows move on while people press: what is done is decided by the state that is there when it is done."""
        while not operation.ended:
            if operation.state is State.VERIFYING:
                raise Refused(
                    f"it is too late to cancel {operation.id}: the host is done, and Ferry is looking at the result",
                    hint=f"status {operation.id}",
                )
            if operation.cancel_asked:
                return _render_cancel_asked(operation)
            if self._end_or_ask(operation, ask.actor) is not None:
                return None
            operation = self._reread(operation)
        return _render_decided(operation)

    def _end_or_ask(self, operation: Operation, actor: UserId) -> Operation | None:
        """What cancelling means in this state. None: the row has moved on."""
        match operation.state:
            case State.PROPOSED:
                outcome = Outcome(summary="nothing was started")
                return self._store.change(operation.id, Event.DECLINE, by=actor, outcome=outcome)
            case State.QUEUED:
                outcome = Outcome(summary="cancelled before its turn; nothing was started")
                return self._store.change(operation.id, Event.CANCEL, by=actor, outcome=outcome)
            case _:
                return self._store.ask_cancel(operation.id, actor)

    def _reread(self, operation: Operation) -> Operation:
        found = self._store.find(operation.id)
        assert found is not None  # rows are never deleted
        return found


def _render_decided(operation: Operation) -> Reply:
    """Somebody was first, or time was. Only the person who pressed sees it."""
    match operation.state:
        case State.DECLINED:
            line = _by(operation, "was declined", operation.cancelled_by)
        case State.EXPIRED:
            line = (f"the offer {operation.id} has ended. To plan it again: ", Code(text=operation.plan.command))
        case _ if operation.ended:
            line = (f"{operation.id} has ended: {operation.state.value}",)
        case _:
            line = _by(operation, "was already confirmed", operation.confirmed_by)
            if operation.confirmed_at is not None:
                line = (*line, " at ", Moment(at=operation.confirmed_at))
    return Reply(title=line, private=True, mark=Mark.WARNING)


def _render_cancel_asked(operation: Operation) -> Reply:
    return Reply(
        title=_by(operation, "was already told to stop", operation.cancelled_by),
        parts=(Text(lines=(("Where the virtual machine is afterwards decides what the card says.",),)),),
        private=True,
    )


def _by(operation: Operation, what: str, who: UserId | None) -> tuple[Span, ...]:
    return (f"{operation.id} {what}", " by ", User(id=who)) if who else (f"{operation.id} {what}",)
