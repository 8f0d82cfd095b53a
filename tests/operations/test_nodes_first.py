"""An evacuation of a cluster's node: it is paused first, by a row of its own, and nothing moves before that or without
somebody's word."""

from __future__ import annotations

import pytest

from bot.core.evacuation import Evacuation
from bot.core.evacuation.card import render_evacuation
from bot.core.lifecycle import Event, State
from bot.core.maintenance import MaintenancePlan, Task
from bot.core.operation import Outcome
from bot.operations.store import Store
from bot.operations.store.host_changes import HostChanges
from tests.asking import text_of
from tests.operations.offers import BOB, OFFER, SetClock, make_ask
from tests.operations.rows import know_room, queues
from tests.operations.test_evacuation_rows import begin, lines, make_evacuation, now, run, states

PAUSE = MaintenancePlan(
    command="evacuate host01",
    host="host01",
    task=Task.PAUSE,
    cluster="HVC1",
    node="HOST01",
    witnesses=("host01", "host02"),
    state=0,
    drain=0,
)
PLAN = make_evacuation(2, pauses=(PAUSE,))


@pytest.fixture
def begun(store: Store, clock: SetClock) -> Evacuation:
    know_room(store, clock, live=2)
    return begin(store, clock, PLAN)


def pause(store: Store, event: Event, outcome: Outcome | None = None) -> None:
    rows = HostChanges(store)
    rows.change("m-2", Event.START, note=("asked HVC1 to pause host01",))
    if event is Event.SUCCEED:
        rows.change("m-2", Event.VERIFY)
    rows.change("m-2", event, outcome=outcome)


def shown(store: Store) -> str:
    one = now(store, "m-1")
    return text_of(render_evacuation(one, one.requested_at))


def test_the_pause_is_granted_first_and_the_moves_wait_for_it(store: Store, begun: Evacuation) -> None:
    assert [(one.id, one.state, one.parent) for one in begun.pauses] == [("m-2", State.GRANTED, "m-1")]
    assert [(one.id, one.waiting) for one in begun.moves] == [
        ("m-3", "host01 is paused in its cluster first"),
        ("m-4", "host01 is paused in its cluster first"),
    ]
    assert sorted(queues(store)) == ["m-2#1"]
    assert "host01 is being paused in HVC1; then its virtual machines leave." in shown(store)

    pause(store, Event.SUCCEED)

    assert State.GRANTED in states(store, "m-1")
    assert lines(store, "m-1") == [("asked HVC1 to pause host01",)], "in the evacuation's thread"
    assert [entry.read()["event"] for entry in store.journal("m-2")] == [
        *("propose", "confirm", "grant", "start", "verify", "succeed")
    ]


def test_it_ends_with_the_last_move_and_says_that_the_node_stays_paused(
    store: Store, clock: SetClock, begun: Evacuation
) -> None:
    pause(store, Event.SUCCEED)
    for move in ("m-3", "m-4"):
        know_room(store, clock, live=2)
        run(store, move)
    assert now(store, "m-1").state is State.SUCCEEDED
    assert "host01 stays paused in HVC1: `resume host01` lets it take virtual machines again" in shown(store)


def test_where_it_was_not_paused_nothing_moves_until_somebody_says_so(store: Store, begun: Evacuation) -> None:
    pause(store, Event.FAIL, Outcome(summary="host01 takes part in HVC1"))
    one = now(store, "m-1")
    assert (one.paused, one.paused_by, states(store, "m-1")) == (True, None, [State.QUEUED] * 2)
    assert "by itself: host01 could not be paused in its cluster" in shown(store)
    assert "host01 was not paused: host01 takes part in HVC1" in shown(store)

    assert store.hold("m-1", False, BOB)

    assert State.GRANTED in states(store, "m-1")


def test_a_host_with_a_change_of_its_own_under_way_is_not_touched(store: Store, clock: SetClock) -> None:
    know_room(store, clock, live=2)
    rows = HostChanges(store)
    drain = rows.propose(PAUSE.model_copy(update={"task": Task.DRAIN}), make_ask(), clock.now() + OFFER)
    rows.change(drain.id, Event.CONFIRM, by=BOB)
    one = begin(store, clock, PLAN)
    assert (one.paused, one.pauses[0].state) == (True, State.EXPIRED)
    assert one.pauses[0].outcome is not None
    assert one.pauses[0].outcome.summary == "nothing was started: host01 has another operation, m-1"


def test_a_cancel_ends_the_moves_that_wait_for_the_pause(store: Store, begun: Evacuation) -> None:
    assert store.cancel_evacuation("m-1", BOB)
    assert now(store, "m-1").state is State.CANCELLED
    assert states(store, "m-1") == [State.CANCELLED] * 2
