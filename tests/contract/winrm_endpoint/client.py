"""The endpoint as plain pypsrp drives it; nothing in this folder knows Ferry."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any, TypeVar

import requests
from pypsrp.complex_objects import PSInvocationState as State
from pypsrp.complex_objects import RunspacePoolState
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import SelectorSet, WSMan

from bot.lab.winrm import Authority, WinRmServer

from .cmdlets import Cmdlets

T = TypeVar("T")
USERS = {"admin": "secret", "CONTOSO\\ferry": "pass word", "other@contoso.com": "x"}
NOT_FOUND = 2150858843
TIMED_OUT = 2150858793
DISCONNECTED = 2150859230
QUOTA = 2150859174
NO_CONFIGURATION = 2150858811
ALREADY_CONNECTED = 2150859216
POWERSHELL = "http://schemas.microsoft.com/powershell"


class Lab:
    """Starts endpoints on the lab's loop, and connects to them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, cmdlets: Cmdlets, cleanup: ExitStack) -> None:
        self._loop = loop
        self._cmdlets = cmdlets
        self._cleanup = cleanup

    def call(self, what: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await what

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(10)

    def start(self, *, authority: Authority | None = None, port: int = 0, **options: Any) -> WinRmServer:
        server = WinRmServer("HV01", USERS, self._cmdlets.run, **options)
        self.call(server.start(port, authority.server if authority else None))
        self._cleanup.callback(lambda: self.call(server.stop()))
        return server

    def connect(self, server: WinRmServer, **options: Any) -> WSMan:
        arguments: dict[str, Any] = {
            "username": "admin",
            "password": "secret",
            "auth": "ntlm",
            "operation_timeout": 5,
        } | options
        wsman = WSMan("127.0.0.1", port=server.port, ssl=server.url.startswith("https"), no_proxy=True, **arguments)
        self._cleanup.callback(wsman.close)
        return wsman

    def open(self, server: WinRmServer, **options: Any) -> RunspacePool:
        names = ("configuration_name", "max_runspaces", "idle_timeout")
        pool_options = {name: options.pop(name) for name in names if name in options}
        pool = RunspacePool(self.connect(server, **options), **pool_options)
        pool.open()
        return pool


def invoke(pool: RunspacePool, name: str, **parameters: object) -> list[Any]:
    with PowerShell(pool) as shell:
        return list(shell.add_cmdlet(name).add_parameters(parameters).invoke())


def begin(pool: RunspacePool, name: str, **parameters: object) -> PowerShell:
    shell = PowerShell(pool)
    shell.add_cmdlet(name).add_parameters(parameters).begin_invoke()
    return shell


def percents(shell: PowerShell) -> list[int]:
    return [record.percent_complete for record in shell.streams.progress]


def poll_until(shell: PowerShell, happened: Callable[[], bool]) -> None:
    while not happened():
        shell.poll_invoke()


def poll_to_end(shell: PowerShell) -> PowerShell:
    poll_until(shell, lambda: shell.state != State.RUNNING)
    return shell


def reset_transport(wsman: WSMan) -> None:
    """A new socket and a new security context under the same WSMan session."""
    assert wsman.transport.session is not None
    wsman.transport.session.close()
    wsman.transport.session = wsman.transport.encryption = None


def repeat_what_was_cut_off(wsman: WSMan) -> None:
    """Send a request whose connection broke once more, as the very same message."""
    plain = wsman.transport.send

    def send(message: bytes, **options: Any) -> bytes:
        try:
            return bytes(plain(message, **options))
        except requests.ConnectionError:
            reset_transport(wsman)
            return bytes(plain(message, **options))

    wsman.transport.send = send  # type: ignore[method-assign]  # pypsrp has no hook for this


def adopt(wsman: WSMan, pool_id: str, command_id: str = "") -> tuple[RunspacePool, PowerShell]:
    """What another process makes of a shell's and a command's ids."""
    pool = RunspacePool(wsman)
    pool.id = pool.shell.id = pool_id
    pool.shell.opened, pool.state, pool._new_client = True, RunspacePoolState.DISCONNECTED, True
    pool.shell._selector_set = SelectorSet()
    pool.shell._selector_set.add_option("ShellId", pool_id)
    shell = PowerShell(pool)
    shell.id = shell._command_id = command_id
    shell.state = State.DISCONNECTED
    pool.pipelines[command_id] = shell
    return pool, shell


def reattach(shell: PowerShell) -> None:
    """Go on with a pipeline after its pool was connected to again."""
    shell.connect_async()  # type: ignore[no-untyped-call]
