"""What Slack delivers, and which of it is a command: one plain sentence of one person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.core.names import UserId
from bot.core.operation import Ask, Place
from bot.slack.payloads import (
    Ignored,
    Us,
    find_outsiders,
    read_event,
    read_group_change,
    read_press,
    read_retraction,
    read_slash,
)

TEAM, BOT, ALICE, OPS, DM = "T0LAB", UserId("U0FERRY"), "U0ALICE", "C0OPS", "D0ALICE"
US = Us(TEAM, BOT, frozenset({"C0BARE"}))
RECEIVED = datetime(2026, 11, 23, 14, 30, 5, tzinfo=UTC)
SAID = datetime(2026, 11, 23, 14, 30, 0, 200, tzinfo=UTC)
TS = f"{int(SAID.timestamp())}.000200"


def event(**changes: Any) -> dict[str, Any]:
    """An event_callback as Slack documents it; `None` takes a field away."""
    inner = {
        "type": "app_mention",
        "user": ALICE,
        "text": f"<@{BOT}> migrate VM-01 to host02",
        "ts": TS,
        "team": TEAM,
        "channel": OPS,
        "event_ts": TS,
        "client_msg_id": "9f0c7b4a-0000-4000-8000-000000000000",
        "blocks": [{"type": "rich_text", "block_id": "x", "elements": []}],
    }
    outer = {
        "token": "deprecated",
        "team_id": TEAM,
        "context_team_id": TEAM,
        "context_enterprise_id": None,
        "api_app_id": "A0FERRY",
        "type": "event_callback",
        "event_id": "Ev0001",
        "event_time": int(SAID.timestamp()),
        "is_ext_shared_channel": False,
    }
    around = {name: changes.pop(name) for name in ("team_id", "event_id", "is_ext_shared_channel") if name in changes}
    kept = {name: value for name, value in (inner | changes).items() if value is not None}
    return outer | around | {"event": kept}


def message(**changes: Any) -> dict[str, Any]:
    return event(**{"type": "message", "channel_type": "channel"} | changes)


def direct(**changes: Any) -> dict[str, Any]:
    return message(**{"channel": DM, "channel_type": "im", "text": "hosts"} | changes)


def read(body: dict[str, Any]) -> Ask | Ignored:
    return read_event(body, US, RECEIVED)


def test_a_mention_is_an_ask_with_its_text_untouched() -> None:
    assert read(event()) == Ask(
        key=f"{TEAM}/{OPS}/{TS}",
        text=f"<@{BOT}> migrate VM-01 to host02",
        actor=UserId(ALICE),
        place=Place(team=TEAM, channel=OPS),
        at=SAID,
        received_at=RECEIVED,
        message=TS,
        kind="message",
    )


def test_the_two_events_of_one_mention_are_one_ask() -> None:
    mention, same_message = read(event()), read(message(event_id="Ev0002"))
    assert isinstance(mention, Ask)
    assert mention == same_message


def test_a_direct_message_needs_no_mention() -> None:
    ask = read(direct())
    assert isinstance(ask, Ask)
    assert (ask.place, ask.text, ask.kind) == (Place(team=TEAM, channel=DM), "hosts", "message")


def test_in_a_channel_of_the_settings_plain_text_is_an_ask_marked_as_bare() -> None:
    ask = read(message(channel="C0BARE", text="hosts"))
    assert isinstance(ask, Ask)
    assert ask.kind == "bare"
    mentioned = read(message(channel="C0BARE"))
    assert isinstance(mentioned, Ask)
    assert mentioned.kind == "message"


def test_a_thread_is_kept_and_the_message_that_began_one_stands_in_the_channel() -> None:
    inside, beginning = read(event(thread_ts="1.000100")), read(event(thread_ts=TS))
    assert isinstance(inside, Ask)
    assert isinstance(beginning, Ask)
    assert (inside.place.thread, beginning.place.thread) == ("1.000100", None)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (message(text="hosts"), "not said to Ferry"),
        (message(channel_type="mpim", text="hosts"), "not said to Ferry"),
        (message(text="<@U0BOB> hosts"), "not said to Ferry"),
        (
            direct(subtype="message_changed", hidden=True, user=None, message={"user": ALICE}),
            "a message with a subtype",
        ),
        (direct(subtype="message_deleted"), "a message with a subtype"),
        (direct(subtype="file_share"), "a message with a subtype"),
        (direct(subtype="bot_message", bot_id="B1"), "a message with a subtype"),
        (direct(bot_id="B1"), "said by a bot"),
        (event(bot_id="B1", user="U0OTHERBOT"), "said by a bot"),
        (direct(app_id="A1"), "said by a bot"),  # in the name of a person, who did not say it
        (event(edited={"user": ALICE, "ts": TS}), "an edit"),
        (direct(hidden=True), "hidden"),
        (direct(user=None), "nobody said it"),
        (direct(user=BOT), "said by Ferry itself"),
        (event(team_id="T0OTHER"), "another workspace"),
        (direct(type="app_home_opened"), "not a message"),
        (event(type="member_joined_channel", channel_type="C"), "not a message"),
        (event(channel=None), "not shaped as Slack documents it: event.channel"),
        (event(text=["migrate"]), "not shaped as Slack documents it: event.text"),
        ({"type": "event_callback"}, "not shaped as Slack documents it: team_id, event"),
    ],
)
def test_everything_else_is_ignored_for_a_reason(body: dict[str, Any], reason: str) -> None:
    assert read(body) == Ignored(reason)


def test_null_is_the_same_as_absent() -> None:
    body = direct()
    body["event"] |= {"thread_ts": None, "bot_id": None, "subtype": None, "edited": None, "source_team": None}
    assert read(body) == read(direct())


def test_a_time_that_is_none_counts_as_now() -> None:
    ask = read(direct(ts="not a time"))
    assert isinstance(ask, Ask)
    assert ask.at == RECEIVED


def slash(**changes: Any) -> dict[str, Any]:
    return {
        "token": "deprecated",
        "team_id": TEAM,
        "team_domain": "lab",
        "channel_id": OPS,
        "channel_name": "ops",
        "user_id": ALICE,
        "user_name": "alice",
        "command": "/ferry",
        "text": "move storage VM-01 \\\\server01\\vmstore",
        "api_app_id": "A0FERRY",
        "is_enterprise_install": "false",
        "response_url": "https://hooks.example/1",
        "trigger_id": "13345224609.738474920.8088930838d88f008e0",
    } | changes


def test_a_slash_command_is_an_ask_without_a_message() -> None:
    assert read_slash(slash(), US, RECEIVED) == Ask(
        key=f"{TEAM}/{OPS}/slash/13345224609.738474920.8088930838d88f008e0",
        text="move storage VM-01 \\\\server01\\vmstore",
        actor=UserId(ALICE),
        place=Place(team=TEAM, channel=OPS),
        at=RECEIVED,
        received_at=RECEIVED,
        kind="slash",
    )


def test_a_slash_command_of_another_workspace_is_ignored() -> None:
    assert read_slash(slash(team_id="T0OTHER"), US, RECEIVED) == Ignored("another workspace")
    assert isinstance(read_slash({"command": "/ferry"}, US, RECEIVED), Ignored)


def press(**changes: Any) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "user": {"id": ALICE, "username": "alice", "name": "alice", "team_id": TEAM},
        "api_app_id": "A0FERRY",
        "container": {"type": "message", "message_ts": "7.000100", "channel_id": OPS, "is_ephemeral": False},
        "trigger_id": "1.2.3",
        "team": {"id": TEAM, "domain": "lab"},
        "enterprise": None,
        "channel": {"id": OPS, "name": "ops"},
        "message": {"type": "message", "user": BOT, "ts": "7.000100", "text": "Move VM-01"},
        "actions": [
            {
                "action_id": "say-0",
                "block_id": "b",
                "text": {"type": "plain_text", "text": "Confirm"},
                "value": "confirm m-12",
                "type": "button",
                "action_ts": TS,
            }
        ],
    } | changes


def test_a_button_types_its_command() -> None:
    assert read_press(press(), US, RECEIVED) == Ask(
        key=f"{TEAM}/{OPS}/7.000100/{TS}/{ALICE}/say-0",
        text="confirm m-12",
        actor=UserId(ALICE),
        place=Place(team=TEAM, channel=OPS),
        at=SAID,
        received_at=RECEIVED,
        message="7.000100",
        kind="button",
        card="7.000100",
    )


@pytest.mark.parametrize(
    ("thread_ts", "thread"),
    [("3.000100", "3.000100"), ("7.000100", None)],  # within a thread; a card that began one
)
def test_a_button_knows_the_thread_of_its_card(thread_ts: str, thread: str | None) -> None:
    container = {"type": "message", "message_ts": "7.000100", "channel_id": OPS, "thread_ts": thread_ts}
    by_message = press(message={"ts": "7.000100", "thread_ts": thread_ts})
    for body in (press(container=container, message=None), by_message):
        ask = read_press(body, US, RECEIVED)
        assert isinstance(ask, Ask)
        assert ask.place.thread == thread


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (press(team={"id": "T0OTHER"}), "another workspace"),
        (
            press(actions=[{"type": "static_select", "action_id": "x", "action_ts": TS}]),
            "not a button that types a command",
        ),
        (press(actions=[{"type": "button", "action_id": "x", "action_ts": TS}]), "not a button that types a command"),
        (press(actions=[]), "not shaped as Slack documents it: actions"),
        (press(channel=None), "not shaped as Slack documents it: channel"),
    ],
)
def test_other_presses_are_ignored_for_a_reason(body: dict[str, Any], reason: str) -> None:
    assert read_press(body, US, RECEIVED) == Ignored(reason)


# What was said and is taken back, and groups that change


def changed(text: str | None = "migrate VM-01 to host03", before: dict[str, Any] | None = None, **around: Any) -> Any:
    """`message_changed`, or `message_deleted` where there is no text any more."""
    previous = {"type": "message", "user": ALICE, "ts": TS, "text": "migrate VM-01 to host02"} | (before or {})
    now = None if text is None else previous | {"text": text}
    subtype = "message_deleted" if text is None else "message_changed"
    return message(subtype=subtype, previous_message=previous, message=now, user=None, hidden=True, **around)


@pytest.mark.parametrize(("text", "what"), [("migrate VM-01 to host03", "edited"), (None, "deleted")])
def test_an_edit_and_a_deletion_take_back_what_the_message_asked_for(text: str | None, what: str) -> None:
    said = read(message(channel="C0BARE", text="migrate VM-01 to host02"))
    ask = read_retraction(changed(text, channel="C0BARE"), US, RECEIVED)
    assert isinstance(said, Ask)
    assert ask is not None
    assert (ask.key, ask.text, ask.actor, ask.kind) == (f"{said.key}/retracted", what, ALICE, "retraction")


@pytest.mark.parametrize(
    "body",
    [
        changed("migrate VM-01 to host02"),  # Slack has unfurled a link
        changed(before={"bot_id": "B0"}),  # a card of Ferry's
        changed(before={"user": ""}),
        changed(team_id="T0OTHER"),
        message(),
        {},
    ],
)
def test_what_takes_nothing_back(body: dict[str, Any]) -> None:
    assert read_retraction(body, US, RECEIVED) is None


@pytest.mark.parametrize(
    ("body", "outsiders"),
    [
        (event(), ()),
        (direct(), ()),
        (event(team="T0OTHER"), (ALICE,)),
        (event(user_team="T0OTHER"), (ALICE,)),
        (event(source_team="T0OTHER"), (ALICE,)),
        (event(is_ext_shared_channel=True), (OPS,)),
        (event(team="T0OTHER", is_ext_shared_channel=True), (ALICE, OPS)),
        (press(), ()),
        (press(user={"id": "U9", "team_id": "T0OTHER"}), ("U9",)),
        (slash(), ()),
        (event(user={"id": ALICE}, team="T0OTHER"), ()),
        ({"event": None, "user": None}, ()),
    ],
)
def test_what_a_payload_says_to_be_of_another_workspace_is_asked_about(
    body: dict[str, Any], outsiders: tuple[str, ...]
) -> None:
    assert find_outsiders(body, US) == outsiders


@pytest.mark.parametrize("said", [{"team": "T0OTHER"}, {"is_ext_shared_channel": True}])
def test_and_it_is_a_command_that_policy_judges(said: dict[str, Any]) -> None:
    ask = read(event(**said))
    assert isinstance(ask, Ask)
    assert (ask.actor, ask.place.channel) == (ALICE, OPS)


@pytest.mark.parametrize(
    ("team", "kind", "group"),
    [(TEAM, "subteam_members_changed", "S0OPS"), (TEAM, "message", ""), ("T0OTHER", "subteam_members_changed", "")],
)
def test_which_group_has_changed(team: str, kind: str, group: str) -> None:
    assert read_group_change({"team_id": team, "event": {"type": kind, "subteam_id": "S0OPS"}}, US) == group
