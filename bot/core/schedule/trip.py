"""What a schedule is made of: the migrations to be made, what carries them, and what limits them.

Facts:
1. A live migration uses the links of both hosts; storage that travels with it is copied before memory (Microsoft
   Learn, "Live Migration Overview").
2. That a link carries what comes and what goes together is assumed: it is the cautious reading, and what compressing
   both ways costs a host is not documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

EXPECTED_PACE = 1.15
"""Copying takes so many times as long as it should: links seldom carry all that they could. Assumed."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One migration to be made.

    Attributes:
        destination: the source itself where only storage moves; the links are not used then.
        memory_bytes: 0 for a VM that is off.
        storage_bytes: what travels too, before the memory.
        dirty_bytes_s: how fast the guest writes its memory; None: not known, and taken for slow.
        rank: of two that compete for a link, the one of lower rank starts first.
        stage: it starts only when every trip of a lower stage has ended.
        live, storage: which of the hosts' limits it counts against.
    """

    id: str
    source: str
    destination: str
    memory_bytes: int = 0
    storage_bytes: int = 0
    dirty_bytes_s: float | None = None
    rank: int = 1
    stage: int = 0
    live: bool = True
    storage: bool = False

    @property
    def hosts(self) -> tuple[str, ...]:
        return (self.source,) if self.source == self.destination else (self.source, self.destination)


@dataclass(frozen=True, slots=True)
class Running:
    """A trip that is under way, and what is really known of it.

    Attributes:
        elapsed_s: since it was ordered.
        percent: what the host shows; None: it has not shown any.
        rate_bytes_s: at which it copies, where that was measured.
    """

    trip: Trip
    elapsed_s: float
    percent: float | None = None
    rate_bytes_s: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A trip that has been made.

    Attributes:
        took_s: from the order to its end.
        ended_ago_s: how long ago that was.
    """

    trip: Trip
    took_s: float
    ended_ago_s: float


@dataclass(frozen=True, slots=True)
class Network:
    """What carries migrations, all of it usable bytes a second and not the wire's.

    Attributes:
        links: of each host whose speed is known.
        default_bytes_s: assumed for all other hosts.
        stream_bytes_s: the most that one migration gets; None: all of a link.
        core_bytes_s: what all migrations together may use; None: no such bottleneck.
        storage_bytes_s: at which one migration copies storage, where the link is not slower.
        setup_s: from the order until the first byte travels.
        finish_s: from the last byte to the end.
    """

    links: Mapping[str, float]
    default_bytes_s: float
    stream_bytes_s: float | None = None
    core_bytes_s: float | None = None
    storage_bytes_s: float = 500 * 2.0**20
    setup_s: float = 4.0
    finish_s: float = 1.0

    def link(self, host: str) -> float:
        return max(1.0, self.links.get(host, self.default_bytes_s))

    def rate(self, trip: Trip) -> float:
        """Bytes a second, if nothing else ran."""
        if trip.source == trip.destination:
            return max(1.0, self.storage_bytes_s)
        slowest = min(self.link(trip.source), self.link(trip.destination))
        for limit in (self.stream_bytes_s, self.core_bytes_s):
            if limit is not None and limit < slowest:
                slowest = max(1.0, limit)
        return slowest

    def slowed(self, pace: float) -> Network:
        """The same where all that is copied takes `pace` times as long."""
        return replace(
            self,
            links={host: bytes_s / pace for host, bytes_s in self.links.items()},
            default_bytes_s=self.default_bytes_s / pace,
            stream_bytes_s=None if self.stream_bytes_s is None else self.stream_bytes_s / pace,
            core_bytes_s=None if self.core_bytes_s is None else self.core_bytes_s / pace,
            storage_bytes_s=self.storage_bytes_s / pace,
        )


@dataclass(frozen=True, slots=True)
class Caps:
    """How many migrations may run at a time; both ends count. A host that is not named has no limit.

    Attributes:
        live, storage: for each host.
        total: for all hosts together.
    """

    live: Mapping[str, int] = field(default_factory=dict)
    storage: Mapping[str, int] = field(default_factory=dict)
    total: int | None = None
