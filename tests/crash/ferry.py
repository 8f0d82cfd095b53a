"""Ferry's processes in a storm: who they are, and what each of them does."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bot.app import Role, build
from bot.operations.runner import Timing
from bot.settings import Settings
from tests.nursery import READY

HURRIED = Timing(
    tick_s=0.1,
    poll_s=0.1,
    look_pause_s=0.05,
    look_pause_most_s=0.5,
    start_pause_s=0.2,
    full_pause_s=0.5,
    full_pause_most_s=2.0,
)
DEAD_AFTER_S = 5.0
"""For how long one of several may be silent. On a busy machine a living one is, at times: it then has to do no harm."""


@dataclass(frozen=True)
class Member:
    """One of the processes that share a database. `name` is the same after every restart."""

    name: str = "ferry"
    role: Role = Role.ALL


CREW = (
    Member("bot-1", Role.BOT),
    Member("worker-1", Role.WORKER),
    Member("bot-2", Role.BOT),
    Member("worker-2", Role.WORKER),
)


def run(line: Connection, member: Member, settings: dict[str, Any], log: Path) -> None:
    """A process: until it is killed, or whoever started it is gone. It says when it hears people."""
    gc.freeze()  # what was imported before the fork is not garbage, and need not be looked through
    logging.basicConfig(
        filename=log, format=f"%(asctime)s.%(msecs)03d {member.name}/{os.getpid()} %(message)s", datefmt="%H:%M:%S"
    )
    logging.getLogger("bot").setLevel(logging.INFO)
    sys.stderr = log.open("a", encoding="utf-8")
    starter = os.getppid()
    logging.getLogger("bot").info("process begins")
    build(Settings.model_validate(settings), HURRIED, role=member.role, dead_after_s=DEAD_AFTER_S).start()
    logging.getLogger("bot").info("process is ready")
    line.send(READY)
    while os.getppid() == starter:
        threading.Event().wait(1)
