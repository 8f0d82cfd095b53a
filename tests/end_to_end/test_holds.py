"""Freezes and locks as people say, press and see them: all of Ferry in the lab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.core.lifecycle import State
from bot.lab.slack import SlackServer
from tests.ferry import Ferry


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    folder = tmp_path_factory.mktemp("lab")
    with Ferry(folder, speed=100, server=SlackServer(rate_limits=False)) as ferry:
        yield ferry


def test_what_is_confirmed_under_a_freeze_waits_for_its_end_over_a_restart_too(lab: Ferry) -> None:
    before = lab.say("migrate VM-08 to host02")
    frozen = lab.say("freeze until 2h because month-end closing runs", who="carol")
    told = lab.text(frozen)
    assert "Ferry is frozen by @carol since" in told
    assert "until" in told
    assert ": month-end closing runs" in told
    lab.wait_for_text(before, "Ferry is frozen by @carol", "unfreeze ends it.")
    lab.server.open_home("alice")
    lab.wait(lambda: "Ferry is frozen by" in str(lab.server.home("alice")))

    card = lab.say("migrate VM-01 to host02")
    offered = lab.wait_for_text(card, "Move VM-01 from host01 to host02?", "Ferry is frozen by @carol")
    assert "While it lasts, nothing new starts; what runs goes on to its end." in offered
    lab.press(card, "Confirm", who="bob")
    lab.wait_for_text(card, "· queued", "⚠️ Ferry is frozen by @carol", ": month-end closing runs")

    lab.bot.stop()
    lab.start()
    assert "Ferry is frozen by @carol" in lab.text(lab.say("locks"))
    assert "Ferry is frozen by @carol" in lab.text(lab.say("status"))
    assert lab.operation(card).state is State.QUEUED
    lab.server.say("alice", "#ops", f"cancel {lab.operation(before).id}")
    lab.wait_for_text(before, "· declined")

    lab.press(frozen, "Unfreeze", who="carol")
    end = lab.wait_until_ended(card)
    assert "VM-01 is on host02" in end
    assert "Ferry is frozen" not in end
    assert "Nothing is frozen or locked" in lab.text(lab.say("locks"))


def test_what_is_locked_is_refused_with_who_holds_it_and_stays_in_an_evacuation(lab: Ferry) -> None:
    assert "VM-08 is locked by @alice since" in lab.text(lab.say("lock VM-08 because the database is being upgraded"))
    refused = lab.text(lab.say("migrate VM-08 to host02", who="bob"))
    assert "VM-08 is locked by @alice since" in refused
    assert ": the database is being upgraded" in refused
    assert "unlock VM-08 ends the lock, said by whoever holds it, or by an operator" in refused
    plan = lab.text(lab.say("evacuate host01 to host02"))
    assert "VM-08 is locked: the database is being upgraded" in plan

    freed = lab.text(lab.say("unlock VM-08", who="carol"))
    assert "The lock of VM-08 was ended by @carol" in freed
    assert "It was made by @alice" in freed
    lab.say("lock host02 because a disk is being replaced")
    assert "host02 is locked by @alice" in lab.text(lab.say("migrate VM-08 to host02"))
    lab.say("unlock host02")
    assert "took over and ended the lock of" in lab.text(lab.say("history VM-08"))


def test_time_ends_it_and_who_asked_hears_of_it(lab: Ferry) -> None:
    lab.say("freeze until 1s because of a test", who="carol")
    said = lab.server.messages("#ops")[-2]
    lab.wait(lambda: any("its time has come" in lab.text(one) for one in lab.server.thread("#ops", said.ts)))
