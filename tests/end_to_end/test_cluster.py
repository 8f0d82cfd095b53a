"""A failover cluster by chat: its nodes, its moves, and what is refused, in all of Ferry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.core.lifecycle import State
from bot.lab.scenario.cluster import VOLUME
from bot.lab.world import State as WorldState
from bot.operations.memberships import Memberships
from tests.ferry import Ferry


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    """One lab for all: each dialogue has a VM of its own, or changes nothing."""
    with Ferry(tmp_path_factory.mktemp("lab"), scenario="cluster", speed=100, rate_limits=False) as ferry:
        yield ferry


def host_of(lab: Ferry, vm: str) -> str:
    (host,) = lab.world.whereabouts(lab.world.vm(vm))
    return host.lower()


def test_the_cluster_is_shown(lab: Ferry) -> None:
    shown = lab.text(lab.say("cluster hvc1"))
    assert "Cluster HVC1: 3 nodes, 12 VMs" in shown
    assert VOLUME in shown
    assert "1 live migration at a time on each node, whatever it allows itself" in shown
    assert lab.text(lab.say("cluster")) == shown
    assert "no host that answers is a node of a cluster called hvc9; Ferry knows HVC1" in lab.text(
        lab.say("cluster HVC9")
    )


def test_where_names_the_cluster(lab: Ferry) -> None:
    assert "in failover cluster HVC1" in lab.text(lab.say("where SQL-01"))
    assert "cluster" not in lab.text(lab.say("where ALONE-01"))


def test_a_clustered_vm_is_moved_by_its_cluster(lab: Ferry) -> None:
    card = lab.say("migrate VM-01 to host02")
    offer = lab.text(card)
    assert "Move VM-01 from host01 to host02?" in offer
    assert f"Live migration in the cluster · 8.0 GB memory, 1 disk stays on {VOLUME}" in offer
    assert '✓ host02 is up in HVC1 · switch "Production" on host02' in offer
    lab.press(card, "Confirm", who="bob")

    assert "Verified: running on host02, which owns it in the cluster" in lab.wait_until_ended(card)
    assert host_of(lab, "VM-01") == "host02"


def test_a_locked_cluster_moves_nothing_until_it_is_unlocked(lab: Ferry) -> None:
    offered = lab.say("migrate PKI-01 to host03")
    assert "HVC1 is locked by @bob" in lab.text(lab.say("lock hvc1 because its storage is being updated", who="bob"))
    assert "HVC1 is locked by @bob" in lab.wait_for_text(offered, "what touches it does not start")
    for command in ("migrate VM-01 to host03", "drain host01", "evacuate host02"):
        assert "is locked by @bob" in lab.text(lab.say(command)), command
    assert "is locked" in lab.text(lab.say("lock HVC1 because of something else"))
    assert "HVC1" in lab.text(lab.say("unlock HVC1", who="bob"))
    lab.press(offered, "Cancel")
    lab.wait(lambda: lab.operation(offered).state is State.DECLINED or None)


def test_one_that_is_off_moves_quickly_and_the_card_says_so(lab: Ferry) -> None:
    card = lab.say("migrate PKI-01 to host03")
    offer = lab.text(card)
    assert "Quick migration in the cluster" in offer
    assert "PKI-01 is off and stays so" in offer
    lab.press(card, "Confirm")

    assert "Verified: off on host03, which owns it in the cluster" in lab.wait_until_ended(card)


def test_quickly_names_the_interruption(lab: Ferry) -> None:
    card = lab.say("migrate TEST-01 to host03 quickly")
    offer = lab.text(card)
    assert "Quick migration in the cluster" in offer
    assert "⚠️ TEST-01 stands still while 4.0 GB of memory are saved and restored" in offer
    lab.press(card, "Confirm")

    assert "Verified: running on host03, which owns it in the cluster" in lab.wait_until_ended(card)
    assert lab.world.vm("TEST-01").state is WorldState.RUNNING


def test_two_at_once_wait_for_each_other_in_ferrys_queue(lab: Ferry) -> None:
    """The hosts allow two at a time, their cluster one."""
    cards = [lab.say(f"migrate {name} to host02") for name in ("WEB-01", "WEB-02")]
    for card in cards:
        lab.press(card, "Confirm")
    assert all("which owns it in the cluster" in lab.wait_until_ended(card) for card in cards)
    assert lab.world.journal.most_at_once("host03") == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "migrate SQL-01 to host03",
            ("host03 is not a possible owner of SQL-01; host01 and host02 are", "migrate SQL-01 to host02"),
        ),
        (
            "migrate WEB-03 to host02",
            (
                "HVC1 keeps WEB-03 apart from MAIL-01, on host02 (the affinity rule mail of HVC1)",
                "migrate WEB-03 to host01",
            ),
        ),
        ("migrate APP-01 to host04", ("host04 is no node of HVC1", "migrate APP-01 to host02")),
        (
            "migrate APP-01 to host02 with storage",
            ("APP-01 belongs to a failover cluster", "migrate APP-01 to host02 moves it in HVC1"),
        ),
        (
            "move storage APP-01 to D:\\VMs",
            ("D:\\VMs lies on host01 itself", f"move storage APP-01 to {VOLUME}\\APP-01"),
        ),
        ("migrate ALONE-01 to host02 quickly", ("ALONE-01 belongs to no failover cluster", "moves it live")),
    ],
)
def test_what_is_refused_says_what_to_type(lab: Ferry, text: str, shown: tuple[str, ...]) -> None:
    answer = lab.text(lab.say(text))
    for each in shown:
        assert each in answer
    assert "Confirm" not in answer


def test_anti_affinity_is_a_warning_unless_it_is_enforced(lab: Ferry) -> None:
    warned = lab.say("migrate DC-01 to host02")
    assert "⚠️ HVC1 keeps DC-01 apart from DC-02, on host02" in lab.text(warned)
    lab.press(warned, "Cancel")
    lab.wait(lambda: lab.operation(warned).state is State.DECLINED or None)
    (cluster,) = lab.world.clusters
    cluster.enforces_apart = True
    try:
        refused = lab.text(lab.say("migrate DC-01 to host02"))
    finally:
        cluster.enforces_apart = False
    assert "a node without them: the cluster enforces it" in refused
    assert "migrate DC-01 to host03" in refused


def test_storage_moves_within_the_clusters_storage(lab: Ferry) -> None:
    card = lab.say(f"move storage MAIL-01 to {VOLUME}\\New")
    assert f"free on {VOLUME}, 40 GB needed" in lab.text(card)
    lab.press(card, "Confirm")

    assert "is at" in lab.wait_until_ended(card)
    assert lab.world.vm("MAIL-01").path == f"{VOLUME}\\New"


def test_one_that_is_not_clustered_moves_as_ever(lab: Ferry) -> None:
    card = lab.say("migrate ALONE-01 to host04")
    assert "Live migration · 2.0 GB memory" in lab.text(card)
    lab.press(card, "Confirm")

    assert "Verified: running on host04, gone from host01" in lab.wait_until_ended(card)


def test_what_a_failover_has_started_anew_is_said_and_is_no_move_of_ferrys(lab: Ferry) -> None:
    lab.say("hosts")  # what they hold is known
    lab.world.kill_host("host03")
    (now_on,) = lab.world.whereabouts(lab.world.vm("WEB-03"))
    shown = lab.text(lab.say("where WEB-03"))
    assert f"WEB-03 is on {now_on.lower()}" in shown
    assert "started anew by its cluster" in shown
    assert "no move of Ferry's: host03 held it" in shown
    for command in ("status", "cluster"):
        shown = lab.text(lab.say(command))
        assert "host03 gives no answer" in shown
        assert "its cluster has started anew" in shown
        assert f"WEB-03 on {now_on.lower()}" in shown
    lab.world.return_host("host03")
    assert "started anew" not in lab.text(lab.say("cluster"))


def test_a_node_that_joins_is_a_host_and_one_that_leaves_is_none_any_more(lab: Ferry) -> None:
    def ask() -> None:
        next(part for part in lab.bot.parts if isinstance(part, Memberships)).ask()

    (cluster,) = lab.world.clusters
    with lab.world.look():
        node = cluster.nodes.pop()
    ask()
    shown = lab.ask("hosts")
    assert "3 hosts, all answering" in shown
    assert "host03 is no longer a node of HVC1, which said so just now; Ferry looks after it no more" in shown
    refused = lab.text(lab.say("migrate APP-02 to host03"))
    assert "host03 is no longer a node of HVC1" in refused
    assert "a node of HVC1, or a host with a table of its own in the settings" in refused

    with lab.world.look():
        cluster.nodes.append(node)
    ask()
    shown = lab.ask("hosts")
    assert "4 hosts, all answering" in shown
    assert "no longer a node" not in shown
    assert "host03 is up in HVC1" in lab.text(lab.say("migrate APP-02 to host03"))
