"""Two of the lab's hosts, VMs to move, real pypsrp in between, and a clock that can be held in mid-move."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from pydantic import SecretStr

from bot.core.estate import Host as HostSeen
from bot.core.names import VmId
from bot.core.plan import Estimate, Move, MoveKind, Plan
from bot.core.preflight import changes
from bot.hyperv.fleet import HyperVFleet
from bot.lab.cmdlets import HyperVMachine, machine_of
from bot.lab.engine import run
from bot.lab.prepared import ENDPOINT, configurations
from bot.lab.winrm import Command, Limits, Visible, WinRmServer
from bot.lab.world import (
    GIB,
    Adapter,
    Disk,
    DiskFile,
    Event,
    Host,
    Job,
    Share,
    State,
    Switch,
    Vm,
    Volume,
    World,
)
from bot.settings import Authentication, HostSettings

SHARE = r"\\server01\vmstore"
OTHER_SHARE = r"\\server01\archive"
USER, PASSWORD = "ferry", "simulated"
VM_01 = VmId("11111111-1111-4111-8111-111111111111")
PATIENCE_S = 20.0
STEP_S = 0.1  # of the world: a fraction of what any move here takes


class HeldClock:
    """Runs at a speed that can be changed; 0 holds it."""

    def __init__(self, speed: float) -> None:
        self._lock = threading.Lock()
        self._at = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
        self._since = time.monotonic()
        self._speed = speed

    def now(self) -> datetime:
        with self._lock:
            return self._at + timedelta(seconds=(time.monotonic() - self._since) * self._speed)

    def run(self, speed: float) -> None:
        now = self.now()
        with self._lock:
            self._at, self._since, self._speed = now, time.monotonic(), speed

    def hold(self) -> None:
        self.run(0)

    def step(self, seconds: float) -> None:
        with self._lock:
            self._at += timedelta(seconds=seconds)

    def real_s(self, world_s: float) -> float:
        with self._lock:
            return min(0.02, world_s / self._speed) if self._speed else 0.02


class MovingHosts:
    """host01 with VM-01 on a share, and host02 with room. `reset` makes them as they were, on the same ports."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits | None = None) -> None:
        self._loop = loop
        self._limits = limits
        self._machines: dict[str, HyperVMachine] = {}
        self.servers: dict[str, WinRmServer] = {}
        self.reset()
        for name in ("host01", "host02"):
            self.servers[name] = self._serve(name)
        self.fleet = HyperVFleet(settings_of({name: server.port for name, server in self.servers.items()}))

    def reset(self) -> None:
        self.clock = HeldClock(speed=60)
        self.world = World(self.clock)
        self.hosts = {name: self._add_host(name) for name in ("host01", "host02")}
        for share in (SHARE, OTHER_SHARE):
            self.world.add_share(Share(share, 2000 * GIB))
        self.vm = self.add_vm("VM-01", VM_01, rf"{SHARE}\VM-01")
        for server in self.servers.values():
            server.unreachable(False)

    def add_vm(self, name: str, identity: VmId, folder: str, memory_gib: int = 8) -> Vm:
        disk = DiskFile(rf"{folder}\{name}.vhdx", 4 * GIB)
        return self.world.add_vm(
            self.hosts["host01"],
            Vm(
                name,
                UUID(identity),
                State.RUNNING,
                memory_bytes=memory_gib * GIB,
                path=folder,
                checkpoint_path=folder,
                smart_paging_path=folder,
                disks=[Disk([disk], 80 * GIB)],
                adapters=[Adapter("Network Adapter", "Production")],
            ),
        )

    # What Ferry would do

    def plan(
        self, kind: MoveKind = MoveKind.LIVE, storage_path: str | None = None, vm: VmId = VM_01, *, quick: bool = False
    ) -> Plan:
        host, seen = self.fleet.read_host("host01", vm)
        assert seen is not None
        move = Move(
            kind=kind,
            vm=vm,
            vm_name=seen.name,
            source=host.name,
            destination=host.name if kind is MoveKind.STORAGE else "host02",
            destination_fqdn=host.fqdn if kind is MoveKind.STORAGE else "host02.contoso.com",
            storage_path=storage_path,
            state=seen.state,
            memory_bytes=seen.memory_bytes,
            disks=seen.disks,
            configuration_path=seen.path,
            uptime_s=seen.uptime_s,
            quick=quick,
        )
        return Plan(
            command=f"migrate {seen.name} to {move.destination}",
            action="vm.migrate",
            move=move,
            findings=(),
            estimate=Estimate(seconds=10, basis="8.0 GB at 1.1 GB/s"),
        )

    def changes(self, plan: Plan) -> tuple[str, ...]:
        return changes_by(self.fleet, plan)

    def rooms(self) -> tuple[HostSeen, ...]:
        return tuple(self.fleet.read_host(name)[0] for name in self.servers)

    # What a test does to the hosts, and sees of them

    def hold_at(self, percent: int) -> Job:
        """Stand still once a move of VM-01 (no comparison) is that far."""
        return self._hold_when(lambda job: job.percent >= percent)

    def hold_when_too_late(self) -> None:
        """Stand still where a move can no longer be stopped."""
        self._hold_when(lambda job: not job.cancellable)

    def _hold_when(self, there: Callable[[Job], bool]) -> Job:
        """Time goes on by steps, so that no moment is missed however busy the machine is."""
        self.clock.hold()
        deadline = time.monotonic() + PATIENCE_S
        while not (found := [job for job in self.moves() if there(job)]):
            assert time.monotonic() < deadline, "no move came that far"
            self.clock.step(STEP_S)
            self.world.wait_until(lambda: False, 0.005)
        return found[0]

    def moves(self) -> tuple[Job, ...]:
        return tuple(job for job in self.world.active_jobs() if job.title.startswith("Moving"))

    def go(self) -> None:
        self.clock.run(60)

    def sent(self) -> int:
        """How many moves of VM-01 were ever requested, by anybody."""
        entries = self.world.journal.of(self.vm, Event.REQUESTED)
        return sum(entry.kind.startswith("Moving") for entry in entries)

    def where(self) -> tuple[str, ...]:
        return tuple(name.lower() for name in self.world.whereabouts(self.vm))

    def planned(self) -> int:
        with self.world.look():
            return sum(len(host.planned) for host in self.world.hosts)

    def stop(self) -> None:
        self.fleet.close()
        for server in self.servers.values():
            asyncio.run_coroutine_threadsafe(server.stop(), self._loop).result(10)

    def _serve(self, name: str) -> WinRmServer:
        async def carry_out(command: Command, user: str, visible: Visible) -> None:
            await run(command, self._machines[name], user, visible)

        server = WinRmServer(
            name.upper(), {USER: PASSWORD}, carry_out, configurations=configurations(), limits=self._limits
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


def settings_of(ports: dict[str, int]) -> dict[str, HostSettings]:
    return {
        name: HostSettings(
            address="127.0.0.1",
            port=port,
            tls=False,
            authentication=Authentication.BASIC,
            username=USER,
            password=SecretStr(PASSWORD),
            configuration=ENDPOINT,
            connect_timeout_s=1,
            read_timeout_s=2,
            sessions=4,
        )
        for name, port in ports.items()
    }


def changes_by(fleet: HyperVFleet, plan: Plan) -> tuple[str, ...]:
    """What the app gives the runner and the desk."""
    source, vm = fleet.read_host(plan.move.source, plan.move.vm)
    destination = source if plan.move.kind is MoveKind.STORAGE else fleet.read_host(plan.move.destination)[0]
    clustered = vm is not None and vm.clustered and source.cluster
    cluster, role = fleet.read_cluster(plan.move.source, plan.move.vm) if clustered else (None, None)
    return changes(plan, vm, source, destination, 2 << 30, cluster, role)


@contextmanager
def moving_hosts(limits: Limits | None = None) -> Iterator[MovingHosts]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="lab", daemon=True)
    thread.start()
    lab = MovingHosts(loop, limits)
    try:
        yield lab
    finally:
        lab.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
