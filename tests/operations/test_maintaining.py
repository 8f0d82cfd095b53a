"""Drains and resumptions as rows and on real hosts: ordered once, followed to their end, true after any crash."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from bot.core.estate import Estate
from bot.core.lifecycle import Event, State
from bot.core.maintenance import Maintenance, MaintenancePlan, plan_drain, plan_resumption
from bot.core.signal import Cancel, Confirm, Look
from bot.errors import Fault, HostError, HostUnreachable, Refused
from bot.lab.world.cluster import DrainStatus, Node
from bot.operations.runner import Runner
from bot.operations.runner.permission import Permit
from bot.operations.store import Store
from bot.operations.store.host_changes import HostChanges
from tests.operations.bench import QUICK, make_open_desk
from tests.operations.meddling import Meddling
from tests.operations.moving_hosts import PATIENCE_S, MovingHosts
from tests.operations.offers import BOB, CAROL, OFFER, SetClock, both, make_ask
from tests.operations.test_cluster_moves import InCluster

GONE = "host01 is paused and drained; host02 has VM-01 and VM-03"


class Maintaining:
    """HVC1 of two nodes with VM-01 and VM-03 on host01, and a drain of that node."""

    def __init__(self, lab: MovingHosts, store: Store, clock: SetClock) -> None:
        self.lab, self.store, self.clock = lab, store, clock
        self.inside = InCluster(lab)
        self.rows = HostChanges(store)
        self.orders: list[str] = []
        self.refusal = ""
        self.fleet: Any = Meddling(lab.fleet, suspend=self._count("drain"), resume=self._count("resume"))
        self.desk = make_open_desk(store, clock, self.fleet)
        self.threads = ThreadPoolExecutor()

    def _count(self, what: str) -> Callable[..., None]:
        def order(real: Callable[..., None], *arguments: object, **named: object) -> None:
            self.orders.append(what)
            real(*arguments, **named)

        return order

    @property
    def node(self) -> Node:
        return self.inside.cluster.nodes[0]

    def plan(self) -> MaintenancePlan:
        plan = plan_drain("drain host01", "host01", self.lab.fleet.read_roster("host01"), Estate(), (), ())
        return plan.model_copy(update={"witnesses": ("host01", "host02")})

    def grant(self, plan: MaintenancePlan | None = None) -> Maintenance:
        plan = plan or self.plan()
        offered = self.rows.propose(plan, make_ask(plan.command), self.clock.now() + OFFER)
        assert self.rows.change(offered.id, Event.CONFIRM, by=BOB) is not None
        return self.row(offered.id)

    def start(self, name: str = "m-1") -> Future[None]:
        runner = Runner(self.store, self.fleet, self.clock, self.lab.changes, lambda _: Permit(self.refusal), QUICK)
        return self.threads.submit(runner.run, name, self.row(name).attempt)

    def run(self, name: str = "m-1") -> Maintenance:
        self.start(name).result(PATIENCE_S)
        return self.row(name)

    def row(self, name: str = "m-1") -> Maintenance:
        found = self.store.find_host_change(name)
        assert isinstance(found, Maintenance)
        return found

    def until(self, there: Callable[[], bool]) -> None:
        assert self.lab.world.wait_until(there, PATIENCE_S)

    def events(self) -> list[str]:
        return [json.loads(entry.body)["event"] for entry in self.store.journal("m-1")]


@pytest.fixture
def maintaining(lab: MovingHosts, store: Store, clock: SetClock) -> Iterator[Maintaining]:
    made = Maintaining(lab, store, clock)
    yield made
    made.threads.shutdown()


def said(row: Maintenance) -> str:
    assert row.outcome is not None
    return row.outcome.summary


@both
def test_it_is_offered_confirmed_ordered_once_followed_and_verified(maintaining: Maintaining) -> None:
    maintaining.grant()
    assert not maintaining.node.paused

    row = maintaining.run()

    assert (row.state, said(row), row.percent) == (State.SUCCEEDED, GONE, 100)
    assert maintaining.orders == ["drain"]
    assert maintaining.events() == ["propose", "confirm", "grant", "start", "verify", "succeed"]
    assert maintaining.store.find_break() is None
    assert maintaining.store.last_maintenance("host01") == row


def test_what_was_drained_comes_back(maintaining: Maintaining) -> None:
    maintaining.grant()
    last = maintaining.run()
    roster = maintaining.lab.fleet.read_roster("host02")
    plan = plan_resumption("resume host01 with failback", "host01", roster, Estate(), last, (), failback=True)
    assert ({role.group for role in plan.roles}, plan.source) == ({"VM-01", "VM-03"}, "m-1")
    maintaining.grant(plan)

    row = maintaining.run("m-2")

    assert row.state is State.SUCCEEDED
    assert said(row) == "host01 is up in HVC1 and takes virtual machines again; VM-01 and VM-03 are back"
    assert (maintaining.lab.where(), maintaining.orders) == (("host01",), ["drain", "resume"])


def test_a_node_that_was_paused_meanwhile_is_left_alone(maintaining: Maintaining) -> None:
    maintaining.grant()
    maintaining.node.paused = True

    row = maintaining.run()

    assert (row.state, maintaining.orders) == (State.FAILED, [])
    assert row.outcome is not None
    assert row.outcome.cause == "host01 is paused in HVC1 now"


def test_after_a_crash_a_drain_that_goes_on_is_followed_and_not_ordered_again(maintaining: Maintaining) -> None:
    maintaining.grant()
    maintaining.rows.change("m-1", Event.START, attempt=1)
    maintaining.lab.fleet.suspend("host01", "HOST01", drain=True)
    assert maintaining.store.regrant("m-1", 1)

    row = maintaining.run()

    assert (row.state, said(row), maintaining.orders) == (State.SUCCEEDED, GONE, [])


def test_after_a_crash_an_order_that_shows_no_effect_is_not_sent_again(maintaining: Maintaining) -> None:
    """It may never have left, or somebody has resumed the node since: only a person knows."""
    maintaining.grant()
    maintaining.rows.change("m-1", Event.START, attempt=1)
    assert maintaining.store.regrant("m-1", 1)

    row = maintaining.run()

    assert (row.state, maintaining.orders) == (State.FAILED, [])
    assert said(row) == "host01 is not being drained; 2 VMs on it"
    assert row.outcome is not None
    assert "it is not sent twice" in row.outcome.cause


def test_an_answer_that_was_lost_is_looked_for(maintaining: Maintaining) -> None:
    maintaining.grant()

    def lose(real: Callable[..., None], *arguments: object, **named: object) -> None:
        maintaining.orders.append("drain")
        real(*arguments, **named)
        raise HostUnreachable("host01", "draining it", cause="the connection was lost", fault=Fault.UNKNOWN)

    maintaining.fleet = Meddling(maintaining.lab.fleet, suspend=lose)
    row = maintaining.run()

    assert (row.state, said(row), maintaining.orders) == (State.SUCCEEDED, GONE, ["drain"])


def test_a_cluster_that_refuses_is_quoted(maintaining: Maintaining) -> None:
    maintaining.grant()

    def refuse(_real: Callable[..., None], *_: object, **__: object) -> None:
        raise HostError(
            "host01", "draining it", words="Zugriff verweigert", cause="no right", fault=Fault.CONFIGURATION
        )

    maintaining.fleet = Meddling(maintaining.lab.fleet, suspend=refuse)
    row = maintaining.run()

    assert row.state is State.FAILED
    assert row.outcome is not None
    assert (row.outcome.words, row.outcome.cause) == ("Zugriff verweigert", "no right")


def test_what_stayed_is_named_with_its_reason(maintaining: Maintaining) -> None:
    maintaining.grant()
    maintaining.lab.world.fail_next(maintaining.lab.vm)

    row = maintaining.run()

    assert row.state is State.FAILED
    assert said(row) == "HVC1 could not drain host01, which is still paused: VM-01 stayed; host02 has VM-03"
    assert row.outcome is not None
    assert row.outcome.cause.startswith("VM-01: its migration failed, error 0x")


def test_a_cancel_stops_it_and_says_who_is_where(maintaining: Maintaining) -> None:
    maintaining.grant()
    running = maintaining.start()
    maintaining.lab.hold_at(30)
    assert maintaining.desk.apply(Cancel(operation="m-1"), make_ask(actor=CAROL)) is None
    maintaining.until(lambda: not maintaining.node.paused)
    maintaining.lab.go()
    running.result(PATIENCE_S)

    row = maintaining.row()
    assert (row.state, row.cancelled_by, maintaining.orders) == (State.CANCELLED, CAROL, ["drain", "resume"])
    assert said(row) == "host01 takes part in HVC1 again; host02 has VM-01 by now; VM-03 stayed"


def test_somebody_who_resumes_the_node_ends_it(maintaining: Maintaining) -> None:
    maintaining.grant()
    running = maintaining.start()
    maintaining.lab.hold_at(30)
    maintaining.until(lambda: maintaining.row().percent >= 0 and "moving" in maintaining.row().waiting)
    maintaining.lab.world.resume_node(maintaining.inside.cluster, maintaining.node)
    maintaining.lab.go()
    running.result(PATIENCE_S)

    row = maintaining.row()
    assert (row.state, maintaining.orders) == (State.FAILED, ["drain"])
    assert "somebody has resumed the node since" in (row.outcome.cause if row.outcome else "")


def test_the_other_node_tells_of_one_that_is_silent(maintaining: Maintaining) -> None:
    maintaining.grant()
    running = maintaining.start()
    maintaining.lab.hold_at(30)
    maintaining.lab.servers["host01"].unreachable()
    maintaining.lab.go()
    running.result(PATIENCE_S)

    assert (maintaining.row().state, said(maintaining.row())) == (State.SUCCEEDED, GONE)


def test_where_no_node_answers_it_needs_attention_and_a_later_look_concludes_it(maintaining: Maintaining) -> None:
    maintaining.grant()
    running = maintaining.start()
    maintaining.lab.hold_at(30)
    for server in maintaining.lab.servers.values():
        server.unreachable()
    running.result(PATIENCE_S)
    assert maintaining.row().state is State.NEEDS_ATTENTION
    assert said(maintaining.row()) == "no node of HVC1 gives an answer: what became of host01 is not known"

    for server in maintaining.lab.servers.values():
        server.unreachable(False)
    with pytest.raises(Refused, match="that is still going on in HVC1"):
        maintaining.desk.apply(Look(operation="m-1"), make_ask())
    maintaining.lab.go()
    maintaining.until(lambda: maintaining.node.drain is DrainStatus.COMPLETED)
    assert maintaining.desk.apply(Look(operation="m-1"), make_ask()) is None
    assert (maintaining.row().state, said(maintaining.row())) == (State.SUCCEEDED, GONE)


def test_what_is_no_longer_allowed_is_not_ordered(maintaining: Maintaining) -> None:
    maintaining.grant()
    maintaining.refusal = "1 of 2 approvals are missing now (nights)"

    row = maintaining.run()

    assert (row.state, said(row), row.started_at) == (
        State.FAILED,
        "nothing was ordered: it is no longer allowed",
        None,
    )
    assert row.outcome is not None
    assert row.outcome.cause == maintaining.refusal
    assert maintaining.orders == []


def test_a_changed_node_ends_the_offer_at_the_click(maintaining: Maintaining) -> None:
    maintaining.rows.propose(maintaining.plan(), make_ask(), maintaining.clock.now() + OFFER)
    maintaining.inside.group.locked = True
    answer = maintaining.desk.apply(Confirm(operation="m-1"), make_ask(actor=BOB))
    assert answer is not None
    assert maintaining.row().state is State.EXPIRED
    outcome = maintaining.row().outcome
    assert outcome is not None
    assert "VM-01 cannot leave: the cluster has it locked" in outcome.cause
    assert maintaining.orders == []
