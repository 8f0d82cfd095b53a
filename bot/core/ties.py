"""What ties virtual machines of a cluster together or keeps them apart, whichever way the cluster says it.

A tie that only asks for another node than the others' is hard where the cluster enforces it. One that asks for the same
node never is: of two VMs that belong together, one has to move first. Fault domains are not read: that two nodes differ
is all that is known of them, and one node is surely in one domain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.core.affinity import RuleType
from bot.core.estate import Cluster

_CLASS, _RULE = "the anti-affinity class", "the affinity rule"
OF_CLUSTERS = (_CLASS, _RULE)
"""What the name of a tie begins with."""
_APART = frozenset({RuleType.DIFFERENT_NODE, RuleType.DIFFERENT_FAULT_DOMAIN})
_OF_DOMAINS = frozenset({RuleType.SAME_FAULT_DOMAIN, RuleType.DIFFERENT_FAULT_DOMAIN})


@dataclass(frozen=True)
class Tie:
    """
    Attributes:
        what: "the affinity rule web of HVC1".
        members: names of roles or, once they are known, ids of VMs.
        apart: no two of them on one node; else all of them on one.
        hard: whether it is to be kept at any cost.
        domains: it speaks of fault domains, so nodes alone do not tell whether it is kept.
    """

    what: str
    members: frozenset[str]
    apart: bool
    hard: bool = False
    domains: bool = False


def ties_of(cluster: Cluster) -> tuple[Tie, ...]:
    """Classes of anti-affinity, then rules that are enabled; members are names of roles."""
    return (*_classes(cluster), *_rules(cluster))


def by_vm(ties: Sequence[Tie], ids: Mapping[str, str]) -> tuple[Tie, ...]:
    """With the ids of VMs. Args: ids: by the names of their roles; a role of no known VM is left out."""
    known = (replace(tie, members=frozenset(ids[name] for name in tie.members if name in ids)) for tie in ties)
    return tuple(tie for tie in known if len(tie.members) > 1)


def _classes(cluster: Cluster) -> Iterator[Tie]:
    members: dict[str, set[str]] = {}
    for group in cluster.groups:
        for name in group.apart:
            members.setdefault(name, set()).add(group.name)
    for name, roles in members.items():
        if len(roles) > 1:
            what = f"{_CLASS} {name} of {cluster.name}"
            yield Tie(what, frozenset(roles), apart=True, hard=cluster.enforces_apart)


def _rules(cluster: Cluster) -> Iterator[Tie]:
    roles = {group.name for group in cluster.groups}
    for rule in cluster.rules or ():
        members = frozenset(roles.intersection(rule.groups))
        if rule.enabled and len(members) > 1 and rule.type in list(RuleType):
            apart = rule.type in _APART
            yield Tie(
                f"{_RULE} {rule.name} of {cluster.name}",
                members,
                apart=apart,
                hard=apart and not rule.soft,
                domains=rule.type in _OF_DOMAINS,
            )
