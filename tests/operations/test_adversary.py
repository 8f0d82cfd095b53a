"""What could lose a VM, move one twice, or claim what is not known: each suspicion with the hosts of the lab."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.core.deadline import Deadlines
from bot.core.lifecycle import Event, State
from bot.core.plan import MoveKind, Plan
from bot.errors import Fault, HostUnreachable
from bot.lab.world import Event as WorldEvent
from bot.lab.world import faults
from bot.lab.world.faults import HyperVError
from bot.operations.runner import Timing
from tests.operations.bench import QUICK, Bench, quoted, said, without_reasons
from tests.operations.moving_hosts import OTHER_SHARE, PATIENCE_S, MovingHosts
from tests.operations.offers import CAROL, SetClock, vm_id

Changes = tuple[str, ...]


def after(lab: MovingHosts, happening: Callable[[], object]) -> Callable[[Plan], Changes]:
    """A check that finds nothing changed, just before something happens, once."""
    first = iter((happening,))

    def changes(plan: Plan) -> Changes:
        found = lab.changes(plan)
        for happen in first:
            happen()
        return found

    return changes


def ended(lab: MovingHosts, event: WorldEvent) -> int:
    return len(lab.world.journal.of(lab.vm, event))


def begun_before(bench: Bench) -> None:
    """A former process journalled the start, and died."""
    bench.store.change("m-1", Event.START, attempt=1)
    assert bench.store.regrant("m-1", 1)


# Somebody else's move


@pytest.mark.parametrize("kind", [MoveKind.STORAGE, MoveKind.LIVE])
def test_a_move_that_somebody_else_starts_at_the_last_moment_is_neither_followed_nor_stopped(
    bench: Bench, lab: MovingHosts, kind: MoveKind
):
    path = OTHER_SHARE if kind is MoveKind.STORAGE else None
    bench.grant(lab.plan(kind, path))
    lab.clock.run(2)

    def foreign() -> None:
        lab.world.start_foreign_move(lab.vm, "host02")

    bench.runner(after(lab, foreign)).run("m-1", 1)
    row = bench.row(State.FAILED)
    assert said(row).endswith("by somebody else")
    assert (len(lab.moves()), lab.sent()) == (1, 1)


def test_a_job_to_another_host_is_not_taken_for_ours(bench: Bench, lab: MovingHosts):
    """Ours was never sent; after the restart somebody moves the storage of the VM where it is."""
    bench.grant()
    begun_before(bench)
    lab.clock.hold()
    lab.world.start_foreign_storage_move(lab.vm, OTHER_SHARE)
    bench.store.ask_cancel("m-1", CAROL)
    row = bench.run()
    assert row.state is State.NEEDS_ATTENTION
    assert "by somebody else" in said(row)
    assert ended(lab, WorldEvent.CANCEL_REQUESTED) == 0
    assert len(lab.moves()) == 1


def test_a_move_that_cannot_be_told_from_ours_is_not_stopped(bench: Bench, lab: MovingHosts):
    """A storage job does not say where it leads, and ours was refused."""
    bench.grant(lab.plan(MoveKind.STORAGE, OTHER_SHARE))
    lab.clock.run(2)

    def foreign() -> None:
        lab.world.start_foreign_storage_move(lab.vm, "D:\\Elsewhere")

    bench.runner(after(lab, foreign)).run("m-1", 1)
    row = bench.row(State.NEEDS_ATTENTION)
    assert said(row) == "host01 did not take Ferry's move, and VM-01 is being moved to other storage"
    assert (len(lab.moves()), ended(lab, WorldEvent.CANCEL_REQUESTED)) == (1, 0)


def test_a_vm_that_was_moved_and_brought_back_is_not_moved_again(bench: Bench, lab: MovingHosts):
    bench.grant()
    running = bench.start()
    lab.hold_at(30)
    bench.leave(running)
    lab.go()
    assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
    lab.world.start_foreign_move(lab.vm, "host01")
    assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
    row = bench.run()
    assert (row.state, said(row)) == (State.FAILED, "VM-01 is still running on host01")
    assert (lab.sent(), lab.where()) == (2, ("host01",))


def test_a_move_without_a_trace_is_not_started_long_after_it_was_wanted(
    bench: Bench, lab: MovingHosts, clock: SetClock
):
    bench.grant()
    begun_before(bench)
    clock.forward(hours=2)
    row = bench.run()
    assert row.state is State.FAILED
    assert row.outcome is not None
    assert row.outcome.cause == "Ferry asked for the move 2 h ago, and host01 keeps no record of it"
    assert lab.sent() == 0


# A request that is still on its way when Ferry starts again


def test_a_request_that_reaches_the_host_after_the_restart_is_not_sent_again(bench: Bench, lab: MovingHosts):
    bench.grant()
    begun_before(bench)
    bench.timing = replace(QUICK, second_looks=4, look_pause_s=0.3, look_pause_most_s=0.3)
    before = lab.servers["host02"].stats.actions["Receive"]
    running = bench.start()
    assert lab.world.wait_until(lambda: lab.servers["host02"].stats.actions["Receive"] > before, PATIENCE_S)
    lab.world.start_foreign_move(lab.vm, "host02", owner="LAB\\ferry")
    running.result(PATIENCE_S)
    assert said(bench.row(State.SUCCEEDED)) == "running on host02, gone from host01"
    assert lab.sent() == 1
    assert not any("from the beginning" in step for step in bench.steps())


def test_a_request_that_was_carried_out_while_ferry_checked_again_is_a_success(bench: Bench, lab: MovingHosts):
    bench.grant()
    begun_before(bench)

    def arrives(plan: Plan) -> Changes:
        lab.world.start_foreign_move(lab.vm, "host02")
        assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
        return lab.changes(plan)

    bench.runner(arrives).run("m-1", 2)
    assert said(bench.row(State.SUCCEEDED)) == "running on host02, gone from host01"
    assert lab.sent() == 1


def test_a_failed_check_after_a_restart_ends_by_what_both_hosts_show(bench: Bench, lab: MovingHosts):
    bench.grant()
    begun_before(bench)

    def silent(plan: Plan) -> Changes:
        lab.servers["host02"].unreachable()
        raise HostUnreachable("host02", "reading its settings", fault=Fault.TRANSIENT)

    bench.runner(silent).run("m-1", 2)
    ended = said(bench.row(State.NEEDS_ATTENTION))
    assert without_reasons(ended) == "host01 shows VM-01 running; host02 gave no answer"
    assert "refused the connection" in ended
    assert lab.sent() == 0


def test_an_attempt_that_was_taken_over_sends_nothing(bench: Bench, lab: MovingHosts):
    bench.grant(lab.plan(MoveKind.STORAGE, OTHER_SHARE))
    begun_before(bench)
    bench.runner(after(lab, lambda: bench.store.regrant("m-1", 2))).run("m-1", 2)
    assert bench.row(State.RUNNING).attempt == 3
    assert lab.sent() == 0


# What a comparison leaves


def test_a_comparison_of_a_former_process_is_cleaned_up_when_the_move_is_not_wanted_any_more(
    bench: Bench, lab: MovingHosts
):
    bench.grant()
    assert lab.fleet.compare(bench.row().plan.move) == ()
    assert lab.planned() == 1
    bench.store.ask_cancel("m-1", CAROL)
    assert bench.store.regrant("m-1", 1)
    assert bench.run().state is State.CANCELLED
    assert lab.planned() == 0


# Trying again


def at_source(lab: MovingHosts, description: str) -> HyperVError:
    return faults.at_source(lab.vm.name, lab.vm.guid, "HOST01", description)


def test_a_passing_failure_is_tried_again_and_each_try_is_told(bench: Bench, lab: MovingHosts):
    bench.grant()
    lab.world.fail_next(lab.vm, 3, at_source(lab, faults.refused_connection("HOST02")))
    row = bench.run()
    assert (row.state, lab.sent(), lab.where()) == (State.SUCCEEDED, 2, ("host02",))
    assert any("trying again in" in step for step in bench.steps())
    assert bench.events().count("start") == 2
    assert "asked host01 to move VM-01 to host02, try 2 of 3" in bench.steps()


def test_a_passing_failure_that_stays_ends_after_three_tries(bench: Bench, lab: MovingHosts):
    bench.grant()
    lab.world.fail_next(lab.vm, 3, at_source(lab, faults.refused_connection("HOST02")), every_time=True)
    row = bench.run()
    assert (row.state, lab.sent(), lab.where()) == (State.FAILED, 3, ("host01",))
    assert "actively refused it" in quoted(row)
    assert lab.planned() == 0


def test_what_a_person_has_to_change_is_not_tried_again(bench: Bench, lab: MovingHosts):
    bench.grant()
    lab.world.fail_next(lab.vm, 3, at_source(lab, faults.ACCESS_DENIED), every_time=True)
    assert (bench.run().state, lab.sent()) == (State.FAILED, 1)


def test_an_unknown_outcome_is_tried_again_once_both_hosts_say_it_is_not_moved(bench: Bench, lab: MovingHosts):
    bench.grant()
    lab.world.fail_next(lab.vm, 3, at_source(lab, faults.CONNECTION_RESET))
    row = bench.run()
    assert (row.state, lab.sent()) == (State.SUCCEEDED, 2)
    steps = bench.steps()
    assert next(i for i, step in enumerate(steps) if "looking at both hosts" in step) < steps.index(
        "asked host01 to move VM-01 to host02, try 2 of 3"
    )


def test_a_cancel_while_it_waits_to_try_again(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.timing = replace(QUICK, start_pause_s=30, tick_s=0.02)
    lab.world.fail_next(lab.vm, 3, at_source(lab, faults.refused_connection("HOST02")))
    running = bench.start()
    bench.until(lambda: any("trying again in" in step for step in bench.steps()))
    bench.store.ask_cancel("m-1", CAROL)
    running.result(PATIENCE_S)
    row = bench.row(State.CANCELLED)
    assert (said(row), lab.sent()) == ("VM-01 is still running on host01", 1)


def test_a_host_that_refuses_for_want_of_room_is_asked_three_times(bench: Bench, lab: MovingHosts, clock: SetClock):
    bench.grant()
    lab.hosts["host02"].maximum_migrations = 1
    foreign = lab.add_vm("VM-09", vm_id(9), rf"{OTHER_SHARE}\VM-09", memory_gib=96)
    lab.world.start_foreign_move(foreign, "host02")
    assert lab.world.wait_until(lambda: any(job.percent > 10 for job in lab.moves()), PATIENCE_S)
    lab.clock.run(10)
    for asked in (1, 2):
        row = bench.run()
        assert row.state is State.QUEUED, asked
        clock.forward(minutes=3)
        bench.admit()
    assert bench.run().state is State.FAILED
    assert "migration limit" in quoted(bench.row())
    assert bench.events().count("return") == 2


# Cancelling, at every moment


@pytest.mark.parametrize("kind", [MoveKind.LIVE, MoveKind.STORAGE])
def test_a_cancel_between_the_check_and_the_start(bench: Bench, lab: MovingHosts, kind: MoveKind):
    bench.grant(lab.plan(kind, OTHER_SHARE if kind is MoveKind.STORAGE else None))
    bench.runner(after(lab, lambda: bench.store.ask_cancel("m-1", CAROL))).run("m-1", 1)
    row = bench.row(State.CANCELLED)
    assert (row.cancelled_by, lab.sent(), lab.planned()) == (CAROL, 0, 0)


@pytest.mark.parametrize(("kind", "percent"), [(MoveKind.LIVE, 0), (MoveKind.SHARED_NOTHING, 0), (MoveKind.STORAGE, 3)])
def test_a_cancel_while_the_move_is_set_up(bench: Bench, lab: MovingHosts, kind: MoveKind, percent: int):
    bench.grant(lab.plan(kind, None if kind is MoveKind.LIVE else "D:\\New"))
    running = bench.start()
    lab.hold_at(percent)
    bench.store.ask_cancel("m-1", CAROL)
    bench.until(lambda: "host01 was asked to stop the move" in bench.steps())
    lab.go()
    running.result(PATIENCE_S)
    row = bench.row(State.CANCELLED)
    where = "host01, its storage where it was" if kind is MoveKind.STORAGE else "host01"
    assert said(row) == f"VM-01 is still running on {where}"
    assert (lab.where(), lab.sent(), lab.planned()) == (("host01",), 1, 0)
    assert ended(lab, WorldEvent.CANCEL_REQUESTED) == 1


def test_a_cancel_of_a_storage_move_at_its_end_is_too_late(bench: Bench, lab: MovingHosts):
    bench.grant(lab.plan(MoveKind.STORAGE, OTHER_SHARE))
    running = bench.start()
    lab.hold_when_too_late()
    bench.store.ask_cancel("m-1", CAROL)
    bench.until(lambda: any("too late" in step for step in bench.steps()))
    lab.go()
    running.result(PATIENCE_S)
    assert said(bench.row(State.SUCCEEDED)).endswith("; the request to cancel came too late")
    assert ended(lab, WorldEvent.CANCEL_REQUESTED) == 0


def test_a_host_that_does_not_answer_is_asked_to_stop_again(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.timing = replace(QUICK, looks=1000)
    running = bench.start()
    lab.hold_at(30)
    lab.servers["host01"].unreachable()
    bench.store.ask_cancel("m-1", CAROL)
    bench.until(lambda: any("looking at both hosts" in step for step in bench.steps()))
    lab.servers["host01"].unreachable(False)
    bench.until(lambda: "host01 was asked to stop the move" in bench.steps())
    lab.go()
    running.result(PATIENCE_S)
    bench.row(State.CANCELLED)
    assert lab.where() == ("host01",)


# Silence and deadlines


def test_silence_asks_the_host_and_the_card_says_so(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.timing = replace(QUICK, stall_s=0.3)
    running = bench.start()
    lab.hold_at(30)
    bench.until(lambda: "no progress" in bench.row().waiting)
    assert re.fullmatch(r"no progress for \d s; host01 says the job is running, at \d+ %", bench.row().waiting)
    lab.go()
    running.result(PATIENCE_S)
    bench.row(State.SUCCEEDED)
    assert bench.row().waiting == ""


def test_silence_of_a_host_that_is_gone_is_not_taken_for_progress(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.timing = replace(QUICK, stall_s=0.1, looks=1000)
    running = bench.start()
    lab.hold_at(30)
    lab.servers["host01"].unreachable()
    bench.until(lambda: "gives no answer" in bench.row().waiting or "looking at both" in "".join(bench.steps()))
    lab.servers["host01"].unreachable(False)
    lab.go()
    running.result(PATIENCE_S)
    assert (bench.row(State.SUCCEEDED).percent, lab.sent()) == (100, 1)


def in_seconds(deadline_s: float) -> Timing:
    floors = dict.fromkeys(("live_s", "shared_nothing_s", "storage_s"), deadline_s)
    return replace(QUICK, deadlines=Deadlines(**floors, estimates=0))


@pytest.mark.parametrize("kind", [MoveKind.LIVE, MoveKind.STORAGE])
def test_a_deadline_asks_for_a_person_and_stops_nothing(bench: Bench, lab: MovingHosts, kind: MoveKind):
    bench.grant(lab.plan(kind, OTHER_SHARE if kind is MoveKind.STORAGE else None))
    bench.timing = in_seconds(1)
    running = bench.start()
    lab.hold_at(30)
    running.result(PATIENCE_S)
    row = bench.row(State.NEEDS_ATTENTION)
    assert said(row).startswith("no end within 1 s: host01 shows VM-01 running")
    assert "moving it to" in said(row)
    if kind is MoveKind.LIVE:
        assert said(row).endswith("host02 does not show VM-01, only a planned VM of it")
    assert (len(lab.moves()), ended(lab, WorldEvent.CANCEL_REQUESTED), lab.sent()) == (1, 0, 1)


def test_a_deadline_outlives_a_restart(bench: Bench, lab: MovingHosts, clock: SetClock):
    bench.grant()
    running = bench.start()
    lab.hold_at(30)
    bench.leave(running)
    clock.forward(minutes=31)
    assert bench.run().state is State.NEEDS_ATTENTION
    assert said(bench.row()).startswith("no end within 30 min: host01 shows VM-01 running, moving it to ")
    assert (len(lab.moves()), lab.sent()) == (1, 1)
