"""Records of one host in the domain's words: what a cmdlet's properties mean for Ferry.

No I/O. A property that the host left out or spelt unreadably becomes "not known"; one that everything rests on raises
`Unreadable`, so that a guess never looks like an observation. Property names: Microsoft Learn, the Hyper-V module and
the Hyper-V WMI provider (V2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from bot.core.estate import Adapter, Disk, Host, Job, Sighting, Status, Switch, Vm, VmState, VmSummary, Volume
from bot.core.names import VmId
from bot.hyperv import readers
from bot.hyperv.answer import Answer, Record

KIB = 1024  # Win32_OperatingSystem counts memory in KiB
_CHECKS = frozenset({32770, 32772})  # Msvm_MigrationJob.MigrationType: Staged, StorageDeepCheck
_BELONGINGS = frozenset({"HardDiskDrive", "VMNetworkAdapter", "DvdDrive", "VMSnapshot", "VMProcessor"})
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Unreadable(Exception):
    """The host answered, but a property that Ferry needs is missing or not understood."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind}.{name} is missing or not understood")


def _only(answer: Answer, kind: str) -> Record:
    records = answer.of(kind)
    if len(records) != 1:
        raise Unreadable(kind, f"({len(records)} objects)")
    return records[0]


def _number(record: Record, name: str, names: readers.Names | None = None) -> int:
    number = readers.as_number(record[name], names or {})
    if number is None:
        raise Unreadable(record.kind, name)
    return number


def _vm_id(record: Record) -> VmId:
    vm = readers.as_vm_id(record["Id"]) or readers.as_vm_id(record["VMId"])
    if vm is None:
        raise Unreadable(record.kind, "Id")
    return vm


def host_of(answer: Answer, name: str) -> Host:
    """The host as Ferry calls it, with its switches, volumes and the migrations under way."""
    host = _only(answer, "VMHost")
    counters = _only(answer, "Msvm_VirtualSystemMigrationService")
    enabled = readers.as_flag(host["VirtualMachineMigrationEnabled"])
    if enabled is None:
        raise Unreadable("VMHost", "VirtualMachineMigrationEnabled")
    return Host(
        name=name,
        fqdn=readers.as_text(host["FullyQualifiedDomainName"]) or readers.as_text(host["Name"]),
        memory_bytes=_number(host, "MemoryCapacity"),
        memory_free_bytes=_number(_only(answer, "Win32_OperatingSystem"), "FreePhysicalMemory") * KIB,
        migration_enabled=enabled,
        authentication=_number(host, "VirtualMachineMigrationAuthenticationType", readers.MIGRATION_AUTHENTICATIONS),
        performance=_number(host, "VirtualMachineMigrationPerformanceOption", readers.MIGRATION_PERFORMANCES),
        live_limit=_number(host, "MaximumVirtualMachineMigrations"),
        storage_limit=_number(host, "MaximumStorageMigrations"),
        live_active=_number(counters, "ActiveVirtualSystemMigrationCount"),
        storage_active=_number(counters, "ActiveStorageMigrationCount"),
        vm_versions=readers.as_texts(host["SupportedVmVersions"]),
        processors=readers.as_number(host["LogicalProcessorCount"]) or 1,
        switches=tuple(_switch(record) for record in answer.of("VMSwitch")),
        volumes=tuple(_volumes(answer.of("MSFT_Volume"))),
        vm_path=readers.as_text(host["VirtualMachinePath"]),
        any_network=readers.as_flag(host["UseAnyNetworkForMigration"]),
        listeners=_listeners(counters),
    )


def _listeners(service: Record) -> tuple[str, ...] | None:
    addresses = service["MigrationServiceListenerIPAddressList"]
    return None if addresses is None else readers.as_texts(addresses)


def _switch(record: Record) -> Switch:
    return Switch(name=readers.as_text(record["Name"]), type=_number(record, "SwitchType", readers.SWITCH_TYPES))


def _volumes(records: Iterable[Record]) -> Iterable[Volume]:
    """Volumes with a letter and a size; the others cannot be meant by a path."""
    for record in records:
        letter = readers.as_text(record["DriveLetter"]).strip(": ").upper()
        size, free = readers.as_number(record["Size"]), readers.as_number(record["SizeRemaining"])
        if letter and size and free is not None:
            yield Volume(letter=letter, size_bytes=size, free_bytes=free)


def _state(record: Record) -> int:
    return _number(record, "State", readers.VM_STATES)


def _status(record: Record) -> tuple[int, ...]:
    """[0] is OK or in service, [1] what the VM is busy with; the array may have been flattened beyond recognition."""
    status = readers.as_numbers(record["OperationalStatus"], readers.OPERATIONAL_STATUSES)
    if status:
        return status
    parts = (record["PrimaryOperationalStatus"], record["SecondaryOperationalStatus"])
    return tuple(
        number for part in parts if (number := readers.as_number(part, readers.OPERATIONAL_STATUSES)) is not None
    )


def is_planned(record: Record) -> bool:
    """Get-VM lists planned VMs too; its VirtualMachineType tells them, and on a move's way their status does."""
    return _vm_type(record) == readers.PLANNED_VM or Status.MIGRATING_PLANNED in _status(record)


def _vm_type(record: Record) -> int | None:
    return readers.as_number(record["VirtualMachineType"], readers.VM_TYPES)


def _listed(answer: Answer, vm: VmId) -> Record | None:
    return next((one for one in answer.of("VirtualMachine") if _vm_id(one) == vm), None)


def _memory(record: Record) -> int:
    """What is assigned now; when nothing is, what it starts with."""
    return readers.as_number(record["MemoryAssigned"]) or readers.as_number(record["MemoryStartup"]) or 0


def summaries_of(answer: Answer, host: str) -> tuple[VmSummary, ...]:
    """Every realised VM of the host, by name."""
    found = (
        VmSummary(
            id=_vm_id(record),
            name=readers.as_text(record["Name"]),
            host=host,
            state=_state(record),
            status=_status(record),
            memory_bytes=_memory(record),
            uptime_s=int(readers.as_seconds(record["Uptime"]) or 0),
            clustered=bool(readers.as_flag(record["IsClustered"])),
        )
        for record in answer.of("VirtualMachine")
        if not is_planned(record)
    )
    return tuple(sorted(found, key=lambda vm: (vm.name.casefold(), vm.id)))


def vm_of(answer: Answer, host: str, vm: VmId) -> Vm | None:
    """The VM in full; None if the host has no realised VM of that id."""
    record = _listed(answer, vm)
    if record is None or is_planned(record):
        return None
    return _vm(record, host, answer.records, _files(answer))


def vms_of(answer: Answer, host: str) -> tuple[Vm, ...]:
    """Every realised VM of the host in full, by name.

    The list was read first and processors last, so a VM without a processor has left meanwhile.
    """
    belongings: defaultdict[VmId, list[Record]] = defaultdict(list)
    for record in answer.records:
        if record.kind in _BELONGINGS:
            belongings[_owner(record)].append(record)
    files = _files(answer)
    found = (
        _vm(record, host, belongings[_vm_id(record)], files)
        for record in answer.of("VirtualMachine")
        if not is_planned(record) and any(one.kind == "VMProcessor" for one in belongings[_vm_id(record)])
    )
    return tuple(sorted(found, key=lambda vm: (vm.name.casefold(), vm.id)))


def _owner(record: Record) -> VmId:
    vm = readers.as_vm_id(record["VMId"])
    if vm is None:
        raise Unreadable(record.kind, "VMId")
    return vm


def _vm(record: Record, host: str, belongings: Sequence[Record], files: Mapping[str, Record]) -> Vm:
    """
    Args:
        belongings: its disks, adapters, drives, checkpoints and processor; records of other kinds do no harm.
        files: what Get-VHD knows, by path in lower case.
    """

    def of(kind: str) -> list[Record]:
        return [one for one in belongings if one.kind == kind]

    processor = next(iter(of("VMProcessor")), None)
    return Vm(
        id=_vm_id(record),
        name=readers.as_text(record["Name"]),
        host=host,
        state=_state(record),
        status=_status(record),
        memory_bytes=_memory(record),
        uptime_s=int(readers.as_seconds(record["Uptime"]) or 0),
        version=readers.as_text(record["Version"]),
        generation=readers.as_number(record["Generation"]) or 2,
        clustered=bool(readers.as_flag(record["IsClustered"])),
        processors=readers.as_number(record["ProcessorCount"]) or 1,
        path=readers.as_text(record["Path"]),
        checkpoint_path=readers.as_text(record["SnapshotFileLocation"]),
        smart_paging_path=readers.as_text(record["SmartPagingFilePath"]),
        disks=tuple(_disk(drive, files) for drive in of("HardDiskDrive")),
        adapters=tuple(
            Adapter(name=readers.as_text(one["Name"]), switch=readers.as_text(one["SwitchName"]) or None)
            for one in of("VMNetworkAdapter")
        ),
        dvd_paths=tuple(path for one in of("DvdDrive") if (path := readers.as_text(one["Path"]))),
        checkpoints=len(of("VMSnapshot")),
        processor_compatibility=bool(processor and readers.as_flag(processor["CompatibilityForMigrationEnabled"])),
    )


def _files(answer: Answer) -> Mapping[str, Record]:
    return {readers.as_text(one["Path"]).casefold(): one for one in answer.of("VirtualHardDisk")}


def _disk(drive: Record, files: Mapping[str, Record]) -> Disk:
    """An attached disk, with what Get-VHD knows of its file: nothing, if it could not open it."""
    path = readers.as_text(drive["Path"])
    file = files.get(path.casefold(), Record("", {}))
    return Disk(
        path=path,
        size_bytes=readers.as_number(file["Size"]),
        file_bytes=_chain_bytes(path, files),
        passthrough=readers.as_number(drive["DiskNumber"]) is not None,
        shared=bool(readers.as_flag(drive["SupportPersistentReservations"])),
        parent=readers.as_text(file["ParentPath"]) or None,
    )


def _chain_bytes(path: str, files: Mapping[str, Record]) -> int | None:
    """What a disk takes on storage with all its parents; None if one of the files is not known."""
    total, passed = 0, set[str]()
    while path and (key := path.casefold()) not in passed:
        passed.add(key)
        size = readers.as_number(files[key]["FileSize"]) if key in files else None
        if size is None:
            return None
        total, path = total + size, readers.as_text(files[key]["ParentPath"])
    return total


def sighting_of(answer: Answer, host: str, vm: VmId) -> Sighting:
    """What the host shows of one VM.

    The list of planned VMs was read before the VM, so a VM that says it is realised has just arrived. One that does not
    say so and is in that list counts as planned: a planned VM must never be taken for the VM itself.
    """
    record = _listed(answer, vm)
    named = any(readers.as_vm_id(one["Name"]) == vm for one in answer.of("Msvm_PlannedComputerSystem"))
    if record is None:
        planned = named
    elif _vm_type(record) == readers.REALIZED_VM:
        planned = is_planned(record)
    else:
        planned = named or is_planned(record)
    return Sighting(
        host=host,
        vm=None if planned else vm_of(answer, host, vm),
        planned=planned,
        jobs=tuple(_jobs(answer.of("Msvm_MigrationJob"), vm)),
    )


def _jobs(records: Iterable[Record], vm: VmId) -> list[Job]:
    """The VM's migrations, newest first. A comparison's job is none: its success must not be taken for a move's."""
    jobs = [
        _job(one, vm)
        for one in records
        if readers.as_vm_id(one["VirtualSystemName"]) == vm and readers.as_number(one["MigrationType"]) not in _CHECKS
    ]
    return sorted(jobs, key=lambda job: job.started_at or _LONG_AGO, reverse=True)


def _job(record: Record, vm: VmId) -> Job:
    texts = (readers.as_text(record["ErrorSummaryDescription"]), readers.as_text(record["ErrorDescription"]))
    return Job(
        id=readers.as_text(record["InstanceID"]),
        vm=vm,
        state=_number(record, "JobState"),
        percent=min(max(readers.as_number(record["PercentComplete"]) or 0, 0), 100),
        destination=readers.as_text(record["DestinationHost"]),
        cancellable=bool(readers.as_flag(record["Cancellable"])),
        started_at=readers.as_time(record["StartTime"]),
        error="\n\n".join(dict.fromkeys(text for text in texts if text)),
        error_code=readers.as_number(record["ErrorCode"]) or 0,
    )


def computer_of(record: Record) -> str:
    """The computer that an object lives on, as Hyper-V's cmdlets say it: a NetBIOS or DNS name."""
    return readers.as_text(record["ComputerName"])


def state_of(record: Record) -> int:
    return readers.as_number(record["State"], readers.VM_STATES) or VmState.OTHER
