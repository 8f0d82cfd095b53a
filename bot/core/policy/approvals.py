"""Approvals N of M: what a plan needs, and whether those that were given meet it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.core.approval import Count, Given
from bot.core.estate import Frozen
from bot.core.names import UserId
from bot.core.policy.decide import decide
from bot.core.policy.model import Approval, Groups, Level, Policy, Target, Where


class Wanted(Frozen):
    """What has to be approved.

    Attributes:
        local: when it is confirmed, in the time zone of the hours.
        vms: how many VMs it moves.
    """

    action: str
    targets: tuple[Target, ...]
    vms: int
    digest: str
    requester: UserId
    local: datetime


def find_needed(policy: Policy, wanted: Wanted) -> tuple[Approval, ...]:
    """Every approval of the policy that this touches."""
    return tuple(one for one in policy.approvals if _is_needed(policy, one, wanted))


def _is_needed(policy: Policy, approval: Approval, wanted: Wanted) -> bool:
    if approval.on.actions and wanted.action not in approval.on.actions:
        return False
    if approval.more_than and wanted.vms <= approval.more_than:
        return False
    if approval.outside and any(policy.hours[name].hold(wanted.local) for name in approval.outside):
        return False
    return not approval.on.limits_targets or any(approval.on.touches(target) for target in wanted.targets)


def count(
    policy: Policy, groups: Groups, wanted: Wanted, given: Sequence[tuple[Given, Where]] = ()
) -> tuple[Count, ...]:
    """For every approval that is needed, who counts now: who may still approve it, and has approved this very plan.

    Args:
        given: with where and when each was given, in the time zone of the hours.
    """
    able = [
        one.by
        for one, where in given
        if one.digest == wanted.digest
        and decide(policy, groups, where, wanted.action, wanted.targets, Level.APPROVE).allowed
    ]
    return tuple(
        Count(
            name=needed.name,
            needed=needed.needed,
            of=tuple(sorted(needed.of)),
            requester=needed.requester,
            by=tuple(dict.fromkeys(one for one in able if counts_for(needed, groups, wanted.requester, one))),
        )
        for needed in find_needed(policy, wanted)
    )


def counts_for(approval: Approval, groups: Groups, requester: UserId, person: UserId) -> bool:
    """Whether this person, who may approve, is one of those whose approval counts for it."""
    if person == requester and not approval.requester:
        return False
    return not approval.of or groups.has(approval.of, person)
