"""Whether what was confirmed may still start: asked of the policy of now, once, before anything is sent.

What has been sent is never stopped for it. Of an evacuation the whole is judged, and of what it touches the one move
that is to start; the pause of a node by which it begins is the whole's.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.core.host_change import HostChange
from bot.core.operation import Operation
from bot.operations.authority import Authority
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals

Refusal = Callable[[Operation | HostChange], str]
"""Why it may not start; empty: it may."""


def refusal_by(authority: Authority, store: Store) -> Refusal:
    rows = Approvals(store)

    def find(row: Operation | HostChange) -> str:
        parent = store.find_evacuation(row.parent) if row.parent else None
        if parent is None:
            return authority.find_refusal(row, rows.given(row.id))
        part = row.plan if isinstance(row, Operation) else None
        return authority.find_refusal(parent, rows.given(parent.id), part)

    return find
