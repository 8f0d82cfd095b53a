"""Slack's rate limits: per method and app, in tiers, and about one posted message a second in a channel.

Slack documents calls per minute and "short bursts"; that a bucket holds one minute's worth, and ten messages for a
channel, is assumed. A refused call costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

POSTS_PER_S = 1.0  # to one channel (Slack, "Rate limits": generally one message per second per channel)
POST_BURST = 10
POSTS_PER_MINUTE = 300  # to the whole workspace: "several hundred messages per minute"


class Tier(Enum):
    """Calls per minute (Slack, "Web API rate limits")."""

    ONE = 1
    TWO = 20
    THREE = 50
    FOUR = 100
    SPECIAL = 600  # auth.test and the like: "hundreds of requests per minute"


@dataclass
class Bucket:
    """A token bucket. Times are seconds of one monotonic clock."""

    per_s: float
    burst: float
    left: float = field(init=False)
    at: float | None = None

    def __post_init__(self) -> None:
        self.left = self.burst

    def wait_s(self, now: float) -> float:
        """How long until a call is allowed; 0 if it is now. Takes nothing."""
        if self.at is not None:
            self.left = min(self.burst, self.left + max(0.0, now - self.at) * self.per_s)
        self.at = now
        return max(0.0, (1 - self.left) / self.per_s)

    def take(self) -> None:
        self.left -= 1


class Limits:
    """All buckets of one app. `enabled` may be switched at any time; `admit` is called on the server's loop only."""

    def __init__(self, *, enabled: bool, clock: Callable[[], float]) -> None:
        self.enabled = enabled
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def admit(self, method: str, tier: Tier, channel: str) -> int:
        """Count the call; 0 if it may pass, or whole seconds for Retry-After."""
        if not self.enabled:
            return 0
        now = self._clock()
        if method == "chat.postMessage":
            buckets = [
                self._bucket(method, channel, POSTS_PER_S, POST_BURST),
                self._bucket(method, "", POSTS_PER_MINUTE / 60, POSTS_PER_MINUTE),
            ]
        else:
            buckets = [self._bucket(method, "", tier.value / 60, tier.value)]
        wait_s = max(bucket.wait_s(now) for bucket in buckets)
        if wait_s > 1e-9:
            return max(1, math.ceil(wait_s))
        for bucket in buckets:
            bucket.take()
        return 0

    def _bucket(self, method: str, channel: str, per_s: float, burst: float) -> Bucket:
        return self._buckets.setdefault((method, channel), Bucket(per_s, burst))
