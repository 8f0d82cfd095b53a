"""A database that is locked by another process or whose disk is full: refused clearly, nothing half done, then true."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from bot.core.lifecycle import State
from bot.errors import DatabaseUnavailable
from bot.lab.slack import Fault
from bot.operations.store import Store
from tests.faults.waiting import assert_true_and_single, key_of, until
from tests.ferry import Ferry
from tests.operations.bench import Bench, said
from tests.operations.moving_hosts import PATIENCE_S, MovingHosts
from tests.operations.offers import SetClock

OFFER = "move storage VM-10 \\\\server02\\vmstore"
LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
"""


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process writes, and takes its time."""
    with Popen([sys.executable, "-c", LOCK, str(file)], stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            process.communicate("go on\n", timeout=PATIENCE_S)


class Disk:
    """Under every SQLite file of this process; when full, no file can grow, and SQLite says so."""

    ENDLESS_PAGES = 1 << 30

    def __init__(self) -> None:
        self._pages = self.ENDLESS_PAGES

    def limit(self, connection: object, *_: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute(f"PRAGMA max_page_count = {self._pages}")

    @contextmanager
    def full(self, file: Path) -> Iterator[None]:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("VACUUM")
            (self._pages,) = connection.execute("PRAGMA page_count").fetchone()
        yield
        self._pages = self.ENDLESS_PAGES


@pytest.fixture(scope="module")
def disk() -> Iterator[Disk]:
    made = Disk()
    event.listen(Pool, "checkout", made.limit)
    yield made
    event.remove(Pool, "checkout", made.limit)


@pytest.fixture(scope="module")
def ferry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    folder = tmp_path_factory.mktemp("lab")
    impatient = {"database_url": f"sqlite:///{folder}/ferry.sqlite?timeout=0.3"}
    with Ferry(folder, speed=100, rate_limits=False, operations=impatient) as ferry:
        yield ferry


@pytest.fixture
def file(ferry: Ferry) -> Path:
    return ferry.folder / "ferry.sqlite"


def test_what_cannot_be_claimed_is_refused_to_the_person_and_not_carried_out_later(ferry: Ferry, file: Path) -> None:
    with locked(file):
        refusal = ferry.say(OFFER, who="bob")
        assert "the database cannot be used: database is locked" in ferry.text(refusal)
        assert refusal.only_for == ferry.server.user_id("bob")
    (delivery,) = [one for one in ferry.server.deliveries() if one.payload.get("event", {}).get("text") == OFFER]
    ferry.server.redeliver(delivery.envelope_id)
    ferry.say("where VM-10")
    assert ferry.bot.store.open() == ()
    assert_true_and_single(ferry)


def test_a_press_while_the_database_is_locked_is_refused_and_works_afterwards(ferry: Ferry, file: Path) -> None:
    card = ferry.say(OFFER)
    with locked(file):
        ferry.press(card, "Cancel", who="alice")
        whisper = ferry.wait(lambda: ferry.server.ephemerals("alice"))
        assert "the database cannot be used: database is locked" in ferry.text(whisper[-1])
    assert ferry.operation(card).state is State.PROPOSED
    ferry.press(card, "Cancel", who="alice")
    assert "declined" in ferry.wait_until_ended(card)
    assert_true_and_single(ferry)


def test_a_full_disk_refuses_offers_and_leaves_the_journal_whole(ferry: Ferry, file: Path, disk: Disk) -> None:
    before = len(ferry.bot.store.journal())
    with disk.full(file):
        refusal = ferry.say(OFFER)
        assert "the database cannot be used: database or disk is full" in ferry.text(refusal)
        assert ferry.bot.store.open() == ()
        assert len(ferry.bot.store.journal()) == before
    card = ferry.say(OFFER)
    ferry.press(card, "Cancel")
    ferry.wait_until_ended(card)
    assert ferry.bot.store.find_break() is None
    assert_true_and_single(ferry)


def test_a_card_whose_place_the_database_could_not_keep_is_posted_once(
    ferry: Ferry, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Slack has the card, and the database is locked before it is written down which message it is."""
    ferry.server.fail_next("chat.postMessage", Fault(delay_s=0.5))
    ferry.server.say("alice", "#ops", OFFER)
    until(ferry.bot.store.open)
    (operation,) = ferry.bot.store.open()
    with locked(file):
        (card,) = ferry.wait(lambda: [one for one in ferry.server.messages("#ops") if key_of(one) == operation.id])
        until(lambda: "announcer turn broke" in caplog.text)
    ferry.press(card, "Cancel")
    ferry.wait_until_ended(card)
    assert_true_and_single(ferry)


def test_a_move_goes_on_while_the_database_is_away_and_is_taken_up_after_it(
    lab: MovingHosts, database_url: str, clock: SetClock
) -> None:
    store = Store(f"{database_url}?timeout=0.2", clock)
    bench = Bench(lab, store, clock)
    bench.grant()
    running = bench.start()
    lab.hold_at(30)
    with locked(Path(database_url.removeprefix("sqlite:///"))):
        lab.go()
        running.result(PATIENCE_S)
        assert bench.row().state is State.RUNNING
        with pytest.raises(DatabaseUnavailable):
            store.regrant("m-1", bench.row().attempt)
    assert store.regrant("m-1", bench.row().attempt)
    ended = bench.run()
    bench.close()
    store.close()
    assert (ended.state, lab.sent(), lab.where()) == (State.SUCCEEDED, 1, ("host02",))
    assert said(ended) == "running on host02, gone from host01"
