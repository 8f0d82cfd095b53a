"""What tests read of a store's rows, and the room they give it."""

from __future__ import annotations

import sqlalchemy as sa

from bot.core.operation import Operation
from bot.operations.store import Store
from tests.operations.offers import SetClock, make_host


def know_room(store: Store, clock: SetClock, **values: int) -> None:
    for name in ("host01", "host02"):
        store.set_room(make_host(name, **values), clock.now())


def found(store: Store, operation: str) -> Operation:
    row = store.find(operation)
    assert row is not None
    return row


def workflows(store: Store) -> list[str]:
    with store.database.reading() as connection:
        return list(connection.execute(sa.text("SELECT workflow_uuid FROM workflow_status ORDER BY 1")).scalars())
