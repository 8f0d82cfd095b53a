"""What people decide: offers, confirmations, cancellations, and who is told what."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from bot.core.lifecycle import Event, State
from bot.core.operation import Operation, Outcome
from bot.core.plan import Finding, Level, Plan
from bot.core.policy import Policy, simple
from bot.core.reply import Code, Reply, User
from bot.core.signal import Cancel, Close, Confirm
from bot.errors import Fault, HostUnreachable, Refused
from bot.operations.authority import Authority
from bot.operations.consent import Patience
from bot.operations.desk import Desk
from bot.operations.looking import Looking
from bot.operations.store import Store
from bot.ports import HostReader
from tests.operations.offers import ALICE, BOB, CAROL, OFFER, SetClock, make_ask, make_host, make_plan


class World:
    """What a fresh look at the hosts would say."""

    def __init__(self) -> None:
        self.differences: tuple[str, ...] = ()
        self.silent = False

    def changes(self, plan: Plan) -> tuple[str, ...]:
        if self.silent:
            raise HostUnreachable("host02", "reading its settings", fault=Fault.TRANSIENT)
        return self.differences


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def desk(store: Store, clock: SetClock, world: World) -> Desk:
    authority = Authority(Policy(rules=simple([ALICE, BOB], [CAROL])), clock)
    # No test here looks at a host; one that did would fail.
    return Desk(
        store, clock, world.changes, Patience(OFFER), authority, Looking(store, cast(HostReader, None)), lambda _: ()
    )


def row(store: Store, operation: str = "m-1") -> Operation:
    found = store.find(operation)
    assert found is not None
    return found


def confirm(desk: Desk, actor: str = BOB, operation: str = "m-1") -> Reply | None:
    return desk.apply(Confirm(operation=operation), make_ask(f"confirm {operation}", actor))


def cancel(desk: Desk, actor: str = BOB, operation: str = "m-1") -> Reply | None:
    return desk.apply(Cancel(operation=operation), make_ask(f"cancel {operation}", actor))


def text(reply: Reply | None) -> str:
    assert reply is not None
    return "".join(
        span if isinstance(span, str) else f"@{span.id}" for span in reply.title if isinstance(span, str | User)
    )


@pytest.fixture
def offered(desk: Desk) -> Operation:
    return desk.propose(make_plan(), make_ask(actor=ALICE))


def test_an_offer_stands_as_long_as_the_settings_say(offered, clock):
    assert (offered.state, offered.expires_at) == (State.PROPOSED, clock.now() + OFFER)
    assert offered.requested_by == ALICE


def test_whoever_confirms_is_recorded_and_the_card_answers(desk, store, offered):
    assert confirm(desk, BOB) is None
    assert (row(store).state, row(store).confirmed_by) == (State.QUEUED, BOB)


def test_the_second_click_is_told_who_was_first(desk, store, offered, clock):
    confirm(desk, BOB)
    reply = confirm(desk, CAROL)
    assert text(reply) == f"m-1 was already confirmed by @{BOB} at "
    assert reply is not None
    assert reply.private
    assert row(store).confirmed_by == BOB


def test_of_many_clicks_at_once_one_confirms(desk, store, offered):
    people = [ALICE, BOB, CAROL] * 3
    with ThreadPoolExecutor(9) as clicks:
        replies = list(clicks.map(lambda actor: confirm(desk, actor), people))
    assert replies.count(None) == 1
    assert people[replies.index(None)] == row(store).confirmed_by


def test_an_offer_whose_time_is_over_is_not_confirmed(desk, store, offered, clock):
    clock.forward(minutes=10)
    reply = confirm(desk)
    assert row(store).state is State.EXPIRED
    assert text(reply) == "m-1: nobody confirmed it in time; nothing was started"
    assert reply is not None
    assert Code(text="migrate VM-01 to host02") in reply.parts[0].line
    assert "has ended" in text(confirm(desk, CAROL))


def test_a_changed_world_ends_the_offer_with_the_differences(desk, store, offered, world):
    world.differences = ("VM-01 is off now, it was running",)
    reply = confirm(desk)
    ended = row(store)
    assert (ended.state, ended.confirmed_by) == (State.EXPIRED, None)
    assert ended.outcome is not None
    assert ended.outcome.cause == "VM-01 is off now, it was running"
    assert text(reply).endswith("nothing was started: VM-01 is off now, it was running")


def test_a_host_that_does_not_answer_leaves_the_offer_as_it_is(desk, store, offered, world):
    world.silent = True
    with pytest.raises(HostUnreachable):
        confirm(desk)
    assert row(store) == offered


def test_a_blocked_plan_is_not_confirmed(desk, store):
    finding = Finding(level=Level.BLOCKING, code="switch", text="no switch on host02", needed="a switch", hint="add it")
    desk.propose(make_plan().model_copy(update={"findings": (finding,)}), make_ask())
    with pytest.raises(Refused, match="no switch"):
        confirm(desk)
    assert row(store).state is State.PROPOSED


def test_a_second_plan_for_a_vm_names_the_first(desk, store, offered):
    desk.propose(make_plan(), make_ask())
    confirm(desk, BOB, "m-1")
    with pytest.raises(Refused, match="m-1 is queued"):
        confirm(desk, BOB, "m-2")
    assert row(store, "m-2").state is State.PROPOSED


def test_an_operation_that_does_not_exist(desk):
    with pytest.raises(Refused, match="no operation m-7"):
        confirm(desk, operation="m-7")


def test_declining_an_offer(desk, store, offered):
    assert cancel(desk, CAROL) is None
    assert (row(store).state, row(store).cancelled_by) == (State.DECLINED, CAROL)
    assert text(confirm(desk)) == f"m-1 was declined by @{CAROL}"


def test_cancelling_in_the_queue_is_done_at_once(desk, store, offered):
    confirm(desk)
    assert cancel(desk, CAROL) is None
    assert (row(store).state, row(store).cancelled_by) == (State.CANCELLED, CAROL)


@pytest.mark.parametrize("running", [False, True])
def test_cancelling_a_move_is_a_request(desk, store, offered, clock, running):
    for name in ("host01", "host02"):
        store.set_room(make_host(name), clock.now())
    confirm(desk)
    if running:
        store.change("m-1", Event.START)
    assert cancel(desk, CAROL) is None
    assert row(store).state is (State.RUNNING if running else State.GRANTED)
    assert (row(store).cancel_asked, row(store).cancelled_by) == (True, CAROL)
    assert text(cancel(desk, ALICE)) == f"m-1 was already told to stop by @{CAROL}"
    assert row(store).cancelled_by == CAROL


def test_cancelling_while_verifying_is_too_late(desk, store, offered, clock):
    for name in ("host01", "host02"):
        store.set_room(make_host(name), clock.now())
    confirm(desk)
    store.change("m-1", Event.START)
    store.change("m-1", Event.VERIFY)
    with pytest.raises(Refused, match="too late"):
        cancel(desk, ALICE)


def test_cancelling_what_has_ended_says_how(desk, store, offered):
    confirm(desk)
    store.change("m-1", Event.CANCEL, by=BOB)
    assert text(cancel(desk)) == "m-1 has ended: cancelled"


def test_a_cancel_that_a_host_without_room_outran_is_done_in_the_queue(desk, store, offered, clock):
    for name in ("host01", "host02"):
        store.set_room(make_host(name), clock.now())
    confirm(desk)
    cancel(desk, ALICE)
    store.change("m-1", Event.RETURN, not_before=clock.now() + OFFER)
    assert cancel(desk, CAROL) is None
    assert (row(store).state, row(store).cancelled_by) == (State.CANCELLED, ALICE)


@pytest.mark.parametrize("granted", [False, True])
def test_what_was_confirmed_is_not_everybodys_to_cancel(desk, store, offered, clock, granted):
    if granted:
        for name in ("host01", "host02"):
            store.set_room(make_host(name), clock.now())
    confirm(desk)
    before = row(store)
    with pytest.raises(Refused, match="not yours to cancel") as refused:
        cancel(desk, BOB)
    assert refused.value.private
    assert refused.value.needed == "its requester or one of Ferry's operators"
    assert row(store) == before
    last = json.loads(store.journal("m-1")[-1].body)
    assert (last["event"], last["by"], last["action"]) == ("refuse", BOB, "operation.cancel")
    assert cancel(desk, ALICE) is None


# Closing


@pytest.fixture
def doubtful(desk, store, offered, clock) -> Operation:
    for name in ("host01", "host02"):
        store.set_room(make_host(name), clock.now())
    confirm(desk)
    store.change("m-1", Event.START)
    seen = Outcome(summary="host01 gave no answer; host02 does not show VM-01")
    clock.forward(minutes=5)
    changed = store.change("m-1", Event.DOUBT, outcome=seen)
    assert changed is not None
    return changed


def close(desk: Desk, actor: str) -> Reply | None:
    return desk.apply(Close(operation="m-1", reason="VM-01 was moved by hand"), make_ask("close m-1 because", actor))


def test_an_operator_closes_what_needs_attention_with_a_reason(desk, store, doubtful, clock):
    clock.forward(hours=1)
    assert close(desk, CAROL) is None
    closed = row(store)
    assert (closed.state, closed.cancelled_by, closed.ended_at) == (State.CLOSED, CAROL, doubtful.ended_at)
    last = json.loads(store.journal("m-1")[-1].body)
    assert (last["event"], last["by"], last["from"]) == ("close", CAROL, "needs attention")
    assert last["outcome"]["summary"] == "closed because VM-01 was moved by hand"
    assert last["outcome"]["cause"] == "host01 gave no answer; host02 does not show VM-01"
    with pytest.raises(Refused, match="m-1 is closed"):
        close(desk, CAROL)


def test_nobody_else_closes(desk, store, doubtful):
    with pytest.raises(Refused, match="not yours to close"):
        close(desk, ALICE)
    assert row(store) == doubtful


def test_what_does_not_need_attention_is_not_closed(desk, store, offered):
    with pytest.raises(Refused, match="m-1 is proposed") as refused:
        close(desk, CAROL)
    assert refused.value.needed == "an operation that needs attention"
