"""Posts to Slack: the Chat port over slack_sdk's WebClient. Draws replies, maps errors, never retries by itself.

A repeated chat.postMessage makes a second message (Slack documents no idempotency key), so whoever posts decides what
to do when no answer came: the error says whether Slack may have taken the call, `find` looks for the message's key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.client import HTTPException
from socket import gaierror
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.core.names import UserId
from bot.core.operation import Place
from bot.core.reply import Reply
from bot.errors import ChatError, RateLimited
from bot.settings import LOOPBACK, SlackSettings
from bot.slack.blocks import render

TIMEOUT_S = 10
EVENT_TYPE = "ferry_card"
_PAGE = 200
_CLOCKS_APART = timedelta(minutes=5)  # more would find keys of a database that has been replaced since
_UNKNOWN_PAUSE_S = 30.0  # for a 429 without Retry-After

# Slack's error codes (chat.postMessage, chat.update: "Errors") after which the same call may succeed. Those about the
# token too: a person can repair it, and the cards should come back then.
_TRANSIENT = frozenset(
    {
        "internal_error",
        "fatal_error",
        "request_timeout",
        "service_unavailable",
        "accesslimited",
        "team_added_to_org",
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "missing_scope",
        "no_permission",
    }
)
# "It's possible some aspect of the operation succeeded before the error was raised" (Slack, on fatal_error).
_MAYBE_DONE = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable"})
_NOT_THERE = frozenset({"not_in_channel", "channel_not_found", "user_not_in_channel"})


def connect(settings: SlackSettings) -> WebClient:
    """A client that does not retry: repeating a post could post twice, and pauses are the announcer's business."""
    client = WebClient(
        token=settings.bot_token.get_secret_value(), base_url=settings.api_url, timeout=TIMEOUT_S, retry_handlers=[]
    )
    if urlsplit(settings.api_url).hostname in LOOPBACK:
        client.proxy = None  # the SDK would send loopback, too, through the proxy that the environment names
    return client


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
        if place.channel.startswith("D"):  # nobody else reads a direct message
            self._post(place.channel, place.thread, message)
            return
        try:
            with slack_errors():
                self._client.chat_postEphemeral(channel=place.channel, user=user, thread_ts=place.thread, **message)
        except ChatError as error:
            if error.code not in _NOT_THERE:
                raise
            self._post(user, None, message)  # Ferry is no member of the channel: say it to the person directly

    def find(self, place: Place, key: str, since: datetime) -> str | None:
        """Among the last 200 messages since then. Channels can be read only with the scopes of bare commands.

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
                return None
            raise
        for message in answer["messages"]:
            metadata = message.get("metadata") or {}
            if metadata.get("event_type") == EVENT_TYPE and metadata.get("event_payload", {}).get("key") == key:
                return str(message["ts"])
        return None

    def _post(self, channel: str, thread: str | None, message: dict[str, Any]) -> str:
        with slack_errors():
            answer = self._client.chat_postMessage(
                channel=channel, thread_ts=thread, unfurl_links=False, unfurl_media=False, **message
            )
        return str(answer["ts"])


def _message(reply: Reply) -> dict[str, Any]:
    rendered = render(reply)
    return {"text": rendered.text, "blocks": rendered.blocks}


@contextmanager
def slack_errors() -> Iterator[None]:
    """Whatever slack_sdk raises for a refused, lost or unanswered call, as ChatError."""
    try:
        yield
    except SlackApiError as error:
        raise _refusal(error.response) from error
    except URLError as error:
        # urllib raises this for all that goes wrong before it waits for the answer; sometimes nothing was sent yet.
        nothing_sent = isinstance(error.reason, (ConnectionRefusedError, gaierror))
        raise ChatError(
            f"Slack could not be reached: {error.reason}",
            code="unreachable",
            lasting=False,
            maybe_done=not nothing_sent,
        ) from error
    except (HTTPException, OSError) as error:
        what = str(error) or type(error).__name__
        raise ChatError(
            f"Slack took the call and gave no answer: {what}", code="unreachable", lasting=False, maybe_done=True
        ) from error


def _refusal(response: SlackResponse) -> ChatError:
    code = str(response.get("error") or f"http_{response.status_code}")
    if response.status_code == 429 or code == "ratelimited":
        headers = {name.lower(): value for name, value in response.headers.items()}
        return RateLimited(_pause_s(headers.get("retry-after")))
    if response.status_code != 200 or " " in code:  # not the Web API's own answer: the SDK puts a sentence into `error`
        return ChatError(
            f"Slack answered with HTTP status {response.status_code}",
            code=f"http_{response.status_code}",
            lasting=False,
            maybe_done=True,
        )
    return ChatError(
        f"Slack refused: {code}", code=code, lasting=code not in _TRANSIENT, maybe_done=code in _MAYBE_DONE
    )


def _pause_s(retry_after: str | None) -> float:
    try:
        return max(1.0, float(retry_after or _UNKNOWN_PAUSE_S))
    except ValueError:
        return _UNKNOWN_PAUSE_S
