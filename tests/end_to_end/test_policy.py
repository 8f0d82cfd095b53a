"""Who may do what, and approvals, as people say, press and see it: all of Ferry in the lab, with a user group."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bot.lab.slack import ChannelSetup, SlackServer
from bot.lab.world import Event
from tests.ferry import PATIENCE_S, Ferry

POLICY = {
    "tags": {"critical": ["VM-01"], "domain-controllers": ["DC-*"]},
    "rules": {
        "movers": {"who": ["U0ALICE000", "U0GINA0000", "U0FRED0000"], "may": ["run"], "hosts": ["host01", "host02"]},
        "approvers": {"who": ["S0APPROVERS"], "may": ["approve"]},
    },
    "approvals": {"critical": {"tags": ["critical"], "needed": 2}},
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    """Alice moves VMs; who approves is in a user group. The lists of the lab are empty. The rule names a guest and a
    person of another workspace, too, with whom a channel is shared."""
    people = ("alice", "bob", "mallory", "carol", "gina", "fred")
    channels = ("ops", ChannelSetup("partners", shared_externally=True))
    server = SlackServer(people=people, channels=channels, guests=("gina",), rate_limits=False)
    server.change_person("fred", team="T0OTHER000")
    server.set_group("approvers", ["bob", "carol"])
    folder = tmp_path_factory.mktemp("lab")
    with Ferry(folder, speed=100, server=server, policy=POLICY, lists=False) as ferry:
        yield ferry


def starts(lab: Ferry, vm: str) -> int:
    with lab.world.look():
        started = lab.world.journal.of(lab.world.vm(vm), Event.STARTED)
    return sum(entry.kind.startswith("Moving") for entry in started)


def test_a_critical_vm_moves_after_two_of_the_group_have_approved_it(lab: Ferry) -> None:
    card = lab.say("migrate VM-01 to host02")
    assert "Then it has to be approved:\ncritical: 2 approvals, not from who asked" in lab.text(card)

    lab.press(card, "Confirm", who="alice")
    waiting = lab.wait_for_text(card, "· awaiting approval", "[Approve]", "[Decline]", "[Withdraw]")
    assert "Approve to move VM-01 from host01 to host02?" in waiting
    assert "critical: 0 of 2 approvals" in waiting

    lab.press(card, "Approve", who="alice")
    whispered(lab, "alice", "no rule lets you approve this: the nearest, movers, grants run, not approve")
    lab.press(card, "Approve", who="mallory")
    whispered(lab, "mallory", "no rule of Ferry's names you")
    lab.press(card, "Approve", who="bob")
    lab.wait_for_text(card, "critical: 1 of 2 approvals, by @bob")
    assert starts(lab, "VM-01") == 0

    lab.press(card, "Approve", who="carol")
    end = lab.wait_until_ended(card)
    assert "VM-01 is on host02" in end
    assert "asked by @alice, confirmed by @alice" in end
    assert "approved by @bob, @carol" in end
    assert starts(lab, "VM-01") == 1


def test_who_leaves_the_group_counts_no_more_and_the_offer_is_declined_with_a_reason(lab: Ferry) -> None:
    card = lab.say("migrate VM-01 to host01")
    lab.press(card, "Confirm", who="alice")
    lab.wait_for_text(card, "· awaiting approval")
    lab.press(card, "Approve", who="bob")
    lab.wait_for_text(card, "by @bob")

    regroup(lab, "carol")
    lab.press(card, "Approve", who="carol")
    lab.wait_for_text(card, "critical: 1 of 2 approvals, by @carol")
    lab.press(card, "Decline", who="carol")
    lab.wait(lambda: lab.server.modal("carol"))
    lab.server.submit("carol", {"Why not": "the backup is running"})
    end = lab.wait_for_text(card, "· declined")
    assert "Nothing was changed. Reason: the backup is running" in end
    assert "declined by @carol" in end
    regroup(lab, "bob", "carol")


def test_a_plan_that_no_rule_covers_is_refused_and_why_tells_every_rule(lab: Ferry) -> None:
    refused = lab.text(lab.say("migrate VM-09 to host03"))
    assert "no rule lets you migrate VMs (VM-09): the nearest, movers, does not cover host03" in refused
    why = lab.text(lab.say("policy why @alice can migrate VM-01 to host01"))
    assert "@alice may migrate VM-01 to host01 here, now" in why
    assert "✓ movers grants it" in why
    assert "approvers names others and grants approve, not run" in why
    assert "critical: 2 approvals, not from who asked" in why
    name = lab.operation(lab.say("migrate VM-01 to host01")).id
    assert f"@bob may approve {name} here, now" in lab.text(lab.say(f"policy why @bob can approve {name}"))
    assert f"@alice may not approve {name} here" in lab.text(lab.say(f"policy why @alice can approve {name}"))
    lab.server.say("alice", "#ops", f"cancel {name}")
    assert "@bob may not evacuate host01 here, now" in lab.text(lab.say("policy why @bob can evacuate host01"))


@pytest.mark.parametrize(
    ("who", "where", "words"),
    [
        ("gina", "#ops", "guests of the workspace may not change anything"),
        ("fred", "#partners", "people of other workspaces may not change anything"),
        ("alice", "#partners", "this channel is shared with others: nothing is changed from it"),
    ],
)
def test_outsiders_and_shared_channels_look_and_change_nothing(lab: Ferry, who: str, where: str, words: str) -> None:
    lab.server.say(who, where, "@Ferry migrate VM-01 to host01")
    whispered(lab, who, words)
    assert "VM-01" in lab.text(lab.say("@Ferry where VM-01", who=who, where=where))


def test_a_slash_command_knows_that_its_channel_is_shared_and_a_click_who_presses(lab: Ferry) -> None:
    before = len(lab.server.ephemerals("alice"))
    lab.server.slash("alice", "#partners", "/ferry", "migrate VM-01 to host01")
    lab.wait(lambda: len(lab.server.ephemerals("alice")) > before)
    assert "nothing is changed from it" in lab.text(lab.server.ephemerals("alice")[-1])
    card = lab.say("migrate VM-01 to host01")
    before = len(lab.server.ephemerals("gina"))
    lab.press(card, "Confirm", who="gina")
    lab.wait(lambda: len(lab.server.ephemerals("gina")) > before)
    assert "guests of the workspace" in lab.text(lab.server.ephemerals("gina")[-1])
    assert "· proposed" in lab.text(card)
    lab.press(card, "Cancel")
    lab.wait_for_text(card, "· declined")


@pytest.mark.parametrize(("what", "confirmed"), [("edited", False), ("deleted", True)])
def test_who_edits_or_deletes_what_they_said_takes_it_back(lab: Ferry, what: str, confirmed: bool) -> None:
    card = lab.say("migrate VM-01 to host01")
    said = lab.server.messages("#ops")[-2]
    assert said.text == "migrate VM-01 to host01"
    if confirmed:
        lab.press(card, "Confirm", who="alice")
        lab.wait_for_text(card, "· awaiting approval")
    if what == "edited":
        lab.server.edit("alice", "#ops", said.ts, "never mind")
    else:
        lab.server.delete("alice", "#ops", said.ts)
    end = lab.wait_for_text(card, "· cancelled" if confirmed else "· declined")
    assert f"the message that asked for it was {what}" in end


def whispered(lab: Ferry, who: str, words: str) -> None:
    lab.wait(lambda: any(words in lab.text(message) for message in lab.server.ephemerals(who)))


def regroup(lab: Ferry, *members: str) -> None:
    """Say who is in the group, and ask Ferry until it knows."""
    lab.server.set_group("approvers", members)
    expected = "@bob may approve" if "bob" in members else "@bob may not approve"
    give_up_at = time.monotonic() + PATIENCE_S
    while expected not in lab.text(lab.say("policy why @bob can approve m-1")):
        assert time.monotonic() < give_up_at
