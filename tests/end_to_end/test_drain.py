"""Planned maintenance of a cluster's nodes by chat: drained, resumed with what was on it, evacuated, refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bot.lab.slack import SlackServer
from bot.lab.world.cluster import AffinityRule, Cluster, DrainStatus, Node, RuleType
from tests.ferry import Ferry

POLICY = {
    "tags": {"web": ["WEB-*"], "domain-controllers": ["DC-*"]},
    "approvals": {"shop": {"actions": ["host.maintain"], "tags": ["web"]}},
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    """One lab for all; each dialogue leaves every node up and empties another one."""
    folder, server = tmp_path_factory.mktemp("lab"), SlackServer(channels=("ops", "audit"), rate_limits=False)
    with Ferry(
        folder, scenario="cluster", speed=200, rate_limits=False, server=server, policy=POLICY, audit="audit"
    ) as ferry:
        yield ferry


def cluster_of(lab: Ferry) -> Cluster:
    (cluster,) = lab.world.clusters
    return cluster


def node_of(lab: Ferry, name: str) -> Node:
    node = cluster_of(lab).node(name)
    assert node is not None
    return node


def on(lab: Ferry, name: str) -> set[str]:
    with lab.world.look():
        return {group.name for group in cluster_of(lab).on(node_of(lab, name))}


def test_an_evacuation_keeps_to_the_rules_of_affinity_and_says_which_wish_it_cannot_keep(lab: Ferry) -> None:
    """First, while everything is where the scenario put it. SQL-01 may go to host02 only, where APP-02 is."""
    rules = cluster_of(lab).rules or []
    cluster_of(lab).rules = [
        *rules,
        AffinityRule("pair", RuleType.DIFFERENT_NODE, ["VM-01", "APP-01"]),
        AffinityRule("calm", RuleType.DIFFERENT_NODE, ["SQL-01", "APP-02"], soft=True),
    ]
    try:
        plan = lab.ask("plan evacuate host01")
    finally:
        cluster_of(lab).rules = rules
    goes_to = dict(re.findall(r"• (\S+) → (\w+),", plan))
    assert {goes_to["VM-01"], goes_to["APP-01"]} == {"host02", "host03"}, "kept apart strictly"
    assert goes_to["DC-01"] == "host03", "away from DC-02, as the cluster wishes"
    assert "the affinity rule calm of HVC1 cannot be kept: APP-02 and SQL-01 on host02" in plan
    assert plan.count("affinity") == 1


def test_a_node_is_drained_and_gets_everything_back(lab: Ferry) -> None:
    before = on(lab, "host01")
    card = lab.say("drain host01")
    offer = lab.text(card)
    assert "Drain host01?" in offer
    assert "moves 6 VMs away by itself, the highest priority first, 1 live at a time. It chooses where." in offer
    assert "SQL-01   live    medium    16 GB   host02" in offer
    assert "✓ 40 GB of memory to place, 96 GB on host02 and 108 GB on host03 free" in offer
    assert "⚠️ TEST-01 stands still while 4.0 GB of memory are saved and restored: its priority is low" in offer
    assert "migrate TEST-01 to host02 moves it live first" in offer
    assert "ALONE-01 is no role of HVC1 and stays on host01" in offer
    assert not node_of(lab, "host01").paused

    lab.press(card, "Confirm", who="bob")
    done = lab.wait_until_ended(card)
    assert "✅ host01 is drained" in done
    assert "✓ Verified: host01 is paused and drained; " in done
    assert "It stays paused until someone types resume host01 with failback or resume host01" in done
    assert (node_of(lab, "host01").drain, on(lab, "host01")) == (DrainStatus.COMPLETED, set())
    assert "host01  paused · drained  0" in lab.text(lab.say("cluster"))
    assert "host01 is paused in HVC1 and owns no virtual machine" in lab.text(lab.say("drain host01"))

    card = lab.say("resume host01 with failback")
    offer = lab.text(card)
    assert "Resume host01?" in offer
    assert "has HVC1 bring back what was drained by m-1" in offer
    assert "40 GB come back" in offer
    lab.press(card, "Confirm")
    done = lab.wait_until_ended(card)
    assert "✓ Verified: host01 is up in HVC1 and takes virtual machines again; " in done
    assert (node_of(lab, "host01").paused, on(lab, "host01")) == (False, before)
    assert "host01 is up in HVC1, not paused" in lab.text(lab.say("resume host01"))


def test_a_node_with_vms_that_take_two_people_is_drained_once_another_has_approved_it(lab: Ferry) -> None:
    card = lab.say("drain host03")
    assert "Then it has to be approved:\nshop: 1 approval, not from who asked" in lab.text(card)
    lab.press(card, "Confirm", who="alice")
    waiting = lab.wait_for_text(card, "· awaiting approval", "[Approve]", "[Decline]", "[Withdraw]")
    assert "Approve to drain host03?" in waiting
    assert not node_of(lab, "host03").paused

    lab.press(card, "Approve", who="bob")
    ended = lab.wait_until_ended(card)
    assert "✅ host03 is drained" in ended
    assert "asked by @alice, confirmed by @alice" in ended
    assert "approved by @bob" in ended

    card = lab.say("resume host03 with failback")
    lab.press(card, "Confirm", who="alice")
    lab.wait_for_text(card, "Approve to resume host03?")
    lab.press(card, "Approve", who="bob")
    assert "host03 is up in HVC1" in lab.wait_until_ended(card)


def test_what_cannot_leave_is_named_before_and_after(lab: Ferry) -> None:
    """SQL-01 may be on host01 and host02 alone."""
    node_of(lab, "host02").paused = True
    try:
        card = lab.say("drain host01")
        offer = lab.text(card)
        assert "5 VMs away by itself" in offer
        assert "1 VM cannot leave" in offer
        assert "SQL-01 cannot leave: host02 is paused, and no other node is a possible owner of it" in offer
        lab.press(card, "Confirm")
        ended = lab.wait_until_ended(card)
    finally:
        node_of(lab, "host02").paused = False
    assert "host01 was not drained" in ended
    assert "HVC1 could not drain host01, which is still paused: SQL-01 stayed" in ended
    assert "SQL-01: host02 is paused, and no other node is a possible owner of it" in ended

    card = lab.say("resume host01 without failback")
    assert "Nothing is moved back" in lab.text(card)
    lab.press(card, "Confirm")
    assert "host01 is up in HVC1" in lab.wait_until_ended(card)
    assert on(lab, "host01") == {"SQL-01"}


def test_an_evacuation_pauses_the_node_and_a_return_waits_for_its_resumption(lab: Ferry) -> None:
    before = on(lab, "host01")
    card = lab.say("evacuate host01")
    offer = lab.text(card)
    assert "First host01 is paused in HVC1, so that nothing lands on it. It stays paused afterwards" in offer
    assert "stays" not in offer.replace("storage stays", "").replace("It stays paused", "")
    lab.press(card, f"Move {len(before) + 1}")
    done = lab.wait_until_ended(card)
    assert "have left" in done
    assert "host01 stays paused in HVC1: resume host01 lets it take virtual machines again" in done
    assert "asked HVC1 to pause host01" in lab.steps(card)
    assert (node_of(lab, "host01").paused, node_of(lab, "host01").drain) == (True, DrainStatus.NOT_INITIATED)
    assert on(lab, "host01") == set()

    refused = lab.text(lab.say("return host01"))
    assert "host01 is paused in HVC1" in refused
    assert "resume host01, and then return host01" in refused
    card = lab.say("resume host01")
    lab.press(card, "Confirm")
    lab.wait_until_ended(card)
    card = lab.say("return host01")
    lab.press(card, f"Move {len(before) + 1}")
    assert "came home to host01" in lab.wait_until_ended(card)
    assert on(lab, "host01") == before


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("drain host04", ("host04",)),
        ("resume host02", ("host02 is up in HVC1, not paused", "a node that is paused")),
        ("resume VM_01!", ("an operation is written like m-12; VM_01! cannot be <host>: a host name has letters",)),
        ("resume host01 with fallback", ("did you mean resume host01 with failback?",)),
        ("resume m-999", ("there is no operation m-999",)),
    ],
)
def test_what_is_refused_says_what_to_type(lab: Ferry, text: str, shown: tuple[str, ...]) -> None:
    answer = lab.text(lab.say(text))
    for each in shown:
        assert each in answer
    assert "Confirm" not in answer


def test_a_dead_node_is_not_drained_and_what_became_of_its_roles_is_said(lab: Ferry) -> None:
    """Last: the host does not come back."""
    lab.world.kill_host("host02")
    answer = lab.text(lab.say("drain host02"))
    assert "host02 is down in HVC1: " in answer
    assert "after its failover" in answer
    assert "Needed: a node that is up" in answer
    assert "host02 is down in HVC1: after its failover" in lab.text(lab.say("evacuate host02"))


def test_the_audit_channel_has_heard_of_all_that_a_line_for_each_change(lab: Ferry) -> None:
    """Last, because it is told a few lines at a time, and by now of most."""
    told = lab.wait(lambda: text if "return host01: succeeded" in (text := audited(lab)) else None)
    lines = [line.partition(" · ")[2] for line in told.splitlines()]
    assert [line for line in lines if line.startswith("m-3 ")] == [
        "m-3 drain host03: awaiting approval, confirmed by @alice",
        "m-3 drain host03: approved by @bob",
        "m-3 drain host03: started",
        next(line for line in lines if line.startswith("m-3 drain host03: succeeded: host03 is paused and drained; ")),
    ]
    assert "m-1 drain host01: confirmed by @bob" in lines
    assert [line for line in lines if "pause" in line and "drain" not in line] == [
        f"{pause} the pause of host01: {what}"
        for pause in sorted({line.split()[0] for line in lines if " the pause of " in line})
        for what in ("confirmed by @alice", "started", "succeeded: host01 is paused in HVC1")
    ]
    assert "The journal is anchored at entry" in told


def audited(lab: Ferry) -> str:
    return "\n".join(map(lab.text, lab.server.messages("#audit")))
