"""The Get- cmdlets of the Hyper-V module."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable

from bot.lab.cmdlets import things
from bot.lab.cmdlets.enums import HV
from bot.lab.cmdlets.finding import (
    COMMANDS,
    REMOTE,
    Found,
    by_id,
    by_names,
    handles,
    is_pattern,
    matches,
    no_remote,
    snapshot_of,
    vm_names,
    vms_of,
)
from bot.lab.cmdlets.things import SnapshotHandle, VmHandle
from bot.lab.engine import (
    Category,
    Cmdlet,
    In,
    Kind,
    Parameter,
    PsError,
    PsObject,
    Records,
    Session,
)

CLUSTER_OBJECT = "Microsoft.FailoverClusters.PowerShell.ClusterObject"


async def _get_vm(session: Session, records: Records) -> AsyncIterator[object]:
    world = session.machine.world
    async for given in records:
        no_remote(given, "GetVM")
        with world.look() as now:
            if given["Id"] is not None:
                found = by_id(session.machine, given["Id"], "GetVM")
            elif given["Name"]:
                found = by_names(session.machine, given["Name"], "GetVM")
            else:
                found = Found(tuple(handles(session.machine)))
            objects = [things.virtual_machine(handle, now) for handle in found.handles]
        for error in found.errors:
            await session.error(error)
        for item in objects:
            yield item


GET_VM = Cmdlet(
    "Get-VM",
    COMMANDS + "GetVM",
    (
        Parameter("Name", Kind.STRINGS, (In("Name", position=0, pipeline=True),), ("VMName",)),
        Parameter("Id", Kind.GUID, (In("Id", position=0, pipeline=True, by_name=True),)),
        Parameter("ClusterObject", CLUSTER_OBJECT, (In("ClusterObject", mandatory=True, position=0, pipeline=True),)),
        *REMOTE,
    ),
    _get_vm,
    ("Name", "Id", "ClusterObject"),
)


async def _get_vm_host(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        no_remote(given, "GetVMHost")
        with session.machine.world.look():
            item = things.vm_host(session.machine.host)
        yield item


GET_VM_HOST = Cmdlet("Get-VMHost", COMMANDS + "GetVMHost", REMOTE, _get_vm_host)


async def _get_vm_switch(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        no_remote(given, "GetVMSwitch")
        host = session.machine.host
        with session.machine.world.look():
            found = [
                things.vm_switch(host, switch)
                for switch in host.switches
                if (given["Name"] is None or matches(given["Name"], switch.name))
                and (given["Id"] is None or switch.id in given["Id"])
                and (given["SwitchType"] is None or switch.type.name.title() == given["SwitchType"])
            ]
        if not found and given["Name"] and not is_pattern(given["Name"]):
            await session.error(
                PsError(
                    f'Hyper-V was unable to find a virtual switch with name "{given["Name"]}".',
                    f"InvalidParameter,{COMMANDS}GetVMSwitch",
                    Category.InvalidArgument,
                    (HV + "VirtualizationException", "System.Exception"),
                    target=given["Name"],
                )
            )
        for item in found:
            yield item


GET_VM_SWITCH = Cmdlet(
    "Get-VMSwitch",
    COMMANDS + "GetVMSwitch",
    (
        Parameter("Name", Kind.STRING, (In("Name", position=0, pipeline=True),), ("SwitchName",)),
        Parameter("Id", Kind.GUIDS, (In("Id", position=0, by_name=True),), ("SwitchId",)),
        Parameter("ResourcePoolName", Kind.STRINGS, (In("Name"),)),
        Parameter("SwitchType", Kind.STRING, (In("Name"),), choices=("Private", "Internal", "External")),
        *REMOTE,
    ),
    _get_vm_switch,
    ("Name", "Id"),
)


_OF_SNAPSHOT = Parameter("VMSnapshot", things.SNAPSHOT, (In("Snapshot", True, 0, pipeline=True),), many=True)


def _devices(
    noun: str,
    read: Callable[[VmHandle], Iterable[PsObject]],
    extra: tuple[Parameter, ...] = (),
    name: str = "",
    of_snapshot: Callable[[SnapshotHandle], Iterable[PsObject]] | None = None,
) -> Cmdlet:
    """A cmdlet that reads one kind of device of the VMs it is given, or of checkpoints if it can.

    `name`: the parameter that filters by name.
    """
    command = "Get" + noun

    async def run(session: Session, records: Records) -> AsyncIterator[object]:
        async for given in records:
            with session.machine.world.look():
                if of_snapshot is not None and given["VMSnapshot"] is not None:
                    found = Found()
                    items = [item for one in given["VMSnapshot"] for item in of_snapshot(snapshot_of(one))]
                else:
                    found = vms_of(session.machine, given, command)
                    items = [item for handle in found.handles for item in read(handle)]
            for error in found.errors:
                await session.error(error)
            wanted = given[name] if name else None
            for item in items:
                if wanted is None or matches(wanted, str(item.get("Name"))):
                    yield item

    parameters = (*vm_names(), *extra, *REMOTE, *((_OF_SNAPSHOT,) if of_snapshot else ()))
    sets = ("VMName", "VMObject", *(("Snapshot",) if of_snapshot else ()))
    return Cmdlet(f"Get-{noun}", COMMANDS + command, parameters, run, sets)


GET_VM_HARD_DISK_DRIVE = _devices("VMHardDiskDrive", things.hard_disk_drives, of_snapshot=things.snapshot_drives)
GET_VM_DVD_DRIVE = _devices("VMDvdDrive", things.dvd_drives)
GET_VM_NETWORK_ADAPTER = _devices(
    "VMNetworkAdapter", things.network_adapters, (Parameter("Name", Kind.STRING, (In(position=1),)),), "Name"
)
GET_VM_PROCESSOR = _devices("VMProcessor", lambda handle: [things.processor(handle)])
GET_VM_SNAPSHOT = _devices(
    "VMSnapshot",
    lambda handle: [things.snapshot(handle, checkpoint) for checkpoint in handle.vm.checkpoints],
    (Parameter("Name", Kind.STRING, (In(position=1),)),),
    "Name",
)


async def _get_vhd(session: Session, records: Records) -> AsyncIterator[object]:
    machine = session.machine
    async for given in records:
        no_remote(given, "GetVHD")
        found: list[PsObject] = []
        problems: list[PsError] = []
        with machine.world.look():
            disks = [disk for vm in machine.host.vms.values() for disk in vm.disks if disk.files]
            for path in given["Path"] or ():
                disk = next((d for d in disks if path.casefold() in {f.path.casefold() for f in d.files}), None)
                if disk is None or not machine.world.opens(machine.host, path):
                    problems.append(_no_such_disk(path))
                else:
                    found.append(things.vhd(machine.host, disk, path))
            for vm_id in given["VMId"] or ():
                vm = machine.host.vms.get(vm_id)
                if vm is None:
                    problems.append(_no_such_vm(str(vm_id)))
                    continue
                for disk in (disk for disk in vm.disks if disk.files):
                    if machine.world.opens(machine.host, disk.path):
                        found.append(things.vhd(machine.host, disk, disk.path))
                    else:
                        problems.append(_no_such_disk(disk.path))
        for problem in problems:
            await session.error(problem)
        for item in found:
            yield item


def _no_such_disk(path: str) -> PsError:
    return PsError(
        f"Getting the mounted storage instance for the path '{path}' failed. "
        "The system cannot find the file specified.",
        "InvalidArgument,Microsoft.Vhd.PowerShell.Cmdlets.GetVHD",  # assumed identifier
        Category.InvalidArgument,
        (HV + "VirtualizationException", "System.Exception"),
        target=path,
    )


def _no_such_vm(vm_id: str) -> PsError:
    return PsError(
        f'Hyper-V was unable to find a virtual machine with id "{vm_id}".',
        "InvalidParameter,Microsoft.Vhd.PowerShell.Cmdlets.GetVHD",  # assumed identifier
        Category.InvalidArgument,
        (HV + "VirtualizationException", "System.Exception"),
        target=vm_id,
    )


GET_VHD = Cmdlet(
    "Get-VHD",
    "Microsoft.Vhd.PowerShell.Cmdlets.GetVHD",
    (
        Parameter(
            "Path", Kind.STRINGS, (In("Path", mandatory=True, position=0, pipeline=True, by_name=True),), ("FullName",)
        ),
        Parameter("VMId", Kind.GUIDS, (In("VMId", mandatory=True, position=0, pipeline=True, by_name=True),), ("Id",)),
        Parameter("DiskNumber", Kind.UINT, (In("Disk", mandatory=True, by_name=True),), ("Number",)),
        *REMOTE,
    ),
    _get_vhd,
    ("Path", "VMId", "Disk"),
)

CMDLETS = (
    GET_VM,
    GET_VM_HOST,
    GET_VM_SWITCH,
    GET_VM_HARD_DISK_DRIVE,
    GET_VM_DVD_DRIVE,
    GET_VM_NETWORK_ADAPTER,
    GET_VM_PROCESSOR,
    GET_VM_SNAPSHOT,
    GET_VHD,
)
