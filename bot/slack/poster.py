"""Posts to Slack: the Chat port over slack_sdk's WebClient. Draws replies, maps errors, never retries by itself.

A repeated chat.postMessage makes a second message (Slack documents no idempotency key), so whoever posts decides what
to do when no answer came: the error says whether Slack may have taken the call, `find` looks for the message's key.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.core.names import UserId
from bot.core.operation import Place
from bot.core.reply import Reply
from bot.errors import ChatError
from bot.settings import LOOPBACK, SlackSettings
from bot.slack.blocks import render
from bot.slack.errors import slack_errors
from bot.slack.files import share_file

TIMEOUT_S = 10
EVENT_TYPE = "ferry_card"
_PAGE = 200
_CLOCKS_APART = timedelta(minutes=5)  # more would find keys of a database that has been replaced since
_NOT_THERE = frozenset({"not_in_channel", "channel_not_found", "user_not_in_channel"})


def connect(settings: SlackSettings) -> WebClient:
    """A client that does not retry: repeating a post could post twice, and pauses are the announcer's business."""
    token, url = settings.bot_token.get_secret_value(), settings.api_url
    if urlsplit(url).hostname not in LOOPBACK:
        return WebClient(token=token, base_url=url, timeout=TIMEOUT_S, retry_handlers=[])
    client = _Direct(token=token, base_url=url, timeout=TIMEOUT_S, retry_handlers=[])
    client.proxy = None  # the SDK takes it from the environment, for loopback too
    return client


class _Direct(WebClient):
    """Asks no proxy. Where the SDK names none, urllib would still find one in the environment (slack_sdk 3.48)."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:  # noqa: ARG002 - theirs
        with build_opener(ProxyHandler({})).open(req, timeout=self.timeout) as answer:
            return {"status": answer.status, "headers": answer.headers, "body": answer.read().decode()}


class Poster:
    """Thread-safe: the client keeps no state between calls."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def post(self, place: Place, reply: Reply, *, key: str = "") -> str:
        message = _message(reply)
        if key:
            message["metadata"] = {"event_type": EVENT_TYPE, "event_payload": {"key": key}}
        return self._post(place.channel, place.thread, message)

    def update(self, channel: str, ts: str, reply: Reply) -> None:
        with slack_errors():
            self._client.chat_update(channel=channel, ts=ts, **_message(reply))

    def delete(self, channel: str, ts: str) -> None:
        with slack_errors():
            self._client.chat_delete(channel=channel, ts=ts)

    def whisper(self, place: Place, user: UserId, reply: Reply) -> None:
        message = _message(reply)
        if not place.channel.startswith(("C", "G")):  # nobody else reads a direct message
            self._post(place.channel, place.thread, message)
            return
        try:
            with slack_errors():
                self._client.chat_postEphemeral(channel=place.channel, user=user, thread_ts=place.thread, **message)
        except ChatError as error:
            if error.code not in _NOT_THERE:
                raise
            self._post(user, None, message)  # Ferry is no member of the channel: say it to the person directly

    def open_direct(self, user: UserId) -> str:
        with slack_errors():
            return str(self._client.conversations_open(users=[user])["channel"]["id"])

    def find(self, place: Place, key: str, since: datetime) -> str | None:
        """Among the last 200 messages since then. Channels can be read only with the scopes of bare commands."""
        for message in self._read(place, since):
            metadata = message.get("metadata") or {}
            if metadata.get("event_type") == EVENT_TYPE and metadata.get("event_payload", {}).get("key") == key:
                return str(message["ts"])
        return None

    def share(self, place: Place, name: str, data: bytes, title: str) -> None:
        share_file(self._client, place, name, data, title)

    def find_shared(self, place: Place, name: str, since: datetime) -> bool:
        """As `find`. Whoever uploaded a file is its user, so that nobody else's counts."""
        files = [file for message in self._read(place, since) for file in message.get("files") or () if file]
        if name not in (file.get("name") for file in files):
            return False
        with slack_errors():
            me = self._client.auth_test()["user_id"]
        return any(file.get("name") == name and file.get("user") == me for file in files)

    def _read(self, place: Place, since: datetime) -> list[dict[str, Any]]:
        """What was said there since then; nothing where Ferry may not read.

        Slack's clock and Ferry's may differ: a few minutes hide nothing.
        """
        oldest = max(0.0, (since - _CLOCKS_APART).timestamp())
        read: Callable[..., SlackResponse] = self._client.conversations_history
        where: dict[str, Any] = {"channel": place.channel}
        if place.thread:
            read, where = self._client.conversations_replies, where | {"ts": place.thread}
        try:
            with slack_errors():
                answer = read(**where, oldest=f"{oldest:.6f}", limit=_PAGE, include_all_metadata=True)
        except ChatError as error:
            if error.code == "missing_scope":
                return []
            raise
        return list(answer["messages"])

    def _post(self, channel: str, thread: str | None, message: dict[str, Any]) -> str:
        with slack_errors():
            answer = self._client.chat_postMessage(
                channel=channel, thread_ts=thread, unfurl_links=False, unfurl_media=False, **message
            )
        return str(answer["ts"])


def _message(reply: Reply) -> dict[str, Any]:
    rendered = render(reply)
    return {"text": rendered.text, "blocks": rendered.blocks}
