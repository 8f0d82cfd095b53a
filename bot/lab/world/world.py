"""The simulated world: hosts, shares, virtual machines, the migrations under way, and time.

Everything is under one lock and computed from the clock when somebody looks; there is no thread. Safe to use from any
thread. It is as strict as Hyper-V: what a host would refuse is refused with the same identifiers and texts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import inf
from uuid import UUID

from bot.lab.world import faults, migration
from bot.lab.world.clock import RunningClock, WorldClock
from bot.lab.world.cluster import CLUSTER_STORAGE, Cluster, Group, Node, RoleMove
from bot.lab.world.compatibility import Incompatibility, find_incompatibilities
from bot.lab.world.draining import NodeService
from bot.lab.world.estate import Estate
from bot.lab.world.faults import HyperVError
from bot.lab.world.jobs import Job, MigrationType
from bot.lab.world.journal import Event, Journal
from bot.lab.world.layout import Layout
from bot.lab.world.machines import Host, State, Vm
from bot.lab.world.roles import ClusterService
from bot.lab.world.schedule import OrderedFault, Schedule
from bot.lab.world.storage import Share, is_share_path

MOVABLE = frozenset({State.RUNNING, State.OFF, State.SAVED, State.PAUSED})


@dataclass(frozen=True)
class MoveRequest:
    """What Move-VM or Compare-VM asks of the source's VMMS.

    Attributes:
        destination: the host's name as it was typed.
        layout: None unless storage moves too.
    """

    vm: UUID
    destination: str
    layout: Layout | None = None
    owner: str = "LAB\\operator"


class World:
    """Make one, add hosts, shares and VMs, then let machines of `bot.lab.cmdlets` answer for its hosts.

    Args:
        core_bytes_s: what the network between all hosts carries together, on the wire.
    """

    def __init__(self, clock: WorldClock | None = None, *, core_bytes_s: float = inf) -> None:
        self.clock: WorldClock = clock or RunningClock()
        self.journal = Journal()
        self._estate = Estate(core_bytes_s)
        self._changed = threading.Condition(threading.RLock())
        self._held = 0  # how many looks are nested in this moment
        self._told = 0  # how many journal entries those who wait have been told of
        self._schedule = Schedule(self._estate, self.journal, self.clock.now())
        self._service = ClusterService(self._estate, self._schedule)
        self._nodes = NodeService(self._service)
        self._power_watchers: list[Callable[[Host], None]] = []

    # Building

    def add_host(self, host: Host) -> Host:
        with self._changed:
            self._estate.hosts.append(host)
            return host

    def add_share(self, share: Share) -> Share:
        with self._changed:
            self._estate.shares.append(share)
            return share

    def add_vm(self, host: Host, vm: Vm) -> Vm:
        """Place a VM with its files on a host. Raises LookupError unless its paths lie in stores that exist."""
        with self._changed:
            self._estate.place(host, vm)
            vm.created_at = vm.created_at or self._schedule.now
            return vm

    def add_cluster(self, cluster: Cluster) -> Cluster:
        """A failover cluster of hosts that were added before, with its volumes."""
        with self._changed:
            self._estate.clusters.append(cluster)
            return cluster

    def add_role(self, cluster: Cluster, vm: Vm) -> Group:
        """Make a VM on one of its nodes a role of the cluster."""
        with self._changed:
            vm.clustered = True
            group = Group(vm)
            cluster.groups.append(group)
            return group

    # Looking

    @contextmanager
    def look(self) -> Iterator[datetime]:
        """Hold the world still at this moment: what is read or changed inside belongs together. Gives the time."""
        with self._changed:
            if not self._held:
                self._schedule.settle(self.clock.now())
            self._held += 1
            try:
                yield self._schedule.now
            finally:
                self._held -= 1
                if len(self.journal) > self._told:
                    self._told = len(self.journal)
                    self._changed.notify_all()

    @property
    def hosts(self) -> tuple[Host, ...]:
        return tuple(self._estate.hosts)

    @property
    def shares(self) -> tuple[Share, ...]:
        return tuple(self._estate.shares)

    def host(self, name: str) -> Host:
        """By short name or FQDN, in any case. Raises LookupError."""
        return self._estate.host(name)

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        return tuple(self._estate.clusters)

    def cluster_of(self, host: Host) -> Cluster | None:
        """The cluster that the host is a node of."""
        return self._estate.cluster_of(host)

    def vm(self, name: str, host: str | None = None) -> Vm:
        """The only VM of that name (on that host). Raises LookupError if there is none or more than one."""
        with self.look():
            places = [self.host(host)] if host else self._estate.hosts
            found = [vm for place in places for vm in place.vms.values() if vm.name.casefold() == name.casefold()]
            if len(found) != 1:
                raise LookupError(f"the world has {len(found)} VMs named {name}")
            return found[0]

    def whereabouts(self, vm: Vm) -> tuple[str, ...]:
        """Short names of the hosts that hold the realised VM: one, unless something is badly wrong."""
        with self.look():
            return tuple(host.name for host in self._estate.hosts if vm.id in host.vms)

    def opens(self, host: Host, path: str) -> bool:
        """Whether the host reaches that file and it is there."""
        with self.look():
            store = self._estate.store_for(host, path)
            return not isinstance(store, str) and store.holds(path)

    def active_jobs(self, host: Host | None = None) -> tuple[Job, ...]:
        """Migrations under way that the host takes part in, at either end."""
        with self.look():
            return tuple(job for job in self._schedule.jobs if job.active and (host is None or job.at(host)))

    def job(self, host: Host, job_id: UUID) -> Job | None:
        with self.look():
            return next((job for job in host.jobs if job.id == job_id), None)

    def wait_until(self, predicate: Callable[[], bool], timeout_s: float) -> bool:
        """Wait for something to become true, at most so many real seconds. Safe from any thread."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                with self.look():
                    if predicate():
                        return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                # Time itself changes the world without telling anybody, so the wait is short.
                self._changed.wait(min(left, 0.02))

    # What VMMS does

    def start_move(self, source: Host, request: MoveRequest) -> Job:
        """Begin a migration. Raises HyperVError for what Move-VM refuses before there is a job."""
        with self.look():
            vm, destination = self._check_request(source, request)
            destination.planned.pop(vm.id, None)  # Move-VM deletes what a comparison left behind
            both = request.layout is not None
            kind = MigrationType.VIRTUAL_SYSTEM_AND_STORAGE if both else MigrationType.VIRTUAL_SYSTEM
            job = Job(vm, source, destination, kind, request.owner, self._schedule.now, request.layout)
            return self._schedule.start(job, migration.move(self._schedule, job))

    def start_compare(self, source: Host, request: MoveRequest) -> Job:
        """Begin a comparison: it stages a planned VM on the destination."""
        with self.look():
            vm, destination = self._check_request(source, request)
            job = Job(vm, source, destination, MigrationType.STAGED, request.owner, self._schedule.now, request.layout)
            return self._schedule.start(job, migration.stage(self._schedule, job))

    def incompatibilities(self, source: Host, request: MoveRequest) -> tuple[Incompatibility, ...]:
        with self.look():
            vm, destination = self._vm_on(source, request.vm), self._reach(source, request.destination)
            return find_incompatibilities(vm, source, destination, request.layout, self._estate.store_for)

    def start_storage_move(self, host: Host, vm_id: UUID, layout: Layout, owner: str = "LAB\\operator") -> Job:
        with self.look():
            vm = self._vm_on(host, vm_id)
            layout.check_paths()
            self._check_idle(vm)
            self._check_cluster_storage(vm, layout)
            job = Job(vm, host, None, MigrationType.STORAGE, owner, self._schedule.now, layout)
            return self._schedule.start(job, migration.move_storage(self._schedule, job))

    def request_state_change(self, job: Job, requested: int) -> int:
        """Msvm_MigrationJob.RequestStateChange; 4 terminates, 5 kills. Returns its return code (Microsoft Learn)."""
        with self.look():
            return self._schedule.request_state_change(job, requested)

    def remove_vm(self, host: Host, vm_id: UUID) -> None:
        """Remove a planned VM, or a realised one that is off (its disks stay). Raises HyperVError."""
        with self.look():
            planned = host.planned.get(vm_id)
            if planned is not None:
                if planned.job is not None:
                    raise faults.in_use(planned.vm.name)
                del host.planned[vm_id]
                self._schedule.note(host, Event.PLANNED_REMOVED, planned.vm)
                return
            vm = self._vm_on(host, vm_id)
            if vm.state not in (State.OFF, State.SAVED):
                raise faults.wrong_state(vm.name)
            self._check_idle(vm)
            del host.vms[vm_id]
            self._schedule.note(host, Event.VM_REMOVED, vm)

    # What the cluster service does

    def move_role(
        self, cluster: Cluster, group: Group, node: str, how: RoleMove = RoleMove.LIVE, owner: str = "LAB\\operator"
    ) -> None:
        """Begin to move a role to a node, or queue it. Raises ClusterError."""
        with self.look():
            self._service.move(cluster, group, node, how, owner)

    def cancel_role_move(self, group: Group) -> None:
        """Raises ClusterError."""
        with self.look():
            self._service.cancel(group)

    def suspend_node(self, cluster: Cluster, node: Node, owner: str = "LAB\\operator", *, drain: bool = True) -> None:
        """Pause a node, and begin to drain it. Raises ClusterError."""
        with self.look():
            self._nodes.suspend(cluster, node, owner, drain=drain)

    def resume_node(
        self, cluster: Cluster, node: Node, owner: str = "LAB\\operator", *, failback: bool = False
    ) -> None:
        """Let it take part again. Raises ClusterError."""
        with self.look():
            self._nodes.resume(cluster, node, owner, failback=failback)

    # What tests and other people do

    def start_foreign_move(
        self, vm: Vm, destination: str, storage_path: str | None = None, owner: str = "LAB\\another-admin"
    ) -> Job:
        """A live migration that somebody else starts, on the host itself."""
        with self.look():
            source = next(host for host in self._estate.hosts if vm.id in host.vms)
            layout = Layout.below(storage_path, vm) if storage_path else None
            return self.start_move(source, MoveRequest(vm.id, destination, layout, owner))

    def start_foreign_storage_move(self, vm: Vm, path: str, owner: str = "LAB\\another-admin") -> Job:
        with self.look():
            host = next(host for host in self._estate.hosts if vm.id in host.vms)
            return self.start_storage_move(host, vm.id, Layout.below(path, vm), owner)

    def fail_next(
        self, vm: Vm, at_percent: int = 47, error: HyperVError | None = None, *, every_time: bool = False
    ) -> None:
        """Let the VM's next migration (or every one) fail at that percentage.

        Args:
            error: what it fails with; None: the connection to the destination breaks, or the disk is full.
        """
        with self.look():
            self._schedule.faults[vm.id] = OrderedFault(at_percent, error, every_time)

    def kill_host(self, name: str) -> None:
        """A host stops answering at once: its VMs are down, its jobs gone, moves to it fail; its roles fail over."""
        with self.look():
            host = self.host(name)
            host.up = False
            for job in self.active_jobs(host):
                self._schedule.break_off(job, lost_records=job.source is host)
            for vm in host.vms.values():
                vm.backing_up = False
            host.jobs.clear()
            self._schedule.note(host, Event.HOST_DOWN)
            self._service.fail_over(host)
        self._tell_power(host)

    def return_host(self, name: str) -> None:
        """The host answers again; VMs that ran there have been started anew."""
        with self.look():
            host = self.host(name)
            host.up = True
            for vm in host.vms.values():
                if vm.running:
                    vm.started_at = self._schedule.now
            self._schedule.note(host, Event.HOST_UP)
        self._tell_power(host)

    def watch_power(self, tell: Callable[[Host], None]) -> None:
        """Have somebody told, outside the lock, whenever a host has gone down or come back (`host.up`)."""
        self._power_watchers.append(tell)

    def restart_vmms(self, name: str) -> None:
        """The management service restarts: VMs run on, migrations from and to it fail, its job records are gone."""
        with self.look():
            host = self.host(name)
            for job in self.active_jobs(host):
                self._schedule.break_off(job, lost_records=job.source is host)
            host.jobs.clear()
            self._schedule.note(host, Event.VMMS_RESTARTED)

    # Inside

    def _tell_power(self, host: Host) -> None:
        for tell in self._power_watchers:
            tell(host)

    def _vm_on(self, host: Host, vm_id: UUID) -> Vm:
        vm = host.vms.get(vm_id)
        if vm is None:
            raise faults.vm_id_not_found(str(vm_id))
        return vm

    def _reach(self, source: Host, name: str) -> Host:
        """The first hop: from the process that runs the cmdlet to the destination's management service."""
        destination = self._estate.find_host(name)
        if destination is None:
            raise faults.unknown_computer(name)
        if not destination.up:
            raise faults.unreachable_computer(name)
        if not destination.service_running:
            raise faults.service_stopped(name)
        if destination is source:
            raise faults.same_computer(source.name)
        return destination

    def _check_request(self, source: Host, request: MoveRequest) -> tuple[Vm, Host]:
        vm = self._vm_on(source, request.vm)
        destination = self._reach(source, request.destination)
        if not source.migration_enabled:
            raise faults.migrations_disabled(source.name, "source")
        if not destination.migration_enabled:
            raise faults.migrations_disabled(destination.name, "destination")
        if not destination.listener_addresses:
            raise faults.no_migration_network(destination.name)
        if request.layout is not None:
            request.layout.check_paths()
            if vm.clustered:
                raise faults.clustered(vm.name)
        self._check_idle(vm)
        return vm, destination

    def _check_cluster_storage(self, vm: Vm, layout: Layout) -> None:
        """A clustered VM's files belong where every node reaches them (reported behaviour of Move-VMStorage)."""
        for path in (layout.configuration, *layout.disks.values()) if vm.clustered else ():
            if path and not is_share_path(path) and not path.casefold().startswith(CLUSTER_STORAGE.casefold()):
                raise faults.not_cluster_storage(vm.name, path)

    def _check_idle(self, vm: Vm) -> None:
        if vm.moving or vm.backing_up:
            raise faults.in_use(vm.name)
        if vm.state not in MOVABLE:
            raise faults.wrong_state(vm.name)
