"""Moves in a failover cluster: sent once, followed by job or role, judged by owner and state, also over restarts."""

from __future__ import annotations

import re
import time
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.lifecycle import Event, State
from bot.core.names import VmId
from bot.core.operation import Outcome
from bot.core.plan import MoveKind, Plan
from bot.lab.world import Cluster, Group, RoleMove
from bot.lab.world import Event as WorldEvent
from bot.lab.world import State as WorldState
from bot.operations.looking import Looking
from bot.operations.store import Store
from bot.operations.store.recalls import recall
from tests.operations.bench import QUICK, Bench, quoted, said, without_reasons
from tests.operations.moving_hosts import PATIENCE_S, SHARE, STEP_S, MovingHosts
from tests.operations.offers import BOB, CAROL, OFFER, make_ask, make_host
from tests.operations.processes import process
from tests.operations.test_adversary import in_seconds

OTHER = VmId("33333333-3333-4333-8333-333333333333")
THERE = "running on host02, which owns it in the cluster"


class InCluster:
    """The lab's two hosts as nodes of HVC1, VM-01 and VM-03 its roles."""

    def __init__(self, lab: MovingHosts) -> None:
        self.lab = lab
        self.cluster = lab.world.add_cluster(Cluster.of("HVC1", *lab.hosts.values()))
        self.group = lab.world.add_role(self.cluster, lab.vm)
        self.other = lab.world.add_role(self.cluster, lab.add_vm("VM-03", OTHER, rf"{SHARE}\VM-03"))

    def plan(self, *, quick: bool = False) -> Plan:
        return self.lab.plan(MoveKind.CLUSTER, quick=quick)

    def move(self, group: Group, node: str = "host02", how: RoleMove = RoleMove.LIVE) -> None:
        self.lab.world.move_role(self.cluster, group, node, how)

    def hold_when(self, percent: int) -> None:
        """Stand still once VM-01's move is that far; also a quick one, which no host shows."""
        self.lab.clock.hold()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with self.lab.world.look():
                job = self.lab.vm.job
                if job is not None and job.percent >= percent:
                    return
            assert time.monotonic() < deadline, "no move came that far"
            self.lab.clock.step(STEP_S)
            if job is None:
                self.lab.world.wait_until(lambda: False, 0.005)  # the order may still be on its way


@pytest.fixture
def inside(lab: MovingHosts) -> InCluster:
    return InCluster(lab)


def end(lab: MovingHosts, running: Future[None]) -> None:
    lab.go()
    running.result(PATIENCE_S)


def test_a_live_migration_in_the_cluster(bench: Bench, lab: MovingHosts, inside: InCluster):
    bench.grant(inside.plan())
    ended = bench.run()
    assert (ended.state, said(ended)) == (State.SUCCEEDED, THERE)
    assert (lab.where(), lab.sent(), lab.planned()) == (("host02",), 1, 0)
    steps = bench.steps()
    assert steps[:2] == ["checked again: nothing that matters has changed", "asked host01 to move VM-01 to host02"]
    assert steps[-1] == f"verified: {THERE}"
    assert not [step for step in steps if "fit for" in step]


def test_one_that_is_off_moves_quickly_and_stays_off(bench: Bench, lab: MovingHosts, inside: InCluster):
    lab.vm.state = WorldState.OFF
    bench.grant(inside.plan(quick=True))
    ended = bench.run()
    assert said(ended) == "off on host02, which owns it in the cluster"
    assert (ended.state, lab.where(), lab.vm.state) == (State.SUCCEEDED, ("host02",), WorldState.OFF)


def test_a_quick_migration_is_followed_by_its_role_alone(bench: Bench, lab: MovingHosts, inside: InCluster):
    bench.grant(inside.plan(quick=True))
    running = bench.start()
    inside.hold_when(60)
    bench.until(lambda: "the cluster is moving VM-01: following it" in bench.steps())
    bench.until(lambda: bench.row().percent > 0)
    assert (lab.where(), lab.vm.state) == (("host02",), WorldState.SAVED)
    end(lab, running)
    assert (bench.row(State.SUCCEEDED).percent, said(bench.row()), lab.sent()) == (100, THERE, 1)
    assert lab.vm.state is WorldState.RUNNING


def test_what_the_cluster_refuses_is_told_in_its_words(bench: Bench, lab: MovingHosts, inside: InCluster):
    inside.group.possible_owners = frozenset({"host01"})
    bench.grant(inside.plan())
    bench.runner(lambda plan: ()).run("m-1", 1)
    row = bench.row(State.FAILED)
    assert said(row) == "VM-01 is still running on host01"
    assert "(0x80071398)" in quoted(row)
    assert row.outcome is not None
    assert row.outcome.cause == "the destination is not a possible owner of the clustered VM"
    assert lab.sent() == 0


def test_an_owner_or_node_that_changed_since_it_was_approved(bench: Bench, lab: MovingHosts, inside: InCluster):
    bench.grant(inside.plan())
    inside.cluster.nodes[1].paused = True
    row = bench.run()
    assert said(row) == "nothing was started: what was confirmed is no longer so"
    assert row.outcome is not None
    assert row.outcome.cause.startswith("host02 is paused in HVC1")
    assert lab.sent() == 0


def test_one_that_fails_on_the_way_is_at_home_again(bench: Bench, lab: MovingHosts, inside: InCluster):
    lab.world.fail_next(lab.vm, 47)
    bench.grant(inside.plan())
    row = bench.run()
    assert (row.state, said(row)) == (State.FAILED, "VM-01 is still running on host01")
    assert "(0x80072746)" in quoted(row)
    assert lab.sent() == 1


def test_without_a_record_of_the_host_its_cluster_tells_why_it_failed(
    bench: Bench, lab: MovingHosts, inside: InCluster
):
    bench.grant(inside.plan())
    running = bench.start()
    lab.hold_at(30)
    lab.world.restart_vmms("host01")
    end(lab, running)
    row = bench.row(State.FAILED)
    assert row.outcome is not None
    assert row.outcome.cause == "its cluster reports that the migration failed, error 0x80072746"
    assert (said(row), lab.sent()) == ("VM-01 is still running on host01", 1)


def test_a_cancel_is_the_clusters(bench: Bench, lab: MovingHosts, inside: InCluster):
    bench.grant(inside.plan())
    running = bench.start()
    lab.hold_at(30)
    bench.store.ask_cancel("m-1", CAROL)
    bench.until(lambda: "host01 was asked to stop the move" in bench.steps())
    end(lab, running)
    row = bench.row(State.CANCELLED)
    assert (said(row), row.cancelled_by) == ("VM-01 is still running on host01", CAROL)
    assert lab.where() == ("host01",)


@pytest.mark.parametrize("anew", [False, True])
def test_what_goes_on_past_its_deadline_is_the_clusters_to_stop_unless_it_was_begun_anew(
    bench: Bench, lab: MovingHosts, inside: InCluster, anew: bool
):
    if anew:
        lab.world.fail_next(lab.vm, at_percent=40)
    bench.grant(inside.plan())
    bench.timing = in_seconds(0.5)
    running = bench.start()
    lab.hold_at(30)
    running.result(PATIENCE_S)
    assert bench.row(State.NEEDS_ATTENTION).recallable
    bench.timing = QUICK
    if anew:
        lab.go()
        assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
        lab.clock.hold()
        inside.move(inside.group)
        lab.hold_at(20)
    assert recall(bench.store, "m-1", CAROL)
    running = bench.start()
    if not anew:
        bench.until(lambda: "host01 was asked to stop the move" in bench.steps())
        lab.go()
    running.result(PATIENCE_S)
    bench.row(State.NEEDS_ATTENTION if anew else State.CANCELLED)
    assert lab.where() == ("host01",)
    assert (len(lab.moves()), len(lab.world.journal.of(lab.vm, WorldEvent.CANCEL_REQUESTED))) == (anew, not anew)


@pytest.mark.parametrize("quick", [False, True])
def test_a_cancel_that_the_cluster_refuses_came_too_late(
    bench: Bench, lab: MovingHosts, inside: InCluster, quick: bool
):
    bench.grant(inside.plan(quick=quick))
    running = bench.start()
    inside.hold_when(98)
    bench.store.ask_cancel("m-1", CAROL)
    bench.until(lambda: any("its cluster cannot cancel the move now" in step for step in bench.steps()))
    end(lab, running)
    assert said(bench.row(State.SUCCEEDED)) == f"{THERE}; the request to cancel came too late"
    assert lab.where() == ("host02",)


def test_a_queued_move_is_said_and_its_cancel_asked_again_until_it_can_be(
    bench: Bench, lab: MovingHosts, inside: InCluster
):
    bench.grant(inside.plan())
    lab.clock.hold()
    inside.move(inside.other)
    running = bench.start()
    bench.until(lambda: "the cluster has queued the move of VM-01: following it" in bench.steps())
    bench.until(lambda: bench.row().waiting == "waiting in the cluster's queue")
    assert lab.sent() == 0
    bench.store.ask_cancel("m-1", CAROL)
    bench.until(lambda: any("its cluster cannot cancel the move now" in step for step in bench.steps()))
    inside.hold_when(0)  # it is asked again at once
    bench.until(lambda: "host01 was asked to stop the move" in bench.steps())
    end(lab, running)
    bench.row(State.CANCELLED)
    assert (lab.where(), lab.sent()) == (("host01",), 1)


def test_somebody_elses_move_is_neither_followed_nor_stopped(bench: Bench, lab: MovingHosts, inside: InCluster):
    bench.grant(inside.plan())
    lab.clock.hold()
    inside.move(inside.group)
    bench.runner(lambda plan: ()).run("m-1", 1)
    assert "is already being moved" in said(bench.row(State.FAILED))
    assert lab.sent() == 1


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("percent", [0, 40, 98])
def test_a_restart_in_the_middle_attaches_and_sends_nothing_again(
    bench: Bench, lab: MovingHosts, inside: InCluster, percent: int, quick: bool
):
    bench.grant(inside.plan(quick=quick))
    running = bench.start()
    inside.hold_when(percent)
    bench.leave(running)
    again = bench.start()
    bench.until(lambda: any("following it" in step for step in bench.steps()))
    end(lab, again)
    assert (bench.row(State.SUCCEEDED).attempt, said(bench.row()), lab.sent()) == (2, THERE, 1)


def test_a_process_that_is_killed_loses_nothing_and_sends_nothing_twice(
    database_url: str, store: Store, lab: MovingHosts, inside: InCluster
):
    rows = store
    offered = rows.propose(inside.plan(), make_ask(), datetime.now(UTC) + OFFER)
    for name in lab.hosts:
        rows.set_room(make_host(name), datetime.now(UTC))
    rows.change(offered.id, Event.CONFIRM, by=BOB)

    def state() -> State | None:
        found = rows.find(offered.id)
        return found and found.state

    with process(lab, database_url):
        lab.hold_at(30)
    assert state() is State.RUNNING
    with process(lab, database_url):
        lab.go()
        assert lab.world.wait_until(lambda: state() is State.SUCCEEDED, PATIENCE_S)
    assert (lab.sent(), lab.where()) == (1, ("host02",))


def test_a_restart_after_the_end_finds_it_there(bench: Bench, lab: MovingHosts, inside: InCluster):
    bench.grant(inside.plan())
    running = bench.start()
    lab.hold_at(30)
    bench.leave(running)
    lab.go()
    assert lab.world.wait_until(lambda: lab.vm.job is None, PATIENCE_S)
    ended = bench.run()
    assert (ended.state, said(ended), lab.sent()) == (State.SUCCEEDED, THERE, 1)


def test_a_restart_while_it_waits_in_the_queue(bench: Bench, lab: MovingHosts, inside: InCluster):
    bench.grant(inside.plan())
    lab.clock.hold()
    inside.move(inside.other)
    running = bench.start()
    bench.until(lambda: "the cluster has queued the move of VM-01: following it" in bench.steps())
    bench.leave(running)
    end(lab, bench.start())
    assert (bench.row(State.SUCCEEDED).attempt, lab.sent()) == (2, 1)


def test_a_source_that_dies_needs_a_person_because_the_vm_was_started_anew(
    bench: Bench, lab: MovingHosts, inside: InCluster
):
    bench.grant(inside.plan())
    running = bench.start()
    lab.hold_at(30)
    lab.world.kill_host("host01")
    lab.servers["host01"].unreachable()
    end(lab, running)
    assert without_reasons(said(bench.row(State.NEEDS_ATTENTION))) == (
        "host01 gave no answer; host02 shows VM-01 running; its cluster shows it online, owned by host02"
    )


def die(bench: Bench, lab: MovingHosts, inside: InCluster, days: int) -> None:
    """host01 dies in the middle of a move of a VM that has been running for so long."""
    with lab.world.look():
        lab.vm.started_at = lab.world.clock.now() - timedelta(days=days)
    bench.grant(inside.plan())
    running = bench.start()
    lab.hold_at(30)
    lab.world.kill_host("host01")
    lab.servers["host01"].unreachable()
    end(lab, running)


def test_a_source_that_dies_and_its_cluster_that_starts_the_vm_anew_are_told_from_a_move(
    bench: Bench, lab: MovingHosts, inside: InCluster
):
    die(bench, lab, inside, days=41)
    row = bench.row(State.FAILED)
    anew = r"its cluster has started VM-01 anew on host02, \d+ (s|min)( \d+ s)? ago: not moved by Ferry"
    assert re.match(anew, said(row))
    assert row.outcome is not None
    assert "its uptime began anew, as after the failure of a node; host01 gave no answer" in row.outcome.cause
    assert lab.sent() == 1


def test_a_later_look_tells_the_new_start_where_nobody_answered_before(
    bench: Bench, lab: MovingHosts, inside: InCluster
):
    lab.servers["host02"].unreachable()
    with lab.world.look():
        lab.vm.started_at = lab.world.clock.now() - timedelta(days=41)
    bench.grant(inside.plan())
    bench.store.change("m-1", Event.START)
    bench.store.change("m-1", Event.DOUBT, outcome=Outcome(summary="neither gave an answer"))
    lab.world.kill_host("host01")
    lab.servers["host01"].unreachable()
    lab.servers["host02"].unreachable(False)
    looking = Looking(bench.store, lab.fleet, replace(QUICK, looks=2, second_looks=2))
    assert looking.look(bench.row(), make_ask("look m-1", BOB)) is None
    row = bench.row(State.FAILED)
    assert "its cluster has started VM-01 anew on host02" in said(row)
    assert row.outcome is not None
    assert row.outcome.late


def test_silence_in_the_queue_is_said_and_stops_nothing(bench: Bench, lab: MovingHosts, inside: InCluster):
    bench.timing = replace(QUICK, stall_s=0.3)
    bench.grant(inside.plan())
    lab.clock.hold()
    inside.move(inside.other)
    running = bench.start()
    bench.until(lambda: any("its cluster shows it moving still" in step for step in bench.steps()))
    end(lab, running)
    assert (bench.row(State.SUCCEEDED).attempt, lab.sent()) == (1, 1)
