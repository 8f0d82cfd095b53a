"""Anchors reach the audit channel: the real journal, poster and workspace on loopback, on good and bad days."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.core.holds.model import EVERYTHING, Hold
from bot.core.journal import read_anchor
from bot.core.operation import Place
from bot.lab.slack import ChannelSetup, Fault, Message, SlackServer
from bot.operations.bookkeeper import Bookkeeper
from bot.operations.journal import Journal
from bot.operations.store import Store
from bot.operations.store.hold_rows import HoldRows
from bot.settings import SlackSettings
from bot.slack.poster import EVENT_TYPE, Poster, connect
from tests.contract.slack_lab import running
from tests.contract.test_announcer import WallClock
from tests.operations.offers import ALICE, SetClock, make_ask


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with running(channels=("audit", "ops", ChannelSetup("elsewhere", with_bot=False))) as one:
        yield one


@pytest.fixture
def clock() -> SetClock:
    """Stands where the workspace's clock is now."""
    return SetClock(WallClock().now())


@pytest.fixture
def store(tmp_path: Path, clock: SetClock) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/ferry.sqlite", clock)
    store.database.migrate()
    yield store
    store.close()


@pytest.fixture
def journal(store: Store, clock: SetClock) -> Journal:
    return Journal(store.database, clock)


def keeper(server: SlackServer, store: Store, clock: SetClock, channel: str = "audit") -> Bookkeeper:
    settings = SlackSettings.model_validate({"bot_token": server.bot_token, "api_url": server.api_url})
    where = server.channel_id(channel) if channel else ""
    return Bookkeeper(store, Poster(connect(settings)), clock, lambda: None, where)


def posted(server: SlackServer) -> list[Message]:
    return [message for message in server.messages("#audit") if message.bot_id]


def test_an_anchor_is_posted_once_a_day(server, store, clock, journal):
    one = keeper(server, store, clock)
    one.turn()
    one.turn()
    assert len(posted(server)) == 1
    clock.forward(hours=23, minutes=59)
    one.turn()
    assert len(posted(server)) == 1
    clock.forward(minutes=1)
    one.turn()
    assert len(posted(server)) == 2
    assert journal.verify().broken is None


def test_the_head_is_in_its_text_and_its_metadata(server, store, clock, journal):
    keeper(server, store, clock).turn()
    (message,) = posted(server)
    anchor, known = journal.last_anchor()
    assert known
    assert read_anchor(message.text) == anchor.model_copy(update={"at": anchor.at.replace(microsecond=0)})
    assert message.metadata == {"event_type": EVENT_TYPE, "event_payload": {"key": str(anchor)}}
    shown = "\n".join(server.render_text(message))
    assert read_anchor(shown) == read_anchor(message.text)
    assert journal.verify([read_anchor(shown)]).broken is None


def test_a_persons_anchor_is_posted_too(server, store, clock, journal):
    one = keeper(server, store, clock)
    one.turn()
    anchor = journal.anchor(ALICE)
    one.turn()
    assert str(anchor) in posted(server)[-1].text
    assert len(posted(server)) == 2


def test_without_a_channel_only_people_anchor(server, store, clock, journal):
    keeper(server, store, clock, channel="").turn()
    assert journal.after(0, 10) == ()


def test_of_two_bots_one_posts(server, store, clock):
    first, second = keeper(server, store, clock), keeper(server, store, clock)
    first.turn()
    clock.forward(days=1)
    second.turn()
    first.turn()
    assert len(posted(server)) == 2


def test_what_a_former_process_posted_before_it_died_is_not_posted_again(server, store, clock, journal):
    anchor = journal.anchor()
    keeper(server, store, clock)._post(anchor)  # and here it died, before it could write that down
    keeper(server, store, clock).turn()
    assert len(posted(server)) == 1
    assert journal.last_anchor() == (anchor, True)


@pytest.mark.parametrize("fault", [Fault(status=503), Fault(status=429, retry_after_s=30), Fault(error="is_archived")])
def test_what_cannot_be_posted_is_posted_later(server, store, clock, journal, fault):
    one = keeper(server, store, clock)
    server.fail_next("chat.postMessage", fault)
    one.turn()
    one.turn()
    assert posted(server) == []
    clock.forward(minutes=5)
    one.turn()
    assert len(posted(server)) == 1
    assert [entry.read()["event"] for entry in journal.after(1, 9)] == ["anchor", "anchor posted"]


def test_a_channel_that_ferry_is_not_in_does_not_stop_the_copying(server, store, clock):
    copied: list[int] = []
    settings = SlackSettings.model_validate({"bot_token": server.bot_token, "api_url": server.api_url})
    chat, channel = Poster(connect(settings)), server.channel_id("elsewhere")
    Bookkeeper(store, chat, clock, lambda: copied.append(1), channel).turn()
    assert copied == [1]


def test_it_works_in_a_thread_of_its_own(server, store, clock):
    one = keeper(server, store, clock)
    one.start()
    server.wait_for(lambda: posted(server), 8)
    one.stop()


def test_a_hold_that_time_has_ended_is_told_once_where_it_was_asked_for_and_in_the_audit_channel(server, store, clock):
    rows, one = HoldRows(store), keeper(server, store, clock)
    place = Place(team="", channel=server.channel_id("ops"))
    ask = make_ask("freeze until 1min because of a test", at=clock.now()).model_copy(update={"place": place})
    wanted = Hold(**EVERYTHING.model_dump(), number=0, by=ALICE, reason="of a test", at=clock.now(), until=clock.now())
    rows.begin(wanted, ask)
    one.turn()
    assert told(server) == {"#ops": 0, "#audit": 0}
    rows.end_late()
    for _ in range(2):
        one.turn()
        keeper(server, store, clock).turn()
    assert told(server) == {"#ops": 1, "#audit": 1}
    assert rows.untold() == ()


def told(server: SlackServer) -> dict[str, int]:
    """How often each channel says that it has ended."""
    shown = {where: [server.render_text(one) for one in server.messages(where)] for where in ("#ops", "#audit")}
    return {where: sum("its time has come" in "".join(lines) for lines in said) for where, said in shown.items()}
