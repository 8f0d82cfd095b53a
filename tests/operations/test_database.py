"""The database itself: made, upgraded, refused; and what is one database's alone."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bot.core.lifecycle import Event, State
from bot.errors import FerryError
from bot.operations.store import Store
from bot.operations.store.tables import metadata
from bot.operations.store.upgrades import SCHEMA_VERSION, read_version
from tests.operations.offers import BOB, both
from tests.operations.rows import found, know_room
from tests.operations.test_restart import confirm, started, until
from tests.operations.version_1 import make_version_1


@both
def test_migrating_again_changes_nothing(store, propose):
    made = propose()
    store.migrate()
    assert store.find(made.id) == made


@both
def test_a_newer_database_is_refused_and_left_alone(store, database_url, clock):
    with store.database.writing() as connection:
        connection.execute(sa.text("UPDATE ferry_schema SET version = version + 1"))
    older = Store(database_url, clock)
    with pytest.raises(FerryError, match=f"version {SCHEMA_VERSION + 1}"):
        older.migrate()
    with older.database.reading() as connection:
        assert read_version(connection) == SCHEMA_VERSION + 1
    older.close()


@both
def test_an_upgraded_database_is_like_a_new_one(store, database_url, clock):
    new = shape(store)
    make_version_1(store)
    assert shape(store) != new
    store.migrate()
    assert shape(store) == new
    with store.database.reading() as connection:
        assert read_version(connection) == SCHEMA_VERSION


@both
def test_of_many_that_start_at_once_one_makes_the_tables(backend, clock, tmp_path, request):
    if backend == "sqlite":
        url = f"sqlite:///{tmp_path}/new.sqlite"
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.create())
    stores = [Store(url, clock) for _ in range(3)]
    with ThreadPoolExecutor(3) as processes:
        list(processes.map(Store.migrate, stores))
    assert shape(stores[0])
    for store in stores:
        store.close()


@both
def test_a_running_operation_is_carried_on_by_the_new_version(lab, database_url):
    """As version 1 leaves it: its workflow pending under the one name that all processes had, in the one queue."""
    clock = SystemClock()
    old = Store(database_url, clock)
    confirm(lab, old)
    with started(lab, database_url):
        lab.hold_at(30)
    make_version_1(old, operation="m-1")
    old.close()
    upgraded = Store(database_url, clock)
    upgraded.migrate()
    upgraded.close()
    with started(lab, database_url) as ferry:
        lab.go()
        assert until(ferry.store, State.SUCCEEDED).attempt >= 2  # a slow start is taken for none, and replaced
        assert ferry.store.find_break() is None
    assert lab.sent() == 1


def test_what_waits_in_an_old_queue_is_taken_into_the_new_one(store, clock, propose):
    know_room(store, clock)
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    make_version_1(store, operation="m-1", status="ENQUEUED")
    store.migrate()
    assert found(store, "m-1").state is State.GRANTED
    assert store.outbox.live(["m-1#1"]) == {"m-1#1": ("site-default", "")}
    assert store.grants(["main"]) == (("m-1", 1, "main"),)


def test_the_file_is_in_wal_mode(store):
    connection = sqlite3.connect(store.database.path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_database_in_memory_is_refused(clock):
    with pytest.raises(FerryError, match="survive a restart"):
        Store("sqlite://", clock)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://server/ferry",
        "ferry.sqlite",
        "",
        "postgresql://f:pa@ss:w0rd@server/ferry",
        "postgresql://f:pa@ss@server/ferry",
    ],
)
def test_another_kind_of_database_is_refused(url, clock):
    with pytest.raises(FerryError, match="does not know"):
        Store(url, clock)


def shape(store: Store) -> dict[str, list[tuple[str, str, bool, str]]]:
    """Tables, columns, their types, and whether they may be empty."""
    with store.database.reading() as connection:
        inspector = sa.inspect(connection)
        return {
            name: sorted(
                (column["name"], str(column["type"]), column["nullable"], str(column["default"]))
                for column in inspector.get_columns(name)
            )
            for name in metadata.tables
            if inspector.has_table(name)
        }


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)
