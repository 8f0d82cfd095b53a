"""A cancel at every moment: it stops Ferry's own move and nothing else, is asked with measure, and its end is told."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import replace

import pytest

from bot.core.lifecycle import SENDING, Event, IllegalEvent, State
from bot.core.plan import MoveKind
from bot.core.reply import User
from bot.core.signal import Cancel
from bot.errors import Fault, HostError, HostUnreachable, Refused
from bot.lab.world import Event as WorldEvent
from bot.lab.world import Job
from bot.operations.looking import Looking
from bot.operations.store.recalls import recall
from tests.operations.bench import QUICK, Bench, make_open_desk, said
from tests.operations.meddling import meddle
from tests.operations.moving_hosts import OTHER_SHARE, PATIENCE_S, MovingHosts
from tests.operations.offers import BOB, CAROL, OFFER, SetClock, make_ask
from tests.operations.test_adversary import after, in_seconds

ASKED = "host01 was asked to stop the move"
IN_USE = 32774


class Died(BaseException):
    """The process, in mid-call: nothing that catches errors catches this."""


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


# A move that goes on although its operation has ended: its deadline has passed


def overrun(bench: Bench, lab: MovingHosts, kind: MoveKind = MoveKind.LIVE) -> Job:
    """m-1 needs attention, and the job that goes on at its host, which stands still."""
    bench.grant(lab.plan(kind, OTHER_SHARE if kind is MoveKind.STORAGE else None))
    bench.timing = in_seconds(0.5)
    running = bench.start()
    job = lab.hold_at(30)
    running.result(PATIENCE_S)
    assert bench.row(State.NEEDS_ATTENTION).job == str(job.id).upper()
    bench.timing = QUICK
    return job


def carry_on(bench: Bench) -> Future[None]:
    assert recall(bench.store, "m-1", CAROL)
    return bench.start()


@pytest.mark.parametrize("kind", [MoveKind.LIVE, MoveKind.STORAGE])
def test_what_goes_on_past_its_deadline_is_stopped(bench: Bench, lab: MovingHosts, kind: MoveKind):
    overrun(bench, lab, kind)
    running = carry_on(bench)
    bench.until(lambda: ASKED in bench.steps())
    lab.go()
    running.result(PATIENCE_S)
    row = bench.row(State.CANCELLED)
    assert said(row).startswith("VM-01 is still running on host01")
    assert (row.cancelled_by, row.job, stops(lab), lab.sent()) == (CAROL, "", 1, 1)
    assert bench.events()[-2:] == ["ask to cancel", "cancel"]


def test_what_can_no_longer_be_stopped_moves_and_the_card_says_so(bench: Bench, lab: MovingHosts):
    overrun(bench, lab)
    lab.hold_when_too_late()
    running = carry_on(bench)
    bench.until(lambda: any("it may be too late" in step for step in bench.steps()))
    lab.go()
    running.result(PATIENCE_S)
    assert said(bench.row(State.SUCCEEDED)).endswith("; the request to cancel came too late")
    assert (stops(lab), lab.sent(), lab.where()) == (0, 1, ("host02",))


def test_what_has_arrived_meanwhile_was_asked_for_too_late(bench: Bench, lab: MovingHosts):
    overrun(bench, lab)
    lab.go()
    assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
    carry_on(bench).result(PATIENCE_S)
    assert said(bench.row(State.SUCCEEDED)).endswith("; the request to cancel came too late")
    assert (stops(lab), lab.sent()) == (0, 1)


@pytest.mark.parametrize("kind", [MoveKind.LIVE, MoveKind.STORAGE])
def test_a_move_that_somebody_has_begun_since_is_not_stopped(bench: Bench, lab: MovingHosts, kind: MoveKind):
    """It leads to the very same place: only its job tells it apart."""
    lab.world.fail_next(lab.vm, at_percent=40)
    overrun(bench, lab, kind)
    lab.go()
    assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
    lab.clock.hold()
    if kind is MoveKind.STORAGE:
        lab.world.start_foreign_storage_move(lab.vm, OTHER_SHARE)
    else:
        lab.world.start_foreign_move(lab.vm, "host02")
    lab.hold_at(20)
    carry_on(bench).result(PATIENCE_S)
    row = bench.row(State.NEEDS_ATTENTION)
    assert said(row).endswith(" by somebody else")
    assert (row.recallable, stops(lab), len(lab.moves()), lab.sent()) == (False, 0, 1, 2)


@pytest.mark.parametrize("asked", [False, True])
def test_a_process_that_dies_over_it_leaves_it_to_the_next(bench: Bench, lab: MovingHosts, asked: bool):
    """Right before the host is asked to stop the job, and right after."""
    overrun(bench, lab)
    died = threading.Event()

    def stop(real, host, job):
        if asked:
            real(host, job)
        died.set()
        raise Died

    undisturbed = bench.lab
    meddle(bench, stop=stop)
    running = carry_on(bench)
    assert died.wait(PATIENCE_S)
    with pytest.raises(Died):
        running.result(PATIENCE_S)
    bench.row(State.RUNNING)
    bench.lab = undisturbed
    assert bench.store.regrant("m-1", bench.row().attempt)
    running = bench.start()
    if not asked:
        bench.until(lambda: ASKED in bench.steps())
    lab.go()
    running.result(PATIENCE_S)
    bench.row(State.CANCELLED)
    assert (stops(lab), lab.sent(), lab.where()) == (1, 1, ("host01",))


def test_a_host_that_gives_no_answer_leaves_it_to_be_asked_again(bench: Bench, lab: MovingHosts):
    job = overrun(bench, lab)
    lab.servers["host01"].unreachable()
    carry_on(bench).result(PATIENCE_S)
    row = bench.row(State.NEEDS_ATTENTION)
    assert (row.recallable, row.job, stops(lab)) == (True, str(job.id).upper(), 0)
    lab.servers["host01"].unreachable(False)
    running = carry_on(bench)
    bench.until(lambda: ASKED in bench.steps())
    lab.go()
    running.result(PATIENCE_S)
    bench.row(State.CANCELLED)


def test_whatever_is_recalled_is_never_sent_again(bench: Bench, lab: MovingHosts):
    overrun(bench, lab)
    assert recall(bench.store, "m-1", CAROL)
    for event in sorted(SENDING):
        with pytest.raises(IllegalEvent):
            bench.store.change("m-1", event)


def test_of_two_people_one_asks_for_it_and_the_other_is_told_who(bench: Bench, lab: MovingHosts, clock: SetClock):
    overrun(bench, lab)
    desk = make_open_desk(bench.store, clock, lab.fleet)
    assert desk.apply(Cancel(operation="m-1"), make_ask("cancel m-1", CAROL)) is None
    second = desk.apply(Cancel(operation="m-1"), make_ask("cancel m-1", BOB))
    assert second is not None
    assert second.title == ("m-1 was already told to stop", " by ", User(id=CAROL))
    assert not recall(bench.store, "m-1", BOB)
    assert (bench.events().count("ask to cancel"), bench.row(State.RUNNING).cancelled_by) == (1, CAROL)


def test_while_another_operation_of_that_vm_is_open_nothing_is_asked(bench: Bench, lab: MovingHosts):
    overrun(bench, lab)
    other = bench.store.propose(lab.plan(), make_ask(), bench.clock.now() + OFFER)
    bench.store.change(other.id, Event.CONFIRM, by=BOB)
    with pytest.raises(Refused, match="VM-01 already has an operation: m-2"):
        recall(bench.store, "m-1", CAROL)
    assert "ask to cancel" not in bench.events()


def test_a_look_that_shows_its_job_no_more_leaves_nothing_to_stop(bench: Bench, lab: MovingHosts):
    lab.world.fail_next(lab.vm, at_percent=40)
    overrun(bench, lab)
    looking = Looking(bench.store, lab.fleet, replace(QUICK, looks=2, second_looks=2))
    assert looking.look(bench.row(), make_ask("look m-1", BOB)) is not None
    assert bench.row(State.NEEDS_ATTENTION).recallable
    lab.go()
    assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
    lab.clock.hold()
    lab.world.start_foreign_move(lab.vm, "host02")
    lab.hold_at(20)
    assert looking.look(bench.row(), make_ask("look m-1", BOB)) is not None
    assert not bench.row(State.NEEDS_ATTENTION).recallable
    assert not recall(bench.store, "m-1", CAROL)
