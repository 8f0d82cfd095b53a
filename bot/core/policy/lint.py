"""What a policy says that cannot be meant: rules that never match, groups that do not exist, approvals that nobody can
give. Each problem names its place in the settings and what to do there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bot.core.estate import Frozen
from bot.core.names import UserId
from bot.core.policy.decide import NAMED, PLANNED
from bot.core.policy.model import DIRECT, Approval, Groups, Level, Policy, Rule, Scope, is_group, matches, may_match_one
from bot.core.policy.outside import ADMISSIBLE, Mark, Marks
from bot.core.wording import render_count, render_list

_OF_HOSTS = frozenset({"host.prepare", "host.maintain"})
"""Actions that touch a host itself: no rule lets people do them that is limited to VMs."""
_OF_NO_VM = frozenset({"host.prepare"})
_OF_MANY = frozenset({"host.evacuate", "host.maintain"})


class Problem(Frozen):
    """
    Attributes:
        place: like "rules.movers.tags".
    """

    place: str
    saw: str
    remedy: str


@dataclass(frozen=True)
class Known:
    """What the policy is held against.

    Attributes:
        hosts: names in the settings.
        tags: what VMs are called that have them, with `*` for any characters, by tag.
        members: of the user groups, by id, as Slack has them; a group that is missing does not exist. None: Slack was
            not asked.
        marks: of people and channels that the policy names, as Slack has them.
        admitted: what the settings admit of these.
        all_hosts: there are no others; where clusters tell which hosts they have, a name that is not known may be one.
    """

    hosts: tuple[str, ...]
    tags: Mapping[str, tuple[str, ...]]
    members: Mapping[str, frozenset[UserId]] | None = None
    all_hosts: bool = True
    marks: Marks = field(default_factory=dict)
    admitted: frozenset[Mark] = ADMISSIBLE

    @property
    def groups(self) -> Groups:
        return Groups(members=self.members or {}, marks=self.marks, admitted=self.admitted, trusting=True)

    def bars(self, one: str) -> str:
        """Why that person or channel takes part in no change; empty: nothing is known against it."""
        bar = self.groups.find_bar(one)
        return bar.reason if bar else ""


def lint(policy: Policy, known: Known) -> tuple[Problem, ...]:
    """Everything that is wrong with it; empty: nothing that can be seen from here."""
    return tuple(_lint(policy, known))


def _lint(policy: Policy, known: Known) -> Iterator[Problem]:
    for rule in policy.rules:
        place = f"rules.{rule.name}"
        yield from _lint_who(f"{place}.who", rule.who, known)
        yield from _lint_scope(place, rule.on, known, _OF_HOSTS)
        yield from _lint_hours(f"{place}.hours", rule.hours, policy)
        yield from _lint_outside(place, rule, known)
        if rule.may == {Level.LOOK} and (rule.on != Scope()):
            saw = "it lets people look, which is limited by no name"
            yield Problem(place=place, saw=saw, remedy="leave out the names, or let it grant more than look")
    for approval in policy.approvals:
        place = f"approvals.{approval.name}"
        yield from _lint_scope(place, approval.on, known, _OF_NO_VM)
        yield from _lint_hours(f"{place}.outside", approval.outside, policy)
        if approval.of:
            yield from _lint_who(f"{place}.of", approval.of, known)
        yield from _lint_givers(policy, approval, known)
        if approval.more_than and approval.on.actions and not _OF_MANY & approval.on.actions:
            saw = "only evacuations and drains have more than one VM, and `actions` leaves them out"
            yield Problem(place=f"{place}.more_than", saw=saw, remedy='add "host.evacuate" to its actions')
    yield from _lint_hours("policy.windows", policy.windows, policy)
    for name, hours in policy.hours.items():
        if not hours.days or hours.begins == hours.ends:
            saw = "these hours have no length"
            yield Problem(place=f"hours.{name}", saw=saw, remedy="give them days, and an end that is not the beginning")


def _lint_who(place: str, who: frozenset[str], known: Known) -> Iterator[Problem]:
    groups = sorted(one for one in who if is_group(one))
    if known.members is not None:
        for group in groups:
            if group not in known.members:
                remedy = "take the id from the group's menu in Slack (Copy group ID)"
                yield Problem(place=place, saw=f"there is no user group {group} in this workspace", remedy=remedy)
    if not who:
        yield Problem(place=place, saw="it names nobody", remedy="name user ids or user groups, or remove it")
    elif known.members is not None and all(one in known.members for one in groups) and not known.groups.people(who):
        yield Problem(place=place, saw="nobody is in what it names", remedy="add people to the group, or remove it")


def _lint_outside(place: str, rule: Rule, known: Known) -> Iterator[Problem]:
    """A rule that lets nobody change anything: all whom it names are outside, or all channels are."""
    if rule.may == {Level.LOOK}:
        return
    people = [known.bars(one) for one in sorted(rule.who)]
    if people and all(people):
        remedy = "name others, or let it grant look alone; `admit` under [policy] admits guests and strangers"
        yield Problem(place=f"{place}.who", saw=f"it grants nothing to whom it names: {people[0]}", remedy=remedy)
    channels = [known.bars(one) for one in sorted(rule.channels - {DIRECT})]
    if channels and all(channels) and DIRECT not in rule.channels:
        remedy = 'name a channel of your own, or admit "shared-channels" under [policy]'
        yield Problem(place=f"{place}.channels", saw=f"it grants nothing there: {channels[0]}", remedy=remedy)


def _lint_scope(place: str, scope: Scope, known: Known, of_hosts: frozenset[str]) -> Iterator[Problem]:
    for tag in sorted(scope.tags - known.tags.keys()):
        yield Problem(place=f"{place}.tags", saw=f"[tags] does not have {tag!r}", remedy="add it under [tags]")
    tagged = [pattern for tag in scope.tags for pattern in known.tags.get(tag, ())]
    if scope.vms and tagged and not any(may_match_one(vm, tag) for vm in scope.vms for tag in tagged):
        saw = f"it can never match: no VM called {render_list(scope.vms, last='or')} has its tags"
        yield Problem(place=place, saw=saw, remedy="name VMs that have the tag, or leave out one of vms and tags")
    for pattern in scope.hosts if known.all_hosts else ():
        if not any(matches((pattern,), host) for host in known.hosts):
            saw = f"no host of the settings is called {pattern!r}"
            yield Problem(place=f"{place}.hosts", saw=saw, remedy=f"one of {render_list(known.hosts, last='or')}")
    actions = NAMED if place.startswith("rules.") else PLANNED  # nobody approves a freeze
    if unknown := sorted(scope.actions - actions):
        listed = render_list(sorted(actions), most=len(actions))
        saw, remedy = f"there is no action {unknown[0]!r}", f"take some of {listed}"
        yield Problem(place=f"{place}.actions", saw=saw, remedy=remedy)
    elif scope.actions and scope.actions <= of_hosts and (scope.vms or scope.tags or scope.storage):
        saw = f"it can never match: {render_list(sorted(scope.actions))} is not about VMs alone"
        yield Problem(place=place, saw=saw, remedy="leave out vms, tags and storage")


def _lint_hours(place: str, names: tuple[str, ...], policy: Policy) -> Iterator[Problem]:
    for name in names:
        if name not in policy.hours:
            yield Problem(place=place, saw=f"there are no hours {name!r}", remedy=f"add them as [hours.{name}]")


def _lint_givers(policy: Policy, approval: Approval, known: Known) -> Iterator[Problem]:
    """Whether enough people can give it. Where groups are not known, that cannot be said."""
    place = f"approvals.{approval.name}"
    able = [rule for rule in policy.rules if rule.includes(Level.APPROVE) and _may_meet(rule.on, approval.on, known)]
    named = [*(rule.who for rule in able), approval.of]
    if known.members is None and any(is_group(one) for who in named for one in who):
        return
    givers = known.groups.people(frozenset[str]().union(*(rule.who for rule in able)))
    givers = frozenset(one for one in givers if not known.bars(one))
    if approval.of:
        givers &= known.groups.people(approval.of)
    askers = known.groups.people(
        frozenset[str]().union(*(rule.who for rule in policy.rules if rule.includes(Level.RUN)))
    )
    best = max((len(givers - ({asker} if not approval.requester else set())) for asker in askers), default=len(givers))
    if best < approval.needed:
        excluded = "" if approval.requester else ", who asked not counted"
        yield Problem(
            place=place,
            saw=f"it needs {render_count(approval.needed, 'person', 'people')}, and {best} may give it{excluded}",
            remedy='let more people approve (may = ["approve"] in a rule), or need fewer',
        )


def _may_meet(granted: Scope, asked: Scope, known: Known) -> bool:
    """Whether a plan that needs the approval may lie within what the rule covers, as far as names tell."""
    if granted.actions and asked.actions and not granted.actions & asked.actions:
        return False
    if not granted.hosts or not asked.hosts or not known.all_hosts:
        return True
    return any(matches(granted.hosts, host) for host in known.hosts if matches(asked.hosts, host))
