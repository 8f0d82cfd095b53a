"""What watchers and the audit channel are told: of a real journal, through a workspace that may fail; never twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.estate import Estate, Seen
from bot.core.journal import Refusal
from bot.core.lifecycle import Event
from bot.core.names import UserId
from bot.core.notices import render_notices
from bot.core.operation import Ask, Place
from bot.core.signal import Unwatch, Watch
from bot.lab.slack import Fault, SlackServer
from bot.operations.herald import Herald, Subscriptions
from bot.operations.journal import Journal
from bot.operations.presence import Presence
from bot.operations.store import Store, notices
from bot.slack.poster import Poster
from tests.contract.slack_lab import running, web
from tests.core.rows import live_plan

WAIT_S = 10
ALICE, BOB = UserId("U0ALICE000"), UserId("U0BOB00000")


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Bench:
    """A database and a workspace; hosts answer or not by hand."""

    def __init__(self, server: SlackServer, folder: Path) -> None:
        self.server = server
        self.store = Store(f"sqlite:///{folder / 'ferry.sqlite'}", SystemClock())
        self.store.migrate()
        self.presence = Presence(self.store.database, "bench", sites=(), dead_after_s=30)
        self.presence.enter()
        self.presence.announce()
        self.silent = ""
        self.plan = live_plan()
        self.numbers = iter(range(1, 100))

    def herald(self) -> Herald:
        chat = Poster(web(self.server))
        audit = self.server.channel_id("audit")
        return Herald(self.store, chat, self.estate, SystemClock(), audit, self.presence.id, hurry=50)

    def estate(self) -> Estate:
        return Estate(hosts=(Seen(host="host02", at=datetime.now(UTC), failure=self.silent),))

    def watch(self, who: UserId, what: str) -> None:
        kind = "vm" if what == self.plan.move.vm else "host"
        Subscriptions(self.store).apply(Watch.model_validate({"kind": kind, "what": what, "name": what}), who)

    def ask(self) -> Ask:
        now, place = datetime.now(UTC), Place(team="T0LAB00000", channel=self.server.channel_id("ops"))
        return Ask(key=f"k{next(self.numbers)}", text="", actor=ALICE, place=place, at=now, received_at=now)

    def confirm_and_end(self) -> None:
        made = self.store.propose(self.plan, self.ask(), datetime.now(UTC) + timedelta(minutes=10))
        assert self.store.change(made.id, Event.CONFIRM, by=BOB)
        assert self.store.change(made.id, Event.CANCEL, by=BOB)

    def told(self, who: str) -> list[str]:
        """Lines of the direct messages to a person, or in the audit channel."""
        where = "#audit" if who == "audit" else self.server.direct_channel(who)
        return [line for message in self.server.messages(where) for line in self.server.render_text(message)]

    def wait_for(self, who: str, *words: str) -> list[str]:
        def found() -> list[str]:
            told = self.told(who)
            return told if all(one in str(told) for one in words) else []

        return self.server.wait_for(found, WAIT_S)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running(channels=("ops", "audit")) as server:
        made = Bench(server, tmp_path)
        yield made
        made.presence.leave()
        made.store.close()


@pytest.fixture
def serve(bench: Bench) -> Iterator[Callable[[], Herald]]:
    started: list[Herald] = []

    def start() -> Herald:
        started.append(bench.herald())
        started[-1].start()
        return started[-1]

    yield start
    for herald in started:
        herald.stop()


def follows(bench: Bench) -> None:
    """Until the herald has found its place in the journal: what was before is told to nobody."""
    refusal = Refusal(action="vm.migrate", reason="because", command="migrate VM-99 to host02")
    journal = Journal(bench.store.database, SystemClock())

    def is_told() -> bool:
        journal.refuse(refusal, bench.ask())
        return bool(bench.server.workspace.wait_for(lambda: bench.told("audit"), 0.2))

    while not is_told():
        pass


def test_a_watcher_hears_of_the_vm_and_the_audit_channel_of_everything(
    bench: Bench, serve: Callable[[], Herald]
) -> None:
    bench.confirm_and_end()  # before anybody listened
    first = serve()
    follows(bench)
    bench.watch(ALICE, bench.plan.move.vm)
    bench.watch(BOB, "host02")
    bench.confirm_and_end()
    told = bench.wait_for("alice", "confirmed by @bob", "cancelled")
    assert "m-2 VM-01 from host01 to host02" in str(told)
    assert "m-1" not in str(told)
    bench.wait_for("bob", "confirmed by @bob", "cancelled")
    bench.wait_for("audit", "confirmed by @bob", "cancelled")
    assert "m-1" not in str(bench.told("audit"))

    Subscriptions(bench.store).apply(Unwatch(what="host02", name="host02"), BOB)
    first.stop()
    serve()  # what was watched, and where it had come to, outlives it
    before = bench.told("bob")
    bench.confirm_and_end()
    bench.wait_for("alice", "m-3")
    bench.wait_for("audit", "m-3")
    assert bench.told("bob") == before
    assert str(bench.told("audit")).count("m-2 VM-01 from host01 to host02: confirmed") == 1


def test_a_host_that_gives_no_answer_and_answers_again_is_told_to_who_watches_it(
    bench: Bench, serve: Callable[[], Herald]
) -> None:
    herald = serve()
    follows(bench)
    bench.watch(ALICE, "host02")
    herald.stop()
    bench.silent = "timed out"
    serve()
    bench.wait_for("alice", "host02 gives no answer: timed out")
    bench.silent = ""
    told = bench.wait_for("alice", "host02 answers again")
    assert str(told).count("host02") == 2
    assert "host02 gives no answer" not in str(bench.told("audit"))


@pytest.mark.parametrize(
    "fault",
    [Fault(reset="after"), Fault(reset="before"), Fault(status=503), Fault(status=429), Fault(error="fatal_error")],
)
def test_what_fails_is_told_later_and_once(bench: Bench, serve: Callable[[], Herald], fault: Fault) -> None:
    serve()
    follows(bench)
    bench.watch(ALICE, bench.plan.move.vm)
    bench.server.fail_next("chat.postMessage", fault)
    bench.confirm_and_end()
    for who in ("alice", "audit"):
        told = bench.wait_for(who, "confirmed by @bob", "cancelled")
        assert str(told).count("confirmed by") == 1
    all_is_told(bench)
    assert str(bench.told("alice")).count("confirmed by") == str(bench.told("audit")).count("confirmed by") == 1


def all_is_told(bench: Bench) -> None:
    """Until no notice is left; a row that goes rings no bell."""
    give_up_at = time.monotonic() + WAIT_S
    while _waiting(bench):
        assert time.monotonic() < give_up_at
        bench.server.workspace.wait_for(lambda: False, 0.05)


def _waiting(bench: Bench) -> int:
    with bench.store.database.reading() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM notice").scalar_one())


def test_whoever_cannot_be_told_keeps_nobody_else_waiting(bench: Bench, serve: Callable[[], Herald]) -> None:
    serve()
    follows(bench)
    bench.watch(UserId("U0GONE0000"), bench.plan.move.vm)
    bench.watch(ALICE, bench.plan.move.vm)
    bench.confirm_and_end()
    bench.wait_for("alice", "confirmed by @bob", "cancelled")
    all_is_told(bench)


def test_what_a_predecessor_sent_before_it_died_is_not_sent_again(bench: Bench, serve: Callable[[], Herald]) -> None:
    herald = serve()
    follows(bench)
    herald.stop()
    line = ("told by the predecessor",)
    with bench.store.database.writing() as connection:
        notices.add_notices(connection, [ALICE], line, datetime.now(UTC))
        batch = notices.settle(connection, ALICE)
        notices.add_notices(connection, [ALICE], ("told after it",), datetime.now(UTC))
    chat = Poster(web(bench.server))
    place = Place(team="T0LAB00000", channel=chat.open_direct(ALICE))
    chat.post(place, render_notices(batch.lines, watcher=True), key=f"notices-{batch.number}")
    serve()
    bench.wait_for("alice", "told after it")
    all_is_told(bench)
    assert bench.told("alice") == ["told by the predecessor", "told after it"]
