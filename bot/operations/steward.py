"""Keeps the queue moving where no person and no host does: ends offers and holds, reminds of approvals, grants what may
go, asks for fresh room, and says where a site's workers are missing. It also forgets what nobody needs any more.

Any process may do it, any number at once: every change is a compare-and-set. It runs no operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from bot.core.lifecycle import Event, State
from bot.core.operation import Outcome
from bot.core.recorded import render_reminder
from bot.operations.pruning import prune
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals
from bot.operations.store.hold_rows import HoldRows
from bot.operations.store.unserved import tell_unserved
from bot.operations.ticker import Duty, Ticker

_LATE = {State.PROPOSED: "nobody confirmed it", State.AWAITING_APPROVAL: "it was not approved"}


class Steward:
    """
    Args:
        ask_for_room: asks for a fresh look at these hosts and returns at once; `Store.set_room` is told what it gave.
        tick_s: how often offers, pauses and waiting operations are looked at.
        room_s: how often waiting operations have their hosts asked for room.
        keep: for how long answered questions and ended workflows are kept.
        prune_s: how often those are looked for.
        more: what else has its turn here.
    """

    def __init__(
        self,
        store: Store,
        ask_for_room: Callable[[Iterable[str]], None],
        *,
        tick_s: float = 2.0,
        room_s: float = 3.0,
        keep: timedelta = timedelta(days=30),
        prune_s: float = 600.0,
        more: Iterable[Duty] = (),
    ) -> None:
        self._store = store
        self._approvals = Approvals(store)
        self._holds = HoldRows(store)
        self._ask_for_room = ask_for_room
        duties = (
            (tick_s, self.look_after_people),
            (tick_s, self._holds.end_late),
            (tick_s, store.pump),
            (room_s, self._refresh_room),
            (room_s, lambda: tell_unserved(store)),
            (prune_s, lambda: prune(store, store.clock.now() - keep)),
            *more,
        )
        self._ticker = Ticker("ferry-steward", duties)

    def start(self) -> None:
        self._ticker.start()

    def stop(self) -> None:
        self._ticker.stop()

    def look_after_people(self) -> None:
        """End what people had time to decide on, and remind them before. Idempotent."""
        for state, what in _LATE.items():
            outcome = Outcome(summary=f"{what} in time; nothing was started")
            for row in self._store.expired(state):
                self._approvals.end(row, Event.EXPIRE, outcome=outcome)
        self._approvals.remind(render_reminder)

    def _refresh_room(self) -> None:
        if hosts := self._store.hosts_waited_for():
            self._ask_for_room(hosts)
