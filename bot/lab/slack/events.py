"""The payloads that an app receives, shaped like real ones ("Events API", "Slash commands", "Interaction payloads")."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from bot.lab.slack.model import Button, Channel, JsonObject, Message, Person
from bot.lab.slack.workspace import APP, BOT, TEAM, Workspace

VERIFICATION_TOKEN = "deprecated-verification-token"  # noqa: S105 (part of every payload, no secret)
DOMAIN = "lab"
# Event subscription and the scope without which Slack does not deliver it, by channel type.
HISTORY = {
    "channel": ("message.channels", "channels:history"),
    "group": ("message.groups", "groups:history"),
    "im": ("message.im", "im:history"),
}


def event_callback(workspace: Workspace, event: JsonObject, channel: Channel | None) -> JsonObject:
    """The outer payload of an Events API delivery."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM,
        "context_team_id": TEAM,
        "context_enterprise_id": None,
        "api_app_id": APP,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{uuid.uuid4().hex[:9].upper()}",
        "event_time": int(workspace.clock()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": workspace.bot.id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": channel is not None and channel.shared_externally,
        "event_context": f"4-{uuid.uuid4().hex}",
    }


def message_posted(message: Message, channel: Channel, parent: Message | None) -> JsonObject:
    event = message.to_json(TEAM) | {"channel": channel.id, "event_ts": message.ts, "channel_type": channel.kind}
    if message.files:
        event["subtype"] = "file_share"
    return event | {"parent_user_id": parent.user} if parent else event


def app_mention(message: Message, channel: Channel) -> JsonObject:
    return message.to_json(TEAM) | {"type": "app_mention", "channel": channel.id, "event_ts": message.ts}


def message_changed(workspace: Workspace, message: Message, previous: Message, channel: Channel) -> JsonObject:
    ts = workspace.new_ts()
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": message.to_json(TEAM),
        "previous_message": previous.to_json(TEAM),
        "channel": channel.id,
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
        "channel_type": channel.kind,
    }


def message_deleted(workspace: Workspace, message: Message, channel: Channel) -> JsonObject:
    ts = workspace.new_ts()
    return {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": message.to_json(TEAM),
        "channel": channel.id,
        "hidden": True,
        "deleted_ts": message.ts,
        "ts": ts,
        "event_ts": ts,
        "channel_type": channel.kind,
    }


def app_home_opened(person: Person, channel: Channel, ts: str) -> JsonObject:
    return {"type": "app_home_opened", "user": person.id, "channel": channel.id, "tab": "home", "event_ts": ts}


def slash_command(person: Person, channel: Channel, command: str, text: str, trigger: str, url: str) -> JsonObject:
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM,
        "team_domain": DOMAIN,
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.kind == "im" else channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": url,
        "trigger_id": trigger,
    }


def block_actions(
    person: Person, channel: Channel, message: Message, button: Button, *, action_ts: str, trigger: str, url: str
) -> JsonObject:
    payload = _interaction(person, "block_actions") | {
        "container": _in_message(message),
        "trigger_id": trigger,
        "channel": _channel(channel),
        "state": {"values": _state(button)},
        "response_url": url,
        "actions": [_action(button.element, button.block_id, action_ts)],
    }
    # An ephemeral message is not kept by Slack, so its content does not come back with the press.
    return payload if message.only_for else payload | {"message": message.to_json(TEAM)}


def view_actions(
    person: Person, view: JsonObject, values: JsonObject, button: Button, *, action_ts: str, trigger: str
) -> JsonObject:
    """The same in a modal or on the Home tab, where there is no channel and nowhere to answer.

    Args:
        values: what the view's inputs hold.
    """
    return _interaction(person, "block_actions") | {
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": trigger,
        "view": _view(view) | {"state": {"values": values | _state(button)}},
        "actions": [_action(button.element, button.block_id, action_ts)],
    }


def block_suggestion(person: Person, place: JsonObject, button: Button, query: str) -> JsonObject:
    """What a person types into an external select. `place`: from `in_message` or `in_view`."""
    named = {"action_id": button.action_id, "block_id": button.block_id, "value": query}
    return _interaction(person, "block_suggestion") | place | named


def in_message(channel: Channel, message: Message) -> JsonObject:
    return {"container": _in_message(message), "channel": _channel(channel), "message": message.to_json(TEAM)}


def in_view(view: JsonObject, values: JsonObject) -> JsonObject:
    shown = _view(view) | {"state": {"values": values}}
    return {"container": {"type": "view", "view_id": view["id"]}, "view": shown}


def view_submission(person: Person, view: JsonObject, values: JsonObject, trigger: str) -> JsonObject:
    shown = _view(view) | {"state": {"values": values}}
    return _interaction(person, "view_submission") | {"trigger_id": trigger, "view": shown, "response_urls": []}


def shortcut(person: Person, callback_id: str, action_ts: str, trigger: str) -> JsonObject:
    """A global shortcut: it knows no channel."""
    named = {"callback_id": callback_id, "action_ts": action_ts, "trigger_id": trigger}
    return _interaction(person, "shortcut") | named


def _interaction(person: Person, kind: str) -> JsonObject:
    return {
        "type": kind,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team or TEAM},
        "api_app_id": APP,
        "token": VERIFICATION_TOKEN,
        "team": {"id": TEAM, "domain": DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _in_message(message: Message) -> JsonObject:
    place = {"type": "message", "message_ts": message.ts, "channel_id": message.channel}
    in_thread = {"thread_ts": message.thread_ts} if message.thread_ts else {}
    return place | {"is_ephemeral": bool(message.only_for)} | in_thread


def _channel(channel: Channel) -> JsonObject:
    return {"id": channel.id, "name": "directmessage" if channel.kind == "im" else channel.name}


def _view(view: JsonObject) -> JsonObject:
    shown = {"external_id": "", "clear_on_close": False, "notify_on_close": False, "private_metadata": ""} | view
    of_app = {"root_view_id": view["id"], "previous_view_id": None, "app_installed_team_id": TEAM, "bot_id": BOT}
    return shown | of_app


def _state(button: Button) -> JsonObject:
    """What the one element holds; those beside it are left out."""
    if button.element["type"] == "button":
        return {}
    held = {key: value for key, value in button.element.items() if key == "type" or key.startswith("selected_")}
    return {button.block_id: {button.action_id: held}}


def _action(element: Mapping[str, Any], block_id: str, action_ts: str) -> JsonObject:
    shown = ("action_id", "text", "value", "style", "type", "url", "placeholder")
    kept = {key: value for key, value in element.items() if key in shown or key.startswith("selected_")}
    return kept | {"block_id": block_id, "action_ts": action_ts}
