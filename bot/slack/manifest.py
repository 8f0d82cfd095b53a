"""The Slack app that Ferry needs, as data: paste the text when making the app, and tokens are all that is left to copy.

Rules: the fewest scopes that work. Reading whole channels is asked for only where settings let people command without a
mention, reading user groups only where rules or approvals name some, reading who is a guest and which channels are
shared only where settings do not admit them. JSON, which is YAML too: Slack's form takes either.

Facts (Slack developer docs, "App manifest reference", "Events": required scopes): `message.channels` needs
channels:history, `message.groups` groups:history, `message.im` im:history, `app_mention` app_mentions:read,
`subteam_members_changed` usergroups:read; `users.info` needs users:read, `conversations.info` channels:read, of private
channels groups:read. The picture of an evacuation is shared with files:write; it reads no files of
others. im:write opens the direct message in which a person is told of what they watch. The app-level token for Socket
Mode (connections:write) cannot be in a manifest.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from bot.core.policy import Mark, asks_about
from bot.errors import Refused
from bot.settings import Settings, SlackSettings
from bot.slack.modals import SHORTCUT
from bot.slack.payloads import GROUP_EVENT

Manifest = dict[str, Any]

HTTP_PATH = "/slack/events"
"""Where Ferry hears Slack if mode is http."""

_SCOPES = ("app_mentions:read", "chat:write", "commands", "files:write", "im:history", "im:write")
_BARE_SCOPES = ("channels:history", "groups:history")
_EVENTS = ("app_home_opened", "app_mention", "message.im")
_GROUP_SCOPE = "usergroups:read"
_PEOPLE_SCOPES, _CHANNEL_SCOPES = ("users:read",), ("channels:read", "groups:read")
_BARE_EVENTS = ("message.channels", "message.groups")


class Reads(NamedTuple):
    """What the policy makes Ferry read of Slack: user groups, who people are, and which channels are shared."""

    groups: bool = False
    people: bool = False
    channels: bool = False

    @property
    def outside(self) -> tuple[str, ...]:
        """Scopes for who and what is not of one's own."""
        return (*(_PEOPLE_SCOPES if self.people else ()), *(_CHANNEL_SCOPES if self.channels else ()))


def reads_of(settings: Settings) -> Reads:
    admitted = frozenset(map(Mark, settings.policy.admit))
    return Reads(bool(settings.user_groups), asks_about("U", admitted), asks_about("C", admitted))


NOTHING = Reads()


def needed_scopes(settings: SlackSettings, reads: Reads = NOTHING) -> tuple[str, ...]:
    """What the bot's token has to be granted."""
    bare, group = _BARE_SCOPES if settings.bare_channels else (), (_GROUP_SCOPE,) if reads.groups else ()
    return (*_SCOPES, *bare, *group, *reads.outside)


def build_manifest(settings: SlackSettings, url: str = "", reads: Reads = NOTHING) -> Manifest:
    """The app as these settings need it.

    Args:
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
        "oauth_config": {"scopes": {"bot": [*needed_scopes(settings, reads)]}},
        "settings": {
            "event_subscriptions": {
                **_named(request, "request_url"),
                "bot_events": [
                    *_EVENTS,
                    *(_BARE_EVENTS if settings.bare_channels else ()),
                    *((GROUP_EVENT,) if reads.groups else ()),
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


def render_manifest(settings: SlackSettings, url: str = "", reads: Reads = NOTHING) -> str:
    return json.dumps(build_manifest(settings, url, reads), indent=2) + "\n"


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
