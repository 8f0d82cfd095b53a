"""Hands a granted operation to DBOS, in the transaction that grants it: either both happen or neither.

Nothing here runs a workflow; `bot.operations.engine` does. The names are pinned: DBOS finds work by them after a
restart, and its own default version is a hash of the code, which would strand every move under way at the next
upgrade.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer

APPLICATION = "ferry"
VERSION = "1"  # of the workflow's arguments and meaning; raised only on purpose
WORKFLOW = "execute.v1"
SERIALIZER = DBOSPortableJSONSerializer()
_LIVE = ["ENQUEUED", "DELAYED", "PENDING"]
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_AT_ONCE = 100


class Workflow(NamedTuple):
    """One that waits in its queue or is being run.

    Attributes:
        executor: who has taken it; empty: nobody yet.
    """

    queue: str
    executor: str


def workflow_id(operation: str, attempt: int) -> str:
    return f"{operation}#{attempt}"


def queue_of(site: str) -> str:
    return f"site-{site}"


class Outbox:
    def __init__(self, database_url: str) -> None:
        # Below warnings it says what it does to its own tables, at every start.
        logging.getLogger("dbos").setLevel(logging.WARNING)
        # Lazy: a store can be built before its database is migrated.
        self._client = DBOSClient(
            system_database_url=database_url, serializer=SERIALIZER, application_name=APPLICATION, lazy=True
        )

    def send(self, connection: sa.Connection, operation: str, attempt: int, site: str) -> None:
        """Enqueue the workflow of this attempt. Idempotent by its id."""
        self._client.enqueue_in_transaction(
            connection,
            {
                "workflow_name": WORKFLOW,
                "queue_name": queue_of(site),
                "workflow_id": workflow_id(operation, attempt),
            },
            operation,
            attempt,
        )

    def prepare(self, site: str, polling_s: float, concurrency: int) -> None:
        """Make a site's queue known before DBOS is launched, which then serves it from its first second."""
        self._client.register_queue(queue_of(site), worker_concurrency=concurrency, polling_interval_sec=polling_s)

    def live(self, workflows: Iterable[str]) -> dict[str, Workflow]:
        """Those of these workflows that have not ended, by id."""
        found = self._client.list_workflows(
            workflow_ids=list(workflows), status=_LIVE, load_input=False, load_output=False
        )
        return {
            each.workflow_id: Workflow(
                each.queue_name or "", (each.executor_id or "") if each.status == "PENDING" else ""
            )
            for each in found
            if each.app_version in (None, VERSION)
        }

    def forget_ended(self, before: datetime) -> None:
        """Delete the workflows that ended before then, a few in each transaction."""
        while ended := self._client.list_workflows(
            name=WORKFLOW,
            status=_ENDED,
            completed_before=before.isoformat(),
            limit=_AT_ONCE,
            load_input=False,
            load_output=False,
        ):
            self._client.delete_workflows([each.workflow_id for each in ended])

    def forget_left(self, before: datetime, but: Collection[str]) -> None:
        """Delete those that were sent before then and never end, because another has taken their place.

        Args:
            but: ids of those that are an operation's current ones.
        """
        found = self._client.list_workflows(
            name=WORKFLOW, status=_LIVE, end_time=before.isoformat(), load_input=False, load_output=False
        )
        left = [each.workflow_id for each in found if each.workflow_id not in but]
        for first in range(0, len(left), _AT_ONCE):
            self._client.delete_workflows(left[first : first + _AT_ONCE])

    def close(self) -> None:
        self._client.destroy()
