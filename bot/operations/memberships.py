"""Asks the clusters of the settings which nodes they have, now and then, and says who has come and who has left.

Each process asks by itself, and learns from the database what others were told: a worker that reaches no cluster has
the same hosts. A cluster that gives no answer changes nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import wait
from functools import partial

from bot.core.membership import Membership, Told, learn, newer, render_news
from bot.operations.store.memberships import MembershipRows
from bot.operations.ticker import Ticker
from bot.operations.watch import attempt, in_background
from bot.ports import Clock, ClusterReader

log = logging.getLogger(__name__)

START_S = 10.0
"""How long a start waits for clusters of which nothing is known yet."""

Members = Mapping[str, Membership]


class Memberships:
    """A part of the bot. Thread-safe.

    Args:
        clusters: by the settings' names.
        ways: the hosts through which a cluster may be asked, too, by the settings' names.
        apply: told of every change, before anybody is answered by it.
        refresh_s: seconds between two rounds.
    """

    def __init__(
        self,
        clusters: Collection[str],
        reader: ClusterReader,
        rows: MembershipRows,
        clock: Clock,
        ways: Callable[[Membership], Collection[str]],
        apply: Callable[[Members], None],
        refresh_s: float,
        *,
        start_s: float = START_S,
    ) -> None:
        self._members = {cluster: Membership(cluster=cluster) for cluster in clusters}
        self._reader = reader
        self._rows = rows
        self._clock = clock
        self._ways = ways
        self._apply = apply
        self._start_s = start_s
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._ticker = Ticker("ferry-memberships", ((refresh_s, self._refresh),), at_once=True)

    def start(self) -> None:
        """With the nodes of last time at once; without any, a while is given to the clusters."""
        self.recall()
        self._ticker.start()
        if not all(one.known for one in self.members()):
            self._asked.wait(self._start_s)

    def stop(self) -> None:
        """A question under way ends by its time limit and keeps nobody waiting. Idempotent."""
        self._ticker.stop(patience_s=0)

    def members(self) -> tuple[Membership, ...]:
        return tuple(self._members.values())

    def recall(self) -> None:
        """Take over what is kept, where it is later than what this process was told."""
        kept = self._rows.read()
        with self._lock:
            for cluster, one in self._members.items():
                self._members[cluster] = newer(one, kept.get(cluster, one))
            self._apply(self._members)

    def ask(self) -> None:
        """Ask every cluster once, at the same time."""
        asked = [in_background(partial(self._ask, one), f"ferry-cluster-{one.cluster}") for one in self.members()]
        wait(asked)
        for future in asked:
            future.result()

    def _refresh(self) -> None:
        try:
            self.ask()
        finally:
            self._asked.set()

    def _ask(self, before: Membership) -> None:
        """At its own address and, where that gives no answer, through the nodes that it had."""
        told = attempt(lambda: self._reader.read_nodes(before.cluster), before.cluster)
        if isinstance(told, str):
            told = self._ask_nodes(before) or told
        if isinstance(told, str):
            self.recall()
            with self._lock:
                known = self._members[before.cluster]
                if known.failure != told:
                    log.warning("cluster_unreadable cluster=%s failure=%s", before.cluster, told)
                self._members[before.cluster] = known.model_copy(update={"failure": told})
            return
        self._learn(before.cluster, told)

    def _ask_nodes(self, before: Membership) -> Told | None:
        """A node that has gone to another cluster speaks of that one; it is not listened to."""
        ways = [
            in_background(partial(attempt, partial(self._reader.read_nodes, host), host), f"ferry-node-{host}")
            for host in (self._ways(before) if before.known else ())
        ]
        wait(ways)
        answers = (way.result() for way in ways)
        return next((one for one in answers if isinstance(one, Told) and one.name == before.name), None)

    def _learn(self, cluster: str, told: Told) -> None:
        if self._ticker.stopped:
            return  # nobody is answered by it any more
        with self._lock:
            before = self._members[cluster]
            after = self._members[cluster] = learn(before, told, self._clock.now())
            for news in render_news(before, after):
                log.warning("membership cluster=%s %s", cluster, news)
            self._apply(self._members)
        self._rows.keep(after)
