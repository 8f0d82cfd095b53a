"""The stand-in's Socket Mode through plain slack_sdk: what an app hears of what people do, how often, on which line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.lab.slack import ChannelSetup, SlackServer
from tests.contract.slack_lab import listening, running, web


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def line() -> Iterator[tuple[SlackServer, list[SocketModeRequest]]]:
    """One server with one connection for tests that only look at single events: closing a client takes a second."""
    with running() as started, listening(started) as got:
        yield started, got


def events(got: list[SocketModeRequest]) -> list[dict[str, Any]]:
    return [request.payload["event"] for request in got if request.type == "events_api"]


def hear(server: SlackServer, got: list[SocketModeRequest], count: int) -> list[dict[str, Any]]:
    """The first events, once there are so many. They are given to worker threads: their order is not theirs."""
    server.wait_for(lambda: len(events(got)) >= count, 5)
    return sorted(events(got), key=lambda event: (event["event_ts"], event["type"]))


def test_a_mention_is_two_events_with_one_ts(server: SlackServer) -> None:
    with listening(server) as got:
        ts = server.say("alice", "#ops", "@Ferry where VM-01")
        mention, message = hear(server, got, 2)
        payloads = [request.payload for request in got]
    assert (mention["type"], message["type"]) == ("app_mention", "message")
    assert mention["ts"] == message["ts"] == ts
    assert mention["text"] == message["text"] == f"<@{server.user_id('Ferry')}> where VM-01"
    assert len({payload["event_id"] for payload in payloads}) == 2
    assert message["client_msg_id"] == mention["client_msg_id"]
    assert (message["channel_type"], message["user"], message["team"]) == ("channel", "U0ALICE000", "T0LAB00000")
    assert "subtype" not in message
    assert "bot_id" not in message
    for payload in payloads:
        assert (payload["type"], payload["team_id"], payload["api_app_id"]) == (
            "event_callback",
            "T0LAB00000",
            "A0LAB00000",
        )
        assert payload["authorizations"][0] == {
            "enterprise_id": None,
            "team_id": "T0LAB00000",
            "user_id": server.user_id("Ferry"),
            "is_bot": True,
            "is_enterprise_install": False,
        }
        assert re.fullmatch(r"Ev[0-9A-Z]+", payload["event_id"])
        assert isinstance(payload["event_time"], int)


@pytest.mark.parametrize(
    ("typed", "text", "elements"),
    [
        ("a & b <c>", "a &amp; b &lt;c&gt;", [{"type": "text", "text": "a & b <c>"}]),
        (
            "to host02.contoso.com now",
            "to <http://host02.contoso.com|host02.contoso.com> now",
            [
                {"type": "text", "text": "to "},
                {"type": "link", "url": "http://host02.contoso.com", "text": "host02.contoso.com"},
                {"type": "text", "text": " now"},
            ],
        ),
        (
            r"\\server01.contoso.com\vm$\x",
            r"\\<http://server01.contoso.com|server01.contoso.com>\vm$\x",
            [
                {"type": "text", "text": "\\\\"},
                {"type": "link", "url": "http://server01.contoso.com", "text": "server01.contoso.com"},
                {"type": "text", "text": r"\vm$\x"},
            ],
        ),
        (r"\\server01\vmstore", r"\\server01\vmstore", [{"type": "text", "text": r"\\server01\vmstore"}]),
        (
            r"`\\server01.contoso.com\vms`",
            r"`\\server01.contoso.com\vms`",
            [{"type": "text", "text": r"\\server01.contoso.com\vms", "style": {"code": True}}],
        ),
        ("@bob", "<@U0BOB00000>", [{"type": "user", "user_id": "U0BOB00000"}]),
        ("@BOB #ops", "<@U0BOB00000> <#C0OPS00000|OPS>".replace("OPS>", "ops>"), None),
        ("@nobody @here", "@nobody <!here>", None),
        ("see https://x.org/a?b=1&c=2.", "see <https://x.org/a?b=1&amp;c=2>.", None),
        ("to a@b.com", "to <mailto:a@b.com|a@b.com>", None),
        ("disk.vhdx v1.2.3 host01.local", "disk.vhdx v1.2.3 host01.local", None),
    ],
)
def test_typed_text_arrives_as_slacks_clients_send_it(
    line: tuple[SlackServer, list[SocketModeRequest]], typed: str, text: str, elements: list[dict[str, Any]] | None
) -> None:
    server, got = line
    ts = server.say("alice", "#ops", typed)
    [message] = server.wait_for(lambda: [event for event in events(got) if event["ts"] == ts], 5)
    assert message["text"] == text
    section = message["blocks"][0]["elements"][0]
    assert section["type"] == "rich_text_section"
    if elements is not None:
        assert section["elements"] == elements


def test_direct_messages_threads_and_late_ones(server: SlackServer) -> None:
    with listening(server) as got:
        direct = server.say("alice", server.direct_channel("alice"), "@Ferry help")
        reply = server.say("bob", "#ops", "in a thread", thread=server.say("alice", "#ops", "parent"))
        late = server.say("bob", "#ops", "said long ago", late_s=600)
        heard = {event["ts"]: event for event in hear(server, got, 4)}
    assert heard[direct]["channel_type"] == "im"
    assert [event["type"] for event in heard.values()] == ["message"] * 4  # no app_mention in direct messages
    assert heard[reply]["parent_user_id"] == server.user_id("alice")
    assert float(late) < float(direct) - 599


def test_edits_and_deletions_are_told_as_changes(server: SlackServer) -> None:
    with listening(server) as got:
        ts = server.say("alice", "#ops", "move VM-01")
        server.edit("alice", "#ops", ts, "@Ferry move VM-02")
        server.delete("alice", "#ops", ts)
        heard = hear(server, got, 4)
    by_subtype = {(event["type"], event.get("subtype")): event for event in heard}
    changed = by_subtype[("message", "message_changed")]
    assert (changed["message"]["text"], changed["previous_message"]["text"]) == (
        "<@U0FERRY000> move VM-02",
        "move VM-01",
    )
    assert changed["message"]["edited"]["user"] == server.user_id("alice")
    assert changed["hidden"] is True
    assert changed["ts"] != changed["message"]["ts"] == ts
    assert by_subtype[("app_mention", None)]["edited"]["user"] == server.user_id("alice")
    assert by_subtype[("message", "message_deleted")]["deleted_ts"] == ts
    assert server.messages("#ops") == []


def test_the_app_hears_itself(server: SlackServer) -> None:
    with listening(server) as got:
        web(server).chat_postMessage(channel="#ops", text="hello")
        [message] = hear(server, got, 1)
    assert (message["user"], message["bot_id"]) == (server.user_id("Ferry"), "B0LAB00000")


def test_only_what_was_subscribed_and_granted_is_told() -> None:
    setups = ("ops", ChannelSetup("closed", private=True), ChannelSetup("lobby", with_bot=False))
    with running(channels=setups, scopes=("app_mentions:read", "im:history")) as server, listening(server) as got:
        server.say("alice", "#ops", "@Ferry one")
        server.say("alice", "#closed", "two")
        server.say("alice", "#lobby", "@Ferry three")
        server.say("alice", server.direct_channel("alice"), "four")
        assert [(one["type"], one["text"][-4:]) for one in hear(server, got, 2)] == [
            ("app_mention", " one"),
            ("message", "four"),
        ]


def test_what_is_not_acknowledged_comes_again_and_then_no_more() -> None:
    with running(ack_s=0.05, retry_after_s=(0.0, 0.01)) as server, listening(server, lambda _: False) as got:
        server.say("alice", "#ops", "hello")
        lost = server.wait_for(lambda: [one for one in server.deliveries() if one.lost], 5)
        server.wait_for(lambda: len(got) == 3, 5)
    attempts = sorted((request.retry_attempt, request.retry_reason) for request in got)
    assert attempts == [(0, ""), (1, "timeout"), (2, "timeout")]
    assert len({request.payload["event_id"] for request in got}) == 1
    assert (lost[0].attempts, lost[0].acknowledged) == (3, False)


def test_an_acknowledged_payload_can_be_redelivered_on_demand(server: SlackServer) -> None:
    with listening(server) as got:
        server.say("alice", "#ops", "hello")
        delivery = server.wait_for(lambda: [one for one in server.deliveries() if one.acknowledged], 5)[0]
        server.redeliver(delivery.envelope_id)
        server.wait_for(lambda: len(got) == 2, 5)
    assert got[0].payload == got[1].payload
    assert sorted(request.retry_attempt or 0 for request in got) == [0, 1]


def test_each_payload_goes_to_one_of_several_connections(server: SlackServer) -> None:
    with listening(server) as one, listening(server) as other:
        assert server.connections == 2
        for number in range(6):
            server.say("alice", "#ops", f"{number}")
        server.wait_for(lambda: len(one) + len(other) == 6, 5)
    assert len(one) == len(other) == 3
    assert not {request.envelope_id for request in one} & {request.envelope_id for request in other}


def test_a_refresh_makes_the_client_reconnect_and_loses_nothing(server: SlackServer) -> None:
    with listening(server) as got:
        opened = server.calls().count(("apps.connections.open", ""))
        server.refresh_sockets()
        server.say("alice", "#ops", "in the gap")
        server.wait_for(lambda: got, 5)
        assert server.calls().count(("apps.connections.open", "")) == opened + 1
    assert got[0].payload["event"]["text"] == "in the gap"
    assert got[0].retry_attempt == 1


def test_people_are_in_their_channels_and_press_what_they_see(server: SlackServer) -> None:
    with pytest.raises(KeyError, match="nobody called 'eve'"):
        server.say("eve", "#ops", "hello")
    with pytest.raises(KeyError, match="no channel '#nowhere'"):
        server.say("alice", "#nowhere", "hello")
    web(server).chat_postEphemeral(channel="#ops", user=server.user_id("bob"), text="psst")
    whispered = server.ephemerals("bob")[0]
    with pytest.raises(KeyError, match="alice sees no message"):
        server.press("alice", "#ops", whispered.ts, "Go")


def test_waiting_in_vain_shows_what_was_posted(server: SlackServer) -> None:
    server.say("alice", "#ops", "@bob hello")
    with pytest.raises(TimeoutError, match=r"(?s)not seen within 0.01 s.*#ops @alice:\n    @bob hello"):
        server.wait_for(lambda: False, 0.01)
