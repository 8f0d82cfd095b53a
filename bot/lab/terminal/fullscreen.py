"""On a real terminal: the channel, redrawn in place; below it one line to type, with history, and a hint."""

from __future__ import annotations

import threading
from pathlib import Path

from prompt_toolkit.application import Application
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyBindingsBase, KeyPressEvent, merge_key_bindings
from prompt_toolkit.key_binding.bindings.auto_suggest import load_auto_suggest_bindings
from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, VSplit, Window
from prompt_toolkit.layout.processors import AppendAutoSuggestion
from prompt_toolkit.output import Output
from prompt_toolkit.output.defaults import create_output

from bot.lab.terminal.chat import Chat
from bot.lab.terminal.draw import draw

ROWS_BELOW = 3  # notice, prompt and hint
WATCH_S = 1.0


class FullScreen:
    """Args: `terminal` and `screen` stand for the real ones in tests."""

    def __init__(
        self, chat: Chat, *, history: Path | None, terminal: Input | None = None, screen: Output | None = None
    ) -> None:
        self._chat = chat
        self._scrolled = 0
        self._ended = threading.Event()
        kept: History = FileHistory(str(history)) if history else InMemoryHistory()
        self._screen = screen or create_output()
        self._typed = Buffer(
            history=kept, multiline=False, accept_handler=self._enter, auto_suggest=AutoSuggestFromHistory()
        )
        self.app: Application[None] = Application(
            layout=Layout(self._rows(), focused_element=self._typed),
            key_bindings=self._keys(),
            full_screen=True,
            mouse_support=False,  # so that the terminal's own selecting and copying works
            input=terminal,
            output=self._screen,
        )

    def run(self) -> None:
        watcher = threading.Thread(target=self._watch, name="terminal-watcher", daemon=True)
        watcher.start()
        try:
            self.app.run()
        finally:
            self._ended.set()
            self._chat.server.workspace.notify()
            watcher.join()
        self._screen.write_raw(draw(self._chat.entries(), width=self._size()[1], colour=True))
        self._screen.flush()

    def _rows(self) -> HSplit:
        prompt = Window(FormattedTextControl(lambda: f"{self._chat.user.name}> "), dont_extend_width=True, height=1)
        field = Window(BufferControl(self._typed, input_processors=[AppendAutoSuggestion()]), height=1)
        return HSplit(
            [
                Window(FormattedTextControl(self._channel), wrap_lines=False),
                Window(FormattedTextControl(lambda: self._chat.notice), height=1, style="italic"),
                VSplit([prompt, field]),
                Window(FormattedTextControl(lambda: self._chat.hint), height=1, style="reverse"),
            ]
        )

    def _channel(self) -> ANSI:
        """As many of the last lines as fit, above what was scrolled away."""
        rows, columns = self._size()
        lines = draw(self._chat.entries(), width=columns, colour=True).splitlines()
        room = max(1, rows - ROWS_BELOW)
        self._scrolled = min(self._scrolled, max(0, len(lines) - room))
        end = len(lines) - self._scrolled
        return ANSI("\n".join(lines[max(0, end - room) : end]))

    def _size(self) -> tuple[int, int]:
        size = self._screen.get_size()
        return size.rows, size.columns

    def _keys(self) -> KeyBindingsBase:
        keys = KeyBindings()
        half = self._size()[0] // 2

        @keys.add("c-c")
        @keys.add("c-d")
        def leave(event: KeyPressEvent) -> None:
            event.app.exit()

        @keys.add("pageup")
        def older(_: KeyPressEvent) -> None:
            self._scrolled += half

        @keys.add("pagedown")
        def newer(_: KeyPressEvent) -> None:
            self._scrolled = max(0, self._scrolled - half)

        return merge_key_bindings([load_auto_suggest_bindings(), keys])

    def _enter(self, buffer: Buffer) -> bool:
        self._scrolled = 0
        if not self._chat.enter(buffer.text):
            self.app.exit()
        return False  # empty the line; the buffer has put it into the history

    def _watch(self) -> None:
        revision = -1
        while not self._ended.is_set():
            revision = self._chat.server.wait_for_change(revision, WATCH_S)
            self.app.invalidate()
