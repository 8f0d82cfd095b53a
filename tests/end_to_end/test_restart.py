"""The bot stops and starts again while things are going on; people see one card that goes on being true."""

from __future__ import annotations

from pathlib import Path

from bot.lab.world import Event
from tests.ferry import Ferry


def moves(ferry: Ferry) -> int:
    """How many moves of VM-01 a host has started; a comparison is none."""
    with ferry.world.look():
        started = ferry.world.journal.of(ferry.world.vm("VM-01"), Event.STARTED)
    return sum(entry.kind.startswith("Moving") for entry in started)


def test_a_move_under_way_is_followed_to_its_end_on_the_same_card(tmp_path: Path) -> None:
    with Ferry(tmp_path, speed=3) as ferry:
        card = ferry.say("migrate VM-01 to host02")
        ferry.press(card, "Confirm")
        assert ferry.world.wait_until(lambda: moves(ferry) == 1, 10)
        ferry.bot.stop()
        assert ferry.world.active_jobs()

        ferry.start()

        assert "VM-01 is on host02" in ferry.wait_until_ended(card)
        assert len(ferry.server.messages("#ops")) == 2, "what alice said, and one card"
        assert moves(ferry) == 1


def test_an_offer_outlives_the_bot_and_what_was_said_meanwhile_is_answered(tmp_path: Path) -> None:
    with Ferry(tmp_path, speed=50) as ferry:
        card = ferry.say("migrate VM-01 to host02")
        ferry.bot.stop()
        ferry.server.say("alice", "#ops", "where VM-10")

        ferry.start()

        ferry.wait(lambda: any("VM-10 is on host01" in ferry.text(one) for one in ferry.server.messages("#ops")))
        ferry.press(card, "Confirm", who="bob")
        assert "VM-01 is on host02" in ferry.wait_until_ended(card)


def test_a_preparation_that_was_confirmed_is_carried_out_after_the_restart(tmp_path: Path) -> None:
    with Ferry(tmp_path) as ferry:
        host02 = ferry.world.host("host02")
        host02.migration_enabled = False
        card = ferry.say("prepare host02")
        ferry.press(card, "Confirm", who="bob")
        ferry.wait(lambda: all(one.confirmed_at for one in ferry.bot.store.open_host_changes()))
        ferry.bot.stop()  # mostly before its queue was read

        ferry.start()

        assert "host02 is prepared" in ferry.wait_until_ended(card)
        assert host02.migration_enabled
