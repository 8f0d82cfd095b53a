"""Which nodes a failover cluster of the settings has, as it said itself when it last answered.

A cluster that gives no answer is unknown, never empty: the nodes that it told of last stay hosts. A node that it no
longer tells of has left, which is said for a day.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from bot.core.estate import Frozen
from bot.core.names import same_computer
from bot.core.reply import Line
from bot.core.wording import render_ago
from bot.errors import Refused

SAID_FOR = timedelta(days=1)
"""How long it is said that a node has left."""


class Told(Frozen):
    """What a cluster tells of itself. Never without a node."""

    name: str
    domain: str
    nodes: tuple[str, ...]  # as it calls them: NetBIOS names


class Left(Frozen):
    node: str
    at: datetime


class Membership(Frozen):
    """
    Attributes:
        cluster: the settings' name of it.
        name: what it calls itself; empty: it has never answered.
        failure: why it gave no answer when it was asked last; empty: it did.
    """

    cluster: str
    name: str = ""
    domain: str = ""
    nodes: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()
    answered_at: datetime | None = None
    failure: str = ""

    @property
    def known(self) -> bool:
        return self.answered_at is not None

    @property
    def title(self) -> str:
        return self.name or self.cluster


def learn(before: Membership, told: Told, at: datetime) -> Membership:
    """What is known once it has answered."""
    gone = tuple(Left(node=node, at=at) for node in before.nodes if node not in told.nodes)
    lately = tuple(one for one in before.left if one.node not in told.nodes and at - one.at < SAID_FOR)
    return Membership(
        cluster=before.cluster,
        name=told.name,
        domain=told.domain,
        nodes=told.nodes,
        left=(*lately, *gone),
        answered_at=at,
    )


def newer(one: Membership, other: Membership) -> Membership:
    """Whichever rests on the later answer: of two processes, one may reach a cluster that the other does not."""
    if other.answered_at is None or (one.answered_at is not None and one.answered_at >= other.answered_at):
        return one
    return other.model_copy(update={"failure": one.failure})


def render_news(before: Membership, after: Membership) -> tuple[str, ...]:
    """What has changed between two answers; nothing for the first."""
    if not before.known:
        return ()
    return (
        *(f"{node.lower()} has joined {after.title}" for node in after.nodes if node not in before.nodes),
        *(f"{node.lower()} is no longer a node of {after.title}" for node in before.nodes if node not in after.nodes),
    )


def render_memberships(memberships: Sequence[Membership], hosts: Collection[str], now: datetime) -> tuple[Line, ...]:
    """What a list of hosts does not show by itself: nodes that have left, and clusters that give no answer.

    Args:
        hosts: Ferry's names of those that there are now.
    """
    lines: list[Line] = []
    for one in memberships:
        if one.failure:
            since = "it has not answered yet, so its nodes are unknown"
            if one.answered_at is not None:
                since = f"its nodes are those of {render_ago(one.answered_at, now)}"
            lines.append((f"cluster {one.title} gives no answer: {one.failure}; {since}",))
        lines += [
            (_departed(one, left, now),)
            for left in one.left
            if now - left.at < SAID_FOR and not any(same_computer(left.node, host) for host in hosts)
        ]
    return tuple(lines)


def refuse_departed(memberships: Sequence[Membership], said: str, now: datetime) -> None:
    """
    Raises:
        Refused: the host that is meant was a node of a cluster, and is none any more.
    """
    for one in memberships:
        for left in one.left:
            if same_computer(left.node, said):
                raise Refused(
                    _departed(one, left, now),
                    needed=f"a node of {one.title}, or a host with a table of its own in the settings",
                    hint="`hosts` lists the hosts that Ferry knows now",
                )


def _departed(one: Membership, left: Left, now: datetime) -> str:
    said = render_ago(left.at, now)
    return f"{left.node.lower()} is no longer a node of {one.title}, which said so {said}; Ferry looks after it no more"
