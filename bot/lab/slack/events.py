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


def event_callback(workspace: Workspace, event: JsonObject, channel: Channel) -> JsonObject:
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
        "is_ext_shared_channel": channel.shared_externally,
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
    container: JsonObject = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": bool(message.only_for),
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload: JsonObject = {
        "type": "block_actions",
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": TEAM},
        "api_app_id": APP,
        "token": VERIFICATION_TOKEN,
        "container": container,
        "trigger_id": trigger,
        "team": {"id": TEAM, "domain": DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": channel.id, "name": "directmessage" if channel.kind == "im" else channel.name},
        "state": {"values": {}},
        "response_url": url,
        "actions": [_action(button.element, button.block_id, action_ts)],
    }
    # An ephemeral message is not kept by Slack, so its content does not come back with the press.
    return payload if message.only_for else payload | {"message": message.to_json(TEAM)}


def view_submission(person: Person, view: JsonObject, values: JsonObject, trigger: str) -> JsonObject:
    return _of_view("view_submission", person, view, values, trigger) | {"response_urls": []}


def view_actions(
    person: Person, view: JsonObject, values: JsonObject, action: JsonObject, *, action_ts: str, trigger: str
) -> JsonObject:
    """Something was chosen or pressed in a view: there is no channel and no message."""
    payload = _of_view("block_actions", person, view, values, trigger)
    container = {"type": "view", "view_id": view["id"]}
    return payload | {"container": container, "actions": [action | {"action_ts": action_ts}]}


def block_suggestion(
    person: Person, view: JsonObject, values: JsonObject, *, block_id: str, action_id: str, typed: str
) -> JsonObject:
    """Somebody types into an external select; the answer is what may be chosen."""
    payload = _of_view("block_suggestion", person, view, values, "")
    del payload["trigger_id"]
    container = {"type": "view", "view_id": view["id"]}
    return payload | {"container": container, "block_id": block_id, "action_id": action_id, "value": typed}


def shortcut(person: Person, callback_id: str, action_ts: str, trigger: str) -> JsonObject:
    """A global shortcut: it knows no channel."""
    return {
        "type": "shortcut",
        "token": VERIFICATION_TOKEN,
        "action_ts": action_ts,
        "team": {"id": TEAM, "domain": DOMAIN},
        "user": {"id": person.id, "username": person.name, "team_id": TEAM},
        "is_enterprise_install": False,
        "enterprise": None,
        "callback_id": callback_id,
        "trigger_id": trigger,
    }


def _of_view(kind: str, person: Person, view: JsonObject, values: JsonObject, trigger: str) -> JsonObject:
    shown = {"external_id": "", "clear_on_close": False, "notify_on_close": False, "private_metadata": ""} | view
    of_app = {"root_view_id": view["id"], "previous_view_id": None, "app_installed_team_id": TEAM, "bot_id": BOT}
    return {
        "type": kind,
        "team": {"id": TEAM, "domain": DOMAIN},
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": TEAM},
        "api_app_id": APP,
        "token": VERIFICATION_TOKEN,
        "trigger_id": trigger,
        "view": shown | of_app | {"state": {"values": values}},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _action(element: Mapping[str, Any], block_id: str, action_ts: str) -> JsonObject:
    kept = {key: element[key] for key in ("action_id", "text", "value", "style", "type", "url") if key in element}
    return kept | {"block_id": block_id, "action_ts": action_ts}
