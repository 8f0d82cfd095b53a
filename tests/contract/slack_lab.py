"""A running Slack stand-in for contract tests, and plain clients of it: Web API, Socket Mode, Bolt."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp.web import Application
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.lab.slack import SlackServer


class HandClock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 1_760_000_000.0

    def __call__(self) -> float:
        return self.now


Add = Callable[[Application], None]


@contextmanager
def running(**options: Any) -> Iterator[SlackServer]:
    """A server on a loop in another thread."""
    with mounted(lambda _: lambda _: None, **options) as server:
        yield server


@contextmanager
def mounted(make: Callable[[SlackServer], Add], **options: Any) -> Iterator[SlackServer]:
    """The same with something that it serves besides."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = SlackServer(**{"ping_s": 0.05} | options)
    server.mount(make(server))
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(5)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def web(server: SlackServer, token: str | None = None) -> WebClient:
    """A client that repeats nothing by itself."""
    token = server.bot_token if token is None else token
    return WebClient(token=token, base_url=server.api_url, retry_handlers=[], timeout=5)


@contextmanager
def listening(
    server: SlackServer, acknowledge: Callable[[SocketModeRequest], bool] = lambda _: True
) -> Iterator[list[SocketModeRequest]]:
    """A connected Socket Mode client; the list grows with every payload it gets."""
    got: list[SocketModeRequest] = []
    before = server.connections

    def take(client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        got.append(request)
        if acknowledge(request):
            client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        server.workspace.notify()

    client = SocketModeClient(app_token=server.app_token, web_client=WebClient(base_url=server.api_url))
    client.socket_mode_request_listeners.append(take)
    client.connect()
    server.wait_for(lambda: server.connections > before, 5)
    try:
        yield got
    finally:
        close(client)


@contextmanager
def serving(server: SlackServer, app: App) -> Iterator[App]:
    """The Bolt app, connected."""
    handler: Any = SocketModeHandler(app, server.app_token)
    handler.connect()
    server.wait_for(lambda: server.connections, 5)
    try:
        yield app
    finally:
        close(handler.client)


def close(client: SocketModeClient) -> None:
    """Close without the second that slack_sdk's worker waits for another message: give it one."""
    client.closed = True
    client.enqueue_message("")
    client.close()
