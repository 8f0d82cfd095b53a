"""The journal: every change is in it, and nothing in it can be altered unnoticed."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3

import pytest
import sqlalchemy as sa

from bot.core.journal import GENESIS, Anchor, Entry, Refusal, canonical, find_break, link, read_anchor, verify
from bot.core.lifecycle import Event
from bot.core.operation import Outcome
from bot.errors import Refused
from bot.operations.journal import Journal, open_journal
from bot.operations.store import Store
from tests.operations.offers import ALICE, BOB, OFFER, make_ask, make_host, make_plan


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
    assert confirmed["digest"] == proposed["digest"]
    assert confirmed["at"] == "2026-03-02T12:00:00+00:00"
    assert ended["outcome"]["summary"] == "running on host02, gone from host01"


def test_the_chain_holds(written):
    entries = written.journal()
    assert [entry.seq for entry in entries] == list(range(1, 11))
    assert entries[0].previous == GENESIS
    assert written.find_break() is None


def test_what_people_wrote_is_not_kept_but_what_was_read_in_it(store, clock):
    ask = make_ask("<@UFERRY> migrate VM-01 to host02, thanks to Eve")
    store.propose(make_plan(), ask, clock.now() + OFFER)
    assert all("Eve" not in entry.body for entry in store.journal())
    assert "migrate VM-01 to host02" in store.journal("m-1")[0].body


def test_it_begins_with_a_deployment_of_its_own(written, tmp_path, clock):
    other = Store(f"sqlite:///{tmp_path}/other.sqlite", clock)
    other.migrate()
    other.propose(make_plan(1), make_ask(), clock.now() + OFFER)
    mine, theirs = (json.loads(each.journal()[0].body) for each in (written, other))
    assert mine["event"] == theirs["event"] == "genesis"
    assert re.fullmatch("[0-9a-f]{32}", mine["deployment"])
    assert mine["deployment"] != theirs["deployment"]
    mixed = find_break([*written.journal()[:1], *other.journal()[1:]])
    other.close()
    assert mixed is not None
    assert mixed.reason == "entry 2 does not follow entry 1"


def test_a_chain_begun_before_deployments_had_ids_holds_and_has_one():
    first = link(1, GENESIS, {"operation": "m-1", "event": "propose"})
    found = verify([first, link(2, first.hash, {"operation": "m-1", "event": "confirm"})])
    assert (found.broken, found.entries, found.deployment) == (None, 2, first.hash[:32])


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
        "INSERT INTO journal (seq, previous, operation, body, hash) VALUES (3, '', 'm-1', '{}', '')",
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


# Tampering, by somebody who may change the database


TAMPERINGS = {
    "another person": (
        ["UPDATE journal SET body = replace(body, 'U0BOB', 'U0CAROL') WHERE seq = 4"],
        (4, "entry 4 was changed after it was written"),
    ),
    "another operation's file": (
        ["UPDATE journal SET operation = 'm-2' WHERE seq = 4"],
        (4, "entry 4 tells of m-1 and is filed under m-2"),
    ),
    "another hash": (
        ["UPDATE journal SET hash = previous WHERE seq = 4"],
        (4, "entry 4 was changed after it was written"),
    ),
    "one removed": (["DELETE FROM journal WHERE seq = 5"], (5, "entry 5 is missing")),
    "some removed": (["DELETE FROM journal WHERE seq IN (5, 6, 7)"], (5, "entries 5 to 7 are missing")),
    "the first removed": (["DELETE FROM journal WHERE seq = 1"], (1, "entry 1 is missing")),
    "closed up": (
        ["DELETE FROM journal WHERE seq = 5", "UPDATE journal SET seq = seq - 1 WHERE seq > 5"],
        (5, "entry 5 does not follow entry 4"),
    ),
    "two exchanged": (
        ["UPDATE journal SET seq = -seq WHERE seq IN (4, 5)", "UPDATE journal SET seq = 9 + seq WHERE seq < 0"],
        (4, "entry 4 does not follow entry 3"),
    ),
    "one put before": (
        ["INSERT INTO journal SELECT 0, previous, operation, body, hash FROM journal WHERE seq = 4"],
        (0, "entry 0 stands where entry 1 belongs"),
    ),
    "unreadable": (["UPDATE journal SET body = 'x' WHERE seq = 4"], (4, "entry 4 was changed after it was written")),
}


def tamper(store: Store, *statements: str) -> None:
    """With the triggers gone, as whoever owns the file can have it."""
    connection = sqlite3.connect(store.database.path)
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    for statement in statements:
        assert connection.execute(statement).rowcount > 0
    connection.commit()
    connection.close()


@pytest.mark.parametrize(("statements", "expected"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_tampering_shows_and_where(written, statements, expected):
    tamper(written, *statements)
    found = written.find_break()
    assert found is not None
    assert (found.seq, found.reason) == expected


def test_a_changed_entry_with_a_fitting_hash_shows_at_the_next(written):
    entries = written.journal()
    forged = link(3, entries[1].hash, json.loads(entries[2].body) | {"by": "U0EVE"})
    found = find_break([*entries[:2], forged, *entries[3:]])
    assert found is not None
    assert (found.seq, found.reason) == (4, "entry 4 does not follow entry 3")


def test_an_unreadable_entry_with_a_fitting_hash_shows(written):
    last = link(10, written.journal()[8].hash, {"operation": "m-1"})
    unreadable = last.model_copy(update={"body": "[]"})
    forged = unreadable.model_copy(update={"hash": hash_of(unreadable)})
    found = find_break([*written.journal()[:9], forged])
    assert found is not None
    assert found.reason == "entry 10 cannot be read"


def hash_of(entry: Entry) -> str:
    return hashlib.sha256(f"{entry.seq}\n{entry.previous}\n{entry.body}".encode()).hexdigest()


# Anchors


def test_an_anchor_is_the_entry_that_tells_of_it(written, clock):
    journal = Journal(written.database, clock)
    anchor = journal.anchor(ALICE)
    last = written.journal()[-1]
    assert (anchor.seq, anchor.hash, anchor.at) == (last.seq, last.hash, clock.now())
    assert json.loads(last.body)["by"] == ALICE
    assert journal.verify([anchor]).broken is None


def test_what_was_posted_is_known(written, clock):
    journal = Journal(written.database, clock)
    assert journal.last_anchor() == (None, False)
    first, second = journal.anchor(), journal.anchor(ALICE)
    assert journal.last_anchor() == (second, False)
    journal.keep_posted(first, "C1", "1716.2")
    assert journal.last_anchor() == (second, False)
    journal.keep_posted(second, "C1", "1716.3")
    assert journal.last_anchor() == (second, True)
    assert journal.verify([first, second]).broken is None


@pytest.mark.parametrize("around", ["{}", "anchored: `{}` (edited)", "  {}\n", "<@U1> said {} at noon"])
def test_an_anchor_is_read_from_what_was_copied(written, clock, around):
    anchor = Journal(written.database, clock).anchor()
    said = str(anchor)
    assert read_anchor(around.format(said)) == anchor
    assert read_anchor(around.format(f"{said[:50]}\n{said[50:90]}\u200b{said[90:]}")) == anchor


@pytest.mark.parametrize("text", ["", "ferry:", "ferry:" + "0" * 32 + ":1:" + "0" * 64 + ":20261399T000000Z"])
def test_what_is_no_anchor_is_not_read_as_one(text):
    assert read_anchor(text) is None


def test_truncation_shows_against_an_anchor_and_only_there(written, clock):
    journal = Journal(written.database, clock)
    anchor = journal.anchor()
    tamper(written, "DELETE FROM journal WHERE seq > 6")
    assert journal.verify().broken is None
    found = journal.verify([anchor])
    assert found.broken is not None
    assert (found.entries, found.broken.seq) == (6, 7)
    assert found.broken.reason == "it ends with entry 6; what was kept elsewhere knows of entry 11"


def test_a_chain_written_anew_shows_against_an_anchor(written, clock):
    anchor = Journal(written.database, clock).anchor()
    entries = list(written.journal())
    for at in range(3, len(entries)):
        told = json.loads(entries[at].body) | {"by": "U0EVE"}
        entries[at] = link(at + 1, entries[at - 1].hash, told)
    assert find_break(entries) is None
    found = verify(entries, [anchor]).broken
    assert found is not None
    assert (found.seq, found.reason) == (
        11,
        "entry 11 is not the one kept elsewhere: it, or one before it, was written anew",
    )


def test_an_anchor_of_another_deployment_does_not_fit(written, clock):
    journal = Journal(written.database, clock)
    anchor = journal.anchor().model_copy(update={"deployment": "f" * 32})
    found = journal.verify([anchor]).broken
    assert found is not None
    assert "deployment " + "f" * 32 in found.reason


def test_an_empty_journal_contradicts_an_anchor(store, clock):
    anchor = Anchor(deployment="f" * 32, seq=3, hash="0" * 64, at=clock.now())
    found = Journal(store.database, clock).verify([anchor])
    assert (found.entries, found.broken is not None) == (0, True)


# Refusals


def test_a_refusal_is_an_entry_of_the_operation_it_concerns(store, propose, clock):
    propose()
    refusal = Refusal(
        action="operation.confirm", reason="not on the list", command="confirm m-1", arguments={"operation": "m-1"}
    )
    ask = make_ask("confirm m-1 or else", actor=BOB)
    Journal(store.database, clock).refuse(refusal, ask)
    told = json.loads(store.journal("m-1")[-1].body)
    assert (told["event"], told["by"], told["command"], told["reason"]) == (
        *("refuse", BOB, "confirm m-1", "not on the list"),
    )
    assert "or else" not in store.journal("m-1")[-1].body
    assert store.find_break() is None


# Reading beside a running Ferry


def test_it_is_read_while_it_is_written(written, database_url):
    with written.database.writing() as connection, open_journal(database_url) as journal:
        connection.execute(sa.text("UPDATE operation SET percent = 99"))
        assert journal.verify().entries == 10
        assert [entry.seq for entry in journal.after(7, 2)] == [8, 9]


def test_reading_makes_no_database(tmp_path):
    with pytest.raises(Refused, match="there is no database"), open_journal(f"sqlite:///{tmp_path}/none.sqlite"):
        pass
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(Refused, match="holds no journal"), open_journal(f"sqlite:///{tmp_path}/empty.sqlite"):
        pass
    assert not (tmp_path / "none.sqlite").exists()


def test_one_value_has_one_spelling():
    assert canonical({"b": 1, "a": "ü"}) == canonical({"a": "ü", "b": 1}) == '{"a":"ü","b":1}'
