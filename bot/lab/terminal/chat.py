"""What one person does and sees in one channel: typed lines become actions, messages become entries to draw.

Draws nothing itself; `plain` and `fullscreen` do. Thread-safe as far as the stand-in is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.lab.slack import Message, SlackServer
from bot.lab.slack.render import Line, Reader, Span, plain, render_lines
from bot.lab.terminal import forms
from bot.lab.terminal.folder import Folder

HELP = (
    "a number presses that button · /as bob speaks as bob · /in dm or /in #ops goes there · "
    "/name text is a slash command · /shortcut opens the app's form · /home shows its home · /quit ends"
)

HOME_S = 3.0  # for the app to show its home


@dataclass(frozen=True)
class Entry:
    """One message as it is to be drawn now.

    Attributes:
        kind: said (by a person), card (has a frame), log (a short line in a thread), whisper (one person sees it).
        buttons: the numbers of its buttons.
    """

    key: tuple[str, str]
    kind: Literal["said", "card", "log", "whisper"]
    author: str
    lines: tuple[Line, ...]
    in_thread: bool
    buttons: tuple[int, ...]


ButtonKey = tuple[str, str, str]  # (channel, ts, action_id)


def renumber(given: Mapping[ButtonKey, int], messages: Sequence[Message]) -> dict[ButtonKey, int]:
    """Number the buttons on screen. While one is there, no number changes its meaning under a typing person."""
    present = [(one.channel, one.ts, button.action_id) for one in messages for button in one.buttons]
    numbers = dict(given) if any(key in given for key in present) else {}
    for key in present:
        numbers.setdefault(key, max(numbers.values(), default=0) + 1)
    return numbers


class Chat:
    """Args:
    files: where shared files are saved; None: they are only named.
    page: address of the same workspace for a browser, if there is one.
    """

    def __init__(
        self,
        server: SlackServer,
        user: str,
        channel: str,
        *,
        bare: bool,
        greeting: str,
        files: Path | None = None,
        page: str = "",
    ) -> None:
        self.server = server
        self.user = server.workspace.person(user)
        self.channel = server.workspace.channel(channel)
        self.notice = greeting or HELP
        self._bare = bare
        self._page = page
        self._folder = Folder(files) if files else None
        self._numbers: dict[ButtonKey, int] = {}  # replaced as a whole, never changed: two threads read it
        self._pressable: tuple[int, ...] = ()

    @property
    def hint(self) -> str:
        """What to type next."""
        press = ", ".join(map(str, self._pressable))
        place = "direct messages" if self.channel.kind == "im" else f"#{self.channel.name}"
        page = f" · in a browser: {self._page}" if self._page else ""
        mention = "" if self._bare or self.channel.kind == "im" else f" · begin with @{self.server.workspace.bot.name}"
        return f"{self.user.name} in {place}{mention}{f' · press a button: {press}' if press else ''} · /help{page}"

    # doing

    def enter(self, typed: str) -> bool:
        """Do what a line says. False: the person wants to leave. A mistake becomes the notice."""
        self.notice = ""
        text = typed.strip()
        try:
            if forms.enter(self.server, self.user.id, text):
                return True
            self.server.close_modal(self.user.id)
            return self._enter(text)
        except KeyError as mistake:
            self.notice = str(mistake.args[0])
        return True

    def _enter(self, text: str) -> bool:
        name, _, rest = text.partition(" ")
        where = self.channel.id
        match name:
            case "":
                return True
            case "/quit" | "/exit":
                return False
            case "/help":
                self.notice = HELP
            case "/as":
                self.user = self.server.workspace.person(rest.strip())
                if self.channel.kind == "im":
                    self.channel = self.server.workspace.direct_channel(self.user.id)
            case "/home":
                self._home(rest.strip())
            case "/shortcut":
                self.server.shortcut(self.user.id, where, self.server.shortcuts[0])
            case "/in":
                self._go(rest.strip())
            case _ if re.fullmatch(r"\d{1,3}", text):
                self._press(int(text))
            case _ if name.startswith("/"):
                self.server.slash(self.user.id, where, name, rest.strip())
            case _:
                self.server.say(self.user.id, where, text)
        return True

    def _home(self, button: str) -> None:
        """Look at the app's home, or press a button there by what it says; the answer is in direct messages."""
        server = self.server
        if button:
            server.press_home(self.user.id, button)
            return
        before = server.home(self.user.id)
        server.open_home(self.user.id)
        server.workspace.wait_for(lambda: server.home(self.user.id) is not before, HOME_S)
        view = server.home(self.user.id)
        shown = server.workspace.version("", view["blocks"] if view else ())
        lines = render_lines(shown, Reader(server.workspace.names(), {}, {}))
        self.notice = "\n".join(map(plain, lines)) or "the app shows no home"

    def _go(self, where: str) -> None:
        workspace = self.server.workspace
        self.channel = workspace.direct_channel(self.user.id) if where == "dm" else workspace.channel(where)

    def _press(self, number: int) -> None:
        for (channel, ts, action_id), given in self._numbers.items():
            if given == number:
                self.server.press(self.user.id, channel, ts, action_id)
                return
        raise KeyError(f"there is no button {number}")

    # seeing

    def entries(self) -> list[Entry]:
        """What the person sees in the channel, each thread below its first message."""
        messages = list(self._seen())
        self._numbers = renumber(self._numbers, messages)
        names = self.server.workspace.names()
        entries = [self._entry(message, names, self._numbers) for message in messages] + self._form()
        self._pressable = tuple(number for entry in entries for number in entry.buttons)
        return entries

    def _seen(self) -> Iterator[Message]:
        where = self.channel.id
        whispers = [one for one in self.server.ephemerals(self.user.id) if one.channel == where]
        roots = [*self.server.messages(where), *(one for one in whispers if not one.thread_ts)]
        for root in sorted(roots, key=_age):
            yield root
            replies = [*self.server.thread(where, root.ts), *(one for one in whispers if one.thread_ts == root.ts)]
            yield from sorted(replies, key=_age)

    def _entry(self, message: Message, names: dict[str, str], given: Mapping[ButtonKey, int]) -> Entry:
        place = (message.channel, message.ts)
        numbers = {button.action_id: given[(*place, button.action_id)] for button in message.buttons}
        lines = tuple(render_lines(message.current, Reader(names, numbers, self._save(message))))
        kind: Literal["said", "card", "log", "whisper"]
        if message.only_for:
            kind = "whisper"
        elif not message.bot_id:
            kind = "said"
        else:
            kind = "log" if message.thread_ts and not numbers and len(lines) == 1 else "card"
        author = names.get(message.user, message.user).removeprefix("@")
        return Entry(place, kind, author, lines, bool(message.thread_ts), tuple(numbers.values()))

    def _form(self) -> list[Entry]:
        """The form that is open, as it is filled in now."""
        modal = self.server.modal(self.user.id)
        if modal is None:
            return []
        lines = tuple((Span(line),) for line in forms.describe(modal))
        return [Entry(("", modal.view["id"]), "whisper", self.server.workspace.bot.name, lines, False, ())]

    def _save(self, message: Message) -> dict[str, str]:
        """Where the message's files are now, by their ids; one that cannot be saved is only named."""
        saved: dict[str, str] = {}
        if self._folder is None:
            return saved
        for file in message.files:
            try:
                saved[file.id] = str(self._folder.save(file))
            except OSError as problem:
                self.notice = f"{file.name} was not saved: {problem.strerror}"
        return saved


def _age(message: Message) -> tuple[int, str]:
    return len(message.ts), message.ts
