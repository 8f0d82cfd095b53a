"""Emptying a host and bringing its VMs home, as people say, press and see it: all of Ferry in the lab."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bot.core.lifecycle import State
from bot.lab.scenario.building import add_vm, on_share
from bot.lab.slack import Message
from bot.lab.world import Event
from tests.ferry import Ferry

LEAVES = ("VM-01", "VM-02", "VM-04", "VM-06", "VM-08")
"""Of host01 in the small estate: what can go anywhere. VM-07 is there, too, and has a namesake."""


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    with Ferry(tmp_path_factory.mktemp("lab"), speed=60, rate_limits=False, in_real_time=True) as ferry:
        yield ferry


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    """One lab for all that changes nothing."""
    with Ferry(tmp_path_factory.mktemp("calm"), rate_limits=False) as ferry:
        yield ferry


def host_of(lab: Ferry, vm: str) -> str:
    (host,) = lab.world.whereabouts(lab.world.vm(vm))
    return host.lower()


def starts(lab: Ferry, vm: str) -> int:
    with lab.world.look():
        started = lab.world.journal.of(lab.world.vm(vm), Event.STARTED)
    return sum(entry.kind.startswith("Moving") for entry in started)


def evacuation(card: Message, lab: Ferry) -> str:
    found = re.search(r"m-\d+", lab.text(card))
    assert found is not None
    return found[0]


def wait_until_one_has_left(lab: Ferry, card: Message) -> None:
    """As the row has it: the card follows at its own pace."""
    name = evacuation(card, lab)
    lab.wait(lambda: ((found := lab.bot.store.find_evacuation(name)) and found.count(State.SUCCEEDED)) or None)


def test_a_host_is_emptied_and_what_cannot_move_is_named_with_a_remedy(lab: Ferry) -> None:
    card = lab.say("evacuate host01")
    offer = lab.text(card)
    assert "Evacuate host01?" in offer
    assert "4 VMs stay:" in offer
    assert "VM-03 belongs to a failover cluster" in offer
    assert "VM-05 has D:\\ISO\\setup.iso in its DVD drive" in offer
    assert "Set-VMDvdDrive -Path $null" in offer
    assert "VM-10: it takes 96 GB; the most that a host" in offer
    assert "Nothing changes until someone confirms" in offer
    assert "[Move 6, leave 4]" in offer
    assert starts(lab, "VM-01") == 0

    lab.press(card, "Move 6, leave 4", who="bob")
    end = lab.wait_until_ended(card)

    assert "The evacuation of host01 is not complete" in end
    assert "5 of 6 VMs moved, 1 failed, 4 stayed, as the plan said" in end
    assert "VM-08" in end
    for vm in LEAVES[:4]:
        assert host_of(lab, vm) != "host01"
        assert starts(lab, vm) == 1
    assert host_of(lab, "VM-08") == "host01"
    thread = lab.wait(lambda: text if "evacuation-" in (text := "\n".join(lab.steps(card))) else None)
    assert "Cause: the connection between the hosts broke during the migration" in thread
    assert "asked by @alice, confirmed by @bob" in end


def test_its_machines_come_home_again(lab: Ferry) -> None:
    card = lab.say("evacuate host01 except VM-08, VM-07")
    lab.press(card, "Move 4, leave 6")
    with lab.world.look():
        add_vm(lab.world, lab.world.host("host01"), "NEW-01", 2, on_share("NEW-01", 20))
    assert "4 VMs have left host01" in lab.wait_until_ended(card)
    came = "1 VM came to host01 meanwhile: NEW-01; evacuate host01 takes it away, too"
    lab.wait(lambda: came in "\n".join(lab.steps(card)) or None)

    home = lab.say("return host01")
    assert "Bring 4 VMs home to host01?" in lab.text(home)
    lab.press(home, "Move 4")
    assert "4 VMs came home to host01" in lab.wait_until_ended(home)
    for vm in ("VM-01", "VM-02", "VM-04", "VM-06"):
        assert host_of(lab, vm) == "host01"
        assert starts(lab, vm) == 2

    past = lab.text(lab.say("history host01"))
    assert "let begin m-1: evacuate host01 except VM-08, VM-07 · succeeded: 4 of 4 VMs moved" in past
    assert "confirmed m-2: VM-0" in past
    again = lab.say("return host01")
    assert "everything that left host01 is at home already" in lab.text(again)


def test_paused_nothing_new_starts_and_resumed_it_goes_on(lab: Ferry) -> None:
    card = lab.say("evacuate host01 except VM-08")
    lab.press(card, "Move 5, leave 5")
    wait_until_one_has_left(lab, card)
    lab.press(card, "Pause", who="alice")
    lab.wait_for_text(card, "is paused")
    name = evacuation(card, lab)
    paused = lab.wait(lambda: found if (found := lab.bot.store.find_evacuation(name)) and not _flying(found) else None)
    assert paused.count(State.QUEUED)
    assert lab.text(lab.say(f"resume {name}", who="bob")).startswith("⚠️")  # neither its requester nor an operator
    lab.press(card, "Resume", who="alice")
    assert "5 VMs have left host01" in lab.wait_until_ended(card)


def _flying(found: object) -> bool:
    return found.count(State.GRANTED, State.RUNNING, State.VERIFYING) > 0


def test_cancelled_nothing_new_starts_and_the_failed_can_be_planned_again(lab: Ferry) -> None:
    card = lab.say("evacuate host01 except VM-08")
    lab.press(card, "Move 5, leave 5")
    wait_until_one_has_left(lab, card)
    lab.press(card, "Cancel", who="carol")
    end = lab.wait_until_ended(card)
    assert "was cancelled" in end
    assert "cancelled by @carol" in end
    stayed = [vm for vm in ("VM-01", "VM-02", "VM-04", "VM-06") if host_of(lab, vm) == "host01"]
    assert stayed

    again = lab.say(f"retry {evacuation(card, lab)}")
    assert "Evacuate host01?" in lab.text(again)
    lab.press(again, next(button.label for button in again.buttons))
    assert "have left" in lab.wait_until_ended(again) or "left" in lab.text(again)
    assert all(host_of(lab, vm) != "host01" for vm in stayed)


def test_an_offer_for_later_says_what_is_agreed_to_and_what_is_chosen_then(calm: Ferry) -> None:
    card = calm.say("evacuate host01 except VM-08 in 2h")
    offer = calm.text(card)
    assert "What is agreed to is which VMs move and how; where each goes is chosen again then" in offer
    assert "[Move 5, leave 5]" in offer
    calm.press(card, "Move 5, leave 5")
    assert "The evacuation of host01 is to begin later" in calm.wait_for_text(card, "· scheduled", "[Cancel]")
    assert "scheduled · the evacuation of host01 · begins" in calm.text(calm.say("scheduled"))
    calm.press(card, "Cancel")
    assert "withdrawn before its time came; nothing was started" in calm.wait_for_text(card, "· cancelled").lower()


def test_a_plan_alone_offers_nothing(calm: Ferry) -> None:
    reply = calm.say("plan evacuate host01 to host02")
    assert "would look like this" in calm.text(reply)
    assert "To offer it, type evacuate host01 to host02" in calm.text(reply)
    assert not reply.buttons
    assert calm.bot.store.open_evacuations() == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("evacuate host09", "host09"),
        ("evacuate host01 to host01", "cannot be emptied and take VMs at the same time"),
        ("evacuate host01 except VM-99", "there is no VM-99 on host01"),
        ("return host03", "no evacuation of host03 is on record"),
        ("retry m-99", "m-99 is no evacuation"),
        ("pause m-99", "there is no operation m-99"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_type(calm: Ferry, text: str, words: str) -> None:
    reply = calm.text(calm.say(text))
    assert reply.startswith("⚠️")
    assert words in reply
