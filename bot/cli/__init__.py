"""The command line: `ferry run | lab | say | parse | manifest | verify | history | doctor | policy | jea`.

It decides nothing. What takes long to import (the bot with its database, the lab with its servers) is imported by the
commands that need it, so that help, `parse` and a wrong setting answer at once.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

import commands
from bot.cli import policy
from bot.cli.options import Config, Files, Scenario, Speed, Text, User
from bot.cli.simulated import bot_in_lab, files_folder, make_world, serve_hosts, temporary_folder
from bot.core.history import render_verification
from bot.core.journal import read_anchor
from bot.core.names import check_age, to_timedelta
from bot.errors import FerryError, Refused
from bot.log import configure, to_file
from bot.registry import discover, understand
from bot.settings import load
from bot.slack.manifest import reads_of, render_manifest

if TYPE_CHECKING:
    from bot.app import Bot

app = typer.Typer(
    help="Ferry moves Hyper-V virtual machines by chat.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(policy.app, name="policy")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; an expected failure is explained on standard error, with exit status 2."""
    try:
        app(arguments)
    except FerryError as error:
        _explain(error)
        sys.exit(2)


@app.command()
def run(
    config: Config = None,
    role: Annotated[str, typer.Option(help="bot hears people, worker carries out moves, all does both")] = "all",
    site: Annotated[str | None, typer.Option(help="whose hosts' moves are carried out here; without: all")] = None,
) -> None:
    """Run Ferry: a real workspace, real hosts, as the settings say. Ends on Ctrl+C or SIGTERM, within ten seconds."""
    from bot.app import Role, build

    settings = load(config)
    if not settings.hosts and not settings.clusters:
        raise Refused(
            "the settings name no host",
            needed="at least one table like [hosts.host01] or [clusters.HVC1]",
            hint=HOSTS_HINT,
        )
    configure(settings.log.level)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if role not in list(Role):
        raise Refused(f"there is no role {role!r}", needed=f"one of {', '.join(Role)}")
    bot = build(settings, role=Role(role), site=site)
    try:
        with _leaving_when(stop):
            bot.start()
        listens = f"listens in Slack as {bot.bot_user} and " if bot.bot_user else ""
        _err.print(f"Ferry {listens}looks after {', '.join(bot.inventory.hosts)}.")
        while not stop.wait(1):  # a wait without limit would not let Windows deliver Ctrl+C
            if bot.presence.lost.is_set():
                _err.print("Another Ferry has taken this one's name; this one ends. Moves go on at their hosts.")
                _leave(bot, status=1)
    except FerryError as error:
        _explain(error)
        _leave(bot, status=2)
    except BaseException:
        bot.stop()
        raise
    _leave(bot)


@app.command()
def lab(
    scenario: Scenario = "small",
    speed: Speed = None,
    user: User = "alice",
    hosts_only: Annotated[bool, typer.Option(help="only the simulated hosts, for another program to reach")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65000, help="of the page; with --hosts-only of the first host; 0: any")
    ] = 0,
    tls: Annotated[bool, typer.Option(help="hosts answer on HTTPS instead of HTTP with message encryption")] = False,
    files: Files = None,
) -> None:
    """Chat with the bot in the terminal or in a browser: simulated hosts and workspace, real protocols, on loopback."""
    from bot.lab.page import Page
    from bot.lab.running import CHANNEL, SUGGESTIONS, TITLES, RunningLab
    from bot.lab.slack import SlackServer
    from bot.lab.terminal import run_terminal

    with temporary_folder() as folder:
        if hosts_only:
            serve_hosts(RunningLab(make_world(scenario, speed), folder, port=port, tls=tls))
            return
        to_file(folder / "ferry.log", "info")
        server = SlackServer(titles=TITLES)
        about = f"The estate is simulated ({scenario}); the bot, its cards and its protocols are real. Try:"
        server.mount(Page(server, user=user, about=about, suggestions=SUGGESTIONS).add_to)
        with bot_in_lab(server, scenario, speed, folder, tls=tls, port=port) as really:
            greeting = (
                f"In a browser: {server.address} · The estate is simulated ({scenario}, speed {really:g}). "
                "Try: hosts · migrate VM-01 to host02 · help"
            )
            place, kept = f"#{CHANNEL}", files_folder(files)
            run_terminal(server, user, place, bare=True, greeting=greeting, page=server.address, files=kept)


@app.command()
def say(
    text: Text,
    yes: Annotated[bool, typer.Option("--yes", help="press Confirm when it is offered")] = False,
    scenario: Scenario = "small",
    speed: Speed = None,
    user: User = "alice",
    limit: Annotated[float, typer.Option(min=1, help="seconds after which it counts as not succeeded")] = 300,
    files: Files = None,
) -> None:
    """Hold one conversation in the lab and print what the channel showed. Exit status 0: succeeded, or scheduled."""
    from bot.lab.conversation import Conversation
    from bot.lab.running import CHANNEL
    from bot.lab.slack import SlackServer

    with temporary_folder() as folder:
        to_file(folder / "ferry.log", "info")
        server = SlackServer()
        with bot_in_lab(server, scenario, speed, folder):
            conversation = Conversation(
                server, user, f"#{CHANNEL}", sys.stdout, limit_s=limit, files=files_folder(files)
            )
            succeeded = conversation.hold(text, confirm=yes)
    raise typer.Exit(0 if succeeded else 1)


@app.command()
def parse(text: Text) -> None:
    """Show what Ferry reads in a message. Nothing is asked and nothing is done."""
    understood = understand(discover(commands), text)
    _out.print(f"read as    {understood.text!r}")
    if understood.error is not None:
        _out.print(f"problem    {understood.error.message}")
        if understood.error.hint:
            _out.print(understood.error.hint)
        raise typer.Exit(1)
    _out.print(f"command    {understood.command}")
    for name, value in (understood.arguments.model_dump() if understood.arguments else {}).items():
        _out.print(f"  {name:<15} {value!r}")
    _out.print(f"same as    {understood.canonical}")


@app.command()
def manifest(
    config: Config = None,
    url: Annotated[
        str, typer.Option(help="where Slack reaches Ferry, for mode = http: https://ferry.contoso.com")
    ] = "",
) -> None:
    """Print the manifest of the Slack app that these settings need."""
    settings = load(config)
    sys.stdout.write(render_manifest(settings.slack, url, reads_of(settings)))


@app.command()
def verify(
    file: Annotated[Path | None, typer.Argument(help="a copy (audit.db) to verify instead of the database")] = None,
    anchor: Annotated[str, typer.Option(help="what `anchor` said, or Ferry in the audit channel, copied whole")] = "",
    config: Config = None,
) -> None:
    """Verify the journal: that no entry was changed, removed or exchanged. Exit status 1 where it does not hold."""
    from bot.audit import read_head, verify_copy
    from bot.operations.journal import open_journal

    kept = read_anchor(anchor)
    if anchor and kept is None:
        raise Refused("this text holds no anchor", needed="the word that begins with ferry:, copied whole")
    witnesses = [kept] if kept else []
    if file is not None:
        found, name, beside = verify_copy(file, witnesses), str(file), None
    else:
        operations = load(config).operations
        beside = read_head(operations.audit_file)
        with open_journal(operations.database_url.get_secret_value()) as journal:
            found, name = journal.verify([*witnesses, *([beside] if beside else [])]), "the journal"
    for line in render_verification(found, name, anchored=kept is not None, copied=beside is not None):
        _out.print(line)
    raise typer.Exit(1 if found.broken else 0)


@app.command()
def history(
    what: Annotated[str, typer.Argument(help="a VM, a host, an operation, a Slack user id; or words")] = "",
    since: Annotated[str, typer.Option(help="how far back, like 90min, 2h or 3d")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="for spreadsheets")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
    config: Config = None,
) -> None:
    """Print what the journal tells, newest first, and bring its searchable copy up to date."""
    from bot.audit import AuditCopy, write_csv, write_json, write_table
    from bot.operations.journal import open_journal

    try:
        begin = datetime.now(UTC) - to_timedelta(check_age(since)) if since else None
    except ValueError as error:
        raise Refused(f"{since!r} is no age", needed=str(error)) from None
    operations = load(config).operations
    write = write_csv if as_csv else write_json if as_json else write_table
    with open_journal(operations.database_url.get_secret_value()) as journal:
        write(AuditCopy(operations.audit_file, journal).records(what, begin), sys.stdout)


@app.command()
def doctor(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
    limit: Annotated[float, typer.Option(min=1, help="seconds after which whoever has not answered is not well")] = 60,
) -> None:
    """Look at all that Ferry needs: settings, database, Slack, every host. Exit status 1 if anything is not well."""
    from bot.doctor import diagnose

    reports = []
    for report in diagnose(config, limit):
        reports.append(report)
        if not as_json:
            _out.print(report.render())
    ill = [report.about for report in reports if not report.well]
    if as_json:
        told = {"well": not ill, "reports": [report.to_json() for report in reports]}
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    else:
        _out.print(f"Not well: {', '.join(ill)}" if ill else "All is well.")
    raise typer.Exit(1 if ill else 0)


@app.command()
def jea(
    gmsa: Annotated[str, typer.Option(help="service account that runs the commands, DOMAIN\\\\name$")] = "",
    group: Annotated[str, typer.Option(help="of the domain, whose members may enter")] = "CONTOSO\\Ferry",
    out: Annotated[Path, typer.Option(help="folder to write to")] = Path("ferry-jea"),
    force: Annotated[bool, typer.Option("--force", help="overwrite files that differ")] = False,
) -> None:
    """Write the files that give Ferry's account the least rights on the hosts: a JEA endpoint, with instructions."""
    from bot.hyperv.jea import Identity, render_files, write_files

    try:
        identity = Identity(group, gmsa or None)
    except ValueError as error:
        raise Refused(str(error), needed="a domain's short name, a backslash, and a name in ASCII") from None
    for file in write_files(out, render_files(identity), force=force):
        _out.print(str(file))


STOP_S = 8.0
HOSTS_HINT = "`ferry lab --hosts-only` prints a complete example"
_out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def _explain(error: FerryError) -> None:
    _err.print(error.message)
    if isinstance(error, Refused) and error.needed:
        _err.print(f"needed: {error.needed}")
    if error.hint:
        _err.print(error.hint)


@contextmanager
def _leaving_when(stop: threading.Event) -> Iterator[None]:
    """While a start waits for a database or for chat: whoever asks to stop does not wait for that to end.

    Nothing has begun then that would have to be ended.
    """
    started = threading.Event()

    def leave() -> None:
        stop.wait()
        if not started.wait(1):
            os._exit(0)

    threading.Thread(target=leave, daemon=True).start()
    try:
        yield
    finally:
        started.set()


def _leave(bot: Bot, status: int = 0) -> NoReturn:
    """Stop, and be gone within ten seconds.

    Python waits at its exit for every thread that is still in a call to a host, which may take that host's time limit.
    Nothing is lost by not waiting: moves belong to their hosts, rows are committed, and the next run looks.
    """
    stopping = threading.Thread(target=bot.stop, daemon=True)
    stopping.start()
    stopping.join(STOP_S)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
