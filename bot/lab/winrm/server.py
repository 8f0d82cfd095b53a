"""The HTTP(S) listener of one simulated host: requests in, faults of the network on demand.

It binds 127.0.0.1 and has no option to bind anything else. It lives on the asyncio loop that calls `start`; the methods
that inject faults may be called from any thread.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import socket
import struct
import weakref
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import TypeVar

from aiohttp import web

from bot.lab.winrm import encryption, soap
from bot.lab.winrm.accounts import Accounts
from bot.lab.winrm.authentication import SCHEMES, Connection, Unauthorized, Undecipherable
from bot.lab.winrm.certificates import ServerTls
from bot.lab.winrm.command import Run, Visible
from bot.lab.winrm.faults import Fault, timed_out
from bot.lab.winrm.service import Limits, Service
from bot.lab.winrm.stats import Meter, Stats

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_PATH = "/wsman"
_DATA = b"<rsp:Stream "
_EVERYTHING: Mapping[str, Visible] = {"Microsoft.PowerShell": None}
_INJECTION_S = 10.0  # a fault is in force when its method returns; no step of it takes longer than this
_SHUTDOWN_S = 2.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: closing sends RST

T = TypeVar("T")


class WinRmServer:
    """A WinRM endpoint.

    Attributes:
        port: where it listens; valid after `start`.
        delay_s: added before each WSMan request is carried out; may be set at any time from any thread.
        watch: told of each HTTP request on the server's loop: False before it is carried out, True before its answer.
    """

    def __init__(
        self,
        machine: str,
        users: Mapping[str, str],
        run: Run,
        *,
        configurations: Mapping[str, Visible] = _EVERYTHING,
        limits: Limits | None = None,
        schemes: Collection[str] = SCHEMES,
    ) -> None:
        """
        `machine`: the host's name, as faults give it.
        `users`: passwords by user name ("name", "DOMAIN\\name", "name@domain").
        `run`: carries out commands.
        `configurations`: session configurations by name, with what is visible in each.
        `schemes`: HTTP authentication offered, in this order: of "Negotiate", "Kerberos", "Basic", "CredSSP".
        """
        self.port = 0
        self.delay_s = 0.0
        self.watch: Callable[[bool], None] = _nobody
        self._machine = machine
        self._accounts = Accounts(users)
        self._limits = limits or Limits()
        self._schemes = tuple(schemes)
        self._service = Service(machine, run, configurations, self._limits)
        self._meter = Meter()
        self._connections: weakref.WeakKeyDictionary[asyncio.Transport, Connection] = weakref.WeakKeyDictionary()
        self._tls: ServerTls | None = None
        self._losing = 0
        self._cut_in = 0
        self._cut_carried_out = False
        self._timing_out: bool | None = None
        self._http: web.Server | None = None
        self._listener: asyncio.Server | None = None
        self._reserved: socket.socket | None = None
        self._watch: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def stats(self) -> Stats:
        return self._meter.read()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{LOOPBACK}:{self.port}{_PATH}"

    # Life

    async def start(self, port: int = 0, tls: ServerTls | None = None) -> None:
        """Listen; `port` 0 takes a free one. Raises OSError if the port is taken."""
        if self._loop is not None:
            raise RuntimeError(f"the endpoint of {self._machine} is started")
        self._tls = tls
        self._reserve(port)
        self._loop = asyncio.get_running_loop()
        self._accounts.open()
        self._http = web.Server(
            self._handle,
            handler_cancellation=True,
            keepalive_timeout=self._limits.idle_connection_s,
            access_log=None,
        )
        await self._listen()
        self._watch = asyncio.create_task(self._service.watch())

    async def stop(self) -> None:
        """Close everything: shells, commands, connections, the port, temporary files. Idempotent."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        self._close_listener()
        await self._service.close()
        if self._http is not None:
            self._http.pre_shutdown()
            await self._http.shutdown(_SHUTDOWN_S)
        if self._reserved is not None:
            self._reserved.close()
        self._accounts.close()
        self._watch = self._http = self._reserved = self._loop = None

    def _reserve(self, port: int) -> None:
        """Bind without listening: who connects is refused, and nobody else gets the port."""
        reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name == "posix":  # on Windows this option would let others share the port
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            reserved.bind((LOOPBACK, port))
        except OSError:
            reserved.close()
            raise
        self.port = reserved.getsockname()[1]
        self._reserved = reserved

    async def _listen(self) -> None:
        assert self._reserved is not None
        assert self._http is not None
        assert self._loop is not None
        listening, self._reserved = self._reserved, None
        context = self._tls.context if self._tls else None
        self._listener = await self._loop.create_server(self._http, sock=listening, ssl=context)

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    # Faults of the network

    def drop(self) -> int:
        """Reset every connection now. How many there were."""
        return self._in_loop(self._drop())

    def lose(self, count: int) -> None:
        """The next `count` answers that carry output are lost on the way, together with their connections."""
        self._in_loop(self._lose(count))

    def cut(self, request: int, *, carried_out: bool) -> None:
        """Reset the connection of one HTTP request to come: the next one is 1, legs of authentication count. 0: none.

        Args:
            carried_out: whether the host does what was asked before the connection breaks.
        """
        self._in_loop(self._cut(request, carried_out))

    @property
    def cut_ahead(self) -> bool:
        """Whether the request that `cut` named has not come yet."""
        return self._cut_in > 0

    def time_out(self, *, carried_out: bool) -> None:
        """Answer the next request to run a command with the fault that says that its time was over.

        Args:
            carried_out: whether the command runs all the same.
        """
        self._in_loop(self._time_out(carried_out))

    def restart(self) -> None:
        """Restart the WinRM service: connections are reset, every remote shell and its pipelines end, jobs go on."""
        self._in_loop(self._restart())

    def unreachable(self, unreachable: bool = True) -> None:
        """Refuse and reset connections, or be there again on the same port. What runs on the host goes on."""
        self._in_loop(self._unreachable(unreachable))

    def _in_loop(self, what: Coroutine[None, None, T]) -> T:
        if self._loop is None or self._loop is _current_loop():
            what.close()
            raise RuntimeError(f"the endpoint of {self._machine} is not started, or this is its own thread")
        future: concurrent.futures.Future[T] = asyncio.run_coroutine_threadsafe(what, self._loop)
        return future.result(_INJECTION_S)

    async def _drop(self) -> int:
        transports = [each.transport for each in self._http.connections if each.transport] if self._http else []
        for transport in transports:
            _reset(transport)
        return len(transports)

    async def _lose(self, count: int) -> None:
        self._losing = count

    async def _cut(self, request: int, carried_out: bool) -> None:
        self._cut_in, self._cut_carried_out = request, carried_out

    async def _time_out(self, carried_out: bool) -> None:
        self._timing_out = carried_out

    async def _restart(self) -> None:
        await self._drop()
        await self._service.close()

    async def _unreachable(self, unreachable: bool) -> None:
        if unreachable and self._listener is not None:
            self._close_listener()
            self._reserve(self.port)
            await self._drop()
        elif not unreachable and self._listener is None:
            await self._listen()

    # Requests

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        body = await http.read()
        self._meter.request(len(body), http.content_type)
        self.watch(False)
        cut, self._cut_in = self._cut_in == 1, max(0, self._cut_in - 1)
        if cut and not self._cut_carried_out:
            return _broken(http)
        answer = await self._answer(http, body)
        self.watch(True)
        if cut:
            return _broken(http)
        self._meter.answer(answer.status, len(answer.body) if isinstance(answer.body, bytes) else 0)
        return answer

    async def _answer(self, http: web.BaseRequest, body: bytes) -> web.Response:
        if http.method != "POST" or http.path != _PATH or http.transport is None:
            return web.Response(status=404)
        connection = self._connection(http.transport)
        try:
            proofs = connection.authenticate(http.headers.get("Authorization"), _certificate_name(http.transport))
            answer = await self._message(connection, http, body) if body else web.Response()
        except Unauthorized as refusal:
            answer, proofs = web.Response(status=401), refusal.challenges
        except (Undecipherable, soap.Unreadable):
            answer, proofs = web.Response(status=400), []
        for proof in proofs:
            answer.headers.add("WWW-Authenticate", proof)
        return answer

    def _connection(self, transport: asyncio.Transport) -> Connection:
        if transport not in self._connections:
            certificate = self._tls.certificate if self._tls else None
            self._connections[transport] = Connection(self._accounts, self._schemes, certificate)
        return self._connections[transport]

    async def _message(self, connection: Connection, http: web.BaseRequest, body: bytes) -> web.Response:
        encrypted = http.content_type in encryption.ENCRYPTED_TYPES
        if encrypted:
            body = connection.decrypt(body)
        elif connection.must_encrypt:
            return web.Response(status=500)  # AllowUnencrypted is off; that the body is empty is assumed
        await asyncio.sleep(self.delay_s)
        status, answer = await self._wsman(body, connection)
        if self._losing and _DATA in answer and http.transport is not None:
            self._losing -= 1
            _reset(http.transport)
        content_type = "application/soap+xml;charset=UTF-8"
        if encrypted:
            content_type, answer = connection.encrypt(answer)
        return web.Response(status=status, body=answer, headers={"Content-Type": content_type})

    async def _wsman(self, body: bytes, connection: Connection) -> tuple[int, bytes]:
        assert connection.user is not None
        request = soap.parse(body)
        self._meter.action(request.action)
        try:
            return 200, await self._carry_out(request, connection.user)
        except Fault as fault:
            self._meter.fault(fault.code)
            return 500, fault.render(request.message_id, self._machine)

    async def _carry_out(self, request: soap.Request, user: str) -> bytes:
        """Raises Fault."""
        if request.action != "Command" or self._timing_out is None:
            return await self._service.answer(request, user)
        carried_out, self._timing_out = self._timing_out, None
        if carried_out:
            await self._service.answer(request, user)
        raise timed_out()


def _nobody(_: bool) -> None:
    """Who watches unless somebody does."""


def _current_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _reset(transport: asyncio.BaseTransport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


def _broken(http: web.BaseRequest) -> web.Response:
    """Reset the request's connection; the answer goes nowhere."""
    if http.transport is not None:
        _reset(http.transport)
    return web.Response()


def _certificate_name(transport: asyncio.Transport) -> str | None:
    """The common name of the client's certificate, which TLS has checked."""
    certificate = transport.get_extra_info("peercert")
    names = [value for part in (certificate or {}).get("subject", ()) for key, value in part if key == "commonName"]
    return names[0] if names else None
