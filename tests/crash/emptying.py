"""The scene of an evacuation: a full host, some of whose VMs fail, and people who pause or cancel in the middle.

Everything is drawn from a seed.
"""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass
from functools import cached_property

from bot.lab.slack import Message, SlackServer
from bot.lab.world import WorldClock
from tests.crash.crowd import Crowd, state_of
from tests.crash.estate import HOSTS, CountingWorld, Order, Question, add_vm, build_hosts

SOURCE = HOSTS[0]
MEMORY_GIB = 1  # so that limits of hosts are what moves wait for, and not links
_BY_ITSELF = "by itself: too many failed"
_DONE = re.compile(r"(\d+) of \d+ done")


@dataclass(frozen=True)
class Emptying:
    """A scene: one host is emptied.

    Attributes:
        vms: on it, called VM-01 and so on; every sixth takes its storage along.
        failing: so many of them are failed by their hosts whenever they are moved.
        cancels: it is cancelled in the middle, instead of paused and resumed.
        limit: migrations that a host takes part in at once, of each kind.
    """

    seed: int
    vms: int
    failing: int
    cancels: bool = False
    limit: int = 8

    @property
    def operations(self) -> int:
        return 1 + self.vms

    @cached_property
    def fails_at(self) -> dict[str, int]:
        """Percent at which it fails, by VM name."""
        chance = random.Random(self.seed)
        return {
            f"VM-{number:02d}": chance.choice((3, 50)) for number in chance.sample(range(1, self.vms), self.failing)
        }

    def build(self, clock: WorldClock) -> CountingWorld:
        world = build_hosts(clock, self.limit)
        for number in range(1, self.vms + 1):
            vm = add_vm(world, SOURCE, number, MEMORY_GIB, local=number % 6 == 0)
            if percent := self.fails_at.get(vm.name):
                world.fail_next(vm, percent, every_time=True)
        return world

    def gather(self, server: SlackServer) -> Crowd:
        return Emptiers(server, self)


class Emptiers(Crowd):
    """Alice wants the host empty and Bob confirms it. In the middle Alice pauses it for a while, or cancels it."""

    def __init__(self, server: SlackServer, scene: Emptying) -> None:
        chance = random.Random(scene.seed)
        questions = [
            Question(text, "ops", chance.uniform(2, 15)) for text in ("status", "where VM-01", f"vms {SOURCE}")
        ]
        super().__init__(server, (Order(f"evacuate {SOURCE}", "ops"), *questions))
        self._then = "Cancel" if scene.cancels else "Pause"
        self._when_done = round(scene.vms * chance.uniform(0.1, 0.3))
        self._patience_s = chance.uniform(1, 3)
        self._paused_at = 0.0

    def look(self) -> None:
        messages = self.server.backend.workspace.messages()
        card = next((one for one in messages if one.bot_id and not one.thread_ts and state_of(one)), None)
        if card is not None:
            self._decide(card)

    def _decide(self, card: Message) -> None:
        now, state, done = time.monotonic(), state_of(card), _DONE.search(str(card.blocks))
        if state == "proposed":
            self.press("confirm", card, "Move", "bob")
        elif state == "under way" and self._then and done and int(done[1]) >= self._when_done:
            self.press(self._then, card, self._then, "alice")
        if state != "paused":
            self._paused_at = 0.0
            return
        self._paused_at = self._paused_at or now
        if self._then == "Pause" and _BY_ITSELF not in str(card.blocks):
            self._then = ""
        if now - self._paused_at >= self._patience_s:
            self.press("Resume", card, "Resume", "alice")
