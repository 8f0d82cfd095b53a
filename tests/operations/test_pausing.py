"""An evacuation that is paused while one of its moves is being prepared: the order does not leave."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.core.evacuation import Leg
from bot.core.lifecycle import Event, State
from bot.core.plan import Plan
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals
from tests.operations.bench import Bench
from tests.operations.moving_hosts import MovingHosts
from tests.operations.offers import ALICE, BOB, OFFER, SetClock, make_ask, make_host
from tests.operations.rows import found
from tests.operations.test_evacuation_rows import make_evacuation

EVACUATION, MOVE = "m-1", "m-2"


@pytest.fixture
def granted(lab: MovingHosts, store: Store, bench: Bench, clock: SetClock) -> Bench:
    plan = make_evacuation(legs=(Leg(plan=lab.plan()),))
    store.propose_evacuation(plan, make_ask(), clock.now() + OFFER)
    assert Approvals(store).confirm(EVACUATION, BOB)
    give_room(lab, store, clock)
    assert found(store, MOVE).state is State.GRANTED
    return bench


def give_room(lab: MovingHosts, store: Store, clock: SetClock) -> None:
    for name in lab.hosts:
        store.set_room(make_host(name), clock.now())


def pausing(store: Store, lab: MovingHosts) -> Callable[[Plan], tuple[str, ...]]:
    """Somebody pauses while the runner looks at the hosts."""

    def changes(plan: Plan) -> tuple[str, ...]:
        store.hold(EVACUATION, True, ALICE)
        return lab.changes(plan)

    return changes


def test_a_move_that_was_not_sent_yet_goes_back_to_its_turn(lab, store, clock, granted) -> None:
    granted.runner(pausing(store, lab)).run(MOVE, found(store, MOVE).attempt)
    held = found(store, MOVE)
    assert (held.state, held.started_at, held.waiting) == (State.QUEUED, None, f"{EVACUATION} is paused")
    assert lab.sent() == 0
    assert lab.planned() == 0

    store.hold(EVACUATION, False, ALICE)
    give_room(lab, store, clock)
    again = found(store, MOVE)
    assert (again.state, again.attempt) == (State.GRANTED, held.attempt + 1)
    granted.runner().run(MOVE, again.attempt)
    assert found(store, MOVE).state is State.SUCCEEDED
    assert lab.sent() == 1


def test_paused_before_it_is_prepared_it_is_not(lab, store, granted) -> None:
    store.hold(EVACUATION, True, ALICE)
    granted.runner().run(MOVE, found(store, MOVE).attempt)
    assert found(store, MOVE).state is State.QUEUED
    assert lab.sent() == 0


def test_paused_while_nobody_knows_whether_it_was_sent_it_is_not_sent_again(lab, store, clock, granted) -> None:
    """A process announced its order and died. The hosts show nothing of it, and meanwhile somebody paused."""
    attempt = found(store, MOVE).attempt
    assert store.change(MOVE, Event.START, attempt=attempt, note=("asked host01 to move VM-01",))
    store.hold(EVACUATION, True, ALICE)
    granted.runner().run(MOVE, attempt)
    assert found(store, MOVE).state is State.QUEUED
    assert lab.sent() == 0

    store.hold(EVACUATION, False, ALICE)
    give_room(lab, store, clock)
    granted.runner().run(MOVE, found(store, MOVE).attempt)
    assert found(store, MOVE).state is State.SUCCEEDED
    assert lab.sent() == 1
