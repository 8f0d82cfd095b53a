"""What tests read of a store's rows, and the room they give it."""

from __future__ import annotations

import json

import sqlalchemy as sa

from bot.core.operation import Operation
from bot.operations.store import Store
from bot.operations.store.tables import executor
from tests.operations.offers import SetClock, make_host


def know_room(store: Store, clock: SetClock, **values: int) -> None:
    for name in ("host01", "host02"):
        store.set_room(make_host(name, **values), clock.now())


def enlist(store: Store, executor_id: str, *sites: str) -> None:
    """As if a process with this id lived, whose beat nobody watches."""
    row = {"id": executor_id, "name": executor_id.partition("#")[0], "sites": json.dumps(sites), "beat": 1}
    with store.database.writing() as connection:
        connection.execute(sa.insert(executor).values(**row))


def discharge(store: Store, executor_id: str) -> None:
    """As if it was found dead."""
    with store.database.writing() as connection:
        connection.execute(sa.delete(executor).where(executor.c.id == executor_id))


def found(store: Store, operation: str) -> Operation:
    row = store.find(operation)
    assert row is not None
    return row


def workflows(store: Store) -> list[str]:
    return sorted(queues(store))


def queues(store: Store) -> dict[str, str]:
    """Every workflow, and the queue that it was put into."""
    with store.database.reading() as connection:
        rows = connection.execute(sa.text(f"SELECT workflow_uuid, queue_name FROM {workflow_table(store)}"))
        return {row.workflow_uuid: row.queue_name for row in rows}


def workflow_table(store: Store) -> str:
    return "workflow_status" if store.database.sqlite else "dbos.workflow_status"
