"""VMs, hosts and devices as the objects of the Hyper-V module. Called while the world is held still.

Property names and types: the type definitions of the Hyper-V module (Windows Server 2019 and later). Properties that
need a live guest or hardware that the world does not model are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from bot.lab.cmdlets import enums
from bot.lab.cmdlets.enums import HV, enum
from bot.lab.engine import Int64, PsArray, PsEnum, PsObject, UInt32, UInt64, Value
from bot.lab.world import Adapter, Checkpoint, Disk, DiskType, Host, State, Status, Switch, Vm
from bot.lab.world.storage import file_name

VIRTUAL_MACHINE = HV + "VirtualMachine"
SNAPSHOT = HV + "VMSnapshot"
_OBJECT = HV + "VirtualizationObject"
_COMPONENT = HV + "VMComponentObject"
NO_ID = UUID(int=0)


@dataclass(frozen=True)
class VmHandle:
    """What a live VirtualMachine object stands for: a VM at a host, planned or realised."""

    host: Host
    vm: Vm
    planned: bool = False


@dataclass(frozen=True)
class SnapshotHandle:
    """What a live VMSnapshot object stands for: a checkpoint of a VM."""

    owner: VmHandle
    checkpoint: Checkpoint


def statuses(handle: VmHandle) -> tuple[Status, ...]:
    """OperationalStatus: [0] says whether something is going on, [1] what."""
    vm = handle.vm
    if handle.planned:
        return (Status.IN_SERVICE, Status.MIGRATING_PLANNED_VM) if vm.job else (Status.OK,)
    if vm.job and vm.job.step and vm.job.step.phase and handle.host is vm.job.source:
        return (Status.IN_SERVICE, vm.job.step.phase)
    if vm.backing_up:
        return (Status.IN_SERVICE, Status.BACKING_UP_VIRTUAL_MACHINE)
    return (Status.OK,)


def virtual_machine(handle: VmHandle, now: datetime) -> PsObject:
    vm = handle.vm
    return PsObject(
        (VIRTUAL_MACHINE, HV + "VirtualMachineBase", _OBJECT),
        {
            **_condition(handle, now),
            **_settings(vm),
            "DVDDrives": PsArray(HV + "DvdDrive", tuple(dvd_drives(handle))),
            "FibreChannelHostBusAdapters": PsArray(HV + "VMFibreChannelHba"),
            "HardDrives": PsArray(HV + "HardDiskDrive", tuple(hard_disk_drives(handle))),
            "NetworkAdapters": PsArray(HV + "VMNetworkAdapter", tuple(network_adapters(handle))),
            "VirtualMachineType": _machine_type(handle),
            "CreationTime": vm.created_at,
            "Id": vm.id,
            "Name": vm.name,
            "CimSession": f"CimSession: {handle.host.fqdn}",
            "ComputerName": handle.host.name,
            "IsDeleted": False,
        },
        f"VirtualMachine (Name = '{vm.name}') [Id = '{vm.id}']",
        {"VMName": vm.name, "VMId": vm.id},
        native=handle,
    )


def _condition(handle: VmHandle, now: datetime) -> dict[str, Value]:
    """What changes while it runs."""
    vm, found = handle.vm, statuses(handle)
    live = vm.running and not handle.planned
    descriptions = [enums.DESCRIPTIONS[status] for status in found]
    return {
        "CPUUsage": 3 if live else 0,
        "MemoryAssigned": Int64(vm.assigned_bytes if live else 0),
        "MemoryDemand": Int64(vm.assigned_bytes * 7 // 10 if live else 0),
        "MemoryStatus": "OK" if live and vm.dynamic_memory else "",
        "Heartbeat": enum("VMHeartbeatStatus", "OkApplicationsHealthy", 6) if live else None,
        "Uptime": now - vm.started_at if live and vm.started_at else timedelta(0),
        "State": enums.vm_state(State.OFF if handle.planned else vm.state),
        "OperationalStatus": PsArray(HV + "VMOperationalStatus", tuple(map(enums.operational_status, found))),
        "PrimaryOperationalStatus": enums.operational_status(found[0]),
        "SecondaryOperationalStatus": enums.operational_status(found[1]) if len(found) > 1 else None,
        "StatusDescriptions": PsArray("System.String", tuple(descriptions)),
        "PrimaryStatusDescription": descriptions[0],
        "SecondaryStatusDescription": descriptions[1] if len(found) > 1 else None,
        "Status": descriptions[-1],
        "ReplicationHealth": enum("VMReplicationHealthState", "NotApplicable", 0),
        "ReplicationMode": enum("VMReplicationMode", "None", 0),
        "ReplicationState": enum("VMReplicationState", "Disabled", 0),
    }


def _settings(vm: Vm) -> dict[str, Value]:
    return {
        "ConfigurationLocation": vm.path,
        "SmartPagingFileInUse": False,
        "SmartPagingFilePath": vm.smart_paging_path,
        "SnapshotFileLocation": vm.checkpoint_path,
        "AutomaticStartAction": enum("StartAction", "StartIfRunning", 3),
        "AutomaticStartDelay": 0,
        "AutomaticStopAction": enum("StopAction", "Save", 3),
        "ResourceMeteringEnabled": False,
        "CheckpointType": enum("CheckpointType", "Production", 3),
        "Groups": PsArray(HV + "VMGroup"),
        "Version": vm.version,
        "Notes": vm.notes,
        "DynamicMemoryEnabled": vm.dynamic_memory,
        "MemoryMaximum": Int64(vm.memory_bytes * (2 if vm.dynamic_memory else 1)),
        "MemoryMinimum": Int64(vm.memory_bytes // (2 if vm.dynamic_memory else 1)),
        "MemoryStartup": Int64(vm.memory_bytes),
        "ProcessorCount": Int64(vm.processors),
        "Generation": vm.generation,
        "IsClustered": vm.clustered,
        "ParentSnapshotId": vm.checkpoints[-1].id(vm.id) if vm.checkpoints else None,
        "ParentSnapshotName": vm.checkpoints[-1].name if vm.checkpoints else None,
        "Path": vm.path,
        "SizeOfSystemFiles": Int64(63 << 10),
    }


def _machine_type(handle: VmHandle) -> Value:
    name, number = ("PlannedVirtualMachine", 4) if handle.planned else ("RealizedVirtualMachine", 3)
    return enum("VirtualMachineType", name, number)


def _component(
    handle: VmHandle, kind: str, name: str, device: str, properties: dict[str, Value], *bases: str
) -> PsObject:
    """What every device of a VM has in common; `device` is its id below the VM's."""
    full_id = f"Microsoft:{handle.vm.guid}\\{device}"
    identity: dict[str, Value] = {
        "Name": name,
        "Id": full_id,
        "VMId": handle.vm.id,
        "VMName": handle.vm.name,
        "VMSnapshotId": NO_ID,
        "VMSnapshotName": "",
        "CimSession": f"CimSession: {handle.host.fqdn}",
        "ComputerName": handle.host.name,
        "IsDeleted": False,
    }
    return PsObject(
        (HV + kind, *(HV + base for base in bases), _COMPONENT, _OBJECT),
        {**properties, **identity},
        f"{kind} (Name = '{name}', VMName = '{handle.vm.name}') [Id = '{full_id}', VMId = '{handle.vm.id}']",
        native=handle,
    )


def hard_disk_drives(handle: VmHandle) -> list[PsObject]:
    return [_hard_disk_drive(handle, disk, disk.path, location) for location, disk in enumerate(handle.vm.disks)]


def snapshot_drives(snapshot: SnapshotHandle) -> list[PsObject]:
    """The disks of a checkpoint: each checkpoint froze one more file of the chain, the oldest the base."""
    vm = snapshot.owner.vm
    age = vm.checkpoints.index(snapshot.checkpoint) + 1
    return [
        _hard_disk_drive(snapshot.owner, disk, disk.files[-age].path, location)
        for location, disk in enumerate(vm.disks)
        if len(disk.files) > age
    ]


def _hard_disk_drive(handle: VmHandle, disk: Disk, path: str | None, location: int) -> PsObject:
    shared = None if disk.physical_number is not None else disk.shared
    properties: dict[str, Value] = {
        "Path": path,
        "DiskNumber": disk.physical_number,
        "MaximumIOPS": UInt64(0),
        "MinimumIOPS": UInt64(0),
        "SupportPersistentReservations": shared,
        **_controller(location),
        "PoolName": "Primordial",
    }
    name = f"Hard Drive on SCSI controller number 0 at location {location}"
    device = str(uuid5(handle.vm.id, f"disk.{location}")).upper()
    return _component(handle, "HardDiskDrive", name, f"{device}\\0\\{location}\\D", properties, "Drive")


def _controller(location: int) -> dict[str, Value]:
    return {
        "ControllerLocation": location,
        "ControllerNumber": 0,
        "ControllerType": enum("ControllerType", "SCSI", 1),
    }


def dvd_drives(handle: VmHandle) -> list[PsObject]:
    first = len(handle.vm.disks)
    return [_dvd_drive(handle, path, first + index) for index, path in enumerate(handle.vm.dvd_paths)]


def _dvd_drive(handle: VmHandle, path: str | None, location: int) -> PsObject:
    media = enum("DvdMediaType", "ISO", 1) if path else enum("DvdMediaType", "None", 0)
    properties: dict[str, Value] = {
        "DvdMediaType": media,
        "Path": path,
        **_controller(location),
        "PoolName": "Primordial",
    }
    name = f"DVD Drive on SCSI controller number 0 at location {location}"
    device = str(uuid5(handle.vm.id, f"dvd.{location}")).upper()
    return _component(handle, "DvdDrive", name, f"{device}\\0\\{location}\\D", properties, "Drive")


def network_adapters(handle: VmHandle) -> list[PsObject]:
    return [_network_adapter(handle, adapter) for adapter in handle.vm.adapters]


def _network_adapter(handle: VmHandle, adapter: Adapter) -> PsObject:
    switch = Switch(adapter.switch) if adapter.switch else None
    properties: dict[str, Value] = {
        "MacAddress": adapter.mac,
        "DynamicMacAddressEnabled": True,
        "IsLegacy": False,
        "IsSynthetic": True,
        "IPAddresses": PsArray("System.String"),
        "IovWeight": UInt32(0),
        "PoolName": "" if switch else None,
        "Connected": switch is not None,
        "SwitchName": adapter.switch or "",
        "SwitchId": switch.id if switch else None,
        "StatusDescription": PsArray("System.String", ("OK",)),
        "IsManagementOs": False,
        "IsExternalAdapter": False,
    }
    device = str(uuid5(handle.vm.id, f"adapter.{adapter.name}")).upper()
    return _component(handle, "VMNetworkAdapter", adapter.name, device, properties, "VMNetworkAdapterBase")


def processor(handle: VmHandle) -> PsObject:
    properties: dict[str, Value] = {
        "Count": Int64(handle.vm.processors),
        "CompatibilityForMigrationEnabled": handle.vm.processor_compatibility,
        "CompatibilityForOlderOperatingSystemsEnabled": False,
        "ExposeVirtualizationExtensions": False,
        "Maximum": Int64(100),
        "Reserve": Int64(0),
        "RelativeWeight": 100,
        "ResourcePoolName": "Primordial",
    }
    return _component(handle, "VMProcessor", "Processor", "b637f346-6a0e-4dec-af52-bd70cb80a21d\\0", properties)


def snapshot(handle: VmHandle, checkpoint: Checkpoint) -> PsObject:
    vm = handle.vm
    position = vm.checkpoints.index(checkpoint)
    parent = vm.checkpoints[position - 1] if position else None
    properties: dict[str, Value] = {
        "SnapshotType": enum("SnapshotType", "Standard", 0),
        "VMId": vm.id,
        "VMName": vm.name,
        "State": enum("VMState", "Off", 3),
        "IsAutomaticCheckpoint": False,
        "Path": vm.checkpoint_path,
        "ParentSnapshotId": parent.id(vm.id) if parent else None,
        "ParentSnapshotName": parent.name if parent else None,
        "CreationTime": checkpoint.created_at,
        "Id": checkpoint.id(vm.id),
        "Name": checkpoint.name,
        "Version": vm.version,
        "ComputerName": handle.host.name,
        "IsDeleted": False,
    }
    text = (
        f"VMSnapshot (Name = '{checkpoint.name}', VMName = '{vm.name}') "
        f"[Id = '{checkpoint.id(vm.id)}', VMId = '{vm.id}']"
    )
    native = SnapshotHandle(handle, checkpoint)
    return PsObject((SNAPSHOT, HV + "VirtualMachineBase", _OBJECT), properties, text, native=native)


def vhd(host: Host, disk: Disk, path: str) -> PsObject:
    """Microsoft.Vhd.PowerShell.VirtualHardDisk for one file of a disk."""
    position = next(index for index, file in enumerate(disk.files) if file.path.casefold() == path.casefold())
    file = disk.files[position]
    parent = disk.files[position + 1].path if position + 1 < len(disk.files) else ""
    properties: dict[str, Value] = {
        "ComputerName": host.name,
        "Path": file.path,
        "VhdFormat": _vhd_format(file.path),
        "VhdType": enums.vhd_type(DiskType.DIFFERENCING if parent else disk.type),
        "FileSize": UInt64(file.file_bytes),
        "Size": UInt64(disk.size_bytes),
        "MinimumSize": None,
        "LogicalSectorSize": UInt32(512),
        "PhysicalSectorSize": UInt32(4096),
        "BlockSize": UInt32(2 << 20),
        "ParentPath": parent,
        "DiskIdentifier": str(uuid5(NO_ID, file_name(file.path).casefold())).upper(),
        "FragmentationPercentage": None,
        "Alignment": 1,
        "Attached": True,
        "DiskNumber": None,
        "IsPMEMCompatible": False,
        "Number": None,
    }
    return PsObject(
        ("Microsoft.Vhd.PowerShell.VirtualHardDisk",), properties, "Microsoft.Vhd.PowerShell.VirtualHardDisk"
    )


def _vhd_format(path: str) -> Value:
    suffix = path.rsplit(".", 1)[-1].casefold()
    name, number = {"vhd": ("VHD", 2), "avhd": ("VHD", 2), "vhds": ("VHDSet", 4)}.get(suffix, ("VHDX", 3))
    return PsEnum("Microsoft.Vhd.PowerShell.VhdFormat", name, number)


def vm_host(host: Host) -> PsObject:
    properties: dict[str, Value] = {
        "LogicalProcessorCount": host.logical_processors,
        "ResourceMeteringSaveInterval": timedelta(hours=1),
        "IovSupport": False,
        "SupportedVmVersions": PsArray("System.String", host.versions),
        "EnableEnhancedSessionMode": False,
        "MacAddressMaximum": "00155D0AFFFF",
        "MacAddressMinimum": "00155D0A0000",
        "NumaSpanningEnabled": True,
        "VirtualHardDiskPath": host.disk_path,
        "VirtualMachinePath": host.vm_path,
        "FullyQualifiedDomainName": host.fqdn,
        "MemoryCapacity": Int64(host.memory_bytes),
        "Name": host.name,
        "MaximumStorageMigrations": UInt32(host.maximum_storage_migrations),
        "MaximumVirtualMachineMigrations": UInt32(host.maximum_migrations),
        "UseAnyNetworkForMigration": host.any_network,
        "VirtualMachineMigrationAuthenticationType": enums.authentication(host.authentication),
        "VirtualMachineMigrationEnabled": host.migration_enabled,
        "VirtualMachineMigrationPerformanceOption": enums.performance(host.performance),
        "CimSession": f"CimSession: {host.fqdn}",
        "ComputerName": host.name,
        "IsDeleted": False,
    }
    return PsObject((HV + "VMHost", _OBJECT), properties, f"VMHost (Name = '{host.name}')")


def vm_switch(host: Host, switch: Switch) -> PsObject:
    properties: dict[str, Value] = {
        "Name": switch.name,
        "Id": switch.id,
        "Notes": "",
        "SwitchType": enums.switch_type(switch.type),
        "AllowManagementOS": True,
        "NetAdapterInterfaceDescription": "10 GbE" if switch.type == 2 else None,
        "EmbeddedTeamingEnabled": False,
        "IovEnabled": False,
        "ComputerName": host.name,
        "IsDeleted": False,
    }
    return PsObject((HV + "VMSwitch", _OBJECT), properties, f"VMSwitch (Name = '{switch.name}') [Id = '{switch.id}']")
