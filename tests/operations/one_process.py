"""One process that carries out operations, for tests that kill it."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing.connection import Connection

from bot.hyperv.fleet import HyperVFleet
from bot.operations.engine import Engine
from bot.operations.presence import Presence
from bot.operations.runner import Runner, Timing
from bot.operations.runner.permission import Permit
from bot.operations.steward import Steward
from bot.operations.store import Store
from tests.nursery import READY
from tests.operations.moving_hosts import changes_by, settings_of

DEAD_AFTER_S = 2.0


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def carry_out(line: Connection, database_url: str, name: str, site: str, ports: Sequence[int]) -> None:
    """Until it is killed, or whoever started it is gone.

    Args:
        line: is told when it is ready.
        ports: of host01, host02, …
    """
    starter = os.getppid()
    fleet = HyperVFleet(settings_of({f"host{number:02d}": port for number, port in enumerate(ports, 1)}))
    clock = SystemClock()
    store = Store(database_url, clock)
    timing = Timing(tick_s=0.05, poll_s=0.05, look_pause_s=0.1)
    runner = Runner(store, fleet, clock, lambda plan: changes_by(fleet, plan), lambda _: Permit(), timing)
    presence = Presence(store.database, name, sites=[site], beat_s=0.1, dead_after_s=DEAD_AFTER_S)
    presence.enter()
    presence.announce()
    Steward(store, lambda hosts: None).start()
    Engine(store, runner, presence, lambda hosts: None, lambda hosts: None, sweep_s=0.2).start()
    line.send(READY)
    while os.getppid() == starter:
        threading.Event().wait(1)
