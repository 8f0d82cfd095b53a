"""A small lab for tests of reads: host01 with VM-01 (on a share) and VM-02 (on its own drive), and host02 with room."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from pydantic import SecretStr

from bot.core.names import VmId
from bot.lab.cmdlets import HyperVMachine, machine_of
from bot.lab.engine import run
from bot.lab.prepared import ENDPOINT, configurations
from bot.lab.winrm import Command, Visible, WinRmServer
from bot.lab.world import (
    GIB,
    Adapter,
    Disk,
    DiskFile,
    Host,
    ManualClock,
    MoveRequest,
    Share,
    State,
    Switch,
    Vm,
    Volume,
    World,
)
from bot.settings import Authentication, HostSettings

VM_01 = VmId("11111111-1111-4111-8111-111111111111")
VM_02 = VmId("22222222-2222-4222-8222-222222222222")
SHARE = r"\\server01\vmstore"
_USER, _PASSWORD = "ferry", "simulated"


class TwoHosts:
    """The world, its endpoints, and the settings that reach them. `reset` makes it as it was, on the same ports."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._machines: dict[str, HyperVMachine] = {}
        self._servers: dict[str, WinRmServer] = {}
        self.reset()
        for name in ("host01", "host02"):
            self._servers[name] = self._start(name)

    @property
    def settings(self) -> dict[str, HostSettings]:
        return {
            name: HostSettings(
                address="127.0.0.1",
                port=server.port,
                tls=False,
                authentication=Authentication.NTLM,
                username=_USER,
                password=SecretStr(_PASSWORD),
                configuration=ENDPOINT,
                connect_timeout_s=2,
            )
            for name, server in self._servers.items()
        }

    def reset(self) -> None:
        self.clock = ManualClock()
        self.world = World(self.clock)
        hosts = [self._add_host(name) for name in ("host01", "host02")]
        self.world.add_share(Share(SHARE, 2000 * GIB))
        self._add_vm(hosts[0], "VM-01", VM_01, rf"{SHARE}\VM-01")
        self._add_vm(hosts[0], "VM-02", VM_02, r"D:\VMs\VM-02")
        for name in self._servers:
            self.unreachable(name, False)

    def unreachable(self, host: str, unreachable: bool = True) -> None:
        self._servers[host].unreachable(unreachable)

    def start_move(self, vm: VmId, destination: str) -> None:
        """Begin a move that Ferry knows nothing of; it stands still as long as the world's time does."""
        source = next(host for host in self.world.hosts if UUID(vm) in host.vms)
        self.world.start_move(source, MoveRequest(UUID(vm), destination))

    def move(self, vm: VmId, destination: str) -> None:
        """Have it moved."""
        self.start_move(vm, destination)
        while self.world.active_jobs():
            self.clock.advance(60)

    def stop(self) -> None:
        for server in self._servers.values():
            asyncio.run_coroutine_threadsafe(server.stop(), self._loop).result(10)

    def _start(self, name: str) -> WinRmServer:
        async def carry_out(command: Command, user: str, visible: Visible) -> None:
            await run(command, self._machines[name], user, visible)

        server = WinRmServer(
            name.upper(), {_USER: _PASSWORD}, carry_out, configurations=configurations(), schemes=("Negotiate",)
        )
        asyncio.run_coroutine_threadsafe(server.start(), self._loop).result(10)
        return server

    def _add_host(self, name: str) -> Host:
        host = self.world.add_host(
            Host(
                f"{name}.contoso.com",
                switches=(Switch("Production"),),
                volumes={letter: Volume(letter, 900 * GIB) for letter in "CD"},
            )
        )
        self._machines[name] = machine_of(self.world, host)
        return host

    def _add_vm(self, host: Host, name: str, identity: VmId, folder: str) -> None:
        self.world.add_vm(
            host,
            Vm(
                name,
                UUID(identity),
                State.RUNNING,
                memory_bytes=8 * GIB,
                path=folder,
                checkpoint_path=folder,
                smart_paging_path=folder,
                disks=[Disk([DiskFile(rf"{folder}\{name}.vhdx", 42 * GIB)], 80 * GIB)],
                adapters=[Adapter("Network Adapter", "Production")],
                started_at=self.clock.now(),
            ),
        )


@contextmanager
def two_hosts() -> Iterator[TwoHosts]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="lab")
    thread.start()
    lab = TwoHosts(loop)
    try:
        yield lab
    finally:
        lab.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
