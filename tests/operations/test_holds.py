"""Freezes and locks as rows: made, ended and kept in the transactions of what they hold back, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.core.holds.model import EVERYTHING, Held, Hold, Kind
from bot.core.lifecycle import Event, State
from bot.core.plan import Plan
from bot.core.policy import Policy, simple
from bot.core.signal import Cancel, Freeze, Lock, Unfreeze, Unlock
from bot.errors import DatabaseUnavailable, Locked, Refused
from bot.operations.authority import Authority
from bot.operations.hold_desk import HoldDesk
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals
from bot.operations.store.hold_rows import HoldRows
from tests.asking import text_of
from tests.operations.bench import Bench, make_open_desk
from tests.operations.moving_hosts import MovingHosts
from tests.operations.offers import ALICE, BOB, CAROL, NOON, OFFER, SetClock, both, make_ask, make_host, vm_id
from tests.operations.rows import found, know_room
from tests.operations.test_evacuation_rows import make_evacuation, now
from tests.operations.test_maintaining import Maintaining
from tests.operations.test_pausing import give_room
from tests.operations.test_preparing import PLAN, Preparing

VM_01 = Held(kind=Kind.VM, target=vm_id(1), name="VM-01", host="host01")
FROZEN, LOCKED = "Ferry is frozen: a reason", "VM-01 is locked: a reason"


def begin(store: Store, held: Held = EVERYTHING, *, key: str = "", **changes: object) -> Hold:
    values = {**held.model_dump(), "number": 0, "by": ALICE, "reason": "a reason", "at": store.clock.now()}
    return HoldRows(store).begin(Hold.model_validate(values | changes), make_ask("freeze", key=key)).hold


def end(store: Store, one: Hold) -> None:
    assert HoldRows(store).end(one, BOB)


def events(store: Store, name: str) -> list[tuple[str, str | None]]:
    told = (json.loads(entry.body) for entry in store.journal(name))
    return [(each["event"], each.get("by")) for each in told]


# Rows


@both
def test_a_freeze_holds_back_what_is_confirmed_and_lets_it_go_when_it_ends(store, clock, propose):
    know_room(store, clock)
    freeze = begin(store)
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    assert (found(store, "m-1").state, found(store, "m-1").waiting) == (State.QUEUED, FROZEN)
    store.pump()
    assert found(store, "m-1").state is State.QUEUED
    end(store, freeze)
    assert found(store, "m-1").state is State.GRANTED
    assert store.holds() == ()
    assert events(store, "h-1") == [("freeze", ALICE), ("unfreeze", BOB)]
    assert store.find_break() is None


@both
def test_a_lock_holds_back_what_touches_it_alone(store, clock, propose):
    know_room(store, clock)
    lock = begin(store, VM_01)
    for number in (1, 2):
        propose(number)
        store.change(f"m-{number}", Event.CONFIRM, by=BOB)
    assert (found(store, "m-1").state, found(store, "m-1").waiting) == (State.QUEUED, LOCKED)
    assert found(store, "m-2").state is State.GRANTED
    end(store, lock)
    assert found(store, "m-1").state is State.GRANTED
    assert events(store, "h-1") == [("lock", ALICE), ("take over", BOB)]


@both
def test_one_process_freezes_and_another_holds_back_after_a_restart_too(store, database_url, clock, propose):
    know_room(store, clock)
    other = Store(database_url, clock)
    begin(other, until=NOON + timedelta(hours=2))
    other.close()
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    assert found(store, "m-1").waiting == FROZEN
    assert store.is_held("m-1")
    assert store.hosts_waited_for() == ()  # nobody has to be asked for room meanwhile
    again = Store(database_url, clock)
    (freeze,) = again.holds()
    assert (freeze.by, freeze.reason, freeze.until) == (ALICE, "a reason", NOON + timedelta(hours=2))
    end(again, freeze)
    again.close()
    assert found(store, "m-1").state is State.GRANTED


@both
def test_time_ends_it_once_and_that_is_yet_to_be_told(store, clock, propose):
    know_room(store, clock)
    begin(store, until=NOON + timedelta(minutes=1))
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    HoldRows(store).end_late()
    assert found(store, "m-1").state is State.QUEUED
    clock.forward(minutes=1)
    for _ in range(2):
        HoldRows(store).end_late()
    assert found(store, "m-1").state is State.GRANTED
    (told,) = HoldRows(store).untold()
    assert (told.hold.number, told.place.channel) == (1, "C1")
    HoldRows(store).keep_told(1)
    assert HoldRows(store).untold() == ()
    assert events(store, "h-1") == [("freeze", ALICE), ("unfreeze", None)]


@both
def test_the_same_ask_makes_one_and_a_new_freeze_takes_the_place_of_the_old(store):
    first = begin(store, key="T1/C1/f")
    assert begin(store, key="T1/C1/f") == first
    second = begin(store, by=BOB)
    assert store.holds() == (second,)


def test_a_lock_is_its_holders_to_renew(store):
    begin(store, VM_01)
    renewed = begin(store, VM_01, reason="of another")
    assert store.holds() == (renewed,)
    with pytest.raises(Locked, match="VM-01 is locked: of another"):
        begin(store, VM_01, by=BOB)


def test_every_open_card_is_drawn_anew_and_tells_of_it(store, clock, propose):
    know_room(store, clock)
    for number in (1, 2, 3):
        propose(number)
    store.change("m-1", Event.CONFIRM, by=BOB)
    store.change("m-3", Event.DECLINE, by=BOB)
    before = {one: found(store, one).version for one in ("m-1", "m-2", "m-3")}
    freeze = begin(store)
    assert {one for one in before if found(store, one).version > before[one]} == {"m-1", "m-2"}
    cards = {due.operation.id: due.operation.holds for due in store.cards_due()}
    assert cards == {"m-1": (freeze,), "m-2": (freeze,), "m-3": ()}
    assert store.find_shown("m-2").holds == (freeze,)


def test_an_evacuations_moves_wait_and_its_card_tells(store, clock):
    know_room(store, clock)
    store.propose_evacuation(make_evacuation(), make_ask(), clock.now() + OFFER)
    freeze = begin(store)
    assert Approvals(store).confirm("m-1", BOB)
    assert {move.state for move in now(store, "m-1").moves} == {State.QUEUED}
    assert {move.waiting for move in now(store, "m-1").moves} == {FROZEN}
    assert store.find_shown("m-1").holds == (freeze,)
    end(store, freeze)
    assert {move.state for move in now(store, "m-1").moves} == {State.GRANTED, State.QUEUED}


# People


@pytest.fixture
def desk(store: Store, clock: SetClock) -> HoldDesk:
    """Alice and Carol operate; Bob runs."""
    authority = Authority(Policy(rules=simple([BOB], [ALICE, CAROL])), clock)
    return HoldDesk(store, authority, lambda refusal, ask: None)


def test_people_freeze_and_unfreeze(store, desk):
    begun = desk.apply(Freeze(reason="a reason"), make_ask())
    assert "Ferry is frozen by " in text_of(begun)
    assert [button.sends for button in begun.buttons] == ["unfreeze"]
    with pytest.raises(Refused, match="no rule lets you unfreeze Ferry"):
        desk.apply(Unfreeze(), make_ask(actor=BOB))
    assert "The freeze was ended by " in text_of(desk.apply(Unfreeze(), make_ask(actor=CAROL)))
    with pytest.raises(Refused, match="Ferry is not frozen"):
        desk.apply(Unfreeze(), make_ask())


def test_a_locked_cluster_is_every_node_it_had_or_has(store, desk, clock):
    store.set_room(make_host("host02").model_copy(update={"cluster": "hvc1"}), clock.now())
    held = Held(kind=Kind.CLUSTER, target="HVC1", name="HVC1", host="host01")
    assert "HVC1 is locked by " in text_of(desk.apply(Lock(held=held, reason="of a reason"), make_ask()))
    (lock,) = store.holds()
    assert lock.hosts == {"host01", "host02"}
    store.set_room(make_host("host01"), clock.forward(seconds=1))  # its cluster service has stopped
    store.set_room(make_host("host03").model_copy(update={"cluster": "HVC1"}), clock.now())
    (lock,) = store.holds()
    assert lock.hosts == {"host01", "host02", "host03"}
    desk.apply(Unlock(what="hvc1"), make_ask(actor=ALICE))
    assert store.holds() == ()


def test_a_lock_is_freed_by_whoever_holds_it_or_an_operator(store, desk):
    lock = Lock(held=VM_01, reason="a reason")
    desk.apply(lock, make_ask(actor=BOB))
    desk.apply(Unlock(what="vm-01"), make_ask(actor=BOB))
    desk.apply(lock, make_ask(actor=ALICE))
    with pytest.raises(Refused) as refused:
        desk.apply(Unlock(what="VM-01"), make_ask(actor=BOB))
    assert refused.value.needed == "whoever holds it, or one of Ferry's operators"
    desk.apply(Unlock(what="VM-01"), make_ask(actor=CAROL))
    assert [event for event, _ in events(store, "h-2")] == ["lock", "take over"]


def test_what_is_locked_is_not_planned_anew_and_what_was_offered_waits(lab, store, clock):
    desk = make_open_desk(store, clock, lab.fleet)
    plan = lab.plan()
    offered = desk.propose(plan, make_ask())
    begin(store, Held(kind=Kind.HOST, target="host02", name="host02"))
    with pytest.raises(Locked, match="host02 is locked"):
        desk.propose(plan, make_ask())
    with pytest.raises(Locked):
        desk.propose_host_change(PLAN.model_copy(update={"host": "host02"}), make_ask())
    give_room(lab, store, clock)
    Approvals(store).confirm(offered.id, BOB)
    assert found(store, offered.id).waiting == "host02 is locked: a reason"
    desk.apply(Cancel(operation=offered.id), make_ask())
    assert found(store, offered.id).state is State.CANCELLED


# What has been granted


def freezing(store: Store, lab: MovingHosts) -> Callable[[Plan], tuple[str, ...]]:
    """Somebody freezes Ferry while the runner looks at the hosts."""

    def changes(plan: Plan) -> tuple[str, ...]:
        begin(store)
        return lab.changes(plan)

    return changes


def test_an_order_that_has_not_left_goes_back_to_its_turn(lab, store, clock, bench: Bench):
    bench.grant()
    bench.runner(freezing(store, lab)).run("m-1", bench.row().attempt)
    assert (bench.row().state, bench.row().waiting) == (State.QUEUED, FROZEN)
    assert lab.sent() == lab.planned() == 0
    (freeze,) = store.holds()
    end(store, freeze)
    bench.admit()
    bench.run()
    assert bench.row().state is State.SUCCEEDED
    assert lab.sent() == 1


def test_what_runs_goes_on_to_its_end(lab, store, bench: Bench):
    bench.grant()
    running = bench.start()
    lab.hold_at(30)
    begin(store)
    lab.go()
    running.result(30)
    assert bench.row().state is State.SUCCEEDED


def test_a_host_is_not_set_up_while_ferry_is_frozen(lab, store, clock):
    preparing = Preparing(lab, store, clock)
    preparing.grant()
    freeze = begin(store)
    assert preparing.run().state is State.QUEUED
    assert preparing.sent == []
    end(store, freeze)
    assert preparing.row.state is State.GRANTED


def test_a_node_is_not_drained_while_it_is_locked(lab, store, clock):
    draining = Maintaining(lab, store, clock)
    try:
        draining.grant()
        lock = begin(store, Held(kind=Kind.HOST, target="host01", name="host01"))
        assert draining.run().state is State.QUEUED
        assert draining.row().waiting == "host01 is locked: a reason"
        assert draining.orders == []
        end(store, lock)
        assert draining.run().state is State.SUCCEEDED
        assert draining.orders == ["drain"]
    finally:
        draining.threads.shutdown()


def test_where_the_database_cannot_be_read_nothing_is_said_to_be_free(store, database_url):
    store.close()
    elsewhere = Store("postgresql://nobody@127.0.0.1:1/ferry", store.clock)
    with pytest.raises(DatabaseUnavailable):
        elsewhere.is_held("m-1")
    elsewhere.close()
