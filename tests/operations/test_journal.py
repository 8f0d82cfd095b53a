"""The journal: every change is in it, and nothing in it can be altered unnoticed."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from bot.core.journal import GENESIS, Entry, canonical, find_break, link
from bot.core.lifecycle import Event
from bot.core.operation import Outcome
from tests.operations.offers import ALICE, BOB, make_host, make_plan


@pytest.fixture
def written(store, clock, propose):
    """A store with a move that ended, and one that was declined."""
    for name in ("host01", "host02"):
        store.set_room(make_host(name), clock.now())
    propose(1)
    propose(2)
    store.change("m-1", Event.CONFIRM, by=BOB)
    store.change("m-2", Event.DECLINE, by=ALICE)
    store.change("m-1", Event.START)
    store.progress("m-1", 50, "moving")
    store.ask_cancel("m-1", ALICE)
    store.change("m-1", Event.VERIFY)
    store.change("m-1", Event.SUCCEED, outcome=Outcome(summary="running on host02, gone from host01"))
    return store


def events(entries: tuple[Entry, ...]) -> list[str]:
    return [json.loads(entry.body)["event"] for entry in entries]


def test_every_change_of_state_is_an_entry(written):
    assert events(written.journal("m-1")) == [
        "propose",
        "confirm",
        "grant",
        "start",
        "ask to cancel",
        "verify",
        "succeed",
    ]
    assert events(written.journal("m-2")) == ["propose", "decline"]


def test_entries_say_what_who_and_when(written):
    proposed, confirmed, *_, ended = [json.loads(entry.body) for entry in written.journal("m-1")]
    assert proposed["digest"] == make_plan(1).digest
    assert proposed["plan"]["move"]["vm_name"] == "VM-01"
    assert (confirmed["by"], confirmed["from"], confirmed["to"]) == (BOB, "proposed", "queued")
    assert confirmed["at"] == "2026-03-02T12:00:00+00:00"
    assert ended["outcome"]["summary"] == "running on host02, gone from host01"


def test_the_chain_holds(written):
    entries = written.journal()
    assert [entry.seq for entry in entries] == list(range(1, 10))
    assert entries[0].previous == GENESIS
    assert written.find_break() is None


def test_an_empty_journal_holds(store):
    assert store.find_break() is None


def test_a_lost_race_leaves_no_entry(store, propose):
    propose()
    store.change("m-1", Event.CONFIRM, by=BOB)
    before = store.journal()
    assert store.change("m-1", Event.CONFIRM, by=ALICE) is None
    assert store.journal() == before


def test_a_change_that_fails_leaves_neither_row_nor_entry(store, propose):
    """An event that the row's tables cannot take: the step line belongs to an operation that does not exist."""
    propose()
    before = store.journal()
    statements = [
        "INSERT INTO journal (seq, previous, operation, body, hash) VALUES (2, '', 'm-1', '{}', '')",
        "INSERT INTO card (operation, shown_version, lost) VALUES ('m-404', 0, '')",
    ]

    def write() -> None:
        with store.database.writing() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))

    with pytest.raises(sa.exc.IntegrityError, match="FOREIGN KEY"):
        write()
    assert store.journal() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET body = '{}' WHERE seq = 1",
        "DELETE FROM journal WHERE seq = 1",
        "INSERT OR REPLACE INTO journal (seq, previous, operation, body, hash) VALUES (1, '', 'm-1', '{}', '')",
    ],
)
def test_the_database_refuses_to_alter_it(written, statement):
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), written.database.writing() as connection:
        connection.execute(sa.text(statement))
    assert written.find_break() is None


def alter(entries: tuple[Entry, ...], seq: int, **changes: object) -> list[Entry]:
    return [entry.model_copy(update=changes) if entry.seq == seq else entry for entry in entries]


def test_a_changed_body_shows(written):
    found = find_break(alter(written.journal(), 3, body="{}"))
    assert found is not None
    assert (found.seq, found.reason) == (3, "entry 3 was changed after it was written")


def test_a_changed_body_with_a_fitting_hash_shows_at_the_next(written):
    entries = written.journal()
    forged = link(3, entries[2].previous, "{}")
    found = find_break([*entries[:2], forged, *entries[3:]])
    assert found is not None
    assert (found.seq, found.reason) == (4, "entry 4 does not follow entry 3")


def test_a_missing_entry_shows(written):
    entries = written.journal()
    found = find_break([*entries[:4], *entries[5:]])
    assert found is not None
    assert found.seq == 5


def test_one_value_has_one_spelling():
    assert canonical({"b": 1, "a": "ü"}) == canonical({"a": "ü", "b": 1}) == '{"a":"ü","b":1}'
