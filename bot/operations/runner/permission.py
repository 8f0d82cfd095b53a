"""Whether what was confirmed may still start: asked of the policy of now, once, before anything is sent.

What has been sent is never stopped for it. Of an evacuation the whole is judged, and of what it touches the one move
that is to start.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.core.operation import Operation
from bot.core.preparation import Preparation
from bot.operations.authority import Authority
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals

Refusal = Callable[[Operation | Preparation], str]
"""Why it may not start; empty: it may."""


def refusal_by(authority: Authority, store: Store) -> Refusal:
    rows = Approvals(store)

    def find(row: Operation | Preparation) -> str:
        parent = store.find_evacuation(row.parent) if isinstance(row, Operation) and row.parent else None
        if parent is None:
            return authority.find_refusal(row, rows.given(row.id))
        return authority.find_refusal(parent, rows.given(parent.id), row.plan)

    return find
