"""Who is in a user group of Slack's, who people are, and which channels are shared.

Facts (Slack, "usergroups.users.list", "users.info", "User types", "conversations.info", "Conversation object"):
`usergroups.users.list` is limited to about 20 calls a minute (Tier 2) and needs usergroups:read; a group that does not
exist is refused with no_such_subteam. `users.info` (Tier 4, users:read) tells is_restricted of every guest and
is_ultra_restricted of those of one channel, deleted of deactivated accounts, which lack most else, and team_id; a
person of another workspace whom Ferry shares no channel with has is_stranger, or is not visible. In an Enterprise
organisation a person is of several workspaces: enterprise_user.teams. `conversations.info` (Tier 3; channels:read, of
private channels groups:read) tells is_ext_shared, is_org_shared and is_shared, and does not find private channels that
Ferry is not in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from slack_sdk import WebClient

from bot.core.names import UserId
from bot.core.policy import Mark, Marks
from bot.errors import ChatError, Refused
from bot.ports import NO_SUCH_GROUP
from bot.settings import SlackSettings
from bot.slack.errors import slack_errors
from bot.slack.poster import connect

_UNSEEN = frozenset({"user_not_found", "user_not_visible"})
_HIDDEN = frozenset({"channel_not_found", "missing_scope"})
"""The latter: of a kind of conversation that Ferry asks no scope for, as between several people."""
_SHARED = ("is_ext_shared", "is_org_shared", "is_shared", "is_pending_ext_shared")


class SlackGroups:
    """Implements `ports.Directory`. Thread-safe.

    Args:
        team: the workspace whose people are one's own.
    """

    def __init__(self, client: WebClient, team: str) -> None:
        self._client = client
        self._team = team

    def members(self, group: str) -> frozenset[UserId]:
        with slack_errors():
            answer = self._client.usergroups_users_list(usergroup=group)
        return frozenset(UserId(str(one)) for one in answer.get("users") or ())

    def describe(self, whom: str) -> frozenset[Mark]:
        return self._describe_channel(whom) if whom.startswith(("C", "G")) else self._describe_person(whom)

    def _describe_person(self, user: str) -> frozenset[Mark]:
        try:
            with slack_errors():
                answer = self._client.users_info(user=user)
        except ChatError as error:
            if error.code in _UNSEEN:
                return frozenset({Mark.STRANGER})
            raise
        return frozenset(mark_person(answer.get("user") or {}, self._team))

    def _describe_channel(self, channel: str) -> frozenset[Mark]:
        try:
            with slack_errors():
                answer = self._client.conversations_info(channel=channel)
        except ChatError as error:
            if error.code in _HIDDEN:
                return frozenset({Mark.HIDDEN})
            raise
        told: Mapping[str, Any] = answer.get("channel") or {}
        return frozenset({Mark.SHARED}) if any(told.get(name) for name in _SHARED) else frozenset()


def mark_person(user: Mapping[str, Any], team: str) -> Iterator[Mark]:
    """Marks of a user object; one that names no workspace is a stranger's."""
    organisation = user.get("enterprise_user") or {}
    if team not in (user.get("team_id"), *(organisation.get("teams") or ())) or user.get("is_stranger"):
        yield Mark.STRANGER
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        yield Mark.GUEST
    if user.get("deleted"):
        yield Mark.DEACTIVATED
    if user.get("is_bot"):
        yield Mark.BOT


def read_groups(settings: SlackSettings, groups: Collection[str]) -> Mapping[str, frozenset[UserId]] | None:
    """Those of these groups that exist, with their members. None: Slack could not be asked."""
    if not groups:
        return {}
    if not settings.bot_token.get_secret_value():
        return None
    directory = SlackGroups(connect(settings), "")
    found = {}
    for group in groups:
        try:
            found[group] = directory.members(group)
        except ChatError as error:
            if error.code != NO_SUCH_GROUP:
                return None
    return found


def read_marks(settings: SlackSettings, whom: Iterable[str]) -> Marks | None:
    """What Slack says of these people and channels. None: it could not be asked."""
    whom = tuple(whom)
    if not whom:
        return {}
    if not settings.bot_token.get_secret_value():
        return None
    client = connect(settings)
    try:
        with slack_errors():
            directory = SlackGroups(client, str(client.auth_test()["team_id"]))
        return {one: directory.describe(one) for one in whom}
    except ChatError:
        return None


def require_scopes(granted: Collection[str], needed: Collection[str]) -> None:
    """Raises Refused: without these nobody could change anything."""
    if missing := [scope for scope in needed if scope not in granted]:
        raise Refused(
            f"the bot token lacks {', '.join(missing)}: Slack would tell neither guests nor shared channels",
            needed=", ".join(needed),
            hint="`ferry manifest` prints the app as it has to be; or admit them: `admit` under `[policy]`",
        )
