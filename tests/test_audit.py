"""The searchable copy: it follows the journal and nothing else, finds what is asked for, and is an ordinary file."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as some

from bot.audit import AuditCopy, read_head, verify_copy, write_csv, write_json, write_table
from bot.audit.copy import BATCH, PAGE
from bot.audit.file import APPLICATION_ID, SCHEMA_VERSION
from bot.audit.rows import COLUMNS
from bot.cli import main
from bot.core.history import Record
from bot.core.journal import GENESIS, Entry, Refusal, link, verify
from bot.core.lifecycle import Event
from bot.core.operation import Outcome
from bot.errors import FerryError, Refused
from bot.operations.journal import Journal, open_journal
from bot.operations.store import Store
from tests.operations.offers import ALICE, BOB, NOON, OFFER, SetClock, make_ask, make_host, make_plan, vm_id

HOSTILE = (
    "web-3.17",
    "quote \" and ' and `",
    "NOT OR AND",
    "a*",
    "x:y ^z",
    "'; DROP TABLE journal; --",
    "=cmd|' /C calc'!A0",
    "<!here> & <@U1>",
    "über\u202ecode",
    "\x1b[2Jgone",
)


class Lines:
    """A journal that is a list."""

    def __init__(self, *bodies: dict[str, str]) -> None:
        self.entries: list[Entry] = []
        for body in bodies:
            self.add(**body)

    def add(self, operation: str = "m-1", event: str = "propose", at: str = NOON.isoformat(), **told: object) -> None:
        previous = self.entries[-1].hash if self.entries else GENESIS
        body = {"operation": operation, "event": event, "at": at, **told}
        self.entries.append(link(len(self.entries) + 1, previous, body))

    def after(self, seq: int, most: int) -> tuple[Entry, ...]:
        return tuple(self.entries[max(seq, 0) :][:most])


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """VM-01 was moved; the offer for VM-01-test was declined; a stranger was refused."""
    path, clock = tmp_path_factory.mktemp("written") / "ferry.sqlite", SetClock()
    store = Store(f"sqlite:///{path}", clock)
    store.migrate()
    for name in ("host01", "host02"):
        store.set_room(make_host(name), clock.now())
    offer(store, clock, 1)
    clock.forward(minutes=1)
    store.change("m-1", Event.CONFIRM, by=BOB)
    store.change("m-1", Event.START)
    store.change("m-1", Event.VERIFY)
    store.change("m-1", Event.SUCCEED, outcome=Outcome(summary="running on host02, gone from host01"))
    clock.forward(hours=3)
    offer(store, clock, 2, vm_name="VM-01-test", destination="host03")
    store.change("m-2", Event.DECLINE, by=ALICE, outcome=Outcome(summary="nothing was started"))
    refusal = Refusal(
        action="vm.migrate", reason="not on the list", command="migrate VM-01 to host09", arguments={"vm": "VM-01"}
    )
    Journal(store.database, clock).refuse(refusal, make_ask(actor=BOB))
    store.close()
    return path


@pytest.fixture
def store(written: Path, tmp_path: Path, clock: SetClock) -> Iterator[Store]:
    shutil.copy(written, tmp_path)
    clock.forward(hours=3, minutes=1)
    store = Store(f"sqlite:///{tmp_path / written.name}", clock)
    yield store
    store.close()


def offer(store: Store, clock: SetClock, number: int, **move: object) -> None:
    store.propose(make_plan(number, **move), make_ask(at=clock.now()), clock.now() + OFFER)


@pytest.fixture
def copy(store: Store, clock: SetClock, tmp_path: Path) -> AuditCopy:
    return AuditCopy(tmp_path / "audit.db", Journal(store.database, clock))


def deeds(copy: AuditCopy, what: str = "", *, since: object = None) -> list[tuple[str, str, str]]:
    found = copy.search(what, since, 20)
    assert found.total == len(found.deeds)
    return [(each.record.who, each.record.event, each.record.operation) for each in found.deeds]


def entries_of(path: Path) -> list[Entry]:
    """As any program reads them."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT seq, previous, operation, body, hash FROM journal ORDER BY seq").fetchall()
    connection.close()
    return [Entry(**dict(zip(Entry.model_fields, row, strict=True))) for row in rows]


# Searching

CONFIRMED, ASKED = (BOB, "confirm", "m-1"), (ALICE, "propose", "m-1")
DECLINED, ASKED_2 = (ALICE, "decline", "m-2"), (ALICE, "propose", "m-2")
REFUSED = (BOB, "refuse", "policy")


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("", [REFUSED, DECLINED, ASKED_2, CONFIRMED, ASKED]),
        ("VM-01", [REFUSED, CONFIRMED, ASKED]),
        ("vm-01", [REFUSED, CONFIRMED, ASKED]),
        ("VM-01-test", [DECLINED, ASKED_2]),
        (vm_id(1), [CONFIRMED, ASKED]),
        ("host01", [DECLINED, ASKED_2, CONFIRMED, ASKED]),
        ("host03", [DECLINED, ASKED_2]),
        ("m-1", [CONFIRMED, ASKED]),
        (BOB, [REFUSED, CONFIRMED]),
        ("host09", [REFUSED]),  # nothing has that name, but one entry says the word
        ("VM-02", []),
        ("policy", [REFUSED]),
    ],
)
def test_what_people_did_is_found_newest_first(copy, what, expected):
    assert deeds(copy, what) == expected


def test_only_what_is_young_enough(copy, clock):
    hour = clock.now() - timedelta(hours=1)
    assert deeds(copy, since=hour) == [REFUSED, DECLINED, ASKED_2]
    assert deeds(copy, "m-1", since=hour) == []


def test_a_deed_tells_what_came_of_it(copy):
    found = copy.search("m-1", None, 20)
    outcome = ("succeeded", "running on host02, gone from host01")
    assert [(each.state, each.outcome) for each in found.deeds] == [outcome, outcome]
    assert found.deeds[0].record.digest == make_plan(1).digest


def test_an_offer_that_is_open_has_no_outcome_yet(copy, store, clock):
    offer(store, clock, 3)
    (deed, *_) = copy.search("m-3", None, 20).deeds
    assert (deed.state, deed.outcome) == ("proposed", "")


def test_at_most_so_many_and_how_many_there_are(copy):
    found = copy.search("", None, 2)
    assert ([each.record.event for each in found.deeds], found.total) == (["refuse", "decline"], 5)


def test_everything_is_in_the_records(copy, store):
    records = list(copy.records("m-1"))
    assert [each.event for each in records] == ["succeed", "verify", "start", "grant", "confirm", "propose"]
    assert len(list(copy.records())) == len(store.journal())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_found_and_do_no_harm(tmp_path, name):
    journal = Lines({"by": ALICE, "plan": {"move": {"vm_name": name}, "command": f"migrate {name}"}})
    copy = AuditCopy(tmp_path / "audit.db", journal)
    assert [each.record.vm for each in copy.search(name, None, 20).deeds] == [name]
    assert copy.search(f"{name} and more", None, 20).total == 0
    assert verify_copy(tmp_path / "audit.db").broken is None


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> AuditCopy:
    return AuditCopy(tmp_path_factory.mktemp("standing") / "audit.db", Lines({"by": ALICE}))


@given(some.text(some.characters()) | some.text('"*^:()- NEARORAND\0\ud800', max_size=8))
@example('"')
@example('" "')
@example("a\0b")
@example("\ud800")
def test_nothing_that_anybody_may_ask_for_is_an_error(standing, what):
    found = standing.search(what, None, 20)
    assert len(found.deeds) == found.total
    assert len(list(standing.records(what))) == found.total


@pytest.mark.parametrize("what", ['"', "&", " ", "\0", "\ud800"])
def test_where_no_word_is_left_there_is_nothing(copy, what):
    assert deeds(copy, what) == []
    assert list(copy.records(what)) == []


# Copying


def test_it_grows_by_what_is_new(copy, store, tmp_path):
    copy.refresh()
    before = entries_of(tmp_path / "audit.db")
    store.change("m-1", Event.CONFIRM, by=BOB)  # ended: changes nothing
    offer(store, SetClock(), 4)
    copy.refresh()
    after = entries_of(tmp_path / "audit.db")
    assert after[:-1] == before
    assert tuple(after) == store.journal()
    assert verify(after).broken is None


def test_more_than_one_batch(tmp_path):
    journal = Lines(*({"operation": f"m-{number}"} for number in range(2 * BATCH + 5)))
    copy = AuditCopy(tmp_path / "audit.db", journal)
    copy.refresh()
    assert len(entries_of(tmp_path / "audit.db")) == 2 * BATCH + 5


def test_of_many_who_copy_at_once_one_writes_each_entry(store, clock, tmp_path):
    """Each with connections of its own, as processes have."""
    copies = [AuditCopy(tmp_path / "audit.db", Journal(store.database, clock)) for _ in range(8)]
    start = threading.Barrier(8)
    broken: list[Exception] = []

    def work(one: AuditCopy) -> None:
        try:
            start.wait()
            one.refresh()
        except Exception as error:  # noqa: BLE001 (reported below, by the test's own thread)
            broken.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    assert tuple(entries_of(tmp_path / "audit.db")) == store.journal()


def test_a_journal_that_was_cut_or_exchanged_is_not_copied_over(tmp_path):
    journal = Lines({"event": "propose"}, {"event": "confirm"}, {"event": "grant"})
    path = tmp_path / "audit.db"
    AuditCopy(path, journal).refresh()
    kept = entries_of(path)
    cut = Lines({"event": "propose"})
    exchanged = Lines(*({"event": "propose", "by": "U0EVE"} for _ in range(5)))
    for other in (cut, exchanged, Lines()):
        with pytest.raises(Refused, match="no longer holds entry 3"):
            AuditCopy(path, other).refresh()
    assert entries_of(path) == kept
    head = read_head(path)
    assert head is not None
    broken = verify(cut.entries, [head]).broken
    assert broken is not None
    assert broken.seq == 2


def alter(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_copy_of_an_older_version_is_made_anew(tmp_path):
    journal = Lines({"event": "propose"}, {"event": "confirm"})
    path = tmp_path / "audit.db"
    AuditCopy(path, journal).refresh()
    alter(path, "DELETE FROM journal", f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    with pytest.raises(Refused, match="is older"):
        verify_copy(path)
    AuditCopy(path, journal).refresh()
    assert entries_of(path) == journal.entries


def test_a_copy_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "audit.db"
    AuditCopy(path, Lines({})).refresh()
    alter(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    for use in (AuditCopy(path, Lines({})).refresh, lambda: verify_copy(path), lambda: read_head(path)):
        with pytest.raises(Refused, match="made by a newer Ferry"):
            use()
    assert path.read_bytes() == before


def test_ferrys_own_database_is_no_copy_of_it(store, clock):
    """If `audit_path` names it by mistake."""
    path, before = store.database.path, store.journal()
    confused = AuditCopy(path, Journal(store.database, clock))
    for use in (confused.refresh, lambda: verify_copy(path), lambda: read_head(path)):
        with pytest.raises(Refused, match="not a copy of the journal that Ferry made") as refused:
            use()
        assert refused.value.needed
        assert "audit_path" in refused.value.hint
    assert store.journal() == before
    assert store.find_break() is None


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE journal (seq INTEGER PRIMARY KEY, dream TEXT)", "INSERT INTO journal VALUES (1, 'of the sea')"],
        ["CREATE TABLE other (x)"],
        ["CREATE TABLE other (x)", f"PRAGMA user_version = {SCHEMA_VERSION}"],
        ["PRAGMA application_id = 1"],
    ],
)
def test_a_database_of_something_else_stays_as_it_is(tmp_path, statements):
    path = tmp_path / "audit.db"
    alter(path, *statements)
    before = path.read_bytes()
    copy = AuditCopy(path, Lines({}))
    for use in (copy.refresh, lambda: copy.search("", None, 20), lambda: list(copy.records())):
        with pytest.raises(Refused, match="not a copy of the journal that Ferry made"):
            use()
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_copy(tmp_path):
    path = tmp_path / "audit.db"
    path.touch()
    assert read_head(path) is None
    AuditCopy(path, Lines({})).refresh()
    assert len(entries_of(path)) == 1
    assert sqlite3.connect(path).execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lose_the_table(path: Path) -> None:
    alter(path, "DROP TABLE journal")


def put_an_old_one_back(path: Path) -> None:
    alter(path, "DELETE FROM journal WHERE seq > 5")


@pytest.mark.parametrize("spoil", [remove, empty, lose_the_table, put_an_old_one_back])
def test_a_copy_that_is_lost_while_the_bot_runs_is_made_again(copy, store, tmp_path, spoil):
    path = tmp_path / "audit.db"
    for _ in range(2):  # the second time, the copy knows that there is nothing new
        copy.refresh()
    spoil(path)
    assert deeds(copy, "m-1") == [CONFIRMED, ASKED]
    assert tuple(entries_of(path)) == store.journal()


@pytest.mark.parametrize("spoil", [remove, empty, lose_the_table])
def test_a_copy_that_is_lost_is_no_witness(copy, tmp_path, spoil):
    copy.refresh()
    assert read_head(tmp_path / "audit.db") is not None
    spoil(tmp_path / "audit.db")
    assert read_head(tmp_path / "audit.db") is None


def test_a_file_that_is_no_copy_is_refused(tmp_path):
    path = tmp_path / "audit.db"
    path.write_text("these are somebody's notes, and not a database of any kind")
    with pytest.raises(Refused, match="cannot be used"):
        AuditCopy(path, Lines({})).refresh()
    assert path.read_text().startswith("these are")
    with pytest.raises(Refused, match="there is no file"):
        verify_copy(tmp_path / "none.db")
    alter(tmp_path / "other.db", "CREATE TABLE other (x)")
    with pytest.raises(Refused, match="holds no journal"):
        verify_copy(tmp_path / "other.db")
    assert read_head(tmp_path / "other.db") is None  # no witness; the journal can be verified without


def test_whoever_reads_and_stands_still_keeps_nobody_from_writing(tmp_path):
    """A pager takes the first records and waits for a person."""
    path, journal = tmp_path / "audit.db", Lines(*({"operation": f"m-{number}"} for number in range(2 * PAGE + 5)))
    records = AuditCopy(path, journal).records()
    read = [next(records).seq]
    writer = sqlite3.connect(path, timeout=0, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    writer.execute("ROLLBACK")
    writer.close()
    journal.add()
    AuditCopy(path, journal).refresh()
    read.extend(record.seq for record in records)
    assert read == list(range(2 * PAGE + 5, 0, -1))


# Tampering with the copy


def test_a_copy_says_as_much_as_the_journal(copy, store, tmp_path):
    copy.refresh()
    assert verify_copy(tmp_path / "audit.db") == verify(store.journal())


def test_tampering_with_an_entry_shows(copy, tmp_path):
    copy.refresh()
    alter(tmp_path / "audit.db", "UPDATE journal SET body = replace(body, 'U0BOB', 'U0EVE') WHERE event = 'confirm'")
    found = verify_copy(tmp_path / "audit.db")
    assert found.broken is not None
    assert found.broken.reason == "entry 3 was changed after it was written"
    assert found.entries == 2


@pytest.mark.parametrize("column", [column for column in COLUMNS if column not in ("seq", "operation", "hash")])
@pytest.mark.parametrize("seq", [1, 3, 8])
def test_tampering_with_what_people_read_shows(copy, store, tmp_path, capsys, column, seq):
    copy.refresh()
    path = tmp_path / "audit.db"
    alter(path, f"UPDATE journal SET {column} = 'doctored' WHERE seq >= {seq}")
    found = verify_copy(path)
    assert found.broken is not None
    assert (found.broken.seq, found.entries) == (seq, seq - 1)
    assert found.head == (store.journal()[seq - 2].hash if seq > 1 else GENESIS)
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(path)])
    assert ended.value.code == 1
    assert f"does not hold: entry {seq} shows another {column} than it tells" in capsys.readouterr().out.replace(
        "\n", ""
    )


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM journal WHERE seq = 4",
        "UPDATE journal SET seq = -1 WHERE seq = 1",
        "UPDATE journal SET operation = 'm-2' WHERE seq = 4",
        "UPDATE journal SET body = CAST(body AS BLOB) WHERE seq = 4",
    ],
)
def test_tampering_with_rows_shows(copy, tmp_path, statement):
    copy.refresh()
    alter(tmp_path / "audit.db", statement)
    assert verify_copy(tmp_path / "audit.db").broken is not None


def test_a_copy_that_cannot_be_read_is_refused(copy, tmp_path):
    copy.refresh()
    alter(tmp_path / "audit.db", "UPDATE journal SET body = x'ff' WHERE seq = (SELECT max(seq) FROM journal)")
    for use in (verify_copy, read_head):
        with pytest.raises(Refused, match="no Ferry wrote there"):
            use(tmp_path / "audit.db")


def test_an_operation_that_is_in_many_pages_shows_the_same_in_each(tmp_path):
    move = {"move": {"vm_name": "VM-01", "source": "host01"}}
    journal = Lines({"plan": move}, *({"event": "progress"} for _ in range(2 * BATCH)))
    path = tmp_path / "audit.db"
    copy = AuditCopy(path, journal)
    assert {record.vm for record in copy.records()} == {"VM-01"}
    assert verify_copy(path).entries == 2 * BATCH + 1
    alter(path, f"UPDATE journal SET vm = 'VM-02' WHERE seq = {BATCH + 7}")
    broken = verify_copy(path).broken
    assert broken is not None
    assert broken.reason == f"entry {BATCH + 7} shows another vm than it tells"


# The journal that the command line opens


def test_a_journal_that_a_newer_ferry_wrote_is_not_read(store):
    with store.database.writing() as connection:
        connection.execute(sa.text("UPDATE ferry_schema SET version = 99"))
    with pytest.raises(FerryError, match="written by a newer Ferry: its tables have version 99") as refused:
        open_journal(store.database.url).__enter__()
    with pytest.raises(FerryError) as starting:
        store.migrate()
    assert (refused.value.message, refused.value.hint) == (starting.value.message, starting.value.hint)


@pytest.mark.parametrize(
    "url", ["postgresql://ferry:se@cr:et@server:5432/ferry", "postgresql://ferry:x@cret:y/z@server/ferry"]
)
def test_a_url_that_cannot_be_read_is_not_shown(url):
    with pytest.raises(FerryError) as refused:
        open_journal(url).__enter__()
    shown = "".join(traceback.format_exception(refused.value.with_traceback(None)))
    assert "database_url" in shown
    assert "cr:et" not in shown
    assert "cret" not in shown


# An ordinary file


def test_other_tools_read_it(copy, tmp_path):
    copy.refresh()
    path = str(tmp_path / "audit.db")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    words = "SELECT j.event FROM journal j JOIN journal_fts ON j.seq = journal_fts.rowid WHERE journal_fts MATCH 'gone'"
    assert connection.execute(words).fetchall() == [("succeed",)]
    connection.close()
    tool = Path(sys.executable).with_name("sqlite-utils")
    told = subprocess.run([tool, "search", path, "journal", "nothing"], capture_output=True, text=True, check=True)
    assert [row["event"] for row in json.loads(told.stdout)] == ["decline"]


# What is handed out


def record(name: str) -> Record:
    return Record(
        seq=1, at=NOON.isoformat(), operation="m-1", event="propose", vm=name, summary=f"{name} on", hash="f" * 64
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_a_table_holds_one_printable_line_for_each_record(name):
    out = io.StringIO()
    write_table([record(name), record("VM-01")], out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("name", [*HOSTILE, "+1", "-1", "@x", "\tx"])
def test_a_spreadsheet_gets_no_formula(name):
    out = io.StringIO()
    write_csv([record(name)], out)
    head, row = list(csv.reader(io.StringIO(out.getvalue())))
    assert tuple(head) == COLUMNS
    assert row[head.index("vm")] in (name, f"'{name}")
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_holds_everything_as_it_is(count):
    out = io.StringIO()
    records = [record(name) for name in HOSTILE[:count]]
    write_json(records, out)
    assert [Record.model_validate(each) for each in json.loads(out.getvalue())] == records
