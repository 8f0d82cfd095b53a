"""Move-VM, Move-VMStorage, Compare-VM and Remove-VM.

The migration belongs to VMMS (the world): these cmdlets start a job and watch it about once a second. When their
pipeline is stopped they stop watching; nothing is cancelled (no StopProcessing in the module, reported behaviour).
All failures are non-terminating errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from bot.lab.cmdlets import things
from bot.lab.cmdlets.enums import HV, enum
from bot.lab.cmdlets.finding import (
    COMMANDS,
    REMOTE,
    Found,
    by_exact_name,
    by_names,
    handle_of,
    no_remote,
    record,
)
from bot.lab.cmdlets.things import VIRTUAL_MACHINE, VmHandle
from bot.lab.engine import Arguments, Cmdlet, In, Int64, Kind, Parameter, PsArray, PsObject, Records, Session, Value
from bot.lab.world import HyperVError, Job, Layout, MoveRequest, Vm, faults
from bot.lab.world.compatibility import Incompatibility
from bot.lab.world.storage import file_name

REPORT = HV + "VMCompatibilityReport"
POLL_S = 1.0  # how often the module looks at the job, in the world's time

_NAME = ("NameSingleDestination", "NameMultipleDestinations")
_VM = ("VMSingleDestination", "VMMultipleDestinations")
_SINGLE = (_NAME[0], _VM[0])
_MULTIPLE = (_NAME[1], _VM[1])
_BOTH = (*_NAME, *_VM)


def _in(*sets: str, mandatory: bool = False, position: int | None = None, pipeline: bool = False) -> tuple[In, ...]:
    return tuple(In(name, mandatory, position, pipeline) for name in sets)


_IDENTITY = (
    Parameter("Name", Kind.STRING, _in(*_NAME, mandatory=True, position=0, pipeline=True), ("VMName",)),
    Parameter("VM", VIRTUAL_MACHINE, _in(*_VM, mandatory=True, position=0, pipeline=True)),
)
_TO_HOST = (
    Parameter("DestinationHost", Kind.STRING, _in(*_BOTH, mandatory=True, position=1)),
    Parameter("DestinationCredential", Kind.OBJECT, _in(*_BOTH)),
    Parameter("IncludeStorage", Kind.SWITCH, _in(*_SINGLE)),
    Parameter("DestinationStoragePath", Kind.STRING, _in(*_SINGLE)),
)
_FILES = (
    Parameter("VirtualMachinePath", Kind.STRING, _in(*_MULTIPLE)),
    Parameter("SnapshotFilePath", Kind.STRING, _in(*_MULTIPLE), ("CheckpointFileLocation", "SnapshotFileLocation")),
    Parameter("SmartPagingFilePath", Kind.STRING, _in(*_MULTIPLE)),
    Parameter("Vhds", Kind.HASHTABLES, _in(*_MULTIPLE)),
)


def _layout(given: Arguments, vm: Vm) -> Layout | None:
    """What the storage parameters ask for; None if they ask for nothing.

    Raises:
        HyperVError: a mapping in -Vhds is incomplete or renames a disk.
    """
    path = given["DestinationStoragePath"]
    if path:
        return Layout.below(path, vm)
    if given["IncludeStorage"]:
        return Layout(disks={disk.path: disk.path for disk in vm.disks if disk.files}, same_paths=True)
    disks = dict(_disk_mapping(entry) for entry in given["Vhds"] or ())
    folders = (given["VirtualMachinePath"], given["SnapshotFilePath"], given["SmartPagingFilePath"])
    return Layout(*folders, disks) if disks or any(folders) else None


def _disk_mapping(entry: dict[str, Any]) -> tuple[str, str]:
    source, target = str(entry.get("SourceFilePath") or ""), str(entry.get("DestinationFilePath") or "")
    if not source or not target or file_name(source).casefold() != file_name(target).casefold():
        raise faults.names_differ()
    return source, target


def _targets(session: Session, given: Arguments, command: str) -> Found:
    no_remote(given, command)
    if given["VM"] is not None:
        return Found((handle_of(given["VM"]),))
    return by_exact_name(session.machine, given["Name"], command)


async def _watch(session: Session, job: Job, activity: str) -> None:
    """Report a job's progress until it has ended. Looks, never touches."""
    world = session.machine.world
    shown = -1
    while True:
        with world.look():
            percent, active = job.percent, job.active
        if not active:
            break
        if percent != shown:
            await session.progress(activity, percent)
            shown = percent
        await asyncio.sleep(max(0.005, world.clock.real_s(POLL_S)))
    await session.progress(activity, percent, done=True)


async def _carry_out(session: Session, command: str, start: Callable[[], Job]) -> Job | None:
    """Start a job and follow it; None after an error record was written."""
    try:
        job = start()
    except HyperVError as error:
        await session.error(record(error, command))
        return None
    await _watch(session, job, job.title)
    if job.error is not None:
        await session.error(record(job.error, command))
        return None
    return job


async def _move_vm(session: Session, records: Records) -> AsyncIterator[object]:
    world = session.machine.world
    async for given in records:
        if given["CompatibilityReport"] is not None:
            requests = [_reported(given["CompatibilityReport"])]
        else:
            requests = await _requests(session, given, "MoveVM")
        await session.confirm(high_impact=False, forced=False)
        for handle, request in requests if not session.what_if else ():
            job = await _carry_out(session, "MoveVM", _starter(world.start_move, handle, request))
            if job is not None and given["Passthru"] and job.destination is not None:
                with world.look() as now:
                    item = things.virtual_machine(VmHandle(job.destination, job.vm), now)
                yield item


async def _requests(session: Session, given: Arguments, command: str) -> list[tuple[VmHandle, MoveRequest]]:
    """What is asked of each VM's host; errors for those that are not there are written."""
    with session.machine.world.look():
        found = _targets(session, given, command)
    errors = list(found.errors)
    requests: list[tuple[VmHandle, MoveRequest]] = []
    for handle in found.handles:
        try:
            layout = _layout(given, handle.vm)
        except HyperVError as error:
            errors.append(record(error, command))
            continue
        requests.append((handle, MoveRequest(handle.vm.id, given["DestinationHost"], layout, session.user)))
    for problem in errors:
        await session.error(problem)
    return requests


def _reported(report: PsObject) -> tuple[VmHandle, MoveRequest]:
    """What the comparison behind a live report was asked."""
    handle, request = cast(tuple[VmHandle, MoveRequest], report.native)
    return handle, request


MOVE_VM = Cmdlet(
    "Move-VM",
    COMMANDS + "MoveVM",
    (
        *_IDENTITY,
        Parameter("CompatibilityReport", REPORT, _in("CompatibilityReport", mandatory=True, position=0, pipeline=True)),
        *_TO_HOST,
        *_FILES,
        Parameter("RetainVhdCopiesOnSource", Kind.SWITCH, _in(*_BOTH)),
        Parameter("RemoveSourceUnmanagedVhds", Kind.SWITCH, _in(*_BOTH)),
        Parameter("Passthru", Kind.SWITCH),
        *REMOTE,
    ),
    _move_vm,
    (*_NAME, *_VM, "CompatibilityReport"),
    should_process=True,
)


async def _compare_vm(session: Session, records: Records) -> AsyncIterator[object]:
    world = session.machine.world
    async for given in records:
        await session.confirm(high_impact=False, forced=False)
        requests = await _requests(session, given, "CompareVM")
        for handle, request in requests if not session.what_if else ():
            job = await _carry_out(session, "CompareVM", _starter(world.start_compare, handle, request))
            if job is None or job.destination is None:
                continue
            with world.look() as now:
                planned = VmHandle(job.destination, job.vm, planned=True)
                entries = world.incompatibilities(handle.host, request)
                report = _report(handle, request, things.virtual_machine(planned, now), planned, entries)
            yield report


def _starter(start: Callable[[Any, MoveRequest], Job], handle: VmHandle, request: MoveRequest) -> Callable[[], Job]:
    return lambda: start(handle.host, request)


def _report(
    handle: VmHandle,
    request: MoveRequest,
    planned_vm: PsObject,
    planned: VmHandle,
    entries: tuple[Incompatibility, ...],
) -> PsObject:
    both = request.layout is not None
    kind = ("MoveVirtualMachineAndStorage", 2) if both else ("MoveVirtualMachine", 0)
    errors = tuple(_compatibility_error(entry, planned, planned_vm) for entry in entries)
    properties: dict[str, Value] = {
        "VM": planned_vm,
        "OperationType": enum("OperationType", *kind),
        "Destination": request.destination,
        "Path": None,
        "SnapshotPath": None,
        "VhdDestinationPath": None,
        "VhdSourcePath": None,
        "Incompatibilities": PsArray(HV + "VMCompatibilityError", errors),
    }
    return PsObject((REPORT,), properties, REPORT, native=(handle, request))


def _compatibility_error(entry: Incompatibility, planned: VmHandle, planned_vm: PsObject) -> PsObject:
    sources: dict[str, Callable[[], list[PsObject]]] = {
        "switch": lambda: things.network_adapters(planned),
        "dvd": lambda: things.dvd_drives(planned),
        "processor": lambda: [things.processor(planned)],
        "disk": lambda: things.hard_disk_drives(planned),
    }
    read = sources.get(entry.source)
    properties: dict[str, Value] = {
        "Message": entry.message,
        "MessageId": Int64(entry.message_id),
        "Source": next(iter(read()), None) if read else planned_vm,
    }
    return PsObject((HV + "VMCompatibilityError",), properties, HV + "VMCompatibilityError")


COMPARE_VM = Cmdlet(
    "Compare-VM",
    COMMANDS + "CompareVM",
    (*_IDENTITY, *_TO_HOST, *_FILES, Parameter("RetainVhdCopiesOnSource", Kind.SWITCH, _in(*_BOTH)), *REMOTE),
    _compare_vm,
    (*_NAME, *_VM),
    should_process=True,
)


async def _move_vm_storage(session: Session, records: Records) -> AsyncIterator[object]:
    world = session.machine.world
    async for given in records:
        with world.look():
            found = _targets(session, given, "MoveVMStorage")
        for error in found.errors:
            await session.error(error)
        await session.confirm(high_impact=False, forced=False)
        for handle in found.handles if not session.what_if else ():
            await _carry_out(session, "MoveVMStorage", _storage_starter(session, handle, given))
    nothing: tuple[object, ...] = ()  # it has no -Passthru
    for item in nothing:
        yield item


def _storage_starter(session: Session, handle: VmHandle, given: Arguments) -> Callable[[], Job]:
    def start() -> Job:
        layout = _layout(given, handle.vm)
        if layout is None:
            raise faults.no_destination()
        job: Job = session.machine.world.start_storage_move(handle.host, handle.vm.id, layout, session.user)
        return job

    return start


MOVE_VM_STORAGE = Cmdlet(
    "Move-VMStorage",
    COMMANDS + "MoveVMStorage",
    (
        *_IDENTITY,
        Parameter("DestinationStoragePath", Kind.STRING, _in(*_SINGLE, mandatory=True, position=1)),
        *_FILES,
        Parameter("RetainVhdCopiesOnSource", Kind.SWITCH, _in(*_BOTH)),
        Parameter("RemoveSourceUnmanagedVhds", Kind.SWITCH, _in(*_BOTH)),
        Parameter("AllowUnverifiedPaths", Kind.SWITCH, _in(*_BOTH)),
        *REMOTE,
    ),
    _move_vm_storage,
    (*_NAME, *_VM),
    should_process=True,
)


async def _remove_vm(session: Session, records: Records) -> AsyncIterator[object]:
    world = session.machine.world
    async for given in records:
        no_remote(given, "RemoveVM")
        with world.look():
            if given["VM"] is not None:
                found = Found(tuple(handle_of(item) for item in given["VM"]))
            else:
                found = by_names(session.machine, given["Name"], "RemoveVM")
        for error in found.errors:
            await session.error(error)
        await session.confirm(high_impact=True, forced=bool(given["Force"]))
        for handle in found.handles if not session.what_if else ():
            try:
                world.remove_vm(handle.host, handle.vm.id)
            except HyperVError as error:
                await session.error(record(error, "RemoveVM"))
                continue
            if given["Passthru"]:
                with world.look() as now:
                    item = things.virtual_machine(handle, now)
                yield item


REMOVE_VM = Cmdlet(
    "Remove-VM",
    COMMANDS + "RemoveVM",
    (
        Parameter("Name", Kind.STRINGS, (In("Name", mandatory=True, position=0, pipeline=True),), ("VMName",)),
        Parameter("VM", VIRTUAL_MACHINE, (In("VMObject", mandatory=True, position=0, pipeline=True),), many=True),
        Parameter("Force", Kind.SWITCH),
        Parameter("Passthru", Kind.SWITCH),
        *REMOTE,
    ),
    _remove_vm,
    ("Name", "VMObject"),
    should_process=True,
)

CMDLETS = (MOVE_VM, MOVE_VM_STORAGE, COMPARE_VM, REMOVE_VM)
