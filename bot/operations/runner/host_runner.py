"""What those have in common that carry out a change of a host: their row, its attempt, and when to leave.

Nothing is sent before the row says that it may be, and nothing is written for an attempt that another has replaced.
"""

from __future__ import annotations

import threading

from bot.core.host_change import HostChange
from bot.core.lifecycle import Event, State
from bot.core.operation import Outcome
from bot.operations.runner.permission import Permission
from bot.operations.runner.timing import Timing
from bot.operations.runner.witness import Stopped
from bot.operations.store import Store
from bot.operations.store.host_changes import HostChanges
from bot.ports import Fleet


class HostRunner:
    """Thread-safe: it holds nothing of a single row. Every method raises Stopped if the runner is to stop, or the row
    is no longer this attempt's."""

    def __init__(
        self, store: Store, fleet: Fleet, timing: Timing, stopping: threading.Event, permission: Permission
    ) -> None:
        self._store = store
        self._rows = HostChanges(store)
        self._fleet = fleet
        self._timing = timing
        self._stopping = stopping
        self._permission = permission

    def _require(self, change: HostChange) -> HostChange:
        """The row as it is now."""
        row = self._store.find_host_change(change.id)
        if row is None or row.attempt != change.attempt or row.ended or self._stopping.is_set():
            raise Stopped
        return row

    def _find_refusal(self, change: HostChange) -> str:
        """Why policy does not let it start any more; empty: it does, or it has started."""
        return self._permission(change).refusal if self._state(change) is State.GRANTED else ""

    def _hold(self, change: HostChange) -> bool:
        """Back to the queue, if a freeze or lock keeps it, or nobody knows who may. True: it is there, nothing sent."""
        unsent = self._state(change) is State.GRANTED
        held = unsent and (self._store.is_held(change.id) or bool(self._permission(change).doubt))
        if held:
            self._change(change, Event.HOLD, note="held back before its order left; back in the queue")
        return held

    def _state(self, change: HostChange) -> State:
        return self._require(change).state

    def _change(self, change: HostChange, event: Event, outcome: Outcome | None = None, note: str = "") -> None:
        line = (note,) if note else None
        if self._rows.change(change.id, event, outcome=outcome, note=line, attempt=change.attempt) is None:
            raise Stopped

    def _say(self, change: HostChange, note: str) -> None:
        self._rows.note(change.id, (note,), attempt=change.attempt)

    def _wait(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped
