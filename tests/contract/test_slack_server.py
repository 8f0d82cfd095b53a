"""The Slack stand-in, through plain slack_sdk and slack_bolt: it must answer as Slack's own documentation says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.lab.slack import ChannelSetup, Fault, SlackServer
from tests.contract.slack_lab import HandClock, listening, running, serving, web

CARD: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*Move* `VM-01` for <@U0ALICE000>?"}},
    {
        "type": "actions",
        "elements": [
            {"type": "button", "text": {"type": "plain_text", "text": "Confirm"}, "action_id": "yes", "value": "m-1"},
            {"type": "button", "text": {"type": "plain_text", "text": "Cancel"}, "action_id": "no"},
        ],
    },
]


@pytest.fixture
def server() -> Iterator[SlackServer]:
    channels = ("ops", ChannelSetup("closed", private=True, with_bot=False), ChannelSetup("lobby", with_bot=False))
    with running(channels=(*channels, ChannelSetup("old", archived=True))) as started:
        yield started


def refused(client: WebClient, method: str, **arguments: Any) -> dict[str, Any]:
    """The body of an answer with ok: false."""
    with pytest.raises(SlackApiError) as caught:
        client.api_call(method, json=arguments)
    return dict(caught.value.response.data)


# Who calls


def test_auth_test_names_the_bot_although_its_body_is_empty(server: SlackServer) -> None:
    answer = web(server).auth_test()
    assert (answer["user_id"], answer["user"], answer["team_id"][0]) == (server.user_id("Ferry"), "ferry", "T")
    assert "chat:write" in answer.headers["x-oauth-scopes"]


@pytest.mark.parametrize(("token", "error"), [("", "not_authed"), ("xoxb-else", "invalid_auth")])
def test_tokens_are_checked(server: SlackServer, token: str, error: str) -> None:
    assert refused(web(server, token), "auth.test")["error"] == error


def test_each_method_takes_its_own_kind_of_token(server: SlackServer) -> None:
    assert refused(web(server), "apps.connections.open")["error"] == "not_allowed_token_type"
    assert refused(web(server, server.app_token), "chat.postMessage")["error"] == "not_allowed_token_type"
    assert web(server).apps_connections_open(app_token=server.app_token)["url"].startswith("ws://127.0.0.1:")


def test_a_missing_scope_is_named() -> None:
    with running(scopes=("users:read",)) as server:
        body = refused(web(server), "chat.postMessage", channel=server.channel_id("ops"), text="x")
    assert (body["error"], body["needed"], body["provided"]) == ("missing_scope", "chat:write", "users:read")


# Posting and updating


def test_json_and_form_say_the_same(server: SlackServer) -> None:
    ops = server.channel_id("#ops")
    as_json = web(server).chat_postMessage(channel=ops, text="x", blocks=CARD)
    as_form = web(server).api_call("chat.postMessage", params={"channel": ops, "text": "x", "blocks": json.dumps(CARD)})
    shown = [server.render_text(message) for message in server.messages("#ops")]
    assert shown == [["Move VM-01 for @alice?", "[Confirm]  [Cancel]"]] * 2
    assert as_json["ts"] < as_form["ts"]
    assert all(block["block_id"] for block in as_json["message"]["blocks"])


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"channel": "C000000000", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "#closed", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "#lobby", "text": "x"}, "not_in_channel"),
        ("chat.postMessage", {"channel": "#old", "text": "x"}, "is_archived"),
        ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": "#ops"}, "no_text"),
        ("chat.postMessage", {"channel": "#ops", "text": "", "blocks": []}, "no_text"),
        ("chat.postMessage", {"channel": "#ops", "text": "x", "thread_ts": "1.000000"}, "thread_not_found"),
        ("chat.postMessage", {"channel": "#ops", "text": "x", "blocks": "{"}, "invalid_blocks_format"),
        ("chat.postMessage", {"channel": "#ops", "text": "x", "blocks": {}}, "invalid_blocks_format"),
        ("chat.postMessage", {"channel": "#ops", "text": "x", "metadata": {"a": 1}}, "invalid_metadata_format"),
        ("chat.postMessage", {"channel": "#ops", "attachments": [{}] * 101}, "too_many_attachments"),
        ("chat.postMessage", {"channel": "#ops", "attachments": [{"blocks": [{"type": "x"}]}]}, "invalid_attachments"),
        ("chat.update", {"channel": "#ops", "ts": "1.000000", "text": "x"}, "channel_not_found"),
        ("chat.update", {"channel": "C0OPS00000", "ts": "1.000000", "text": "x"}, "message_not_found"),
        ("chat.postEphemeral", {"channel": "#ops", "user": "U000000000", "text": "x"}, "user_not_in_channel"),
        ("chat.getPermalink", {"channel": "C0OPS00000", "message_ts": "1.000000"}, "message_not_found"),
        ("conversations.replies", {"channel": "C0OPS00000", "ts": "1.000000"}, "thread_not_found"),
        ("conversations.info", {"channel": "nowhere"}, "channel_not_found"),
        ("users.info", {"user": "U000000000"}, "user_not_found"),
        ("views.open", {"trigger_id": "none", "view": {}}, "invalid_trigger_id"),
        ("chat.shout", {}, "unknown_method"),
        ("api.test", {"error": "my_error"}, "my_error"),
    ],
)
def test_errors_have_slacks_names(server: SlackServer, method: str, arguments: dict[str, Any], error: str) -> None:
    assert refused(web(server), method, **arguments)["error"] == error
    assert server.messages("#ops") == []


def test_refused_blocks_are_pointed_at(server: SlackServer) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]
    body = refused(web(server), "chat.postMessage", channel="#ops", text="x", blocks=blocks)
    problem = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert (body["error"], body["errors"]) == ("invalid_blocks", [problem])
    assert body["response_metadata"]["messages"] == [f"[ERROR] {problem}"]


def test_a_long_text_is_cut_when_posted_and_refused_when_updated(server: SlackServer) -> None:
    posted = web(server).chat_postMessage(channel="#ops", text="x" * 40_001)
    assert posted["warning"] == "message_truncated"
    assert len(server.messages("#ops")[0].text) == 40_000
    body = refused(web(server), "chat.update", channel=posted["channel"], ts=posted["ts"], text="x" * 4_001)
    assert body["error"] == "msg_too_long"


def test_an_update_replaces_blocks_and_keeps_metadata_and_history(server: SlackServer) -> None:
    client, metadata = web(server), {"event_type": "move", "event_payload": {"key": "k"}}
    posted = client.chat_postMessage(channel="#ops", text="first", blocks=CARD, metadata=metadata)
    where = {"channel": posted["channel"], "ts": posted["ts"]}
    client.chat_update(**where, text="second", blocks=CARD[:1])
    client.chat_update(**where, text="third")
    message = server.message("#ops", posted["ts"])
    assert message is not None
    assert [version.text for version in message.versions] == ["first", "second", "third"]
    assert [len(version.blocks) for version in message.versions] == [2, 1, 0]
    shown = [server.render_text(message, version)[0] for version in range(3)]
    assert shown == ["Move VM-01 for @alice?", "Move VM-01 for @alice?", "third"]
    assert message.metadata == metadata
    history = client.conversations_history(channel=posted["channel"], include_all_metadata=True)
    assert history["messages"][0]["metadata"] == metadata


def test_the_app_changes_only_its_own_messages(server: SlackServer) -> None:
    ts, ops = server.say("alice", "#ops", "mine"), server.channel_id("#ops")
    assert refused(web(server), "chat.update", channel=ops, ts=ts, text="x")["error"] == "cant_update_message"
    assert refused(web(server), "chat.delete", channel=ops, ts=ts)["error"] == "cant_delete_message"


def test_a_whisper_reaches_one_person_and_cannot_be_updated(server: SlackServer) -> None:
    client, ops = web(server), server.channel_id("#ops")
    whispered = client.chat_postEphemeral(channel=ops, user=server.user_id("bob"), text="psst")
    assert [message.text for message in server.ephemerals("bob")] == ["psst"]
    assert server.ephemerals("alice") == server.messages("#ops") == []
    body = refused(client, "chat.update", channel=ops, ts=whispered["message_ts"], text="x")
    assert body["error"] == "message_not_found"
    assert client.conversations_history(channel=ops)["messages"] == []


def test_a_user_id_is_a_direct_channel(server: SlackServer) -> None:
    client = web(server)
    direct = client.conversations_open(users=server.user_id("alice"))["channel"]["id"]
    assert client.chat_postMessage(channel=server.user_id("alice"), text="hello")["channel"] == direct
    assert [message.text for message in server.messages(server.direct_channel("alice"))] == ["hello"]
    assert client.conversations_info(channel=direct)["channel"]["is_im"] is True


def test_threads_and_pages(server: SlackServer) -> None:
    client = web(server)
    parent = client.chat_postMessage(channel="#ops", text="parent")
    for number in range(5):
        client.chat_postMessage(channel="#ops", text=f"step {number}", thread_ts=parent["ts"])
    pages = client.conversations_replies(channel=parent["channel"], ts=parent["ts"], limit=4)
    assert [len(page["messages"]) for page in pages] == [4, 2]
    assert [message.text for message in server.thread("#ops", parent["ts"])][-1] == "step 4"
    assert [one["text"] for one in client.conversations_history(channel=parent["channel"])["messages"]] == ["parent"]
    assert sorted(client.conversations_members(channel=parent["channel"])["members"])[0] == server.user_id("alice")


# Limits and bad days


def test_calls_above_the_limit_wait_for_their_turn() -> None:
    clock = HandClock()
    with running(clock=clock, channels=("ops", "dev")) as server:
        client = web(server)
        card = client.chat_postMessage(channel="#ops", text="card")
        where = {"channel": card["channel"], "ts": card["ts"], "text": "x"}
        for _ in range(50):
            client.chat_update(**where)
        with pytest.raises(SlackApiError) as caught:
            client.chat_update(**where)
        assert (caught.value.response.status_code, caught.value.response["error"]) == (429, "ratelimited")
        pause_s = int(caught.value.response.headers["Retry-After"])
        assert pause_s == 2  # 50 a minute: the next is free after 1.2 s
        clock.now += pause_s
        client.chat_update(**where)

        for _ in range(10):  # the first post's share has come back meanwhile
            client.chat_postMessage(channel="#ops", text="x")
        assert refused(client, "chat.postMessage", channel="#ops", text="x")["error"] == "ratelimited"
        assert refused(client, "chat.postMessage", channel=card["channel"], text="x")["error"] == "ratelimited"
        client.chat_postMessage(channel="#dev", text="another channel has its own limit")
        server.rate_limits = False
        client.chat_postMessage(channel="#ops", text="x")


def test_faults_hit_the_next_call_only(server: SlackServer) -> None:
    client = web(server)
    server.fail_next("chat.postMessage", Fault(status=429, retry_after_s=7))
    server.fail_next("chat.postMessage", Fault(status=500))
    server.fail_next("chat.postMessage", Fault(error="internal_error"))
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="#ops", text="x")
    assert caught.value.response.headers["Retry-After"] == "7"
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="#ops", text="x")
    assert caught.value.response.status_code == 500
    assert refused(client, "chat.postMessage", channel="#ops", text="x")["error"] == "internal_error"
    assert server.messages("#ops") == []
    assert client.chat_postMessage(channel="#ops", text="x")["ok"] is True


@pytest.mark.parametrize(("reset", "posted"), [("before", []), ("after", ["x"])])
def test_a_reset_connection_leaves_the_app_in_doubt(server: SlackServer, reset: Any, posted: list[str]) -> None:
    server.fail_next("chat.postMessage", Fault(reset=reset))
    with pytest.raises(OSError, match=r"reset|closed"):
        web(server).chat_postMessage(channel="#ops", text="x")
    assert [message.text for message in server.messages("#ops")] == posted


# Interaction, through Bolt


@pytest.fixture
def bolt(server: SlackServer) -> Iterator[App]:
    with serving(server, App(client=web(server))) as app:
        yield app


def test_a_mention_a_card_a_press_an_update(server: SlackServer, bolt: App) -> None:
    @bolt.event("app_mention")
    def offer(event: dict[str, Any], client: WebClient) -> None:
        client.chat_postMessage(channel=event["channel"], thread_ts=event["ts"], text="offer", blocks=CARD)

    @bolt.event("message")
    def overhear() -> None:
        """Acknowledged and left alone."""

    @bolt.action("yes")
    def confirm(ack: Any, body: dict[str, Any], client: WebClient) -> None:
        ack()
        text = f"{body['actions'][0]['value']} confirmed by <@{body['user']['id']}>"
        client.chat_update(channel=body["channel"]["id"], ts=body["container"]["message_ts"], text=text)

    ts = server.say("alice", "#ops", "@Ferry move VM-01")
    card = server.wait_for(lambda: server.thread("#ops", ts), 5)[0]
    server.press("bob", "#ops", card.ts, "Confirm")
    done = server.wait_for(lambda: [one for one in server.thread("#ops", ts) if len(one.versions) == 2], 5)[0]
    assert server.render_text(done) == ["m-1 confirmed by @bob"]
    with pytest.raises(KeyError, match="no button"):
        server.press("bob", "#ops", card.ts, "Confirm")
    server.press("mallory", "#ops", card.ts, "Confirm", version=0)  # whose screen still shows the first version
    server.wait_for(lambda: server.render_text(server.thread("#ops", ts)[0]) == ["m-1 confirmed by @mallory"], 5)


def test_a_slash_command_answers_in_private_and_by_response_url(server: SlackServer, bolt: App) -> None:
    urls: list[str] = []

    @bolt.command("/ferry")
    def answer(ack: Any, body: dict[str, Any]) -> None:
        urls.append(body["response_url"])
        ack(f"heard {body['text']}")

    server.slash("alice", "#ops", "/ferry", r"move @bob \\server01.contoso.com\vms")
    heard = server.wait_for(lambda: server.ephemerals("alice"), 5)[0]
    sent = r"heard move <@U0BOB00000|bob> \\<http://server01.contoso.com|server01.contoso.com>\vms"
    assert heard.text == sent
    later = WebhookClient(urls[0])
    answers = [later.send(text=f"more {number}", response_type="in_channel") for number in range(5)]
    # The answer in the ack was the first of five.
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 404]
    assert "used_url" in answers[-1].body
    assert [message.text for message in server.messages("#ops")] == [f"more {number}" for number in range(4)]


def test_an_answer_with_wrong_blocks_is_told_to_the_person(server: SlackServer, bolt: App) -> None:
    @bolt.command("/ferry")
    def answer(ack: Any) -> None:
        ack(text="x", blocks=[{"type": "header"}])

    for _ in range(2):  # the connection lives on
        server.slash("alice", "#ops", "/ferry", "")
    told = server.wait_for(lambda: server.ephemerals("alice")[1:], 5)[0]
    assert told.text == "/ferry failed with the error invalid_command_response (invalid_blocks)"


def test_nobody_acknowledges_a_slash_command() -> None:
    with running(ack_s=0.05) as server, listening(server, lambda _: False) as got:
        server.slash("alice", "#ops", "/ferry", "help")
        told = server.wait_for(lambda: server.ephemerals("alice"), 5)[0]
        assert server.render_text(told) == ["/ferry did not respond (operation_timeout)"]
        assert [request.type for request in server.wait_for(lambda: got, 5)] == ["slash_commands"]
        assert [delivery.lost for delivery in server.deliveries()] == [True]


def test_a_trigger_opens_one_view_within_three_seconds() -> None:
    clock = HandClock()
    with running(clock=clock) as server, listening(server) as got:
        client = web(server)
        view = {"type": "modal", "title": {"type": "plain_text", "text": "Move"}, "blocks": CARD[:1]}
        server.slash("alice", "#ops", "/ferry", "")
        server.slash("alice", "#ops", "/ferry", "")
        first, second = (request.payload["trigger_id"] for request in server.wait_for(lambda: got[1:] and got, 5))
        clock.now += 2.9
        assert client.views_open(trigger_id=first, view=view)["view"]["id"].startswith("V")
        assert refused(client, "views.open", trigger_id=first, view=view)["error"] == "exchanged_trigger_id"
        clock.now += 0.2
        assert refused(client, "views.open", trigger_id=second, view=view)["error"] == "expired_trigger_id"
        view["title"] = {"type": "plain_text", "text": "x" * 25}
        body = refused(client, "views.publish", user_id=server.user_id("alice"), view=view | {"type": "home"})
        assert "must be less than 25 characters" in str(body["response_metadata"])


# User groups


def test_a_user_group_tells_who_is_in_it_and_one_that_is_none_is_refused(server: SlackServer) -> None:
    group = server.set_group("approvers", ["bob", "carol"])
    assert web(server).usergroups_users_list(usergroup=group)["users"] == [
        server.user_id("bob"),
        server.user_id("carol"),
    ]
    assert refused(web(server), "usergroups.users.list", usergroup="S0NOBODY")["error"] == "no_such_subteam"


def test_a_user_group_needs_its_scope() -> None:
    with running(scopes=["chat:write"]) as server:
        group = server.set_group("approvers", ["bob"])
        answer = refused(web(server), "usergroups.users.list", usergroup=group)
        assert (answer["error"], answer["needed"]) == ("missing_scope", "usergroups:read")
