"""Get-CimInstance, Invoke-CimMethod and Get-Volume over the few classes that matter for migrations.

Class and property names: Microsoft Learn, Hyper-V WMI provider (V2), MSFT_Volume.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from bot.lab.cmdlets import computer
from bot.lab.cmdlets.finding import REMOTE, matches
from bot.lab.cmdlets.instances import CIM_INSTANCE, CIMV2, cim_instance
from bot.lab.cmdlets.machine import HyperVMachine
from bot.lab.engine import (
    Category,
    Char,
    Cmdlet,
    In,
    Kind,
    Parameter,
    PsArray,
    PsError,
    PsObject,
    Records,
    Session,
    UInt16,
    UInt32,
    UInt64,
    Value,
)
from bot.lab.world import Job, JobState, RoleMove, Volume
from bot.lab.world.jobs import JOB_TYPE, KEPT_S

_GET = "Microsoft.Management.Infrastructure.CimCmdlets.GetCimInstanceCommand"
_INVOKE = "Microsoft.Management.Infrastructure.CimCmdlets.InvokeCimMethodCommand"
_EXCEPTION = ("Microsoft.Management.Infrastructure.CimException", "System.Exception")

VIRTUALIZATION = "root/virtualization/v2"
_STATUS = {
    JobState.RUNNING: "Job is running",  # seen in the field; the others are assumed
    JobState.SHUTTING_DOWN: "Job is shutting down",
    JobState.COMPLETED: "Job completed successfully",
    JobState.TERMINATED: "Job was terminated",
    JobState.KILLED: "Job was killed",
    JobState.EXCEPTION: "Job failed",
}


def _migration_jobs(machine: HyperVMachine, now: datetime) -> list[PsObject]:
    """A quick migration is none: the cluster saves the VM and starts it elsewhere (assumed)."""
    return [_migration_job(job, now) for job in machine.host.jobs if job.role_move is not RoleMove.QUICK]


def _migration_job(job: Job, now: datetime) -> PsObject:
    status = _STATUS[job.state]
    failed = job.state in (JobState.EXCEPTION, JobState.TERMINATED, JobState.KILLED)
    error = job.error if failed else None
    properties: dict[str, Value] = {
        "Caption": job.title,
        "Description": job.title,
        "ElementName": job.title,
        "InstanceID": str(job.id).upper(),
        "HealthState": UInt16(5),
        "OperationalStatus": PsArray("System.UInt16", (UInt16(2),)),
        "Status": "Error" if failed else "OK",
        "StatusDescriptions": PsArray("System.String", (status,)),
        "DeleteOnCompletion": True,
        "ElapsedTime": (job.ended_at or now) - job.started_at,
        "ErrorCode": UInt16(32768 if failed else 0),
        "ErrorDescription": error.description if error else None,
        "ErrorSummaryDescription": error.summary if error else None,
        "JobRunTimes": UInt32(1),
        "JobState": UInt16(job.state),
        "JobStatus": status,
        "JobType": UInt16(JOB_TYPE[job.type]),
        "LocalOrUtcTime": UInt16(2),
        "Owner": job.owner,
        "PercentComplete": UInt16(job.percent if job.active else 100),
        "Priority": UInt32(0),
        "StartTime": job.started_at,
        "TimeBeforeRemoval": timedelta(seconds=KEPT_S),
        "TimeOfLastStateChange": job.ended_at or job.started_at,
        "TimeSubmitted": job.started_at,
        "Cancellable": job.cancellable,
        "DestinationHost": job.destination.name if job.destination else None,
        "MigrationType": UInt16(job.type),
        "NewSystemSettingData": None,
        "VirtualSystemName": job.vm.guid,
    }
    return cim_instance(
        VIRTUALIZATION, "Msvm_MigrationJob", properties, parents=("Msvm_ConcreteJob", "CIM_ConcreteJob"), native=job
    )


def _planned_systems(machine: HyperVMachine, _now: datetime) -> list[PsObject]:
    return [
        cim_instance(
            VIRTUALIZATION,
            "Msvm_PlannedComputerSystem",
            {
                "Name": planned.vm.guid,
                "Caption": "Planned Virtual Machine",
                "Description": "Microsoft Planned Virtual Machine",
                "ElementName": planned.vm.name,
                "EnabledState": UInt16(3),
                "HealthState": UInt16(5),
                "OperationalStatus": PsArray(
                    "System.UInt16", (UInt16(11), UInt16(32780)) if planned.job else (UInt16(2),)
                ),
                "CreationClassName": "Msvm_PlannedComputerSystem",
            },
            parents=("CIM_ComputerSystem",),
        )
        for planned in machine.host.planned.values()
    ]


def _migration_service(machine: HyperVMachine, _now: datetime) -> list[PsObject]:
    jobs = machine.world.active_jobs(machine.host)
    properties: dict[str, Value] = {
        "Name": "vmms",
        "ElementName": "Hyper-V Virtual System Migration Service",
        "SystemName": machine.host.name,
        "ActiveStorageMigrationCount": UInt32(sum(job.moves_storage for job in jobs)),
        "ActiveVirtualSystemMigrationCount": UInt32(sum(job.moves_vm for job in jobs)),
        "MigrationServiceListenerIPAddressList": PsArray("System.String", machine.host.listener_addresses),
    }
    return [cim_instance(VIRTUALIZATION, "Msvm_VirtualSystemMigrationService", properties, parents=("CIM_Service",))]


_CLASSES: dict[tuple[str, str], computer.Reader] = {
    (VIRTUALIZATION, "msvm_migrationjob"): _migration_jobs,
    (VIRTUALIZATION, "msvm_plannedcomputersystem"): _planned_systems,
    (VIRTUALIZATION, "msvm_virtualsystemmigrationservice"): _migration_service,
    **computer.CLASSES,
}


def _wmi_error(text: str, code: str, command: str, target: str, category: Category) -> PsError:
    return PsError(text, f"HRESULT {code},{command}", category, _EXCEPTION, target=target)


async def _get_cim_instance(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        namespace = (given["Namespace"] or CIMV2).replace("\\", "/").strip("/").casefold()
        name = given["ClassName"]
        reader = _CLASSES.get((namespace, name.casefold()))
        if reader is None:
            target = f"{namespace}:{name}"
            error = _wmi_error("Invalid class ", "0x80041010", _GET, target, Category.MetadataError)
            if not any(place == namespace for place, _ in _CLASSES):
                error = _wmi_error("Invalid namespace ", "0x8004100e", _GET, target, Category.MetadataError)
            await session.error(error)
            continue
        wanted = _parse_filter(given["Filter"]) if given["Filter"] else {}
        with session.machine.world.look() as now:
            found = reader(session.machine, now)
        for item in found:
            if all(str(item.get(key)).casefold() == value.casefold() for key, value in wanted.items()):
                yield item


# WQL conditions as far as they are simulated: Property = 'text', Property = number, joined by AND.
_CONDITION = re.compile(r"\s*(\w+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|(\d+))\s*\Z")


def _parse_filter(text: str) -> dict[str, str]:
    conditions = [_CONDITION.match(part) for part in re.split(r"\s+and\s+", text, flags=re.IGNORECASE)]
    wanted: dict[str, str] = {}
    for condition in conditions:
        if condition is None:
            raise _wmi_error("Invalid query ", "0x80041017", _GET, text, Category.InvalidArgument)
        name, *values = condition.groups()
        wanted[str(name)] = next(value for value in values if value is not None)
    return wanted


GET_CIM_INSTANCE = Cmdlet(
    "Get-CimInstance",
    _GET,
    (
        Parameter("ClassName", Kind.STRING, (In("ClassNameComputerSet", mandatory=True, position=0, by_name=True),)),
        Parameter("Namespace", Kind.STRING, (In("ClassNameComputerSet", by_name=True),)),
        Parameter("Filter", Kind.STRING, (In("ClassNameComputerSet", by_name=True),)),
        Parameter("OperationTimeoutSec", Kind.UINT, aliases=("OT",)),
        *REMOTE,
    ),
    _get_cim_instance,
    ("ClassNameComputerSet",),
)


async def _invoke_cim_method(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        await session.confirm(high_impact=False, forced=False)
        job, method = given["InputObject"].native, given["MethodName"]
        if not isinstance(job, Job) or method.casefold() != "requeststatechange":
            raise _wmi_error("Invalid method ", "0x8004102e", _INVOKE, method, Category.InvalidOperation)
        arguments = {key.casefold(): value for key, value in (given["Arguments"] or {}).items()}
        requested = arguments.pop("requestedstate", None)
        arguments.pop("timeoutperiod", None)
        if arguments or not isinstance(requested, int) or isinstance(requested, bool):
            raise _wmi_error("Invalid parameter ", "0x80041008", _INVOKE, method, Category.InvalidArgument)
        if session.what_if:
            continue
        code = session.machine.world.request_state_change(job, requested)
        yield PsObject(
            ("Microsoft.Management.Infrastructure.CimMethodResult#Msvm_MigrationJob#RequestStateChange",),
            {},
            "Microsoft.Management.Infrastructure.CimMethodResult",
            {"ReturnValue": UInt32(code), "Job": None, "PSComputerName": None},
        )


INVOKE_CIM_METHOD = Cmdlet(
    "Invoke-CimMethod",
    _INVOKE,
    (
        Parameter(
            "InputObject", CIM_INSTANCE, (In("CimInstanceComputerSet", True, 0, pipeline=True),), ("CimInstance",)
        ),
        Parameter("MethodName", Kind.STRING, (In(mandatory=True, position=1),), ("Name",)),
        Parameter("Arguments", Kind.HASHTABLE, (In(position=2),)),
        Parameter("OperationTimeoutSec", Kind.UINT, aliases=("OT",)),
        *REMOTE,
    ),
    _invoke_cim_method,
    ("CimInstanceComputerSet",),
    should_process=True,
)


async def _get_volume(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        with session.machine.world.look():
            found = [
                _volume(volume)
                for volume in session.machine.host.volumes.values()
                if not given["DriveLetter"] or any(matches(one, volume.name) for one in given["DriveLetter"])
            ]
        if not found:
            letter = str(given["DriveLetter"][0]) if given["DriveLetter"] else ""
            await session.error(
                PsError(
                    f"No MSFT_Volume objects found with property 'DriveLetter' equal to '{letter}'.  Verify the value "
                    "of the property and retry.",
                    "CmdletizationQuery_NotFound_DriveLetter,Get-Volume",
                    Category.ObjectNotFound,
                    ("Microsoft.PowerShell.Cmdletization.Cim.CimJobException", "System.Exception"),
                    target=letter,
                )
            )
        for item in found:
            yield item


def _volume(volume: Volume) -> PsObject:
    item = cim_instance(
        "root/Microsoft/Windows/Storage",
        "MSFT_Volume",
        {
            "ObjectId": f"{{1}}\\\\lab\\{volume.name}",
            "UniqueId": f"\\\\?\\Volume{{{volume.name}}}\\",
            "AllocationUnitSize": UInt32(4096),
            "DriveLetter": Char(volume.name),
            "DriveType": UInt32(3),
            "FileSystem": "NTFS",
            "FileSystemLabel": "",
            "FileSystemType": UInt16(14),
            "HealthStatus": UInt16(0),
            "OperationalStatus": PsArray("System.UInt16", (UInt16(2),)),
            "Path": f"\\\\?\\Volume{{{volume.name}}}\\",
            "ReFSDedupMode": UInt32(0),
            "Size": UInt64(volume.size_bytes),
            "SizeRemaining": UInt64(volume.free_bytes),
        },
        parents=("MSFT_StorageObject",),
    )
    # The module's type data shows some numbers as words.
    shown: dict[str, Value] = {"DriveType": "Fixed", "HealthStatus": "Healthy", "OperationalStatus": "OK"}
    return PsObject(item.types, item.properties, item.text, shown)


GET_VOLUME = Cmdlet(
    "Get-Volume",
    "Get-Volume",
    (Parameter("DriveLetter", Kind.STRINGS, (In("ByDriveLetter", position=0, by_name=True),)), *REMOTE),
    _get_volume,
    ("ByDriveLetter",),
)

CMDLETS = (GET_CIM_INSTANCE, INVOKE_CIM_METHOD, GET_VOLUME)
