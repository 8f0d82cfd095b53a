"""HyperVFleet against the lab's hosts: real pypsrp, real sockets, encrypted messages, a strict simulation behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

import pytest
from pydantic import SecretStr

from bot.core.estate import Job, JobState, Sighting, VmState
from bot.core.names import VmId, same_computer
from bot.core.plan import Move, MoveKind
from bot.core.readiness.model import Target
from bot.errors import Fault, HostError, HostUnreachable
from bot.hyperv.cmdlets import CMDLETS, Cmdlet
from bot.hyperv.fleet import HyperVFleet
from bot.lab import engine
from bot.lab.cmdlets import HyperVMachine, machine_of
from bot.lab.cmdlets.things import VmHandle, virtual_machine
from bot.lab.prepared import ENDPOINT, PLAIN, configurations
from bot.lab.winrm import Command, Visible, WinRmServer
from bot.lab.world import (
    GIB,
    Adapter,
    Checkpoint,
    Disk,
    DiskFile,
    Event,
    Host,
    ManualClock,
    PlannedVm,
    RunningClock,
    Share,
    State,
    Switch,
    Vm,
    Volume,
    World,
    WorldClock,
)
from bot.settings import Authentication, HostSettings

T = TypeVar("T")
SHARE = r"\\server01\vmstore"
WEB, APP = UUID(int=1), UUID(int=2)
WEB_ID, APP_ID, NOBODY = VmId(str(WEB)), VmId(str(APP)), VmId(str(UUID(int=99)))


def _host(number: int) -> Host:
    return Host(
        f"host0{number}.contoso.com",
        switches=(Switch("Production"),),
        volumes={"D": Volume("D", 1000 * GIB, rate_bytes_s=2e9)},
    )


def _vm(name: str, vm_id: UUID, folder: str) -> Vm:
    return Vm(
        name,
        vm_id,
        State.RUNNING,
        memory_bytes=8 * GIB,
        path=folder,
        checkpoint_path=folder,
        smart_paging_path=folder,
        disks=[Disk([DiskFile(rf"{folder}\Virtual Hard Disks\{name}.vhdx", 12 * GIB)], 40 * GIB)],
        adapters=[Adapter("Network Adapter", "Production")],
    )


class Lab:
    """Two hosts with an endpoint each: VM-01 lies on a share, VM-02 on host01's own volume."""

    def __init__(self, clock: WorldClock, loop: asyncio.AbstractEventLoop, cleanup: ExitStack) -> None:
        self.clock = clock
        self._loop = loop
        self._cleanup = cleanup
        self._threads = cleanup.enter_context(ThreadPoolExecutor(4))
        self.world = World(clock)
        self.world.add_share(Share(SHARE, 1000 * GIB))
        self.hosts = [self.world.add_host(_host(number)) for number in (1, 2)]
        self.web = self.world.add_vm(self.hosts[0], _vm("VM-01", WEB, rf"{SHARE}\VM-01"))
        self.app = self.world.add_vm(self.hosts[0], _vm("VM-02", APP, r"D:\VMs\VM-02"))
        self.servers: dict[str, WinRmServer] = {}

    def open(
        self,
        *,
        cmdlets: tuple[Cmdlet, ...] = CMDLETS,
        machines: Mapping[str, engine.Machine] | None = None,
        **options: Any,
    ) -> HyperVFleet:
        settings = {}
        for host in self.hosts:
            name = host.name.lower()
            machine = (machines or {}).get(host.name) or machine_of(self.world, host)
            self.servers[name] = self._serve(host, machine, configurations(cmdlets))
            settings[name] = HostSettings(
                **{
                    "address": "127.0.0.1",
                    "port": self.servers[name].port,
                    "tls": False,
                    "authentication": Authentication.NTLM,
                    "username": "ferry",
                    "password": SecretStr("secret"),
                    "configuration": ENDPOINT,
                    "read_timeout_s": 10,
                    **options,
                }
            )
        fleet = HyperVFleet(settings)
        self._cleanup.callback(fleet.close)
        return fleet

    def _serve(self, host: Host, machine: engine.Machine, shown: Mapping[str, Visible]) -> WinRmServer:
        async def run(command: Command, user: str, visible: Visible) -> None:
            await engine.run(command, machine, user, visible)

        server = WinRmServer(host.name, {"ferry": "secret"}, run, configurations=shown)
        self._call(server.start())
        self._cleanup.callback(lambda: self._call(server.stop()))
        return server

    def _call(self, what: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    def in_background(self, work: Callable[[], T]) -> Future[T]:
        return self._threads.submit(work)

    def until_percent(self, percent: int) -> None:
        """Let the world's time pass until the migration under way is that far."""
        assert isinstance(self.clock, ManualClock)
        assert self.world.wait_until(lambda: bool(self.world.active_jobs()), 5)
        while self.world.active_jobs()[0].percent < percent:
            self.clock.advance(0.1)

    def to_the_end(self) -> None:
        assert isinstance(self.clock, ManualClock)
        self.clock.advance(120)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="lab")
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def lab(loop: asyncio.AbstractEventLoop) -> Iterator[Lab]:
    """Time runs a hundred times as fast."""
    with ExitStack() as cleanup:
        yield Lab(RunningClock(100), loop, cleanup)


@pytest.fixture
def still(loop: asyncio.AbstractEventLoop) -> Iterator[Lab]:
    """Time passes only when the test says so."""
    with ExitStack() as cleanup:
        yield Lab(ManualClock(), loop, cleanup)


def move(kind: MoveKind = MoveKind.LIVE, vm: VmId = WEB_ID, storage_path: str | None = None) -> Move:
    return Move(
        kind=kind,
        vm=vm,
        vm_name="VM-01" if vm == WEB_ID else "VM-02",
        source="host01",
        destination="host01" if kind is MoveKind.STORAGE else "host02",
        destination_fqdn="host02.contoso.com",
        storage_path=storage_path,
        state=VmState.RUNNING,
    )


def ignore(percent: int) -> None:
    pass


def refusal(work: Callable[[], object]) -> HostError:
    with pytest.raises(HostError) as caught:
        work()
    return caught.value


def only_job(sighting: Sighting) -> Job:
    (job,) = sighting.jobs
    return job


class TestReading:
    def test_a_host_and_a_vm_in_one_pipeline(self, lab: Lab) -> None:
        lab.app.checkpoints.append(Checkpoint("before", lab.world.clock.now()))
        lab.app.dvd_paths.append(r"C:\iso\setup.iso")
        fleet = lab.open()
        fleet.read_host("host01")
        before = lab.servers["host01"].stats
        host, vm = fleet.read_host("host01", APP_ID)
        assert (lab.servers["host01"].stats - before).actions["Command"] == 1
        assert (host.name, host.fqdn, host.memory_bytes) == ("host01", "host01.contoso.com", 128 * GIB)
        assert host.memory_free_bytes == lab.hosts[0].free_memory_bytes
        assert (host.migration_enabled, host.live_limit, host.storage_limit, host.live_active) == (True, 2, 2, 0)
        assert [(switch.name, switch.type) for switch in host.switches] == [("Production", 2)]
        assert [(volume.letter, volume.size_bytes) for volume in host.volumes] == [("D", 1000 * GIB)]
        assert "10.0" in host.vm_versions
        assert vm is not None
        assert (vm.id, vm.name, vm.state, vm.status, vm.memory_bytes) == (APP_ID, "VM-02", 2, (2,), 8 * GIB)
        assert [(disk.size_bytes, disk.file_bytes) for disk in vm.disks] == [(40 * GIB, 12 * GIB)]
        assert vm.disks[0].path == r"D:\VMs\VM-02\Virtual Hard Disks\VM-02.vhdx"
        assert [adapter.switch for adapter in vm.adapters] == ["Production"]
        assert (vm.checkpoints, vm.dvd_paths, vm.path) == (1, (r"C:\iso\setup.iso",), r"D:\VMs\VM-02")
        assert (vm.version, vm.clustered) == ("10.0", False)

    def test_a_vm_that_is_not_there_is_an_answer(self, lab: Lab) -> None:
        fleet = lab.open()
        assert fleet.read_host("host02", WEB_ID)[1] is None
        assert fleet.look("host02", NOBODY) == Sighting(host="host02", vm=None)

    def test_all_vms_of_a_host(self, lab: Lab) -> None:
        host, vms = lab.open().read_vms("host01")
        assert host.fqdn == "host01.contoso.com"
        assert [(vm.name, vm.id, vm.state, vm.host) for vm in vms] == [
            ("VM-01", WEB_ID, 2, "host01"),
            ("VM-02", APP_ID, 2, "host01"),
        ]

    def test_a_host_and_all_its_vms_in_full_in_one_pipeline(self, lab: Lab) -> None:
        lab.app.checkpoints.append(Checkpoint("before", lab.world.clock.now()))
        lab.web.state = State.OFF
        fleet = lab.open()
        singly = [fleet.read_host("host01", vm)[1] for vm in (WEB_ID, APP_ID)]
        before = lab.servers["host01"].stats
        host, vms = fleet.read_all("host01")
        assert (lab.servers["host01"].stats - before).actions["Command"] == 1
        assert (host, list(vms)) == (fleet.read_host("host01")[0], singly)
        assert fleet.read_all("host02")[1] == ()

    def test_a_share_that_is_out_of_reach_leaves_the_sizes_of_other_vms_known(self, lab: Lab) -> None:
        lab.world.shares[0].hosts = frozenset({"host02"})
        _, (web, app) = lab.open().read_all("host01")
        assert [(disk.path, disk.size_bytes, disk.file_bytes) for disk in web.disks] == [
            (rf"{SHARE}\VM-01\Virtual Hard Disks\VM-01.vhdx", None, None)
        ]
        assert [(disk.size_bytes, disk.file_bytes) for disk in app.disks] == [(40 * GIB, 12 * GIB)]
        assert web.adapters == app.adapters

    def test_while_a_vm_moves_it_is_where_it_runs(self, still: Lab) -> None:
        fleet = still.open()
        still.world.start_foreign_move(still.web, "host02")
        still.until_percent(30)
        assert [(vm.name, vm.migrating) for vm in fleet.read_all("host01")[1]] == [("VM-01", True), ("VM-02", False)]
        assert fleet.read_all("host02")[1] == ()
        still.to_the_end()
        assert [vm.name for vm in fleet.read_all("host02")[1]] == ["VM-01"]

    def test_a_warm_read_takes_three_requests(self, lab: Lab) -> None:
        fleet = lab.open()
        fleet.read_host("host01", WEB_ID)
        before = lab.servers["host01"].stats
        fleet.read_host("host01", WEB_ID)
        assert (lab.servers["host01"].stats - before).http_requests == 3

    def test_a_disk_that_cannot_be_opened_spoils_nothing(self, lab: Lab) -> None:
        lab.web.disks.append(Disk([], 0, physical_number=3))
        _, vm = lab.open().read_host("host01", WEB_ID)
        assert vm is not None
        assert [disk.passthrough for disk in vm.disks] == [False, True]
        assert vm.disks[1].size_bytes is None

    def test_hosts_are_those_of_the_settings(self, lab: Lab) -> None:
        assert lab.open().hosts() == ("host01", "host02")

    def test_an_unreachable_host_is_unknown_not_empty(self, lab: Lab) -> None:
        fleet = lab.open()
        lab.servers["host02"].unreachable()
        assert isinstance(refusal(lambda: fleet.look("host02", WEB_ID)), HostUnreachable)


def without(*names: str) -> tuple[Cmdlet, ...]:
    """The declarations of a Ferry that does not know these cmdlets."""
    return tuple(cmdlet for cmdlet in CMDLETS if cmdlet.name not in names)


class TestEndpoints:
    """Ferry's JEA endpoint as `ferry jea` writes it, whole or made from other declarations, and an unlimited one."""

    @pytest.mark.parametrize("configuration", [ENDPOINT, PLAIN])
    def test_what_is_declared_is_enough_for_everything(self, lab: Lab, configuration: str) -> None:
        fleet = lab.open(configuration=configuration)
        assert fleet.read_host("host01", WEB_ID)[1] is not None
        assert len(fleet.read_vms("host01")[1]) == len(fleet.read_all("host01")[1]) == 2
        assert None not in dict(fleet.read_surroundings("host01")).values()
        assert fleet.reach("host01", Target(address="host02", port=6600))
        assert fleet.compare(move()) == ()
        fleet.discard(move())
        fleet.move(move(), ignore)
        assert not fleet.stop("host01", only_job(fleet.look("host01", WEB_ID)))
        fleet.move(move(MoveKind.STORAGE, APP_ID, SHARE), ignore)

    @pytest.mark.parametrize("missing", ["Get-Volume", "Get-VHD"])
    def test_what_may_be_missed_is_not_known(self, lab: Lab, missing: str) -> None:
        fleet = lab.open(cmdlets=without(missing))
        host, vm = fleet.read_host("host01", WEB_ID)
        assert vm is not None
        assert fleet.read_all("host01")[1] == (vm, fleet.read_host("host01", APP_ID)[1])
        assert bool(host.volumes) == (missing != "Get-Volume")
        assert (vm.disks[0].size_bytes is None) == (missing == "Get-VHD")

    def test_an_older_role_leaves_surroundings_unknown(self, lab: Lab) -> None:
        fleet = lab.open(cmdlets=without("Get-Service", "Test-NetConnection", "Get-VMMigrationNetwork"))
        around = fleet.read_surroundings("host01")
        assert (around.service, around.networks, around.domain) == (None, None, "contoso.com")
        error = refusal(lambda: fleet.reach("host01", Target(address="host02", port=6600)))
        assert "TcpTestSucceeded is missing" in error.cause

    def test_what_is_needed_is_named(self, lab: Lab) -> None:
        error = refusal(lambda: lab.open(cmdlets=without("Get-VMSwitch")).read_host("host01"))
        assert (error.fault, error.code) == (Fault.BUG, "CommandNotFoundException")
        assert "Get-VMSwitch" in error.words

    @pytest.mark.parametrize("missing", ["Get-VM", "Get-VMHardDiskDrive", "Get-VMSnapshot"])
    def test_what_is_needed_is_missed_although_something_optional_uses_it_too(self, lab: Lab, missing: str) -> None:
        fleet = lab.open(cmdlets=without(missing))
        assert missing in refusal(lambda: fleet.read_all("host01")).words
        assert missing in refusal(lambda: fleet.read_host("host01", WEB_ID)).words


class TestComparing:
    def test_hosts_that_fit(self, lab: Lab) -> None:
        fleet = lab.open()
        assert fleet.compare(move()) == ()
        assert fleet.look("host02", WEB_ID).planned
        assert fleet.look("host02", WEB_ID).vm is None
        assert fleet.look("host01", WEB_ID).jobs == ()

    def test_hosts_that_do_not_fit_say_why_in_their_own_words(self, lab: Lab) -> None:
        lab.hosts[1].switches = ()
        words = lab.open().compare(move())
        assert any("Production" in word for word in words)

    def test_a_refused_comparison(self, lab: Lab) -> None:
        lab.hosts[0].constrained_delegation = False
        error = refusal(lambda: lab.open().compare(move()))
        assert (error.fault, error.code) == (Fault.CONFIGURATION, "0X8009030E")
        assert "delegation" in error.cause

    def test_a_storage_migration_has_nothing_to_compare(self, lab: Lab) -> None:
        fleet = lab.open()
        order = move(MoveKind.STORAGE, APP_ID, SHARE)
        assert fleet.compare(order) == ()
        fleet.discard(order)
        assert not lab.hosts[0].jobs


class TestDiscarding:
    def test_the_planned_vm_goes_and_the_vm_stays(self, lab: Lab) -> None:
        fleet = lab.open()
        fleet.compare(move())
        fleet.discard(move())
        assert not fleet.look("host02", WEB_ID).planned
        seen = fleet.look("host01", WEB_ID).vm
        assert seen is not None
        assert seen.state == VmState.RUNNING
        fleet.discard(move())
        assert lab.world.whereabouts(lab.web) == ("HOST01",)

    def test_without_a_comparison_nothing_is_sent(self, lab: Lab) -> None:
        lab.open().discard(move())
        assert not lab.hosts[0].jobs

    def test_a_vm_that_has_arrived_is_never_touched(self, lab: Lab) -> None:
        fleet = lab.open()
        fleet.move(move(), ignore)
        fleet.discard(move())
        assert lab.world.whereabouts(lab.web) == ("HOST02",)

    @pytest.mark.parametrize("state", [State.OFF, State.SAVED, State.PAUSED])
    def test_a_vm_that_does_not_run_could_be_lost_so_the_planned_one_stays(self, lab: Lab, state: State) -> None:
        fleet = lab.open()
        fleet.compare(move())
        lab.web.state = state
        error = refusal(lambda: fleet.discard(move()))
        assert "it was left in place, because the VM is not running on host01" in error.cause
        assert lab.world.whereabouts(lab.web) == ("HOST01",)
        assert lab.hosts[1].planned

    def test_while_it_moves_the_planned_vm_is_the_moves_own(self, still: Lab) -> None:
        fleet = still.open()
        still.world.start_foreign_move(still.web, "host02")
        still.until_percent(30)
        assert "being moved" in refusal(lambda: fleet.discard(move())).cause
        still.to_the_end()
        assert still.world.whereabouts(still.web) == ("HOST02",)

    def test_a_vm_that_left_its_source_is_never_touched(self, lab: Lab) -> None:
        fleet = lab.open()
        fleet.compare(move())
        with lab.world.look():
            lab.hosts[0].vms.pop(WEB)
        assert "does not show the VM" in refusal(lambda: fleet.discard(move())).cause
        assert lab.hosts[1].planned


class Lying:
    """A host whose Compare-VM reports something else than the planned VM that it staged."""

    def __init__(self, true: HyperVMachine, reported: VmHandle) -> None:
        self._true = true
        self._reported = reported
        self.world, self.host = true.world, true.host
        self.removals = 0

    def cmdlet(self, name: str) -> engine.Cmdlet | None:
        true = self._true.cmdlet(name)
        lies = {"compare-vm": self._compare, "remove-vm": self._remove}
        return replace(true, run=lies[name.casefold()]) if true and name.casefold() in lies else true

    async def _compare(self, session: engine.Session, records: engine.Records) -> AsyncIterator[object]:
        async for _ in records:
            with self.world.look() as now:
                vm = virtual_machine(self._reported, now)
            yield engine.PsObject(("Microsoft.HyperV.PowerShell.VMCompatibilityReport",), {"VM": vm})

    async def _remove(self, session: engine.Session, records: engine.Records) -> AsyncIterator[object]:
        async for given in records:
            self.removals += 1
            yield given


class TestDiscardingFromAHostThatReportsWrongly:
    @pytest.mark.parametrize(
        ("host", "vm", "planned", "why"),
        [
            (0, "VM-01", False, "a planned one"),
            (1, "VM-01", False, "a planned one"),
            (0, "VM-01", True, "at the destination"),
            (2, "VM-01", True, "is on HOST03, not at the destination"),
            (1, "VM-02", True, "another VM"),
        ],
    )
    def test_nothing_is_removed(self, lab: Lab, host: int, vm: str, planned: bool, why: str) -> None:
        third = _host(3)
        reported = VmHandle([*lab.hosts, third][host], lab.world.vm(vm), planned)
        lying = Lying(machine_of(lab.world, lab.hosts[0]), reported)
        fleet = lab.open(machines={"HOST01": lying})
        with lab.world.look():
            lab.hosts[1].planned[WEB] = PlannedVm(lab.web, None)
        error = refusal(lambda: fleet.discard(move()))
        assert why in error.cause
        assert "left in place" in error.cause
        assert lying.removals == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("HOST01", "host01.contoso.com", True),
        ("host01.contoso.com", "HOST01.contoso.com", True),
        ("host01.contoso.com", "host01.fabrikam.com", False),
        ("HYPERV-PRODUCTI", "hyperv-production-1.contoso.com", True),
        ("HOST01", "HOST02", False),
        ("HOST01", "host011", False),
    ],
)
def test_names_of_one_computer(one: str, other: str, same: bool) -> None:
    assert same_computer(one, other) is same
    assert same_computer(other, one) is same


class TestMoving:
    @pytest.mark.parametrize(
        ("order", "place", "disk"),
        [
            (move(), "host02", rf"{SHARE}\VM-01\Virtual Hard Disks\VM-01.vhdx"),
            (move(MoveKind.SHARED_NOTHING, APP_ID), "host02", r"D:\VMs\VM-02\Virtual Hard Disks\VM-02.vhdx"),
            (
                move(MoveKind.SHARED_NOTHING, APP_ID, r"D:\Elsewhere"),
                "host02",
                r"D:\Elsewhere\Virtual Hard Disks\VM-02.vhdx",
            ),
            (move(MoveKind.STORAGE, APP_ID, SHARE), "host01", rf"{SHARE}\Virtual Hard Disks\VM-02.vhdx"),
        ],
        ids=["live", "shared nothing", "shared nothing elsewhere", "storage"],
    )
    def test_every_kind(self, lab: Lab, order: Move, place: str, disk: str) -> None:
        fleet = lab.open()
        percents: list[int] = []
        fleet.move(order, percents.append)
        assert percents[-1] == 100
        assert percents == sorted(percents)
        vm = fleet.look(place, order.vm).vm
        assert vm is not None
        assert vm.disks[0].path == disk
        assert (vm.state, vm.status) == (VmState.RUNNING, (2,))
        assert (fleet.look("host01", order.vm).vm is None) == (place == "host02")

    def test_a_move_takes_over_what_a_comparison_left(self, lab: Lab) -> None:
        fleet = lab.open()
        fleet.compare(move())
        fleet.move(move(), ignore)
        assert not fleet.look("host02", WEB_ID).planned

    def test_what_both_hosts_show_on_the_way(self, still: Lab) -> None:
        fleet = still.open()
        percents: list[int] = []
        done = still.in_background(lambda: fleet.move(move(), percents.append))
        still.until_percent(40)
        source, destination = fleet.look("host01", WEB_ID), fleet.look("host02", WEB_ID)
        job = only_job(source)
        assert source.vm is not None
        assert source.vm.migrating
        assert (job.state, job.active, job.cancellable) == (JobState.RUNNING, True, True)
        assert 40 <= job.percent < 60
        assert (destination.vm, destination.planned) == (None, True)
        host, _ = fleet.read_host("host01")
        assert host.live_active == 1
        still.to_the_end()
        done.result(10)
        ended = only_job(fleet.look("host01", WEB_ID))
        assert (ended.id, ended.succeeded, ended.percent) == (job.id, True, 100)
        assert fleet.look("host01", WEB_ID).vm is None

    def test_reads_do_not_wait_for_moves(self, still: Lab) -> None:
        fleet = still.open(sessions=1)
        moves = [
            still.in_background(lambda: fleet.move(move(), ignore)),
            still.in_background(lambda: fleet.move(move(MoveKind.SHARED_NOTHING, APP_ID), ignore)),
        ]
        assert still.world.wait_until(lambda: len(still.world.active_jobs()) == 2, 5)
        assert len(fleet.read_vms("host01")[1]) == 2
        still.to_the_end()
        for one in moves:
            one.result(10)

    def test_progress_survives_lost_answers_and_dropped_connections(self, still: Lab) -> None:
        fleet = still.open()
        percents: list[int] = []
        done = still.in_background(lambda: fleet.move(move(), percents.append))
        still.until_percent(20)
        still.servers["host01"].drop()
        still.until_percent(50)
        still.servers["host01"].lose(2)
        still.to_the_end()
        done.result(20)
        assert percents[-1] == 100


class TestRefusals:
    def test_a_host_at_its_limit(self, still: Lab) -> None:
        still.hosts[0].maximum_migrations = 1
        still.world.start_foreign_move(still.app, "host02", storage_path=r"D:\Elsewhere")
        still.until_percent(10)
        fleet = still.open()
        done = still.in_background(lambda: fleet.move(move(), ignore))
        assert still.world.wait_until(lambda: len(still.world.active_jobs()) == 2, 5)
        while len(still.world.active_jobs()) == 2:
            still.clock.advance(0.1)  # type: ignore[attr-defined]
        error = refusal(lambda: done.result(10))
        assert error.fault is Fault.CAPACITY
        assert 'migration limit "1" was reached' in error.words
        assert still.world.whereabouts(still.web) == ("HOST01",)

    def test_a_connection_that_breaks_leaves_it_unknown(self, lab: Lab) -> None:
        lab.world.fail_next(lab.web, at_percent=47)
        error = refusal(lambda: lab.open().move(move(), ignore))
        assert (error.fault, error.code) == (Fault.UNKNOWN, "0X80072746")
        assert "forcibly closed by the remote host" in error.words

    def test_a_missing_switch(self, lab: Lab) -> None:
        lab.hosts[1].switches = ()
        error = refusal(lambda: lab.open().move(move(), ignore))
        assert error.fault is Fault.CONFIGURATION
        assert "switch" in error.cause

    def test_a_full_host(self, lab: Lab) -> None:
        lab.hosts[1].memory_bytes = 6 * GIB
        error = refusal(lambda: lab.open().move(move(), ignore))
        assert (error.fault, error.code) == (Fault.CAPACITY, "0X8007000E")

    def test_migration_switched_off(self, lab: Lab) -> None:
        lab.hosts[1].migration_enabled = False
        error = refusal(lambda: lab.open().move(move(), ignore))
        assert error.fault is Fault.CONFIGURATION
        assert "switched off" in error.cause

    def test_a_vm_that_is_gone(self, lab: Lab) -> None:
        error = refusal(lambda: lab.open().move(move(vm=NOBODY), ignore))
        assert error.fault is Fault.UNKNOWN
        assert "does not know that VM" in error.cause

    def test_a_vm_that_is_being_backed_up(self, lab: Lab) -> None:
        lab.web.backing_up = True
        error = refusal(lambda: lab.open().move(move(), ignore))
        assert (error.fault, error.code) == (Fault.TRANSIENT, "ObjectInUse")

    def test_a_destination_that_is_down(self, lab: Lab) -> None:
        lab.world.kill_host("host02")
        error = refusal(lambda: lab.open().move(move(), ignore))
        assert error.fault is Fault.TRANSIENT


class TestStopping:
    def test_a_move_under_way_is_stopped(self, still: Lab) -> None:
        fleet = still.open()
        done = still.in_background(lambda: fleet.move(move(), ignore))
        still.until_percent(40)
        assert fleet.stop("host01", only_job(fleet.look("host01", WEB_ID)))
        still.to_the_end()
        error = refusal(lambda: done.result(10))
        assert "stopped" in error.cause
        assert only_job(fleet.look("host01", WEB_ID)).state == JobState.TERMINATED
        assert still.world.whereabouts(still.web) == ("HOST01",)

    def test_shortly_before_the_end_it_is_too_late(self, still: Lab) -> None:
        fleet = still.open()
        done = still.in_background(lambda: fleet.move(move(), ignore))
        still.until_percent(98)
        job = only_job(fleet.look("host01", WEB_ID))
        assert not job.cancellable
        assert not fleet.stop("host01", job)
        still.to_the_end()
        done.result(10)
        assert still.world.whereabouts(still.web) == ("HOST02",)

    def test_a_job_that_the_host_has_forgotten(self, lab: Lab) -> None:
        assert not lab.open().stop("host01", Job(id=NOBODY, vm=WEB_ID, state=JobState.RUNNING))


class TestLettingGo:
    def test_a_move_goes_on_when_ferry_closes(self, still: Lab) -> None:
        fleet = still.open(read_timeout_s=2)
        done = still.in_background(lambda: fleet.move(move(), ignore))
        still.until_percent(40)
        fleet.close()
        error = refusal(lambda: done.result(10))
        assert error.fault is Fault.UNKNOWN
        still.to_the_end()
        assert still.world.whereabouts(still.web) == ("HOST02",)
        assert Event.COMPLETED in [entry.event for entry in still.world.journal.entries]
        assert Event.CANCEL_REQUESTED not in [entry.event for entry in still.world.journal.entries]

    def test_a_host_that_goes_away_leaves_it_unknown_and_the_move_goes_on(self, still: Lab) -> None:
        fleet = still.open(read_timeout_s=2)
        done = still.in_background(lambda: fleet.move(move(), ignore))
        still.until_percent(40)
        still.servers["host01"].unreachable()
        error = refusal(lambda: done.result(20))
        assert (error.fault, isinstance(error, HostUnreachable)) == (Fault.UNKNOWN, True)
        still.servers["host01"].unreachable(False)
        still.to_the_end()
        assert fleet.look("host01", WEB_ID).vm is None
        assert fleet.look("host02", WEB_ID).vm is not None
