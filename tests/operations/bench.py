"""Runners for granted operations on the lab's hosts, and what the rows say of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import Future

from bot.core.host_change import HostChange
from bot.core.lifecycle import Event, State
from bot.core.operation import Operation
from bot.core.plan import Plan
from bot.core.policy import Policy, simple
from bot.operations.authority import Authority
from bot.operations.consent import Patience
from bot.operations.desk import Desk
from bot.operations.looking import Looking
from bot.operations.runner import Runner, Timing
from bot.operations.runner.permission import Permission, Permit
from bot.operations.store import Store
from bot.operations.watch import in_background
from bot.ports import HostReader
from tests.operations.moving_hosts import PATIENCE_S, MovingHosts
from tests.operations.offers import ALICE, BOB, CAROL, OFFER, SetClock, make_ask, make_host

QUICK = Timing(
    tick_s=0.02,
    poll_s=0.02,
    looks=4,
    second_looks=2,
    look_pause_s=0.02,
    look_pause_most_s=0.05,
    starts=3,
    start_pause_s=0.3,
    full_pause_s=10,
)


def allowed(_: Operation | HostChange) -> Permit:
    """Nothing speaks against starting it: for tests of all that comes after."""
    return Permit()


def make_open_desk(store: Store, clock: SetClock, reader: HostReader) -> Desk:
    """Everybody may do everything here, by a simple policy; who may is the desk's own test."""
    authority = Authority(Policy(rules=simple((), [ALICE, BOB, CAROL])), clock)
    looking = Looking(store, reader)
    return Desk(store, clock, lambda _: (), Patience(OFFER), authority, looking, lambda _: ())


class Bench:
    """A store with operations that are granted, and runners for them."""

    def __init__(self, lab: MovingHosts, store: Store, clock: SetClock) -> None:
        self.lab, self.store, self.clock = lab, store, clock
        self.timing = QUICK
        self._runners: list[Runner] = []

    def grant(self, plan: Plan | None = None) -> Operation:
        plan = plan or self.lab.plan()
        offered = self.store.propose(plan, make_ask(), self.clock.now() + OFFER)
        self.store.change(offered.id, Event.CONFIRM, by=BOB)
        return self.admit()

    def admit(self) -> Operation:
        """Both hosts say that they have room."""
        for name in self.lab.hosts:
            self.store.set_room(make_host(name), self.clock.now())
        return self.row(State.GRANTED)

    def runner(
        self, changes: Callable[[Plan], tuple[str, ...]] | None = None, permission: Permission = allowed
    ) -> Runner:
        made = Runner(self.store, self.lab.fleet, self.clock, changes or self.lab.changes, permission, self.timing)
        self._runners.append(made)
        return made

    def run(self) -> Operation:
        """Bring m-1 to its end, in this thread."""
        self.runner().run("m-1", self.row().attempt)
        return self.row()

    def start(self) -> Future[None]:
        runner, attempt = self.runner(), self.row().attempt
        return in_background(lambda: runner.run("m-1", attempt), "runner")

    def leave(self, running: Future[None]) -> None:
        """Stop the runners, as a stopping Ferry does, and make a new attempt, as the next start does."""
        for runner in self._runners:
            assert runner.stop(PATIENCE_S)
        running.result(PATIENCE_S)
        assert self.store.regrant("m-1", self.row().attempt)

    def row(self, state: State | None = None) -> Operation:
        found = self.store.find("m-1")
        assert found is not None
        assert state in (None, found.state)
        return found

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until the rows say so."""
        while not true():
            assert self.store.changed.wait(PATIENCE_S), self.steps()

    def steps(self) -> list[str]:
        return [str(step.line[0]) for due in self.store.cards_due() for step in due.steps]

    def events(self) -> list[str]:
        return [json.loads(entry.body)["event"] for entry in self.store.journal("m-1")]

    def close(self) -> None:
        for runner in self._runners:
            runner.stop(PATIENCE_S)


def said(operation: Operation) -> str:
    assert operation.outcome is not None
    return operation.outcome.summary


def without_reasons(words: str) -> str:
    """What hosts showed, without why one gave no answer: that names a port which is another each time."""
    return re.sub(r" \([^)]*\)", "", words)


def quoted(operation: Operation) -> str:
    assert operation.outcome is not None
    return operation.outcome.words
