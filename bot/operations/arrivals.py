"""Looks at hosts that have been emptied and says in the thread what came to them meanwhile. It changes no host.

Whoever ends an evacuation leaves a line to be filled in; whoever keeps the cards fills it in, so a crash loses it
nowhere, and of two who look one is told.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from bot.core.estate import Seen
from bot.core.evacuation import Evacuation
from bot.core.evacuation.arrivals import render_arrivals
from bot.operations.store import Store
from bot.operations.store.evacuations import ARRIVALS
from bot.operations.store.rows import LINE
from bot.operations.store.tables import step

Read = Callable[[str], Seen]
"""A host's VMs, asked now; why there is no answer is in what was seen."""


def tell_arrivals(store: Store, read: Read, evacuation: Evacuation) -> None:
    """Fill in its line. Idempotent."""
    line = render_arrivals(_chain(store, evacuation), [read(host) for host in evacuation.plan.hosts])
    unfilled = (step.c.operation == evacuation.id, step.c.file == ARRIVALS, step.c.ts.is_(None))
    with store.writing() as connection:
        connection.execute(sa.update(step).where(*unfilled).values(line=LINE.dump_json(line).decode(), file=""))


def _chain(store: Store, evacuation: Evacuation) -> list[Evacuation]:
    chain, before = [evacuation], evacuation.plan.retries
    while before and (found := store.find_evacuation(before)):
        chain.append(found)
        before = found.plan.retries
    return chain
