"""What a policy is made of. Frozen data: rules that grant, approvals that some plans need, and hours of the week.

Rules only ever grant: what no rule grants is not allowed, so the order of rules means nothing, and one more rule takes
nothing away. Approvals only ever ask for more. Names in it are exact ids of people and groups, never display names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, time
from enum import StrEnum
from functools import lru_cache

from bot.core.estate import Frozen
from bot.core.names import UserId
from bot.core.policy.outside import ADMISSIBLE, Bar, Mark, find_bar
from bot.core.storage import is_below
from bot.core.wording import render_list

DIRECT = "direct"
"""Stands among channels for any direct message with Ferry."""

SIMPLE = "slack."
"""So begin the names of the rules that `allow` and `operators` stand for."""


class Level(StrEnum):
    """What a rule lets people do. Each of the others includes looking; operating includes running."""

    LOOK = "look"  # ask, and read what is under way
    RUN = "run"  # offer, confirm, decline offers, cancel and pause what they asked for themselves
    APPROVE = "approve"  # approve and decline what waits for approval
    OPERATE = "operate"  # also cancel and pause what others asked for, and close what needs attention


INCLUDES: Mapping[Level, frozenset[Level]] = {
    Level.LOOK: frozenset({Level.LOOK}),
    Level.RUN: frozenset({Level.LOOK, Level.RUN}),
    Level.APPROVE: frozenset({Level.LOOK, Level.APPROVE}),
    Level.OPERATE: frozenset({Level.LOOK, Level.RUN, Level.OPERATE}),
}


class Target(Frozen):
    """What one move, or one preparation, touches.

    Attributes:
        vm: its name; empty where no VM is touched.
        hosts: every host that it changes.
        clusters: of those hosts; None: not known of one of them.
        paths: folders that it puts files into.
    """

    vm: str = ""
    tags: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    clusters: frozenset[str] | None = frozenset()
    paths: tuple[str, ...] = ()


class Scope(Frozen):
    """On what: every list that is given has to fit; what is left empty fits everything.

    Attributes:
        actions: like "vm.migrate".
        vms, hosts: names, where `*` stands for any characters.
        storage: folders; what lies below one is in it.
    """

    actions: frozenset[str] = frozenset()
    vms: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    hosts: tuple[str, ...] = ()
    clusters: frozenset[str] = frozenset()
    storage: tuple[str, ...] = ()

    def find_misses(self, target: Target) -> tuple[str, ...]:
        """For granting: why it does not cover all of the target; empty: it does. What is not known is not covered."""
        return tuple(self._find_misses(target))

    def _find_misses(self, target: Target) -> Iterator[str]:
        named = target.vm or "a host"
        if self.vms and not matches(self.vms, target.vm):
            yield f"is for VMs called {render_list(self.vms)}, and {named} is none"
        if self.tags and not self.tags & target.tags:
            yield f"is for VMs tagged {render_list(sorted(self.tags))}, and {named} is none"
        if self.hosts and (outside := [host for host in sorted(target.hosts) if not matches(self.hosts, host)]):
            yield f"does not cover {render_list(outside)}"
        if self.clusters and not (target.clusters and self._clusters >= {one.casefold() for one in target.clusters}):
            yield f"is for the cluster {render_list(sorted(self.clusters), last='or')}"
        if self.storage and (strays := self._find_strays(target.paths)):
            yield f"does not cover storage in {render_list(strays)}"

    def touches(self, target: Target) -> bool:
        """For asking for approval: whether any of it lies within. What is not known may lie within."""
        clusters = target.clusters
        return (
            (not self.vms or matches(self.vms, target.vm))
            and (not self.tags or bool(self.tags & target.tags))
            and (not self.hosts or any(matches(self.hosts, host) for host in target.hosts))
            and (not self.clusters or clusters is None or any(name.casefold() in self._clusters for name in clusters))
            and (not self.storage or len(self._find_strays(target.paths)) < len(target.paths))
        )

    @property
    def limits_targets(self) -> bool:
        return bool(self.vms or self.tags or self.hosts or self.clusters or self.storage)

    @property
    def _clusters(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self.clusters)

    def _find_strays(self, paths: Iterable[str]) -> list[str]:
        return [path for path in paths if not any(is_below(path, folder) for folder in self.storage)]


class Hours(Frozen):
    """Hours of the week, in the time zone that all hours are in. `ends` before `begins`: over midnight.

    Attributes:
        days: 0 is Monday; of the beginning, where it goes over midnight.
    """

    days: frozenset[int]
    begins: time
    ends: time

    def hold(self, local: datetime) -> bool:
        at, day = local.time(), local.weekday()
        if self.begins <= self.ends:
            return day in self.days and self.begins <= at < self.ends
        return (day in self.days and at >= self.begins) or ((day - 1) % 7 in self.days and at < self.ends)


class Rule(Frozen):
    """
    Attributes:
        name: as the settings call it.
        who: ids of people (U…, W…) and of user groups (S…).
        channels: ids, or `DIRECT`; empty: anywhere.
        hours: names; it grants in any of them; empty: always.
    """

    name: str
    who: frozenset[str]
    may: frozenset[Level]
    on: Scope = Scope()
    channels: frozenset[str] = frozenset()
    hours: tuple[str, ...] = ()

    def includes(self, level: Level) -> bool:
        return any(level in INCLUDES[one] for one in self.may)


class Approval(Frozen):
    """Approvals that a plan needs after its confirmation, if it touches this.

    Attributes:
        needed: by so many different people.
        of: who they may be, ids of people and groups; empty: whoever has a rule to approve it.
        requester: whether who asked for it may be one of them.
        more_than: only plans of more VMs than this.
        outside: only outside of all these hours; empty: always.
    """

    name: str
    needed: int = 1
    of: frozenset[str] = frozenset()
    requester: bool = False
    on: Scope = Scope()
    more_than: int = 0
    outside: tuple[str, ...] = ()


class Policy(Frozen):
    """
    Attributes:
        hours: by the names that rules and approvals use.
        windows: names of those that are for changes: what "the next window" means.
    """

    rules: tuple[Rule, ...] = ()
    approvals: tuple[Approval, ...] = ()
    hours: Mapping[str, Hours] = {}
    windows: tuple[str, ...] = ()

    @property
    def groups(self) -> frozenset[str]:
        """Ids of the user groups that it names."""
        named = [*(rule.who for rule in self.rules), *(approval.of for approval in self.approvals)]
        return frozenset(one for who in named for one in who if is_group(one))


def simple(allow: Iterable[str] = (), operators: Iterable[str] = ()) -> tuple[Rule, ...]:
    """The rules that `allow` and `operators` under `[slack]` stand for."""
    given = (
        (f"{SIMPLE}allow", frozenset(allow), Level.RUN),
        (f"{SIMPLE}operators", frozenset(operators), Level.OPERATE),
    )
    return tuple(Rule(name=name, who=who, may=frozenset({level, Level.APPROVE})) for name, who, level in given if who)


class Groups(Frozen):
    """What chat says of people and channels: who is in the user groups, and who is not of one's own; as far as that is
    known and fresh enough to go by.

    Attributes:
        unknown: by group, why its members are not known; nobody counts as a member of such a group.
        marks: of whomever, and whichever channel, chat was asked about.
        admitted: what settings admit although it is not of one's own.
        trusting: see `find_bar`.
    """

    members: Mapping[str, frozenset[UserId]] = {}
    unknown: Mapping[str, str] = {}
    marks: Mapping[str, frozenset[Mark]] = {}
    admitted: frozenset[Mark] = ADMISSIBLE
    trusting: bool = False

    def find_bar(self, *whom: str) -> Bar | None:
        """Why these people and channels may not take part in a change; None: rules decide."""
        bars = (find_bar(self.marks, self.admitted, one, trusting=self.trusting) for one in whom)
        return next(filter(None, bars), None)

    def has(self, who: frozenset[str], person: UserId) -> bool:
        return person in who or any(person in self.members.get(group, ()) for group in who)

    def people(self, who: frozenset[str]) -> frozenset[str]:
        """Every person among these ids."""
        found = {one for one in who if not is_group(one)}
        return frozenset(found.union(*(self.members.get(one, frozenset()) for one in who)))


class Where(Frozen):
    """Who says something, where, and when that is in the time zone of the hours."""

    actor: UserId
    channel: str
    local: datetime

    @property
    def direct(self) -> bool:
        """Ids of direct messages begin with D (Slack, "Conversations API": conversation types); a person's own id
        stands for theirs, where no channel was named (Slack, chat.postMessage: "channel").
        """
        return self.channel.startswith(("D", "U", "W"))


class Verdict(Frozen):
    """
    Attributes:
        reason: what was seen; true of a yes as well, because the journal keeps it.
        needed: for a no, what would have to be true.
        hint: for a no, what to do about it.
        barred: rules grant it, and it is refused for who or where it is.
    """

    allowed: bool
    reason: str
    needed: str = ""
    hint: str = ""
    barred: bool = False


def is_group(who: str) -> bool:
    """Ids of user groups begin with S (Slack, "usergroups.list")."""
    return who.startswith("S")


def matches(patterns: tuple[str, ...], name: str) -> bool:
    return any(_compile(pattern).fullmatch(name.casefold()) for pattern in patterns)


def may_match_one(one: str, other: str) -> bool:
    """Whether some name fits both patterns."""
    first, second = one.casefold(), other.casefold()
    reached = {(0, 0)}
    ahead = [(0, 0)]
    while ahead:
        here, there = ahead.pop()
        left, right = first[here : here + 1], second[there : there + 1]
        steps = []
        if left == "*":
            steps += [(here + 1, there)] + ([(here, there + 1)] if right else [])
        if right == "*":
            steps += [(here, there + 1)] + ([(here + 1, there)] if left else [])
        if left and left == right:
            steps.append((here + 1, there + 1))
        ahead += [step for step in steps if step not in reached]
        reached.update(steps)
    return (len(first), len(second)) in reached


@lru_cache(maxsize=1000)
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern.casefold()).replace(r"\*", ".*"), re.DOTALL)
