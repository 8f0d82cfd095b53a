"""A host that is slow, away, restarted or not listened to, in the middle of a move: one move, and a true end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.core.lifecycle import State
from bot.core.plan import Move, MoveKind
from bot.errors import Fault, HostUnreachable
from bot.hyperv.fleet import HyperVFleet
from bot.lab.winrm import Limits
from bot.operations.store import Store
from tests.operations.bench import QUICK, Bench, said
from tests.operations.meddling import meddle
from tests.operations.moving_hosts import OTHER_SHARE, PATIENCE_S, VM_01, MovingHosts, moving_hosts, settings_of
from tests.operations.offers import SetClock

MOVED = "running on host02, gone from host01"
PATIENT = replace(QUICK, looks=200, look_pause_most_s=0.02)


def test_a_slow_host_takes_longer_and_no_more(bench: Bench, lab: MovingHosts) -> None:
    for server in lab.servers.values():
        server.delay_s = 0.02
    bench.grant()
    ended = bench.run()
    for server in lab.servers.values():
        server.delay_s = 0
    assert (ended.state, said(ended), lab.sent()) == (State.SUCCEEDED, MOVED, 1)


def test_a_host_that_is_too_slow_is_given_up_in_time(lab: MovingHosts) -> None:
    ports = {"host01": lab.servers["host01"].port}
    settings = {"host01": settings_of(ports)["host01"].model_copy(update={"read_timeout_s": 1.1})}
    fleet = HyperVFleet(settings)
    lab.servers["host01"].delay_s = 30
    began = time.monotonic()
    with pytest.raises(HostUnreachable, match=r"gave no complete answer within 1\.1 s|stopped answering") as raised:
        fleet.look("host01", VM_01)
    took_s = time.monotonic() - began
    lab.servers["host01"].delay_s = 0
    assert raised.value.fault is Fault.TRANSIENT
    assert took_s < 3
    assert fleet.look("host01", VM_01).vm is not None
    fleet.close()


@pytest.mark.parametrize("away", [("host01",), ("host02",), ("host01", "host02")], ids="+".join)
def test_hosts_vanish_during_the_move_and_return(bench: Bench, lab: MovingHosts, away: tuple[str, ...]) -> None:
    """Out of Ferry's reach only: the hosts go on. The move ends while nobody can see it."""
    bench.timing = PATIENT
    bench.grant()
    running = bench.start()
    lab.hold_at(30)
    for name in away:
        lab.servers[name].unreachable()
    lab.go()
    assert lab.world.wait_until(lambda: lab.where() == ("host02",), PATIENCE_S)
    assert not running.done()
    for name in away:
        lab.servers[name].unreachable(False)
    running.result(PATIENCE_S)
    ended = bench.row()
    assert (ended.state, said(ended), lab.sent()) == (State.SUCCEEDED, MOVED, 1)


def test_a_host_that_stays_away_leaves_a_doubt_and_names_it(bench: Bench, lab: MovingHosts) -> None:
    bench.grant()
    running = bench.start()
    lab.hold_at(30)
    lab.servers["host01"].unreachable()
    running.result(PATIENCE_S)
    ended = bench.row()
    assert (ended.state, lab.sent()) == (State.NEEDS_ATTENTION, 1)
    assert "host01" in said(ended)
    assert "no answer" in said(ended)
    lab.servers["host01"].unreachable(False)
    lab.go()


@pytest.mark.parametrize("name", ["host01", "host02"])
def test_winrm_restarts_and_ends_every_shell_while_the_migration_goes_on(
    bench: Bench, lab: MovingHosts, name: str
) -> None:
    bench.grant()
    running = bench.start()
    lab.hold_at(50)
    lab.servers[name].restart()
    lab.go()
    running.result(PATIENCE_S)
    ended = bench.row()
    assert (ended.state, said(ended), lab.sent()) == (State.SUCCEEDED, MOVED, 1)


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("kind", [MoveKind.LIVE, MoveKind.STORAGE])
def test_an_order_whose_time_is_over_may_have_been_taken(
    bench: Bench, lab: MovingHosts, kind: MoveKind, carried_out: bool
) -> None:
    """Both hosts are looked at; it is sent once more only where they show that it was not taken."""
    storage = kind is MoveKind.STORAGE
    bench.grant(lab.plan(kind, OTHER_SHARE if storage else None))
    sent: list[Move] = []

    def move(real, order, progress, ready):
        sent.append(order)

        def wanted() -> None:
            ready()
            if len(sent) == 1:
                lab.servers["host01"].time_out(carried_out=carried_out)

        real(order, progress, wanted)

    meddle(bench, move=move)
    ended = bench.run()
    assert (ended.state, lab.sent(), len(sent)) == (State.SUCCEEDED, 1, 1 if carried_out else 2)
    assert lab.where() == ("host01" if storage else "host02",)
    told = "Ferry does not reach host01 for "
    assert any(step.startswith(told) and "; looking at both hosts" in step for step in bench.steps())
    assert any("did not answer in time" in step for step in bench.steps())
    assert carried_out or "host01 is moving VM-01: following its job" not in bench.steps()


def test_winrm_restarts_again_and_again(bench: Bench, lab: MovingHosts) -> None:
    bench.grant()
    running = bench.start()
    for percent in (5, 20, 40, 60, 80):
        lab.hold_at(percent)
        for server in lab.servers.values():
            server.restart()
        lab.go()
    running.result(PATIENCE_S)
    ended = bench.row()
    assert (ended.state, said(ended), lab.sent()) == (State.SUCCEEDED, MOVED, 1)


@pytest.fixture(scope="module")
def cramped() -> Iterator[MovingHosts]:
    """Hosts that keep next to nothing of what was not fetched: a pipeline waits until it was."""
    with moving_hosts(Limits(buffer_bytes=200)) as hosts:
        yield hosts


def test_a_full_output_buffer_holds_up_the_pipeline_and_not_the_migration(
    cramped: MovingHosts, store: Store, clock: SetClock
) -> None:
    bench = Bench(cramped, store, clock)
    bench.timing = PATIENT
    bench.grant()
    running = bench.start()
    cramped.hold_at(10)
    cramped.servers["host01"].unreachable()  # nobody fetches the progress records now
    cramped.go()
    assert cramped.world.wait_until(lambda: cramped.where() == ("host02",), PATIENCE_S)
    cramped.servers["host01"].unreachable(False)
    running.result(PATIENCE_S)
    ended = bench.row()
    bench.close()
    assert (ended.state, said(ended), cramped.sent()) == (State.SUCCEEDED, MOVED, 1)
