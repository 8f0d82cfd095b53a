"""Lets granted operations run, and keeps running what has to go on: DBOS, kept thin.

A DBOS workflow exists only while an operation is granted; the rows are the truth, and the workflow only says whose
turn it is to carry one out. Beside it one thread ends offers whose time is over, grants what may go, asks for fresh
room while operations wait for it, and gives an operation whose workflow is gone a new one. Rules:

1. One process for a SQLite file: two with one executor's name would both run every recovered workflow.
2. Stopping never stops a move. Runners leave, their rows stay, and the next start attaches to what the hosts are doing.
3. A workflow has no steps and returns nothing: after a crash it runs again from its start, and looks before it acts.

Facts (dbos 3.4): recovery at launch takes the pending workflows of this executor and application version; queues are
polled; an exception in a workflow ends it for good. One DBOS per process.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable

from dbos import DBOS, DBOSConfig
from filelock import FileLock, Timeout

from bot.core.lifecycle import Event
from bot.core.operation import Outcome
from bot.errors import FerryError
from bot.operations.outbox import APPLICATION, SERIALIZER, VERSION, WORKFLOW, workflow_id
from bot.operations.runner import Runner
from bot.operations.store import Store

log = logging.getLogger(__name__)

EXECUTOR = "ferry"
"""The name by which DBOS finds this process's workflows again after a restart: always the same."""
PATIENCE_S = 5.0
"""How long stopping waits for runners to leave; one that is in a call to a host may need longer, and is left behind."""
_LIVE = ["ENQUEUED", "DELAYED", "PENDING"]


class Engine:
    """Start it once everything it calls is ready; stop it before the store is closed.

    Args:
        ask_for_room: asks for a fresh look at these hosts and returns at once; `Store.set_room` is told what it gave.
        concurrency: a safety cap of moves at once in this process; the hosts' limits are what admission goes by.
        polling_s: how often the queue is read; half of it passes on average between a grant and its start.
        tick_s: how often offers, pauses and waiting operations are looked at.
        room_s: how often waiting operations have their hosts asked for room.
        sweep_s: how often operations are checked for a workflow that is gone.
    """

    def __init__(
        self,
        store: Store,
        runner: Runner,
        ask_for_room: Callable[[Iterable[str]], None],
        *,
        concurrency: int = 32,
        polling_s: float = 0.2,
        tick_s: float = 1.0,
        room_s: float = 3.0,
        sweep_s: float = 15.0,
    ) -> None:
        self._store = store
        self._runner = runner
        self._ask_for_room = ask_for_room
        self._concurrency = concurrency
        self._polling_s = polling_s
        self._tick_s = tick_s
        self._duties = ((room_s, self._refresh_room), (sweep_s, self._sweep))
        self._stopping = threading.Event()
        self._ticker: threading.Thread | None = None
        self._launched = False
        path = store.database.path
        self._lock = FileLock(f"{path}.lock", timeout=0, thread_local=False) if path else None

    def start(self) -> None:
        """Take up what a former process left, and everything that is granted from now on.

        Raises:
            FerryError: another process uses this database.
        """
        self._take_lock()
        try:
            self._launch()
            self._sweep()
        except BaseException:
            self.stop()
            raise
        self._ticker = threading.Thread(target=self._tick, name="ferry-engine", daemon=True)
        self._ticker.start()

    def stop(self) -> None:
        """Within seconds, whatever is running. Idempotent; an engine is started once."""
        self._stopping.set()
        self._runner.stop(PATIENCE_S)
        if self._ticker is not None:
            self._ticker.join()
            self._ticker = None
        if self._launched:
            self._launched = False
            DBOS.destroy(destroy_registry=True)
        if self._lock is not None:
            self._lock.release()

    def _launch(self) -> None:
        logger = logging.getLogger("dbos")
        if not logger.handlers:
            # DBOS gives a logger without handlers one of its own, past Ferry's format and its redaction.
            logger.addHandler(logging.NullHandler())
        self._store.outbox.prepare(self._polling_s, self._concurrency)
        self._launched = True
        DBOS(config=_config(self._store.database_url))

        @DBOS.workflow(name=WORKFLOW)
        def execute(operation: str, attempt: int) -> None:
            self._runner.run(operation, attempt)
            self._look_after(operation)

        DBOS.launch()

    def _take_lock(self) -> None:
        if self._lock is None:
            return
        try:
            self._lock.acquire()
        except Timeout:
            raise FerryError(
                f"another Ferry is running on {self._store.database.path}",
                hint="stop it first, give this one another database_url, or use PostgreSQL for several at once",
            ) from None

    def _tick(self) -> None:
        ticks = 0
        while not self._stopping.wait(self._tick_s):
            ticks += 1
            self._guard(self._expire)
            self._guard(self._store.pump)
            for period_s, duty in self._duties:
                if ticks % max(1, round(period_s / self._tick_s)) == 0:
                    self._guard(duty)

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            # The thread's top: one failing duty must not end the others, and the next tick tries again.
            log.exception("incident=%s", secrets.token_hex(4))

    def _expire(self) -> None:
        for operation in self._store.expired():
            outcome = Outcome(summary="nobody confirmed it in time; nothing was started")
            self._store.change(operation, Event.EXPIRE, outcome=outcome)

    def _look_after(self, operation_id: str) -> None:
        """What both hosts hold and run has just changed: whoever asks next should not be told of yesterday."""
        operation = self._store.find(operation_id)
        if operation is not None and not self._stopping.is_set():
            self._ask_for_room({operation.plan.move.source, operation.plan.move.destination})

    def _refresh_room(self) -> None:
        if hosts := self._store.hosts_waited_for():
            self._ask_for_room(hosts)

    def _sweep(self) -> None:
        """Rows before workflows: a workflow that ends in between has ended its row first, and `regrant` sees that."""
        holding = self._store.holding()
        if not holding:
            return
        ids = [workflow_id(operation.id, operation.attempt) for operation in holding]
        live = {
            found.workflow_id
            for found in DBOS.list_workflows(workflow_ids=ids, status=_LIVE, load_input=False, load_output=False)
            if found.app_version in (None, VERSION) and found.executor_id in (None, EXECUTOR)
        }
        for operation in holding:
            if workflow_id(operation.id, operation.attempt) in live:
                continue
            if self._store.regrant(operation.id, operation.attempt):
                log.warning("workflow_replaced operation=%s attempt=%d", operation.id, operation.attempt)


def _config(database_url: str) -> DBOSConfig:
    return {
        "name": APPLICATION,
        "system_database_url": database_url,
        "application_version": VERSION,
        "executor_id": EXECUTOR,
        "serializer": SERIALIZER,
        "log_level": "WARNING",
        # Ferry waits for no notification, so a look costs nothing; stopping waits for the listener's next one.
        "notification_listener_polling_interval_sec": 0.1,
        "run_migrations": False,  # the store has brought all tables up to date
    }
