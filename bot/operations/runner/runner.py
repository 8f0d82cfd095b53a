"""Runs the workflow of one granted operation. What it does is in `errand`, and in `preparer` and `maintainer` where a
host itself is changed; here is who may do it, and what a bug costs.

Idempotent: it may be called again for the same attempt after any crash, and looks before it does anything.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable

from bot.core.host_change import HostChange
from bot.core.lifecycle import HOLDING, Event, State
from bot.core.maintenance import Maintenance
from bot.core.operation import Operation, Outcome
from bot.core.plan import Plan
from bot.core.preparation import Preparation
from bot.errors import DatabaseUnavailable
from bot.operations.runner.errand import Errand
from bot.operations.runner.glances import Glances
from bot.operations.runner.maintainer import Maintainer
from bot.operations.runner.permission import Permission
from bot.operations.runner.preparer import Preparer
from bot.operations.runner.row import Row
from bot.operations.runner.timing import Timing
from bot.operations.runner.turns import Turns
from bot.operations.runner.witness import Stopped
from bot.operations.store import Store
from bot.operations.store.host_changes import HostChanges
from bot.ports import Clock, Fleet

log = logging.getLogger(__name__)

AWAITS_CHAT = "waiting for Slack: it is silent, and whether this may still start is not known"


class Runner:
    """Thread-safe; each call of `run` keeps its thread until the operation has ended or the runner stops.

    Args:
        changes: what differs now from what was approved, read live; empty: nothing that matters. Raises HostError.
        permission: whether what was confirmed may still start, by the policy of now.
    """

    def __init__(
        self,
        store: Store,
        fleet: Fleet,
        clock: Clock,
        changes: Callable[[Plan], tuple[str, ...]],
        permission: Permission,
        timing: Timing | None = None,
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._clock = clock
        self._changes = changes
        self._timing = timing or Timing()
        self._stopping = threading.Event()
        self._permission = permission
        self._glances = Glances(store.standings, self._timing.tick_s)
        self._turns = Turns(self._timing.prepared_at_once, self._timing.poll_s)
        self._preparer = Preparer(store, fleet, self._timing, self._stopping, permission)
        self._maintainer = Maintainer(store, fleet, self._timing, self._stopping, permission)
        self._host_changes = HostChanges(store)
        self._left = threading.Condition()
        self._runs: set[tuple[str, int]] = set()

    @property
    def running(self) -> frozenset[tuple[str, int]]:
        """Operations and the attempts at them that are being carried out here."""
        with self._left:
            return frozenset(self._runs)

    def run(self, operation_id: str, attempt: int) -> None:
        """Bring the operation to its end. Does nothing if this attempt is no longer the operation's current one."""
        operation = self._find(operation_id)
        if operation is None or operation.attempt != attempt or operation.state not in HOLDING:
            log.info("attempt_is_stale operation=%s attempt=%d", operation_id, attempt)
            return
        log.info("runner_begins operation=%s attempt=%d", operation_id, attempt)
        with self._left:
            self._runs.add((operation_id, attempt))
        try:
            self._carry_out(operation)
        finally:
            with self._left:
                self._runs.discard((operation_id, attempt))
                self._left.notify_all()

    def _carry_out(self, operation: Operation | HostChange) -> None:
        try:
            self._await_permission(operation)
            if isinstance(operation, Operation):
                self._move(operation)
            elif isinstance(operation, Preparation):
                self._preparer.carry_out(operation)
            elif isinstance(operation, Maintenance):
                self._maintainer.carry_out(operation)
        except Stopped:
            log.info("runner_left operation=%s attempt=%d", operation.id, operation.attempt)
        except DatabaseUnavailable as error:  # the host goes on; the engine's sweep gives the row a new attempt
            log.warning("runner_left operation=%s problem=%r", operation.id, error.message)
        except Exception:
            incident = secrets.token_hex(4)
            log.exception("incident=%s operation=%s attempt=%d", incident, operation.id, operation.attempt)
            self._doubt(operation, incident)

    def _find(self, operation_id: str) -> Operation | HostChange | None:
        return self._store.find(operation_id) or self._store.find_host_change(operation_id)

    def _await_permission(self, operation: Operation | HostChange) -> None:
        """Until it is known whether it may start, or it is to end or to wait for something else: which is seen next."""
        now: Operation | HostChange | None = operation
        while now is not None and now.attempt == operation.attempt and now.state is State.GRANTED:
            if now.cancel_asked or self._store.is_held(now.id) or not self._permission(now).doubt:
                return
            percent = now.percent if isinstance(now, Operation) else 0
            if now.waiting != AWAITS_CHAT:
                self._store.progress(now.id, percent, AWAITS_CHAT, attempt=now.attempt)
            if self._stopping.wait(self._timing.poll_s):
                raise Stopped
            now = self._find(operation.id)

    def _move(self, operation: Operation) -> None:
        row = Row(self._store, operation, self._permission, self._glances)
        Errand(row, self._fleet, self._clock, self._changes, self._timing, self._turns, self._stopping).carry_out()

    def _doubt(self, operation: Operation | HostChange, incident: str) -> None:
        plan = operation.plan
        what = f"where {plan.move.vm_name} is" if isinstance(plan, Plan) else f"how {plan.host} is now"
        outcome = Outcome(
            summary=f"Ferry made a mistake of its own and does not know {what} (incident {incident})",
            remedy=f"look {operation.id}",
        )
        rows = self._store if isinstance(operation, Operation) else self._host_changes
        rows.change(operation.id, Event.DOUBT, outcome=outcome, attempt=operation.attempt)

    def stop(self, patience_s: float) -> bool:
        """Every `run` returns soon, and starts nothing more. Running moves are left to their hosts.

        Returns whether all have returned within the time; one that waits for a host may take that host's time limit.
        """
        self._stopping.set()
        with self._left:
            return self._left.wait_for(lambda: not self._runs, timeout=patience_s)
