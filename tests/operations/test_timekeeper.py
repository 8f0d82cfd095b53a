"""What is agreed to for later: it begins once, at its time, or asks again; whichever process sees to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest

from bot.core.evacuation import EvacuationPlan, Leg
from bot.core.lifecycle import State
from bot.core.operation import Ask
from bot.core.plan import Finding, Level
from bot.core.policy import AnyPlan, Policy, simple
from bot.core.reply import Reply
from bot.core.shown import Shown, list_scheduled, render_status_line
from bot.core.signal import Cancel
from bot.errors import HostUnreachable, Refused, UsageError
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals
from bot.operations.timekeeper import Timekeeper
from tests.asking import plain
from tests.operations.offers import ALICE, BOB, CAROL, NOON, OFFER, SetClock, both, make_ask, make_plan
from tests.operations.test_approvals import EVACUATION, PREPARATION, Office, policy

LATER = NOON + timedelta(hours=10)
GRACE = timedelta(minutes=15)
OPEN = Policy(rules=simple((), [ALICE, BOB, CAROL]))


class House:
    """People who have agreed to something for 22:00, and what its command plans when that comes."""

    def __init__(self, store: Store, clock: SetClock, given: Policy = OPEN) -> None:
        self.office, self.store, self.clock = Office(store, clock, given), store, clock
        self.plans: AnyPlan | BaseException = make_plan()
        self.planned: list[Ask] = []
        self.held = ""

    def agree(self, plan: AnyPlan | None = None, begins_at: datetime = LATER) -> Shown:
        self.plans = plan or make_plan()
        command = f"{self.plans.command} at 22:00"
        later = self.plans.model_copy(update={"command": command, "begins_at": begins_at})
        desk, ask = self.office.desk, make_ask(actor=ALICE)
        if isinstance(later, EvacuationPlan):
            offered: Shown = desk.propose_evacuation(later, ask)
        elif isinstance(later, type(PREPARATION)):
            offered = desk.propose_host_change(later, ask)
        else:
            offered = desk.propose(later, ask)  # type: ignore[arg-type]
        assert self.office.confirm(BOB, offered.id) is None
        return self.row(offered.id)

    def keeper(self) -> Timekeeper:
        def plan_again(ask: Ask) -> AnyPlan:
            self.planned.append(ask)
            if isinstance(self.plans, BaseException):
                raise self.plans
            return self.plans

        authority, held = self.office.authority, lambda _: self.held
        return Timekeeper(self.store, authority, plan_again, offer=OFFER, grace=GRACE, find_hold=held)

    def turn(self, **late: float) -> None:
        """The timekeeper's, so long after it is due."""
        self.clock.forward(seconds=(LATER - self.clock.now()).total_seconds())
        self.clock.forward(**late)
        self.keeper().turn()

    def row(self, name: str = "m-1") -> Shown:
        return self.office.row(name)

    def asks_again(self, *why: str) -> str:
        """That it has ended, is offered anew without its time, and why; what the thread is told."""
        old, new = self.row("m-1"), self.row("m-2")
        assert old.state is State.EXPIRED
        assert old.outcome is not None
        assert all(one in old.outcome.cause for one in why), old.outcome
        assert new.state is State.PROPOSED
        assert (new.requested_by, new.place, new.begins_at) == (ALICE, old.place, None)
        assert new.plan.command == old.plan.command.removesuffix(" at 22:00")
        told = self.told("m-2")
        assert all(one in told for one in why)
        assert told.startswith(f"user='{ALICE}'") or ALICE in told
        return told

    def told(self, name: str) -> str:
        return "\n".join(
            plain(step.line) for due in self.store.cards_due() if due.operation.id == name for step in due.steps
        )

    def events(self, name: str = "m-1") -> list[str]:
        return [json.loads(entry.body)["event"] for entry in self.store.journal(name)]


@pytest.fixture
def house(store: Store, clock: SetClock) -> Iterator[House]:
    return House(store, clock)


@both
def test_it_waits_for_its_time_and_begins_once(house: House) -> None:
    assert house.agree().state is State.SCHEDULED
    house.clock.forward(hours=9, minutes=59)
    house.keeper().turn()
    assert house.planned == []
    assert house.row().state is State.SCHEDULED
    house.turn()
    assert house.row().state is State.QUEUED
    assert (house.planned[0].text, house.planned[0].actor) == ("migrate VM-01 to host02 at 22:00", ALICE)
    house.keeper().turn()
    assert len(house.planned) == 1
    assert house.events() == ["propose", "schedule", "due"]
    assert house.row().agreed == ""


def test_it_keeps_its_vm_free_until_then_and_asks_again_if_that_is_busy(house: House) -> None:
    house.agree()
    house.office.desk.propose(make_plan(), make_ask())
    house.office.confirm(BOB, "m-2")
    house.turn()
    assert house.row("m-2").state is State.QUEUED
    assert house.row("m-1").state is State.EXPIRED
    assert house.row("m-3").state is State.PROPOSED
    assert "VM-01 already has an operation: m-2 is queued" in house.told("m-3")


def test_what_does_not_matter_is_planned_anew_and_what_was_agreed_to_is_kept(house: House) -> None:
    agreed = house.agree().plan.digest
    house.plans = make_plan(memory_bytes=9 << 30)
    house.turn()
    row = house.row()
    assert row.state is State.QUEUED
    assert row.agreed == agreed != row.plan.digest
    assert row.plan.begins_at == LATER
    assert json.loads(house.store.journal("m-1")[-1].body)["agreed"] == agreed


def test_a_changed_world_asks_again(house: House) -> None:
    house.agree()
    house.plans = make_plan(source="host03")
    house.turn()
    told = house.asks_again("VM-01 is on host03, not on host01")
    assert "nothing was started. m-2 is what it would do now, and waits for someone to confirm it" in told
    house.keeper().turn()
    assert len(house.planned) == 1
    assert house.office.confirm(BOB, "m-2") is None
    assert house.row("m-2").state is State.QUEUED


def test_a_time_that_was_missed_asks_again(house: House) -> None:
    house.agree()
    house.turn(minutes=16)
    house.asks_again("its time was missed by 16 min")


def test_a_freeze_asks_again(house: House) -> None:
    house.agree()
    house.held = "migrations are frozen until Monday"
    house.turn()
    house.asks_again("migrations are frozen until Monday")


def test_a_confirmer_who_may_no_longer_do_so_is_replaced_by_asking_again(house: House) -> None:
    house.agree()
    house.office.follow(Policy(rules=simple((), [ALICE, CAROL])))
    house.turn()
    house.asks_again(f"{BOB} confirmed it, who may not do so any more")


def test_a_requester_who_may_no_longer_do_so_ends_it(house: House) -> None:
    house.agree()
    house.office.follow(Policy(rules=simple((), [BOB])))
    house.turn()
    assert house.row().state is State.EXPIRED
    assert "may not do so any more" in house.told("m-1")
    assert house.store.find_shown("m-2") is None


BLOCKED = make_plan().model_copy(
    update={"findings": (Finding(level=Level.BLOCKING, code="switch", text="host02 lacks the switch", needed="it"),)}
)


SILENT = HostUnreachable("host02", "reading it")


@pytest.mark.parametrize(
    ("plans", "why"),
    [
        (Refused("VM-01 is on host02 already"), "VM-01 is on host02 already"),
        (BLOCKED, "host02 lacks the switch"),
        (SILENT, "Ferry does not reach host02 for reading it"),
        (RuntimeError("a bug"), "something is wrong in Ferry; the log has it as incident"),
    ],
)
def test_what_cannot_be_planned_is_tried_again_until_the_grace_is_over(
    house: House, plans: AnyPlan | Exception, why: str
) -> None:
    house.agree()
    house.plans = plans
    house.turn()
    assert house.row().state is State.SCHEDULED
    told = house.told("m-1")
    assert why in told
    assert ALICE in told
    assert "it is tried again until" in told
    house.turn(minutes=16)
    assert house.row().state is State.EXPIRED
    assert house.told("m-1").count(why) == 2
    assert house.store.find_shown("m-2") is None


def test_what_can_be_planned_again_in_time_begins(house: House) -> None:
    house.agree()
    house.plans = SILENT
    house.turn()
    house.plans = make_plan()
    house.turn(minutes=1)
    assert house.row().state is State.QUEUED


def test_what_cannot_be_planned_is_not_tried_all_the_time(house: House) -> None:
    house.agree()
    house.plans = SILENT
    house.clock.forward(hours=10)
    keeper = house.keeper()
    keeper.turn()
    keeper.turn()
    assert len(house.planned) == 1
    house.clock.forward(seconds=31)
    keeper.turn()
    assert len(house.planned) == 2


def test_a_command_that_is_understood_no_more_ends_it(house: House) -> None:
    house.agree()
    house.plans = UsageError("`migrate` is not a command")
    house.turn()
    assert house.row().state is State.EXPIRED
    assert "is not understood any more" in house.told("m-1")


def test_cancel_takes_it_off_and_nobody_begins_it(house: House) -> None:
    row = house.agree()
    line = render_status_line(row, house.clock.now())
    assert plain(line[:2]) == "`m-1` scheduled · VM-01 from host01 to host02"
    assert list_scheduled([row]) == (row,)
    assert house.office.desk.apply(Cancel(operation="m-1"), make_ask("cancel m-1", ALICE)) is None
    assert house.row().state is State.CANCELLED
    house.turn()
    assert house.planned == []


def test_an_offer_ends_at_its_time_at_the_latest(house: House) -> None:
    assert house.agree(begins_at=NOON + timedelta(minutes=5)).expires_at == NOON + timedelta(minutes=5)
    offered = house.office.desk.propose(
        make_plan(2).model_copy(update={"begins_at": NOON + timedelta(minutes=5)}), make_ask()
    )
    house.clock.forward(minutes=6)
    assert isinstance(house.office.confirm(BOB, offered.id), Reply)
    assert house.row(offered.id).state is State.EXPIRED


def test_it_is_approved_now_and_approvals_hold_for_what_is_planned_anew(store: Store, clock: SetClock) -> None:
    house = House(store, clock, policy(needed=1))
    assert house.agree().state is State.AWAITING_APPROVAL
    assert house.office.approve(CAROL) is None
    assert house.row().state is State.SCHEDULED
    confirmed_at = house.row().confirmed_at
    house.plans = make_plan(memory_bytes=9 << 30)
    house.turn()
    row = house.row()
    assert (row.state, row.confirmed_at) == (State.QUEUED, confirmed_at)
    given = Approvals(store).given("m-1")
    assert house.office.authority.find_refusal(row, given) == ""
    assert house.office.authority.find_refusal(row, (), at=clock.now()) == "1 of 1 approvals are missing now (critical)"
    assert house.events() == ["propose", "submit", "approve", "due"]


def test_an_evacuation_begins_with_the_destinations_of_then(house: House) -> None:
    house.agree(EVACUATION)
    assert house.row().state is State.SCHEDULED
    elsewhere = Leg(plan=make_plan(1, destination="host03"))
    house.plans = EVACUATION.model_copy(update={"legs": (elsewhere, EVACUATION.legs[1])})
    house.turn()
    evacuation = house.store.find_evacuation("m-1")
    assert evacuation is not None
    assert evacuation.state is State.UNDER_WAY
    assert [move.plan.move.destination for move in evacuation.moves] == ["host03", "host02"]


def test_an_evacuation_with_another_vm_asks_again(house: House) -> None:
    house.agree(EVACUATION)
    house.plans = EVACUATION.model_copy(update={"legs": (*EVACUATION.legs, Leg(plan=make_plan(3)))})
    house.turn()
    house.asks_again("VM-03 would move, too")
    assert house.store.open() == ()


def test_a_change_of_a_host_begins_at_its_time(house: House) -> None:
    house.agree(PREPARATION)
    assert house.row().state is State.SCHEDULED
    house.turn()
    assert house.row().state is not State.SCHEDULED
    assert "due" in house.events()


def test_a_new_process_finds_what_the_last_one_left(house: House, database_url: str) -> None:
    house.agree()
    house.store.close()
    again = House(Store(database_url, house.clock), house.clock)
    again.turn()
    assert again.row().state is State.QUEUED
    again.store.close()


def test_who_dies_after_planning_leaves_it_to_the_next(house: House) -> None:
    house.agree()
    house.plans = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        house.turn()
    house.plans = make_plan()
    house.turn()
    assert house.events() == ["propose", "schedule", "due"]


@both
@pytest.mark.parametrize("changed", [False, True])
def test_of_two_processes_one_lets_it_begin_or_asks(house: House, database_url: str, changed: bool) -> None:
    house.agree()
    clock = house.clock
    houses = [House(Store(database_url, clock), clock) for _ in range(2)]
    clock.forward(hours=10)
    ready = Barrier(2)
    plan = make_plan(source="host03") if changed else make_plan()

    def turn(one: House) -> None:
        def plan_again(_: Ask) -> AnyPlan:
            ready.wait(10)  # both have read that it is due
            return plan

        authority = one.office.authority
        keeper = Timekeeper(one.store, authority, plan_again, offer=OFFER, grace=GRACE, find_hold=lambda _: "")
        keeper.turn()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(turn, houses))
    if changed:
        house.asks_again("VM-01 is on host03, not on host01")
        assert house.store.find_shown("m-3") is None
    else:
        assert house.row().state is State.QUEUED
        assert house.events().count("due") == 1
    for one in houses:
        one.store.close()
