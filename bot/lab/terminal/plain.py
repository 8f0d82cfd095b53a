"""Without a terminal: lines in, cards out. A card is printed again only when more than its progress has changed."""

from __future__ import annotations

import re
import threading
from typing import TextIO

from bot.lab.slack.render import plain
from bot.lab.terminal.chat import Chat, Entry
from bot.lab.terminal.draw import draw

WIDTH = 100
_BAR = re.compile(r"[█▓▒░]{3,}")
_PERCENT = re.compile(r"(\d+)\s*%")
PERCENT_STEP = 25  # a bar is news when it enters another quarter


def gist(entry: Entry) -> str:
    """The entry without what ticks: a line with a bar counts by its quarter only."""
    lines = []
    for line in map(plain, entry.lines):
        percent = _PERCENT.search(line)
        lines.append(f"bar {int(percent[1]) // PERCENT_STEP}" if percent and _BAR.search(line) else line)
    return "\n".join(lines)


class Printer:
    """Prints what is new in a chat, once. Thread-safe."""

    def __init__(self, chat: Chat, stdout: TextIO) -> None:
        self._chat = chat
        self._stdout = stdout
        self._printed: dict[tuple[str, str], str] = {}
        self._printing = threading.Lock()

    def print_news(self) -> None:
        with self._printing:
            news = [entry for entry in self._chat.entries() if self._printed.get(entry.key) != gist(entry)]
            self._printed |= {entry.key: gist(entry) for entry in news}
            if news:
                self._write(draw(news, width=WIDTH, colour=False))

    def print_notice(self) -> None:
        if self._chat.notice:
            with self._printing:
                self._write(self._chat.notice + "\n")

    def _write(self, text: str) -> None:
        self._stdout.write(text)
        self._stdout.flush()


class Plain:
    def __init__(self, chat: Chat, stdin: TextIO, stdout: TextIO, *, settle_s: float) -> None:
        self._chat = chat
        self._stdin = stdin
        self._settle_s = settle_s
        self._printer = Printer(chat, stdout)
        self._ended = threading.Event()

    def run(self) -> None:
        printer = threading.Thread(target=self._print_news, name="terminal-printer", daemon=True)
        self._printer.print_notice()
        printer.start()
        try:
            for line in self._stdin:
                if not self._chat.enter(line):
                    break
                self._printer.print_notice()
                self._settle()
            else:
                self._settle()
        finally:
            self._ended.set()
            self._chat.server.workspace.notify()
            printer.join()
            self._printer.print_news()

    def _settle(self) -> None:
        """Wait until nothing has changed for a while, so that a script's next line finds its answer."""
        server = self._chat.server
        revision = server.workspace.revision
        while (later := server.wait_for_change(revision, self._settle_s)) > revision:
            revision = later

    def _print_news(self) -> None:
        revision = -1
        while not self._ended.is_set():
            self._printer.print_news()
            revision = self._chat.server.wait_for_change(revision, 60)
