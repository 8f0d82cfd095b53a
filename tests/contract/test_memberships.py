"""Which hosts there are by their cluster, over real sockets and a real database: at once, later, and in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import SystemClock
from bot.core.membership import Membership
from bot.hyperv.fleet import HyperVFleet
from bot.lab.running import RunningLab
from bot.lab.scenario import cluster as scenario
from bot.lab.world import Cluster, ManualClock, Node
from bot.operations.memberships import Memberships
from bot.operations.store import Store
from bot.operations.store.memberships import MembershipRows
from bot.settings import Settings

ALL = ("HOST01", "HOST02", "HOST03")


class Estate:
    """The cluster scenario, and processes that ask it for its nodes."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.world = scenario(ManualClock())
        (self.cluster,) = self.world.clusters
        self.running = stack.enter_context(RunningLab(self.world, folder))
        self.store = Store(f"sqlite:///{(folder / 'ferry.sqlite').as_posix()}", SystemClock())
        self.store.migrate()
        stack.callback(self.store.close)
        self._hvc1 = self.running.cluster_settings()["HVC1"]
        self._hosts = self.running.host_settings()
        self._stack = stack
        self.applied: list[dict[str, tuple[str, ...]]] = []

    def process(self, **cluster: object) -> Memberships:
        """One that starts now; `cluster` are settings of how it reaches HVC1 by its own address."""
        own = {"connect_timeout_s": 1, "read_timeout_s": 3}
        settings = Settings.model_validate(
            {
                "remote": self.running.remote_settings() | own,
                "hosts": self._hosts,
                "clusters": {"HVC1": self._hvc1 | cluster},
            }
        )
        fleet = HyperVFleet(settings.hosts, settings.clusters)
        self._stack.callback(fleet.close)

        def ways(one: Membership) -> tuple[str, ...]:
            return tuple(node.lower() for node in one.nodes)

        def apply(members: Mapping[str, Membership]) -> None:
            self.applied.append({name: one.nodes for name, one in members.items()})

        rows = MembershipRows(self.store.database)
        part = Memberships(settings.clusters, fleet, rows, SystemClock(), ways, apply, 3600, start_s=20)
        self._stack.callback(part.stop)
        return part

    def evict(self, name: str) -> Node:
        with self.world.look():
            node = self.cluster.node(name)
            assert node is not None
            self.cluster.nodes.remove(node)
        return node


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    with ExitStack() as stack:
        yield Estate(tmp_path, stack)


def seen(part: Memberships) -> Membership:
    (one,) = part.members()
    return one


def test_the_first_start_waits_for_the_answer(estate: Estate) -> None:
    part = estate.process()
    part.start()
    one = seen(part)
    assert (one.cluster, one.name, one.domain, one.nodes) == ("hvc1", "HVC1", "ferry.lab", ALL)
    assert estate.applied[-1] == {"hvc1": ALL}


def test_nodes_come_and_go(estate: Estate) -> None:
    part = estate.process()
    part.ask()
    node = estate.evict("host03")
    part.ask()
    assert (seen(part).nodes, [left.node for left in seen(part).left]) == (ALL[:2], ["HOST03"])
    with estate.world.look():
        estate.cluster.nodes.append(node)
    part.ask()
    assert (seen(part).nodes, seen(part).left) == (ALL, ())
    assert [one["hvc1"] for one in estate.applied] == [ALL, ALL[:2], ALL]


def test_a_start_without_an_answer_has_the_nodes_of_last_time(estate: Estate) -> None:
    estate.process().ask()
    for name in ALL:
        estate.world.kill_host(name)
    part = estate.process()
    part.start()
    assert estate.applied[-1] == {"hvc1": ALL}
    part.ask()
    assert (seen(part).nodes, seen(part).known) == (ALL, True)
    assert seen(part).failure


def test_a_cluster_that_never_answered_has_unknown_nodes_and_stops_nothing(estate: Estate) -> None:
    part = estate.process(port=1)
    part.start()
    assert (seen(part).nodes, seen(part).known) == ((), False)
    assert "refused the connection" in seen(part).failure


def test_one_whose_own_address_is_dead_is_asked_through_its_nodes(estate: Estate) -> None:
    estate.process().ask()
    estate.evict("host02")
    part = estate.process(port=1)
    part.recall()
    assert seen(part).nodes == ALL
    part.ask()
    assert (seen(part).nodes, seen(part).failure) == (("HOST01", "HOST03"), "")


def test_a_node_that_belongs_to_another_cluster_now_is_not_listened_to(estate: Estate) -> None:
    estate.process().ask()
    nodes = [estate.evict(name) for name in ALL]
    estate.world.add_cluster(Cluster.of("HVC2", *(node.host for node in nodes)))
    part = estate.process(port=1)
    part.recall()
    part.ask()
    assert (seen(part).name, seen(part).nodes) == ("HVC1", ALL)


def test_a_process_that_reaches_nobody_learns_from_the_others(estate: Estate) -> None:
    blind, other = estate.process(port=1), estate.process()
    other.ask()
    blind.ask()
    assert (seen(blind).nodes, seen(blind).failure) == (ALL, "127.0.0.1:1 refused the connection")


def test_an_older_answer_does_not_replace_a_newer_one(estate: Estate) -> None:
    estate.process().ask()
    rows = MembershipRows(estate.store.database)
    newest = rows.read()["hvc1"]
    assert newest.answered_at is not None
    rows.keep(newest.model_copy(update={"answered_at": newest.answered_at - timedelta(hours=1), "nodes": ("OLD",)}))
    assert rows.read()["hvc1"] == newest
