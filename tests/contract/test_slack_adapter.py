"""Ferry's Slack side through real Bolt, Socket Mode and slack_sdk, against the workspace on loopback."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from pydantic import SecretStr
from slack_sdk.signature import SignatureVerifier

from bot.core.card import render_card
from bot.core.lifecycle import State
from bot.core.names import UserId
from bot.core.operation import Ask, Place
from bot.core.policy import Mark
from bot.core.reply import Button, Code, Reply, User, say
from bot.errors import ChatError, RateLimited, Refused
from bot.lab.slack import ChannelSetup, Fault, Message, SlackServer
from bot.lab.slack.events import app_mention, event_callback, slash_command
from bot.lab.slack.model import Version
from bot.lab.slack.socket import Envelope
from bot.lab.slack.workspace import APP
from bot.settings import PolicySettings, Settings, SlackSettings
from bot.slack.groups import SlackGroups, mark_person, require_scopes
from bot.slack.listeners import SlackFront
from bot.slack.manifest import HTTP_PATH, Reads, build_manifest, reads_of, render_manifest
from bot.slack.poster import Poster, connect
from tests.contract.slack_lab import running
from tests.core.rows import STARTED, make_operation

WAIT_S = 5
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


class Inbox:
    """Where asks go: claims each key once, in memory, and can refuse to."""

    def __init__(self) -> None:
        self.taken: list[Ask] = []
        self.known: list[Ask] = []
        self.broken = 0  # how many claims still have to break
        self._changed = threading.Condition()

    def take(self, ask: Ask) -> bool:
        with self._changed:
            if self.broken:
                self.broken -= 1
                raise OSError("the database is locked")
            new = ask.key not in {one.key for one in self.taken}
            (self.taken if new else self.known).append(ask)
            self._changed.notify_all()
            return new

    def wait(self, text: str) -> Ask:
        """The ask whose text ends so."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._find(text), WAIT_S), f"nobody said {text!r}: {self.taken}"
            return self._find(text)[0]

    def _find(self, text: str) -> list[Ask]:
        return [ask for ask in self.taken if ask.text.endswith(text)]


def settings_for(server: SlackServer, **changes: Any) -> SlackSettings:
    values = {
        "bot_token": SecretStr(server.bot_token),
        "app_token": SecretStr(server.app_token),
        "api_url": server.api_url,
        "bare_channels": (server.channel_id("bare"),),
    }
    return SlackSettings(**values | changes)


@contextmanager
def heard(server: SlackServer, **changes: Any) -> Iterator[tuple[SlackFront, Inbox]]:
    inbox = Inbox()
    front = SlackFront(settings_for(server, **changes), ping_s=0.3)
    front.start(inbox.take)
    try:
        server.wait_for(lambda: server.connections, WAIT_S)
        yield front, inbox
    finally:
        front.stop()


CHANNELS = (
    "ops",
    "bare",
    ChannelSetup("partners", shared_externally=True),
    ChannelSetup("elsewhere", with_bot=False),
    ChannelSetup("old", archived=True),
)


@pytest.fixture(scope="module")
def server() -> Iterator[SlackServer]:
    with running(channels=CHANNELS, rate_limits=False, ack_s=0.3, retry_after_s=(0.0, 0.1, 0.1)) as one:
        yield one


@pytest.fixture(scope="module")
def ears(server: SlackServer) -> Iterator[tuple[SlackFront, Inbox]]:
    with heard(server) as both:
        yield both


@pytest.fixture
def inbox(ears: tuple[SlackFront, Inbox]) -> Inbox:
    return ears[1]


@pytest.fixture
def poster(server: SlackServer) -> Poster:
    return Poster(connect(settings_for(server)))


@pytest.fixture
def ops(server: SlackServer) -> Place:
    return Place(team="T0LAB00000", channel=server.channel_id("ops"))


def drained(server: SlackServer) -> None:
    """Wait until the app has acknowledged all that was sent to it."""
    server.wait_for(lambda: all(one.acknowledged for one in server.deliveries()), WAIT_S)


# Hearing


def test_a_mention_in_a_channel_is_taken_once_although_it_raises_two_events(server: SlackServer, inbox: Inbox) -> None:
    ts = server.say("alice", "#ops", "@Ferry hosts one")
    ask = inbox.wait("hosts one")
    drained(server)
    assert (ask.key, ask.kind, ask.actor) == (
        f"T0LAB00000/{server.channel_id('ops')}/{ts}",
        "message",
        server.user_id("alice"),
    )
    assert ask.place.thread is None
    assert [one.key for one in inbox.taken].count(ask.key) == 1
    assert [one.key for one in inbox.known].count(ask.key) == 1


def test_a_thread_a_direct_message_and_a_slash_command_are_taken(server: SlackServer, inbox: Inbox) -> None:
    parent = server.say("bob", "#ops", "the night shift")
    server.say("alice", "#ops", "@Ferry hosts in a thread", thread=parent)
    assert inbox.wait("hosts in a thread").place.thread == parent
    direct = server.direct_channel("alice")
    server.say("alice", direct, "hosts in private")
    assert inbox.wait("hosts in private").place == Place(team="T0LAB00000", channel=direct)
    server.slash("bob", "#elsewhere", "/ferry", "hosts by slash")
    ask = inbox.wait("hosts by slash")
    assert (ask.kind, ask.actor, ask.message) == ("slash", server.user_id("bob"), "")


def test_bare_text_is_taken_only_where_settings_say_so(server: SlackServer, inbox: Inbox) -> None:
    server.say("alice", "#ops", "hosts, not for Ferry")
    server.say("alice", "#bare", "hosts in a bare channel")
    assert inbox.wait("hosts in a bare channel").kind == "bare"
    drained(server)
    assert not [ask for ask in inbox.taken if ask.text.endswith("not for Ferry")]


def test_edits_and_deletions_never_command(server: SlackServer, inbox: Inbox) -> None:
    ts = server.say("alice", "#ops", "good morning")
    server.edit("alice", "#ops", ts, "@Ferry migrate VM-01 to host02")
    server.delete("alice", "#ops", ts)
    drained(server)
    assert not [ask for ask in inbox.taken if "migrate" in ask.text]


def test_a_pressed_button_is_taken_as_what_it_types(
    server: SlackServer, inbox: Inbox, poster: Poster, ops: Place
) -> None:
    card = poster.post(ops, Reply(title=("card",), buttons=(Button(label="Confirm", sends="confirm m-77"),)))
    server.press("bob", "#ops", card, "Confirm")
    ask = inbox.wait("confirm m-77")
    assert (ask.kind, ask.card, ask.actor, ask.place) == ("button", card, server.user_id("bob"), ops)
    server.press("bob", "#ops", card, "Confirm")  # once more is another ask: what it does depends on the operation
    server.wait_for(lambda: len([one for one in inbox.taken if one.text == "confirm m-77"]) == 2, WAIT_S)


def test_what_could_not_be_claimed_is_not_acknowledged_and_comes_again(server: SlackServer, inbox: Inbox) -> None:
    inbox.broken = 2
    server.say("alice", server.direct_channel("alice"), "hosts after two failures")
    inbox.wait("hosts after two failures")
    drained(server)
    assert server.deliveries()[-1].attempts == 3


def test_a_payload_that_is_delivered_again_is_known(server: SlackServer, inbox: Inbox) -> None:
    server.say("alice", server.direct_channel("alice"), "hosts twice")
    key = inbox.wait("hosts twice").key
    drained(server)
    before = len(inbox.known)
    server.redeliver(server.deliveries()[-1].envelope_id)
    server.wait_for(lambda: len(inbox.known) > before, WAIT_S)
    assert (inbox.known[-1].key, [ask.key for ask in inbox.taken].count(key)) == (key, 1)


def test_ferry_hears_on_after_slack_refreshes_and_after_a_lost_connection(server: SlackServer, inbox: Inbox) -> None:
    for number, disturb in enumerate((server.refresh_sockets, server.drop_sockets)):
        disturb()
        server.say("alice", server.direct_channel("alice"), f"hosts after disturbance {number}")
        inbox.wait(f"hosts after disturbance {number}")


def test_ferry_knows_who_it_is(server: SlackServer, ears: tuple[SlackFront, Inbox]) -> None:
    assert (ears[0].team, ears[0].bot_user) == ("T0LAB00000", server.user_id("Ferry"))


# Starting


@pytest.mark.parametrize(
    ("changes", "saw"),
    [
        ({"bot_token": SecretStr("")}, "SLACK_BOT_TOKEN is empty"),
        ({"bot_token": SecretStr("xapp-1")}, "SLACK_BOT_TOKEN does not begin with xoxb-"),
        ({"app_token": SecretStr(" ")}, "SLACK_APP_TOKEN is empty"),
        ({"mode": "http"}, "SLACK_SIGNING_SECRET is empty"),
    ],
)
def test_a_missing_secret_is_named(server: SlackServer, changes: dict[str, Any], saw: str) -> None:
    with pytest.raises(Refused) as refusal:
        SlackFront(settings_for(server, **changes))
    assert refusal.value.saw == saw
    assert refusal.value.needed
    assert refusal.value.hint


def test_tokens_that_slack_does_not_know_are_refused_at_the_start(server: SlackServer) -> None:
    with pytest.raises(ChatError, match="invalid_auth") as refusal:
        SlackFront(settings_for(server, bot_token=SecretStr("xoxb-wrong")))
    assert refusal.value.hint == "copy SLACK_BOT_TOKEN anew from the app's OAuth & Permissions page"
    front = SlackFront(settings_for(server, app_token=SecretStr("xapp-wrong")))
    with pytest.raises(ChatError, match="invalid_auth") as refusal:
        front.start(Inbox().take)
    assert refusal.value.hint == "copy SLACK_APP_TOKEN anew from the app's Basic Information page"
    front.stop()


# Posting


def test_a_card_is_posted_updated_and_found_by_its_key(server: SlackServer, poster: Poster, ops: Place) -> None:
    said_at = datetime.now(UTC) - timedelta(seconds=1)
    ts = poster.post(ops, render_card(make_operation(State.PROPOSED), STARTED), key="m-12")
    poster.update(ops.channel, ts, render_card(make_operation(State.SUCCEEDED), STARTED))
    message = server.message("#ops", ts)
    assert message is not None
    assert "VM-01 is on host02" in message.text
    assert not message.buttons
    assert len(message.versions) == 2
    assert poster.find(ops, "m-12", said_at) == ts
    assert poster.find(ops, "m-13", said_at) is None
    assert poster.find(ops, "m-12", datetime.now(UTC) + timedelta(minutes=4)) == ts  # clocks may differ
    assert poster.find(ops, "m-12", datetime.now(UTC) + timedelta(minutes=6)) is None


def test_a_channel_that_ferry_may_not_read_shows_no_card(server: SlackServer, poster: Poster, ops: Place) -> None:
    poster.post(ops, say("card"), key="m-15")
    server.fail_next("conversations.history", Fault(error="missing_scope"))
    assert poster.find(ops, "m-15", datetime.now(UTC) - timedelta(minutes=1)) is None


def test_a_card_in_a_thread_is_found_there(server: SlackServer, poster: Poster, ops: Place) -> None:
    parent = server.say("alice", "#ops", "a thread")
    place = ops.model_copy(update={"thread": parent})
    ts = poster.post(place, say("in it"), key="m-14")
    assert [message.ts for message in server.thread("#ops", parent)] == [ts]
    assert poster.find(place, "m-14", datetime.now(UTC) - timedelta(minutes=1)) == ts


def test_a_whisper_is_seen_by_one_person(server: SlackServer, poster: Poster, ops: Place) -> None:
    alice = UserId(server.user_id("alice"))
    poster.whisper(ops, alice, say("only you, ", User(id=alice)))
    assert server.ephemerals("alice")[-1].text == f"only you, <@{alice}>"
    assert not [message for message in server.messages("#ops") if message.text.startswith("only you")]


@pytest.mark.parametrize("where", ["direct", "not a member"])
def test_where_nobody_else_reads_or_ferry_is_not_a_whisper_is_a_direct_message(
    server: SlackServer, poster: Poster, where: str
) -> None:
    direct = server.direct_channel("bob")
    channel = direct if where == "direct" else server.channel_id("elsewhere")
    poster.whisper(Place(team="T0LAB00000", channel=channel), UserId(server.user_id("bob")), say(f"psst, {where}"))
    assert server.messages(direct)[-1].text == f"psst, {where}"


def failed_post(server: SlackServer, poster: Poster, place: Place, fault: Fault) -> ChatError:
    server.fail_next("chat.postMessage", fault)
    with pytest.raises(ChatError) as error:
        poster.post(place, say("x"))
    return error.value


def test_a_pause_says_for_how_long(server: SlackServer, poster: Poster, ops: Place) -> None:
    error = failed_post(server, poster, ops, Fault(status=429, retry_after_s=7))
    assert isinstance(error, RateLimited)
    assert error.seconds == 7


@pytest.mark.parametrize(
    ("fault", "code", "maybe_done"),
    [
        (Fault(status=500), "http_500", True),
        (Fault(status=503), "http_503", True),
        (Fault(error="fatal_error"), "fatal_error", True),
        (Fault(error="token_revoked"), "token_revoked", False),
        (Fault(reset="before"), "unreachable", True),
        (Fault(reset="after"), "unreachable", True),
    ],
)
def test_passing_errors_say_whether_the_call_may_have_been_carried_out(
    server: SlackServer, poster: Poster, ops: Place, fault: Fault, code: str, maybe_done: bool
) -> None:
    error = failed_post(server, poster, ops, fault)
    assert (error.code, error.lasting, error.maybe_done) == (code, False, maybe_done)


def test_nothing_is_repeated_by_itself(server: SlackServer, poster: Poster, ops: Place) -> None:
    before = len(server.messages("#ops"))
    failed_post(server, poster, ops, Fault(reset="after"))
    assert len(server.messages("#ops")) == before + 1


def test_a_place_that_takes_no_messages_is_a_lasting_error(server: SlackServer, poster: Poster) -> None:
    for channel, code in (("old", "is_archived"), ("elsewhere", "not_in_channel")):
        with pytest.raises(ChatError) as error:
            poster.post(Place(team="T0LAB00000", channel=server.channel_id(channel)), say("x"))
        assert (error.value.code, error.value.lasting, error.value.maybe_done) == (code, True, False)
    with pytest.raises(ChatError) as error:
        poster.update(server.channel_id("ops"), "1.000100", say("x"))
    assert (error.value.code, error.value.lasting) == ("message_not_found", True)


FLAWED = Reply(title=("to ", Code(text="host02")), buttons=(Button(label="", sends=""),))  # a button says something


@pytest.mark.parametrize("refusal", ["", "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"])
@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update", "chat.postEphemeral"])
def test_what_slack_does_not_take_as_blocks_is_said_once_as_plain_text(
    server: SlackServer, poster: Poster, ops: Place, method: str, refusal: str
) -> None:
    """What Ferry sees by itself is not even sent."""
    reply, alice = say("to ", Code(text="host02")) if refusal else FLAWED, UserId(server.user_id("alice"))
    ts = poster.post(ops, render_card(make_operation(State.PROPOSED), STARTED)) if method == "chat.update" else ""
    before = len(server.calls())
    if refusal:
        server.fail_next(method, Fault(error=refusal))
    match method:
        case "chat.postMessage":
            shown = server.message("#ops", poster.post(ops, reply))
        case "chat.update":
            poster.update(ops.channel, ts, reply)
            shown = server.message("#ops", ts)
        case _:
            poster.whisper(ops, alice, reply)
            shown = server.ephemerals("alice")[-1]
    assert shown is not None
    assert shown.text.startswith("to `host02`")
    assert shown.blocks == ()
    assert server.calls()[before:] == [*([(method, refusal)] if refusal else []), (method, "")]


def test_what_slack_does_not_even_take_as_text_is_a_lasting_error(
    server: SlackServer, poster: Poster, ops: Place
) -> None:
    server.fail_next("chat.postMessage", Fault(error="invalid_blocks"), times=2)
    with pytest.raises(ChatError) as error:
        poster.post(ops, say("x"))
    assert (error.value.code, error.value.lasting, error.value.maybe_done) == ("invalid_blocks", True, False)
    poster.post(ops, say("y"))


def test_nobody_answering_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    nobody = Poster(connect(SlackSettings(bot_token=SecretStr("xoxb-1"), api_url=f"http://127.0.0.1:{port}/api/")))
    with pytest.raises(ChatError) as error:
        nobody.post(Place(team="T", channel="C"), say("x"))
    assert (error.value.code, error.value.lasting, error.value.maybe_done) == ("unreachable", False, False)


# Who people are, and which channels are shared


PEOPLE = (
    ({}, set()),
    ({"is_guest": True}, {Mark.GUEST}),
    ({"one_channel": True}, {Mark.GUEST}),
    ({"deleted": True}, {Mark.DEACTIVATED}),
    ({"is_guest": True, "deleted": True}, {Mark.DEACTIVATED}),  # Slack says no more of them then
    ({"team": "T0OTHER"}, {Mark.STRANGER}),
    ({"is_bot": True}, {Mark.BOT}),
)


@pytest.mark.parametrize(("changes", "marks"), PEOPLE)
def test_what_slack_says_of_a_person(server: SlackServer, changes: dict[str, Any], marks: set[Mark]) -> None:
    before = server.workspace.person("carol")
    directory = SlackGroups(connect(settings_for(server)), "T0LAB00000")
    server.change_person("carol", **changes)
    try:
        assert directory.describe(before.id) == marks
    finally:
        server.change_person("carol", **asdict(before))
    assert directory.describe("U0NOBODY") == {Mark.STRANGER}


def test_a_person_of_the_same_organisation_is_one_of_ones_own() -> None:
    user = {"id": "W1", "team_id": "T0FIRST", "enterprise_user": {"id": "W1", "teams": ["T0FIRST", "T0LAB"]}}
    assert set(mark_person(user, "T0LAB")) == set()
    assert set(mark_person(user, "T0THIRD")) == {Mark.STRANGER}
    assert set(mark_person({"team_id": "T0LAB", "is_stranger": True}, "T0LAB")) == {Mark.STRANGER}
    assert set(mark_person({}, "T0LAB")) == {Mark.STRANGER}


def test_what_slack_says_of_a_channel() -> None:
    channels = (
        "ops",
        "bare",
        ChannelSetup("secret", private=True),
        ChannelSetup("hidden", private=True, with_bot=False),
        ChannelSetup("partners", shared_externally=True),
        ChannelSetup("sisters", shared_in_organisation=True),
    )
    with running(channels=channels, scopes=["channels:read", "groups:read"]) as workspace:
        directory = SlackGroups(connect(settings_for(workspace)), "T0LAB00000")
        told = {name: set(directory.describe(workspace.channel_id(name))) for name in ("ops", "secret", "hidden")}
        assert told == {"ops": set(), "secret": set(), "hidden": {Mark.HIDDEN}}
        for name in ("partners", "sisters"):
            assert directory.describe(workspace.channel_id(name)) == {Mark.SHARED}
    with running(channels=channels, scopes=["channels:read"]) as workspace:
        directory = SlackGroups(connect(settings_for(workspace)), "T0LAB00000")
        assert directory.describe(workspace.channel_id("secret")) == {Mark.HIDDEN}
        with pytest.raises(ChatError, match="missing_scope"):
            directory.describe("U0ALICE000")


def test_a_token_that_may_not_read_them_is_refused_at_the_start() -> None:
    require_scopes({"users:read", "chat:write"}, ["users:read"])
    with pytest.raises(Refused, match="the bot token lacks users:read: Slack would tell neither"):
        require_scopes({"chat:write"}, ["users:read"])


# The app that the manifest describes


@pytest.mark.parametrize("bare", [False, True])
def test_the_manifest_grants_what_ferry_uses_and_bare_channels_only_when_asked(bare: bool) -> None:
    wanted = SlackSettings(bare_channels=("C0BARE0000",) if bare else ())
    manifest = build_manifest(wanted)
    scopes = manifest["oauth_config"]["scopes"]["bot"]
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    with (
        running(channels=("ops", "bare"), scopes=scopes, events=events) as workspace,
        heard(workspace) as (front, inbox),
    ):
        channel = workspace.channel_id("ops")
        workspace.say("alice", "#bare", "hosts bare")
        workspace.say("alice", "#ops", "@Ferry hosts by mention")
        workspace.say("alice", workspace.direct_channel("alice"), "hosts in private")
        workspace.slash("alice", "#ops", "/ferry", "hosts by slash")
        for text in ("hosts by mention", "hosts in private", "hosts by slash", *(["hosts bare"] if bare else [])):
            inbox.wait(text)
        poster, place = Poster(front.client), Place(team=front.team, channel=channel)
        ts = poster.post(
            place, Reply(title=("card",), buttons=(Button(label="Go", sends="hosts by button"),)), key="m-1"
        )
        workspace.press("alice", "#ops", ts, "Go")
        inbox.wait("hosts by button")
        poster.whisper(place, UserId(workspace.user_id("alice")), say("psst"))
        poster.update(channel, ts, say("done"))
        alone = Place(team=front.team, channel=poster.open_direct(UserId(workspace.user_id("alice"))))
        told = poster.post(alone, say("psst"), key="notices-1")
        assert poster.find(alone, "notices-1", datetime.now(UTC)) == told
        assert [one["callback_id"] for one in manifest["features"]["shortcuts"]] == list(workspace.shortcuts)
        assert "app_home_opened" in events
        drained(workspace)
        assert bool([ask for ask in inbox.taken if ask.text == "hosts bare"]) is bare


def test_the_manifest_is_json_within_slacks_limits_and_knows_http() -> None:
    manifest = json.loads(render_manifest(SlackSettings()))
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert len(manifest["display_information"]["description"]) <= 140
    assert "url" not in manifest["features"]["slash_commands"][0]
    by_http = build_manifest(SlackSettings(mode="http"), "https://ferry.contoso.com/")
    address = "https://ferry.contoso.com/slack/events"
    assert by_http["settings"]["socket_mode_enabled"] is False
    assert by_http["settings"]["event_subscriptions"]["request_url"] == address
    assert by_http["settings"]["interactivity"]["request_url"] == address
    assert by_http["settings"]["interactivity"]["message_menu_options_url"] == address
    assert by_http["features"]["slash_commands"][0]["url"] == address
    with_groups = build_manifest(SlackSettings(), reads=Reads(groups=True))
    assert "usergroups:read" in with_groups["oauth_config"]["scopes"]["bot"]
    assert "subteam_members_changed" in with_groups["settings"]["event_subscriptions"]["bot_events"]
    assert "usergroups:read" not in json.dumps(build_manifest(SlackSettings()))
    for admitted, missing in (
        ((), set()),
        (("guests",), set()),
        (("guests", "strangers"), {"users:read"}),
        (("shared-channels",), {"channels:read", "groups:read"}),
    ):
        reads = reads_of(Settings(policy=PolicySettings(admit=admitted)))
        scopes = build_manifest(SlackSettings(), reads=reads)["oauth_config"]["scopes"]["bot"]
        assert {"users:read", "channels:read", "groups:read"} - set(scopes) == missing
    with pytest.raises(Refused, match="no address"):
        build_manifest(SlackSettings(mode="http"))
    with pytest.raises(Refused, match="http://ferry"):
        build_manifest(SlackSettings(mode="http"), "http://ferry")


# Another app's, and another workspace's


def test_in_socket_mode_too_only_what_is_for_this_app_in_this_workspace_is_heard(
    server: SlackServer, inbox: Inbox
) -> None:
    foreign = [("api_app_id", "A0OTHER"), ("api_app_id", None), ("team_id", "T0OTHER")]
    person, channel = server.workspace.person("alice"), server.workspace.channel("ops")
    for number, (name, value) in enumerate(foreign):
        message = Message(channel.id, f"9.00010{number}", person.id, (Version(datetime.now(UTC), "@Ferry foreign"),))
        event = app_mention(message, channel)
        slash = slash_command(person, channel, "/ferry", "foreign", f"t-{number}", "http://127.0.0.1/")
        for kind, body in (("events_api", event_callback(server.workspace, event, channel)), ("slash_commands", slash)):
            envelope = Envelope(kind, body | {name: value})
            server.on_loop(partial(server.backend.socket.deliver, envelope))
    server.say("alice", "#ops", "@Ferry of our own app")
    inbox.wait("of our own app")
    drained(server)
    assert not [ask for ask in inbox.taken if "foreign" in ask.text]


# HTTP instead of Socket Mode


def call(
    port: int,
    body: str,
    content_type: str,
    *,
    secret: str = SECRET,
    age_s: int = 0,
    path: str = HTTP_PATH,
    signed: str = "",
) -> int:
    """What Slack does: post, signed. The HTTP status of the answer."""
    timestamp = str(int(time.time()) - age_s)
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=signed or body) or ""
    headers = {"Content-Type": content_type, "X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}
    request = Request(f"http://127.0.0.1:{port}{path}", body.encode(), headers)
    try:
        with urlopen(request, timeout=WAIT_S) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_over_http_only_what_slack_signed_is_heard(server: SlackServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    inbox = Inbox()
    settings = settings_for(server, mode="http", listen=f"127.0.0.1:{port}", signing_secret=SecretStr(SECRET))
    front = SlackFront(settings)
    front.start(inbox.take)
    event = {
        "type": "event_callback",
        "team_id": front.team,
        "api_app_id": APP,
        "event": {
            "type": "message",
            "channel_type": "im",
            "channel": "D1",
            "user": "U1",
            "ts": "1.000100",
            "text": "by http",
        },
    }
    slash = {
        "team_id": front.team,
        "api_app_id": APP,
        "channel_id": "C1",
        "user_id": "U1",
        "trigger_id": "1",
        "command": "/ferry",
        "text": "slash",
    }
    form = "application/x-www-form-urlencoded"
    body = json.dumps(event)
    try:
        assert call(port, body, "application/json", secret="another secret") == 401
        for age_s in (600, 305, -305):
            assert call(port, body, "application/json", age_s=age_s) == 401
        assert call(port, body, "application/json", signed=body.replace("by http", "by nobody")) == 401
        assert call(port, body.replace(APP, "A0OTHER"), "application/json") == 200  # and heard by nobody
        assert call(port, body.replace(front.team, "T0OTHER"), "application/json") == 200
        assert call(port, body, "application/json", path="/elsewhere") == 404
        assert not inbox.taken
        assert call(port, body, "application/json", age_s=295) == 200
        assert inbox.wait("by http").place.channel == "D1"
        assert call(port, urlencode(slash), form) == 200
        assert inbox.wait("slash").kind == "slash"
        for again, kind in ((body, "application/json"), (urlencode(slash), form)):  # caught on the way, and sent again
            assert call(port, again, kind) == 200
        assert [one.text for one in inbox.taken] == ["by http", "slash"]
        assert [one.text for one in inbox.known] == ["by http", "slash"]
        inbox.broken = 1
        assert call(port, body.replace("1.000100", "1.000200"), "application/json") == 500  # so that Slack repeats it
    finally:
        front.stop()
    front.stop()
    with socket.create_server(("127.0.0.1", port)):
        pass  # the port is free again
