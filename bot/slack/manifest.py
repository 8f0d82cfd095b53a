"""The Slack app that Ferry needs, as data: paste the text when making the app, and tokens are all that is left to copy.

Rules: the fewest scopes that work. Reading whole channels is asked for only where settings let people command without a
mention, reading user groups only where rules or approvals name some. JSON, which is YAML too: Slack's form takes
either.

Facts (Slack developer docs, "App manifest reference", "Events": required scopes): `message.channels` needs
channels:history, `message.groups` groups:history, `message.im` im:history, `app_mention` app_mentions:read,
`subteam_members_changed` usergroups:read. The picture of an evacuation is shared with files:write; it reads no files of
others. im:write opens the direct message in which a person is told of what they watch. The app-level token for Socket
Mode (connections:write) cannot be in a manifest.
"""

from __future__ import annotations

import json
from typing import Any

from bot.errors import Refused
from bot.settings import SlackSettings
from bot.slack.modals import SHORTCUT
from bot.slack.payloads import GROUP_EVENT

Manifest = dict[str, Any]

HTTP_PATH = "/slack/events"
"""Where Ferry hears Slack if mode is http."""

_SCOPES = ("app_mentions:read", "chat:write", "commands", "files:write", "im:history", "im:write")
_BARE_SCOPES = ("channels:history", "groups:history")
_EVENTS = ("app_home_opened", "app_mention", "message.im")
_GROUP_SCOPE = "usergroups:read"
_BARE_EVENTS = ("message.channels", "message.groups")


def needed_scopes(settings: SlackSettings, *, groups: bool = False) -> tuple[str, ...]:
    """What the bot's token has to be granted."""
    return (*_SCOPES, *(_BARE_SCOPES if settings.bare_channels else ()), *((_GROUP_SCOPE,) if groups else ()))


def build_manifest(settings: SlackSettings, url: str = "", *, groups: bool = False) -> Manifest:
    """The app as these settings need it.

    Args:
        groups: whether rules or approvals name user groups.
        url: where Slack reaches Ferry, for mode = http: "https://ferry.contoso.com".

    Raises:
        Refused: mode is http, and there is no https URL.
    """
    request = _request(settings, url)
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "Ferry",
            "description": "Moves Hyper-V virtual machines, once a person has confirmed the plan.",
            "background_color": "#1f2d3d",
        },
        "features": _features(settings, request),
        "oauth_config": {"scopes": {"bot": [*needed_scopes(settings, groups=groups)]}},
        "settings": {
            "event_subscriptions": {
                **_named(request, "request_url"),
                "bot_events": [
                    *_EVENTS,
                    *(_BARE_EVENTS if settings.bare_channels else ()),
                    *((GROUP_EVENT,) if groups else ()),
                ],
            },
            "interactivity": {  # buttons and forms, in Socket Mode too
                "is_enabled": True,
                **_named(request, "request_url"),
                **_named(request, "message_menu_options_url"),
            },
            "org_deploy_enabled": False,
            "socket_mode_enabled": settings.mode == "socket",
            "token_rotation_enabled": False,
        },
    }


def _features(settings: SlackSettings, request: str) -> Manifest:
    return {
        "app_home": {
            "home_tab_enabled": True,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": "Ferry", "always_online": True},
        "shortcuts": [
            {
                "name": "Move a virtual machine",
                "type": "global",
                "callback_id": SHORTCUT,
                "description": "A form: choose what to move, and where to",
            }
        ],
        "slash_commands": [
            {
                "command": settings.command,
                "description": "Move a Hyper-V virtual machine, or its storage",
                "usage_hint": "migrate VM-01 to host02",
                "should_escape": True,
                **_named(request, "url"),
            }
        ],
    }


def render_manifest(settings: SlackSettings, url: str = "", *, groups: bool = False) -> str:
    return json.dumps(build_manifest(settings, url, groups=groups), indent=2) + "\n"


def _request(settings: SlackSettings, url: str) -> str:
    """Where Slack sends everything; empty in Socket Mode, where Ferry calls Slack."""
    if settings.mode == "socket":
        return ""
    if not url.startswith("https://"):
        raise Refused(
            f"the address for Slack is {url!r}" if url else "there is no address for Slack to send to",
            needed='an https address, as mode = "http" means that Slack calls Ferry',
            hint="ferry manifest --url https://ferry.contoso.com",
        )
    return url.rstrip("/") + HTTP_PATH


def _named(request: str, key: str) -> Manifest:
    return {key: request} if request else {}
