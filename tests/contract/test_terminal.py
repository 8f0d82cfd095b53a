"""The terminal client against the Slack stand-in and a small Bolt app: through a pipe, and on a screen."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output
from slack_bolt import App
from slack_sdk import WebClient

from bot.lab.slack import SlackServer
from bot.lab.terminal import run_terminal
from bot.lab.terminal.chat import Chat
from bot.lab.terminal.fullscreen import FullScreen
from tests.contract.slack_lab import running, serving, web


def card(text: str, *labels: str) -> list[dict[str, Any]]:
    buttons = [
        {"type": "button", "text": {"type": "plain_text", "text": label}, "action_id": label.lower()}
        for label in labels
    ]
    shown: list[dict[str, Any]] = [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]
    return [*shown, {"type": "actions", "elements": buttons}] if buttons else shown


def small_bot(server: SlackServer) -> App:
    """Offers what it hears, moves when it may, and whispers to who is not allowed."""
    app = App(client=web(server))

    @app.event("message")
    def offer(event: dict[str, Any], client: WebClient) -> None:
        if event["user"] == server.user_id("mallory"):
            client.chat_postEphemeral(channel=event["channel"], user=event["user"], text="not for you")
        else:
            blocks = card(f"*Offer* `{event['text']}`", "Confirm", "Cancel")
            client.chat_postMessage(channel=event["channel"], text="offer", blocks=blocks)

    @app.action("confirm")
    def move(ack: Any, body: dict[str, Any], client: WebClient) -> None:
        ack()
        where = {"channel": body["channel"]["id"], "ts": body["container"]["message_ts"], "text": "x"}
        for percent in (3, 17, 62):
            client.chat_update(**where, blocks=card(f"▓▓▓░░░░ {percent} %", "Cancel"))
        client.chat_postMessage(channel=where["channel"], thread_ts=where["ts"], text="step done")
        client.chat_update(**where, blocks=card("*Moved* by <@" + body["user"]["id"] + ">"))

    @app.command("/ferry")
    def command(ack: Callable[[str], None], body: dict[str, Any]) -> None:
        ack(f"heard {body['text']}")

    return app


@pytest.fixture(scope="module")
def bot() -> Iterator[SlackServer]:
    with running() as server, serving(server, small_bot(server)):
        yield server


def typed_through_a_pipe(server: SlackServer, channel: str, *lines: str, settle_s: float = 0.3) -> str:
    output = io.StringIO()
    script = io.StringIO("".join(f"{line}\n" for line in lines))
    run_terminal(server, "alice", channel, bare=True, settle_s=settle_s, stdin=script, stdout=output)
    return output.getvalue()


def test_a_move_through_a_pipe(bot: SlackServer) -> None:
    shown = typed_through_a_pipe(bot, "#ops", r"move \\server01\vms", "1")
    assert r"Offer `move \\server01\vms`" in shown
    assert "[1 Confirm]  [2 Cancel]" in shown
    assert "Moved by @alice" in shown
    assert "│ step done" in shown
    # 3 and 17 per cent are the same quarter: at most one of them is worth printing again.
    assert len(re.findall(r" (3|17) %", shown)) <= 1


def test_persons_places_and_mistakes_through_a_pipe(bot: SlackServer) -> None:
    lines = ("/as eve", "7777", "99", "/in #nowhere", "/in dm", "/ferry where", "/as mallory", "hi", "/quit", "unread")
    shown = typed_through_a_pipe(bot, "#ops", *lines)
    assert "nobody called 'eve'" in shown
    assert "there is no button 99" in shown
    assert "no channel '#nowhere'" in shown
    assert "Ferry · only you see this" in shown
    assert "heard where" in shown
    assert "not for you" in shown
    assert "unread" not in bot.transcript()
    assert [one.user for one in bot.messages(bot.direct_channel("mallory"))] == [bot.user_id("mallory")]
    assert "7777" in bot.transcript()  # four digits are no button's number


class Screen:
    """A full-screen client in another thread, typed into and read by the test."""

    def __init__(self, chat: Chat, terminal: PipeInput, history: Path | None) -> None:
        self.written = io.StringIO()
        output = Vt100_Output(self.written, lambda: Size(rows=24, columns=80), term="xterm-256color")
        self.client = FullScreen(chat, history=history, terminal=terminal, screen=output)
        self._terminal = terminal
        self._thread = threading.Thread(target=self.client.run)

    def __enter__(self) -> Screen:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.type("/quit\r")
        self._thread.join(10)
        assert not self._thread.is_alive()

    def type(self, keys: str) -> None:
        self._terminal.send_text(keys)


def test_a_move_on_a_screen(bot: SlackServer, tmp_path: Path) -> None:
    chat = Chat(bot, "bob", bot.direct_channel("bob"), bare=True, greeting="welcome")
    direct = bot.direct_channel("bob")
    with create_pipe_input() as terminal, Screen(chat, terminal, tmp_path / "history") as screen:
        screen.type("move VM-07\r")
        offer = bot.wait_for(lambda: bot.messages(direct)[1:], 5)[0]
        bot.wait_for(lambda: chat.entries() and "press a button: 1, 2" in chat.hint, 5)
        screen.type("1\r")
        bot.wait_for(lambda: bot.render_text(bot.messages(direct)[1]) == ["Moved by @bob"], 5)
        screen.type("\x1b[A\x1b[A\r")  # twice up in the history, enter
        bot.wait_for(lambda: len(bot.messages(direct)) == 4, 5)
        assert [one.text for one in bot.messages(direct) if not one.bot_id] == ["move VM-07", "move VM-07"]
        assert offer.ts == bot.messages(direct)[1].ts
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.written.getvalue())
    for expected in (
        "welcome",
        "bob in direct messages",
        "Offer move VM-07",
        "[1 Confirm]",
        "Moved by @bob",
        "step done",
    ):
        assert expected in text
    assert "+move VM-07" in (tmp_path / "history").read_text()


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with running() as started:
        yield started


def test_numbers_keep_their_meaning_while_a_button_is_on_screen(server: SlackServer) -> None:
    chat = Chat(server, "alice", "#ops", bare=True, greeting="")
    ops, client = server.channel_id("#ops"), web(server)

    def numbers() -> list[tuple[int, ...]]:
        return [entry.buttons for entry in chat.entries()]

    first = client.chat_postMessage(channel=ops, text="x", blocks=card("one", "Confirm", "Cancel"))
    assert numbers() == [(1, 2)]
    second = client.chat_postMessage(channel=ops, text="x", blocks=card("two", "Confirm"))
    client.chat_update(channel=ops, ts=first["ts"], text="x", blocks=card("one", "Cancel"))
    assert numbers() == [(2,), (3,)]
    client.chat_update(channel=ops, ts=first["ts"], text="done")
    assert numbers() == [(), (3,)]
    client.chat_update(channel=ops, ts=second["ts"], text="done")
    assert numbers() == [(), ()]
    client.chat_postMessage(channel=ops, text="x", blocks=card("three", "Confirm"))
    assert numbers() == [(), (), (1,)]


def test_a_dumb_terminal_gets_plain_lines(bot: SlackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    class Teletype(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setitem(os.environ, "TERM", "dumb")
    output = Teletype()
    run_terminal(bot, "mallory", "#ops", greeting="plain", settle_s=0.05, stdin=Teletype("/quit\n"), stdout=output)
    assert output.getvalue().startswith("plain\n")
    assert "\x1b" not in output.getvalue()
