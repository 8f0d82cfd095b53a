"""Hosts that prove who they are and ask who is there, and Ferry's own client that enters them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import pytest
from pydantic import SecretStr

from bot.errors import HostError
from bot.hyperv.answer import Answer
from bot.hyperv.cmdlets import GET_VM_HOST, GET_VM_SWITCH
from bot.hyperv.remote import RemoteHost
from bot.lab.winrm import Command, Visible, WinRmServer
from bot.lab.winrm.certificates import ServerTls
from bot.settings import HostSettings

T = TypeVar("T")
USER, PASSWORD = "CONTOSO\\ferry", "pass word"
READ = (GET_VM_HOST(),)
LONG = GET_VM_SWITCH()


class Hosts:
    """Endpoints on a loop of their own. Get-VMSwitch shows progress for `long_s`; other cmdlets end at once.

    Attributes:
        entered: who ran something, in order.
    """

    def __init__(self, cleanup: ExitStack) -> None:
        self._cleanup = cleanup
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self._loop.run_forever, name="hosts")
        thread.start()
        cleanup.callback(self._loop.close)
        cleanup.callback(thread.join)
        cleanup.callback(lambda: self._loop.call_soon_threadsafe(self._loop.stop))
        self.long_s = 0.0
        self.entered: list[str] = []

    def start(self, tls: ServerTls | None = None, users: dict[str, str] | None = None, **options: Any) -> WinRmServer:
        server = WinRmServer("HOST01", users or {USER: PASSWORD}, self._run, **options)
        self.call(server.start(tls=tls))
        self._cleanup.callback(lambda: self.call(server.stop()))
        return server

    def remote(self, server: WinRmServer, **options: Any) -> RemoteHost:
        settings = HostSettings.model_validate(
            {
                "address": "localhost",
                "port": server.port,
                "tls": server.url.startswith("https"),
                "authentication": "ntlm",
                "username": USER,
                "password": SecretStr(PASSWORD),
                "read_timeout_s": 10,
                "connect_timeout_s": 2,
                **options,
            }
        )
        remote = RemoteHost("host01", settings, 90.0)
        self._cleanup.callback(remote.close)
        return remote

    def call(self, what: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _run(self, command: Command, user: str, visible: Visible) -> None:
        self.entered.append(user)
        if str(command.pipeline.metadata.commands[0].command_text) != LONG.calls[0].cmdlet.name:
            return
        for percent in range(0, 101, 5):
            command.pipeline.write_progress("Moving", 0, "", percent_complete=percent)
            await command.flush()
            await asyncio.sleep(self.long_s / 20)


@contextmanager
def hosts() -> Iterator[Hosts]:
    with ExitStack() as cleanup:
        yield Hosts(cleanup)


def enter(remote: RemoteHost) -> bool:
    return remote.read("reading its settings", READ, lambda answer: answer.completed)


def refusal(remote: RemoteHost) -> HostError:
    with pytest.raises(HostError) as raised:
        remote.read("reading its settings", READ, _everything)
    return raised.value


def _everything(answer: Answer) -> Answer:
    return answer


@contextmanager
def impostor() -> Iterator[tuple[int, list[bytes]]]:
    """Wants Negotiate, then takes any token and says 200. Its port, and the bodies that reached it."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(200 if "Authorization" in self.headers else 401)
            self.send_header("WWW-Authenticate", "Negotiate")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield listening.server_port, bodies
        listening.shutdown()
        thread.join()
