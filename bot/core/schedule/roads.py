"""Which links a trip uses, and how it would go there alone. Worked out once for each trip, and only when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from bot.core.schedule.course import CONTENT, Course, least_share, predict
from bot.core.schedule.trip import Network, Trip

CORE = ""
"""Stands for the core among the hosts' links."""


class Road:
    """
    Attributes:
        links: names of hosts, and `CORE`; empty for what crosses no link.
    """

    def __init__(self, trip: Trip, network: Network) -> None:
        self.trip, self._network = trip, network
        self.links: tuple[str, ...] = ()
        if trip.source != trip.destination and (trip.memory_bytes > 0 or trip.storage_bytes > 0):
            core = () if network.core_bytes_s is None else (CORE,)
            self.links = (trip.source, trip.destination, *core)

    @cached_property
    def course(self) -> Course:
        """If nothing else ran."""
        return predict(self.trip, self._network)

    @cached_property
    def rate(self) -> float:
        """Bytes a second, if nothing else ran; on average where storage slows it."""
        if self.trip.storage_bytes > 0 and self.course.copying_s > 0:
            return self.course.sent_bytes / self.course.copying_s
        return self._network.rate(self.trip)

    @cached_property
    def least(self) -> float:
        return least_share(self.trip, self._network)

    @property
    def hot(self) -> bool:
        return self.least > CONTENT


class Roads:
    """The roads of all trips of one network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._roads: dict[str, Road] = {}
        self._capacities: dict[str, float] = {}

    def of(self, trip: Trip) -> Road:
        road = self._roads.get(trip.id)
        if road is None:
            road = self._roads[trip.id] = Road(trip, self.network)
        return road

    def of_all(self, trips: Iterable[Trip]) -> list[Road]:
        return [self.of(trip) for trip in trips]

    def capacity(self, link: str) -> float:
        """Bytes a second."""
        capacity = self._capacities.get(link)
        if capacity is None:
            core = self.network.core_bytes_s
            capacity = max(1.0, core) if link == CORE and core is not None else self.network.link(link)
            self._capacities[link] = capacity
        return capacity
