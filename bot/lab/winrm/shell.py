"""One remote shell: a runspace pool, its owner, its commands, and whether its client is connected."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
from typing import Any
from xml.sax.saxutils import escape

from psrpcore import (
    CreatePipelineEvent,
    GetAvailableRunspacesEvent,
    GetCommandMetadataEvent,
    PSRPEvent,
    PSRPPayload,
    ResetRunspaceStateEvent,
    SetMaxRunspacesEvent,
    SetMinRunspacesEvent,
    StreamType,
)

from bot.lab.winrm import faults, soap
from bot.lab.winrm.command import Command, Run, Visible
from bot.lab.winrm.outbox import Bell, Outbox
from bot.lab.winrm.psrp import RunspacePool, split_fragments

_FRAGMENT_BYTES = 32 * 1024  # PowerShell's own default


class ShellState(StrEnum):
    CONNECTED = "Connected"
    DISCONNECTED = "Disconnected"
    CLOSED = "Closed"


class Shell:
    """A runspace pool as WSMan shows it.

    Attributes:
        id: the ShellId, which is also the pool's id.
        session_id: the client session that made it or connected to it last.
        tasks: where running commands are registered, so that the server can wait for them when it stops.
    """

    def __init__(
        self,
        shell_id: uuid.UUID,
        request: soap.Request,
        owner: str,
        visible: Visible,
        *,
        run: Run,
        tasks: set[asyncio.Task[None]],
        idle_s: float,
        buffer_bytes: int,
    ) -> None:
        self.id = shell_id
        self.resource_uri = request.resource_uri
        self.session_id = request.session_id
        self.owner = owner
        self.visible = visible
        self.idle_s = idle_s
        self.tasks = tasks
        self.state = ShellState.CONNECTED
        self.pool = RunspacePool()
        self.outbox = Outbox(buffer_bytes)
        self.commands: dict[uuid.UUID, Command] = {}
        self._run = run
        self._buffer_bytes = buffer_bytes
        self._runspace_freed = Bell()
        self._busy_runspaces = 0
        self._receiving = 0
        self._created_at = self._seen_at = time.monotonic()

    # Who talks, and when

    def touch(self) -> None:
        self._seen_at = time.monotonic()

    @property
    def silent_s(self) -> float:
        """Seconds since the client was last heard; 0 while it waits for an answer."""
        return 0.0 if self._receiving else time.monotonic() - self._seen_at

    @property
    def abandoned(self) -> bool:
        """Silent for longer than its idle time-out, with nothing running."""
        return self.silent_s > self.idle_s and not any(each.running for each in self.commands.values())

    @contextmanager
    def receiving(self) -> Iterator[None]:
        self._receiving += 1
        try:
            yield
        finally:
            self._receiving -= 1
            self.touch()

    # Messages in and out

    def feed(self, data: bytes) -> None:
        self.pool.receive_data(PSRPPayload(data, StreamType.default, None))
        while (event := self.pool.next_event()) is not None:
            self._handle(event)
        self.pump()

    def pump(self) -> None:
        """Move what psrpcore has ready to the outboxes."""
        while (payload := self.pool.data_to_send(_FRAGMENT_BYTES)) is not None:
            command = self.commands.get(payload.pipeline_id) if payload.pipeline_id else None
            outbox = command.outbox if command else self.outbox
            for fragment in split_fragments(payload.data):
                outbox.put(fragment)

    def _handle(self, event: PSRPEvent[Any, Any]) -> None:
        if isinstance(event, CreatePipelineEvent):
            task = self.command(event.pipeline_id).start(self._run)
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        elif isinstance(event, GetCommandMetadataEvent):
            command = self.command(event.pipeline_id)
            command.pipeline.begin()
            command.fail("NotImplemented", "This endpoint has no command metadata.")
            self.pump()
            command.outbox.finish()
        elif isinstance(event, SetMaxRunspacesEvent):
            self._answer(self.pool.call_id(event), event.count >= max(1, self.pool.min_runspaces))
            self._runspace_freed.ring()
        elif isinstance(event, SetMinRunspacesEvent):
            self._answer(self.pool.call_id(event), 1 <= event.count <= self.pool.max_runspaces)
        elif isinstance(event, ResetRunspaceStateEvent):
            self._answer(event.ci, True)
        elif isinstance(event, GetAvailableRunspacesEvent):
            self._answer(event.ci, max(0, self.pool.max_runspaces - self._busy_runspaces))

    def _answer(self, call_id: int, value: bool | int) -> None:
        self.pool.runspace_availability_response(call_id, value)

    # Commands

    def command(self, command_id: uuid.UUID) -> Command:
        try:
            return self.commands[command_id]
        except KeyError:
            raise faults.no_command() from None

    def add_command(self, command_id: uuid.UUID) -> None:
        if command_id in self.commands:
            raise faults.command_exists()
        self.commands[command_id] = Command(self, command_id, self._buffer_bytes)

    def forget(self, command: Command) -> None:
        """The client has said that it is done with this command."""
        self.commands.pop(command.id, None)
        command.outbox.finish()
        if not command.running:
            command.pipeline.close()

    @asynccontextmanager
    async def runspace(self) -> AsyncIterator[None]:
        """One of the pool's runspaces; waits while all are busy."""
        while self._busy_runspaces >= max(1, self.pool.max_runspaces):
            await self._runspace_freed.wait()
        self._busy_runspaces += 1
        try:
            yield
        finally:
            self._busy_runspaces -= 1
            self._runspace_freed.ring()

    # The client's comings and goings

    def disconnect(self) -> None:
        """What runs goes on; Receives that wait end with a fault. Idempotent."""
        if self.state is ShellState.CONNECTED:
            self.state = ShellState.DISCONNECTED
            self.pool.leave()
            self._wake()

    def reconnect(self) -> None:
        if self.state is ShellState.DISCONNECTED:
            self.state = ShellState.CONNECTED
            self.pool.resume()
        self.touch()

    def connect(self, data: bytes, session_id: str) -> bytes:
        """Another client takes over. Returns the messages of ConnectResponse; the rest waits for its first Receive."""
        self.pool.connect()
        held, self.outbox = self.outbox, Outbox(self._buffer_bytes)
        self.feed(data)
        # SESSION_CAPABILITY and RUNSPACEPOOL_INIT_DATA answer at once, APPLICATION_PRIVATE_DATA follows
        capability, init_data, *later = self.outbox.take(_FRAGMENT_BYTES * 16)
        self.outbox = held
        for fragment in later:
            held.put(fragment)
        self.state = ShellState.CONNECTED
        self.session_id = session_id
        self.touch()
        return capability + init_data

    async def close(self) -> None:
        """Stop every command and end every waiting Receive. Idempotent."""
        self.state = ShellState.CLOSED
        await asyncio.gather(*(each.stop() for each in self.commands.values()))
        for outbox in (self.outbox, *(each.outbox for each in self.commands.values())):
            outbox.finish()

    def _wake(self) -> None:
        for outbox in (self.outbox, *(each.outbox for each in self.commands.values())):
            outbox.bell.ring()

    def render(self) -> str:
        """The shell as Create, Get and Enumerate show it (MS-WSMV, the Shell type)."""
        now = time.monotonic()
        return (
            f"<rsp:Shell><rsp:ShellId>{self.name}</rsp:ShellId><rsp:ResourceUri>{escape(self.resource_uri)}"
            f"</rsp:ResourceUri><rsp:Owner>{escape(self.owner)}</rsp:Owner><rsp:ClientIP>127.0.0.1</rsp:ClientIP>"
            f"<rsp:ProcessId>4242</rsp:ProcessId><rsp:IdleTimeOut>PT{self.idle_s:.3f}S</rsp:IdleTimeOut>"
            "<rsp:InputStreams>stdin pr</rsp:InputStreams><rsp:OutputStreams>stdout</rsp:OutputStreams>"
            "<rsp:MaxIdleTimeOut>PT2147483.647S</rsp:MaxIdleTimeOut><rsp:Locale>en-US</rsp:Locale>"
            "<rsp:DataLocale>en-US</rsp:DataLocale><rsp:CompressionMode>NoCompression</rsp:CompressionMode>"
            "<rsp:ProfileLoaded>Yes</rsp:ProfileLoaded><rsp:Encoding>UTF8</rsp:Encoding><rsp:BufferMode>Block"
            f"</rsp:BufferMode><rsp:State>{self.state}</rsp:State><rsp:ShellRunTime>"
            f"{_duration(now - self._created_at)}</rsp:ShellRunTime><rsp:ShellInactivity>"
            f"{_duration(now - self._seen_at)}</rsp:ShellInactivity></rsp:Shell>"
        )

    @property
    def name(self) -> str:
        return str(self.id).upper()


def _duration(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"P0DT{hours}H{minute}M{second}S"
