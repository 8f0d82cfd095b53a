"""The chat page's server: what it tells a browser, what a person may do through it, and whom it does not answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from slack_bolt import App

from bot.lab.page import Page
from bot.lab.page.guard import find_objection
from bot.lab.page.site import FILES
from bot.lab.slack import InMessage, InView, SlackServer
from tests.contract.slack_lab import mounted, serving, web

WAIT_S = 5
OPS, ALICE, BOB = "C0OPS00000", "U0ALICE000", "U0BOB00000"
OURS = "127.0.0.1:1234"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def options(*labels: str) -> list[dict[str, Any]]:
    return [{"text": plain(label), "value": label.lower()} for label in labels]


SELECT = {"type": "static_select", "action_id": "host", "options": options("Host01", "Host02")}
BUTTON = {"type": "button", "action_id": "go", "text": plain("Go"), "value": "go"}
SEARCH = {"type": "external_select", "action_id": "vm", "min_query_length": 1}
DAY = {"type": "datepicker", "action_id": "day", "initial_date": "2026-12-01"}
ACTIONS = {"type": "actions", "block_id": "row", "elements": [SELECT, BUTTON, SEARCH, DAY]}


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with mounted(lambda server: Page(server, suggestions=("hosts",)).add_to, ack_s=0.5) as started:
        yield started


def ask(server: SlackServer, method: str, path: str, body: object = None, **headers: str) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=WAIT_S)
    sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, None if body is None else json.dumps(body), sent)
    return connection.getresponse()


def act(server: SlackServer, do: str, who: str = "alice", **what: object) -> dict[str, Any]:
    return dict(json.load(ask(server, "POST", "/page/act", {"do": do, "who": who, **what})))


class Stream:
    """What a browser is told, as somebody."""

    def __init__(self, server: SlackServer, who: str) -> None:
        self._answer = ask(server, "GET", f"/page/events?who={who}")
        assert self._answer.status == 200

    def next(self) -> tuple[str, dict[str, Any]]:
        lines = iter(lambda: self._answer.readline().decode().strip(), "")
        told = dict(line.split(": ", 1) for line in lines)
        return told["event"], json.loads(told["data"])

    def wait(self, name: str) -> Any:
        """The next news of that name."""
        while name not in (news := self.next()[1]):
            pass
        return news[name]


# seeing


def test_a_stream_tells_everything_and_then_only_what_changes(server: SlackServer) -> None:
    server.say("alice", "#ops", "first")
    stream = Stream(server, "bob")
    event, told = stream.next()
    assert (event, told["me"], told["suggestions"]) == ("hello", "bob", ["hosts"])
    assert [one["text"] for one in told["messages"]] == ["first"]
    assert [(one["name"], one["kind"]) for one in told["channels"]] == [("ops", "channel"), ("bob", "im")]
    ts = server.say("alice", "#ops", "second")
    assert [one["text"] for one in stream.wait("messages")] == ["second"]
    server.edit("alice", "#ops", ts, "third")
    assert [(one["ts"], one["text"]) for one in stream.wait("messages")] == [(ts, "third")]
    server.delete("alice", "#ops", ts)
    assert stream.wait("gone") == [[OPS, ts]]


def test_what_only_one_person_sees_is_told_to_nobody_else(server: SlackServer) -> None:
    streams = [Stream(server, "alice"), Stream(server, "bob")]
    for stream in streams:
        stream.next()
    web(server).chat_postEphemeral(channel=OPS, user=ALICE, text="for alice")
    server.say("alice", "#ops", "for all")
    told = [[one["text"] for one in stream.wait("messages")] for stream in streams]
    assert "for alice" in told[0]
    assert told[1] == ["for all"]


def test_a_picture_is_shown_and_any_other_file_only_saved(server: SlackServer) -> None:
    files = [{"file": b"\x89PNG", "filename": "a.png"}, {"file": b"<script>", "filename": "b.html"}]
    web(server).files_upload_v2(channel=OPS, file_uploads=files)
    for name, kind, saved in (("a.png", "image/png", None), ("b.html", "application/octet-stream", "attachment")):
        (file,) = [file for message in server.messages("#ops") for file in message.files if file.name == name]
        answer = ask(server, "GET", f"/page/files/{file.id}")
        assert (answer.getheader("Content-Type"), answer.getheader("Content-Disposition")) == (kind, saved)
        assert answer.read() == file.data
    assert ask(server, "GET", "/page/files/F0").status == 404


def test_every_file_of_the_page_is_served_and_nothing_else(server: SlackServer) -> None:
    kinds = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
    for file in FILES.iterdir():
        answer = ask(server, "GET", f"/page/{file.name}")
        assert answer.getheader("Content-Type") == f"{kinds[file.suffix]}; charset=utf-8"
        assert "default-src 'none'" in str(answer.getheader("Content-Security-Policy"))
    for path in ("/page/site.py", "/page/..%2Fsite.py", "/page/"):
        assert ask(server, "GET", path).status == 404


# doing


def test_saying_replying_and_a_slash_command(server: SlackServer) -> None:
    ts = act(server, "say", channel=OPS, text="migrate")["ts"]
    act(server, "say", "bob", channel=OPS, text="why?", thread=ts)
    act(server, "say", channel=OPS, text="/ferry evacuate host01")
    assert [(one.user, one.text) for one in server.thread("#ops", ts)] == [(BOB, "why?")]
    slash = server.wait_for(lambda: next((one for one in server.deliveries() if one.type == "slash_commands"), None), 5)
    assert slash is not None
    assert (slash.payload["command"], slash.payload["text"]) == ("/ferry", "evacuate host01")
    assert "no slash commands in threads" in act(server, "say", channel=OPS, text="/ferry", thread=ts)["problem"]


def test_editing_and_deleting_what_one_has_said_and_a_shortcut(server: SlackServer) -> None:
    ts = act(server, "say", channel=OPS, text="migrate")["ts"]
    act(server, "edit", channel=OPS, ts=ts, text=" evacuate ")
    assert [one.text for one in server.messages("#ops")] == ["evacuate"]
    assert "problem" in act(server, "edit", "bob", channel=OPS, ts=ts, text="mine now")
    assert "problem" in act(server, "delete", "bob", channel=OPS, ts=ts)
    act(server, "delete", channel=OPS, ts=ts)
    assert [one for one in server.messages("#ops") if not one.deleted] == []
    assert Stream(server, "alice").next()[1]["shortcuts"] == ["ferry"]
    act(server, "shortcut", channel=OPS, name="ferry")
    used = server.wait_for(
        lambda: next((one for one in server.deliveries() if one.type == "interactive"), None), WAIT_S
    )
    assert used is not None
    assert (used.payload["type"], used.payload["callback_id"]) == ("shortcut", "ferry")


@pytest.mark.parametrize(
    ("do", "what", "problem"),
    [
        ("shortcut", {"channel": OPS, "name": "fly"}, "no shortcut 'fly'"),
        ("say", {"channel": "C0", "text": "x"}, "no channel 'C0'"),
        ("say", {"channel": OPS, "text": ""}, "text"),
        ("say", {"channel": OPS, "text": "x", "who": "eve"}, "nobody called 'eve'"),
        ("choose", {"channel": OPS, "ts": "1.0", "block": "b", "action": "a"}, "sees no message 1.0"),
        ("choose", {"view": "V1", "block": "b", "action": "a"}, "has no view V1 open"),
        ("submit", {"values": {}}, "no form in front of alice"),
        ("fly", {}, "fly"),
    ],
)
def test_what_cannot_be_done_is_said(server: SlackServer, do: str, what: dict[str, object], problem: str) -> None:
    answer = ask(server, "POST", "/page/act", {"do": do, "who": "alice"} | what)
    assert answer.status == 400
    assert problem in json.load(answer)["problem"]


@pytest.fixture
def acted(server: SlackServer) -> Iterator[list[dict[str, Any]]]:
    """What the app hears of, from a bot that offers virtual machines to whoever searches, and publishes a Home tab."""
    app, heard = App(client=web(server), request_verification_enabled=False), list[dict[str, Any]]()
    for name in ("host", "go", "vm", "day"):
        app.action(name)(lambda ack, body: (heard.append(body), ack(), server.workspace.notify()))  # type: ignore[func-returns-value]
    app.options("vm")(lambda ack, payload: ack(options=options(f"{payload['value']}-01", f"{payload['value']}-02")))
    app.event("app_home_opened")(
        lambda event, client: client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [ACTIONS]})
    )
    with serving(server, app):
        yield heard


def wait_for_act(server: SlackServer, acted: list[dict[str, Any]]) -> dict[str, Any]:
    server.wait_for(lambda: acted, WAIT_S)
    body = acted.pop()
    return dict(body["actions"][0]) | {"body": body}


def test_choosing_in_a_message(server: SlackServer, acted: list[dict[str, Any]]) -> None:
    ts = str(web(server).chat_postMessage(channel=OPS, text="card", blocks=[ACTIONS])["ts"])
    at = {"channel": OPS, "ts": ts, "block": "row"}
    act(server, "choose", "bob", **at, action="host", filled="host02")
    chosen = wait_for_act(server, acted)
    assert (chosen["selected_option"]["value"], chosen["body"]["user"]["id"]) == ("host02", BOB)
    assert chosen["body"]["state"]["values"]["row"]["host"]["selected_option"]["value"] == "host02"
    assert chosen["body"]["message"]["ts"] == ts
    act(server, "choose", **at, action="day", filled="2026-12-24")
    assert wait_for_act(server, acted)["selected_date"] == "2026-12-24"
    act(server, "choose", **at, action="go")
    assert wait_for_act(server, acted)["value"] == "go"
    assert "no option" in act(server, "choose", **at, action="host", filled="host09")["problem"]
    assert "nothing that a datepicker" in act(server, "choose", **at, action="day", filled="tomorrow")["problem"]


def test_an_external_select_offers_what_the_app_answers(server: SlackServer, acted: list[dict[str, Any]]) -> None:
    ts = str(web(server).chat_postMessage(channel=OPS, text="card", blocks=[ACTIONS])["ts"])
    at = {"channel": OPS, "ts": ts, "block": "row", "action": "vm"}
    assert "no option" in act(server, "choose", **at, filled="SQL-01")["problem"]
    offered = act(server, "search", **at, query="SQL")["options"]
    assert [one["text"]["text"] for one in offered] == ["SQL-01", "SQL-02"]
    act(server, "choose", **at, filled="SQL-02")
    assert wait_for_act(server, acted)["selected_option"]["value"] == "sql-02"


def test_the_home_tab_is_published_seen_and_pressed(server: SlackServer, acted: list[dict[str, Any]]) -> None:
    stream = Stream(server, "alice")
    act(server, "home")
    home = stream.wait("home")
    act(server, "choose", view=home["id"], block="row", action="go")
    pressed = wait_for_act(server, acted)
    assert (pressed["value"], pressed["body"]["container"]) == ("go", {"type": "view", "view_id": home["id"]})
    assert "has no view" in act(server, "choose", "bob", view=home["id"], block="row", action="go")["problem"]


def test_the_same_by_the_peoples_side_of_the_stand_in(server: SlackServer, acted: list[dict[str, Any]]) -> None:
    """A search that nobody answers offers nothing; who is not there cannot choose."""
    ts = str(web(server).chat_postMessage(channel=OPS, text="card", blocks=[ACTIONS])["ts"])
    server.act("bob", InMessage("#ops", ts), "row", "host", "Host01")
    assert wait_for_act(server, acted)["selected_option"]["value"] == "host01"
    with pytest.raises(KeyError, match="no element 'nothing'"):
        server.act("bob", InMessage("#ops", ts), "row", "nothing")
    with pytest.raises(KeyError, match="bob has no view V9 open"):
        server.act("bob", InView("V9"), "row", "host")
    server.drop_sockets()
    server.wait_for(lambda: not server.connections, WAIT_S)
    assert server.search("bob", InMessage("#ops", ts), "row", "vm", "S").result(WAIT_S) == []


# whom it answers


@pytest.mark.parametrize(
    ("method", "host", "headers", "objection"),
    [
        ("GET", OURS, {}, ""),
        ("GET", "localhost:1", {}, ""),
        ("GET", "[::1]:1", {}, ""),
        ("POST", OURS, {"Origin": f"http://{OURS}", "Sec-Fetch-Site": "same-origin"}, ""),
        ("GET", OURS, {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, ""),
        (
            "GET",
            OURS,
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
            "",
        ),
        ("GET", "evil.example:1234", {}, "not as evil.example"),
        ("GET", "127.0.0.1.evil.example", {}, "not as"),
        ("GET", "", {}, "not as"),
        ("GET", "[", {}, "not as"),
        ("POST", OURS, {"Origin": "http://evil.example"}, "pages from http://evil.example"),
        ("POST", OURS, {"Origin": "null"}, "pages from null"),
        ("POST", OURS, {"Origin": "http://127.0.0.1:9"}, "pages from http://127.0.0.1:9"),
        ("GET", OURS, {"Sec-Fetch-Site": "same-site"}, "other pages"),
        ("GET", OURS, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, "other pages"),
        ("POST", OURS, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, "other pages"),
        (
            "GET",
            OURS,
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
            "other pages",
        ),
    ],
)
def test_whom_it_answers(method: str, host: str, headers: dict[str, str], objection: str) -> None:
    found = find_objection(method, host, headers)
    assert objection in found
    assert bool(found) == bool(objection)


def test_another_page_reaches_neither_the_page_nor_the_web_api(server: SlackServer) -> None:
    said = {"do": "say", "who": "alice", "channel": OPS, "text": "x"}
    posted = {"token": server.bot_token, "channel": OPS, "text": "x"}
    for path, body in (("/page/act", said), ("/api/chat.postMessage", posted)):
        assert ask(server, "POST", path, body, Origin="http://evil.example").status == 403
        assert ask(server, "POST", path, body, Host="evil.example").status == 403
    assert ask(server, "GET", "/page/events?who=alice", Host="evil.example").status == 403
    assert ask(server, "POST", "/page/act", said, Content_Type="text/plain").status == 415
    assert server.messages("#ops") == []
