"""Several processes on one database: each has its work, and any of them carries on another's."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.core.lifecycle import Event, State
from bot.core.plan import Level
from bot.errors import DatabaseUnavailable, FerryError
from bot.operations.clock_watch import ClockWatch
from bot.operations.presence import LOCKS, Presence
from bot.operations.probe import examine_clock, examine_database
from bot.operations.store import Store
from bot.operations.store.clocks import REMEDY
from bot.operations.store.tables import notice
from tests.faults.waiting import until
from tests.operations.moving_hosts import PATIENCE_S, MovingHosts
from tests.operations.offers import BOB, OFFER, SetClock, make_ask, make_host
from tests.operations.processes import process


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def backend() -> str:
    return "postgresql"


@pytest.fixture
def rows(database_url: str) -> Iterator[Store]:
    store = Store(database_url, SystemClock())
    yield store
    store.close()


def confirm(lab: MovingHosts, rows: Store) -> None:
    offered = rows.propose(lab.plan(), make_ask(), SystemClock().now() + OFFER)
    for name in lab.hosts:
        rows.set_room(make_host(name), SystemClock().now())
    rows.change(offered.id, Event.CONFIRM, by=BOB)


def succeeded(lab: MovingHosts, rows: Store) -> None:
    assert lab.world.wait_until(lambda: rows.find("m-1").state is State.SUCCEEDED, PATIENCE_S), rows.find("m-1")
    assert lab.sent() == 1
    assert lab.where() == ("host02",)
    assert rows.find_break() is None


def holder(rows: Store) -> str:
    """The process that runs the current attempt."""
    attempt = rows.find("m-1").attempt
    with rows.database.reading() as connection:
        return connection.exec_driver_sql(
            f"SELECT coalesce(executor_id, '') FROM dbos.workflow_status WHERE workflow_uuid = 'm-1#{attempt}'"
        ).scalar_one()


def test_a_dead_workers_move_is_carried_on_by_another(lab, database_url, rows):
    with process(lab, database_url, "one") as one:
        confirm(lab, rows)
        lab.hold_at(30)
        with process(lab, database_url, "two"):
            one.kill()
            lab.go()
            succeeded(lab, rows)
            assert holder(rows).startswith("two#")


def test_a_worker_that_was_only_away_does_no_harm(lab, database_url, rows):
    """Stopped in mid-move, for longer than it may be silent, it finds that the move is no longer its own."""
    with process(lab, database_url, "one") as one:
        confirm(lab, rows)
        lab.hold_at(30)
        os.kill(one.pid, signal.SIGSTOP)
        with process(lab, database_url, "two"):
            assert lab.world.wait_until(lambda: rows.find("m-1").attempt == 2, PATIENCE_S)
            os.kill(one.pid, signal.SIGCONT)
            lab.go()
            succeeded(lab, rows)
        before = rows.find("m-1")
        assert lab.world.wait_until(lambda: any(each.startswith("one#") for each in living(rows)), PATIENCE_S)
        assert not one.ended()
        assert rows.find("m-1") == before


def test_a_name_is_one_processes_at_a_time(database_url, rows):
    first, second, other = (Presence(rows.database, name, enter_s=0) for name in ("ferry", "ferry", "ferry-2"))
    first.enter()
    first.announce()
    with pytest.raises(FerryError, match="another Ferry named ferry is running"):
        second.enter()
    other.enter()
    other.announce()
    assert first.living() == {first.id, other.id}
    first.leave()
    second.enter()
    second.announce()
    assert first.living() == {second.id, other.id}
    for presence in (second, other):
        presence.leave()
    assert living(rows) == set()


def test_a_killed_processs_name_is_free_and_its_work_known_to_be_dead(lab, database_url, rows):
    with process(lab, database_url, "one"):
        (dead,) = living(rows)
    again = Presence(rows.database, "one")
    again.enter()
    again.announce()
    assert again.id != dead
    assert living(rows) == {again.id}
    again.leave()


def test_the_leases_of_the_dead_are_free(database_url, rows):
    first, second = Presence(rows.database, "one"), Presence(rows.database, "two")
    for presence in (first, second):
        presence.enter()
        presence.announce()
    assert rows.lease("announcer", first.id)
    assert not rows.lease("announcer", second.id)
    first.leave()
    assert rows.lease("announcer", second.id)
    second.leave()


def test_a_server_that_is_not_there_is_said(postgres_server):
    store = Store("postgres://nobody@127.0.0.1:1/ferry", SystemClock())
    with pytest.raises(FerryError, match=r"the database does not answer: .*refused"):
        Presence(store.database, "ferry").enter()
    with pytest.raises(FerryError, match=r"the database cannot be used: .*refused"):
        store.migrate()
    store.close()


def living(rows: Store) -> frozenset[str]:
    return Presence(rows.database, "bystander").living()


@pytest.mark.parametrize(("minutes", "words"), [(3, "3 min ahead of"), (-3, "3 min behind")])
def test_a_machine_whose_clock_is_wrong_does_not_take_part(database_url, minutes, words):
    store = Store(database_url, SetClock(datetime.now(UTC) + timedelta(minutes=minutes)))
    with pytest.raises(FerryError, match=f"this machine's clock is {words} the database server's"):
        store.check_clock()
    store.close()


def test_a_clock_that_goes_wrong_later_is_told_once_and_so_is_its_end(database_url, caplog):
    clock = SetClock(datetime.now(UTC))
    store = Store(database_url, clock)
    watch = ClockWatch(store, "host/worker", "C0AUDIT00")
    told = []
    for minutes in (0, 3, 0, -3, 0):
        clock.forward(minutes=minutes)
        watch.look()
        told.append(_waiting(store))
    wrong = f"⚠️ The clock of host/worker is 3 min ahead of the database server's; {REMEDY}"
    right = "The clock of host/worker agrees with the database server's again"
    assert told == [[], [wrong], [wrong], [wrong, right], [wrong, right]]
    assert [record.levelname for record in caplog.records if "clock_" in record.message] == ["ERROR", "WARNING"]
    ClockWatch(store, "host/worker", "").look()
    store.close()


def _waiting(store):
    with store.database.reading() as connection:
        return [line for (text,) in connection.execute(sa.select(notice.c.line)) for line in json.loads(text)]


def test_a_clock_is_examined_beside_its_server(database_url, rows):
    assert list(examine_database(database_url))[-1].text == "this machine's clock agrees with the database server's"
    assert examine_clock("3 min behind the database server's").level is Level.BLOCKING


def test_a_run_whose_name_was_taken_while_its_connection_was_cut_says_so(postgres_server, database_url, rows):
    """As a server that restarts does, or a firewall that forgets the connection."""
    first = Presence(rows.database, "ferry", beat_s=0.05)
    first.enter()
    first.announce()
    cut(rows)
    second = Presence(rows.database, "ferry", enter_s=5, beat_s=0.05)
    second.enter()
    second.announce()
    assert first.lost.wait(PATIENCE_S) != second.lost.is_set()
    for presence in (first, second):
        presence.leave()


def test_a_run_whose_connection_was_cut_takes_its_name_again(database_url, rows):
    first = Presence(rows.database, "ferry", beat_s=0.05)
    first.enter()
    first.announce()
    cut(rows)
    until(lambda: locks(rows) == 1)
    with pytest.raises(FerryError, match="another Ferry named ferry is running"):
        Presence(rows.database, "ferry", enter_s=0).enter()
    assert not first.lost.is_set()
    first.leave()


def test_who_stands_still_in_mid_transaction_does_not_keep_the_others_from_writing(database_url, rows):
    patient = f"{database_url}?options=-c%20idle_in_transaction_session_timeout%3D500"
    paused, other = Store(patient, SystemClock()), Store(database_url, SystemClock())
    with pytest.raises(DatabaseUnavailable), paused.database.writing():  # the end of its transaction comes to nothing
        assert other.take(make_ask())  # waits for its turn, until the server has ended the other's
    assert paused.take(make_ask(key="T1/C1/2"))
    for store in (paused, other):
        store.close()


def test_a_server_that_lets_nobody_write_is_trouble_and_no_mistake_of_ours(postgres_server, database_url, rows):
    name = database_url.rpartition("/")[2]
    postgres_server.order(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    standby = Store(database_url, SystemClock())
    with pytest.raises(DatabaseUnavailable, match="read-only"):
        standby.take(make_ask())
    standby.close()


def cut(rows: Store) -> None:
    """End the connection that holds the name's lock."""
    with rows.database.reading() as connection:
        held = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = :locks"
        assert connection.execute(sa.text(held), {"locks": LOCKS}).scalars().all() == [True]


def locks(rows: Store) -> int:
    with rows.database.reading() as connection:
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = :locks AND granted"
        return connection.execute(sa.text(held), {"locks": LOCKS}).scalar_one()
