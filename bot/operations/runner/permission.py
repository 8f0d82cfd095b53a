"""Whether what was confirmed may still start: asked of the policy of now, once, before anything is sent.

What has been sent is never stopped for it. Of an evacuation the whole is judged, and of what it touches the one move
that is to start; the pause of a node by which it begins is the whole's.

While Slack is silent it is not known who may. Then nothing starts, and nothing ends for it either: it waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bot.core.host_change import HostChange
from bot.core.operation import Operation
from bot.operations.authority import Authority
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals


class Permit(NamedTuple):
    """
    Attributes:
        refusal: why it may no longer start, as far as anything is known; empty: nothing known is against it.
        doubt: why it may not start yet, where that is only because something is not known now.
    """

    refusal: str = ""
    doubt: str = ""


Permission = Callable[[Operation | HostChange], Permit]


def permission_by(authority: Authority, trusting: Authority, store: Store) -> Permission:
    """
    Args:
        trusting: the same policy, by what chat said last, however long ago.
    """
    rows = Approvals(store)

    def ask(authority: Authority, row: Operation | HostChange) -> str:
        parent = store.find_evacuation(row.parent) if row.parent else None
        if parent is None:
            return authority.find_refusal(row, rows.given(row.id))
        part = row.plan if isinstance(row, Operation) else None
        return authority.find_refusal(parent, rows.given(parent.id), part)

    def find(row: Operation | HostChange) -> Permit:
        if not (now := ask(authority, row)):
            return Permit()
        lasting = ask(trusting, row)
        return Permit(refusal=lasting) if lasting else Permit(doubt=now)

    return find
