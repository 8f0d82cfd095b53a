"""What went wrong with a call to Slack, as a ChatError: whether repeating it helps, and whether it may be done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from socket import gaierror
from urllib.error import HTTPError, URLError

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.errors import ChatError, RateLimited

_UNKNOWN_PAUSE_S = 30.0  # for a 429 without Retry-After
_MOST_DETAILS = 3

# Slack's error codes (chat.postMessage, chat.update, files.completeUploadExternal: "Errors") after which the same call
# may succeed. Those about the token too: a person can repair it, and the cards should come back then.
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
        "file_update_failed",
    }
)
# "It's possible some aspect of the operation succeeded before the error was raised" (Slack, on fatal_error).
_MAYBE_DONE = frozenset(
    {"internal_error", "fatal_error", "request_timeout", "service_unavailable", "file_update_failed"}
)


@contextmanager
def slack_errors() -> Iterator[None]:
    """Whatever slack_sdk raises for a refused, lost or unanswered call, as ChatError."""
    try:
        yield
    except SlackApiError as error:
        raise _refusal(error.response) from error
    except HTTPError as error:  # from an address that is not the Web API's: there the SDK makes it an answer
        raise _by_status(error.code, error.headers.get("Retry-After")) from error
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
        return _by_status(429, headers.get("retry-after"))
    if response.status_code != 200 or " " in code:  # not the Web API's own answer: the SDK puts a sentence into `error`
        return _by_status(response.status_code)
    details = (response.get("response_metadata") or {}).get("messages") or ()
    said = ": ".join((f"Slack refused: {code}", *map(str, details[:_MOST_DETAILS])))
    return ChatError(said, code=code, lasting=code not in _TRANSIENT, maybe_done=code in _MAYBE_DONE)


def _by_status(status: int, retry_after: str | None = None) -> ChatError:
    if status == 429:
        return RateLimited(_pause_s(retry_after))
    said = f"Slack answered with HTTP status {status}"
    return ChatError(said, code=f"http_{status}", lasting=False, maybe_done=True)


def _pause_s(retry_after: str | None) -> float:
    try:
        return max(1.0, float(retry_after or _UNKNOWN_PAUSE_S))
    except ValueError:
        return _UNKNOWN_PAUSE_S
