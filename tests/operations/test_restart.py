"""The engine: operations go on over stops, kills and lost workflows, and never twice at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bot.core.lifecycle import Event, State
from bot.core.operation import Operation
from bot.errors import FerryError
from bot.operations.engine import Engine
from bot.operations.presence import Presence
from bot.operations.runner import Runner, Timing
from bot.operations.steward import Steward
from bot.operations.store import Store
from tests.operations.bench import allowed
from tests.operations.moving_hosts import PATIENCE_S, SHARE, MovingHosts
from tests.operations.offers import BOB, CAROL, OFFER, both, make_ask, make_host, make_plan, vm_id
from tests.operations.processes import process
from tests.operations.rows import workflow_table

QUICK = Timing(tick_s=0.02, poll_s=0.02, looks=4, second_looks=2, look_pause_s=0.02, look_pause_most_s=0.05)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Ferry:
    """What runs operations, with its own store: as much of a process as one test process can hold."""

    def __init__(
        self,
        lab: MovingHosts,
        database_url: str,
        ask_for_room: Callable[[Iterable[str]], None],
        site: str,
        polling_s: float,
    ) -> None:
        self.store = Store(database_url, SystemClock())
        self.store.migrate()
        self.presence = Presence(self.store.database, "ferry", sites=[site])
        self.steward = Steward(self.store, ask_for_room, tick_s=0.05, room_s=0.1)
        runner = Runner(self.store, lab.fleet, SystemClock(), lab.changes, allowed, QUICK)
        self.engine = Engine(
            self.store, runner, self.presence, ask_for_room, ask_for_room, polling_s=polling_s, sweep_s=0.2, unrun_s=0.3
        )

    def start(self) -> None:
        self.presence.enter()
        self.presence.announce()
        self.steward.start()
        self.engine.start()

    def stop(self) -> None:
        self.engine.stop()
        self.steward.stop()
        self.presence.leave()
        self.store.close()


@contextmanager
def started(
    lab: MovingHosts,
    database_url: str,
    ask_for_room: Callable[[Iterable[str]], None] = lambda hosts: None,
    site: str = "main",
    polling_s: float = 0.02,
) -> Iterator[Ferry]:
    ferry = Ferry(lab, database_url, ask_for_room, site, polling_s)
    ferry.start()
    try:
        yield ferry
    finally:
        ferry.stop()


@pytest.fixture
def rows(database_url: str) -> Iterator[Store]:
    """The database as a bystander sees it."""
    store = Store(database_url, SystemClock())
    yield store
    store.close()


def confirm(lab: MovingHosts, rows: Store) -> Operation:
    offered = rows.propose(lab.plan(), make_ask(), SystemClock().now() + OFFER)
    for name in lab.hosts:
        rows.set_room(make_host(name), SystemClock().now())
    rows.change(offered.id, Event.CONFIRM, by=BOB)
    return offered


def until(store: Store, state: State, operation: str = "m-1") -> Operation:
    """Wait until a row that this process writes is in that state."""
    while (found := store.find(operation)) is None or found.state is not state:
        assert store.changed.wait(PATIENCE_S), found
    return found


@both
def test_a_confirmed_operation_runs_to_its_end(lab, database_url, rows):
    with started(lab, database_url) as ferry:
        confirm(lab, rows)
        ended = until(ferry.store, State.SUCCEEDED)
    assert ended.outcome is not None
    assert ended.outcome.summary == "running on host02, gone from host01"
    assert lab.sent() == 1
    assert rows.find_break() is None


def test_what_was_granted_while_nobody_ran_is_taken_up(lab, database_url, rows):
    confirm(lab, rows)
    with started(lab, database_url) as ferry:
        until(ferry.store, State.SUCCEEDED)
    assert lab.sent() == 1


@both
def test_stopping_leaves_the_move_to_its_host_and_the_next_start_attaches(lab, database_url, rows):
    with started(lab, database_url):
        confirm(lab, rows)
        lab.hold_at(30)
    assert rows.find("m-1").state is State.RUNNING
    assert len(lab.moves()) == 1
    with started(lab, database_url) as ferry:
        lab.go()
        until(ferry.store, State.SUCCEEDED)
    assert lab.sent() == 1


def test_stopping_ends_every_thread(lab, database_url, rows):
    before = set(threading.enumerate())
    with started(lab, database_url) as ferry:
        confirm(lab, rows)
        until(ferry.store, State.SUCCEEDED)
    left = {thread.name for thread in threading.enumerate() if thread not in before and not thread.daemon}
    assert left == set()


def test_a_second_engine_on_the_same_file_is_refused_and_the_first_goes_on(lab, database_url, rows):
    with started(lab, database_url) as ferry:
        second = Ferry(lab, database_url, lambda hosts: None, "main", 0.02)
        with pytest.raises(FerryError, match="another Ferry is running"):
            second.start()
        second.stop()
        confirm(lab, rows)
        until(ferry.store, State.SUCCEEDED)


@both
def test_the_lock_is_free_after_a_stop(lab, database_url):
    with started(lab, database_url):
        pass
    with started(lab, database_url):
        pass


@both
def test_a_lost_workflow_is_replaced(lab, database_url, rows):
    confirm(lab, rows)
    with rows.database.writing() as connection:
        connection.execute(sa.text("DELETE FROM " + workflow_table(rows)))
    with started(lab, database_url) as ferry:
        assert until(ferry.store, State.SUCCEEDED).attempt == 2
    assert lab.sent() == 1


@both
def test_a_workflow_of_another_version_is_replaced(lab, database_url, rows):
    confirm(lab, rows)
    with rows.database.writing() as connection:
        old = "SET status = 'PENDING', application_version = 'old'"
        connection.execute(sa.text(f"UPDATE {workflow_table(rows)} {old}"))
    with started(lab, database_url) as ferry:
        assert until(ferry.store, State.SUCCEEDED).attempt == 2
    assert lab.sent() == 1


def test_a_workflow_that_its_own_process_took_and_does_not_run_is_replaced(lab, database_url, rows):
    """Its claim was committed and the answer lost, or its end could not be written while the database was away."""
    with started(lab, database_url, polling_s=2) as ferry:  # time enough to take the workflow before the queue is read
        confirm(lab, rows)
        with rows.database.writing() as connection:
            taken = "SET status = 'PENDING', application_version = '1', executor_id = :executor"
            change = sa.text(f"UPDATE {workflow_table(rows)} {taken} WHERE status = 'ENQUEUED'")
            assert connection.execute(change, {"executor": ferry.presence.id}).rowcount == 1
        assert until(ferry.store, State.SUCCEEDED).attempt == 2
    assert lab.sent() == 1


@both
def test_operations_of_other_sites_are_left_alone(lab, database_url, rows):
    confirm(lab, rows)
    lab.add_vm("VM-02", vm_id(2), rf"{SHARE}\VM-02", memory_gib=2)
    north = Store(database_url, SystemClock(), sites={"host01": "north"})
    north.propose(lab.plan(vm=vm_id(2)), make_ask(), SystemClock().now() + OFFER)
    north.change("m-2", Event.CONFIRM, by=BOB)
    north.close()
    with started(lab, database_url, site="north") as ferry:
        until(ferry.store, State.SUCCEEDED, "m-2")
    assert rows.find("m-1").state is State.GRANTED
    assert lab.sent() == 0


def test_an_offer_ends_by_itself(lab, database_url, rows):
    rows.propose(make_plan(), make_ask(), SystemClock().now())
    with started(lab, database_url) as ferry:
        ended = until(ferry.store, State.EXPIRED)
    assert ended.outcome is not None
    assert ended.outcome.summary == "nobody confirmed it in time; nothing was started"


def test_room_is_asked_for_while_operations_wait(lab, database_url, rows):
    asked: list[tuple[str, ...]] = []

    def look(hosts: Iterable[str]) -> None:
        asked.append(tuple(hosts))
        for host in lab.rooms():
            rows.set_room(host.model_copy(update={"live_active": 2 if len(asked) == 1 else 0}), SystemClock().now())

    with started(lab, database_url, look) as ferry:
        offered = rows.propose(lab.plan(), make_ask(), SystemClock().now() + OFFER)
        rows.change(offered.id, Event.CONFIRM, by=BOB)
        until(ferry.store, State.SUCCEEDED)
    assert asked[0] == ("host01", "host02")
    assert len(asked) >= 2


@both
def test_the_limit_of_the_hosts_is_never_exceeded(lab, database_url, rows):
    for number in (2, 3, 4):
        lab.add_vm(f"VM-{number:02d}", vm_id(number), rf"{SHARE}\VM-{number:02d}", memory_gib=2)
    plans = [lab.plan(vm=vm_id(number)) for number in (2, 3, 4)]
    with started(lab, database_url) as ferry:
        for name in ("host01", "host02"):
            rows.set_room(make_host(name, live=2), SystemClock().now())
        lab.clock.hold()
        for plan in plans:
            offered = rows.propose(plan, make_ask(), SystemClock().now() + OFFER)
            rows.change(offered.id, Event.CONFIRM, by=CAROL)
        assert len(rows.holding()) == 2
        assert rows.find("m-3").waiting == "host01 runs 2 of 2 live migrations; next in line"
        lab.go()
        for number in (1, 2, 3):
            until(ferry.store, State.SUCCEEDED, f"m-{number}")
    assert lab.world.journal.most_at_once("host02") <= 2


def test_the_log_is_quiet(lab, database_url, rows, caplog):
    caplog.set_level(logging.INFO)
    with started(lab, database_url) as ferry:
        confirm(lab, rows)
        until(ferry.store, State.SUCCEEDED)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("dbos")] == []


@both
def test_a_killed_process_loses_nothing_and_moves_nothing_twice(lab, database_url, rows):
    confirm(lab, rows)
    with process(lab, database_url):
        lab.hold_at(30)
    assert rows.find("m-1").state is State.RUNNING
    with process(lab, database_url):
        lab.go()
        assert lab.world.wait_until(lambda: rows.find("m-1").state is State.SUCCEEDED, PATIENCE_S)
    assert lab.sent() == 1
    assert lab.where() == ("host02",)
    assert rows.find_break() is None
