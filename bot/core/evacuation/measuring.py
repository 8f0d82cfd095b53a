"""What earlier moves tell: how fast a link is of which the settings say nothing, and how fast a guest writes.

Only moves that had their links to themselves count: two that share one would tell of each other. What is measured is
the move as a whole, so a link is at least as fast as the fastest move over it, and a guest is taken to write only where
its move took clearly longer than its memory needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.schedule import Network

LEAST_BYTES = 2 << 30
"""Smaller moves are mostly set-up."""
_ANY = Network(links={}, default_bytes_s=1)  # for how long set-up and end take
_CLEARLY = 1.25  # how much longer than its memory needs
_MOST = 0.99  # of the link: what writes faster is not told apart from what writes as fast


@dataclass(frozen=True)
class Past:
    """A live migration that succeeded, by what its row says."""

    vm: str
    source: str
    destination: str
    memory_bytes: int
    began: datetime
    ended: datetime


@dataclass(frozen=True)
class Measured:
    """
    Attributes:
        links: usable bytes a second, by host.
        dirty: bytes a second that a guest writes, by VM.
    """

    links: Mapping[str, float] = field(default_factory=dict)
    dirty: Mapping[str, float] = field(default_factory=dict)


def measure(past: Sequence[Past], network: Network) -> Measured:
    """Args: past: newest first. network: what is known without it."""
    alone = list(_alone([one for one in past if one.memory_bytes >= LEAST_BYTES], past, network))
    links: dict[str, float] = {}
    for one, copied_s in alone:
        for host in (one.source, one.destination):
            if host not in network.links:
                links[host] = max(links.get(host, 0.0), one.memory_bytes / copied_s)
    dirty: dict[str, float] = {}
    for one, copied_s in alone:
        ends = (network.links.get(host) or links[host] for host in (one.source, one.destination))
        rate = min(ends)
        slower = copied_s > _CLEARLY * one.memory_bytes / rate
        dirty.setdefault(one.vm, min(_MOST * rate, rate - one.memory_bytes / copied_s) if slower else 0.0)
    return Measured(links, dirty)


@dataclass(frozen=True)
class Rate:
    """What migrations between two hosts carried, in either direction: the fastest of them, in bytes a second."""

    bytes_s: float
    count: int


def measure_between(past: Sequence[Past], one: str, other: str) -> Rate | None:
    """By those that had their links to themselves. None: there is none that tells."""
    between = [each for each in past if {each.source, each.destination} == {one, other}]
    candidates = [each for each in between if each.memory_bytes >= LEAST_BYTES]
    rates = [each.memory_bytes / copied_s for each, copied_s in _alone(candidates, past, _ANY)]
    return Rate(max(rates), len(rates)) if rates else None


def _alone(candidates: Sequence[Past], past: Sequence[Past], network: Network) -> Iterator[tuple[Past, float]]:
    """Those that had their links to themselves, with the seconds that they copied."""
    for one in candidates:
        copied_s = (one.ended - one.began).total_seconds() - network.setup_s - network.finish_s
        hosts = {one.source, one.destination}
        shared = any(
            other is not one
            and hosts & {other.source, other.destination}
            and other.began < one.ended
            and one.began < other.ended
            for other in past
        )
        if copied_s > 1 and not shared:
            yield one, copied_s
