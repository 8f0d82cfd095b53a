"""The policy that the settings say, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bot.core.later import Calendar
from bot.core.names import UserId
from bot.core.policy import Approval, Hours, Known, Level, Mark, Marks, Policy, Problem, Rule, Scope, lint, simple
from bot.core.wording import render_count
from bot.errors import Refused
from bot.settings import DAYS, ApprovalSettings, RuleSettings, Settings

NOT_ASKED: Marks = MappingProxyType({})


def read_policy(settings: Settings) -> Policy:
    """`allow` and `operators` are two rules like the others."""
    return Policy(
        rules=(
            *simple(settings.slack.allow, settings.slack.operators),
            *(_read_rule(name, given) for name, given in settings.rules.items()),
        ),
        approvals=tuple(_read_approval(name, given) for name, given in settings.approvals.items()),
        hours={
            name: Hours(days=frozenset(map(DAYS.index, given.days)), begins=given.begins, ends=given.ends)
            for name, given in settings.hours.items()
        },
        windows=settings.policy.windows,
    )


def read_calendar(settings: Settings) -> Calendar:
    """When changes may begin that are agreed to for later. The policy is sound: it has the windows that it names."""
    policy = read_policy(settings)
    return Calendar(ZoneInfo(settings.policy.time_zone), {name: policy.hours[name] for name in policy.windows})


def read_admitted(settings: Settings) -> frozenset[Mark]:
    return frozenset(map(Mark, settings.policy.admit))


def find_problems(
    settings: Settings, members: Mapping[str, frozenset[UserId]] | None = None, marks: Marks = NOT_ASKED
) -> tuple[Problem, ...]:
    """
    Args:
        members: of the user groups that exist; None: Slack was not asked.
        marks: of people and channels that are named, as far as Slack was asked.
    """
    hosts = tuple(settings.hosts)
    known = Known(hosts, settings.tags, members, not settings.clusters, marks, read_admitted(settings))
    return lint(read_policy(settings), known)


def render_problems(settings: Settings, problems: Sequence[Problem], *, asked: bool) -> str:
    """
    Args:
        asked: whether Slack told who is in the user groups.
    """
    lines = [f"{one.place}: {one.saw}\n    {one.remedy}" for one in problems]
    if not problems:
        rules, approvals = render_count(len(settings.rules), "rule"), render_count(len(settings.approvals), "approval")
        lines.append(f"Nothing is wrong with {rules} and {approvals}.")
    if not asked:
        lines.append(
            "Slack was not asked for user groups, people and channels: there is no bot token, or it does not answer."
        )
    return "\n".join(lines)


def require_sound(
    settings: Settings, members: Mapping[str, frozenset[UserId]] | None = None, marks: Marks = NOT_ASKED
) -> None:
    """Raises Refused: the policy says something that cannot be meant."""
    if problems := find_problems(settings, members, marks):
        raise Refused(
            "\n".join(f"{one.place}: {one.saw}; {one.remedy}" for one in problems),
            needed="rules and approvals that can be met",
            hint="`ferry policy check` looks at them again",
        )


def _read_rule(name: str, given: RuleSettings) -> Rule:
    return Rule(
        name=name,
        who=frozenset(given.who),
        may=frozenset(map(Level, given.may)),
        on=_read_scope(given),
        channels=frozenset(given.channels),
        hours=given.hours,
    )


def _read_approval(name: str, given: ApprovalSettings) -> Approval:
    return Approval(
        name=name,
        needed=given.needed,
        of=frozenset(given.of),
        requester=given.requester,
        on=_read_scope(given),
        more_than=given.more_than,
        outside=given.outside,
    )


def _read_scope(given: RuleSettings | ApprovalSettings) -> Scope:
    return Scope(
        actions=frozenset(given.actions),
        vms=given.vms,
        tags=frozenset(given.tags),
        hosts=given.hosts,
        clusters=frozenset(given.clusters),
        storage=given.storage,
    )
