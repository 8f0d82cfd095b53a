"""One move at a time against the lab's hosts: what is observed, what is sent, and what the row says at the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.core.lifecycle import State
from bot.core.plan import MoveKind, Plan
from bot.lab.world import State as WorldState
from tests.operations.bench import QUICK, Bench, quoted, said, without_reasons
from tests.operations.moving_hosts import OTHER_SHARE, PATIENCE_S, MovingHosts
from tests.operations.offers import CAROL, SetClock, vm_id

# Moves that succeed


def test_a_live_migration(bench: Bench, lab: MovingHosts):
    bench.grant()
    ended = bench.run()
    assert (ended.state, said(ended)) == (State.SUCCEEDED, "running on host02, gone from host01")
    assert (lab.where(), lab.sent()) == (("host02",), 1)
    assert bench.events() == ["propose", "confirm", "grant", "start", "verify", "succeed"]
    steps = bench.steps()
    assert steps[:3] == [
        "checked again: nothing that matters has changed",
        "host01 and host02 fit for VM-01",
        "asked host01 to move VM-01 to host02",
    ]
    assert steps[-1] == "verified: running on host02, gone from host01"


def test_progress_and_milestones(bench: Bench, lab: MovingHosts):
    bench.grant()
    running = bench.start()
    job = lab.hold_at(55)
    bench.until(lambda: bench.row().percent == job.percent)
    assert bench.row(State.RUNNING).waiting == ""
    assert "50 %" in bench.steps()
    lab.go()
    running.result(PATIENCE_S)
    assert bench.row(State.SUCCEEDED).percent == 100


def test_shared_nothing_to_a_path(bench: Bench, lab: MovingHosts):
    bench.grant(lab.plan(MoveKind.SHARED_NOTHING, "D:\\New"))
    ended = bench.run()
    assert (ended.state, lab.where()) == (State.SUCCEEDED, ("host02",))
    assert said(ended) == "running on host02, gone from host01, storage in D:\\New"


def test_a_storage_migration(bench: Bench, lab: MovingHosts):
    bench.grant(lab.plan(MoveKind.STORAGE, OTHER_SHARE))
    ended = bench.run()
    assert (ended.state, lab.where()) == (State.SUCCEEDED, ("host01",))
    assert said(ended) == f"running on host01, configuration and disks in {OTHER_SHARE}"
    assert lab.vm.disks[0].path.startswith(OTHER_SHARE)


def test_a_vm_that_is_off_is_moved_without_a_comparison(bench: Bench, lab: MovingHosts):
    lab.vm.state = WorldState.OFF
    bench.grant(lab.plan(MoveKind.SHARED_NOTHING, "D:\\New"))
    ended = bench.run()
    assert ended.state is State.SUCCEEDED
    assert said(ended) == "off on host02, gone from host01, storage in D:\\New"
    assert not any("fit" in step for step in bench.steps())


# What stops a move before it starts


def test_a_changed_world_starts_nothing(bench: Bench, lab: MovingHosts):
    bench.grant()
    lab.vm.state = WorldState.OFF
    ended = bench.run()
    assert ended.state is State.FAILED
    assert said(ended) == "nothing was started: what was confirmed is no longer so"
    assert ended.outcome is not None
    assert "VM-01" in ended.outcome.cause
    assert ended.outcome.remedy == "migrate VM-01 to host02"
    assert (lab.sent(), ended.started_at) == (0, None)


def test_hosts_that_do_not_fit_are_quoted_and_nothing_is_left(bench: Bench, lab: MovingHosts):
    bench.grant()
    lab.hosts["host02"].processor_vendor = "AuthenticAMD"
    ended = bench.run()
    assert (ended.state, lab.sent()) == (State.FAILED, 0)
    assert "not compatible with physical computer 'HOST02'" in quoted(ended)
    assert lab.planned() == 0


def test_a_move_that_somebody_else_started_is_not_adopted(bench: Bench, lab: MovingHosts):
    bench.grant()
    lab.clock.hold()
    lab.world.start_foreign_move(lab.vm, "host02")
    ended = bench.run()
    assert ended.state is State.FAILED
    assert said(ended).startswith("nothing was started: VM-01 is already being moved to ")
    assert said(ended).endswith(" by somebody else")
    assert lab.sent() == 1
    assert len(lab.moves()) == 1


def test_a_request_to_cancel_before_the_start(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.store.ask_cancel("m-1", CAROL)
    ended = bench.run()
    assert (ended.state, said(ended), ended.cancelled_by) == (State.CANCELLED, "nothing was started", CAROL)
    assert lab.sent() == 0


def test_a_host_that_answers_again_in_time(bench: Bench, lab: MovingHosts):
    bench.grant()
    lab.servers["host02"].unreachable()
    running = bench.start()
    bench.until(lambda: any("asking again" in step for step in bench.steps()))
    lab.servers["host02"].unreachable(False)
    running.result(PATIENCE_S)
    bench.row(State.SUCCEEDED)
    assert lab.sent() == 1


def test_a_host_that_never_answers(bench: Bench, lab: MovingHosts):
    bench.grant()
    lab.servers["host02"].unreachable()
    ended = bench.run()
    assert ended.state is State.FAILED
    assert said(ended).startswith("nothing was started: host02 did not finish ")
    assert sum("asking again" in step for step in bench.steps()) == QUICK.starts - 1
    assert lab.sent() == 0


# Hosts without room


def test_a_full_host_sends_it_back_to_the_queue_and_it_goes_later(bench: Bench, lab: MovingHosts, clock: SetClock):
    bench.grant()
    lab.hosts["host02"].maximum_migrations = 1
    foreign = lab.add_vm("VM-09", vm_id(9), rf"{OTHER_SHARE}\VM-09", memory_gib=96)
    lab.world.start_foreign_move(foreign, "host02")
    assert lab.world.wait_until(lambda: any(job.percent > 10 for job in lab.moves()), PATIENCE_S)
    lab.clock.run(10)  # the refusal comes in seconds, the foreign move takes a minute
    returned = bench.run()
    assert (returned.state, returned.started_at) == (State.QUEUED, None)
    assert "has no room" in returned.waiting
    assert returned.waiting.endswith("asked again in 10 s")
    assert lab.where() == ("host01",)
    lab.go()
    assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
    clock.forward(seconds=11)
    bench.store.pump()
    assert bench.row(State.GRANTED).attempt == 2
    assert bench.run().state is State.SUCCEEDED
    assert bench.events().count("return") == 1


# Moves that fail


def test_a_move_that_fails_is_told_in_the_hosts_words(bench: Bench, lab: MovingHosts):
    bench.grant()
    lab.world.fail_next(lab.vm, at_percent=47)
    ended = bench.run()
    assert (ended.state, said(ended)) == (State.FAILED, "VM-01 is still running on host01")
    assert "VM-01" in quoted(ended)
    assert lab.where() == ("host01",)
    assert lab.sent() == 1
    assert lab.planned() == 0


def test_a_storage_move_that_fails(bench: Bench, lab: MovingHosts):
    bench.grant(lab.plan(MoveKind.STORAGE, OTHER_SHARE))
    lab.world.fail_next(lab.vm, at_percent=47)
    ended = bench.run()
    assert (ended.state, said(ended)) == (State.FAILED, "VM-01 is still running on host01, its storage where it was")


def test_a_restarted_management_service_ends_the_move(bench: Bench, lab: MovingHosts):
    bench.grant()
    running = bench.start()
    lab.hold_at(30)
    lab.world.restart_vmms("host01")
    lab.go()
    running.result(PATIENCE_S)
    assert said(bench.row(State.FAILED)) == "VM-01 is still running on host01"


# Cancelling


def test_a_running_move_is_stopped(bench: Bench, lab: MovingHosts):
    bench.grant()
    running = bench.start()
    lab.hold_at(30)
    bench.store.ask_cancel("m-1", CAROL)
    bench.until(lambda: "host01 was asked to stop the move" in bench.steps())
    lab.go()
    running.result(PATIENCE_S)
    ended = bench.row(State.CANCELLED)
    assert (said(ended), ended.cancelled_by) == ("VM-01 is still running on host01", CAROL)
    assert lab.where() == ("host01",)
    assert lab.planned() == 0


def test_a_request_that_comes_too_late_is_told_truthfully(bench: Bench, lab: MovingHosts):
    bench.grant()
    running = bench.start()
    lab.hold_when_too_late()
    bench.store.ask_cancel("m-1", CAROL)
    bench.until(lambda: any("too late" in step for step in bench.steps()))
    lab.go()
    running.result(PATIENCE_S)
    ended = bench.row(State.SUCCEEDED)
    assert said(ended) == "running on host02, gone from host01; the request to cancel came too late"


# Lost connections


def test_dropped_connections_are_made_again(bench: Bench, lab: MovingHosts):
    bench.grant()
    running = bench.start()
    lab.hold_at(30)
    lab.servers["host01"].drop()
    lab.go()
    running.result(PATIENCE_S)
    bench.row(State.SUCCEEDED)
    assert lab.sent() == 1


def test_a_lost_host_is_looked_at_until_it_answers(bench: Bench, lab: MovingHosts):
    bench.grant()
    bench.timing = replace(QUICK, looks=1000)
    running = bench.start()
    lab.hold_at(30)
    lab.servers["host01"].unreachable()
    bench.until(lambda: any("looking at both hosts" in step for step in bench.steps()))
    bench.row(State.RUNNING)
    lab.servers["host01"].unreachable(False)
    bench.until(lambda: any("following its job" in step for step in bench.steps()))
    lab.go()
    running.result(PATIENCE_S)
    assert said(bench.row(State.SUCCEEDED)) == "running on host02, gone from host01"
    assert lab.sent() == 1


def test_what_cannot_be_known_needs_attention(bench: Bench, lab: MovingHosts):
    bench.grant()
    running = bench.start()
    lab.hold_at(30)
    lab.servers["host02"].unreachable()
    lab.go()
    running.result(PATIENCE_S)
    ended = bench.row(State.NEEDS_ATTENTION)
    assert without_reasons(said(ended)) == "host01 does not show VM-01; host02 gave no answer"
    assert ended.outcome is not None
    assert ended.outcome.remedy == "look m-1"


# Our own mistakes


def test_a_mistake_of_ours_is_an_incident_without_its_text(bench: Bench, lab: MovingHosts, caplog: Any):
    bench.grant()

    def broken(plan: Plan) -> tuple[str, ...]:
        raise ZeroDivisionError("secret inner workings")

    bench.runner(broken).run("m-1", 1)
    ended = bench.row(State.NEEDS_ATTENTION)
    incident = next(record for record in caplog.records if record.levelname == "ERROR")
    assert str(incident.args[0]) in said(ended)
    assert "secret" not in said(ended)
    assert lab.sent() == 0
