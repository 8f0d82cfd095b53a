"""Looks at one host, never twice at a time, and keeps what it saw.

Whoever asks gets a look that begins after the asking, and shares it with all who ask before it begins. One exception:
when a host gives no answer, those who wait for the next look get that failure too; a dead host makes nobody wait twice.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import datetime
from typing import TypeVar

from bot.core.estate import Host, Seen
from bot.core.freshness import NOT_YET
from bot.errors import HostError
from bot.ports import Clock, HostReader

log = logging.getLogger(__name__)

T = TypeVar("T")

SILENT_S = 2.0
"""How long a host that gave no answer the last time is waited for, at least."""

STILL_S = 1.0
"""When no host has answered for so long, the others are not held up by Ferry's own work."""


def in_background(function: Callable[[], T], name: str) -> Future[T]:
    """Run it in a thread of its own, which keeps no process alive; the future gets what it returns or raises."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - not swallowed: whoever takes the result gets it
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


class Watch:
    """One host's watch. Thread-safe."""

    def __init__(self, host: str, reader: HostReader, clock: Clock, on_room: Callable[[Host, datetime], None]) -> None:
        self._host = host
        self._reader = reader
        self._clock = clock
        self._on_room = on_room
        self._lock = threading.Lock()
        self._looking = False
        self._asking_room = False
        self._next: Future[Seen] | None = None
        self._seen = Seen(host=host, at=clock.now(), failure=NOT_YET)

    @property
    def seen(self) -> Seen:
        """What the last look gave."""
        return self._seen

    def ask(self) -> Future[Seen]:
        """A look that begins after this call. The future never raises: a failure is in what was seen."""
        with self._lock:
            if self._next is None:
                self._next = Future()
            asked = self._next
            if not self._looking:
                self._looking = True
                threading.Thread(target=self._work, name=f"ferry-look-{self._host}", daemon=True).start()
        return asked

    def ask_room(self) -> None:
        """Ask the host for its limits, migrations and memory alone. No second time while it is being asked.

        A host that does not answer is not told of here: whoever looks at its VMs learns it.
        """
        with self._lock:
            if self._asking_room:
                return
            self._asking_room = True
        threading.Thread(target=self._ask_room, name=f"ferry-room-{self._host}", daemon=True).start()

    def _ask_room(self) -> None:
        try:
            began = self._clock.now()
            answer = attempt(lambda: self._reader.read_host(self._host), self._host)
            if not isinstance(answer, str):
                self._tell(answer[0], began)
        finally:
            with self._lock:
                self._asking_room = False

    def _work(self) -> None:
        while waiting := self._begin():
            seen = self._look()
            self._seen = seen
            if seen.known and seen.info is not None:
                self._tell(seen.info, seen.at)
            waiting.set_result(seen)
            if not seen.known and (others := self._take()):
                others.set_result(seen)

    def _begin(self) -> Future[Seen] | None:
        with self._lock:
            waiting, self._next = self._next, None
            self._looking = waiting is not None
            return waiting

    def _take(self) -> Future[Seen] | None:
        with self._lock:
            waiting, self._next = self._next, None
            return waiting

    def _look(self) -> Seen:
        began = self._clock.now()
        answer = attempt(lambda: self._reader.read_vms(self._host), self._host)
        if isinstance(answer, str):
            return self._failed(answer)
        info, vms = answer
        return Seen(host=self._host, at=began, vms=vms, info=info, answered_at=began)

    def _failed(self, failure: str) -> Seen:
        before = self._seen
        if before.failure != failure:
            log.warning("host_unreadable host=%s failure=%s", self._host, failure)
        return failed(before, self._clock, failure)

    def _tell(self, host: Host, seen_at: datetime) -> None:
        try:
            self._on_room(host, seen_at)
        except Exception:
            log.exception("room_not_recorded host=%s incident=%s", self._host, secrets.token_hex(4))


def wait_for(asked: Mapping[str, Future[T]], silent: Collection[str], patience_s: float) -> None:
    """Until all have answered, or nobody is waited for any more. Many hosts may take longer than one, so nobody is
    given up while answers keep coming.

    Args:
        asked: by host.
        silent: hosts that gave no answer when they were last looked at; nobody waits long for those alone.
    """
    began = time.monotonic()
    waiting = {future for host, future in asked.items() if host not in silent}
    answered = waiting
    while waiting and answered:
        left_s = max(STILL_S, patience_s - (time.monotonic() - began))
        answered, waiting = wait(waiting, timeout=left_s, return_when=FIRST_COMPLETED)
    wait(asked.values(), timeout=max(0.0, min(SILENT_S, patience_s) - (time.monotonic() - began)))


def attempt(read: Callable[[], T], host: str) -> T | str:
    """What it reads, or why there is no answer; for what is Ferry's own fault, an incident that the log knows."""
    try:
        return read()
    except HostError as error:
        return error.cause or error.message
    except Exception:
        incident = secrets.token_hex(4)
        log.exception("look_crashed host=%s incident=%s", host, incident)
        return f"Ferry itself stumbled over the answer (incident {incident})"


def failed(before: Seen, clock: Clock, failure: str) -> Seen:
    """A look without an answer: what the host holds is unknown now, what it held is kept apart."""
    return Seen(
        host=before.host,
        at=clock.now(),
        info=before.info,
        failure=failure,
        answered_at=before.answered_at,
        held=before.vms if before.known else before.held,
    )
