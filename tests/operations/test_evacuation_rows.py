"""An evacuation's rows: begun together, held together, ended together, in the transactions of its moves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.evacuation import Evacuation, EvacuationKind, EvacuationPlan, Leg
from bot.core.lifecycle import Event, State
from bot.core.operation import Outcome
from bot.core.reply import Line
from bot.core.schedule import Trip, plan
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals
from bot.operations.store.unserved import tell_unserved, withdraw
from tests.asking import plain
from tests.operations.offers import ALICE, BOB, OFFER, SetClock, both, make_ask, make_plan
from tests.operations.rows import discharge, enlist, found, know_room, queues

pytestmark = both


def make_evacuation(count: int = 3, **changes: object) -> EvacuationPlan:
    legs = tuple(Leg(plan=make_plan(number)) for number in range(1, count + 1))
    values: dict[str, object] = {
        "kind": EvacuationKind.EVACUATION,
        "command": "evacuate host01",
        "action": "host.evacuate",
        "hosts": ("host01",),
        "destinations": ("host02",),
        "legs": legs,
    }
    return EvacuationPlan.model_validate(values | changes)


@pytest.fixture
def begun(store: Store, clock: SetClock) -> Evacuation:
    """Three moves, confirmed by Bob; the hosts allow two at a time."""
    know_room(store, clock, live=2)
    return begin(store, clock, make_evacuation())


def begin(store: Store, clock: SetClock, planned: EvacuationPlan) -> Evacuation:
    offered = store.propose_evacuation(planned, make_ask(), clock.now() + OFFER)
    assert Approvals(store).confirm(offered.id, BOB)
    return now(store, offered.id)


def now(store: Store, evacuation: str) -> Evacuation:
    found = store.find_evacuation(evacuation)
    assert found is not None
    return found


def states(store: Store, evacuation: str) -> list[State]:
    return [move.state for move in now(store, evacuation).moves]


def run(store: Store, operation: str, event: Event = Event.SUCCEED, outcome: Outcome | None = None) -> None:
    store.change(operation, Event.START)
    if event is not Event.FAIL:
        store.change(operation, Event.VERIFY)
    store.change(operation, event, outcome=outcome)


def lines(store: Store, evacuation: str) -> list[Line]:
    (card,) = [card for card in store.cards_due() if card.operation.id == evacuation]
    return [step.line for step in card.steps]


def test_an_offer_has_one_row_and_comes_back_as_it_was_made(store, clock):
    plan = make_evacuation()
    offered = store.propose_evacuation(plan, make_ask(key="one"), clock.now() + OFFER)
    assert offered == now(store, offered.id)
    assert offered.plan == plan
    assert offered.plan.digest == plan.digest
    assert offered.moves == ()
    assert store.propose_evacuation(plan, make_ask(key="one"), clock.now() + OFFER) == offered
    assert store.find(offered.id) is None
    assert store.open() == ()
    assert store.open_evacuations() == (offered,)


def test_confirmed_its_moves_are_rows_of_their_own_and_as_many_start_as_have_room(store, begun):
    assert begun.state is State.UNDER_WAY
    assert (begun.confirmed_by, [move.confirmed_by for move in begun.moves]) == (BOB, [BOB] * 3)
    assert [move.id for move in begun.moves] == ["m-2", "m-3", "m-4"]
    assert sorted(queues(store)) == [f"{move.id}#1" for move in begun.moves if move.state is State.GRANTED]
    assert {move.state for move in begun.moves} == {State.GRANTED, State.QUEUED}
    assert store.holding() == tuple(move for move in begun.moves if move.state is State.GRANTED)
    events = [entry.read()["event"] for entry in store.journal("m-2")]
    assert events[:2] == ["propose", "confirm"]


def test_only_the_evacuation_has_a_card_and_every_move_changes_it(store, begun):
    (card,) = store.cards_due()
    assert card.operation.id == begun.id
    store.change("m-2", Event.START)
    assert now(store, begun.id).version > begun.version
    before = now(store, begun.id).version
    store.progress("m-2", 40)
    assert now(store, begun.id).version > before


def test_it_ends_with_the_last_of_its_moves(store, clock, begun):
    for number in (2, 3, 4):
        assert now(store, begun.id).state is State.UNDER_WAY
        know_room(store, clock, live=2)
        run(store, f"m-{number}")
    ended = now(store, begun.id)
    assert ended.state is State.SUCCEEDED
    assert ended.outcome is not None
    assert ended.outcome.summary == "3 of 3 VMs moved"
    assert (ended.started_at, ended.ended_at) == (clock.now(), clock.now())
    assert store.open_evacuations() == ()
    assert store.recent(5) == (ended,)


def test_a_failure_is_told_in_the_thread_and_the_end_says_so(store, clock, begun):
    failed = Outcome(summary="it is still on host01", cause="the connection broke", remedy="migrate VM-01 to host02")
    run(store, "m-2", Event.FAIL, failed)
    told = [plain(line) for line in lines(store, begun.id)]
    assert told == [
        "`m-2` VM-01 to host02: failed",
        "it is still on host01",
        "Cause: the connection broke",
        "Remedy: migrate VM-01 to host02",
    ]
    for number in (3, 4):
        know_room(store, clock, live=2)
        run(store, f"m-{number}")
    ended = now(store, begun.id)
    assert ended.state is State.FAILED
    assert ended.outcome == Outcome(summary="2 of 3 VMs moved, 1 failed", remedy=f"retry {begun.id}")


def test_what_is_doubtful_needs_attention_until_a_look_tells(store, clock, begun):
    store.change("m-2", Event.START)
    store.change("m-2", Event.DOUBT, outcome=Outcome(summary="nobody knows"))
    for number in (3, 4):
        know_room(store, clock, live=2)
        run(store, f"m-{number}")
    ended = now(store, begun.id)
    assert (ended.state, ended.outcome.remedy) == (State.NEEDS_ATTENTION, "look m-2")
    store.change("m-2", Event.SUCCEED, outcome=Outcome(summary="running on host02"))
    assert now(store, begun.id).state is State.SUCCEEDED
    assert now(store, begun.id).ended_at == ended.ended_at


def test_paused_it_starts_nothing_new_and_what_runs_goes_on(store, clock, begun):
    assert store.hold(begun.id, True, ALICE)
    assert not store.hold(begun.id, True, ALICE)
    run(store, "m-2")
    know_room(store, clock, live=5)
    held = now(store, begun.id)
    assert (held.paused, held.paused_by) == (True, ALICE)
    assert held.moves[2].state is State.QUEUED
    assert held.moves[2].waiting == f"{begun.id} is paused"
    assert store.hold(begun.id, False, BOB)
    assert State.QUEUED not in states(store, begun.id)[1:2]


def test_cancelled_it_ends_what_waits_and_asks_for_what_runs(store, begun):
    store.change("m-2", Event.START)
    assert store.cancel_evacuation(begun.id, ALICE)
    assert not store.cancel_evacuation(begun.id, ALICE)
    after = now(store, begun.id)
    assert after.state is State.UNDER_WAY
    waiting = [move for move in begun.moves if move.state is State.QUEUED]
    assert all(found(store, move.id).state is State.CANCELLED for move in waiting)
    assert found(store, "m-2").cancel_asked
    assert found(store, "m-2").cancelled_by == ALICE
    for move in store.holding():
        store.change(move.id, Event.CANCEL)
    ended = now(store, begun.id)
    assert ended.state is State.CANCELLED
    assert ended.outcome.summary == "0 of 3 VMs moved, 3 cancelled"


def test_cancelled_it_waits_for_no_worker_that_is_not_there(store, begun):
    """The worker has died; should it come back, it starts nothing."""
    enlist(store, "bot#1")
    assert store.cancel_evacuation(begun.id, ALICE)
    assert now(store, begun.id).state is State.CANCELLED
    outcome = found(store, "m-2").outcome
    assert outcome is not None
    assert outcome.summary == "cancelled before any worker took it up; nothing was started"
    assert store.change("m-2", Event.START, attempt=1) is None
    assert not store.regrant("m-2", 1)


def test_a_cancel_whose_worker_dies_ends_all_the_same(store, begun):
    enlist(store, "worker#1", "main")
    assert store.cancel_evacuation(begun.id, ALICE)
    tell_unserved(store)
    assert states(store, begun.id) == [State.GRANTED, State.CANCELLED, State.CANCELLED]
    discharge(store, "worker#1")
    enlist(store, "bot#1")
    tell_unserved(store)
    assert now(store, begun.id).state is State.CANCELLED
    assert found(store, "m-2").cancelled_by == ALICE


def test_what_has_begun_is_not_ended_without_its_worker(store, begun):
    enlist(store, "bot#1")
    assert store.change("m-2", Event.START, attempt=1) is not None
    assert not withdraw(store, "m-2", ALICE)
    assert store.cancel_evacuation(begun.id, ALICE)
    tell_unserved(store)
    assert states(store, begun.id) == [State.RUNNING, State.CANCELLED, State.CANCELLED]


def test_after_too_many_failures_it_pauses_by_itself_and_resumed_it_has_as_many_again(store, clock):
    know_room(store, clock, live=1)
    evacuation = begin(store, clock, make_evacuation(5, failure_budget=2))
    failed = Outcome(summary="no", cause="no")
    for _ in range(2):
        (move,) = store.holding()
        run(store, move.id, Event.FAIL, failed)
        know_room(store, clock, live=1)
    held = now(store, evacuation.id)
    assert (held.paused, held.paused_by) == (True, None)
    assert any("paused" in plain(line) for line in lines(store, evacuation.id))
    assert store.holding() == ()
    store.hold(evacuation.id, False, ALICE)
    (move,) = store.holding()
    run(store, move.id, Event.FAIL, failed)
    assert not now(store, evacuation.id).paused


def test_a_stage_begins_when_the_one_before_has_ended(store, clock):
    know_room(store, clock, live=5)
    legs = (Leg(plan=make_plan(1), stage=0, makes_room=True), Leg(plan=make_plan(2), stage=1))
    evacuation = begin(store, clock, make_evacuation(legs=legs))
    assert states(store, evacuation.id) == [State.GRANTED, State.QUEUED]
    assert "make room" in now(store, evacuation.id).moves[1].waiting
    run(store, "m-2")
    assert states(store, evacuation.id)[1] is State.GRANTED


def test_a_vm_that_has_an_operation_of_its_own_is_left_to_it(store, clock, propose):
    know_room(store, clock, live=5)
    alone = propose(2)
    store.change(alone.id, Event.CONFIRM, by=ALICE)
    evacuation = begin(store, clock, make_evacuation(3))
    moves = now(store, evacuation.id).moves
    assert moves[1].state is State.EXPIRED
    assert moves[1].outcome.summary == f"nothing was started: VM-02 has another operation, {alone.id}"
    assert found(store, alone.id).state is State.GRANTED


def test_an_offer_expires_and_is_declined(store, clock):
    first = store.propose_evacuation(make_evacuation(), make_ask(key="1"), clock.now() + timedelta(seconds=1))
    second = store.propose_evacuation(make_evacuation(), make_ask(key="2"), clock.now() + OFFER)
    clock.forward(seconds=2)
    assert store.expired() == (first.id,)
    assert Approvals(store).end(first.id, Event.EXPIRE, outcome=Outcome(summary="late"))
    assert not Approvals(store).confirm(first.id, BOB)
    assert Approvals(store).end(second.id, Event.DECLINE, ALICE)
    assert now(store, second.id).cancelled_by == ALICE
    assert now(store, second.id).moves == ()


def test_of_two_who_confirm_one_is_first(store, clock):
    offered = store.propose_evacuation(make_evacuation(), make_ask(), clock.now() + OFFER)
    assert Approvals(store).confirm(offered.id, BOB)
    assert not Approvals(store).confirm(offered.id, ALICE)
    assert now(store, offered.id).confirmed_by == BOB
    assert len(now(store, offered.id).moves) == 3


def test_the_journal_holds_every_decision_and_its_chain(store, begun):
    store.hold(begun.id, True, ALICE)
    store.cancel_evacuation(begun.id, ALICE)
    events = [entry.read()["event"] for entry in store.journal(begun.id)]
    assert events[:5] == ["propose", "confirm", "begin", "pause", "ask to cancel"]
    assert store.find_break() is None


def test_moves_of_one_link_wait_for_each_other_in_words(store, clock):
    """Room for five at a time, and a link that two moves of this size fill."""
    know_room(store, clock, live=5)
    evacuation = begin(store, clock, make_evacuation(5))
    moves = now(store, evacuation.id).moves
    waiting = [move.waiting for move in moves if move.state is State.QUEUED]
    assert waiting
    assert all("link" in words for words in waiting)


def test_what_its_moves_show_says_when_the_next_may_start(store, clock):
    """Two take a hundred seconds each, many times what their link promised: the next is expected to take as long."""
    know_room(store, clock, live=5)
    evacuation = begin(store, clock, make_evacuation(5))
    first, second, *_ = (move.id for move in now(store, evacuation.id).moves)
    expected = now(store, evacuation.id).moves[-1].waiting
    for move in (first, second):
        store.change(move, Event.START)
        clock.forward(seconds=100)
        know_room(store, clock, live=5)
        store.change(move, Event.VERIFY)
        store.change(move, Event.SUCCEED)

    assert expected == "the link of host01 is busy for about 15 s more"
    assert now(store, evacuation.id).moves[-1].waiting == "the link of host01 is busy for about 2 min more"


def test_of_a_link_that_was_measured_nothing_is_taken_off(store, clock):
    """A move that had it to itself took a hundred seconds; another of the same size is expected to take as long."""
    know_room(store, clock)
    evacuation = begin(store, clock, make_evacuation(1))
    (move,) = now(store, evacuation.id).moves
    store.change(move.id, Event.START)
    clock.forward(seconds=100)
    store.change(move.id, Event.VERIFY)
    store.change(move.id, Event.SUCCEED)

    network, _ = store.measured()
    same = Trip("1", "host01", "host02", memory_bytes=8 << 30, dirty_bytes_s=0)

    assert plan([same], network).seconds == pytest.approx(100)
