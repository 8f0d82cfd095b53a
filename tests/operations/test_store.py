"""The rows: compare-and-set, admission in the same transaction, cards, leases, the inbox, and the database itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.core.evacuation.measuring import Rate
from bot.core.lifecycle import Event, State
from bot.core.operation import Outcome
from bot.core.plan import MoveKind
from bot.errors import Refused
from bot.operations.store import Store
from bot.operations.store.claims import Claims
from bot.operations.store.unserved import tell_unserved
from tests.faults.waiting import until
from tests.operations.offers import ALICE, BOB, CAROL, NOON, OFFER, SetClock, both, make_ask, make_plan
from tests.operations.rows import discharge, enlist, found, know_room, queues

pytestmark = both

# Offers


def test_ids_are_sayable_and_count_up(propose):
    assert [propose(number).id for number in (1, 2, 3)] == ["m-1", "m-2", "m-3"]


def test_an_offer_comes_back_as_it_was_made(store, clock):
    plan, ask = make_plan(), make_ask(actor=BOB)
    made = store.propose(plan, ask, clock.now() + OFFER)
    assert made == found(store, made.id)
    assert made.plan == plan
    assert made.plan.digest == plan.digest
    assert (made.state, made.requested_by, made.requested_at) == (State.PROPOSED, BOB, NOON)
    assert made.expires_at == NOON + OFFER
    assert made.expires_at.tzinfo is not None
    assert made.place == ask.place


def test_the_same_ask_gets_the_operation_it_has(store, clock):
    ask = make_ask(key="T1/C1/7")
    first = store.propose(make_plan(), ask, clock.now() + OFFER)
    again = store.propose(make_plan(2), ask, clock.now() + OFFER)
    assert again == first
    assert len(store.open()) == 1


def test_open_is_oldest_first_and_recent_is_newest_first(store, clock, propose):
    for number in (1, 2, 3, 4):
        propose(number)
    for operation in ("m-3", "m-1"):
        clock.forward(seconds=1)
        store.change(operation, Event.DECLINE, by=ALICE)
    assert [operation.id for operation in store.open()] == ["m-2", "m-4"]
    assert [operation.id for operation in store.recent(5)] == ["m-1", "m-3"]
    assert [operation.id for operation in store.recent(1)] == ["m-1"]


def test_expired_names_the_offers_whose_time_is_over(store, clock, propose):
    propose(1)
    clock.forward(minutes=5)
    propose(2)
    clock.forward(minutes=5)
    assert store.expired() == ("m-1",)


# Compare and set


def test_confirming_records_who_and_when_and_raises_the_version(store, clock, propose):
    made = propose()
    clock.forward(seconds=30)
    changed = store.change(made.id, Event.CONFIRM, by=BOB)
    assert changed is not None
    assert (changed.state, changed.confirmed_by, changed.confirmed_at) == (State.QUEUED, BOB, clock.now())
    assert changed.version > made.version


def test_of_many_who_press_at_once_one_is_first(store, propose):
    propose()
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda _: store.change("m-1", Event.CONFIRM, by=BOB), range(8)))
    assert sum(answer is not None for answer in answers) == 1


def test_an_event_that_the_state_does_not_accept_changes_nothing(store, propose):
    made = propose()
    assert store.change(made.id, Event.SUCCEED) is None
    assert found(store, made.id) == made
    assert len(store.journal(made.id)) == 1


def test_an_unknown_operation_is_nobodys(store):
    assert store.find("m-99") is None
    assert store.change("m-99", Event.CONFIRM, by=BOB) is None


def test_a_vm_has_one_confirmed_operation_at_a_time(store, propose):
    propose(1)
    propose(1)
    store.change("m-1", Event.CONFIRM, by=BOB)
    with pytest.raises(Refused) as refusal:
        store.change("m-2", Event.CONFIRM, by=BOB)
    assert "m-1" in refusal.value.saw
    assert found(store, "m-2").state is State.PROPOSED
    store.change("m-1", Event.CANCEL, by=BOB)
    confirmed = store.change("m-2", Event.CONFIRM, by=BOB)
    assert confirmed is not None


def test_the_database_itself_refuses_a_second_confirmed_operation_of_a_vm(store, propose):
    propose(1)
    propose(1)
    statement = sa.text("UPDATE operation SET state = 'queued'")
    with pytest.raises(sa.exc.IntegrityError), store.database.writing() as connection:
        connection.execute(statement)


def test_a_stale_attempt_changes_nothing(store, clock, propose):
    know_room(store, clock)
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    assert store.change("m-1", Event.START, attempt=7) is None
    store.progress("m-1", 50, "moving", attempt=7)
    store.keep_jobs("m-1", frozenset({"a job"}), attempt=7)
    assert (found(store, "m-1").percent, store.known_jobs("m-1")) == (0, frozenset())
    assert store.change("m-1", Event.START, attempt=1) is not None


def test_a_move_from_start_to_end(store, clock, propose):
    know_room(store, clock)
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    clock.forward(seconds=1)
    started = clock.now()
    store.change("m-1", Event.START, waiting="moving", note=("asked host01",))
    store.progress("m-1", 47, "moving")
    assert (found(store, "m-1").percent, found(store, "m-1").waiting) == (47, "moving")
    clock.forward(seconds=11)
    store.change("m-1", Event.VERIFY)
    ended = store.change("m-1", Event.SUCCEED, outcome=Outcome(summary="running on host02, gone from host01"))
    assert ended is not None
    assert (ended.state, ended.percent, ended.waiting) == (State.SUCCEEDED, 100, "")
    assert (ended.started_at, ended.ended_at) == (started, clock.now())
    assert ended.outcome == Outcome(summary="running on host02, gone from host01")


def test_progress_of_an_ended_operation_is_not_written(store, propose):
    propose()
    store.change("m-1", Event.DECLINE, by=ALICE)
    store.progress("m-1", 50, "moving")
    assert found(store, "m-1").percent == 0


def test_a_refusal_for_want_of_room_keeps_the_turn_and_pauses(store, clock, propose):
    know_room(store, clock, live=1)
    for number in (1, 2, 3):
        propose(number)
        store.change(f"m-{number}", Event.CONFIRM, by=BOB)
    store.change("m-1", Event.START)
    pause = clock.now() + timedelta(seconds=10)
    returned = store.change("m-1", Event.RETURN, waiting="host02 has no room", not_before=pause)
    assert returned is not None
    assert (returned.state, returned.started_at, returned.percent) == (State.QUEUED, None, 0)
    assert found(store, "m-2").state is State.GRANTED  # it went past, in the same transaction
    assert found(store, "m-1").waiting == "host02 has no room"
    clock.forward(seconds=10)
    store.change("m-2", Event.FAIL)
    assert found(store, "m-1").state is State.GRANTED
    assert found(store, "m-1").attempt == 2
    assert found(store, "m-3").state is State.QUEUED


def test_asking_to_cancel_is_recorded_once(store, clock, propose):
    know_room(store, clock)
    propose()
    assert not store.ask_cancel("m-1", BOB)
    store.change("m-1", Event.CONFIRM, by=BOB)
    assert store.ask_cancel("m-1", CAROL)
    asked = found(store, "m-1")
    assert (asked.cancel_asked, asked.cancelled_by, asked.state) == (True, CAROL, State.GRANTED)
    assert not store.ask_cancel("m-1", BOB)
    assert found(store, "m-1").cancelled_by == CAROL


# Cards and step lines


def test_a_card_is_due_until_its_version_is_shown(store, propose):
    made = propose()
    (due,) = store.cards_due()
    assert (due.operation, due.ts, due.shown_version, due.steps) == (made, None, 0, ())
    store.card_posted("m-1", "1716.2", made.version)
    assert store.cards_due() == ()
    changed = store.change("m-1", Event.CONFIRM, by=BOB)
    assert changed is not None
    (due,) = store.cards_due()
    assert (due.ts, due.shown_version) == ("1716.2", made.version)
    store.card_shown("m-1", found(store, "m-1").version)
    assert store.cards_due() == ()


def test_an_older_version_never_counts_as_shown_after_a_newer_one(store, propose):
    propose()
    store.card_posted("m-1", "1716.2", 1)
    store.change("m-1", Event.DECLINE, by=ALICE)
    store.card_shown("m-1", found(store, "m-1").version)
    store.card_shown("m-1", 1)
    assert store.cards_due() == ()


def test_step_lines_are_due_in_order_until_posted(store, propose):
    made = propose()
    store.card_posted("m-1", "1716.2", made.version)
    store.step("m-1", ("checked again",))
    store.step("m-1", ("25 %",))
    (due,) = store.cards_due()
    assert [(step.number, step.line) for step in due.steps] == [(1, ("checked again",)), (2, ("25 %",))]
    store.steps_posted("m-1", [1], "1716.3")
    store.steps_posted("m-1", [2, 3], "1716.4")
    assert store.cards_due() == ()


def test_a_lost_card_is_not_due_again(store, propose):
    propose()
    store.step("m-1", ("25 %",))
    store.card_lost("m-1", "channel_not_found")
    store.change("m-1", Event.DECLINE, by=ALICE)
    assert store.cards_due() == ()


def test_changed_rings_for_a_change_and_not_for_a_reading(store, propose):
    propose()
    assert store.changed.wait(0)
    assert not store.changed.wait(0)
    store.open()
    assert not store.changed.wait(0)
    store.change("m-1", Event.DECLINE, by=ALICE)
    assert store.changed.wait(0)


# Leases and the inbox


def test_a_lease_is_its_holders_for_as_long_as_that_one_lives(store, clock):
    for holder in ("a#1", "b#1"):
        enlist(store, holder)
    assert store.lease("announcer", "a#1")
    assert not store.lease("announcer", "b#1")
    clock.forward(hours=3)  # no clock is asked
    assert store.lease("announcer", "a#1")
    assert not store.lease("announcer", "b#1")
    assert store.lease("another", "b#1")
    discharge(store, "a#1")
    assert store.lease("announcer", "b#1")
    store.give_up_lease("announcer", "a#1")
    enlist(store, "a#1")
    assert not store.lease("announcer", "a#1")
    store.give_up_lease("announcer", "b#1")
    assert store.lease("announcer", "a#1")


def test_of_asks_that_come_at_once_each_is_taken_once(store):
    asks = [make_ask(key=f"T1/C1/{number % 20}") for number in range(60)]
    with ThreadPoolExecutor(len(asks)) as people:
        news = list(people.map(store.take, asks))
    assert sum(news) == 20
    assert len(store.unanswered()) == 20


def test_an_ask_that_the_database_cannot_keep_fails_alone(store, clock, backend):
    unkept = {"sqlite": "\ud800", "postgresql": "\0"}[backend]
    bad = make_ask().model_copy(update={"key": f"T1/C1/{unkept}"})
    asks = [make_ask(), bad, make_ask(), make_ask()]
    claims = Claims(store.database, clock)
    with ThreadPoolExecutor(len(asks) + 1) as people:
        with store.database.writing():
            first = people.submit(claims.take, make_ask(), "me#1")
            until(lambda: first.running() and not claims.waiting)  # it writes by itself, and waits for us
            taken = [people.submit(claims.take, ask, "me#1") for ask in asks]
            until(lambda: claims.waiting == len(asks))
        wait([first, *taken])
    assert [one for one in taken if one.exception()] == [taken[1]]
    assert all(one.result() for one in (first, taken[0], *taken[2:]))
    assert len(store.unanswered()) == len(asks)


def test_an_ask_is_taken_once_and_waits_until_it_is_answered(store, clock):
    first, second = make_ask(key="T1/C1/1"), make_ask(key="T1/C1/2", actor=BOB)
    assert store.take(first)
    assert not store.take(first)
    clock.forward(seconds=1)
    assert store.take(second)
    assert store.unanswered() == (first, second)
    store.answered(first.key)
    assert store.unanswered() == (second,)
    assert not store.take(first)


def test_of_many_deliveries_one_is_taken(store):
    ask = make_ask(key="T1/C1/1")
    with ThreadPoolExecutor(8) as deliveries:
        assert sum(deliveries.map(lambda _: store.take(ask), range(16))) == 1


def test_what_dead_processes_left_unanswered_is_adopted_once(store, clock):
    first, second, mine = (make_ask(key=f"T1/C1/{number}") for number in (1, 2, 3))
    assert store.take(first, "gone#1")
    clock.forward(seconds=1)
    assert store.take(second, "lives#1")
    assert store.take(mine, "me#1")
    enlist(store, "lives#1")
    assert store.adopt("me#1") == (first,)
    assert store.adopt("lives#1") == (first, mine)  # me#1 never said that it lives
    assert store.adopt("lives#1") == ()


# Sites


def test_an_operation_is_its_source_hosts_sites(database_url, clock):
    store = Store(database_url, clock, sites={"host01": "north"})
    store.propose(make_plan(1), make_ask(), clock.now() + OFFER)
    store.propose(make_plan(2, source="host02", destination="host01"), make_ask(), clock.now() + OFFER)
    know_room(store, clock)
    for operation in ("m-1", "m-2"):
        store.change(operation, Event.CONFIRM, by=BOB)
    assert store.grants(["north"]) == (("m-1", 1, "north"),)
    assert store.grants(["main"]) == (("m-2", 1, "main"),)
    assert queues(store) == {"m-1#1": "site-north", "m-2#1": "site-main"}
    assert store.regrant("m-1", 1)
    assert queues(store)["m-1#2"] == "site-north"
    store.close()


def test_a_site_without_a_worker_grants_nothing_and_says_so(store, clock, propose):
    enlist(store, "bot#1")
    know_room(store, clock)
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    waiting = found(store, "m-1")
    assert (waiting.state, waiting.waiting) == (State.QUEUED, "no worker of site main is running")
    enlist(store, "worker#1", "main")
    store.pump()
    assert found(store, "m-1").state is State.GRANTED


def test_what_a_dead_worker_had_says_that_nobody_is_there_until_the_next_takes_it(store, clock, propose):
    enlist(store, "bot#1")
    enlist(store, "worker#1", "main")
    know_room(store, clock)
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    store.change("m-1", Event.START, attempt=1)
    tell_unserved(store)
    assert found(store, "m-1").waiting == ""
    discharge(store, "worker#1")
    tell_unserved(store)
    told = found(store, "m-1")
    assert told.waiting == "no worker of site main is running; host01 goes on by itself"
    tell_unserved(store)
    assert found(store, "m-1").version == told.version
    enlist(store, "worker#2", "main")
    assert store.regrant("m-1", 1)
    assert found(store, "m-1").waiting == ""


# The database


def test_everything_survives_a_new_process(store, database_url, clock, propose):
    made = propose()
    store.take(make_ask(key="T1/C1/1"))
    store.close()
    again = Store(database_url, clock)
    again.migrate()
    assert again.find(made.id) == made
    assert [ask.key for ask in again.unanswered()] == ["T1/C1/1"]
    again.close()


def test_a_reader_does_not_wait_for_a_writer(store, propose):
    propose()
    with store.database.writing() as connection:
        connection.execute(sa.text("UPDATE operation SET percent = 99"))
        assert found(store, "m-1").percent == 0


# What migrations carried


def carry(store: Store, clock: SetClock, number: int, seconds: float, **changes: object) -> None:
    """A move of 8 GiB from host01 to host02 that takes so long."""
    know_room(store, clock)
    plan = make_plan(number, **{"memory_bytes": 8 << 30, **changes})
    operation = store.propose(plan, make_ask(), clock.now() + OFFER).id
    store.change(operation, Event.CONFIRM, by=BOB)
    store.change(operation, Event.START)
    clock.forward(seconds=seconds)
    store.change(operation, Event.VERIFY)
    store.change(operation, Event.SUCCEED)


def test_the_rate_between_two_hosts_is_that_of_live_migrations_their_clusters_included(store, clock):
    assert store.rate_between("host01", "host02") is None
    carry(store, clock, 1, 6, kind=MoveKind.CLUSTER, quick=True)
    assert store.rate_between("host01", "host02") is None
    carry(store, clock, 2, 21)
    carry(store, clock, 3, 13, kind=MoveKind.CLUSTER)
    assert store.rate_between("host02", "host01") == Rate(1 << 30, 2)
