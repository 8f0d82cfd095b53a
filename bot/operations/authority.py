"""Asks the policy, with all that it takes to answer: what chat says of groups, people and channels, tags, clusters, and
the time where the hours are. The only place where the shell asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, tzinfo

from bot.core.approval import Count, Given
from bot.core.estate import Estate
from bot.core.holds.model import Held
from bot.core.lifecycle import State
from bot.core.names import UserId
from bot.core.policy import (
    AnyPlan,
    Facts,
    Groups,
    Level,
    Policy,
    Question,
    Verdict,
    Wanted,
    Where,
    count,
    count_vms,
    decide,
    decide_over,
    level_of,
    render_why,
    target_of_hold,
    targets_of,
)
from bot.core.reply import Reply
from bot.core.shown import Shown
from bot.operations.store import Store
from bot.ports import Clock

Counting = Callable[[Sequence[Given]], tuple[Count, ...]]
"""How the approvals that are needed stand, with these given."""

Learn = Callable[[Iterable[str]], bool]
"""Asks chat about people and channels of whom nothing fresh is known; whether any were asked about."""


def learn_nothing(_: Iterable[str]) -> bool:
    """Of a process that does not hear chat: it goes by what the others have written."""
    return False


NO_FACTS = Facts(tags_of=lambda _: frozenset(), cluster_of=lambda _: None)


def read_facts(tags_of: Callable[[str], frozenset[str]], estate: Callable[[], Estate], store: Store) -> Facts:
    """Clusters as this process has seen them, else as another one did: a worker looks at the hosts of its sites alone,
    and after a start at none yet.
    """

    def cluster_of(name: str) -> str | None:
        seen = estate().on(name)
        return seen.info.cluster if seen is not None and seen.info is not None else store.cluster_of(name)

    return Facts(tags_of=tags_of, cluster_of=cluster_of)


class Authority:
    """Thread-safe; holds no state of its own.

    Args:
        groups: who is in the user groups, and who is not of one's own, now; may read the database.
        learn: waits for chat's answers, so it is asked only where rules would let people change something.
        zone: in which the policy's hours are.
    """

    def __init__(
        self,
        policy: Policy,
        clock: Clock,
        facts: Facts = NO_FACTS,
        groups: Callable[[], Groups] = Groups,
        zone: tzinfo = UTC,
        learn: Learn = learn_nothing,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._facts = facts
        self._groups = groups
        self._learn = learn
        self.zone = zone

    def decide(self, actor: UserId, channel: str, action: str, plan: AnyPlan | None = None) -> Verdict:
        """Whether a person may do this there, now; with a plan: to all that it touches."""
        targets = None if plan is None else targets_of(plan, self._facts)
        where = self._where(actor, channel)
        return self._ask(where, lambda groups: decide(self._policy, groups, where, action, targets), level_of(action))

    def decide_over(self, actor: UserId, channel: str, action: str, row: Shown) -> Verdict:
        """Whether a person may do this to an operation there, now."""
        targets = targets_of(row.plan, self._facts)
        where = self._where(actor, channel)

        def ask(groups: Groups) -> Verdict:
            return decide_over(self._policy, groups, where, action, row, row.plan.action, targets)

        return self._ask(where, ask, level_of(action))

    def awaits(self, actor: UserId, channel: str, row: Shown) -> bool:
        """Whether an operation goes on, or nearer to it, once this person agrees to it there, now."""
        if row.state is State.PROPOSED:
            return self.decide_over(actor, channel, "operation.confirm", row).allowed
        if row.state is not State.AWAITING_APPROVAL or any(actor in one.by for one in row.counts):
            return False
        given = Given(by=actor, channel=channel, at=self._clock.now(), digest=row.plan.digest)
        counts = self.counting(row.plan, row.requested_by, row.confirmed_at)((given,))
        permitted = self.decide_over(actor, channel, "operation.approve", row).allowed
        return permitted and any(actor in one.by for one in counts)

    def decide_hold(self, actor: UserId, channel: str, action: str, held: Held, level: Level | None = None) -> Verdict:
        """Whether a person may make or end a freeze or lock of that there, now."""
        target, where = target_of_hold(held, self._facts), self._where(actor, channel)
        return self._ask(where, lambda groups: decide(self._policy, groups, where, action, (target,), level))

    def counting(self, plan: AnyPlan, requester: UserId, at: datetime | None = None, agreed: str = "") -> Counting:
        """The approvals that a plan needs which is confirmed then, or now: a function of those given, without I/O.

        Args:
            at: what begins later is judged by the hours in which it begins.
            agreed: the digest that approvals name, where the plan was made anew since.
        """
        groups = self._groups()
        wanted = Wanted(
            action=plan.action,
            targets=targets_of(plan, self._facts),
            vms=count_vms(plan),
            digest=agreed or plan.digest,
            requester=requester,
            local=self._local(plan.begins_at or at),
        )
        return lambda given: count(
            self._policy, groups, wanted, [(one, self._where(one.by, one.channel, one.at)) for one in given]
        )

    def find_refusal(
        self, row: Shown, given: Sequence[Given], part: AnyPlan | None = None, at: datetime | None = None
    ) -> str:
        """Why what was confirmed may no longer start; empty: it may.

        Args:
            given: the approvals of it.
            part: the move of an evacuation that is to start; None: all of it.
            at: by whose hours rules are asked; None: when it was confirmed.
        """
        targets = targets_of(part or row.plan, self._facts)

        def ask(where: Where) -> Verdict:
            return self._ask(
                where, lambda groups: decide(self._policy, groups, where, row.plan.action, targets, Level.RUN)
            )

        for person, what in ((row.requested_by, "asked for"), (row.confirmed_by, "confirmed")):
            verdict = ask(self._where(person or UserId(""), row.place.channel, at or row.confirmed_at))
            if not verdict.allowed:
                return f"{person} {what} it, who may not do so any more: {verdict.reason}"
        for one in self.counting(row.plan, row.requested_by, row.confirmed_at, row.agreed)(given):
            if one.missing:
                return f"{one.missing} of {one.needed} approvals are missing now ({one.name})"
        return ""

    def why(self, actor: UserId, channel: str, command: str, action: str, plan: AnyPlan | None) -> Reply:
        """Every rule, and what it says of this."""
        level = Level.OPERATE if action == "operation.close" else level_of(action)
        where = self._where(actor, channel)
        if level is not Level.LOOK:
            self._learn((actor, channel))
        if plan is None:
            return render_why(Question(self._policy, self._groups(), where, action, level), command, None)
        question = Question(self._policy, self._groups(), where, plan.action, level)
        counts = () if level is Level.APPROVE else self.counting(plan, actor)(())
        return render_why(question, command, targets_of(plan, self._facts), counts)

    def _ask(self, where: Where, ask: Callable[[Groups], Verdict], level: Level | None = None) -> Verdict:
        verdict = ask(self._groups())
        if level is Level.LOOK or not (verdict.allowed or verdict.barred):
            return verdict
        learned = self._learn((where.actor, where.channel))
        # Who was barred a moment ago may have been asked about by another thread since: then there is nothing to learn.
        return ask(self._groups()) if learned or verdict.barred else verdict

    def _where(self, actor: UserId, channel: str, at: datetime | None = None) -> Where:
        return Where(actor=actor, channel=channel, local=self._local(at))

    def _local(self, at: datetime | None) -> datetime:
        return (at or self._clock.now()).astimezone(self.zone)
