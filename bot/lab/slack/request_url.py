"""Payloads over HTTP to an app's Request URL, signed, instead of over a socket.

Facts (Slack, "Verifying requests from Slack", "Events API", "Slash commands", "Handling user interaction"): events come
as JSON, slash commands as a form, interactions as a form with the JSON in `payload`; an answer of 200 acknowledges, and
its body is what Socket Mode has in the acknowledgement's `payload`; a retry says its number and reason in headers.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp

from bot.lab.slack.model import JsonObject

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass(eq=False)
class RequestUrl:
    """Where an app listens, and the secret with which it can tell who calls. Used on the server's loop."""

    url: str
    secret: str
    _session: aiohttp.ClientSession | None = field(default=None, init=False)

    async def send(self, kind: str, payload: JsonObject, attempt: int, now: int) -> JsonObject | None:
        """What the app answers, {} if it has nothing to say. None: no acknowledgement."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        body, content_type = _encode(kind, payload)
        signed = hmac.new(self.secret.encode(), f"v0:{now}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": str(now),
            "X-Slack-Signature": f"v0={signed}",
        }
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_timeout"}
        try:
            async with self._session.post(self.url, data=body.encode(), headers=headers) as response:
                said = await response.text()
                return _decode(said) if response.status == 200 else None
        except aiohttp.ClientError:
            return None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _encode(kind: str, payload: JsonObject) -> tuple[str, str]:
    if kind == "events_api":
        return json.dumps(payload), _JSON
    return urlencode(payload if kind == "slash_commands" else {"payload": json.dumps(payload)}), _FORM


def _decode(said: str) -> JsonObject:
    try:
        answer = json.loads(said or "{}")
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
