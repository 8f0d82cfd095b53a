"""A chat client in the terminal over the Slack stand-in: one person, one channel, cards, buttons by number.

    run_terminal(server, "alice", "#ops", bare=True)

On a real terminal it fills the screen and redraws cards in place; with pipes, or on a dumb terminal, it reads lines and
prints what is new. It talks only to the stand-in's people's actions and knows nothing of the bot.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from bot.lab.slack import SlackServer
from bot.lab.terminal.chat import Chat
from bot.lab.terminal.plain import Plain

__all__ = ["run_terminal"]


def run_terminal(
    server: SlackServer,
    user: str,
    channel: str,
    *,
    bare: bool = False,
    greeting: str = "",
    page: str = "",
    history: Path | None = None,
    files: Path | None = None,
    settle_s: float = 3.0,
    stdin: TextIO = sys.stdin,
    stdout: TextIO = sys.stdout,
) -> None:
    """Chat until /quit or the end of the input.

    Args:
        bare: whether the bot takes commands in this channel without being mentioned; only changes the hint.
        greeting: shown first.
        page: address of the same workspace for a browser, if there is one.
        history: file for typed lines; they are kept in memory only without it.
        files: where files that the bot shares are saved; they are only named without it.
        settle_s: with pipes, how long nothing must change before the next line is read, and before the end.
    """
    chat = Chat(server, user, channel, bare=bare, greeting=greeting, files=files, page=page)
    if stdin.isatty() and stdout.isatty() and os.environ.get("TERM") != "dumb":
        from bot.lab.terminal.fullscreen import FullScreen  # its library takes long to import, and only this needs it

        FullScreen(chat, history=history).run()
    else:
        Plain(chat, stdin, stdout, settle_s=settle_s).run()
