"""Preparations as rows and on real hosts: confirmed before anything is set, set once, and true after any crash."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.core.host_change import HostChange
from bot.core.lifecycle import Event, State
from bot.core.preparation import Name, Preparation, PreparationPlan, Setting
from bot.core.signal import Cancel, Close, Confirm, Look
from bot.errors import Fault, HostError, HostUnreachable, Refused
from bot.lab.world.machines import Authentication, Host
from bot.operations.desk import Desk
from bot.operations.runner import Runner
from bot.operations.steward import Steward
from bot.operations.store import Store
from bot.operations.store.host_changes import HostChanges
from tests.operations.bench import QUICK, allowed, make_open_desk
from tests.operations.meddling import Meddling
from tests.operations.moving_hosts import PATIENCE_S, MovingHosts
from tests.operations.offers import ALICE, BOB, OFFER, SetClock, both, make_ask

PLAN = PreparationPlan(
    command="prepare host01",
    host="host01",
    settings=(
        Setting(name=Name.AUTHENTICATION, before=0, after=1),
        Setting(name=Name.MIGRATION, before=0, after=1),
    ),
)


class Preparing:
    """A host that is not prepared, and a preparation of it that is confirmed."""

    def __init__(self, lab: MovingHosts, store: Store, clock: SetClock) -> None:
        self.lab, self.store, self.clock = lab, store, clock
        self.rows = HostChanges(store)
        self.host: Host = lab.hosts["host01"]
        self.host.migration_enabled, self.host.authentication = False, Authentication.CREDSSP
        self.sent: list[Name] = []
        self.fleet: Any = Meddling(lab.fleet, configure=self._count)

    def _count(self, real: Callable[..., None], host: str, name: Name, value: int) -> None:
        self.sent.append(name)
        real(host, name, value)

    def offer(self, plan: PreparationPlan = PLAN) -> HostChange:
        return self.rows.propose(plan, make_ask(plan.command), self.clock.now() + OFFER)

    def grant(self) -> None:
        assert self.rows.change(self.offer().id, Event.CONFIRM, by=BOB) is not None

    def run(self) -> Preparation:
        Runner(self.store, self.fleet, self.clock, self.lab.changes, allowed, QUICK).run("m-1", self.row.attempt)
        return self.row

    @property
    def row(self) -> Preparation:
        found = self.store.find_host_change("m-1")
        assert isinstance(found, Preparation)
        return found

    @property
    def settings(self) -> tuple[int, bool]:
        return self.host.authentication, self.host.migration_enabled

    def events(self) -> list[str]:
        return [json.loads(entry.body)["event"] for entry in self.store.journal("m-1")]


@pytest.fixture
def preparing(lab: MovingHosts, store: Store, clock: SetClock) -> Preparing:
    return Preparing(lab, store, clock)


@both
def test_it_is_offered_confirmed_granted_set_and_verified_in_that_order(preparing: Preparing) -> None:
    preparing.grant()
    assert preparing.row.state is State.GRANTED
    assert preparing.settings == (0, False)

    row = preparing.run()

    assert row.state is State.SUCCEEDED
    assert row.outcome is not None
    assert row.outcome.summary == "host01 shows authentication Kerberos and live migration enabled"
    assert preparing.settings == (1, True)
    assert preparing.sent == [Name.AUTHENTICATION, Name.MIGRATION]
    assert preparing.events() == ["propose", "confirm", "grant", "start", "verify", "succeed"]
    assert (row.requested_by, row.confirmed_by) == (ALICE, BOB)
    assert preparing.store.find_break() is None


def test_an_offer_sets_nothing_and_belongs_to_one_ask(preparing: Preparing) -> None:
    ask = make_ask(key="T1/C1/same")
    first, second = (preparing.rows.propose(PLAN, ask, preparing.clock.now() + OFFER) for _ in range(2))
    assert first == second
    assert first.state is State.PROPOSED
    assert preparing.settings == (0, False)


def test_two_of_one_host_are_not_confirmed_at_a_time(preparing: Preparing) -> None:
    preparing.grant()
    other = preparing.offer()
    with pytest.raises(Refused, match="host01 already has an operation: m-1 is granted"):
        preparing.rows.change(other.id, Event.CONFIRM, by=BOB)


def test_a_move_is_no_preparation_and_a_preparation_is_no_move(
    preparing: Preparing, propose: Callable[..., Any]
) -> None:
    preparing.grant()
    move = propose(2)
    store = preparing.store
    assert (store.find("m-1"), store.find_evacuation("m-1"), store.find_host_change(move.id)) == (None, None, None)
    assert [one.id for one in store.open()] == [move.id]
    assert [one.id for one in store.open_host_changes()] == ["m-1"]
    assert [due.operation.id for due in store.cards_due()] == ["m-1", move.id]


def test_a_host_that_was_changed_meanwhile_is_left_alone(preparing: Preparing) -> None:
    preparing.grant()
    preparing.host.authentication = Authentication.KERBEROS

    row = preparing.run()

    assert row.state is State.FAILED
    assert row.outcome is not None
    assert row.outcome.cause == "host01 has authentication Kerberos, and had authentication CredSSP"
    assert preparing.sent == []


@pytest.mark.parametrize("done", [0, 1, 2])
def test_after_a_crash_what_is_set_is_not_set_again(preparing: Preparing, done: int) -> None:
    """The row says that it began; nobody knows how far it came."""
    preparing.grant()
    preparing.rows.change("m-1", Event.START, attempt=1)
    for one in PLAN.settings[:done]:
        preparing.lab.fleet.configure("host01", one.name, one.after)
    assert preparing.store.regrant("m-1", 1)

    row = preparing.run()

    assert row.state is State.SUCCEEDED
    assert preparing.sent == [one.name for one in PLAN.settings[done:]]
    assert preparing.settings == (1, True)


def test_after_a_crash_while_verifying_it_only_looks(preparing: Preparing) -> None:
    preparing.grant()
    preparing.rows.change("m-1", Event.START, attempt=1)
    preparing.rows.change("m-1", Event.VERIFY, attempt=1)
    assert preparing.store.regrant("m-1", 1)

    assert preparing.run().state is State.FAILED
    assert preparing.sent == []


def test_an_attempt_that_was_replaced_sets_nothing(preparing: Preparing) -> None:
    preparing.grant()
    assert preparing.store.regrant("m-1", 1)
    Runner(preparing.store, preparing.fleet, preparing.clock, preparing.lab.changes, allowed, QUICK).run("m-1", 1)
    assert preparing.sent == []
    assert preparing.row.state is State.GRANTED


def test_an_answer_that_was_lost_is_looked_for(preparing: Preparing) -> None:
    """The host did it; the next look shows it, and it is not asked for again."""
    preparing.grant()

    def lose(real: Callable[..., None], host: str, name: Name, value: int) -> None:
        preparing.sent.append(name)
        real(host, name, value)
        if name is Name.AUTHENTICATION:
            raise HostUnreachable(host, "setting it up", cause="the connection was lost", fault=Fault.UNKNOWN)

    preparing.fleet = Meddling(preparing.lab.fleet, configure=lose)

    assert preparing.run().state is State.SUCCEEDED
    assert preparing.sent == [Name.AUTHENTICATION, Name.MIGRATION]


def test_a_host_that_refuses_is_quoted_and_what_it_shows_is_said(preparing: Preparing) -> None:
    preparing.grant()

    def refuse(real: Callable[..., None], host: str, name: Name, value: int) -> None:
        if name is Name.MIGRATION:
            raise HostError(
                host, "setting it up", words="Zugriff verweigert", cause="no right", fault=Fault.CONFIGURATION
            )
        real(host, name, value)

    preparing.fleet = Meddling(preparing.lab.fleet, configure=refuse)
    row = preparing.run()

    assert row.state is State.FAILED
    assert row.outcome is not None
    assert row.outcome.summary == "host01 still shows live migration off"
    assert (row.outcome.words, row.outcome.cause) == ("Zugriff verweigert", "no right")


def test_a_host_that_gives_no_answer_before_anything_was_sent_has_nothing_set(preparing: Preparing) -> None:
    preparing.grant()
    preparing.lab.servers["host01"].unreachable()

    row = preparing.run()

    assert row.state is State.FAILED
    assert row.outcome is not None
    assert row.outcome.summary == "host01 gives no answer; nothing was set"


def test_a_host_that_dies_in_the_middle_needs_attention(preparing: Preparing) -> None:
    preparing.grant()

    def die(real: Callable[..., None], host: str, name: Name, value: int) -> None:
        real(host, name, value)
        preparing.lab.servers["host01"].unreachable()

    preparing.fleet = Meddling(preparing.lab.fleet, configure=die)
    row = preparing.run()

    assert row.state is State.NEEDS_ATTENTION
    assert row.outcome is not None
    assert row.outcome.summary == "host01 gives no answer: what is set there is not known"


def test_a_mistake_of_ferrys_own_needs_attention_too(preparing: Preparing) -> None:
    preparing.grant()

    def stumble(real: Callable[..., None], host: str, name: Name, value: int) -> None:
        raise ValueError("a value that nobody expected")

    preparing.fleet = Meddling(preparing.lab.fleet, configure=stumble)
    row = preparing.run()

    assert row.state is State.NEEDS_ATTENTION
    assert row.outcome is not None
    assert "does not know how host01 is now (incident" in row.outcome.summary


def test_the_last_one_is_what_can_be_put_back_once(preparing: Preparing) -> None:
    store = preparing.store
    assert store.last_preparation("host01") is None
    preparing.grant()
    preparing.run()
    assert [one.id if (one := store.last_preparation(host)) else None for host in ("host01", "host02")] == ["m-1", None]

    back = PLAN.model_copy(update={"back": True, "settings": (Setting(name=Name.MIGRATION, before=1, after=0),)})
    offered = preparing.offer(back)
    preparing.rows.change(offered.id, Event.CONFIRM, by=BOB)
    Runner(store, preparing.fleet, preparing.clock, preparing.lab.changes, allowed, QUICK).run(offered.id, 1)

    assert preparing.settings == (1, False)
    assert store.last_preparation("host01") is None


# What people decide


@pytest.fixture
def desk(preparing: Preparing) -> Desk:
    return make_open_desk(preparing.store, preparing.clock, preparing.lab.fleet)


def lose_it(preparing: Preparing) -> None:
    """Its host dies after the first setting."""
    preparing.grant()

    def die(real: Callable[..., None], host: str, name: Name, value: int) -> None:
        real(host, name, value)
        preparing.lab.servers["host01"].unreachable()

    preparing.fleet = Meddling(preparing.lab.fleet, configure=die)
    assert preparing.run().state is State.NEEDS_ATTENTION
    preparing.lab.servers["host01"].unreachable(False)


@pytest.mark.parametrize(("enabled", "state"), [(True, State.SUCCEEDED), (False, State.FAILED)])
def test_a_later_look_concludes_what_needed_attention(
    preparing: Preparing, desk: Desk, enabled: bool, state: State
) -> None:
    lose_it(preparing)
    preparing.host.migration_enabled = enabled

    assert desk.apply(Look(operation="m-1"), make_ask("look m-1")) is None

    assert preparing.row.state is state
    assert preparing.row.outcome is not None
    assert preparing.row.outcome.late


def test_an_operator_closes_what_needs_attention(preparing: Preparing, desk: Desk) -> None:
    lose_it(preparing)
    assert desk.apply(Close(operation="m-1", reason="done by hand"), make_ask(actor=BOB)) is None
    assert preparing.row.state is State.CLOSED
    assert preparing.row.cancelled_by == BOB


def test_of_two_who_confirm_one_is_first(preparing: Preparing, desk: Desk) -> None:
    preparing.offer()
    assert desk.apply(Confirm(operation="m-1"), make_ask(actor=BOB)) is None
    second = desk.apply(Confirm(operation="m-1"), make_ask(actor=ALICE))
    assert second is not None
    assert preparing.row.confirmed_by == BOB


def test_an_offer_ends_by_time(preparing: Preparing, desk: Desk) -> None:
    preparing.offer()
    preparing.clock.forward(minutes=11)
    assert preparing.store.expired() == ("m-1",)
    assert desk.apply(Confirm(operation="m-1"), make_ask(actor=BOB)) is not None
    assert preparing.row.state is State.EXPIRED


def test_what_is_being_set_is_not_cancelled(preparing: Preparing, desk: Desk) -> None:
    preparing.grant()
    with pytest.raises(Refused, match="too late to cancel m-1"):
        desk.apply(Cancel(operation="m-1"), make_ask())


def test_nobody_has_to_press_anything_for_an_offer_to_end(preparing: Preparing) -> None:
    preparing.offer()
    preparing.clock.forward(minutes=11)
    steward = Steward(preparing.store, lambda hosts: None, tick_s=0.02, room_s=0.02)
    steward.start()
    try:
        while preparing.row.state is State.PROPOSED:
            assert preparing.store.changed.wait(PATIENCE_S)
    finally:
        steward.stop()
    assert preparing.row.state is State.EXPIRED
