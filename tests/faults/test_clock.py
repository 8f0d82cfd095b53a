"""The bot's clock is set forward and back: no offer comes back to life, nothing waits for a time to come again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.lifecycle import Event, State
from bot.operations.store import Store
from tests.faults.waiting import assert_true_and_single, until
from tests.ferry import Ferry
from tests.operations.conftest import Propose, propose  # noqa: F401 - a fixture
from tests.operations.offers import SetClock, make_host
from tests.operations.rows import found

OFFER = "move storage VM-10 \\\\server02\\vmstore"


class WrongClock:
    """The machine's, put wrong by as much as is told."""

    def __init__(self) -> None:
        self.wrong_by = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.wrong_by


@pytest.fixture(scope="module")
def clock_of_bot() -> WrongClock:
    return WrongClock()


@pytest.fixture(scope="module")
def ferry(tmp_path_factory: pytest.TempPathFactory, clock_of_bot: WrongClock) -> Iterator[Ferry]:
    with Ferry(tmp_path_factory.mktemp("lab"), speed=100, rate_limits=False, clock=clock_of_bot) as ferry:
        yield ferry


def test_an_offer_that_has_ended_stays_so_when_the_clock_goes_back(ferry: Ferry, clock_of_bot: WrongClock) -> None:
    card = ferry.say(OFFER)
    clock_of_bot.wrong_by = timedelta(minutes=11)
    assert "expired" in ferry.wait_until_ended(card)
    clock_of_bot.wrong_by = timedelta(hours=-2)
    ferry.server.press("bob", "#ops", card.ts, "Confirm", version=0)
    whisper = ferry.wait(lambda: ferry.server.ephemerals("bob"))
    assert "has ended" in ferry.text(whisper[-1])
    assert ferry.operation(card).state is State.EXPIRED
    clock_of_bot.wrong_by = timedelta()
    assert_true_and_single(ferry)


def test_a_command_that_looks_late_by_a_wrong_clock_changes_nothing(ferry: Ferry, clock_of_bot: WrongClock) -> None:
    clock_of_bot.wrong_by = timedelta(hours=1)
    refusal = ferry.say(OFFER)
    clock_of_bot.wrong_by = timedelta()
    assert "was not carried out" in ferry.text(refusal)
    assert ferry.bot.store.open() == ()


@pytest.mark.parametrize(("vm", "jump"), [("VM-01", timedelta(hours=-1)), ("VM-04", timedelta(days=2))], ids=str)
def test_a_move_goes_on_and_its_card_stays_true(
    ferry: Ferry, clock_of_bot: WrongClock, vm: str, jump: timedelta
) -> None:
    card = ferry.say(f"migrate {vm} to host02")
    ferry.press(card, "Confirm")
    until(lambda: ferry.operation(card).state is not State.PROPOSED)
    clock_of_bot.wrong_by = jump
    end = ferry.wait_until_ended(card)
    ended = ferry.operation(card)
    assert ended.state is State.SUCCEEDED
    assert f"{vm} is on host02" in end
    assert "-" not in end.splitlines()[1].removeprefix(ended.id)  # its state and duration
    assert_true_and_single(ferry)
    clock_of_bot.wrong_by = timedelta()
    assert "VM-10 is on host01" in ferry.text(ferry.say("where VM-10"))


# What begins later


def test_a_move_begins_at_its_time_and_is_listed_until_then(ferry: Ferry, clock_of_bot: WrongClock) -> None:
    card = ferry.say("migrate WEB-01 to host01 in 2h")
    offered = ferry.text(card)
    assert "it is planned again then, and asks again instead if something that matters has changed" in offered
    ferry.press(card, "Confirm")
    assert "WEB-01 is to move from host02 to host01 later" in ferry.wait_for_text(card, "· scheduled", "[Cancel]")
    name = ferry.operation(card).id
    listed = ferry.text(ferry.say("scheduled"))
    assert f"{name} scheduled · WEB-01 from host02 to host01 · begins" in listed
    assert "asked by @alice, confirmed by @alice" in listed
    assert f"{name} scheduled" in ferry.text(ferry.say("status"))
    clock_of_bot.wrong_by = timedelta(hours=2, minutes=1)
    assert "WEB-01 is on host01" in ferry.wait_until_ended(card)
    clock_of_bot.wrong_by = timedelta()
    assert ferry.text(ferry.say("scheduled")).startswith("Nothing is scheduled")
    assert_true_and_single(ferry)


def test_a_move_that_has_another_way_by_its_time_is_offered_again(ferry: Ferry, clock_of_bot: WrongClock) -> None:
    card = ferry.say("migrate APP-02 to host01 in 2h")
    ferry.press(card, "Confirm")
    ferry.wait_for_text(card, "· scheduled")
    moved = ferry.say("migrate APP-02 to host02")
    ferry.press(moved, "Confirm")
    ferry.wait_until_ended(moved)
    clock_of_bot.wrong_by = timedelta(hours=2, minutes=1)
    assert "is offered instead" in ferry.wait_until_ended(card)
    clock_of_bot.wrong_by = timedelta()
    number = int(ferry.operation(moved).id.removeprefix("m-")) + 1
    again = ferry.bot.store.find(f"m-{number}")
    assert again is not None
    assert (again.state, again.plan.move.source) == (State.PROPOSED, "host02")
    told = ferry.wait(lambda: next((one for one in ferry.steps(card) if "was to begin" in one), None))
    assert told.startswith(f"@alice: {ferry.operation(card).id} was to begin")
    assert "APP-02 is on host02, not on host03; nothing was started" in told
    assert "Move APP-02 from host02 to host01?" in "".join(ferry.steps(card))
    assert_true_and_single(ferry)


# One part at a time


def test_looks_count_after_the_clock_went_back(store: Store, clock: SetClock, propose: Propose) -> None:  # noqa: F811
    for name in ("host01", "host02"):
        store.set_room(make_host(name, live=0), clock.now())
    clock.forward(hours=-3)
    offered = propose()
    store.change(offered.id, Event.CONFIRM)
    assert found(store, offered.id).state is State.QUEUED
    for name in ("host01", "host02"):
        store.set_room(make_host(name), clock.now())
    assert found(store, offered.id).state is State.GRANTED
