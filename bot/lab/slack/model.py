"""People, channels and messages as the stand-in holds them: frozen values that any thread may keep and read.

A message keeps every version it ever had, so that a test can see what a channel showed over time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """Somebody in the workspace, or in a channel shared with another; the app's own bot user is one too.

    Attributes:
        title: what a profile says they do.
        one_channel: whether a guest is one of a single channel.
        team: id of another workspace, whose they are; empty: of this one.
        deleted: the account is deactivated.
    """

    id: str
    name: str
    real_name: str
    is_bot: bool = False
    is_guest: bool = False
    title: str = ""
    one_channel: bool = False
    team: str = ""
    deleted: bool = False


@dataclass(frozen=True)
class Channel:
    """A place for messages. `kind` is Slack's channel_type: channel, group (private) or im (direct)."""

    id: str
    name: str
    kind: Literal["channel", "group", "im"]
    members: frozenset[str]
    shared_externally: bool = False
    archived: bool = False
    shared_in_organisation: bool = False


@dataclass(frozen=True)
class SharedFile:
    """A file in messages. `user` uploaded it."""

    id: str
    name: str
    title: str
    kind: str  # "image/png"
    user: str
    data: bytes = b""
    alt_text: str = ""

    def to_json(self) -> JsonObject:
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title,
            "mimetype": self.kind,
            "filetype": self.name.rpartition(".")[2],
            "user": self.user,
            "mode": "hosted",
            "is_external": False,
            "size": len(self.data),
            **({"alt_txt": self.alt_text} if self.alt_text else {}),
        }


@dataclass(frozen=True)
class Version:
    """What a message showed from a moment on."""

    at: datetime
    text: str
    blocks: tuple[JsonObject, ...] = ()
    attachments: tuple[JsonObject, ...] = ()
    files: tuple[SharedFile, ...] = ()


@dataclass(frozen=True)
class Button:
    """A button as a person finds it in a message."""

    label: str
    action_id: str
    block_id: str
    element: Mapping[str, Any]


@dataclass(frozen=True)
class Message:
    """One message and all its versions, oldest first.

    Attributes:
        ts: its key together with the channel; a string, never a number.
        thread_ts: ts of the thread's parent, empty outside threads.
        only_for: user id of the one person who sees it (ephemeral); empty for everybody.
        author_team: of an author from another workspace.
    """

    channel: str
    ts: str
    user: str
    versions: tuple[Version, ...]
    thread_ts: str = ""
    bot_id: str = ""
    app_id: str = ""
    only_for: str = ""
    client_msg_id: str = ""
    metadata: JsonObject | None = None
    reactions: tuple[tuple[str, str], ...] = ()  # (emoji name, user id)
    edited_by: str = ""
    deleted: bool = False
    author_team: str = ""

    @property
    def current(self) -> Version:
        return self.versions[-1]

    @property
    def text(self) -> str:
        return self.current.text

    @property
    def blocks(self) -> tuple[JsonObject, ...]:
        return self.current.blocks

    @property
    def files(self) -> tuple[SharedFile, ...]:
        return self.current.files

    @property
    def buttons(self) -> tuple[Button, ...]:
        return self.buttons_at(-1)

    def buttons_at(self, version: int) -> tuple[Button, ...]:
        """The buttons that a version showed, in reading order."""
        shown = self.versions[version]
        blocks = [*shown.blocks, *(block for part in shown.attachments for block in part.get("blocks", ()))]
        return buttons_of(blocks)

    def with_version(self, version: Version, *, edited_by: str) -> Message:
        return replace(self, versions=(*self.versions, version), edited_by=edited_by)

    def to_json(self, team: str, *, metadata: bool = False) -> JsonObject:
        """The message as the Web API and events give it."""
        shown = self.current
        author = self.author_team or team
        message: JsonObject = {"type": "message", "user": self.user, "ts": self.ts, "text": shown.text, "team": author}
        if self.author_team:
            message |= {"user_team": author, "source_team": author}
        if self.client_msg_id:
            message["client_msg_id"] = self.client_msg_id
        if self.bot_id:
            message |= {"bot_id": self.bot_id, "app_id": self.app_id}
        if shown.blocks:
            message["blocks"] = list(shown.blocks)
        if shown.attachments:
            message["attachments"] = list(shown.attachments)
        if shown.files:
            message |= {"files": [file.to_json() for file in shown.files], "upload": True}
        if self.thread_ts:
            message["thread_ts"] = self.thread_ts
        if self.edited_by:
            message["edited"] = {"user": self.edited_by, "ts": f"{shown.at.timestamp():.6f}"}
        if self.reactions:
            names = dict.fromkeys(name for name, _ in self.reactions)
            message["reactions"] = [
                {"name": name, "users": (users := [by for at, by in self.reactions if at == name]), "count": len(users)}
                for name in names
            ]
        if metadata and self.metadata:
            message["metadata"] = self.metadata
        return message


def buttons_of(blocks: Iterable[Mapping[str, Any]]) -> tuple[Button, ...]:
    """In reading order."""
    return tuple(button for block in blocks for button in _buttons(dict(block), block.get("block_id", "")))


def find_button(buttons: tuple[Button, ...], wanted: str) -> Button:
    """By its action_id or its label. KeyError names those that there are."""
    for button in buttons:
        if wanted in (button.action_id, button.label):
            return button
    shown = ", ".join(f"[{button.label}] {button.action_id}" for button in buttons) or "none"
    raise KeyError(f"no button {wanted!r}; there are: {shown}")


def _buttons(node: Any, block_id: str) -> Iterator[Button]:
    """Every button below a block, wherever its kind of block keeps them."""
    if isinstance(node, list):
        for part in node:
            yield from _buttons(part, block_id)
    elif isinstance(node, dict):
        if node.get("type") == "button":
            yield Button(node["text"]["text"], node.get("action_id", ""), block_id, node)
            return
        for part in node.values():
            yield from _buttons(part, node.get("block_id", block_id))
