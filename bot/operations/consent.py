"""Takes what people agree to, of rows of any kind: confirmed, approved, declined, and the end of the time for it.

Rules: who did it is always recorded; policy is asked at each click, and the world is looked at again; a changed world
ends the offer; of two people who press at once one is first, and the other is told who. Whose approval counts is asked
again when the last one is given: who was removed in between does not count any more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from bot.core.approval import Count, Given
from bot.core.host_change import HostChange
from bot.core.lifecycle import UNDECIDED, Event, State
from bot.core.operation import Ask, Operation, Outcome
from bot.core.reply import Mark, Reply, User
from bot.core.shown import Shown
from bot.core.wording import render_count, render_list
from bot.errors import Refused
from bot.operations.authority import Authority
from bot.operations.decided import render_decided, render_overtaken
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals
from bot.ports import Clock


class Permit(Protocol):
    def __call__(self, operation: Shown, action: str, command: str, ask: Ask, **arguments: str) -> None:
        """Raises Refused, and keeps that it was."""


class Patience(NamedTuple):
    """
    Attributes:
        offer: how long an offer stands.
        approval: how long what was confirmed waits for approval.
        reminder: how long before that is over the thread is reminded.
    """

    offer: timedelta
    approval: timedelta = timedelta(hours=1)
    reminder: timedelta = timedelta(minutes=10)


class Consent:
    """Thread-safe.

    Args:
        changes: what differs now from what was offered, read live; empty: nothing that matters. Raises HostError.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        authority: Authority,
        patience: Patience,
        changes: Callable[[Shown], tuple[str, ...]],
        permit: Permit,
    ) -> None:
        self._store = store
        self._rows = Approvals(store)
        self._clock = clock
        self._authority = authority
        self._patience = patience
        self._changes = changes
        self._permit = permit

    def confirm(self, row: Shown, ask: Ask) -> Reply | None:
        """None: the updated card is the answer. Raises Refused, HostError."""
        if row.state is not State.PROPOSED:
            return render_decided(row, row.plan.command)
        if self._clock.now() >= row.expires_at:
            return self._expire(row, Outcome(summary=f"nobody confirmed it in time; {_nothing(row)}"))
        self._permit(row, "operation.confirm", f"confirm {row.id}", ask)
        if isinstance(row, Operation) and (blocked := row.plan.blocked):
            raise Refused(blocked[0].text, needed=blocked[0].needed, hint=blocked[0].hint)
        if differences := self._changes(row):
            return self._expire(row, _overtaken(row, differences))
        counts = self._authority.counting(row.plan, row.requested_by)(())
        now = self._clock.now()
        until = min(now + self._patience.approval, row.begins_at or datetime.max.replace(tzinfo=UTC))
        remind_at = until - min(self._patience.reminder, (until - now) / 2)
        if not self._rows.confirm(row.id, ask.actor, counts, until=until, remind_at=remind_at):
            return render_decided(self.reread(row), row.plan.command)
        return None

    def approve(self, row: Shown, ask: Ask) -> Reply | None:
        """None: the updated card is the answer. Raises Refused, HostError."""
        if row.state is State.PROPOSED:
            needed = "a confirmation first" if row.counts else "a confirmation, and no approval"
            raise Refused(f"{row.id} is proposed", needed=needed, hint=f"`confirm {row.id}`", private=True)
        if row.state is not State.AWAITING_APPROVAL:
            return render_decided(row, row.plan.command)
        if self._clock.now() >= row.expires_at:
            return self._expire(row, Outcome(summary=f"it was not approved in time; {_nothing(row)}"))
        self._permit(row, "operation.approve", f"approve {row.id}", ask)
        given = Given(by=ask.actor, channel=ask.place.channel, at=self._clock.now(), digest=row.plan.digest)
        count = self._authority.counting(row.plan, row.requested_by, row.confirmed_at)
        _refuse_uncounted(row, given, count((given,)))
        if differences := self._changes(row):
            return self._expire(row, _overtaken(row, differences))
        count = self._authority.counting(row.plan, row.requested_by, row.confirmed_at)  # looking may have taken long
        if self._rows.approve(row.id, given, count) is None:
            return _render_second(self.reread(row))
        return None

    def decline(self, row: Shown, reason: str, ask: Ask) -> Reply | None:
        """None: the updated card is the answer. Raises Refused."""
        if row.state not in UNDECIDED:
            return render_decided(row, row.plan.command)
        offer = row.state is State.PROPOSED
        action = "operation.cancel" if offer else "operation.decline"
        self._permit(row, action, f"decline {row.id}", ask, **({"reason": reason} if reason else {}))
        outcome = Outcome(summary=_nothing(row), cause=reason)
        note = ("declined by ", User(id=ask.actor), f": {reason}") if reason else ()
        if not self._rows.end(row.id, Event.DECLINE, ask.actor, outcome, note):
            return render_decided(self.reread(row), row.plan.command)
        return None

    def retract(self, row: Shown, ask: Ask) -> None:
        """Its message was edited or deleted by who said it, which is nothing to go on for what has been confirmed."""
        if row.requested_by == ask.actor and row.state in UNDECIDED:
            why = f"the message that asked for it was {ask.text}"
            event = Event.DECLINE if row.state is State.PROPOSED else Event.CANCEL
            self._rows.end(row.id, event, ask.actor, Outcome(summary=_nothing(row), cause=why))

    def withdraw(self, row: Shown, ask: Ask) -> Reply | None:
        """Take back what awaits approval, or its time; who may do so has been asked. None: the updated card is it."""
        when = "its time came" if row.state is State.SCHEDULED else "it was approved"
        outcome = Outcome(summary=f"withdrawn before {when}; {_nothing(row)}")
        if not self._rows.end(row.id, Event.CANCEL, ask.actor, outcome, while_in=row.state):
            return render_decided(self.reread(row), row.plan.command)
        return None

    def reread(self, row: Shown) -> Shown:
        found = self._store.find_shown(row.id)
        assert found is not None  # rows are never deleted
        return found

    def _expire(self, row: Shown, outcome: Outcome) -> Reply:
        if not self._rows.end(row.id, Event.EXPIRE, outcome=outcome):
            return render_decided(self.reread(row), row.plan.command)
        return render_overtaken(row, row.plan.command, outcome)


def _refuse_uncounted(row: Shown, given: Given, counts: tuple[Count, ...]) -> None:
    """An approval that counts for nothing would only look like one."""
    if not counts or any(given.by in one.by for one in counts):
        return
    names = render_list([one.name for one in counts])
    own = given.by == row.requested_by
    raise Refused(
        f"you asked for {row.id} yourself" if own else f"your approval of {row.id} would count for nothing",
        needed=f"approval by others ({names})" if own else f"one of those whose approval {names} asks for",
        hint=f"`status {row.id}` shows who has approved it",
        private=True,
    )


def _render_second(row: Shown) -> Reply:
    if row.state is not State.AWAITING_APPROVAL:
        return render_decided(row, row.plan.command)
    missing = render_count(sum(one.missing for one in row.counts), "approval")
    return Reply(title=(f"you have approved {row.id} before; {missing} missing",), private=True, mark=Mark.WARNING)


def _overtaken(row: Shown, differences: tuple[str, ...]) -> Outcome:
    return Outcome(
        summary=f"what was offered is no longer so; {_nothing(row)}",
        cause=render_list(differences),
        remedy=row.plan.command,
    )


def _nothing(row: Shown) -> str:
    return "nothing was changed" if isinstance(row, HostChange) else "nothing was started"
