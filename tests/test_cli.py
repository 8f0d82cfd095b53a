"""The command line as a person types it: what it prints, and its exit status."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from bot.app import SystemClock
from bot.cli import main
from bot.errors import FerryError
from bot.hyperv.fleet import HyperVFleet
from bot.lab.running import RunningLab, render_toml
from bot.lab.scenario import SCENARIOS, small
from bot.operations.store import Store
from bot.settings import load

ROOT = Path(__file__).parents[1]
FAST = ("--speed", "50")


@pytest.fixture(autouse=True)
def of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No settings of the machine that runs the tests; and the log's handlers are given back."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_API_URL", "DATABASE_URL", "FERRY_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers, root.level = handlers, level


def ferry(*arguments: str) -> int:
    """The exit status."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def test_what_needs_no_bot_loads_none_of_it() -> None:
    """Help and `parse` answer at once: a bot, a lab and their libraries take seconds to import on a small machine."""
    program = """
import sys
from bot.cli import main
for words in (["--help"], ["parse", "hosts"], ["manifest"]):
    try:
        main(words)
    except SystemExit as ended:
        assert not ended.code, words
heavy = ("bot.app", "bot.lab", "bot.hyperv", "dbos", "sqlalchemy", "pypsrp", "slack_sdk", "slack_bolt", "aiohttp")
print(sorted(set(heavy) & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "[]\n")


@pytest.mark.parametrize("command", ["lab", "say"])
def test_help_names_every_scenario(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ferry(command, "--help") == 0
    assert f"which simulated estate: {', '.join(SCENARIOS)}" in " ".join(capsys.readouterr().out.split())


# say


def test_say_shows_plan_progress_and_result_and_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert ferry("say", "migrate VM-01 to host02", "--yes", *FAST) == 0
    shown = capsys.readouterr().out
    for part in ("Move VM-01 from host01 to host02?", "[1 Confirm]", "m-1 · running", "VM-01 is on host02"):
        assert part in shown


@pytest.mark.parametrize(
    ("text", "scenario", "shown"),
    [
        ("migrate VM-99 to host02", "small", "no host has a virtual machine called VM-99"),
        ("migrate VM-10 to host03", "small", "4.0 of 64 GB free on host03"),
        ("migrate VM-06 to host02", "small", 'host02 has no switch "Backup"'),
        ("migrate VM-08 to host02", "small", "did not succeed"),
        ("migrate VM-01 to host02", "dead-host", "Ferry does not reach host02"),
        ("migrat VM-01 to host02", "small", "did you mean"),
    ],
)
def test_say_fails_where_the_operation_does_not_succeed(
    text: str, scenario: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ferry("say", text, "--yes", "--scenario", scenario, *FAST) == 1
    assert shown in " ".join(capsys.readouterr().out.replace("│", " ").split())


def test_say_waits_its_turn_at_a_busy_host_and_then_goes(capsys: pytest.CaptureFixture[str]) -> None:
    assert ferry("say", "migrate VM-01 to host02", "--yes", "--scenario", "busy-host", "--speed", "10") == 0
    shown = capsys.readouterr().out
    assert "m-1 · queued" in shown
    assert "2 not started by Ferry" in shown


def test_say_does_not_wait_for_what_begins_later_and_says_when_that_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert ferry("say", "migrate VM-01 to host02 at tomorrow 22:00", "--yes", "--limit", "20", *FAST) == 0
    shown = capsys.readouterr().out
    assert "m-1 · scheduled" in shown
    assert re.search(
        r"^scheduled: it would begin \d{4}-\d\d-\d\d 22:00 UTC, and this lab ends before that$", shown, re.MULTILINE
    )


def test_say_without_yes_confirms_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert ferry("say", "migrate VM-01 to host02", *FAST) == 1
    assert "m-1 · proposed" in capsys.readouterr().out


@pytest.mark.parametrize(("text", "shown"), [("hosts", "3 hosts, all answering"), ("help", "`migrate <vm> to <host>")])
def test_a_question_is_answered(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ferry("say", text) == 0
    assert shown in capsys.readouterr().out


def test_a_scenario_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert ferry("say", "hosts", "--scenario", "huge") == 2
    assert "needed: one of small, " in capsys.readouterr().err


# lab


def test_the_lab_says_where_a_browser_finds_it() -> None:
    command = [sys.executable, "-m", "bot", "lab", "--as", "bob"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdin is not None
        assert lab.stdout is not None
        address = re.match(r"In a browser: (http://127\.0\.0\.1:\d+/) · ", lab.stdout.readline())
        assert address is not None
        with urlopen(address[1]) as page, urlopen(f"{address[1]}page/events") as events:
            assert b"<title>Ferry's lab</title>" in page.read()
            events.readline()
            assert json.loads(events.readline().removeprefix(b"data: "))["me"] == "bob"
        lab.stdin.write("/quit\n")
        lab.stdin.close()
        assert lab.wait(30) == 0


def test_the_hosts_alone_can_be_reached_with_the_settings_printed(tmp_path: Path) -> None:
    with RunningLab(small(), tmp_path, tls=True) as lab:
        (tmp_path / "ferry.toml").write_text(render_toml(lab), encoding="utf-8")
        fleet = HyperVFleet(load(tmp_path / "ferry.toml").hosts)
        try:
            assert [vm.name for vm in fleet.read_vms("host02")[1]] == ["SQL-01", "SQL-02", "VM-07", "WEB-01"]
        finally:
            fleet.close()


# run


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", ["the settings name no host", "ferry lab --hosts-only"]),
        ("[hosts.host01]\nprot = 1", ["hosts.host01.prot", "did you mean port?"]),
        ("[hosts.host01]", ["SLACK_BOT_TOKEN is empty", "ferry manifest"]),
        (
            "[hosts.host01]\n[slack]\nbot_token = 'xoxb-1'\napi_url = 'http://127.0.0.1:9/api/'",
            ["SLACK_APP_TOKEN is empty"],
        ),
    ],
)
def test_run_explains_what_is_wrong_with_the_settings(
    content: str, told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("ferry.toml").write_text(content, encoding="utf-8")
    assert ferry("run") == 2
    explained = " ".join(capsys.readouterr().err.split())
    assert [each for each in told if each not in explained] == []


# parse and manifest


def test_parse_shows_what_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        ferry("parse", "@x Move Storage “VM 1” to \\\\<http://server01.contoso.com|server01.contoso.com>\\vmstore$\\")
        == 1
    )
    assert (
        ferry("parse", "Move Storage “VM 1” to \\\\<http://server01.contoso.com|server01.contoso.com>\\vmstore$\\") == 0
    )
    shown = capsys.readouterr().out
    assert "command    move storage" in shown
    assert "'\\\\\\\\server01.contoso.com\\\\vmstore$'" in shown
    assert 'same as    move storage "VM 1" \\\\server01.contoso.com\\vmstore$' in shown


def test_manifest_is_json_with_the_scopes_that_are_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert ferry("manifest") == 0
    manifest = json.loads(capsys.readouterr().out)
    assert "chat:write" in manifest["oauth_config"]["scopes"]["bot"]
    assert "channels:history" not in manifest["oauth_config"]["scopes"]["bot"]


# jea


def test_jea_writes_the_same_files_again_and_overwrites_no_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("jea", "--group", "CONTOSO\\Movers", "--gmsa", "CONTOSO\\svc-ferry$", "--out", str(tmp_path / "host"))
    assert ferry(*asked) == 0
    written = {Path(line) for line in capsys.readouterr().out.splitlines()}
    assert {tmp_path / "host" / name for name in ("README.txt", "Ferry.pssc")} < written
    assert all(file.is_file() for file in written)
    session = tmp_path / "host" / "Ferry.pssc"
    assert "'CONTOSO\\Movers'" in session.read_text(encoding="ascii")
    assert ferry(*asked) == 0
    session.write_text("mine", encoding="ascii")
    assert ferry(*asked) == 2
    assert "--force overwrites it" in capsys.readouterr().err
    assert ferry(*asked, "--force") == 0
    assert session.read_text(encoding="ascii") != "mine"


def test_jea_wants_accounts_of_a_domain(capsys: pytest.CaptureFixture[str]) -> None:
    assert ferry("jea", "--group", "Movers") == 2
    assert "a domain's short name, a backslash, and a name" in capsys.readouterr().err
    assert not Path("ferry-jea").exists()


def test_python_m_bot_is_ferry() -> None:
    environment = {**os.environ, "COLUMNS": "100"}
    shown = subprocess.run([sys.executable, "-m", "bot", "--help"], capture_output=True, text=True, env=environment)
    assert shown.returncode == 0
    for name in ("run", "lab", "say", "parse", "manifest"):
        assert name in shown.stdout


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "other.sqlite").write_text("no database at all, " * 100, encoding="utf-8")
    with pytest.raises(FerryError, match="the database cannot be used: file is not a database"):
        Store(f"sqlite:///{tmp_path / 'other.sqlite'}", SystemClock()).migrate()


@pytest.mark.parametrize("options", [("--hosts-only",), ()])
def test_a_port_that_is_taken_is_named(options: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert ferry("lab", *options, "--port", str(taken.getsockname()[1])) == 2
    assert "--port 0 takes ports that are free" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without telling it")
def test_hosts_alone_leave_nothing_behind_when_they_are_told_to_end(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot", "lab", "--hosts-only"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    try:
        assert running.stdout is not None
        assert running.stdout.readline().startswith(b"# Reaches simulated hosts")
        assert any(one.name.startswith("ferry-lab-") for one in tmp_path.iterdir())
        running.terminate()
        running.communicate(timeout=20)
    finally:
        running.kill()
        running.communicate()
    assert running.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


# policy check


@pytest.mark.parametrize(
    ("rules", "status", "shown"),
    [
        ('[rules.web]\nwho = ["U0ALICE"]\nhosts = ["host01"]', 0, "Nothing is wrong with 1 rule and no approvals."),
        ('[rules.web]\nwho = ["U0ALICE"]\nhosts = ["hots*"]', 1, "rules.web.hosts: no host of the settings is called"),
        ('[rules.web]\nwho = ["U0ALICE"]\n[approvals.all]', 1, "approvals.all: it needs 1 person, and 0 may give it"),
        (
            '[rules.web]\nwho = ["S0OPS"]',
            0,
            "Slack was not asked for user groups, people and channels: there is no bot",
        ),
        ('[rules.web]\nwho = ["alice"]', 2, "rules.web.who"),
        ('[rules.web]\nwho = ["U0ALICE"]\ncluster = ["HVC1"]', 2, "did you mean clusters?"),
    ],
)
def test_policy_check_names_what_cannot_be_meant(
    rules: str, status: int, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ferry.toml").write_text(f"{rules}\n[hosts.host01]\n", encoding="utf-8")
    assert ferry("policy", "check", "--config", str(tmp_path / "ferry.toml")) == status
    told = capsys.readouterr()
    assert shown in told.out + told.err
