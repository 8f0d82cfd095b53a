"""A cancel at every moment: it stops Ferry's own move and nothing else, is asked with measure, and its end is told."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from bot.core.lifecycle import State
from bot.core.plan import MoveKind
from bot.errors import Fault, HostError, HostUnreachable
from bot.lab.world import Event as WorldEvent
from bot.lab.world import Job
from tests.operations.bench import QUICK, Bench, said
from tests.operations.meddling import meddle
from tests.operations.moving_hosts import OTHER_SHARE, PATIENCE_S, MovingHosts
from tests.operations.offers import CAROL
from tests.operations.test_adversary import after

ASKED = "host01 was asked to stop the move"
IN_USE = 32774


def stops(lab: MovingHosts) -> int:
    """How many moves of VM-01 a host was told to stop."""
    return len(lab.world.journal.of(lab.vm, WorldEvent.CANCEL_REQUESTED))


def refuse_to_stop(bench: Bench, fault: Fault) -> list[str]:
    """No request to stop a job succeeds. The jobs that were to be stopped."""
    asked: list[str] = []

    def stop(real, host, job):
        asked.append(job.id)
        raise HostError(host, "stopping a migration", cause="it does not do that now", fault=fault)

    meddle(bench, stop=stop)
    return asked


# Before the order has left


def test_a_cancel_in_the_last_moment_does_not_stop_the_storage_move_of_somebody_else(bench: Bench, lab: MovingHosts):
    bench.grant(lab.plan(MoveKind.STORAGE, OTHER_SHARE))
    looked = threading.Event()

    def look(real, *asked):
        seen = real(*asked)
        looked.set()
        return seen

    def happen() -> None:
        assert looked.wait(PATIENCE_S)
        lab.clock.hold()
        lab.world.start_foreign_storage_move(lab.vm, "D:\\Elsewhere")
        bench.store.ask_cancel("m-1", CAROL)

    meddle(bench, look=look)
    bench.runner(after(lab, happen)).run("m-1", 1)
    assert said(bench.row(State.CANCELLED)) == "nothing was started"
    assert (stops(lab), lab.sent(), len(lab.moves())) == (0, 1, 1)


def test_a_cancel_while_the_order_is_on_its_way_does_not_stop_the_move_of_somebody_else(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.timing = replace(QUICK, stall_s=0.2)
    on_its_way, go_on = threading.Event(), threading.Event()

    def move(real, *order):
        on_its_way.set()
        assert go_on.wait(PATIENCE_S)
        real(*order)

    meddle(bench, move=move)
    running = bench.start()
    assert on_its_way.wait(PATIENCE_S)
    lab.clock.hold()
    lab.world.start_foreign_move(lab.vm, "host02")
    bench.store.ask_cancel("m-1", CAROL)
    bench.until(lambda: "no progress" in bench.row().waiting)  # it has looked at the job, and at the cancel before
    go_on.set()
    running.result(PATIENCE_S)
    row = bench.row(State.CANCELLED)
    assert (said(row), row.cancelled_by) == ("nothing was started", CAROL)
    assert (stops(lab), lab.sent(), len(lab.moves())) == (0, 1, 1)


@pytest.mark.parametrize("kind", [MoveKind.LIVE, MoveKind.STORAGE])
def test_a_cancel_while_the_session_is_opened_keeps_the_order_back(bench: Bench, lab: MovingHosts, kind: MoveKind):
    bench.grant(lab.plan(kind, OTHER_SHARE if kind is MoveKind.STORAGE else None))

    def move(real, *order):
        bench.store.ask_cancel("m-1", CAROL)
        real(*order)

    meddle(bench, move=move)
    row = bench.run()
    assert (row.state, said(row)) == (State.CANCELLED, "nothing was started")
    assert (row.cancelled_by, lab.sent(), lab.planned()) == (CAROL, 0, 0)


def test_a_cancel_goes_before_a_world_that_has_changed(bench: Bench, lab: MovingHosts):
    bench.grant()

    def changes(plan):
        bench.store.ask_cancel("m-1", CAROL)
        return ("VM-01 has 16 GB of memory, not 8 GB",)

    bench.runner(changes).run("m-1", 1)
    row = bench.row(State.CANCELLED)
    assert (said(row), row.cancelled_by, lab.sent()) == ("nothing was started", CAROL, 0)


# A host that does not stop the move


def test_a_request_to_stop_that_fails_is_made_three_times_and_each_is_told(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.timing = replace(QUICK, start_pause_s=0.05)
    asked = refuse_to_stop(bench, Fault.TRANSIENT)
    running = bench.start()
    lab.hold_at(30)
    bench.store.ask_cancel("m-1", CAROL)
    bench.until(lambda: len(asked) > 3 or any("not asked again" in step for step in bench.steps()))
    lab.go()
    running.result(PATIENCE_S)
    failed = "host01 did not finish stopping a migration: it does not do that now"
    assert [step for step in bench.steps() if step.startswith(failed)] == [
        f"{failed}; try 1 of 3, asked again",
        f"{failed}; try 2 of 3, asked again",
        f"{failed}; not asked again",
    ]
    assert said(bench.row(State.SUCCEEDED)).endswith("; the request to stop the move did not reach host01")
    assert len(asked) == 3


def test_a_request_to_stop_that_is_denied_is_not_called_too_late(bench: Bench, lab: MovingHosts):
    bench.grant()
    asked = refuse_to_stop(bench, Fault.CONFIGURATION)
    running = bench.start()
    lab.hold_at(30)
    bench.store.ask_cancel("m-1", CAROL)
    bench.until(lambda: any("not asked again" in step for step in bench.steps()))
    lab.go()
    running.result(PATIENCE_S)
    assert said(bench.row(State.SUCCEEDED)).endswith("; host01 did not let Ferry stop the move")
    assert not any("too late" in step for step in bench.steps())
    assert len(asked) == 1


def test_a_look_without_an_answer_does_not_lose_a_cancel(bench: Bench, lab: MovingHosts):
    bench.grant()
    silent: list[str] = []

    def look(real, host, vm):
        if bench.row().cancel_asked and not silent:
            silent.append(host)
            raise HostUnreachable(host, "looking", cause="its name does not resolve", fault=Fault.CONFIGURATION)
        return real(host, vm)

    meddle(bench, look=look)
    running = bench.start()
    lab.hold_at(30)
    bench.store.ask_cancel("m-1", CAROL)
    told = "Ferry does not reach host01 for looking: its name does not resolve"
    bench.until(lambda: any(step.startswith(told) for step in bench.steps()))
    bench.until(lambda: bench.steps()[-1] == ASKED)
    lab.go()
    running.result(PATIENCE_S)
    bench.row(State.CANCELLED)
    assert (f"{told}; it is asked to stop the move when it answers" in bench.steps(), stops(lab)) == (True, 1)


def test_a_job_that_is_in_use_is_asked_to_stop_again(bench: Bench, lab: MovingHosts):
    """No job of the lab is ever in use: this test's world says so once."""
    bench.grant()
    bench.timing = replace(QUICK, start_pause_s=0.05)
    real, codes = lab.world.request_state_change, iter((IN_USE,))

    def in_use_at_first(job: Job, requested: int) -> int:
        return next(codes, None) or real(job, requested)

    lab.world.request_state_change = in_use_at_first  # type: ignore[method-assign]
    running = bench.start()
    lab.hold_at(2)
    bench.store.ask_cancel("m-1", CAROL)
    bench.until(lambda: any("too late" in step or step == ASKED for step in bench.steps()))
    lab.go()
    running.result(PATIENCE_S)
    bench.row(State.CANCELLED)
    assert any("it answered with code 32774; try 1 of 3, asked again" in step for step in bench.steps())
    assert (lab.where(), stops(lab)) == (("host01",), 1)
