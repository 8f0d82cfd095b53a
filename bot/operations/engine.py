"""Lets granted operations run, and carries on what another run has left: DBOS, kept thin.

A DBOS workflow exists only while an operation is granted; the rows are the truth, and the workflow only says whose
turn it is to carry one out. Rules:

1. A workflow that is gone, whose process lives no more, or that its process has taken and does not run, is replaced:
   the operation gets a new attempt, for whichever worker of its site comes first. The old attempt can write nothing any
   more, should it wake up again.
2. Stopping never stops a move. Runners leave, their rows stay, and the next attempt attaches to what the hosts do.
3. A workflow has no steps and returns nothing: it runs from its start, and looks before it acts.

Facts (dbos 3.4): recovery at launch takes the pending workflows of this executor, of which there are none, because an
executor is one run of a process; nobody recovers those of another executor; queues are polled; an exception in a
workflow ends it for good; a workflow whose claim was committed and whose answer was lost, or whose end could not be
written, stays pending. One DBOS per process.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from dbos import DBOS, DBOSConfig

from bot.errors import DatabaseUnavailable
from bot.operations.outbox import APPLICATION, SERIALIZER, VERSION, WORKFLOW, Workflow, queue_of, workflow_id
from bot.operations.presence import Presence
from bot.operations.runner import Runner
from bot.operations.store import Store
from bot.operations.store.database import CONNECTIONS
from bot.operations.ticker import Ticker

log = logging.getLogger(__name__)

UNUSED_S = 60.0
"""How often DBOS looks into its own queue, of schedules and of what is resumed by hand. Nothing ever is in it here; by
itself DBOS 3.4 looks every second, a sixth of what an idle process did."""
UNRUN_S = 10.0
"""How long a workflow may be taken by this process and not be run by it: its thread has just begun, or just ended."""
PATIENCE_S = 5.0
"""How long stopping waits for runners to leave; one that is in a call to a host may need longer, and is left behind."""


class Engine:
    """Start it once everything it calls is ready; stop it before the store is closed.

    Args:
        presence: announced before the start; tells whose work is to be carried on, and which sites are this process's.
        look_soon: asks for a fresh look at these hosts and returns at once.
        ask_room_soon: the same for their room alone.
        concurrency: a safety cap of moves at once in this process; the hosts' limits are what admission goes by.
        polling_s: how often the queue is read; half of it passes on average between a grant and its start.
        sweep_s: how often operations are checked for a workflow that is gone.
        unrun_s: how long a workflow may be taken by this process and not be run by it.
    """

    def __init__(
        self,
        store: Store,
        runner: Runner,
        presence: Presence,
        look_soon: Callable[[Iterable[str]], None],
        ask_room_soon: Callable[[Iterable[str]], None],
        *,
        concurrency: int = 1000,
        polling_s: float = 0.4,
        sweep_s: float = 5.0,
        unrun_s: float = UNRUN_S,
    ) -> None:
        self._unrun_s = unrun_s
        self._store = store
        self._runner = runner
        self._presence = presence
        self._sites = presence.sites
        self._look_soon = look_soon
        self._ask_room_soon = ask_room_soon
        self._concurrency = concurrency
        self._polling_s = polling_s
        self._unrun: dict[str, float] = {}  # workflows, and since when they have been seen so
        self._stopping = threading.Event()
        self._ticker = Ticker("ferry-engine", ((sweep_s, self._sweep),))
        self._launched = False

    def start(self) -> None:
        """Take up what a former run left, and everything that is granted from now on."""
        try:
            self._launch()
            self._sweep()
        except BaseException:
            self.stop()
            raise
        self._ticker.start()

    def stop(self) -> None:
        """Within seconds, whatever is running. Idempotent; an engine is started once."""
        self._stopping.set()
        self._runner.stop(PATIENCE_S)
        self._ticker.stop()
        if self._launched:
            self._launched = False
            DBOS.destroy(destroy_registry=True)

    def _launch(self) -> None:
        logger = logging.getLogger("dbos")
        if not logger.handlers:
            # DBOS gives a logger without handlers one of its own, past Ferry's format and its redaction.
            logger.addHandler(logging.NullHandler())
        for site in self._sites:
            self._store.outbox.prepare(site, self._polling_s, self._concurrency)
        self._launched = True
        dbos = DBOS(config=_config(self._store.database.url, self._presence.id))
        dbos._registry.get_internal_queue()._polling_interval_sec = UNUSED_S

        @DBOS.workflow(name=WORKFLOW)
        def execute(operation: str, attempt: int) -> None:
            self._runner.run(operation, attempt)
            self._look_after(operation)

        DBOS.listen_queues([queue_of(site) for site in self._sites])
        DBOS.launch()

    def _look_after(self, operation_id: str) -> None:
        """What both hosts hold has just changed: whoever asks next should not be told of yesterday.

        A host that others wait for changes again in a moment, so it is only asked for the room that they wait for, and
        the last of them looks: while a host is emptied, lists of its VMs would be most of the work. Answers about one
        VM look at it themselves.
        """
        try:
            operation = self._store.find(operation_id)
            change = None if operation else self._store.find_host_change(operation_id)
            waited_for = set(self._store.hosts_waited_for())
        except DatabaseUnavailable as error:
            log.warning("not_looked_after operation=%s problem=%r", operation_id, error.message)
            return
        if self._stopping.is_set():
            return
        if operation is not None:
            hosts = {operation.plan.move.source, operation.plan.move.destination}
            self._ask_room_soon(hosts & waited_for)
            self._look_soon(hosts - waited_for)
        elif change is not None:
            self._look_soon(change.plan.touched)

    def _sweep(self) -> None:
        """Rows before workflows: a workflow that ends in between has ended its row first, and `regrant` sees that."""
        grants = self._store.grants(self._sites)
        if not grants:
            return
        workflows = self._store.outbox.live(workflow_id(grant.operation, grant.attempt) for grant in grants)
        living = self._presence.living()  # last, so that whoever has just taken one is known to live
        idle = self._find_idle(workflows)
        for grant in grants:
            name = workflow_id(grant.operation, grant.attempt)
            workflow = workflows.get(name)
            if workflow is not None and workflow.queue == queue_of(grant.site) and name not in idle:
                waits = not workflow.executor
                if waits or workflow.executor in living:
                    continue
            if self._store.regrant(grant.operation, grant.attempt):
                log.warning("workflow_replaced operation=%s attempt=%d", grant.operation, grant.attempt)

    def _find_idle(self, workflows: Mapping[str, Workflow]) -> frozenset[str]:
        """Those that this process has taken and has not run for a while."""
        now, run = time.monotonic(), {workflow_id(*each) for each in self._runner.running}
        mine = [name for name, one in workflows.items() if one.executor == self._presence.id and name not in run]
        self._unrun = {name: self._unrun.get(name, now) for name in mine}
        return frozenset(name for name, since in self._unrun.items() if now - since >= self._unrun_s)


def _config(database_url: str, executor: str) -> DBOSConfig:
    return {
        "name": APPLICATION,
        "system_database_url": database_url,
        "application_version": VERSION,
        "executor_id": executor,
        "serializer": SERIALIZER,
        "log_level": "WARNING",
        # Ferry waits for no notification, so a look costs nothing; stopping waits for the listener's next one.
        "notification_listener_polling_interval_sec": 0.5,
        "sys_db_pool_size": CONNECTIONS,
        "sys_db_idle_transaction_timeout_sec": 10.0,
        "run_migrations": False,  # the store has brought all tables up to date
    }
