"""One Web API call: its arguments, and the errors by Slack's own names.

A method is a plain function of a `Call`; it runs on the server's loop, under the workspace's lock, and returns the
answer's fields or raises `SlackError`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.lab.slack.events import HISTORY, app_mention, event_callback, message_posted
from bot.lab.slack.grants import Grants
from bot.lab.slack.limits import Tier
from bot.lab.slack.model import Channel, JsonObject, Message
from bot.lab.slack.socket import Envelope, SocketMode
from bot.lab.slack.workspace import Workspace
from bot.slack.kit.messages import judge_blocks

MOST_ATTACHMENTS = 100


class SlackError(Exception):
    """`{"ok": false, "error": code}`, with whatever else Slack adds to it."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


@dataclass(frozen=True)
class Backend:
    """What methods work with. `subscriptions` are the bot events of the app's manifest."""

    workspace: Workspace
    socket: SocketMode
    grants: Grants
    scopes: frozenset[str]
    subscriptions: frozenset[str]
    url: Callable[[str], str]  # path -> this server's URL

    def publish(self, event: JsonObject, channel: Channel, subscription: str) -> None:
        """Deliver an event to the app if it subscribed, may read it, and is in the channel."""
        needed = next((scope for name, scope in HISTORY.values() if name == subscription), None)
        if subscription not in self.subscriptions or (needed and needed not in self.scopes):
            return
        if self.workspace.bot.id in channel.members:
            self.socket.deliver(Envelope("events_api", event_callback(self.workspace, event, channel)))

    def publish_everywhere(self, event: JsonObject, subscription: str) -> None:
        """An event of the workspace, and of no channel."""
        if subscription in self.subscriptions:
            self.socket.deliver(Envelope("events_api", event_callback(self.workspace, event, None)))

    def publish_message(self, message: Message, channel: Channel) -> None:
        """Raises `message` and, where it mentions the app outside direct messages, `app_mention` too."""
        parent = self.workspace.message(channel.id, message.thread_ts) if message.thread_ts else None
        self.publish(message_posted(message, channel, parent), channel, HISTORY[channel.kind][0])
        self.publish_mention(message, channel)

    def publish_mention(self, message: Message, channel: Channel) -> None:
        if (
            f"<@{self.workspace.bot.id}>" in message.text
            and channel.kind != "im"
            and "app_mentions:read" in self.scopes
        ):
            self.publish(app_mention(message, channel), channel, "app_mention")


@dataclass(frozen=True)
class Method:
    """A Web API method and what it asks of its caller."""

    run: Callable[[Call], JsonObject]
    tier: Tier
    scopes: tuple[str, ...] = ()  # any one of them is enough
    app_token: bool = False


@dataclass(frozen=True)
class Call:
    """The arguments of one call, from a form or from JSON: in a form, objects and lists are JSON texts."""

    backend: Backend
    arguments: Mapping[str, Any]

    @property
    def workspace(self) -> Workspace:
        return self.backend.workspace

    def text(self, name: str) -> str:
        value = self.arguments.get(name)
        if value is None:
            return ""
        if isinstance(value, dict | list):
            raise invalid(f"must be a string [json-pointer:/{name}]")
        return str(value)

    def required(self, name: str) -> str:
        if not (value := self.text(name)):
            raise invalid(f"missing required field: {name}")
        return value

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("1", "true")

    def number(self, name: str, otherwise: int) -> int:
        value = self.text(name) or str(otherwise)
        if not value.isdigit():
            raise invalid(f"must be an integer [json-pointer:/{name}]")
        return int(value)

    def json(self, name: str, error: str) -> Any:
        """The argument as JSON, None if absent; SlackError(error) if it cannot be read."""
        value = self.arguments.get(name)
        if value in (None, ""):
            return None
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error) from None

    def blocks(self) -> list[JsonObject] | None:
        """Checked blocks; None if the argument is absent."""
        blocks = self.json("blocks", "invalid_blocks_format")
        return None if blocks is None else checked_blocks(blocks)

    def attachments(self) -> list[JsonObject] | None:
        attachments = self.json("attachments", "invalid_attachments")
        if attachments is None:
            return None
        if not isinstance(attachments, list) or not all(isinstance(part, dict) for part in attachments):
            raise SlackError("invalid_attachments")
        if len(attachments) > MOST_ATTACHMENTS:
            raise SlackError("too_many_attachments")
        for number, part in enumerate(attachments):
            if objection := judge_blocks(part.get("blocks", [])):
                found = (each.replace("/blocks", f"/attachments/{number}/blocks", 1) for each in objection.problems)
                raise SlackError("invalid_attachments", **_messages(*found))
        return attachments

    def metadata(self) -> JsonObject | None:
        metadata = self.json("metadata", "invalid_metadata_format")
        if metadata is None:
            return None
        shaped = (
            isinstance(metadata, dict)
            and set(metadata) <= {"event_type", "event_payload"}
            and isinstance(metadata.get("event_type"), str)
            and isinstance(metadata.get("event_payload"), dict)
        )
        if not shaped:
            raise SlackError("invalid_metadata_format")
        return dict(metadata)

    def channel(self, *, by_name: bool = False, name: str = "channel") -> Channel:
        """The channel of an argument, as the bot sees it: a private one it is not in does not exist for it."""
        return self.visible_channel(self.required(name), by_name=by_name)

    def visible_channel(self, wanted: str, *, by_name: bool = False) -> Channel:
        found = self.workspace.find_channel(wanted) if by_name else self.workspace.channels.get(wanted)
        if found is None or (found.kind != "channel" and self.workspace.bot.id not in found.members):
            raise SlackError("channel_not_found")
        return found

    def message(self, channel: Channel, ts: str) -> Message:
        message = self.workspace.message(channel.id, ts)
        if message is None or message.deleted or message.only_for:
            raise SlackError("message_not_found")
        return message


def checked_blocks(blocks: Any) -> list[JsonObject]:
    if objection := judge_blocks(blocks):
        raise SlackError(objection.code, **_told(objection.problems))
    return list(blocks)


def _told(problems: tuple[str, ...]) -> JsonObject:
    return {"errors": list(problems), **_messages(*problems)} if problems else {}


def _messages(*problems: str) -> JsonObject:
    return {"response_metadata": {"messages": [f"[ERROR] {problem}" for problem in problems]}}


def invalid(*problems: str) -> SlackError:
    return SlackError("invalid_arguments", **_messages(*problems))
