"""No secret of the deployment is ever written down: not in the log at its most talkative, not in the raw bytes of
either database and its log of changes, not in the audit copy, not in anything that Slack was ever given. Over a run in
which much fails: wrong passwords, Slack's errors and resets, rows that cannot be read, databases that are not there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.app import build
from bot.errors import FerryError
from bot.hyperv import kerberos
from bot.lab.running import PASSWORD
from bot.lab.slack import Fault
from bot.log import to_file
from bot.operations.store import Store
from bot.settings import Settings
from tests.ferry import Ferry
from tests.postgres import Postgres

SIGNING, DATABASE, WRONG, KERBEROS = "s1gn-Zq7Lw2xVb9", "d8-Hf3kPq6mTz", "wr0ng-Rj4vNc8yXe", "k3rb-Wd5sGu1oBi"
SECRETS = (PASSWORD, SIGNING, DATABASE, WRONG, KERBEROS)
BEARING = ("Bearer ", "TlRMTVNT", "ticket=")  # how tokens and answers to challenges look on the wire


class Leaky(Ferry):
    """A Ferry with as many secrets as there are, of which some are wrong; it logs all it can."""

    def __init__(self, folder: Path, database_url: str) -> None:
        super().__init__(folder, rate_limits=False)
        self.database_url = database_url

    def settings(self) -> dict[str, Any]:
        given = self.lab.settings(self.folder / "ferry.sqlite")
        given["slack"] |= {"signing_secret": SIGNING}
        given["operations"] |= {"database_url": self.database_url}
        given["hosts"]["host03"] |= {"password": WRONG}
        given["hosts"]["host04"] = {"address": "127.0.0.1", "port": given["hosts"]["host01"]["port"]} | {
            "authentication": "kerberos" if kerberos.installed() else "negotiate",
            "username": "ferry@EXAMPLE.COM",
            "password": KERBEROS,
        }
        return given

    def start(self) -> None:
        self.bot = build(Settings.model_validate(self.settings()))
        self.bot.start()


@contextmanager
def logging_to(file: Path) -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    to_file(file, "debug")
    try:
        yield
    finally:
        for handler in set(root.handlers) - set(before):
            handler.close()
        root.handlers[:] = before
        root.setLevel(level)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Callable[[], dict[str, bytes]]]]:
    """The database's URL, and the raw bytes that it has written."""
    if request.param == "sqlite":
        yield f"sqlite:///{(tmp_path / 'ferry.sqlite').as_posix()}", dict
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = server.create()
    yield server.url(name).replace("postgres@", f"postgres:{DATABASE}@"), lambda: server.read_files(name)
    server.drop(name)


def fail_in_many_ways(ferry: Ferry) -> None:
    card = ferry.say("migrate VM-01 to host02")
    ferry.server.fail_next("chat.update", Fault(status=500))
    ferry.server.fail_next("chat.postMessage", Fault(reset="after"))
    ferry.press(card, "Confirm")
    ferry.wait_until_ended(card)
    assert "password" in ferry.text(ferry.say("migrate VM-02 to host03"))
    ferry.ask("check all")
    ferry.say("vms on host04")
    ferry.server.refresh_sockets()
    ferry.say("migrate VM-01 to host01", who="mallory")
    operation = ferry.operation(card).id
    break_row(ferry, operation)
    assert "incident" in ferry.text(ferry.say(f"status {operation}")).lower()


def break_row(ferry: Ferry, operation: str) -> None:
    """So that reading it is a mistake of ours, with a traceback."""
    with ferry.bot.store.database.writing() as connection:
        connection.execute(sa.text("UPDATE operation SET plan = '{}' WHERE id = :id"), {"id": operation})


def log_failed_starts(settings: dict[str, Any]) -> None:
    """As the command line would, if it did not know these errors."""
    for change in ({"bot_token": "xoxb-no"}, {"app_token": "xoxb-no"}, {"api_url": "http://127.0.0.1:1/"}):
        with suppress(FerryError):
            build(Settings.model_validate(settings | {"slack": settings["slack"] | change}))
    for url in (f"postgresql://ferry:{DATABASE}@127.0.0.1:1/ferry", f"mysql://ferry:{DATABASE}@127.0.0.1/ferry"):
        try:
            Store(url, None).migrate()  # type: ignore[arg-type]
        except FerryError:
            logging.exception("start failed")
    try:
        Settings.model_validate(settings | {"remote": settings["remote"] | {"password": [WRONG]}})
    except ValueError:
        logging.exception("settings")
    logging.debug("settings %r", Settings.model_validate(settings))


def test_no_secret_is_written_anywhere(tmp_path: Path, place: tuple[str, Callable[[], dict[str, bytes]]]) -> None:
    url, read_database = place
    with logging_to(tmp_path / "ferry.log"), Leaky(tmp_path, url) as ferry:
        fail_in_many_ways(ferry)
        log_failed_starts(ferry.settings())
        found = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} | read_database()
        given = [*ferry.server.workspace.messages(), ferry.server.views, *ferry.server.deliveries()]
        found["slack"] = "\n".join(map(repr, given)).encode()
        secrets = (*SECRETS, *BEARING, ferry.server.bot_token, ferry.server.app_token)
    log = found["ferry.log"]
    assert b" DEBUG " in log
    assert log.count(b"Traceback (most recent call last)") >= 2
    assert any(b"VM-01" in content for name, content in found.items() if name.startswith(("ferry.sqlite", "base/")))
    leaks = {name: [one for one in secrets if one.encode() in content] for name, content in found.items()}
    assert {name: leaked for name, leaked in leaks.items() if leaked} == {}
