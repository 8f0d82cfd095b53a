"""What hosts answered, in the shapes that Windows gives them, against what Ferry makes of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pypsrp.complex_objects import PSInvocationState
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.serializer import Serializer
from pypsrp.wsman import WSMan

from bot.core.estate import Disk, JobState, Status, VmState, Volume
from bot.core.names import VmId
from bot.hyperv import views
from bot.hyperv.answer import Answer, Record, answer_of

VM = VmId("d46f1c3a-0b1e-4c2d-9e3f-0123456789ab")
OTHER = VmId("00000000-0b1e-4c2d-9e3f-0123456789ab")
NO_VM = VmId("11111111-0b1e-4c2d-9e3f-0123456789ab")
GIB = 1024**3

HOST = Record(
    "VMHost",
    {
        "Name": "HOST01",
        "FullyQualifiedDomainName": "host01.contoso.com",
        "MemoryCapacity": 128 * GIB,
        "LogicalProcessorCount": 32,
        "VirtualMachineMigrationEnabled": True,
        "VirtualMachineMigrationAuthenticationType": "Kerberos",
        "VirtualMachineMigrationPerformanceOption": "SMB",
        "MaximumVirtualMachineMigrations": 2,
        "MaximumStorageMigrations": 2,
        "SupportedVmVersions": "8.0 9.0 10.0",
        "VirtualMachinePath": "D:\\VMs",
    },
)
MEMORY = Record("Win32_OperatingSystem", {"FreePhysicalMemory": 52 * 1024 * 1024})
COUNTERS = Record(
    "Msvm_VirtualSystemMigrationService", {"ActiveVirtualSystemMigrationCount": 1, "ActiveStorageMigrationCount": 0}
)
RUNNING = {"Id": VM.upper(), "Name": "VM-01", "State": "Running", "OperationalStatus": "Ok", "Uptime": "P41DT2H"}


def answer(*records: Record) -> Answer:
    return Answer(records, (), completed=True)


def volume(**values: object) -> Record:
    return Record("MSFT_Volume", values)


def test_a_host() -> None:
    host = views.host_of(
        answer(
            HOST,
            MEMORY,
            COUNTERS,
            Record("VMSwitch", {"Name": "Production", "SwitchType": "External"}),
            volume(DriveLetter="D", Size=100, SizeRemaining=40),
            volume(DriveLetter="\0", Size=100, SizeRemaining=40),
            volume(DriveLetter=None, Size=100, SizeRemaining=40),
            volume(DriveLetter="E", Size=0, SizeRemaining=0),
        ),
        "host01",
    )
    assert (host.name, host.fqdn) == ("host01", "host01.contoso.com")
    assert (host.memory_bytes, host.memory_free_bytes) == (128 * GIB, 52 * GIB)
    assert (host.authentication, host.performance, host.live_limit, host.live_active) == (1, 2, 2, 1)
    assert host.vm_versions == ("8.0", "9.0", "10.0")
    assert [(switch.name, switch.type) for switch in host.switches] == [("Production", 2)]
    assert host.volumes == (Volume(letter="D", size_bytes=100, free_bytes=40),)


@pytest.mark.parametrize("missing", [HOST, MEMORY, COUNTERS])
def test_a_host_that_leaves_out_what_matters_is_not_guessed(missing: Record) -> None:
    with pytest.raises(views.Unreadable, match=missing.kind):
        views.host_of(answer(*(record for record in (HOST, MEMORY, COUNTERS) if record is not missing)), "host01")


@pytest.mark.parametrize("name", ["MemoryCapacity", "VirtualMachineMigrationEnabled", "MaximumStorageMigrations"])
def test_a_property_that_matters_is_not_guessed(name: str) -> None:
    broken = Record("VMHost", {key: value for key, value in HOST.values.items() if key != name})
    with pytest.raises(views.Unreadable, match=name):
        views.host_of(answer(broken, MEMORY, COUNTERS), "host01")


def test_a_disk_with_an_unknown_parent_has_no_known_size() -> None:
    vm = views.vm_of(
        answer(
            Record("VirtualMachine", RUNNING),
            Record("HardDiskDrive", {"Path": "D:\\a.avhdx"}),
            Record("VirtualHardDisk", {"Path": "D:\\a.avhdx", "Size": 40, "FileSize": 12, "ParentPath": "D:\\a.vhdx"}),
        ),
        "host01",
        VM,
    )
    assert vm is not None
    assert vm.disks == (Disk(path="D:\\a.avhdx", size_bytes=40, file_bytes=None, parent="D:\\a.vhdx"),)


def test_a_vm_in_full() -> None:
    vm = views.vm_of(
        answer(
            Record(
                "VirtualMachine",
                {
                    **RUNNING,
                    "MemoryAssigned": 8 * GIB,
                    "MemoryStartup": 4 * GIB,
                    "Version": "10.0",
                    "IsClustered": False,
                    "ProcessorCount": 4,
                    "Path": "D:\\VMs\\VM-01",
                    "SnapshotFileLocation": "D:\\VMs\\VM-01",
                    "SmartPagingFilePath": "D:\\VMs\\VM-01",
                },
            ),
            Record("HardDiskDrive", {"Path": "D:\\VMs\\a.vhdx", "DiskNumber": None}),
            Record("HardDiskDrive", {"Path": "Disk 3", "DiskNumber": 3}),
            Record("HardDiskDrive", {"Path": "D:\\VMs\\shared.vhdx", "SupportPersistentReservations": True}),
            Record(
                "VirtualHardDisk", {"Path": "d:\\vms\\A.VHDX", "Size": 40, "FileSize": 12, "ParentPath": "D:\\p.vhdx"}
            ),
            Record("VirtualHardDisk", {"Path": "D:\\p.vhdx", "FileSize": 30, "ParentPath": ""}),
            Record("VMNetworkAdapter", {"Name": "Network Adapter", "SwitchName": "Production"}),
            Record("VMNetworkAdapter", {"Name": "Second", "SwitchName": None}),
            Record("DvdDrive", {"Path": "C:\\iso\\a.iso"}),
            Record("DvdDrive", {"Path": None}),
            Record("VMSnapshot", {"Name": "before"}),
            Record("VMProcessor", {"CompatibilityForMigrationEnabled": True}),
        ),
        "host01",
        VM,
    )
    assert vm is not None
    assert (vm.id, vm.name, vm.state, vm.uptime_s, vm.memory_bytes) == (VM, "VM-01", 2, 3549600, 8 * GIB)
    assert vm.disks == (
        Disk(path="D:\\VMs\\a.vhdx", size_bytes=40, file_bytes=42, parent="D:\\p.vhdx"),
        Disk(path="Disk 3", passthrough=True),
        Disk(path="D:\\VMs\\shared.vhdx", shared=True),
    )
    assert [adapter.switch for adapter in vm.adapters] == ["Production", None]
    assert (vm.dvd_paths, vm.checkpoints, vm.processor_compatibility) == (("C:\\iso\\a.iso",), 1, True)


def test_a_vm_that_is_off_counts_what_it_starts_with() -> None:
    record = Record("VirtualMachine", {**RUNNING, "State": 3, "MemoryAssigned": 0, "MemoryStartup": 4 * GIB})
    vm = views.vm_of(answer(record), "host01", VM)
    assert vm is not None
    assert (vm.state, vm.memory_bytes) == (VmState.OFF, 4 * GIB)


class TestAllVmsInFull:
    LIST = (
        Record("VirtualMachine", {**RUNNING, "Name": "web"}),
        Record("VirtualMachine", {**RUNNING, "Id": OTHER, "Name": "App"}),
    )
    PROCESSORS = tuple(
        Record("VMProcessor", {"VMId": vm.upper(), "CompatibilityForMigrationEnabled": vm == VM}) for vm in (VM, OTHER)
    )

    def test_each_has_what_is_its_own(self) -> None:
        web, app = VM.upper(), OTHER.upper()
        found = views.vms_of(
            answer(
                *self.LIST,
                Record("HardDiskDrive", {"VMId": app, "Path": "D:\\app.vhdx"}),
                Record("HardDiskDrive", {"VMId": web, "Path": "D:\\web.avhdx"}),
                Record("HardDiskDrive", {"VMId": web, "Path": "D:\\data.vhdx"}),
                Record("VMNetworkAdapter", {"VMId": web, "Name": "Network Adapter", "SwitchName": "Production"}),
                Record("DvdDrive", {"VMId": app, "Path": "C:\\a.iso"}),
                Record("VMSnapshot", {"Id": str(NO_VM), "VMId": web, "Name": "before"}),
                *self.PROCESSORS,
                Record("VirtualHardDisk", {"Path": "D:\\web.avhdx", "FileSize": 1, "ParentPath": "D:\\base.vhdx"}),
                Record("VirtualHardDisk", {"Path": "D:\\base.vhdx", "FileSize": 10, "ParentPath": ""}),
                Record("VirtualHardDisk", {"Path": "D:\\data.vhdx", "FileSize": 100, "ParentPath": ""}),
            ),
            "host01",
        )
        assert [(vm.name, vm.id, vm.host) for vm in found] == [("App", OTHER, "host01"), ("web", VM, "host01")]
        assert [[disk.file_bytes for disk in vm.disks] for vm in found] == [[None], [11, 100]]
        assert [[adapter.switch for adapter in vm.adapters] for vm in found] == [[], ["Production"]]
        assert [(vm.dvd_paths, vm.checkpoints) for vm in found] == [(("C:\\a.iso",), 0), ((), 1)]
        assert [vm.processor_compatibility for vm in found] == [False, True]

    def test_it_says_of_a_vm_what_is_said_of_that_vm_alone(self) -> None:
        drive = Record("HardDiskDrive", {"VMId": VM, "Path": "D:\\a.vhdx"})
        records = (self.LIST[0], drive, self.PROCESSORS[0])
        assert views.vms_of(answer(*records), "host01") == (views.vm_of(answer(*records), "host01", VM),)

    def test_one_that_left_meanwhile_is_left_out_and_so_is_one_that_came(self) -> None:
        came = Record("HardDiskDrive", {"VMId": str(NO_VM), "Path": "D:\\new.vhdx"})
        assert [vm.name for vm in views.vms_of(answer(*self.LIST, came, self.PROCESSORS[0]), "host01")] == ["web"]

    def test_planned_ones_are_none(self) -> None:
        planned = Record("VirtualMachine", {**RUNNING, "OperationalStatus": [11, 32780]})
        assert views.vms_of(answer(planned, self.PROCESSORS[0]), "host01") == ()

    @pytest.mark.parametrize("kind", ["HardDiskDrive", "VMNetworkAdapter", "DvdDrive", "VMSnapshot", "VMProcessor"])
    def test_a_part_without_an_owner_is_not_lost(self, kind: str) -> None:
        with pytest.raises(views.Unreadable, match="VMId"):
            views.vms_of(answer(*self.LIST, *self.PROCESSORS, Record(kind, {"Id": VM})), "host01")


@pytest.mark.parametrize(
    "spelt",
    [
        {"OperationalStatus": "InService MigratingVirtualMachine"},
        {"OperationalStatus": [11, 32774]},
        {
            "OperationalStatus": "Microsoft.HyperV.PowerShell.VMOperationalStatus[]",
            "PrimaryOperationalStatus": "InService",
            "SecondaryOperationalStatus": 32774,
        },
        {"OperationalStatus": None, "PrimaryOperationalStatus": 11, "SecondaryOperationalStatus": "32774"},
    ],
)
def test_a_status_is_found_wherever_it_stands(spelt: dict[str, object]) -> None:
    vm = views.vm_of(answer(Record("VirtualMachine", {**RUNNING, **spelt})), "host01", VM)
    assert vm is not None
    assert vm.status == (Status.IN_SERVICE, Status.MIGRATING)
    assert vm.migrating


@pytest.mark.parametrize("name", ["State", "Id"])
def test_a_vm_without_state_or_id_is_not_guessed(name: str) -> None:
    record = Record("VirtualMachine", {**RUNNING, name: None})
    with pytest.raises(views.Unreadable):
        views.vm_of(answer(record), "host01", VM)


PLANNED = Record("Msvm_PlannedComputerSystem", {"Name": VM.upper()})
MIGRATING_PLANNED = {**RUNNING, "OperationalStatus": [11, 32780]}


@pytest.mark.parametrize(
    ("records", "is_there", "is_planned"),
    [
        ((), False, False),
        ((Record("VirtualMachine", RUNNING),), True, False),
        ((PLANNED,), False, True),
        ((Record("VirtualMachine", MIGRATING_PLANNED),), False, True),
        ((PLANNED, Record("VirtualMachine", MIGRATING_PLANNED)), False, True),
        ((PLANNED, Record("VirtualMachine", RUNNING)), False, True),
        ((PLANNED, Record("VirtualMachine", {**RUNNING, "VirtualMachineType": "RealizedVirtualMachine"})), True, False),
        ((PLANNED, Record("VirtualMachine", {**MIGRATING_PLANNED, "VirtualMachineType": 3})), False, True),
        ((Record("VirtualMachine", {**RUNNING, "VirtualMachineType": "PlannedVirtualMachine"}),), False, True),
        ((Record("VirtualMachine", {**RUNNING, "VirtualMachineType": 4}),), False, True),
        ((Record("Msvm_PlannedComputerSystem", {"Name": OTHER}),), False, False),
    ],
)
def test_a_planned_vm_is_never_taken_for_the_vm(records: tuple[Record, ...], is_there: bool, is_planned: bool) -> None:
    seen = views.sighting_of(answer(*records), "host02", VM)
    assert (seen.vm is not None, seen.planned) == (is_there, is_planned)


def job(number: int, vm: str = VM, **values: object) -> Record:
    start = f"2026112210{number:02}00.000000+000"
    return Record(
        "Msvm_MigrationJob",
        {"InstanceID": f"job-{number}", "VirtualSystemName": vm.upper(), "JobState": 4, "StartTime": start, **values},
    )


def test_jobs_of_that_vm_newest_first() -> None:
    failed = job(2, JobState=10, ErrorSummaryDescription="It failed.", ErrorDescription="No memory.", ErrorCode=32768)
    seen = views.sighting_of(
        answer(job(1), job(3, PercentComplete=47, Cancellable=True, DestinationHost="HOST02"), failed, job(4, OTHER)),
        "host01",
        VM,
    )
    assert [one.id for one in seen.jobs] == ["job-3", "job-2", "job-1"]
    assert (seen.jobs[0].percent, seen.jobs[0].cancellable, seen.jobs[0].destination) == (47, True, "HOST02")
    assert (seen.jobs[1].state, seen.jobs[1].error) == (JobState.EXCEPTION, "It failed.\n\nNo memory.")
    assert seen.jobs[0].active
    assert not seen.jobs[1].active


@pytest.mark.parametrize(
    ("kind", "counts"), [(32768, True), (32769, True), (32771, True), (None, True), (32770, False)]
)
def test_a_comparisons_job_is_no_migration(kind: int | None, counts: bool) -> None:
    seen = views.sighting_of(answer(job(1, JobState=7, MigrationType=kind)), "host01", VM)
    assert bool(seen.jobs) is counts


def test_a_list_of_vms_is_ordered_and_has_no_planned_ones() -> None:
    records = (
        Record("VirtualMachine", {**RUNNING, "Name": "web"}),
        Record("VirtualMachine", {**RUNNING, "Id": OTHER, "Name": "App"}),
        Record("VirtualMachine", {**MIGRATING_PLANNED, "Name": "coming"}),
        Record("VirtualMachine", {**RUNNING, "Name": "compared", "VirtualMachineType": "PlannedVirtualMachine"}),
    )
    assert [vm.name for vm in views.summaries_of(answer(*records), "host01")] == ["App", "web"]


# As Windows sends them: type names of CIM instances, and an error record that did not end the pipeline.
OUTPUTS = [
    '<Obj RefId="0"><TN RefId="0">'
    "<T>Microsoft.Management.Infrastructure.CimInstance#ROOT/cimv2/Win32_OperatingSystem</T><T>Microsoft.Management.Infrastructure.CimInstance</T><T>System.Object</T></TN>"
    '<Props><U64 N="FreePhysicalMemory">7</U64></Props><MS><S N="PSComputerName">HOST01</S></MS></Obj>',
    '<Obj RefId="0"><TN RefId="0"><T>Deserialized.Microsoft.HyperV.PowerShell.VMHost</T><T>System.Object</T></TN>'
    '<Props><S N="Name">HOST01</S></Props></Obj>',
    '<Obj RefId="0"><TN RefId="0">'
    "<T>Microsoft.Management.Infrastructure.CimMethodResult#Msvm_MigrationJob#RequestStateChange</T>"
    '<T>System.Object</T></TN><Props><U32 N="ReturnValue">4096</U32></Props></Obj>',
    "<S>a text that nobody asked for</S>",
]  # fmt: skip
ERROR = (
    '<Obj RefId="0"><TN RefId="0"><T>System.Management.Automation.ErrorRecord</T><T>System.Object</T></TN>'
    "<ToString>Hyper-V hat keinen virtuellen Computer gefunden.</ToString><MS>"
    '<Obj N="Exception" RefId="1"><TN RefId="1"><T>Microsoft.HyperV.PowerShell.VirtualizationException</T>'
    "<T>System.Object</T></TN><ToString>x</ToString>"
    '<Props><S N="Message">Hyper-V hat keinen virtuellen Computer gefunden.</S></Props></Obj>'
    '<S N="FullyQualifiedErrorId">{identifier},Microsoft.HyperV.PowerShell.Commands.{command}</S>'
    '<I32 N="ErrorCategory_Category">5</I32><S N="ErrorCategory_Activity">{activity}</S>'
    '<B N="SerializeExtendedInfo">false</B></MS></Obj>'
)


@pytest.fixture
def pipeline() -> Iterator[PowerShell]:
    with WSMan("127.0.0.1", ssl=False, auth="ntlm") as wsman:
        pipeline = PowerShell(RunspacePool(wsman))
        pipeline.state = PSInvocationState.COMPLETED
        yield pipeline


def test_outputs_are_told_apart_by_type(pipeline: PowerShell) -> None:
    pipeline.output = [Serializer().deserialize(clixml) for clixml in OUTPUTS]
    records = answer_of(pipeline).records
    assert [record.kind for record in records] == ["Win32_OperatingSystem", "VMHost", "RequestStateChange"]
    assert records[0]["FreePhysicalMemory"] == 7
    assert records[0]["PSComputerName"] == "HOST01"
    assert records[0]["Missing"] is None


@pytest.mark.parametrize(
    ("identifier", "command", "activity", "cmdlet", "absent"),
    [
        ("InvalidParameter", "GetVM", "Get-VM", "getvm", True),
        ("InvalidParameter", "GetVM", "", "getvm", True),
        ("InvalidParameter", "GetVHD", "Get-VHD", "getvhd", False),
        ("ObjectNotFound", "GetVM", "Get-VM", "getvm", False),
    ],
)
def test_only_get_vm_itself_can_say_that_a_vm_is_absent(
    pipeline: PowerShell, identifier: str, command: str, activity: str, cmdlet: str, absent: bool
) -> None:
    clixml = ERROR.format(identifier=identifier, command=command, activity=activity)
    pipeline.streams.error.append(Serializer().deserialize(clixml))
    assert not pipeline.had_errors
    (trouble,) = answer_of(pipeline).troubles
    assert trouble.words == "Hyper-V hat keinen virtuellen Computer gefunden."
    assert (trouble.cmdlet, trouble.means_no_such_vm) == (cmdlet, absent)
