"""Files in Slack: the stand-in answers as Slack documents it, Ferry shares through it, a terminal saves them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from pydantic import SecretStr
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.core.operation import Place
from bot.errors import ChatError, RateLimited
from bot.lab.slack import ChannelSetup, Fault, SharedFile, SlackServer
from bot.lab.terminal import run_terminal
from bot.lab.terminal.folder import Folder
from bot.settings import SlackSettings
from bot.slack.manifest import build_manifest
from bot.slack.poster import Poster, connect
from tests.contract.slack_lab import running, web

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 335
NAME = "evacuation-m-12.png"
CHANNELS = (
    "ops",
    ChannelSetup("closed", private=True, with_bot=False),
    ChannelSetup("lobby", with_bot=False),
    ChannelSetup("old", archived=True),
)


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with running(channels=CHANNELS) as started:
        yield started


def settings_for(server: SlackServer) -> SlackSettings:
    return SlackSettings(bot_token=SecretStr(server.bot_token), api_url=server.api_url)


@pytest.fixture
def poster(server: SlackServer) -> Poster:
    return Poster(connect(settings_for(server)))


def place(server: SlackServer, where: str = "#ops", thread: str | None = None) -> Place:
    return Place(team="T0LAB00000", channel=server.channel_id(where), thread=thread)


def refused(client: WebClient, method: str, **arguments: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as caught:
        client.api_call(method, json=arguments)
    return dict(caught.value.response.data)


def send(url: str, data: bytes, **headers: str) -> int:
    try:
        with urlopen(Request(url, data, headers, method="POST"), timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def uploaded(server: SlackServer, data: bytes = PNG) -> str:
    """The id of a file whose bytes are there, to be completed."""
    ticket = web(server).files_getUploadURLExternal(filename=NAME, length=len(data))
    assert send(ticket["upload_url"], data) == 200
    return str(ticket["file_id"])


# The stand-in


def test_the_sdk_uploads_a_file_into_a_thread(server: SlackServer) -> None:
    client, ops = web(server), server.channel_id("#ops")
    parent = client.chat_postMessage(channel=ops, text="card")["ts"]
    answer = client.files_upload_v2(
        channel=ops, thread_ts=parent, filename=NAME, content=PNG, title="Evacuation", alt_txt="bars"
    )
    (message,) = server.thread("#ops", parent)
    (file,) = message.files
    assert (file.id, file.data, file.alt_text) == (answer["file"]["id"], PNG, "bars")
    shown = client.conversations_replies(channel=ops, ts=parent)["messages"][1]
    assert shown["upload"] is True
    assert shown["files"][0]["name"] == NAME
    assert shown["files"][0]["title"] == "Evacuation"
    assert (shown["files"][0]["size"], shown["files"][0]["mimetype"]) == (len(PNG), "image/png")
    assert shown["files"][0]["user"] == server.user_id("Ferry")
    assert server.render_text(message) == [f"[file] {NAME} (84 KB)"]
    client.chat_update(channel=ops, ts=message.ts, text="and a word")
    assert server.render_text(server.thread("#ops", parent)[0]) == ["and a word", f"[file] {NAME} (84 KB)"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"filename": NAME}, "missing_argument"),
        ({"filename": NAME, "length": 0}, "missing_argument"),
        ({"filename": NAME, "length": "much"}, "invalid_arguments"),
        ({"length": 5}, "invalid_arguments"),
        ({"filename": NAME, "length": (1 << 30) + 1}, "file_upload_size_restricted"),
        ({"filename": NAME, "length": 5, "alt_txt": "x" * 1001}, "alt_txt_too_large"),
    ],
)
def test_what_is_no_upload_is_refused(server: SlackServer, arguments: dict[str, Any], error: str) -> None:
    assert refused(web(server), "files.getUploadURLExternal", **arguments)["error"] == error


def test_an_address_takes_the_announced_bytes_once_and_no_token(server: SlackServer) -> None:
    url = web(server).files_getUploadURLExternal(filename=NAME, length=5)["upload_url"]
    assert send(url, b"1234") == 400
    assert send(url, b"123456") == 400
    assert send(url, b"12345", Authorization=f"Bearer {server.bot_token}") == 403
    assert send(url + "0", b"12345") == 404
    assert send(url, b"12345") == 200
    assert send(url, b"12345") == 404


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "invalid_arguments"),
        ({"files": []}, "invalid_arguments"),
        ({"files": [{"title": "x"}]}, "invalid_arguments"),
        ({"files": "no json"}, "invalid_arguments"),
        ({"files": [{"id": "F0000000099"}]}, "file_not_found"),
        ({"channel_id": "C000000000"}, "channel_not_found"),
        ({"channel_id": "C0CLOSED00"}, "channel_not_found"),
        ({"channel_id": "#ops"}, "channel_not_found"),
        ({"channel_id": "C0LOBBY000"}, "not_in_channel"),
        ({"channel_id": "C0OLD00000"}, "is_archived"),
        ({"channel_id": "C0OPS00000", "thread_ts": "1.000000"}, "thread_not_found"),
        ({"thread_ts": "1.000000"}, "invalid_arguments"),
        ({"channels": "C0OPS00000,D0ALICE000", "thread_ts": "1.000000"}, "invalid_arguments"),
        ({"channels": ",".join(f"C{number}" for number in range(101))}, "channels_limit_exceeded"),
    ],
)
def test_what_cannot_be_completed_is_refused_and_can_be_completed_still(
    server: SlackServer, arguments: dict[str, Any], error: str
) -> None:
    server.direct_channel("alice")
    file, client = uploaded(server), web(server)
    given = {"files": [{"id": file}]} if arguments.keys() & {"channel_id", "channels", "thread_ts"} else {}
    assert refused(client, "files.completeUploadExternal", **given, **arguments)["error"] == error
    assert not server.messages("#ops")
    client.files_completeUploadExternal(files=[{"id": file}], channel_id="C0OPS00000")
    assert [one.files[0].title for one in server.messages("#ops")] == [NAME]


def test_an_upload_is_completed_once_and_not_before_its_bytes_are_there(server: SlackServer) -> None:
    client = web(server)
    ticket = client.files_getUploadURLExternal(filename=NAME, length=5)
    wanted = [{"id": ticket["file_id"]}]
    assert refused(client, "files.completeUploadExternal", files=wanted)["error"] == "file_not_found"
    send(ticket["upload_url"], b"12345")
    client.files_completeUploadExternal(files=wanted)  # private: nowhere to be seen
    assert refused(client, "files.completeUploadExternal", files=wanted)["error"] == "file_not_found"
    assert not server.messages("#ops")


def test_without_the_scope_nothing_begins() -> None:
    with running(scopes=("chat:write",)) as server:
        for method in ("files.getUploadURLExternal", "files.completeUploadExternal"):
            assert refused(web(server), method)["needed"] == "files:write"


# Ferry


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_file_is_shared_where_it_belongs_and_found_there(
    server: SlackServer, poster: Poster, in_thread: bool
) -> None:
    card = web(server).chat_postMessage(channel="#ops", text="card")["ts"]
    began = datetime.now(UTC)
    where = place(server, thread=card if in_thread else None)
    assert not poster.find_shared(where, NAME, began)
    poster.share(where, NAME, PNG, "Evacuation m-12: 42 VMs moved")
    message = (server.thread("#ops", card) if in_thread else server.messages("#ops"))[-1]
    assert [(file.name, file.title, file.data) for file in message.files] == [
        (NAME, "Evacuation m-12: 42 VMs moved", PNG)
    ]
    assert message.files[0].alt_text == message.files[0].title
    assert poster.find_shared(where, NAME, began)
    assert not poster.find_shared(where, "evacuation-m-13.png", began)
    assert not poster.find_shared(where, NAME, began + timedelta(hours=1))
    elsewhere = place(server, thread=None if in_thread else card)
    assert not poster.find_shared(elsewhere, NAME, began)


def test_a_file_of_somebody_else_is_not_ferrys(server: SlackServer, poster: Poster) -> None:
    began = datetime.now(UTC)
    poster.share(place(server), NAME, PNG, "x")
    (message,) = server.messages("#ops")
    theirs = SharedFile("F9", NAME, NAME, "image/png", server.user_id("alice"))
    server.workspace.post(message.with_version(type(message.current)(began, "", files=(theirs,)), edited_by=""))
    assert not poster.find_shared(place(server), NAME, began)


def failed_share(server: SlackServer, poster: Poster, step: str, fault: Fault) -> ChatError:
    server.fail_next(step, fault)
    with pytest.raises(ChatError) as error:
        poster.share(place(server), NAME, PNG, "x")
    return error.value


STEPS = ("files.getUploadURLExternal", "upload", "files.completeUploadExternal")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("fault", "code"),
    [(Fault(status=500), "http_500"), (Fault(reset="before"), "unreachable"), (Fault(reset="after"), "unreachable")],
)
def test_only_the_last_step_may_have_shared_without_an_answer(
    server: SlackServer, poster: Poster, step: str, fault: Fault, code: str
) -> None:
    error = failed_share(server, poster, step, fault)
    last = step == STEPS[-1]
    assert (error.code, error.lasting, error.maybe_done) == (code, False, last)
    assert len(server.messages("#ops")) == int(last and fault.reset == "after")
    assert poster.find_shared(place(server), NAME, datetime.now(UTC)) is (last and fault.reset == "after")


@pytest.mark.parametrize("step", STEPS)
def test_a_pause_is_asked_for_at_any_step(server: SlackServer, poster: Poster, step: str) -> None:
    error = failed_share(server, poster, step, Fault(status=429, retry_after_s=7))
    assert isinstance(error, RateLimited)
    assert error.seconds == 7


def test_nothing_is_repeated_by_itself(server: SlackServer, poster: Poster) -> None:
    failed_share(server, poster, STEPS[-1], Fault(reset="after"))
    assert [name for name, _ in server.calls()] == list(STEPS)


@pytest.mark.parametrize(
    ("where", "code"), [("#old", "is_archived"), ("#lobby", "not_in_channel"), ("#closed", "channel_not_found")]
)
def test_a_place_that_takes_no_files_is_a_lasting_error(
    server: SlackServer, poster: Poster, where: str, code: str
) -> None:
    with pytest.raises(ChatError) as error:
        poster.share(place(server, where), NAME, PNG, "x")
    assert (error.value.code, error.value.lasting, error.value.maybe_done) == (code, True, False)


def test_the_manifest_grants_sharing_and_where_nothing_can_be_read_nothing_is_found() -> None:
    scopes = build_manifest(SlackSettings())["oauth_config"]["scopes"]["bot"]
    with running(scopes=[scope for scope in scopes if scope != "im:history"]) as server:
        poster = Poster(connect(settings_for(server)))
        poster.share(place(server), NAME, PNG, "x")
        assert [file.name for message in server.messages("#ops") for file in message.files] == [NAME]
        assert not poster.find_shared(place(server), NAME, datetime.now(UTC))


def test_loopback_is_reached_without_the_proxy_of_the_environment(
    server: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        for spelling in (name, name.lower()):
            monkeypatch.setitem(os.environ, spelling, "http://127.0.0.1:9")  # nobody listens there
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    Poster(connect(settings_for(server))).share(place(server), NAME, PNG, "x")
    assert len(server.messages("#ops")) == 1


# In a terminal


def test_a_terminal_saves_what_it_cannot_show(server: SlackServer, poster: Poster, tmp_path: Path) -> None:
    folder, output = tmp_path / "files", io.StringIO()
    card = web(server).chat_postMessage(channel="#ops", text="card")["ts"]
    poster.share(place(server, thread=card), NAME, PNG, "x")
    run_terminal(server, "alice", "#ops", settle_s=0.05, files=folder, stdin=io.StringIO("/quit\n"), stdout=output)
    assert f"[file] {folder / NAME} (84 KB)".replace(" ", "") in output.getvalue().replace("\n", "").replace(" ", "")
    assert (folder / NAME).read_bytes() == PNG


def test_a_folder_overwrites_nothing_and_stays_within_itself(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "files")
    assert not (tmp_path / "files").exists()
    names = (NAME, NAME, "../../etc/passwd", "..", "C:\\x\\y.png", "nul\0.png", "")
    files = [
        SharedFile(f"F{number}", name, "", "", "U1", data=b"%d" % number) for number, name in enumerate(names, start=1)
    ]
    saved = [folder.save(file) for file in files]
    assert saved[:2] == [tmp_path / "files" / NAME, tmp_path / "files" / "evacuation-m-12-2.png"]
    assert {path.parent for path in saved} == {tmp_path / "files"}
    assert [path.read_bytes() for path in saved] == [file.data for file in files]
    assert [folder.save(file) for file in files] == saved
    assert len(list((tmp_path / "files").iterdir())) == len(files)
    assert Folder(tmp_path / "files").save(files[0]).name == "evacuation-m-12-3.png"


def test_a_folder_that_takes_nothing_is_said(server: SlackServer, poster: Poster, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    poster.share(place(server), NAME, PNG, "x")
    output = io.StringIO()
    script = io.StringIO("/help\n\n")
    run_terminal(server, "alice", "#ops", settle_s=0.05, files=tmp_path / "file", stdin=script, stdout=output)
    assert f"[file] {NAME} (84 KB)" in output.getvalue()
