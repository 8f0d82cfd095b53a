"""Keeps the queue moving where no person and no host does: ends offers, grants what may go, asks for fresh room, and
says where a site's workers are missing. It also forgets what nobody needs any more.

Any process may do it, any number at once: every change is a compare-and-set. It runs no operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from bot.core.lifecycle import Event
from bot.core.operation import Outcome
from bot.operations.pruning import prune
from bot.operations.store import Store
from bot.operations.store.host_changes import HostChanges
from bot.operations.store.unserved import tell_unserved
from bot.operations.ticker import Ticker


class Steward:
    """
    Args:
        ask_for_room: asks for a fresh look at these hosts and returns at once; `Store.set_room` is told what it gave.
        tick_s: how often offers, pauses and waiting operations are looked at.
        room_s: how often waiting operations have their hosts asked for room.
        keep: for how long answered questions and ended workflows are kept.
        prune_s: how often those are looked for.
    """

    def __init__(
        self,
        store: Store,
        ask_for_room: Callable[[Iterable[str]], None],
        *,
        tick_s: float = 1.0,
        room_s: float = 3.0,
        keep: timedelta = timedelta(days=30),
        prune_s: float = 600.0,
    ) -> None:
        self._store = store
        self._host_changes = HostChanges(store)
        self._ask_for_room = ask_for_room
        duties = (
            (tick_s, self._expire),
            (tick_s, store.pump),
            (room_s, self._refresh_room),
            (room_s, lambda: tell_unserved(store)),
            (prune_s, lambda: prune(store, store.clock.now() - keep)),
        )
        self._ticker = Ticker("ferry-steward", duties)

    def start(self) -> None:
        self._ticker.start()

    def stop(self) -> None:
        self._ticker.stop()

    def _expire(self) -> None:
        outcome = Outcome(summary="nobody confirmed it in time; nothing was started")
        for operation in self._store.expired():
            self._store.change(operation, Event.EXPIRE, outcome=outcome)
        for evacuation in self._store.expired(evacuations=True):
            self._store.end_evacuation(evacuation, Event.EXPIRE, outcome=outcome)
        for change in self._store.expired(host_changes=True):
            self._host_changes.change(change, Event.EXPIRE, outcome=outcome)

    def _refresh_room(self) -> None:
        if hosts := self._store.hosts_waited_for():
            self._ask_for_room(hosts)
