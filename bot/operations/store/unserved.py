"""Operations whose site has no worker that lives: what is said on them, and how one that nobody has begun ends.

What is granted has not been sent, and whoever begins it says so first, by compare-and-set. So one that is cancelled
here stays so: a worker that was only thought dead loses against it, and sends nothing.
"""

from __future__ import annotations

from bot.core.lifecycle import State
from bot.core.names import UserId
from bot.operations.store import evacuations, rooms, sites
from bot.operations.store.reader import select_row
from bot.operations.store.rows import update
from bot.operations.store.store import Store


def withdraw(store: Store, operation_id: str, by: UserId) -> bool:
    """Cancel one that waits, or is granted and has nobody there to begin it. False: somebody is, or has begun it."""
    now = store.clock.now()
    with store.writing() as connection:
        row = select_row(connection, operation_id)
        waits = row is not None and row["state"] == State.QUEUED.value
        if row is None or not (waits or sites.is_nobodys(row, sites.read_served(connection))):
            return False
        evacuations.end_unbegun(connection, row, by, now)
        rooms.pump(connection, now, store.means)
        return True


def tell_unserved(store: Store) -> None:
    """Say on the rows of what is to be carried out that nobody is there to do it, and end what was to be cancelled."""
    with store.database.reading() as connection:
        if not sites.select_untold(connection):
            return
    now = store.clock.now()
    with store.writing() as connection:
        served = sites.read_served(connection)
        for row in sites.select_untold(connection):
            if row["cancel_asked"] and sites.is_nobodys(row, served):
                evacuations.end_unbegun(connection, row, row["cancelled_by"], now)
            else:
                update(connection, row, {"waiting": sites.render_unserved(row), "version": row["version"] + 1})
        rooms.pump(connection, now, store.means)
