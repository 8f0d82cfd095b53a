"""Hosts and virtual machines as the world keeps them: plain mutable records, changed only under the world's lock.

Numbers are Hyper-V's own (Microsoft.HyperV.PowerShell enums, Microsoft Learn and the module's type definitions).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from math import inf
from typing import TYPE_CHECKING
from uuid import NAMESPACE_DNS, UUID, uuid5

from bot.lab.world.storage import GIB, Store, Volume, file_name, join

if TYPE_CHECKING:
    from bot.lab.world.jobs import Job


class State(IntEnum):
    """VMState."""

    OTHER = 1
    RUNNING = 2
    OFF = 3
    STOPPING = 4
    SAVED = 6
    PAUSED = 9
    STARTING = 10
    RUNNING_CRITICAL = 32785


class Status(IntEnum):
    """VMOperationalStatus."""

    OK = 2
    IN_SERVICE = 11
    MERGING_DISKS = 32772
    MIGRATING_VIRTUAL_MACHINE = 32774
    BACKING_UP_VIRTUAL_MACHINE = 32776
    STORAGE_MIGRATION_PHASE_ONE = 32778
    STORAGE_MIGRATION_PHASE_TWO = 32779
    MIGRATING_PLANNED_VM = 32780


class Authentication(IntEnum):
    """MigrationAuthenticationType."""

    CREDSSP = 0
    KERBEROS = 1


class Performance(IntEnum):
    """VMMigrationPerformance."""

    TCPIP = 0
    COMPRESSION = 1
    SMB = 2


class SwitchType(IntEnum):
    PRIVATE = 0
    INTERNAL = 1
    EXTERNAL = 2


class DiskType(IntEnum):
    """VhdType."""

    FIXED = 2
    DYNAMIC = 3
    DIFFERENCING = 4


@dataclass(frozen=True)
class Switch:
    name: str
    type: SwitchType = SwitchType.EXTERNAL

    @property
    def id(self) -> UUID:
        return uuid5(NAMESPACE_DNS, f"switch.{self.name}")


@dataclass
class DiskFile:
    path: str
    file_bytes: int


@dataclass(eq=False)
class Disk:
    """A virtual hard disk and the files it consists of, the attached one first and its oldest parent last."""

    files: list[DiskFile]
    size_bytes: int
    type: DiskType = DiskType.DYNAMIC
    physical_number: int | None = None  # a pass-through disk: the host's disk number, and no files
    shared: bool = False

    @property
    def path(self) -> str:
        return self.files[0].path if self.files else f"Disk {self.physical_number}"

    @property
    def parent(self) -> str:
        return self.files[1].path if len(self.files) > 1 else ""


@dataclass(frozen=True)
class Adapter:
    name: str
    switch: str | None
    mac: str = "00155D010203"


@dataclass(frozen=True)
class Checkpoint:
    name: str
    created_at: datetime

    def id(self, vm: UUID) -> UUID:
        return uuid5(vm, f"checkpoint.{self.name}")


@dataclass(eq=False)
class Vm:
    """A virtual machine.

    Attributes:
        dirty_bytes_s: how fast its guest changes memory pages.
        started_at: None unless it runs.
        job: the migration under way, on whichever host.
    """

    name: str
    id: UUID
    state: State = State.OFF
    memory_bytes: int = 4 * GIB
    dynamic_memory: bool = False
    dirty_bytes_s: float = 50e6
    processors: int = 4
    generation: int = 2
    version: str = "10.0"
    clustered: bool = False
    path: str = ""
    checkpoint_path: str = ""
    smart_paging_path: str = ""
    disks: list[Disk] = field(default_factory=list)
    adapters: list[Adapter] = field(default_factory=list)
    dvd_paths: list[str | None] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    created_at: datetime | None = None
    started_at: datetime | None = None
    processor_compatibility: bool = False
    backing_up: bool = False
    notes: str = ""
    job: Job | None = None

    @property
    def running(self) -> bool:
        return self.state in (State.RUNNING, State.PAUSED, State.RUNNING_CRITICAL)

    @property
    def moving(self) -> bool:
        """Whether a migration or comparison of it is under way."""
        return self.job is not None

    @property
    def assigned_bytes(self) -> int:
        return self.memory_bytes if self.running else 0

    @property
    def guid(self) -> str:
        """Upper case, as VMMS writes it."""
        return str(self.id).upper()

    @property
    def configuration_file(self) -> str:
        return join(self.path, "Virtual Machines", f"{self.guid}.vmcx")


@dataclass(eq=False)
class PlannedVm:
    """A VM that is about to arrive, or that a comparison left behind (`job` is None)."""

    vm: Vm
    job: Job | None
    memory_bytes: int = 0


CONFIGURATION_BYTES = 4 << 20


@dataclass(eq=False)
class Host:
    """A Hyper-V host; whether it is a cluster's node, the cluster knows.

    Attributes:
        network_bytes_s: its migration network's speed on the wire, shared by all its migrations, coming and going.
        stream_bytes_s: the most memory that one migration from it carries, however fast the network.
        setup_s: how long it takes to prepare for a VM that comes.
        constrained_delegation: its computer account may delegate to the other hosts (needed for Kerberos).
        logons_delegate: remote sessions on it hold credentials that can be passed on (needed for CredSSP).
        any_network: it takes migrations on any network, and not only on `migration_networks`.
        service_running: whether its management service (vmms) is there to answer.
        clock_skew_s: how far its clock is ahead.
        blocked_ports: TCP ports that its firewall closes.
        up: whether it answers at all.
        failover_clusters: it has the feature, and so the module, although it may be no node.
    """

    fqdn: str
    memory_bytes: int = 128 * GIB
    root_reserve_bytes: int = 4 * GIB
    migration_enabled: bool = True
    authentication: Authentication = Authentication.KERBEROS
    performance: Performance = Performance.COMPRESSION
    constrained_delegation: bool = True
    logons_delegate: bool = False
    listener_addresses: tuple[str, ...] = ("10.0.0.11",)
    maximum_migrations: int = 2
    maximum_storage_migrations: int = 2
    network_bytes_s: float = 10e9 / 8
    stream_bytes_s: float = inf
    setup_s: float = 1.1
    versions: tuple[str, ...] = ("8.0", "8.1", "8.2", "8.3", "9.0", "9.1", "9.2", "9.3", "10.0")
    switches: tuple[Switch, ...] = ()
    volumes: dict[str, Volume] = field(default_factory=dict)
    processor_vendor: str = "GenuineIntel"
    processor_family: str = "Ice Lake"
    logical_processors: int = 32
    vm_path: str = "D:\\VMs"
    disk_path: str = "D:\\VMs\\Virtual Hard Disks"
    isos: frozenset[str] = frozenset()
    shows_planned_vms: bool = True
    any_network: bool = True
    migration_networks: tuple[str, ...] = ()
    service_running: bool = True
    credential_guard: bool = False
    clock_skew_s: float = 0
    blocked_ports: frozenset[int] = frozenset()
    up: bool = True
    failover_clusters: bool = False
    vms: dict[UUID, Vm] = field(default_factory=dict)
    planned: dict[UUID, PlannedVm] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its short name, in capitals, as Windows writes it."""
        return self.fqdn.split(".")[0].upper()

    @property
    def link_gbit_s(self) -> float:
        return self.network_bytes_s * 8 / 1e9

    @property
    def free_memory_bytes(self) -> int:
        used = sum(vm.assigned_bytes for vm in self.vms.values())
        coming = sum(planned.memory_bytes for planned in self.planned.values())
        return max(0, self.memory_bytes - self.root_reserve_bytes - used - coming)

    @property
    def open_ports(self) -> frozenset[int]:
        """Those that matter for migrations: shares, remote management, and its listener if it has one."""
        listens = self.migration_enabled and self.service_running and bool(self.listener_addresses)
        return frozenset({445, 5985} | ({6600} if listens else set())) - self.blocked_ports

    def answers_to(self, name: str) -> bool:
        return name.casefold() in (self.fqdn.casefold(), self.name.casefold())

    def store(self, letter: str) -> Store | None:
        return self.volumes.get(letter.upper())

    def has_switch(self, name: str) -> bool:
        return any(switch.name.casefold() == name.casefold() for switch in self.switches)


def copied_path(folder: str, path: str) -> str:
    """Where Move-VM and Move-VMStorage put a disk file below a destination storage path."""
    return join(folder, "Virtual Hard Disks", file_name(path))
