"""Who is in a user group of Slack's.

Facts: `usergroups.users.list` is limited to about 20 calls a minute (Tier 2) and needs usergroups:read; a group that
does not exist is refused with no_such_subteam (Slack, "usergroups.users.list").
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from slack_sdk import WebClient

from bot.core.names import UserId
from bot.errors import ChatError
from bot.ports import NO_SUCH_GROUP
from bot.settings import SlackSettings
from bot.slack.errors import slack_errors
from bot.slack.poster import connect


class SlackGroups:
    """Implements `ports.Directory`. Thread-safe."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def members(self, group: str) -> frozenset[UserId]:
        with slack_errors():
            answer = self._client.usergroups_users_list(usergroup=group)
        return frozenset(UserId(str(one)) for one in answer.get("users") or ())


def read_groups(settings: SlackSettings, groups: Collection[str]) -> Mapping[str, frozenset[UserId]] | None:
    """Those of these groups that exist, with their members. None: Slack could not be asked."""
    if not groups:
        return {}
    if not settings.bot_token.get_secret_value():
        return None
    directory = SlackGroups(connect(settings))
    found = {}
    for group in groups:
        try:
            found[group] = directory.members(group)
        except ChatError as error:
            if error.code != NO_SUCH_GROUP:
                return None
    return found
