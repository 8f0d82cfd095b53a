"""The course of a migration: which steps it has, and what happens between them.

Each function is a generator: it yields a step, is asked for the next one when the world's time has passed it, and
raises HyperVError when the migration fails there. Closing it (cancelled, host gone) undoes what it has prepared.

Facts (Microsoft Learn, "Live Migration Overview"; Msvm_MigrationJob):
1. Compatibility, switch and memory errors come while the planned VM is set up, below 10 percent.
2. With storage, disks are copied before memory; then memory is copied in passes, each carrying what the guest has
   changed during the one before; the VM stands still only for the last remainder.
3. The source shows the VM as running until it has gone; the destination holds a planned VM meanwhile.
Durations and percentages of the phases are assumed, chosen so that 8 GiB over 10 Gbit/s take about ten seconds.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import datetime
from typing import Protocol

from bot.lab.world import faults
from bot.lab.world.compatibility import find_incompatibilities
from bot.lab.world.faults import HyperVError
from bot.lab.world.jobs import Job, Step
from bot.lab.world.layout import FileMove, check_room
from bot.lab.world.machines import Host, Performance, PlannedVm, State, Status
from bot.lab.world.storage import Store, Volume, is_share_path

CONNECT_S = 0.4
SWITCH_OVER_S = 0.4
FINISH_S = 0.4
NETWORK_EFFICIENCY = 0.88  # of the wire's speed; 1.1 GB/s on 10 GbE
# What part of a link one migration can fill: one TCP connection not all of it (assumed); compression and SMB do.
TRANSPORT = {Performance.TCPIP: 0.6, Performance.COMPRESSION: 1.0, Performance.SMB: 1.0}
MOST_PASSES = 10  # reported for Windows Server 2008 R2; the present number is not documented
REMAINDER_S = 0.3  # a pass that would take less than this is sent while the VM stands still


Steps = Generator[Step, None, None]


class Place(Protocol):
    """What a migration needs of the world."""

    def elapsed_s(self) -> float:
        """The world's time, in seconds since some fixed moment."""

    def time(self) -> datetime: ...

    def store_for(self, host: Host, path: str) -> Store | str:
        """The store a host reaches a path in, or why it does not (an English sentence with HRESULT)."""

    def over_migration_limit(self, job: Job) -> int | None: ...

    def over_storage_limit(self, job: Job) -> int | None: ...

    def admit(self, job: Job) -> None:
        """From here on the job counts against the limits of its hosts."""

    def hand_over(self, job: Job) -> None: ...


def move(place: Place, job: Job) -> Steps:
    """A VM to another host, with its storage or without."""
    vm, destination = job.vm, _destination(job)
    yield Step(0, 1, seconds=CONNECT_S, phase=Status.MIGRATING_VIRTUAL_MACHINE)
    _check_start(place, job)
    planned = PlannedVm(vm, job)
    destination.planned[vm.id] = planned
    written: list[tuple[Store, FileMove]] = []
    try:
        yield Step(1, 5, seconds=destination.setup_s, phase=Status.MIGRATING_VIRTUAL_MACHINE)
        _check_fit(place, job)
        planned.memory_bytes = vm.assigned_bytes
        files = _planned_files(place, job)
        for store, file in files:
            store.put(file.target, file.size_bytes)
            written.append((store, file))
        memory_from = 80.0 if files else 9.0
        yield from _copy_files(place, job, files, 5.0, memory_from, network=True)
        if vm.running:
            yield from _copy_memory(place, job, memory_from)
        _check_registration(job)
        _remove_source_files(place, job, files)
        written.clear()
        place.hand_over(job)
    finally:
        for store, file in written:
            store.delete(file.target)
        if destination.planned.get(vm.id) is planned:
            del destination.planned[vm.id]
    yield Step(98, 100, seconds=FINISH_S, cancellable=False)


def move_storage(place: Place, job: Job) -> Steps:
    """A VM's files to other places on the same host."""
    vm, host = job.vm, job.source
    yield Step(0, 1, seconds=CONNECT_S, phase=Status.STORAGE_MIGRATION_PHASE_ONE)
    limit = place.over_storage_limit(job)
    if limit is not None:
        raise faults.storage(vm.name, vm.guid, faults.storage_limit(vm.name, limit))
    place.admit(job)
    files = _planned_files(place, job)
    if not files:
        raise faults.storage(vm.name, vm.guid, faults.copy_failed(vm.path, faults.FILE_EXISTS))
    for store, file in files:
        store.put(file.target, file.size_bytes)
    written = list(files)
    try:
        yield from _copy_files(place, job, files, 2.0, 95.0, network=False)
        yield Step(95, 98, seconds=SWITCH_OVER_S, cancellable=False, phase=Status.STORAGE_MIGRATION_PHASE_TWO)
        assert job.layout is not None
        for file in (file for _, file in files):
            old = place.store_for(host, file.source)
            if isinstance(old, Store):
                old.delete(file.source)
        job.layout.apply(vm)
        written.clear()
    finally:
        for store, file in written:
            store.delete(file.target)
    yield Step(98, 100, seconds=FINISH_S, cancellable=False)


def move_quickly(place: Place, job: Job) -> Steps:
    """A VM's role to another node: what is in memory is saved to its storage, and restored there."""
    vm, was = job.vm, job.vm.state
    yield Step(0, 5, seconds=CONNECT_S, cancellable=False)
    _check_connection(job)
    _check_fit(place, job)
    place.admit(job)
    amount = vm.assigned_bytes
    if amount:
        yield _saved(place, job, job.source, 5, 50, amount)
        vm.state, vm.started_at = State.SAVED, None
    place.hand_over(job)
    if amount:
        yield _saved(place, job, _destination(job), 50, 98, amount)
        vm.state, vm.started_at = was, place.time()
    yield Step(98, 100, seconds=FINISH_S, cancellable=False)


def _saved(place: Place, job: Job, host: Host, start: float, end: float, amount: int) -> Step:
    store = place.store_for(host, job.vm.path)
    resources = (_store_resource(host, store),) if isinstance(store, Store) else ()
    return Step(start, end, amount_bytes=amount, resources=resources, cancellable=False)


def stage(place: Place, job: Job) -> Steps:
    """A comparison: leaves a planned VM on the destination."""
    destination = _destination(job)
    yield Step(0, 20, seconds=CONNECT_S)
    _check_connection(job)
    place.admit(job)
    yield Step(20, 100, seconds=destination.setup_s)
    destination.planned[job.vm.id] = PlannedVm(job.vm, None)


def stopping(percent: int) -> Steps:
    """What a cancelled job still needs for its clean-up."""
    yield Step(percent, percent, seconds=FINISH_S, cancellable=False)


def _destination(job: Job) -> Host:
    assert job.destination is not None
    return job.destination


def _fails_at_source(job: Job, description: str) -> HyperVError:
    return faults.at_source(job.vm.name, job.vm.guid, job.source.name, description)


def _fails_at_destination(job: Job, description: str) -> HyperVError:
    return faults.at_destination(job.vm.name, job.vm.guid, _destination(job).name, description)


def _delegates(host: Host) -> bool:
    return host.logons_delegate if host.authentication == 0 else host.constrained_delegation


def _check_connection(job: Job) -> None:
    """Nodes of a cluster trust each other; other hosts need delegated credentials."""
    source, destination = job.source, _destination(job)
    if job.role_move is None and not _delegates(source):
        raise _fails_at_source(job, faults.no_credentials(destination.name))
    if not destination.up:
        raise _fails_at_source(job, faults.refused_connection(destination.name))


def _check_start(place: Place, job: Job) -> None:
    _check_connection(job)
    limit = place.over_migration_limit(job)
    if limit is not None:
        raise _fails_at_source(job, faults.migration_limit(job.vm.name, limit))
    limit = place.over_storage_limit(job) if job.moves_storage else None
    if limit is not None:
        raise _fails_at_source(job, faults.storage_limit(job.vm.name, limit))
    place.admit(job)


def _check_fit(place: Place, job: Job) -> None:
    vm, destination = job.vm, _destination(job)
    misfits = find_incompatibilities(vm, job.source, destination, job.layout, place.store_for)
    if misfits:
        raise _fails_at_destination(job, misfits[0].cause)
    if any(disk.physical_number is not None for disk in vm.disks):
        raise _fails_at_source(job, faults.physical_disk(vm.name))
    if any(disk.shared for disk in vm.disks):
        raise _fails_at_source(job, faults.SHARED_DISK)
    if vm.assigned_bytes > destination.free_memory_bytes:
        raise _fails_at_destination(job, faults.out_of_memory(vm.name))


def _planned_files(place: Place, job: Job) -> list[tuple[Store, FileMove]]:
    if job.layout is None:
        return []
    host = job.destination or job.source
    moves = list(job.layout.files(job.vm))
    stores: list[Store] = []
    for file in moves:
        store = place.store_for(host, file.target)
        if isinstance(store, str):
            raise _storage_fault(job, faults.copy_failed(file.target, store))
        stores.append(store)
    if problem := check_room(moves, stores):
        raise _storage_fault(job, problem)
    return list(zip(stores, moves, strict=True))


def _storage_fault(job: Job, description: str) -> HyperVError:
    if job.destination is None:
        return faults.storage(job.vm.name, job.vm.guid, description)
    return _fails_at_destination(job, description)


def _copy_files(
    place: Place, job: Job, files: list[tuple[Store, FileMove]], start: float, end: float, *, network: bool
) -> Iterator[Step]:
    total = sum(file.size_bytes for _, file in files) or 1
    at = start
    for store, file in files:
        old = place.store_for(job.source, file.source)
        resources = [_store_resource(job.source, old)] if isinstance(old, Store) else []
        resources.append(_store_resource(job.destination or job.source, store))
        if network:
            resources += _network_resources(job)
        part = (end - start) * file.size_bytes / total
        phase = Status.MIGRATING_VIRTUAL_MACHINE if network else Status.STORAGE_MIGRATION_PHASE_ONE
        yield Step(at, at + part, amount_bytes=file.size_bytes, resources=tuple(resources), phase=phase)
        at += part


def _copy_memory(place: Place, job: Job, start: float) -> Iterator[Step]:
    vm, end = job.vm, 95.0
    remaining, at = float(vm.assigned_bytes), start
    for _ in range(MOST_PASSES):
        until = at + (end - at) * 0.85
        began = place.elapsed_s()
        yield _copying(job, at, until, remaining)
        took, at = place.elapsed_s() - began, until
        job.passes += 1
        sent, remaining = remaining, min(float(vm.assigned_bytes), vm.dirty_bytes_s * took)
        if took <= 0 or remaining / (sent / took) < REMAINDER_S:
            break
    stands_still = place.elapsed_s()
    last = _copying(job, at, 98, max(1.0, remaining))
    last.cancellable = False
    yield last
    yield Step(98, 98, seconds=SWITCH_OVER_S, cancellable=False, phase=Status.MIGRATING_VIRTUAL_MACHINE)
    job.blackout_s = place.elapsed_s() - stands_still


def _copying(job: Job, start: float, end: float, amount_bytes: float) -> Step:
    """So much memory, over the links of both hosts."""
    source, destination = job.source, _destination(job)
    link_bytes_s = min(source.network_bytes_s, destination.network_bytes_s) * NETWORK_EFFICIENCY
    return Step(
        start,
        end,
        amount_bytes=amount_bytes,
        resources=_network_resources(job),
        efficiency=NETWORK_EFFICIENCY,
        most_bytes_s=min(source.stream_bytes_s, TRANSPORT[source.performance] * link_bytes_s),
        phase=Status.MIGRATING_VIRTUAL_MACHINE,
    )


def _check_registration(job: Job) -> None:
    """A local configuration path must exist on the destination too; that shows only when everything else is done."""
    vm, destination = job.vm, _destination(job)
    folder = (job.layout.configuration if job.layout else None) or vm.path
    if not is_share_path(folder) and destination.store(folder[:1]) is None:
        raise _fails_at_destination(job, faults.register_failed(vm.name, folder))


def _remove_source_files(place: Place, job: Job, files: list[tuple[Store, FileMove]]) -> None:
    if job.layout is None:
        return
    for _, file in files:
        old = place.store_for(job.source, file.source)
        if isinstance(old, Store):
            old.delete(file.source)
    job.layout.apply(job.vm)


def _store_resource(host: Host, store: Store) -> str:
    return f"store {host.name} {store.name}" if isinstance(store, Volume) else f"store {store.name}"


def _network_resources(job: Job) -> tuple[str, ...]:
    return (f"network {job.source.name}", f"network {_destination(job).name}", "core")
