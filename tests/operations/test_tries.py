"""How often a move is tried, what a try that went wrong leaves, and how its end is found and told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.core.lifecycle import Event, State
from bot.core.plan import MoveKind
from bot.errors import Fault, HostError, HostUnreachable
from bot.lab.world import Event as WorldEvent
from bot.lab.world import State as WorldState
from bot.lab.world import faults
from bot.operations.looking import Looking
from bot.operations.watch import in_background
from tests.operations.bench import QUICK, Bench, quoted, said
from tests.operations.meddling import meddle
from tests.operations.moving_hosts import OTHER_SHARE, PATIENCE_S, MovingHosts
from tests.operations.offers import BOB, CAROL, SetClock, make_ask
from tests.operations.test_adversary import at_source, begun_before

FOLLOWING = "host01 is moving VM-01: following its job"
STILL = "VM-01 is still running on host01"


def told(bench: Bench, words: str) -> bool:
    return any(words in step for step in bench.steps())


def fail(*classes: Fault) -> tuple[Callable[..., None], list[Fault]]:
    """A host that starts no move, for these reasons in turn and then for the last; and the reasons it has given."""
    given: list[Fault] = []

    def move(real, *order):
        given.append(classes[min(len(given), len(classes) - 1)])
        raise HostError("host01", "the live migration of VM-01", cause="it does not do that now", fault=given[-1])

    return move, given


# How often


def test_restarts_give_a_move_no_more_tries(bench: Bench, lab: MovingHosts):
    bench.grant(lab.plan(MoveKind.STORAGE, OTHER_SHARE))  # nothing is compared: that would only take time
    bench.timing = replace(QUICK, start_pause_s=60)
    move, given = fail(Fault.TRANSIENT)
    meddle(bench, move=move)
    for tries in (1, 2):
        running = bench.start()
        bench.until(lambda tries=tries: sum("trying again" in step for step in bench.steps()) == tries)
        bench.leave(running)
    bench.timing = QUICK
    row = bench.run()
    assert (row.state, said(row), len(given)) == (State.FAILED, f"{STILL}, its storage where it was", 3)


@pytest.mark.parametrize("classes", ["TQT", "QTQ", "TTQ", "QQT"])
def test_passing_failures_and_refusals_for_want_of_room_count_together(
    bench: Bench, lab: MovingHosts, clock: SetClock, classes: str
):
    bench.grant(lab.plan(MoveKind.STORAGE, OTHER_SHARE))
    bench.timing = replace(QUICK, start_pause_s=0.02)
    move, given = fail(*(Fault.TRANSIENT if one == "T" else Fault.CAPACITY for one in classes))
    meddle(bench, move=move)
    for _ in range(3):
        if bench.run().state is State.QUEUED:
            clock.forward(minutes=3)
            bench.admit()
    assert (bench.row().state, len(given)) == (State.FAILED, 3)


@pytest.mark.parametrize("cancelled", [False, True])
def test_what_somebody_else_starts_before_the_next_try_is_neither_followed_nor_stopped(
    bench: Bench, lab: MovingHosts, cancelled: bool
):
    """The host has answered that it did not take the first: so it is known whose move it is, cancelled or not."""
    bench.grant()
    lab.world.fail_next(lab.vm, 3, at_source(lab, faults.refused_connection("HOST02")))

    def look(real, host, vm):
        if host == "host01" and told(bench, "trying again") and not lab.moves():
            lab.clock.hold()
            lab.world.start_foreign_move(lab.vm, "host02")
            if cancelled:
                bench.store.ask_cancel("m-1", CAROL)
        return real(host, vm)

    meddle(bench, look=look)
    row = bench.run()
    assert row.state is (State.CANCELLED if cancelled else State.FAILED)
    assert said(row) == "nothing was started again: VM-01 is already being moved to HOST02 by somebody else"
    assert (lab.sent(), len(lab.moves())) == (2, 1)
    assert len(lab.world.journal.of(lab.vm, WorldEvent.CANCEL_REQUESTED)) == 0
    assert FOLLOWING not in bench.steps()


@pytest.mark.parametrize("ending", ["stopped", "refused", "broken off"])
def test_a_job_that_ended_while_the_link_was_lost_is_not_sent_again(bench: Bench, lab: MovingHosts, ending: str):
    bench.grant()
    if ending == "refused":
        lab.world.fail_next(lab.vm, 6, at_source(lab, faults.ACCESS_DENIED))
    if ending == "broken off":
        lab.world.fail_next(lab.vm, 60, at_source(lab, faults.CONNECTION_RESET))

    def look(real, *asked):
        if told(bench, "looking at both hosts"):
            lab.go()
            assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
        return real(*asked)

    meddle(bench, look=look)
    running = bench.start()
    job = lab.hold_at(3)
    if ending == "stopped":
        assert lab.world.request_state_change(job, 4) == 0
    lab.servers["host01"].restart()  # sessions end, jobs go on
    running.result(PATIENCE_S)
    assert (said(bench.row(State.FAILED)), lab.sent()) == (STILL, 1)


# What a dead or superseded attempt leaves


def test_the_planned_vm_of_a_dead_attempt_is_removed_although_nothing_is_started(
    bench: Bench, lab: MovingHosts, clock: SetClock
):
    bench.grant()
    assert lab.fleet.compare(bench.row().plan.move) == ()
    begun_before(bench)
    assert lab.planned() == 1
    clock.forward(minutes=10)
    assert bench.run().state is State.FAILED
    assert (lab.planned(), lab.sent()) == (0, 0)


def test_a_superseded_attempt_removes_nothing_and_says_nothing(bench: Bench):
    """Its successor may have compared the hosts, and waits for what that left."""
    bench.grant()
    move, _ = fail(Fault.CONFIGURATION)
    before: list[list[str]] = []
    discarded: list[object] = []

    def look(real, host, vm):
        seen = real(host, vm)
        if host == "host01" and bench.row().state is State.RUNNING and not before:
            before.append(bench.steps())
            assert bench.store.regrant("m-1", 1)
        return seen

    def discard(real, move):
        discarded.append(move)
        raise HostError("host02", "removing a planned VM", cause="it is in use", fault=Fault.TRANSIENT)

    meddle(bench, move=move, look=look, discard=discard)
    assert bench.run().attempt == 2
    assert (bench.row(State.RUNNING).outcome, discarded) == (None, [])
    assert before == [bench.steps()]


def test_a_superseded_attempt_does_not_say_that_it_follows(bench: Bench, lab: MovingHosts):
    bench.grant()
    begun_before(bench)
    lab.clock.hold()
    lab.world.start_foreign_move(lab.vm, "host02")

    def look(real, host, vm):
        seen = real(host, vm)
        if host == "host01" and bench.row().attempt == 2:
            assert bench.store.regrant("m-1", 2)
        return seen

    meddle(bench, look=look)
    before = bench.steps()
    assert bench.run().attempt == 3
    assert bench.steps() == before


# What ended without a record


def test_a_host_that_has_lost_its_records_is_not_said_to_have_reported_an_end(bench: Bench, lab: MovingHosts):
    bench.grant()
    running = bench.start()
    lab.hold_at(30)
    bench.leave(running)
    running = bench.start()
    bench.until(lambda: FOLLOWING in bench.steps())
    lab.world.restart_vmms("host01")
    running.result(PATIENCE_S)
    row = bench.row(State.FAILED)
    assert row.outcome is not None
    assert (said(row), row.outcome.cause) == (STILL, "host01 keeps no record of how the move ended")


def test_a_look_at_what_left_no_record_says_so(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.store.change("m-1", Event.START)
    bench.store.change("m-1", Event.DOUBT)
    assert look_again(bench, lab) is None
    row = bench.row(State.FAILED)
    assert row.outcome is not None
    assert row.outcome.cause == "host01 keeps no record of how the move ended"


def test_a_look_concludes_a_vm_that_has_arrived_and_was_shut_down_since(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.store.change("m-1", Event.START)
    bench.store.change("m-1", Event.DOUBT)
    lab.world.start_foreign_move(lab.vm, "host02")
    assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
    lab.vm.state = WorldState.OFF
    assert look_again(bench, lab) is None
    ended = "off on host02, gone from host01; it was running when the move began"
    assert said(bench.row(State.SUCCEEDED)) == ended


def look_again(bench: Bench, lab: MovingHosts) -> object:
    looking = Looking(bench.store, lab.fleet, replace(QUICK, looks=2, second_looks=2))
    return looking.look(bench.row(), make_ask("look m-1", BOB))


# What goes on


def test_a_move_that_goes_on_after_a_passing_error_of_its_order_is_followed(bench: Bench, lab: MovingHosts):
    bench.grant()

    def move(real, *order):
        in_background(lambda: real(*order), "its pipeline")
        lab.hold_at(30)
        assert lab.world.wait_until(lambda: bench.row().percent >= 25, PATIENCE_S)
        raise HostError("host01", "the live migration of VM-01", cause="WMI is out of quota", fault=Fault.TRANSIENT)

    meddle(bench, move=move)
    running = bench.start()
    bench.until(lambda: FOLLOWING in bench.steps() or bench.row().ended)
    lab.go()
    running.result(PATIENCE_S)
    assert said(bench.row(State.SUCCEEDED)) == "running on host02, gone from host01"
    assert lab.sent() == 1


def test_messages_that_stay_away_do_not_take_back_what_a_look_has_shown(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.timing = replace(QUICK, stall_s=0.1)

    def move(real, move, progress, ready):
        real(move, lambda percent: progress(percent) if percent < 20 else None, ready)

    meddle(bench, move=move)
    running = bench.start()
    lab.hold_at(60)
    bench.until(lambda: bench.steps().count("50 %") > 1 or "no progress" in bench.row().waiting)
    percent = bench.row().percent
    lab.go()
    running.result(PATIENCE_S)
    assert (bench.row(State.SUCCEEDED).percent, percent >= 60) == (100, True)
    assert bench.steps().count("50 %") == 1


# A host that is away


def test_a_host_that_refuses_the_account_is_looked_at_once_and_its_reason_is_named(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.timing = replace(QUICK, looks=12)
    looks: list[str] = []

    def look(real, host, vm):
        if host == "host02" and bench.row().state is not State.GRANTED:
            looks.append(host)
            cause = "it did not accept the account ferry by kerberos"
            raise HostUnreachable(host, "looking", cause=cause, fault=Fault.CONFIGURATION)
        return real(host, vm)

    meddle(bench, look=look)
    row = bench.run()
    assert row.state is State.NEEDS_ATTENTION
    assert said(row).endswith("host02 gave no answer (it did not accept the account ferry by kerberos)")
    assert (len(looks), lab.where()) == (1, ("host02",))


def test_how_a_job_ended_is_said_although_nobody_was_listening_then(bench: Bench, lab: MovingHosts):
    bench.grant()
    lab.world.fail_next(lab.vm, 6, at_source(lab, faults.ACCESS_DENIED))

    def look(real, *asked):
        if told(bench, "looking at both hosts"):
            lab.go()
            assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
        return real(*asked)

    meddle(bench, look=look)
    running = bench.start()
    lab.hold_at(3)
    lab.servers["host01"].restart()
    running.result(PATIENCE_S)
    ended = bench.row(State.FAILED)
    assert "0x80070005" in quoted(ended)
    assert "shell" not in quoted(ended)


def test_a_host_that_is_away_is_told_once_and_waited_for(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.timing = replace(QUICK, looks=1000)
    running = bench.start()
    lab.hold_at(30)
    bench.leave(running)
    lab.servers["host01"].unreachable()
    running = bench.start()
    bench.until(lambda: "asking again" in bench.row().waiting)
    host02 = lab.servers["host02"]
    looks = host02.stats.actions["Command"]
    assert lab.world.wait_until(lambda: host02.stats.actions["Command"] > looks + 3, PATIENCE_S)
    away = [step for step in bench.steps() if step.endswith("; asking again")]
    lab.servers["host01"].unreachable(False)
    lab.go()
    running.result(PATIENCE_S)
    bench.row(State.SUCCEEDED)
    assert len(away) == 1, away
    assert away[0].startswith("host01 gave no answer (")
    assert "refused the connection" in away[0]
    assert lab.sent() == 1
