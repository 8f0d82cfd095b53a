"""Takes the readiness of hosts, each in a thread of its own, so that none waits for another; and keeps it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import wait
from functools import partial

from bot.core.estate import Seen
from bot.core.freshness import NOT_YET
from bot.core.readiness.model import Checkup, Reached, Surroundings, Target
from bot.operations.watch import attempt, in_background, wait_for
from bot.ports import Clock, HostReader

REACH_S = 30.0
"""Windows gives up on a port that does not answer after 21 s (its default of two repeated SYNs), then tries a ping."""


class Checkups:
    """Thread-safe."""

    def __init__(self, reader: HostReader, clock: Clock, patience_s: float, reach_s: float = REACH_S) -> None:
        self._reader = reader
        self._clock = clock
        self._patience_s = patience_s
        self._reach_s = reach_s
        self._last: dict[str, Checkup] = {}

    def last(self, seen: Seen) -> Checkup:
        """What is known of a host without asking it: its last checkup, and itself as it was seen since."""
        nothing = Checkup(host=seen.host, began=seen.at, ended=seen.at, failure=NOT_YET, unread=NOT_YET)
        last = self._last.get(seen.host, nothing)
        if seen.failure == NOT_YET or last.ended > seen.at:
            return last
        return last.model_copy(update={"info": seen.info if seen.known else None, "failure": seen.failure})

    def take(self, hosts: Sequence[str], silent: Collection[str]) -> tuple[Checkup, ...]:
        """
        Args:
            hosts: by the settings' names.
            silent: hosts that gave no answer when they were last looked at; nobody waits long for those alone.
        """
        began = self._clock.now()
        asked = {host: in_background(partial(self._check, host), f"ferry-check-{host}") for host in hosts}
        wait_for(asked, silent, self._patience_s)
        late = f"no answer within {self._patience_s:g} s"
        return tuple(
            future.result()
            if future.done()
            else Checkup(host=host, began=began, ended=began, failure=late, unread=late)
            for host, future in asked.items()
        )

    def reach(self, source: str, targets: Sequence[Target]) -> tuple[Reached, ...]:
        asked = {
            target: in_background(partial(self._reach, source, target), f"ferry-reach-{source}-{target.port}")
            for target in targets
        }
        wait(asked.values(), timeout=self._reach_s)
        late = f"no answer within {self._reach_s:g} s, as if something between them drops what is sent"
        return tuple(
            future.result() if future.done() else Reached(target=target, open=None, failure=late)
            for target, future in asked.items()
        )

    def _check(self, host: str) -> Checkup:
        answer = attempt(lambda: self._reader.read_host(host), host)
        began = self._clock.now()
        around = attempt(lambda: self._reader.read_surroundings(host), host)
        ended = self._clock.now()
        self._last[host] = checkup = Checkup(
            host=host,
            began=began,
            ended=ended,
            info=None if isinstance(answer, str) else answer[0],
            failure=answer if isinstance(answer, str) else "",
            around=Surroundings() if isinstance(around, str) else around,
            unread=around if isinstance(around, str) else "",
        )
        return checkup

    def _reach(self, source: str, target: Target) -> Reached:
        answer = attempt(lambda: self._reader.reach(source, target), source)
        if isinstance(answer, str):
            return Reached(target=target, open=None, failure=answer)
        return Reached(target=target, open=answer)
