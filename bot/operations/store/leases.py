"""Who does what only one process may do at a time: a lease is held for as long as its holder lives.

No transaction is opened here.
"""

from __future__ import annotations

import sqlalchemy as sa

from bot.operations.store.tables import executor, lease


def read_holder(connection: sa.Connection, name: str) -> str:
    """Empty: nobody has had it yet, or its last holder gave it up."""
    return connection.execute(sa.select(lease.c.holder).where(lease.c.name == name)).scalar_one_or_none() or ""


def is_taken(connection: sa.Connection, name: str) -> bool:
    """Whether its holder lives."""
    living = sa.select(lease.c.holder).join(executor, executor.c.id == lease.c.holder).where(lease.c.name == name)
    return connection.execute(living).first() is not None


def take(connection: sa.Connection, name: str, holder: str) -> bool:
    if read_holder(connection, name) != holder and is_taken(connection, name):
        return False
    connection.execute(sa.delete(lease).where(lease.c.name == name))
    connection.execute(sa.insert(lease).values(name=name, holder=holder))
    return True


def give_up(connection: sa.Connection, name: str, holder: str) -> None:
    connection.execute(sa.delete(lease).where(lease.c.name == name, lease.c.holder == holder))
