"""The WSMan service: one parsed request in, one answer or fault out. Knows nothing of HTTP and authentication."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from psrpcore import PSRPCoreError

from bot.lab.winrm import faults, soap
from bot.lab.winrm.command import Command, Run, Visible
from bot.lab.winrm.outbox import Outbox
from bot.lab.winrm.shell import Shell, ShellState
from bot.lab.winrm.soap import Request

_DONE = f"{soap.SHELL}/CommandState/Done"
_ENVELOPE_OVERHEAD_BYTES = 2048  # headers and tags of a ReceiveResponse
_TERMINATE = "/Terminate"


@dataclass(frozen=True)
class Limits:
    """Quotas and time-outs; the defaults are those of Windows Server.

    Attributes:
        shells_per_user: MaxShellsPerUser (MS-WSMV 2.2.4.42).
        commands_per_shell: commands not yet terminated (Microsoft Learn, "Quotas", MaxConcurrentCommandsPerShell).
        idle_connection_s: HTTP.sys closes a connection without traffic after this.
        auto_disconnect_s: a shell with a client silent for this long becomes Disconnected (reported: about 2 minutes).
        idle_shell_s: a silent shell with nothing running is removed; a client may ask for another value on Create.
        buffer_bytes: output kept for a client that does not fetch it; then its pipeline waits (size assumed).
    """

    shells_per_user: int = 30
    commands_per_shell: int = 1000
    idle_connection_s: float = 120.0
    auto_disconnect_s: float = 120.0
    idle_shell_s: float = 7200.0
    buffer_bytes: int = 512 * 1024


class Service:
    """The shells of one host.

    Attributes:
        tasks: every command being carried out, whether or not its shell is still listed.
    """

    def __init__(self, machine: str, run: Run, configurations: Mapping[str, Visible], limits: Limits) -> None:
        self._machine = machine
        self._run = run
        self._configurations = configurations
        self._limits = limits
        self._shells: dict[uuid.UUID, Shell] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self._actions: Mapping[str, Callable[[Request, str], Awaitable[bytes]]] = {
            "Create": self._create,
            "Delete": self._delete,
            "Get": self._get,
            "Enumerate": self._enumerate,
            "Disconnect": self._disconnect,
            "Reconnect": self._reconnect,
            "Connect": self._connect,
            "Command": self._command,
            "Send": self._send,
            "Signal": self._signal,
            "Receive": self._receive,
        }

    async def answer(self, request: Request, user: str) -> bytes:
        """Carry out one request. Raises Fault."""
        action = self._actions.get(request.action)
        if action is None:
            raise faults.unsupported(request.action)
        try:
            return await action(request, user)
        except (soap.Unreadable, PSRPCoreError) as error:
            raise faults.unreadable(str(error)) from error

    async def watch(self) -> None:
        """Disconnect the silent and remove the abandoned, until cancelled."""
        while True:
            await asyncio.sleep(min(1.0, self._limits.auto_disconnect_s / 4))
            for shell in tuple(self._shells.values()):
                if shell.silent_s > self._limits.auto_disconnect_s:
                    shell.disconnect()
                if shell.abandoned:
                    await self._remove(shell)

    async def close(self) -> None:
        """End every shell, with what runs in it."""
        for shell in tuple(self._shells.values()):
            await self._remove(shell)
        if self.tasks:
            await asyncio.wait(self.tasks)

    async def _remove(self, shell: Shell) -> None:
        self._shells.pop(shell.id, None)
        await shell.close()

    # Shells

    async def _create(self, request: Request, user: str) -> bytes:
        configuration = request.resource_uri.rsplit("/", 1)[-1]
        if configuration not in self._configurations:
            raise faults.no_configuration(configuration, self._machine)
        if sum(shell.owner == user for shell in self._shells.values()) >= self._limits.shells_per_user:
            raise faults.too_many_shells(self._limits.shells_per_user)
        element = request.require("rsp:Shell")
        idle = request.find("rsp:Shell/rsp:IdleTimeOut")
        shell = Shell(
            soap.identifier(element.get("ShellId", str(uuid.uuid4()))),
            request,
            user,
            self._configurations[configuration],
            run=self._run,
            tasks=self.tasks,
            idle_s=self._limits.idle_shell_s if idle is None else soap.read_duration(idle.text or ""),
            buffer_bytes=self._limits.buffer_bytes,
        )
        shell.feed(request.payload("rsp:Shell/pwsh:creationXml"))
        self._shells[shell.id] = shell
        return soap.reply(
            request,
            f"<x:ResourceCreated><a:Address>http://{escape(self._machine)}/wsman</a:Address><a:ReferenceParameters>"
            f"<w:ResourceURI>{escape(shell.resource_uri)}</w:ResourceURI><w:SelectorSet>"
            f'<w:Selector Name="ShellId">{shell.name}</w:Selector></w:SelectorSet></a:ReferenceParameters>'
            f"</x:ResourceCreated>{shell.render()}",
        )

    async def _delete(self, request: Request, user: str) -> bytes:
        await self._remove(self._shell(request, user))
        return soap.reply(request)

    async def _get(self, request: Request, user: str) -> bytes:
        if request.resource_uri.endswith("/config"):
            config = f'<c:Config xmlns:c="{soap.CONFIG}"><c:MaxEnvelopeSizekb>500</c:MaxEnvelopeSizekb></c:Config>'
            return soap.reply(request, config)
        return soap.reply(request, self._shell(request, user).render())

    async def _enumerate(self, request: Request, user: str) -> bytes:
        mine = [shell for shell in self._shells.values() if shell.owner == user]
        if request.resource_uri.endswith("/Command"):
            selector = request.find(".//w:Filter//w:Selector")
            wanted = soap.identifier(selector.text) if selector is not None else None
            items = "".join(_listed(each) for shell in mine if shell.id == wanted for each in shell.commands.values())
        else:
            items = "".join(shell.render() for shell in mine)
        return soap.reply(
            request,
            "<n:EnumerateResponse><n:EnumerationContext></n:EnumerationContext>"
            f"<w:Items>{items}</w:Items><w:EndOfSequence/></n:EnumerateResponse>",
        )

    def _shell(self, request: Request, user: str) -> Shell:
        """The shell a request names, if it is the user's and was made under the resource URI the request gives."""
        name = request.selectors.get("ShellId", "")
        shell = self._shells.get(soap.identifier(name))
        if shell is None or shell.owner != user or request.resource_uri not in (shell.resource_uri, soap.SHELL):
            raise faults.no_shell(name)
        return shell

    def _connected(self, request: Request, user: str) -> Shell:
        shell = self._shell(request, user)
        if shell.state is ShellState.DISCONNECTED:
            raise faults.stream_disconnected()
        shell.touch()
        return shell

    # Comings and goings of clients

    async def _disconnect(self, request: Request, user: str) -> bytes:
        self._shell(request, user).disconnect()
        return soap.reply(request)

    async def _reconnect(self, request: Request, user: str) -> bytes:
        shell = self._shell(request, user)
        if request.session_id != shell.session_id:
            raise faults.another_session()
        shell.reconnect()
        return soap.reply(request)

    async def _connect(self, request: Request, user: str) -> bytes:
        command_id = request.require("rsp:Connect").get("CommandId")
        if command_id:
            self._connected(request, user).command(soap.identifier(command_id))
            return soap.reply(request, "<rsp:ConnectResponse/>")
        shell = self._shell(request, user)
        if shell.state is ShellState.CONNECTED:
            raise faults.already_connected()
        messages = shell.connect(request.payload("rsp:Connect/pwsh:connectXml"), request.session_id)
        return soap.reply(
            request,
            "<rsp:ConnectResponse><rsp:InputStreams>stdin pr</rsp:InputStreams><rsp:OutputStreams>stdout"
            f'</rsp:OutputStreams><connectResponseXml xmlns="{soap.POWERSHELL}">{base64.b64encode(messages).decode()}'
            "</connectResponseXml></rsp:ConnectResponse>",
        )

    # Commands

    async def _command(self, request: Request, user: str) -> bytes:
        shell = self._connected(request, user)
        if len(shell.commands) >= self._limits.commands_per_shell:
            raise faults.too_many_commands()
        command_id = soap.identifier(request.require("rsp:CommandLine").get("CommandId", str(uuid.uuid4())))
        shell.add_command(command_id)
        shell.feed(request.payload("rsp:CommandLine/rsp:Arguments"))
        name = str(command_id).upper()
        return soap.reply(request, f"<rsp:CommandResponse><rsp:CommandId>{name}</rsp:CommandId></rsp:CommandResponse>")

    async def _send(self, request: Request, user: str) -> bytes:
        self._connected(request, user).feed(request.payload("rsp:Send/rsp:Stream"))
        return soap.reply(request, "<rsp:SendResponse/>")

    async def _signal(self, request: Request, user: str) -> bytes:
        """Stop a command, and for Terminate forget it; answers once it has stopped. No such command: no fault."""
        shell = self._connected(request, user)
        command = shell.commands.get(soap.identifier(request.require("rsp:Signal").get("CommandId")))
        if command is not None:
            await command.stop()
            if (request.require("rsp:Signal/rsp:Code").text or "").endswith(_TERMINATE):
                shell.forget(command)
        return soap.reply(request, "<rsp:SignalResponse/>")

    async def _receive(self, request: Request, user: str) -> bytes:
        shell = self._connected(request, user)
        name = request.require("rsp:Receive/rsp:DesiredStream").get("CommandId")
        outbox = shell.command(soap.identifier(name)).outbox if name else shell.outbox
        answered = outbox.answered(request.message_id)
        if answered is not None:
            return answered
        with shell.receiving():
            await _something(shell, outbox, request.timeout_s)
        attribute = f' CommandId="{name}"' if name else ""
        body = "".join(
            f'<rsp:Stream Name="stdout"{attribute}>{base64.b64encode(fragment).decode()}</rsp:Stream>'
            for fragment in outbox.take(request.max_envelope_bytes - _ENVELOPE_OVERHEAD_BYTES)
        )
        if name and outbox.drained:
            body += f'<rsp:CommandState{attribute} State="{_DONE}"><rsp:ExitCode>0</rsp:ExitCode></rsp:CommandState>'
        answer = soap.reply(request, f"<rsp:ReceiveResponse>{body}</rsp:ReceiveResponse>")
        outbox.remember(request.message_id, answer)
        return answer


async def _something(shell: Shell, outbox: Outbox, timeout_s: float) -> None:
    """Wait until there is something to hand over. Raises Fault when time is up or the shell is left or closed."""
    try:
        async with asyncio.timeout(timeout_s):
            while outbox.empty and not outbox.finished and shell.state is ShellState.CONNECTED:
                await outbox.bell.wait()
    except TimeoutError:
        raise faults.timed_out() from None
    if shell.state is ShellState.CLOSED:
        raise faults.no_shell(shell.name)
    if shell.state is ShellState.DISCONNECTED:
        raise faults.stream_disconnected()


def _listed(command: Command) -> str:
    state = "Done" if command.outbox.finished else "Running"
    return (
        f"<rsp:Command><rsp:CommandId>{str(command.id).upper()}</rsp:CommandId><rsp:CommandLine></rsp:CommandLine>"
        f"<rsp:CommandState>{state}</rsp:CommandState></rsp:Command>"
    )
