"""Admission in the rows: what is granted in the transaction that frees or takes a place, and why the others wait."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from bot.core.lifecycle import Event, State
from bot.core.plan import MoveKind
from bot.operations.outbox import workflow_id
from tests.operations.offers import BOB, SetClock, make_host
from tests.operations.rows import found, know_room, workflows


def test_a_grant_and_its_workflow_are_one_transaction(store, clock, propose):
    know_room(store, clock)
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    granted = found(store, "m-1")
    assert (granted.state, granted.attempt) == (State.GRANTED, 1)
    assert workflows(store) == [workflow_id("m-1", 1)]


def test_nothing_is_granted_while_the_room_is_not_known(store, clock, propose):
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    assert found(store, "m-1").waiting == "how many live migrations host01 runs is not known; Ferry is asking it"
    assert store.hosts_waited_for() == ("host01", "host02")
    know_room(store, clock)
    assert found(store, "m-1").state is State.GRANTED
    assert store.hosts_waited_for() == ()


def test_a_look_that_is_too_old_is_no_room(store, clock, propose):
    know_room(store, clock)
    clock.forward(minutes=10)
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    assert found(store, "m-1").state is State.QUEUED


def test_foreign_moves_take_room_and_waiting_says_so(store, clock, propose):
    store.set_room(make_host("host01"), clock.now())
    store.set_room(make_host("host02", live_active=2), clock.now())
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    waits = found(store, "m-1")
    assert waits.waiting == "host02 runs 2 of 2 live migrations, 2 not started by Ferry; next in line"
    store.set_room(make_host("host02", live_active=2), clock.forward(seconds=3))
    assert found(store, "m-1").version == waits.version  # the same words are not written again
    store.set_room(make_host("host02", live_active=1), clock.forward(seconds=3))
    assert found(store, "m-1").state is State.GRANTED


def test_our_own_moves_are_not_counted_as_foreign(store, clock, propose):
    know_room(store, clock)
    propose(1)
    store.change("m-1", Event.CONFIRM, by=BOB)
    store.change("m-1", Event.START)
    clock.forward(seconds=2)
    know_room(store, clock, live_active=1)  # the host now shows our move
    propose(2)
    store.change("m-2", Event.CONFIRM, by=BOB)
    assert found(store, "m-2").state is State.GRANTED


def test_a_move_that_ended_after_the_look_was_not_foreign(store, clock, propose):
    know_room(store, clock)
    propose(1)
    store.change("m-1", Event.CONFIRM, by=BOB)
    store.change("m-1", Event.START)
    looked = clock.forward(seconds=2)
    clock.forward(seconds=1)
    store.change("m-1", Event.VERIFY)
    for name in ("host01", "host02"):
        store.set_room(make_host(name, live=1, live_active=1), looked)
    store.change("m-1", Event.SUCCEED)
    propose(2)
    store.change("m-2", Event.CONFIRM, by=BOB)
    assert found(store, "m-2").state is State.GRANTED


def test_an_older_look_does_not_replace_a_newer_one(store, clock, propose):
    before = clock.now()
    know_room(store, SetClock(before + timedelta(seconds=5)))
    clock.forward(seconds=5)
    store.set_room(make_host("host02", live_active=2), before)
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    assert found(store, "m-1").state is State.GRANTED


def test_the_end_of_one_lets_the_next_go(store, clock, propose):
    know_room(store, clock, live=1)
    for number in (1, 2, 3):
        propose(number)
        store.change(f"m-{number}", Event.CONFIRM, by=BOB)
    assert found(store, "m-2").waiting == "host01 runs 1 of 1 live migrations; next in line"
    assert found(store, "m-3").waiting == "host01 runs 1 of 1 live migrations; 1 ahead in line"
    store.change("m-1", Event.FAIL)
    assert found(store, "m-2").state is State.GRANTED
    assert found(store, "m-3").waiting == "host01 runs 1 of 1 live migrations; next in line"
    waited = [entry.body for entry in store.journal("m-3")]
    assert len(waited) == 2  # proposed and confirmed: waiting makes no journal noise


def test_limits_hold_when_many_confirm_at_once(store, clock, propose):
    know_room(store, clock, live=2)
    for number in range(1, 9):
        propose(number)
    with ThreadPoolExecutor(8) as people:
        list(people.map(lambda number: store.change(f"m-{number}", Event.CONFIRM, by=BOB), range(1, 9)))
    assert len(store.holding()) == 2
    assert len(workflows(store)) == 2


def test_storage_moves_have_limits_of_their_own(store, clock, propose):
    know_room(store, clock, live=1, storage=1)
    for number, kind in ((1, MoveKind.LIVE), (2, MoveKind.STORAGE), (3, MoveKind.STORAGE)):
        propose(number, kind)
        store.change(f"m-{number}", Event.CONFIRM, by=BOB)
    assert [operation.id for operation in store.holding()] == ["m-1", "m-2"]
    assert found(store, "m-3").waiting == "host01 runs 1 of 1 storage migrations; next in line"


def test_regranting_gives_a_new_workflow_and_keeps_the_state(store, clock, propose):
    know_room(store, clock)
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    store.change("m-1", Event.START)
    assert store.regrant("m-1", 1)
    assert not store.regrant("m-1", 1)
    again = found(store, "m-1")
    assert (again.state, again.attempt) == (State.RUNNING, 2)
    assert workflows(store) == [workflow_id("m-1", 1), workflow_id("m-1", 2)]
