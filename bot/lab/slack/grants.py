"""What an interaction lets the app do: open a view once within 3 s, and answer five times within 30 minutes."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

TRIGGER_S = 3.0
RESPONSE_S = 30 * 60.0
RESPONSES = 5


@dataclass
class Trigger:
    user: str
    until: float
    used: bool = False


@dataclass
class ResponseUrl:
    """Where an answer to an interaction goes.

    Attributes:
        ts: the message whose button was pressed; empty for a slash command.
    """

    user: str
    channel: str
    ts: str
    thread_ts: str
    until: float
    left: int = RESPONSES


class Grants:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._triggers: dict[str, Trigger] = {}
        self._urls: dict[str, ResponseUrl] = {}

    def new_trigger(self, user: str) -> str:
        key = f"{int(self._clock() * 1000)}.{uuid.uuid4().hex}"
        with self._lock:
            self._triggers[key] = Trigger(user, self._clock() + TRIGGER_S)
        return key

    def use_trigger(self, key: str) -> tuple[str, str]:
        """(user, "") the first time, ("", error code) otherwise."""
        with self._lock:
            trigger = self._triggers.get(key)
            if trigger is None:
                return "", "invalid_trigger_id"
            if trigger.used:
                return "", "exchanged_trigger_id"
            if self._clock() > trigger.until:
                return "", "expired_trigger_id"
            trigger.used = True
            return trigger.user, ""

    def new_response_url(self, user: str, channel: str, *, ts: str = "", thread_ts: str = "") -> str:
        key = uuid.uuid4().hex
        with self._lock:
            self._urls[key] = ResponseUrl(user, channel, ts, thread_ts, self._clock() + RESPONSE_S)
        return key

    def use_response_url(self, key: str) -> tuple[ResponseUrl | None, str]:
        """(url, "") while it may be used, (None, error code) afterwards."""
        with self._lock:
            url = self._urls.get(key)
            if url is None or self._clock() > url.until:
                return None, "expired_url"
            if url.left <= 0:
                return None, "used_url"
            url.left -= 1
            return url, ""
