"""`ferry doctor` against real ends: what is well, what is not and what it says then, and that nobody delays anybody."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.app import SystemClock
from bot.cli import main
from bot.core.plan import Finding, Level
from bot.doctor import Further, examine_all
from bot.hyperv import kerberos
from bot.hyperv.cmdlets import CMDLETS as FERRYS
from bot.hyperv.cmdlets import Cmdlet
from bot.hyperv.probe import examine_host
from bot.lab import engine
from bot.lab.cmdlets import CMDLETS, HyperVMachine
from bot.lab.prepared import ENDPOINT, PLAIN, configurations
from bot.lab.running import PASSWORD, USER, RunningLab, render_toml
from bot.lab.scenario import small
from bot.lab.slack import SlackServer
from bot.lab.winrm import WinRmServer
from bot.lab.world import RunningClock
from bot.operations.probe import examine_database
from bot.operations.store import Store
from bot.operations.store.tables import schema
from bot.settings import HostSettings, SlackSettings
from bot.slack.probe import examine_slack

SECRETS = (PASSWORD, "xoxb-", "xapp-")


class Lab:
    def __init__(self, folder: Path, cleanup: ExitStack) -> None:
        self.running = cleanup.enter_context(RunningLab(small(RunningClock(50)), folder, slack=SlackServer()))
        self.secure = cleanup.enter_context(RunningLab(small(RunningClock(50)), folder, tls=True))
        self._cleanup = cleanup

    def settings(self, **changes: Any) -> HostSettings:
        """host01's."""
        remote, host = self.running.remote_settings(), self.running.host_settings()["host01"]
        return HostSettings.model_validate({**remote, **host, "connect_timeout_s": 2, **changes})

    def secure_settings(self, **changes: Any) -> HostSettings:
        remote, host = self.secure.remote_settings(), self.secure.host_settings()["host01"]
        return HostSettings.model_validate({**remote, **host, "connect_timeout_s": 2, **changes})

    def slack(self, server: SlackServer | None = None, **changes: Any) -> SlackSettings:
        lab = RunningLab.slack_settings(self.running)
        if server is not None:
            self.running.call(server.start())
            self._cleanup.callback(lambda: self.running.call(server.stop()))
            lab |= {"bot_token": server.bot_token, "app_token": server.app_token, "api_url": server.api_url}
        return SlackSettings.model_validate({**lab, **changes})

    def host_with(self, *, without: str = "", role: tuple[Cmdlet, ...] = ()) -> HostSettings:
        """A host that lacks a cmdlet, or that has the role of a Ferry that sent these."""
        world = self.running.world
        kept = tuple(cmdlet for cmdlet in CMDLETS if cmdlet.name != without)
        server = _server(HyperVMachine(world, world.host("HOST01"), kept), role)
        self.running.call(server.start())
        self._cleanup.callback(lambda: self.running.call(server.stop()))
        return HostSettings(
            address="127.0.0.1",
            port=server.port,
            tls=False,
            authentication="ntlm",
            username=USER,
            password=SecretStr(PASSWORD),
            configuration=ENDPOINT if role else PLAIN,
        )


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with ExitStack() as cleanup:
        yield Lab(tmp_path_factory.mktemp("lab"), cleanup)


def told(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {finding.code: finding for finding in findings}


def last(findings: Iterator[Finding]) -> Finding:
    return list(findings)[-1]


class TestHosts:
    def test_one_that_is_well_is_told_step_by_step(self, lab: Lab) -> None:
        found = told(examine_host("host01", lab.settings()))
        assert list(found) == ["name", "port", "tls", "clock", "authentication", "endpoint", "cmdlets", "reading"]
        assert {finding.level for finding in found.values()} == {Level.FINE}
        assert found["authentication"].text == f"logged on as {USER} by ntlm"
        assert found["tls"].text == "no TLS: ntlm encrypts the messages"
        assert "virtual machines can be read" in found["reading"].text

    def test_a_certificate_is_shown(self, lab: Lab) -> None:
        found = told(examine_host("host01", lab.secure_settings()))
        assert found["tls"].level is Level.FINE
        assert "the certificate says localhost, 127.0.0.1, valid " in found["tls"].text
        assert found["reading"].level is Level.FINE

    def test_one_that_is_about_to_expire_and_one_that_is_not_checked_are_warned_of(self, lab: Lab) -> None:
        soon = lab.secure.authority.server_for("localhost", "127.0.0.1", until=timedelta(days=3))
        with _endpoint(lab, soon) as port:
            found = told(examine_host("host01", lab.secure_settings(port=port)))
        assert found["tls"].level is Level.WARNING
        assert "it expires soon" in found["tls"].text
        assert told(examine_host("host01", lab.secure_settings(verify=False)))["tls"].level is Level.WARNING

    @pytest.mark.parametrize(
        ("changes", "code", "text", "hint"),
        [
            ({"address": "host01.invalid"}, "name", "the name host01.invalid does not resolve", "Check `address`"),
            ({"port": 1}, "port", "127.0.0.1:1 refused the connection", "winrm enumerate winrm/config/listener"),
            ({"tls": True, "ca_bundle": None}, "tls", "does not speak TLS as expected", "Check `port` and `tls`"),
            ({"password": "wr0ng"}, "authentication", f"it did not accept the account {USER} by ntlm", "`password`"),
            ({"configuration": "Nope"}, "endpoint", "it has no session configuration named Nope", "Get-PSSession"),
        ],
    )
    def test_what_stops_ferry_ends_the_examination(
        self, lab: Lab, changes: dict[str, object], code: str, text: str, hint: str
    ) -> None:
        finding = last(examine_host("host01", lab.settings(**changes)))
        assert (finding.level, finding.code) == (Level.BLOCKING, code)
        assert text in finding.text
        assert hint in finding.hint
        assert finding.needed

    def test_a_certificate_that_is_refused_is_told_with_what_it_says(self, lab: Lab) -> None:
        other = lab.secure.authority.server_for("host02.contoso.com", since=timedelta(days=-9), until=timedelta(days=9))
        with _endpoint(lab, other) as port:
            finding = last(examine_host("host01", lab.secure_settings(port=port, address="localhost")))
        assert (finding.level, finding.code) == (Level.BLOCKING, "tls")
        assert "is for another name; it says host02.contoso.com, valid " in finding.text
        assert "signed by CN=Ferry lab authority" in finding.text
        unknown = last(examine_host("host01", lab.secure_settings(ca_bundle=None)))
        assert "is signed by a CA that this machine does not know" in unknown.text

    def test_a_cmdlet_that_is_missing_is_named(self, lab: Lab) -> None:
        found = told(examine_host("host01", lab.host_with(without="Move-VM")))
        assert found["cmdlets"].level is Level.BLOCKING
        assert found["cmdlets"].text == "Microsoft.PowerShell does not show Move-VM"
        assert "Hyper-V" in found["cmdlets"].hint
        assert found["reading"].level is Level.FINE

    def test_a_role_of_another_version_is_told_by_what_it_does_not_take(self, lab: Lab) -> None:
        older = tuple(
            replace(one, parameters=tuple(it for it in one.parameters if it.name != "DestinationStoragePath"))
            if one.name in ("Move-VM", "Move-VMStorage")
            else one
            for one in FERRYS
        )
        found = told(examine_host("host01", lab.host_with(role=older)))
        assert found["cmdlets"].level is Level.BLOCKING
        lacking = "-DestinationStoragePath of Move-VM, -DestinationStoragePath of Move-VMStorage"
        assert found["cmdlets"].text == f"{ENDPOINT} does not take {lacking}"
        assert "Generate the role anew with `ferry jea`" in found["cmdlets"].hint
        assert found["reading"].level is Level.FINE

    def test_without_get_command_what_is_read_is_what_is_known(self, lab: Lab) -> None:
        found = told(examine_host("host01", lab.host_with(without="Get-Command")))
        assert found["cmdlets"].text == "it does not tell what it shows (no Get-Command)"
        assert found["reading"].level is Level.FINE
        blind = last(examine_host("host01", lab.host_with(without="Get-VMHost")))
        assert (blind.level, blind.code) == (Level.BLOCKING, "reading")

    @pytest.mark.parametrize(("minutes", "level"), [(2, Level.WARNING), (-2, Level.WARNING), (10, Level.WARNING)])
    def test_a_clock_that_differs(self, lab: Lab, minutes: int, level: Level) -> None:
        with _listener(401, timedelta(minutes=minutes)) as port:
            found = told(examine_host("host01", lab.settings(port=port)))
        assert found["clock"].level is level
        assert ("ahead of" if minutes > 0 else "behind") in found["clock"].text

    @pytest.mark.skipif(kerberos.installed(), reason="the optional extra is installed here")
    def test_kerberos_without_its_libraries(self, lab: Lab) -> None:
        finding = last(examine_host("host01", lab.settings(authentication="kerberos")))
        assert (finding.code, finding.text) == ("authentication", "the libraries of Kerberos are not installed")
        assert "uv sync --extra kerberos" in finding.hint

    def test_something_else_that_listens(self, lab: Lab) -> None:
        with _listener(404) as port:
            finding = last(examine_host("host01", lab.settings(port=port)))
        assert (finding.code, finding.text) == ("port", f"127.0.0.1:{port} answered with HTTP status 404")


class TestSlack:
    def test_tokens_scopes_and_socket(self, lab: Lab) -> None:
        found = told(examine_slack(lab.slack()))
        assert list(found) == ["tokens", "scopes", "socket"]
        assert {finding.level for finding in found.values()} == {Level.FINE}

    def test_scopes_that_are_missing_are_named(self, lab: Lab) -> None:
        found = told(examine_slack(lab.slack(SlackServer(scopes=["chat:write", "commands"]), bare_channels=[])))
        assert found["scopes"].level is Level.BLOCKING
        assert found["scopes"].text == "the bot token lacks app_mentions:read, files:write, im:history, im:write"

    @pytest.mark.parametrize(
        ("changes", "code", "text"),
        [
            ({"bot_token": ""}, "tokens", "SLACK_BOT_TOKEN is empty"),
            ({"bot_token": "xoxb-wrong"}, "tokens", "Slack refused: invalid_auth"),
            ({"app_token": "xapp-wrong"}, "socket", "Slack refused: invalid_auth"),
            ({"api_url": "http://127.0.0.1:1/api/"}, "tokens", "Slack could not be reached"),
        ],
    )
    def test_what_slack_does_not_take(self, lab: Lab, changes: dict[str, str], code: str, text: str) -> None:
        finding = told(examine_slack(lab.slack(**changes)))[code]
        assert finding.level is Level.BLOCKING
        assert finding.text.startswith(text)
        assert finding.hint

    def test_user_groups_that_rules_name_are_looked_up(self, lab: Lab) -> None:
        assert lab.running.slack is not None
        group = lab.running.slack.set_group("approvers", ["bob", "carol"])
        findings = [one for one in examine_slack(lab.slack(), (group, "S0GONE"), ruled=True) if one.code == "groups"]
        assert [(one.level, one.text) for one in findings] == [
            (Level.FINE, f"the user group {group} has 2 members"),
            (Level.BLOCKING, "the user group S0GONE: Slack refused: no_such_subteam"),
        ]

    def test_nobody_who_may_command_is_a_warning(self, lab: Lab) -> None:
        assert told(examine_slack(lab.slack(allow=[], operators=[])))["people"].level is Level.WARNING


class TestDatabase:
    def test_one_that_is_not_there_yet_is_not_made(self, tmp_path: Path) -> None:
        file = tmp_path / "folder" / "ferry.sqlite"
        assert last(examine_database(f"sqlite:///{file}")).level is Level.FINE
        assert not file.parent.exists()

    def test_one_that_is_there(self, tmp_path: Path) -> None:
        url = _made(tmp_path)
        found = told(examine_database(url))
        assert list(found) == ["database", "writing"]
        assert found["database"].text.startswith("SQLite answers; its tables have version ")

    def test_one_of_a_newer_ferry(self, tmp_path: Path) -> None:
        url = _made(tmp_path)
        with sqlite3.connect(tmp_path / "ferry.sqlite") as connection:
            connection.execute(f"UPDATE {schema.name} SET version = 99")
        finding = last(examine_database(url))
        assert finding.level is Level.BLOCKING
        assert "was written by a newer Ferry" in finding.text

    def test_one_that_somebody_holds(self, tmp_path: Path) -> None:
        url = _made(tmp_path)
        with sqlite3.connect(tmp_path / "ferry.sqlite", isolation_level=None) as holder:
            holder.execute("BEGIN IMMEDIATE")
            finding = last(examine_database(f"{url}?timeout=0.2"))
        assert (finding.level, finding.text) == (Level.BLOCKING, "the database cannot be used: database is locked")

    def test_a_file_that_is_none_and_a_server_that_is_not_there(self, tmp_path: Path) -> None:
        (tmp_path / "ferry.sqlite").write_text("not a database, and longer than its header would be" * 9)
        assert last(examine_database(f"sqlite:///{tmp_path}/ferry.sqlite")).level is Level.BLOCKING
        finding = last(examine_database("postgresql://ferry:s3cret@127.0.0.1:1/ferry"))
        assert finding.level is Level.BLOCKING
        assert "s3cret" not in finding.text + finding.hint


class TestAllOfIt:
    def test_one_that_never_answers_delays_nobody_and_is_told_at_the_limit(self) -> None:
        answer = threading.Event()

        def never() -> Iterator[Finding]:
            yield _fine("a first step")
            answer.wait()

        reports = examine_all({"host01": never, **{f"host{number}": _well for number in range(2, 99)}}, 0.5)
        seen = list(reports)
        answer.set()
        assert [report.about for report in seen if not report.well] == ["host01"]
        assert seen[-1].about == "host01"
        assert [finding.text for finding in seen[-1].findings] == ["a first step", "no further answer within 0.5 s"]

    def test_what_is_found_on_the_way_is_examined_too(self) -> None:
        def cluster() -> Iterator[Finding | Further]:
            yield _fine("it tells of a node")
            yield Further("host02", _well)

        seen = {report.about: report for report in examine_all({"cluster hvc1": cluster, "host01": _well}, 5)}
        assert seen.keys() == {"cluster hvc1", "host01", "host02"}
        assert all(report.well for report in seen.values())

    def test_a_bug_in_one_examination_hides_no_other(self) -> None:
        def broken() -> Iterator[Finding]:
            raise KeyError("secret")

        seen = {report.about: report for report in examine_all({"host01": broken, "host02": _well}, 5)}
        assert seen["host02"].well
        assert [finding.text for finding in seen["host01"].findings] == ["the examination broke down: KeyError"]


class TestCommand:
    @pytest.fixture(autouse=True)
    def _settings(self, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in os.environ if name.startswith("FERRY_")]:
            monkeypatch.delenv(name)
        monkeypatch.chdir(tmp_path)
        slack = lab.slack()
        monkeypatch.setenv("SLACK_BOT_TOKEN", slack.bot_token.get_secret_value())
        monkeypatch.setenv("SLACK_APP_TOKEN", slack.app_token.get_secret_value())
        monkeypatch.setenv("SLACK_API_URL", slack.api_url)
        monkeypatch.setenv("FERRY_SLACK__ALLOW", ",".join(slack.allow))
        monkeypatch.delenv("DATABASE_URL", raising=False)
        Path("ferry.toml").write_text(render_toml(lab.running))

    def test_all_is_well_in_the_lab_and_no_secret_is_shown(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert _ferry("doctor") == 0
        shown = capsys.readouterr().out
        assert shown.splitlines()[0] == "settings"
        assert shown.splitlines()[-1] == "All is well."
        assert {"database", "slack", "host01", "host02", "host03"} <= set(shown.splitlines())
        assert not [secret for secret in SECRETS if secret in shown]

    def test_for_scripts(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("FERRY_HOSTS__HOST02__PORT", "1")
        assert _ferry("doctor", "--json") == 1
        shown = capsys.readouterr().out
        answer = json.loads(shown)
        well = {report["about"]: report["well"] for report in answer["reports"]}
        assert not answer["well"]
        assert {about for about, is_well in well.items() if not is_well} == {"host02"}
        assert well.keys() == {"settings", "database", "slack", "host01", "host02", "host03"}
        finding = next(report for report in answer["reports"] if report["about"] == "host02")["findings"][-1]
        assert finding.keys() == {"level", "code", "text", "needed", "hint"}
        assert (finding["level"], finding["code"]) == ("blocking", "port")
        assert not [secret for secret in SECRETS if secret in shown]

    def test_settings_that_cannot_be_read_are_told_like_all_else(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("ferry.toml").write_text('[hosts.host01]\nadress = "host01"\n')
        assert _ferry("doctor") == 1
        assert "did you mean address?" in capsys.readouterr().out


def _ferry(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def _well() -> Iterator[Finding]:
    yield _fine("well")


def _fine(text: str) -> Finding:
    return Finding(level=Level.FINE, code="step", text=text)


def _made(folder: Path) -> str:
    url = f"sqlite:///{folder}/ferry.sqlite"
    store = Store(url, SystemClock())
    store.migrate()
    store.close()
    return url


def _server(machine: HyperVMachine, role: tuple[Cmdlet, ...] = ()) -> WinRmServer:
    return WinRmServer(
        "HOST01",
        {USER: PASSWORD},
        lambda command, user, visible: engine.run(command, machine, user, visible),
        configurations=configurations(role) if role else {PLAIN: None},
    )


@contextmanager
def _endpoint(lab: Lab, tls: Any) -> Iterator[int]:
    """A port that shows this certificate."""
    machine = HyperVMachine(lab.running.world, lab.running.world.host("HOST01"), CMDLETS)
    server = _server(machine)
    lab.running.call(server.start(tls=tls))
    yield server.port
    lab.running.call(server.stop())


@contextmanager
def _listener(status: int, ahead: timedelta = timedelta()) -> Iterator[int]:
    """A port that answers everything with this status, by a clock of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) + ahead, usegmt=True)

        def log_message(self, *_: object) -> None:
            """Not on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield listening.server_port
        listening.shutdown()
        thread.join()
