"""Posts to Slack: the Chat port over slack_sdk's WebClient. Draws replies, maps errors, never retries by itself.

Rules:
    1. A repeated chat.postMessage makes a second message (Slack documents no idempotency key), so whoever posts decides
       what to do when no answer came: the error says whether Slack may have taken the call, `find` looks for the
       message's key.
    2. Blocks that Slack would refuse are not sent, and those that it does refuse are not sent again: what they say is
       then said as plain text, once, and the log has why. Nobody is left without an answer for how it looks.
"""

from __future__ import annotations

import logging
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
from bot.slack.kit.messages import REFUSALS_OF_BLOCKS, judge_message

TIMEOUT_S = 10
EVENT_TYPE = "ferry_card"
_PAGE = 200
_CLOCKS_APART = timedelta(minutes=5)  # more would find keys of a database that has been replaced since
_NOT_THERE = frozenset({"not_in_channel", "channel_not_found", "user_not_in_channel"})

log = logging.getLogger(__name__)

Message = dict[str, Any]


def connect(settings: SlackSettings) -> WebClient:
    """A client that does not retry: repeating a post could post twice, and pauses are the announcer's business."""
    token, url = settings.bot_token.get_secret_value(), settings.api_url
    if urlsplit(url).hostname not in LOOPBACK:
        return WebClient(token=token, base_url=url, timeout=TIMEOUT_S, retry_handlers=[])
    client = _Direct(token=token, base_url=url, timeout=TIMEOUT_S, retry_handlers=[])
    client.proxy = None  # the SDK takes it from the environment, for loopback too
    return client


def read_scopes(answer: SlackResponse) -> frozenset[str]:
    """What the token was granted: every answer to one names it (Slack, "Using the Slack Web API": scopes)."""
    return frozenset(scope.strip() for scope in read_headers(answer).get("x-oauth-scopes", "").split(","))


def read_headers(answer: SlackResponse) -> dict[str, str]:
    """Names in lower case; a header may come as a list."""
    pairs = answer.headers.items()
    return {name.lower(): value if isinstance(value, str) else ",".join(value) for name, value in pairs}


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
        return self._post(place.channel, place.thread, reply, key)

    def update(self, channel: str, ts: str, reply: Reply) -> None:
        _send(reply, lambda message: self._client.chat_update(channel=channel, ts=ts, **message))

    def delete(self, channel: str, ts: str) -> None:
        with slack_errors():
            self._client.chat_delete(channel=channel, ts=ts)

    def whisper(self, place: Place, user: UserId, reply: Reply) -> None:
        if not place.channel.startswith(("C", "G")):  # nobody else reads a direct message
            self._post(place.channel, place.thread, reply)
            return
        where: dict[str, Any] = {"channel": place.channel, "user": user, "thread_ts": place.thread}
        try:
            _send(reply, lambda message: self._client.chat_postEphemeral(**where, **message))
        except ChatError as error:
            if error.code not in _NOT_THERE:
                raise
            self._post(user, None, reply)  # Ferry is no member of the channel: say it to the person directly

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

    def _post(self, channel: str, thread: str | None, reply: Reply, key: str = "") -> str:
        named: dict[str, Any] = {"metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": key}}} if key else {}
        where: dict[str, Any] = {"channel": channel, "thread_ts": thread, "unfurl_links": False, "unfurl_media": False}
        return str(_send(reply, lambda message: self._client.chat_postMessage(**where, **named, **message))["ts"])


def _send(reply: Reply, call: Callable[[Message], SlackResponse]) -> SlackResponse:
    """Twice at most: with blocks, and in words where Slack takes no such blocks. Raises ChatError."""
    rendered = render(reply)
    plain: Message = {"text": rendered.text, "blocks": []}  # without the empty list an update might keep the old ones
    if objection := judge_message(rendered.text, rendered.blocks):
        log.error("sent_as_plain_text code=%s problems=%r", objection.code, objection.problems)
    else:
        try:
            with slack_errors():
                return call({"text": rendered.text, "blocks": rendered.blocks})
        except ChatError as error:
            if error.code not in REFUSALS_OF_BLOCKS:
                raise
            log.error("sent_as_plain_text code=%s problems=%r", error.code, error.message)  # noqa: TRY400 - Slack's
    with slack_errors():
        return call(plain)
