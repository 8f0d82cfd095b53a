"""Cancel, look and close, as people say and press them, and what everybody sees of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.deadline import Deadlines
from bot.core.lifecycle import State
from bot.lab.scenario import SCENARIOS
from bot.lab.slack import Message
from bot.lab.world import Event
from bot.operations.runner import Timing
from tests.ferry import Ferry
from tests.operations.moving_hosts import HeldClock

HURRIED = Timing(looks=3, second_looks=2, look_pause_s=0.05)
IMPATIENT = replace(HURRIED, tick_s=0.05, poll_s=0.05, deadlines=Deadlines(live_s=1.5, estimates=0))


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    with Ferry(tmp_path_factory.mktemp("lab"), speed=8, rate_limits=False, timing=HURRIED) as ferry:
        yield ferry


def running(lab: Ferry) -> Message:
    """What alice asked for and bob confirmed is under way."""
    card = lab.say("migrate VM-01 to host02")
    lab.press(card, "Confirm", who="bob")
    lab.wait(lambda: lab.operation(card).state is State.RUNNING or None)
    return card


def whisper(lab: Ferry, who: str, *wanted: str) -> str:
    """What only this person sees, once it shows all of these."""

    def found() -> str | None:
        texts = (lab.text(one) for one in lab.server.ephemerals(who))
        return next((text for text in texts if all(each in text for each in wanted)), None)

    return lab.wait(found)


def cancels(lab: Ferry) -> int:
    with lab.world.look():
        return len(lab.world.journal.of(lab.world.vm("VM-01"), Event.CANCEL_REQUESTED))


def test_a_running_move_is_its_requesters_and_the_operators_to_cancel(lab: Ferry) -> None:
    card = running(lab)
    lab.press(card, "Cancel", who="bob")
    assert "its requester or one of Ferry's operators" in whisper(lab, "bob", "m-1 is not yours to cancel")

    lab.server.say("carol", "#ops", "cancel m-1")
    end = lab.wait_until_ended(card)

    assert "The move of VM-01 to host02 was cancelled" in end
    assert "VM-01 is still running on host01" in end
    assert "cancelled by @carol" in end
    assert any("Cancel was asked by @carol" in shown for shown in lab.history(card))
    assert lab.world.whereabouts(lab.world.vm("VM-01")) == ("HOST01",)
    assert cancels(lab) == 1
    lab.wait(lambda: "host01 was asked to stop the move" in "\n".join(lab.steps(card)) or None)

    lab.server.say("alice", "#ops", "cancel m-1")
    whisper(lab, "alice", "m-1 has ended: cancelled")


def test_what_needs_attention_is_looked_at_until_it_is_known(lab: Ferry) -> None:
    card = running(lab)
    lab.lab.hosts["host02"].unreachable()
    end = lab.wait_until_ended(card)
    assert "The move of VM-01 to host02 needs attention" in end
    assert "host01 does not show VM-01; host02 gave no answer" in end

    lab.press(card, "Look again", who="bob")
    whisper(lab, "bob", "m-1 still needs attention", "host02 gave no answer", "look m-1")

    lab.lab.hosts["host02"].unreachable(False)
    lab.server.say("bob", "#ops", "look m-1")
    end = lab.wait_for_text(card, "VM-01 is on host02", "· succeeded")
    assert "Verified: running on host02, gone from host01" in end
    assert "succeeded in" not in end
    lab.wait(lambda: "seen when @bob looked again" in "\n".join(lab.steps(card)) or None)


def test_an_operator_closes_what_no_look_can_conclude(lab: Ferry) -> None:
    card = running(lab)
    lab.lab.hosts["host02"].unreachable()
    lab.wait_for_text(card, "· needs attention")

    lab.server.say("alice", "#ops", "close m-1 because I saw it")
    whisper(lab, "alice", "m-1 is not yours to close", "one of Ferry's operators")
    lab.server.say("carol", "#ops", "close m-1 because host02 is being repaired, VM-01 runs there")

    end = lab.wait_for_text(card, "· closed")
    assert "Closed because host02 is being repaired, VM-01 runs there" in end
    assert "Last seen: host01 does not show VM-01; host02 gave no answer" in end
    assert "closed by @carol" in end


def test_what_takes_too_long_is_stopped_by_its_requester_or_an_operator(tmp_path: Path) -> None:
    clock = HeldClock(8)
    with Ferry(tmp_path, world=SCENARIOS["small"](clock), rate_limits=False, timing=IMPATIENT) as lab:
        card = running(lab)
        lab.wait(lambda: lab.operation(card).percent > 0 or None)
        clock.hold()
        end = lab.wait_for_text(card, "The move of VM-01 to host02 needs attention", "[Cancel]")
        assert "No end within 2 s: host01 shows VM-01 running, moving it to host02" in end
        assert "Cancel asks host01 to stop it." in end

        lab.press(card, "Cancel", who="bob")
        whisper(lab, "bob", "m-1 is not yours to cancel", "its requester or one of Ferry's operators")
        lab.press(card, "Cancel", who="carol")
        lab.wait(lambda: "host01 was asked to stop the move" in "\n".join(lab.steps(card)) or None)
        clock.run(8)
        end = lab.wait_for_text(card, "The move of VM-01 to host02 was cancelled")
        assert "VM-01 is still running on host01" in end
        assert "cancelled by @carol" in end
        assert "[Cancel]" not in end
        assert cancels(lab) == 1
