"""Looking again at what needs attention, on the lab's hosts: it is concluded by what both show, and by nothing less."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bot.core.lifecycle import Event, State
from bot.core.operation import Outcome
from bot.core.reply import Reply, Text
from bot.operations.looking import Looking
from tests.operations.bench import QUICK, Bench, quoted, said, without_reasons
from tests.operations.moving_hosts import PATIENCE_S, MovingHosts
from tests.operations.offers import BOB, CAROL, SetClock, make_ask


@pytest.fixture
def looking(bench: Bench, lab: MovingHosts) -> Looking:
    return Looking(bench.store, lab.fleet, replace(QUICK, looks=2, second_looks=2))


def doubt(bench: Bench) -> None:
    """The move was sent, and then nobody knew."""
    bench.grant()
    bench.store.change("m-1", Event.START)
    bench.store.change("m-1", Event.DOUBT, outcome=Outcome(summary="host02 gave no answer"))


def look(bench: Bench, looking: Looking, kind: str = "message") -> Reply | None:
    return looking.look(bench.row(), make_ask("look m-1", BOB).model_copy(update={"kind": kind}))


def lines(reply: Reply | None) -> list[str]:
    assert reply is not None
    (part,) = reply.parts
    assert isinstance(part, Text)
    return [
        "".join(span if isinstance(span, str) else getattr(span, "text", "") for span in line) for line in part.lines
    ]


def test_a_vm_that_has_arrived_concludes_it(bench: Bench, lab: MovingHosts, looking: Looking, clock: SetClock):
    doubt(bench)
    ended_at = bench.row().ended_at
    lab.world.start_foreign_move(lab.vm, "host02")
    assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
    clock.forward(minutes=3)
    assert look(bench, looking) is None
    row = bench.row(State.SUCCEEDED)
    assert (said(row), row.ended_at) == ("running on host02, gone from host01", ended_at)
    assert row.outcome is not None
    assert row.outcome.late
    last = json.loads(bench.store.journal("m-1")[-1].body)
    assert (last["event"], last["by"], last["from"]) == ("succeed", BOB, "needs attention")


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_vm_that_stayed_concludes_it(bench: Bench, lab: MovingHosts, looking: Looking, cancelled: bool):
    bench.grant()
    bench.store.change("m-1", Event.START)
    if cancelled:
        bench.store.ask_cancel("m-1", CAROL)
    bench.store.change("m-1", Event.DOUBT)
    lab.world.fail_next(lab.vm, at_percent=20)
    lab.world.start_foreign_move(lab.vm, "host02")
    assert lab.world.wait_until(lambda: not lab.moves(), PATIENCE_S)
    assert look(bench, looking) is None
    row = bench.row(State.CANCELLED if cancelled else State.FAILED)
    assert said(row) == "VM-01 is still running on host01"
    assert "failed at migration source" in quoted(row)
    assert row.cancelled_by == (CAROL if cancelled else None)


def test_a_move_that_goes_on_is_told_and_concludes_nothing(bench: Bench, lab: MovingHosts, looking: Looking):
    doubt(bench)
    lab.clock.run(5)
    lab.world.start_foreign_move(lab.vm, "host02")
    lab.hold_at(30)
    reply = look(bench, looking)
    shown = lines(reply)
    assert shown[0].startswith("host01 shows VM-01 running, moving it to host02, ")
    assert shown[1] == "host02 does not show VM-01, only a planned VM of it"
    assert shown[2] == "That does not tell how it ended. look m-1 looks again"
    bench.row(State.NEEDS_ATTENTION)


def test_a_silent_host_concludes_nothing(bench: Bench, lab: MovingHosts, looking: Looking):
    doubt(bench)
    lab.servers["host02"].unreachable()
    reply = look(bench, looking, kind="button")
    assert reply is not None
    assert reply.private
    assert [without_reasons(line) for line in lines(reply)[:2]] == [
        "host01 shows VM-01 running",
        "host02 gave no answer",
    ]
    assert said(bench.row(State.NEEDS_ATTENTION)) == "host02 gave no answer"


def test_what_is_being_carried_out_is_only_looked_at(bench: Bench, lab: MovingHosts, looking: Looking):
    bench.grant()
    reply = look(bench, looking)
    assert lines(reply) == ["host01 shows VM-01 running", "host02 does not show VM-01"]
    assert bench.row().state is State.GRANTED


def test_the_runner_never_takes_up_what_was_concluded(bench: Bench, lab: MovingHosts, looking: Looking):
    doubt(bench)
    assert look(bench, looking) is None
    bench.runner().run("m-1", 1)
    bench.row(State.FAILED)
    assert lab.sent() == 0
