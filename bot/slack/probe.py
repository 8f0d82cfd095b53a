"""Whether Slack takes Ferry's tokens, and what they allow: for `ferry doctor`. Posts nothing.

Fact: every answer of the Web API carries Slack's clock in Date.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.core.plan import Finding, Level
from bot.core.wording import render_count
from bot.errors import ChatError, Refused
from bot.settings import SlackSettings
from bot.slack.errors import slack_errors
from bot.slack.groups import SlackGroups
from bot.slack.listeners import check_secrets
from bot.slack.manifest import NOTHING, Reads, needed_scopes
from bot.slack.poster import connect, read_headers, read_scopes

_REINSTALL = "`ferry manifest` prints what the app needs; put it into the app's manifest, and install the app again"


def examine_slack(
    settings: SlackSettings, groups: Sequence[str] = (), *, ruled: bool = False, reads: Reads = NOTHING
) -> Iterator[Finding]:
    """Tokens, scopes, the connection for Socket Mode, user groups, and who may command. Never raises.

    Args:
        groups: ids of the user groups that rules and approvals name.
        ruled: whether there are rules beside `allow` and `operators`.
        reads: what the policy makes Ferry read besides.
    """
    try:
        check_secrets(settings)
    except Refused as refused:
        yield _blocking("tokens", refused.saw, refused.needed, refused.hint)
        return
    client = connect(settings)
    try:
        with slack_errors():
            identity = client.auth_test()
    except ChatError as error:
        hint = "SLACK_BOT_TOKEN: the app's OAuth & Permissions page"
        yield _blocking("tokens", error.message, "a bot token that Slack takes", hint)
        return
    yield _fine("tokens", f"the bot token is {identity.get('user')}'s in the workspace {identity.get('team')}")
    yield _scopes(needed_scopes(settings, reads._replace(groups=bool(groups))), identity)
    if settings.mode == "socket":
        try:
            with slack_errors():
                client.apps_connections_open(app_token=settings.app_token.get_secret_value())
            yield _fine("socket", "the app token opens a connection for Socket Mode")
        except ChatError as error:
            hint = "SLACK_APP_TOKEN: the app's Basic Information page, App-Level Tokens"
            yield _blocking("socket", error.message, "an app-level token with connections:write", hint)
    for group in groups:
        yield _group(client, group)
    if not ruled:
        yield from _people(settings)


def slack_ahead_s(settings: SlackSettings) -> float | None:
    """How far Slack's clock is ahead of this machine's; None if Slack does not say."""
    try:
        with slack_errors():
            date = read_headers(connect(settings).api_test()).get("date", "")
        return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
    except (ChatError, ValueError, TypeError):
        return None


def _group(client: WebClient, group: str) -> Finding:
    try:
        count = len(SlackGroups(client, "").members(group))
    except ChatError as error:
        hint = "`ferry policy check` names the rules; the id is in the group's menu in Slack (Copy group ID)"
        return _blocking("groups", f"the user group {group}: {error.message}", "a user group that can be read", hint)
    return _fine("groups", f"the user group {group} has {render_count(count, 'member')}")


def _scopes(needed: Sequence[str], identity: SlackResponse) -> Finding:
    granted = read_scopes(identity)
    missing = [scope for scope in needed if scope not in granted]
    if missing:
        return _blocking("scopes", f"the bot token lacks {', '.join(missing)}", ", ".join(needed), _REINSTALL)
    return _fine("scopes", f"the bot token has {', '.join(needed)}")


def _people(settings: SlackSettings) -> Iterator[Finding]:
    if not settings.allow and not settings.operators:
        hint = "FERRY_SLACK__ALLOW=U012ABCDEF,U034GHIJKL (in a Slack profile: Copy member ID)"
        yield Finding(level=Level.WARNING, code="people", text="nobody may command Ferry", needed="`allow`", hint=hint)


def _fine(code: str, text: str) -> Finding:
    return Finding(level=Level.FINE, code=code, text=text)


def _blocking(code: str, text: str, needed: str, hint: str) -> Finding:
    return Finding(level=Level.BLOCKING, code=code, text=text, needed=needed, hint=hint)
