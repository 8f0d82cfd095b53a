"""How a failover cluster is shown: nodes, roles that need a look, shared volumes, limits. Values in, a reply out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bot.core.affinity import AffinityRule, RuleType
from bot.core.estate import Cluster, GroupState, SharedVolume
from bot.core.membership import Membership
from bot.core.reply import Line, Mark, Note, Part, Reply, Strong, Table, Text
from bot.core.wording import (
    render_count,
    render_drain,
    render_group_state,
    render_list,
    render_node_state,
    render_share,
)
from bot.errors import Refused

_MOST_ROLES = 8
_KEEPS: dict[int, str] = {
    RuleType.SAME_FAULT_DOMAIN: "in one fault domain",
    RuleType.SAME_NODE: "on one node",
    RuleType.DIFFERENT_FAULT_DOMAIN: "in different fault domains",
    RuleType.DIFFERENT_NODE: "on different nodes",
}
_SETTLED = frozenset({GroupState.ONLINE, GroupState.OFFLINE})


def render_clusters(clusters: Sequence[Cluster]) -> Reply:
    """One cluster is the answer's title; several are told one below the other."""
    if len(clusters) == 1:
        return Reply(title=_title(clusters[0]), parts=_parts(clusters[0]))
    return Reply(
        title=(Strong(text=render_count(len(clusters), "cluster")),),
        parts=tuple(part for one in clusters for part in (Text(lines=(_title(one),)), *_parts(one))),
    )


def name_of(memberships: Sequence[Membership], said: str) -> str:
    """What a cluster calls itself, by whatever the settings call it."""
    return next((one.name for one in memberships if one.name and one.cluster == said.lower()), said)


def refuse_unknown(name: str, known: Sequence[str], silent: Sequence[str]) -> Refused:
    """
    Args:
        name: of the cluster that was asked for; empty: any.
        silent: hosts that gave no answer, so that it may be theirs.
    """
    called = f" called {name}" if name else ""
    there = f"; Ferry knows {render_list(known)}" if known else ""
    missed = f"; {render_list(silent)} {'gives' if len(silent) == 1 else 'give'} no answer" if silent else ""
    return Refused(
        f"no host that answers is a node of a cluster{called}{there}{missed}",
        needed="a failover cluster with one of its nodes among Ferry's hosts",
        hint="`cluster` shows those that Ferry knows" if known else "`hosts` shows which hosts answer",
    )


def _title(one: Cluster) -> Line:
    nodes, roles = render_count(len(one.nodes), "node"), render_count(len(one.groups), "VM")
    return (Strong(text=f"Cluster {one.name}"), f": {nodes}, {roles}")


def _parts(one: Cluster) -> tuple[Part, ...]:
    owned = Counter(group.owner.casefold() for group in one.groups)
    nodes = tuple(
        (node.name.lower(), _join(render_node_state(node.state), render_drain(node.drain)), str(owned[key]))
        for node in one.nodes
        for key in (node.name.casefold(),)
    )
    noted = _noted(one)
    return (
        Table(columns=("Node", "State", "VMs"), rows=nodes),
        *([Text(lines=tuple(noted), mark=Mark.WARNING)] if noted else []),
        *([Table(columns=("Shared volume", "Free"), rows=tuple(map(_volume, one.volumes)))] if one.volumes else []),
        *([Table(columns=("Affinity rule", "Keeps", "Roles"), rows=tuple(map(_rule, one.rules)))] if one.rules else []),
        Note(line=(_limits(one),)),
    )


def _join(*parts: str) -> str:
    return " · ".join(filter(None, parts))


def _volume(volume: SharedVolume) -> tuple[str, str]:
    if volume.free_bytes is None or volume.size_bytes is None:
        return volume.path, "?"
    return volume.path, render_share(volume.free_bytes, volume.size_bytes)


def _rule(rule: AffinityRule) -> tuple[str, ...]:
    keeps = _KEEPS.get(rule.type, f"something unknown (type {rule.type})")
    how = ", if it can be" if rule.soft else ""
    return rule.name, keeps + how if rule.enabled else f"{keeps}{how} · not enabled", render_list(list(rule.groups))


def _noted(one: Cluster) -> list[Line]:
    """Roles that wait for their move, or are neither online nor off."""
    lines: list[Line] = [
        (f"{group.name} waits in the cluster's queue to move",) for group in one.groups if group.queued
    ]
    lines += [
        (f"{group.name} on {group.owner.lower()} is {render_group_state(group.state)}",)
        for group in one.groups
        if group.state not in _SETTLED and not group.queued
    ]
    more = len(lines) - _MOST_ROLES
    return [*lines[:_MOST_ROLES], (f"and {more} more",)] if more > 0 else lines


def _limits(one: Cluster) -> str:
    limit = "the nodes' own limits on live migrations are in force"
    if one.live_limit is not None:
        limit = f"{render_count(one.live_limit, 'live migration')} at a time on each node, whatever it allows itself"
    rules = " · affinity rules are not known" if one.rules is None else ""
    return f"{limit} · anti-affinity is {'enforced' if one.enforces_apart else 'kept where possible'}{rules}"
