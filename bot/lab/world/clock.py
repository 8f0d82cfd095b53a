"""The world's time: aware UTC that passes at a chosen speed, or only when a test says so."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class WorldClock(Protocol):
    speed: float
    """Simulated seconds in a real one; 1 where time passes only when it is told to."""

    def now(self) -> datetime:
        """The world's time; never goes back."""

    def real_s(self, world_s: float) -> float:
        """How many real seconds to wait for so many seconds of the world."""


class RunningClock:
    """Starts at the real time and runs `speed` times as fast."""

    def __init__(self, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError("a world's speed is more than 0")
        self.speed = speed
        self._base = datetime.now(UTC)
        self._started = time.monotonic()

    def now(self) -> datetime:
        return self._base + timedelta(seconds=(time.monotonic() - self._started) * self.speed)

    def real_s(self, world_s: float) -> float:
        return world_s / self.speed


class ManualClock:
    """Stands still until somebody calls `advance`. Safe to use from any thread."""

    speed = 1.0

    def __init__(self, start: datetime = datetime(2026, 1, 5, 14, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("time does not go back")
        with self._lock:
            self._now += timedelta(seconds=seconds)

    def real_s(self, world_s: float) -> float:
        return min(world_s, 0.005)  # nobody can know when it will be advanced: look again soon
