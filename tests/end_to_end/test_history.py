"""The past, asked for in chat and on the command line, and verified beside a bot that is running."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli import main
from bot.core.journal import read_anchor
from tests.ferry import Ferry


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    """VM-01 was moved by Alice and Bob; Mallory asked for VM-02."""
    with Ferry(tmp_path_factory.mktemp("lab"), speed=100, rate_limits=False) as ferry:
        card = ferry.say("migrate VM-01 to host02")
        ferry.press(card, "Confirm", who="bob")
        ferry.wait_until_ended(card)
        ferry.say("migrate VM-02 to host02 and tell nobody", who="mallory")
        ferry.say("migrate VM-02 to host02", who="mallory")
        yield ferry


@pytest.fixture
def config(lab: Ferry, tmp_path: Path) -> str:
    path = tmp_path / "ferry.toml"
    path.write_text(f"[operations]\ndatabase_url = 'sqlite:///{lab.folder.as_posix()}/ferry.sqlite'\n")
    return str(path)


def ferry(*arguments: str) -> int:
    """The exit status."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


ASKED = "@alice asked for m-1: migrate VM-01 to host02 · succeeded: running on host02, gone from host01"
CONFIRMED = "@bob confirmed m-1: VM-01 from host01 to host02 · succeeded: running on host02, gone from host01"
REFUSED = '@mallory was refused: migrate VM-02 to host02: told "you are not on Ferry\'s allow list"'
NOT_READ = '@mallory was refused: migrate: told "you are not on Ferry\'s allow list"'


@pytest.mark.parametrize(
    ("said", "title", "deeds"),
    [
        ("history", "History, newest first", [REFUSED, NOT_READ, CONFIRMED, ASKED]),
        ("history VM-01", "History of VM-01, newest first", [CONFIRMED, ASKED]),
        ("history host01 since 2h", "History of host01 in the last 2h, newest first", [CONFIRMED, ASKED]),
        ("history m-1 since 3d", "History of m-1 in the last 3d, newest first", [CONFIRMED, ASKED]),
        ("history @bob", "History of @bob, newest first", [CONFIRMED]),
        ("history <!here>", None, []),
        ('history "<x> & _y_"', "Nothing that anybody did is on record of <x> & _y_", []),
        ("history '\"'", 'Nothing that anybody did is on record of "', []),
        ("history allow", "History that mentions allow, newest first", [REFUSED, NOT_READ]),
    ],
)
def test_history_in_chat(lab: Ferry, said: str, title: str | None, deeds: list[str]) -> None:
    if "@bob" in said:
        said = said.replace("@bob", f"<@{lab.server.user_id('bob')}>")
    first, *rest = lab.text(lab.say(said)).splitlines()
    if title is None:
        assert "is a mention" in first
        return
    assert first == title
    assert [line.split(" · ", 1)[1] for line in rest] == deeds


def test_an_anchor_said_in_chat_is_what_verify_takes(
    lab: Ferry, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = lab.text(lab.say("anchor"))
    assert read_anchor(said) is not None
    assert ferry("verify", "--anchor", said, "--config", config) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("the journal holds: ")
    assert "compared with the anchor" in shown


def test_the_command_line_lists_and_exports(lab: Ferry, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ferry("history", "VM-01", "--config", config) == 0
    assert "running on host02, gone from host01" in capsys.readouterr().out
    assert ferry("history", "m-1", "--since", "2h", "--json", "--config", config) == 0
    events = [record["event"] for record in json.loads(capsys.readouterr().out)]
    assert events == ["succeed", "verify", "start", "grant", "confirm", "propose"]
    assert ferry("history", "--csv", "--config", config) == 0
    assert capsys.readouterr().out.startswith("seq,at,operation,event,who,")
    assert ferry("history", "--since", "long", "--config", config) == 2
    assert "like 90min, 2h or 3d" in capsys.readouterr().err


def test_what_a_stranger_wrote_is_nowhere_in_the_journal(lab: Ferry) -> None:
    assert all("nobody" not in entry.body for entry in lab.bot.store.journal())


def test_a_journal_that_was_tampered_with_is_found_and_where(
    lab: Ferry, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a copy of the running bot's database."""
    anchor = lab.text(lab.say("anchor"))
    stolen = tmp_path / "ferry.sqlite"
    source, target = sqlite3.connect(lab.folder / "ferry.sqlite"), sqlite3.connect(stolen)
    source.backup(target)
    source.close()
    for trigger in ("journal_keeps", "journal_stays"):
        target.execute(f"DROP TRIGGER {trigger}")
    target.execute("DELETE FROM journal WHERE seq > 5")
    target.commit()
    target.close()
    Path(config).write_text(f"[operations]\ndatabase_url = 'sqlite:///{stolen.as_posix()}'\n")
    assert ferry("verify", "--config", config) == 0
    capsys.readouterr()
    assert ferry("verify", "--anchor", anchor, "--config", config) == 1
    shown = capsys.readouterr().out
    assert "the journal does not hold: it ends with entry 5; what was kept elsewhere knows of entry" in shown
    assert "entries 1 to 5 hold" in shown


def test_the_copy_can_be_verified_alone_and_is_a_witness(
    lab: Ferry, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ferry("history", "--config", config) == 0
    capsys.readouterr()
    copy = lab.folder / "audit.db"
    assert ferry("verify", str(copy)) == 0
    assert f"{copy} holds" in capsys.readouterr().out
    assert ferry("verify", "--config", config) == 0
    assert "compared with audit.db" in capsys.readouterr().out


def test_verify_explains_what_it_cannot_take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "ferry.toml"
    config.write_text(f"[operations]\ndatabase_url = 'sqlite:///{tmp_path.as_posix()}/none.sqlite'\n")
    assert ferry("verify", "--config", str(config)) == 2
    assert "there is no database" in capsys.readouterr().err
    assert ferry("verify", "--anchor", "nonsense", "--config", str(config)) == 2
    assert "holds no anchor" in capsys.readouterr().err
