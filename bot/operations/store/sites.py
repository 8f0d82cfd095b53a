"""Which sites have a worker that lives, and what is said of operations whose site has none. No transaction here."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa

from bot.core.lifecycle import HOLDING, State
from bot.operations.store.tables import executor, operation

_HOLDING = sorted(state.value for state in HOLDING)


def read_served(connection: sa.Connection) -> frozenset[str] | None:
    """None: no process is known to live, so nothing is known of sites either."""
    found = list(connection.execute(sa.select(executor.c.sites)).scalars())
    return frozenset(site for sites in found for site in json.loads(sites)) if found else None


def is_unserved(served: frozenset[str] | None, site: str) -> bool:
    return served is not None and site not in served


def is_nobodys(row: sa.RowMapping, served: frozenset[str] | None) -> bool:
    """Whether it was granted, and neither has anybody begun it nor is anybody there to do so."""
    return row["state"] == State.GRANTED.value and is_unserved(served, row["site"])


def select_untold(connection: sa.Connection) -> Sequence[sa.RowMapping]:
    """What is to be carried out by a worker that is not there, and does not say so yet, or need not wait for one."""
    served = read_served(connection)
    held = sa.select(operation).where(operation.c.state.in_(_HOLDING))
    return [
        row
        for row in connection.execute(held).mappings()
        if is_unserved(served, row["site"])
        and (row["waiting"] != render_unserved(row) or (row["cancel_asked"] and is_nobodys(row, served)))
    ]


def render_unserved(row: sa.RowMapping) -> str:
    nobody = f"no worker of site {row['site']} is running"
    begun = row["state"] not in (State.QUEUED.value, State.GRANTED.value)
    return f"{nobody}; {row['source']} goes on by itself" if begun else nobody
