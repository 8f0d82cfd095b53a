"""What a runner does with a move that a former one began: the hosts know what became of it."""

from __future__ import annotations

import pytest

from bot.core.lifecycle import Event, State
from tests.operations.bench import Bench, quoted, said
from tests.operations.moving_hosts import PATIENCE_S, MovingHosts
from tests.operations.offers import CAROL


def test_a_move_under_way_is_attached_to(bench: Bench, lab: MovingHosts):
    bench.grant()
    running = bench.start()
    lab.hold_at(30)
    bench.leave(running)
    assert bench.row(State.RUNNING).attempt == 2
    running = bench.start()
    bench.until(lambda: any("following its job" in step for step in bench.steps()))
    lab.go()
    running.result(PATIENCE_S)
    assert said(bench.row(State.SUCCEEDED)) == "running on host02, gone from host01"
    assert lab.sent() == 1


def test_an_attached_move_can_be_stopped(bench: Bench, lab: MovingHosts):
    bench.grant()
    running = bench.start()
    lab.hold_at(30)
    bench.leave(running)
    bench.store.ask_cancel("m-1", CAROL)
    running = bench.start()
    bench.until(lambda: "host01 was asked to stop the move" in bench.steps())
    lab.go()
    running.result(PATIENCE_S)
    bench.row(State.CANCELLED)
    assert lab.where() == ("host01",)


@pytest.mark.parametrize("fails", [False, True])
def test_a_move_that_ended_meanwhile(bench: Bench, lab: MovingHosts, fails: bool):
    bench.grant()
    if fails:
        lab.world.fail_next(lab.vm, at_percent=60)
    running = bench.start()
    lab.hold_at(30)
    bench.leave(running)
    lab.go()
    assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
    ended = bench.run()
    assert lab.sent() == 1
    if fails:
        assert (ended.state, said(ended)) == (State.FAILED, "VM-01 is still running on host01")
        assert quoted(ended)
    else:
        assert (ended.state, said(ended)) == (State.SUCCEEDED, "running on host02, gone from host01")


def test_a_move_that_was_journalled_and_never_sent_is_started(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.store.change("m-1", Event.START, attempt=1)
    assert bench.store.regrant("m-1", 1)
    ended = bench.run()
    assert ended.state is State.SUCCEEDED
    assert lab.sent() == 1
    assert any("no trace of the move" in step for step in bench.steps())


def test_a_failed_job_of_before_is_not_taken_for_the_move(bench: Bench, lab: MovingHosts):
    lab.world.fail_next(lab.vm, at_percent=10)
    lab.world.start_foreign_move(lab.vm, "host02")
    assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
    bench.grant()
    bench.store.keep_jobs("m-1", frozenset(job.id for job in lab.fleet.look("host01", bench.row().plan.move.vm).jobs))
    bench.store.change("m-1", Event.START, attempt=1)
    assert bench.store.regrant("m-1", 1)
    assert bench.run().state is State.SUCCEEDED


def test_verifying_is_taken_up_where_it_was(bench: Bench, lab: MovingHosts):
    bench.grant()
    lab.world.start_foreign_move(lab.vm, "host02")
    assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
    bench.store.change("m-1", Event.START, attempt=1)
    bench.store.change("m-1", Event.VERIFY, attempt=1)
    assert bench.store.regrant("m-1", 1)
    assert said(bench.run()) == "running on host02, gone from host01"
    bench.row(State.SUCCEEDED)


def test_a_stale_attempt_does_nothing(bench: Bench, lab: MovingHosts):
    bench.grant()
    assert bench.store.regrant("m-1", 1)
    bench.runner().run("m-1", 1)
    assert bench.row(State.GRANTED).attempt == 2
    assert lab.sent() == 0
