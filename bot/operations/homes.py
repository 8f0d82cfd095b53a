"""Keeps the homes true of those who have opened theirs lately.

Who has opened one is remembered and not kept: opening it again tells anew, and each home says as of when it is. So
nothing has to be agreed on among several bots: the one that heard of the opening shows the home; where another one has
shown it since, this one leaves it alone.

Rules: a home is shown at once when it is opened, then when its rows have changed, at most every ten seconds; percent
and hosts alone are worth it every thirty. What could not be shown is tried again soon. All homes share one budget. Who
has not opened theirs for an hour is forgotten.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.estate import Estate
from bot.core.holds.wording import render_hold
from bot.core.home import READ, Material, make_home
from bot.core.names import UserId
from bot.core.operation import Place
from bot.core.shown import Shown
from bot.errors import ChatError, RateLimited
from bot.operations.authority import Authority
from bot.operations.pace import EVER
from bot.operations.store import Store
from bot.ports import Clock, Homes

TURN_S = 2.0
PAUSE_S = 1.2  # between any two homes: half of what Slack allows (views.publish is tier 4, 100 calls a minute)
AFTER_A_CHANGE, AFTER_A_TICK = timedelta(seconds=10), timedelta(seconds=30)
AFTER_A_FAILURE = timedelta(seconds=2)
REMEMBERED = timedelta(hours=1)
MOST_LAST = 10
CONFLICT = "hash_conflict"

log = logging.getLogger(__name__)


@dataclass
class Viewer:
    place: Place
    opened_at: datetime
    shown: Material | None = None
    shown_at: datetime | None = None
    pause: timedelta = AFTER_A_CHANGE
    version: str = ""


class HomeKeeper:
    """One thread, which reads nothing while nobody has opened a home.

    Args:
        estate: the hosts as last seen.
    """

    def __init__(
        self,
        store: Store,
        homes: Homes,
        estate: Callable[[], Estate],
        authority: Authority,
        clock: Clock,
        *,
        turn_s: float = TURN_S,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._store = store
        self._homes = homes
        self._estate = estate
        self._authority = authority
        self._clock = clock
        self._turn_s = turn_s
        self._pause_s = pause_s
        self._viewers: dict[UserId, Viewer] = {}
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ferry-homes", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, patience_s: float = 3.0) -> None:
        """Idempotent."""
        self._stopping.set()
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join(patience_s)

    def opened(self, user: UserId, place: Place) -> None:
        """Somebody looks at their home. Returns at once."""
        with self._lock:
            self._viewers[user] = Viewer(place, self._clock.now())
        self._woken.set()

    def _run(self) -> None:
        while True:
            if not self._viewers:
                self._woken.wait()
            self._woken.clear()
            if self._stopping.is_set():  # asked after that: who stops it sets this first, and then wakes it
                return
            pause_s = 0.0
            try:
                pause_s = self._turn()
            except Exception:
                # The thread's top: what cannot be read now is read in the next turn.
                log.exception("incident=%s thread=%s", secrets.token_hex(4), self._thread.name)
            if pause_s:
                self._stopping.wait(pause_s)
            else:
                self._woken.wait(self._turn_s)

    def _turn(self) -> float:
        """Show at most one home. Returns the seconds before the next one may be shown; 0: none was."""
        now = self._clock.now()
        with self._lock:
            self._viewers = {who: each for who, each in self._viewers.items() if now - each.opened_at < REMEMBERED}
            viewers = sorted(self._viewers.items(), key=lambda each: each[1].shown_at or EVER)
        ready = [(user, viewer) for user, viewer in viewers if _is_since(viewer.shown_at, viewer.pause, now)]
        rows = self._read_rows() if ready else ()
        standing = tuple(map(render_hold, self._store.holds())) if ready else ()
        for user, viewer in ready:
            last = self._store.recent(MOST_LAST, user)
            material = Material(open=rows, last=last, estate=self._estate(), standing=standing)
            changed = viewer.shown is None or material.steady != viewer.shown.steady
            if changed or (material != viewer.shown and _is_since(viewer.shown_at, AFTER_A_TICK, now)):
                return self._show(user, viewer, material, now)
        return 0

    def _read_rows(self) -> tuple[Shown, ...]:
        store = self._store
        alone = [one for one in store.open() if not one.parent]
        return (*store.in_doubt(), *store.open_host_changes(), *store.open_evacuations(), *alone)

    def _show(self, user: UserId, viewer: Viewer, material: Material, now: datetime) -> float:
        channel = viewer.place.channel

        def awaits(row: Shown) -> bool:
            return self._authority.awaits(user, channel, row)

        home = make_home(material, self._authority.decide(user, channel, READ), awaits, now)
        viewer.shown_at, viewer.pause = now, AFTER_A_FAILURE
        try:
            viewer.version = self._homes.publish(user, viewer.place, home, viewer.version)
            viewer.shown, viewer.pause = material, AFTER_A_CHANGE
        except RateLimited as pause:
            log.info("home_put_off user=%s seconds=%g", user, pause.seconds)
            return pause.seconds
        except ChatError as error:
            log.warning("home_not_shown user=%s code=%s", user, error.code)
            if error.lasting or error.code == CONFLICT:  # another bot has it now, or nobody can see it
                self._forget(user, viewer)
            viewer.version = ""
        return self._pause_s

    def _forget(self, user: UserId, viewer: Viewer) -> None:
        with self._lock:
            if self._viewers.get(user) is viewer:
                del self._viewers[user]


def _is_since(then: datetime | None, pause: timedelta, now: datetime) -> bool:
    """Whether the pause is over; also where the clock was set back."""
    return then is None or not timedelta() <= now - then < pause
