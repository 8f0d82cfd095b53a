"""The simulated cmdlets, as a PSRP client sees them: binding, streams, errors, and the shape of objects.

Client and server are psrpcore's two halves, joined in memory; what arrives has been CLIXML.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psrpcore
import pytest
from psrpcore.types import PSInvocationState

from bot.lab import engine
from bot.lab.cmdlets import machine_of
from bot.lab.jea import Role, read_data_file
from bot.lab.scenario import small
from bot.lab.world import Checkpoint, ManualClock, RunningClock, State, Vm, World

HV = "Microsoft.HyperV.PowerShell."
HOST02 = "host02.ferry.lab"

Call = tuple[str, Mapping[str, Any]]


class ScriptText:
    def __init__(self, text: str) -> None:
        self.text = text


@dataclass
class Answer:
    """What came back over the wire."""

    state: PSInvocationState
    output: list[Any] = field(default_factory=list)
    errors: list[Any] = field(default_factory=list)
    progress: list[Any] = field(default_factory=list)
    failure: Any = None

    @property
    def error(self) -> Any:
        found = [*self.errors, *([self.failure] if self.failure is not None else [])]
        assert len(found) == 1, [str(error) for error in found]
        return found[0]

    @property
    def only(self) -> Any:
        assert len(self.output) == 1, self.output
        return self.output[0]


class Wire:
    """A runspace pool whose two halves hand their bytes to each other; it is also the engine's Command."""

    def __init__(self, statements: Iterable[Iterable[Call | ScriptText]]) -> None:
        self.client = psrpcore.ClientRunspacePool()
        self.server = psrpcore.ServerRunspacePool()
        self.client.open()
        self._exchange()
        self.remote = psrpcore.ClientPowerShell(self.client)
        self._write(statements)
        self.pipeline = psrpcore.ServerPipeline(self.server, self.remote.pipeline_id)
        self.answer = Answer(PSInvocationState.Running)
        self.progressed = asyncio.Event()
        self.remote.start()
        self._exchange()
        self.pipeline._change_state(PSInvocationState.Running, emit=False)

    def _write(self, statements: Iterable[Iterable[Call | ScriptText]]) -> None:
        for statement in statements:
            for call in statement:
                if isinstance(call, ScriptText):
                    self.remote.add_script(call.text)
                    continue
                name, arguments = call
                self.remote.add_command(name)
                for parameter, value in arguments.items():
                    if parameter.isdigit():
                        self.remote.add_argument(value)
                    else:
                        self.remote.add_parameter(parameter, value)
            self.remote.add_statement()

    async def flush(self) -> None:
        self._exchange()

    def _exchange(self) -> None:
        for source, target in ((self.client, self.server), (self.server, self.client)):
            while payload := source.data_to_send():
                target.receive_data(payload)
            while event := target.next_event():
                self._read(event)

    def _read(self, event: Any) -> None:
        if isinstance(event, psrpcore.PipelineOutputEvent):
            self.answer.output.append(event.data)
        elif isinstance(event, psrpcore.ErrorRecordEvent):
            self.answer.errors.append(event.record)
        elif isinstance(event, psrpcore.ProgressRecordEvent):
            self.answer.progress.append(event.record)
            self.progressed.set()
        elif isinstance(event, psrpcore.PipelineStateEvent):
            self.answer.state, self.answer.failure = event.state, event.reason

    async def run(self, world: World, host: str, visible: engine.Visible = None) -> Answer:
        await engine.run(self, machine_of(world, world.host(host)), "LAB\\ferry", visible)
        self._exchange()
        return self.answer


class Lab:
    """The small scenario. Its time stands still unless somebody moves a VM: then it runs."""

    def __init__(self, world: World) -> None:
        self.world = world

    def vm(self, name: str) -> Vm:
        return self.world.vm(name)

    def get(self, name: str) -> Call:
        return ("Get-VM", {"Id": self.vm(name).id})

    def __call__(self, *pipeline: Call | ScriptText, host: str = "host01", visible: engine.Visible = None) -> Answer:
        return self.statements([pipeline], host, visible)

    def statements(
        self, statements: Iterable[Iterable[Call | ScriptText]], host: str = "host01", visible: engine.Visible = None
    ) -> Answer:
        return asyncio.run(Wire(statements).run(self.world, host, visible))


@pytest.fixture
def lab() -> Lab:
    return Lab(small(RunningClock(1000)))


@pytest.fixture
def still() -> Lab:
    return Lab(small(ManualClock()))


class TestBinding:
    @pytest.mark.parametrize(
        ("call", "identifier", "words"),
        [
            (("Get-VM", {"Colour": 1}), "NamedParameterNotFound", "matches parameter name 'Colour'"),
            (("Get-VMSwitch", {"Switch": "x"}), "AmbiguousParameter", "-Name -Id -SwitchType"),
            (("Get-VM", {"Name": "a", "Id": uuid4()}), "AmbiguousParameterSet", "cannot be resolved"),
            (("Get-VM", {"Id": "no guid"}), "CannotConvertArgumentNoMessage", "Guid should contain 32 digits"),
            (("Get-VM", {"Name": "a", "VMName": "b"}), "ParameterAlreadyBound", "more than once"),
            (("Get-VM", {"Name": []}), "ParameterArgumentValidationErrorEmptyArrayNotAllowed", "an empty array"),
            (("Get-VM", {"1": "VM-01", "2": "VM-02"}), "PositionalParameterNotFound", "accepts argument 'VM-02'"),
            (("Move-VM", {"Name": "VM-01"}), "MissingMandatoryParameter", "DestinationHost"),
            (
                ("Move-VM", {"Name": "", "DestinationHost": "x"}),
                "ParameterArgumentValidationErrorEmpty",
                "empty string",
            ),
            (("Move-VM", {"Name": None, "DestinationHost": "x"}), "ParameterArgumentValidationErrorNull", "it is null"),
            (("Move-VM", {"Name": ["a", "b"], "DestinationHost": "x"}), "CannotConvertArgument", "'System.Object[]'"),
            (
                ("Move-VM", {"Name": "a", "DestinationHost": "x", "IncludeStorage": "yes"}),
                "CannotConvertArgumentNoMessage",
                "Boolean parameters accept only Boolean values",
            ),
            (
                (
                    "Move-VM",
                    {"Name": "a", "DestinationHost": "x", "IncludeStorage": True, "VirtualMachinePath": "D:\\"},
                ),
                "AmbiguousParameterSet",
                "cannot be resolved",
            ),
            (
                ("Move-VM", {"VM": "VM-01", "DestinationHost": "x"}),
                "CannotConvertArgument",
                'to type "Microsoft.HyperV',
            ),
            (("Get-VHD", {}), "MissingMandatoryParameter", "Path"),
            (("Get-VM", {"ErrorAction": "Sometimes"}), "CannotConvertArgumentNoMessage", "SilentlyContinue, Stop"),
            (("Get-VMHost", {"Confirm": False}), "NamedParameterNotFound", "'Confirm'"),
            (("Get-VMHost", {"ComputerName": "host02"}), "NotSupported", "answers for itself"),
        ],
    )
    def test_what_does_not_bind(self, still: Lab, call: Call, identifier: str, words: str) -> None:
        answer = still(call)
        assert answer.state is PSInvocationState.Failed
        assert answer.error.FullyQualifiedErrorId.startswith(identifier)
        assert answer.error.FullyQualifiedErrorId.endswith(call[0].replace("-", "")) or call[0] == "Get-VHD"
        assert words in str(answer.error)
        assert answer.error.CategoryInfo.Activity == call[0]

    @pytest.mark.parametrize(
        "arguments",
        [
            {"Id": "{id}"},
            {"id": "{id}"},
            {"Nam": "VM-01"},
            {"-Id:": "{id}"},
            {"1": UUID(int=0)},
            {"Name": "vm-01"},
            {"VMName": ["VM-0[1]"]},
            {"1": "VM-01", "ea": "Stop"},
            {"Name": "VM-01", "ErrorAction": 1, "Verbose": None},
        ],
    )
    def test_what_does(self, still: Lab, arguments: dict[str, Any]) -> None:
        vm = still.vm("VM-01")
        given = {
            key: vm.id if value == UUID(int=0) else str(vm.id) if value == "{id}" else value
            for key, value in arguments.items()
        }
        assert still(("get-vm", given)).only.Name == "VM-01"

    def test_wildcards_where_the_cmdlet_takes_them(self, still: Lab) -> None:
        assert [vm.Name for vm in still(("Get-VM", {"Name": "vm-0[12]"})).output] == ["VM-01", "VM-02"]
        assert still(("Get-VM", {"Name": "nothing*"})).output == []
        answer = still(("Move-VM", {"Name": "VM-0*", "DestinationHost": HOST02}))
        assert answer.error.FullyQualifiedErrorId == f"InvalidParameter,{HV}Commands.MoveVM"
        assert still.world.journal.entries == ()

    def test_an_object_that_takes_no_input(self, still: Lab) -> None:
        answer = still(("Get-VMHost", {}), ("Get-VMSwitch", {"Id": uuid4()}))
        assert answer.error.FullyQualifiedErrorId.startswith("InputObjectNotBound")

    def test_a_mandatory_parameter_that_no_input_can_give(self, still: Lab) -> None:
        answer = still(still.get("VM-01"), ("Compare-VM", {"IncludeStorage": True}))
        assert answer.state is PSInvocationState.Failed
        assert answer.error.FullyQualifiedErrorId == f"MissingMandatoryParameter,{HV}Commands.CompareVM"

    def test_one_that_only_other_input_could_make_unnecessary(self, still: Lab) -> None:
        answer = still(still.get("VM-01"), ("Move-VM", {}))
        assert answer.error.FullyQualifiedErrorId == f"InputObjectMissingMandatory,{HV}Commands.MoveVM"
        assert "mandatory parameters:  DestinationHost" in str(answer.error)
        assert still.world.journal.entries == ()

    def test_input_may_give_the_id_by_its_property(self, still: Lab) -> None:
        chosen = ("Select-Object", {"Property": ["VMId"]})
        assert len(still(still.get("VM-01"), chosen, ("Get-VHD", {})).output) == 2


class TestSession:
    def test_scripts_are_refused_before_anything_runs(self, still: Lab) -> None:
        answer = still.statements([[("Get-VMHost", {})], [ScriptText("Get-VM | Where-Object State -eq 2")]])
        assert answer.state is PSInvocationState.Failed
        assert answer.output == []
        assert answer.error.FullyQualifiedErrorId == "ScriptsNotAllowed"

    def test_an_unknown_command(self, still: Lab) -> None:
        answer = still(("Format-Volume", {}))
        assert answer.error.FullyQualifiedErrorId == "CommandNotFoundException"
        assert "The term 'Format-Volume' is not recognized" in str(answer.error)

    def test_a_module_may_be_named(self, still: Lab) -> None:
        assert still(("Hyper-V\\Get-VMHost", {})).only.Name == "HOST01"

    def test_statements_answer_in_order(self, still: Lab) -> None:
        answer = still.statements([[("Get-VMHost", {})], [still.get("VM-01")], [("Get-VMSwitch", {})]])
        kinds = [item.PSTypeNames[0].rsplit(".", 1)[-1] for item in answer.output]
        assert kinds == ["VMHost", "VirtualMachine", "VMSwitch", "VMSwitch", "VMSwitch"]
        assert answer.state is PSInvocationState.Completed

    def test_an_error_that_ends_one_of_several_statements_lets_the_next_run(self, still: Lab) -> None:
        answer = still.statements([[("Get-VM", {"Colour": 1})], [("Get-VMHost", {})]])
        assert answer.state is PSInvocationState.Completed
        assert answer.error.FullyQualifiedErrorId.startswith("NamedParameterNotFound")
        assert answer.only.Name == "HOST01"

    def test_with_error_action_stop_none_does(self, still: Lab) -> None:
        missing = ("Get-VM", {"Name": "nobody", "ErrorAction": "Stop"})
        answer = still.statements([[missing], [("Get-VMHost", {})]])
        assert answer.state is PSInvocationState.Failed
        assert answer.output == []

    @pytest.mark.parametrize("action", [1, "Stop", "stop", "sto"])
    def test_spellings_of_stop(self, still: Lab, action: object) -> None:
        assert still(("Get-VM", {"Name": "nobody", "ErrorAction": action})).state is PSInvocationState.Failed

    @pytest.mark.parametrize("action", [0, "SilentlyContinue", "Ignore"])
    def test_spellings_of_silence(self, still: Lab, action: object) -> None:
        answer = still(("Get-VM", {"Name": "nobody", "ErrorAction": action}))
        assert (answer.state, answer.errors) == (PSInvocationState.Completed, [])

    def test_a_missing_vm_does_not_end_anything(self, still: Lab) -> None:
        answer = still(("Get-VM", {"Name": ["nobody", "VM-01"]}))
        assert answer.state is PSInvocationState.Completed
        assert answer.only.Name == "VM-01"
        error = answer.error
        assert str(error) == 'Hyper-V was unable to find a virtual machine with name "nobody".'
        assert error.FullyQualifiedErrorId == f"InvalidParameter,{HV}Commands.GetVM"
        category = error.CategoryInfo
        assert (category.Category.name, category.TargetName, category.TargetType) == (
            "InvalidArgument",
            "nobody",
            "String",
        )
        assert (category.Activity, category.Reason) == ("Get-VM", "VirtualizationException")
        assert error.Exception.PSTypeNames[0] == f"Deserialized.{HV}VirtualizationException"
        assert error.Exception.HResult == -2146233088

    def test_a_role_hides_commands_parameters_and_values(self, still: Lab) -> None:
        role = Role(
            [
                read_data_file(
                    """@{
                    ModulesToImport = 'Hyper-V', 'Storage'
                    VisibleCmdlets = 'Get-VMHost', @{ Name = 'Get-VM'; Parameters = @{ Name = 'Id' } },
                        @{ Name = 'Get-VMSwitch'; Parameters = @{ Name = 'SwitchType'; ValidateSet = 'External' } }
                    }"""
                )
            ]
        )
        shown: Callable[[Call], Answer] = lambda call: still(call, visible=role)  # noqa: E731
        assert shown(still.get("VM-01")).only.Name == "VM-01"
        assert shown(("Get-VM", {"Name": "VM-01"})).error.FullyQualifiedErrorId.startswith("NamedParameterNotFound")
        refused = shown(("Get-VMSwitch", {"SwitchType": "Private"}))
        assert refused.error.FullyQualifiedErrorId.startswith("ParameterArgumentValidationError")
        assert len(shown(("Get-VMSwitch", {"SwitchType": "external"})).output) == 2
        assert shown(("Get-VMHost", {})).only.Name == "HOST01"
        assert shown(("Get-Volume", {})).error.FullyQualifiedErrorId == "CommandNotFoundException"

    def test_nobody_is_there_to_confirm(self, still: Lab) -> None:
        answer = still(still.get("VM-04"), ("Remove-VM", {}))
        assert "does not support user interaction" in str(answer.error)
        assert still.vm("VM-04").id in still.world.host("host01").vms


class TestObjects:
    def test_a_virtual_machine(self, still: Lab) -> None:
        vm = still(still.get("VM-01")).only
        assert vm.PSTypeNames[0] == f"Deserialized.{HV}VirtualMachine"
        assert int(vm.State) == 2
        assert vm.State.PSTypeNames[0] == f"Deserialized.{HV}VMState"
        assert str(vm.State.PSObject.to_string) == "Running"
        assert [int(status) for status in vm.OperationalStatus] == [2]
        assert vm.Id == still.vm("VM-01").id
        assert vm.VMId == vm.Id
        assert vm.Uptime.days == 41
        assert int(vm.MemoryAssigned) == 8 << 30
        assert vm.ComputerName == "HOST01"
        assert vm.IsClustered is False

    @pytest.mark.parametrize("seconds", [0, 7, 10, 40, 3600, 100 * 86400])
    def test_whole_seconds_arrive_as_they_are(self, still: Lab, seconds: int) -> None:
        still.vm("VM-01").started_at = still.world.clock.now() - timedelta(seconds=seconds)
        assert still(still.get("VM-01")).only.Uptime.total_seconds() == pytest.approx(seconds, abs=0.01)

    def test_devices_inside_it_are_only_text(self, still: Lab) -> None:
        drives = still(still.get("VM-01")).only.HardDrives
        assert drives.PSTypeNames[:2] == [f"Deserialized.{HV}HardDiskDrive[]", "Deserialized.System.Array"]
        assert [str(drive)[:15] for drive in drives] == ["HardDiskDrive ("] * 2
        assert all(isinstance(drive, str) for drive in drives)

    def test_a_vm_that_is_off(self, still: Lab) -> None:
        vm = still(still.get("VM-04")).only
        assert (int(vm.State), int(vm.MemoryAssigned), int(vm.MemoryStartup)) == (3, 0, 4 << 30)
        assert vm.Uptime.total_seconds() < 0.01

    def test_disks_and_their_files(self, still: Lab) -> None:
        drives = still(still.get("VM-01"), ("Get-VMHardDiskDrive", {})).output
        disks = still(("Get-VHD", {"VMId": str(still.vm("VM-01").id)})).output
        assert [drive.Path for drive in drives] == [disk.Path for disk in disks]
        assert drives[0].DiskNumber is None
        assert drives[0].SupportPersistentReservations is False
        assert [int(disk.VhdType) for disk in disks] == [4, 4]
        assert disks[0].ParentPath == "\\\\server02\\vmstore\\VM-01\\Virtual Hard Disks\\VM-01.vhdx"
        parent = still(("Get-VHD", {"Path": disks[0].ParentPath})).only
        assert (int(parent.VhdType), parent.ParentPath) == (3, "")
        assert int(parent.FileSize) == 8 << 30

    def test_a_checkpoint_has_the_files_it_froze(self, still: Lab) -> None:
        frozen = (("Get-VMSnapshot", {}), ("Get-VMHardDiskDrive", {}), ("Get-VHD", {}))
        files = still(still.get("VM-01"), *frozen).output
        attached = still(("Get-VHD", {"VMId": str(still.vm("VM-01").id)})).output
        assert [file.Path for file in files] == [disk.ParentPath for disk in attached]
        assert still(still.get("VM-02"), *frozen).output == []

    def test_a_disk_is_read_only_where_it_is_used(self, still: Lab) -> None:
        answer = still(("Get-VHD", {"VMId": still.vm("VM-01").id}), host="host02")
        assert answer.output == []
        assert "unable to find" in str(answer.error)

    def test_other_devices(self, still: Lab) -> None:
        vm = still.get("VM-05")
        assert still(vm, ("Get-VMNetworkAdapter", {})).only.SwitchName == "Production"
        assert still(vm, ("Get-VMDvdDrive", {})).only.Path == "D:\\ISO\\setup.iso"
        assert still(vm, ("Get-VMProcessor", {})).only.CompatibilityForMigrationEnabled is False
        assert still(vm, ("Get-VMSnapshot", {})).output == []
        assert still(still.get("VM-01"), ("Get-VMSnapshot", {})).only.Name == "VM-01 - before update"

    def test_the_host(self, still: Lab) -> None:
        host = still(("Get-VMHost", {}), host="host02").only
        assert host.FullyQualifiedDomainName == HOST02
        assert int(host.VirtualMachineMigrationAuthenticationType) == 1
        assert int(host.MaximumVirtualMachineMigrations) == 2
        assert "10.0" in list(host.SupportedVmVersions)
        memory = still(("Get-CimInstance", {"ClassName": "Win32_OperatingSystem"}), host="host02").only
        assert memory.PSTypeNames[0].endswith("CimInstance#root/cimv2/Win32_OperatingSystem")
        assert int(memory.FreePhysicalMemory) == 52 << 20

    def test_volumes(self, still: Lab) -> None:
        volumes = still(("Get-Volume", {})).output
        assert [chr(volume.DriveLetter) for volume in volumes] == ["C", "D"]
        assert 0 < int(volumes[0].SizeRemaining) < int(volumes[0].Size)
        missing = still(("Get-Volume", {"DriveLetter": "X"}))
        assert missing.error.FullyQualifiedErrorId.startswith("CmdletizationQuery_NotFound_DriveLetter")

    def test_a_duplicate_name_gives_both_on_one_host(self, still: Lab) -> None:
        world = still.world
        twin = Vm("VM-04", uuid4(), State.OFF, path="D:\\VMs\\twin")
        world.add_vm(world.host("host01"), twin)
        assert len(still(("Get-VM", {"Name": "VM-04"})).output) == 2

    @pytest.mark.parametrize(
        ("arguments", "identifier"),
        [
            ({"ClassName": "Win32_Nothing"}, "HRESULT 0x80041010"),
            ({"ClassName": "Msvm_MigrationJob", "Namespace": "root\\nothing"}, "HRESULT 0x8004100e"),
            ({"ClassName": "Win32_OperatingSystem", "Filter": "Name LIKE 'x%'"}, "HRESULT 0x80041017"),
        ],
    )
    def test_wrong_questions_to_wmi(self, still: Lab, arguments: dict[str, Any], identifier: str) -> None:
        assert still(("Get-CimInstance", arguments)).error.FullyQualifiedErrorId.startswith(identifier)


def jobs(**more: Any) -> Call:
    return ("Get-CimInstance", {"Namespace": "root\\virtualization\\v2", "ClassName": "Msvm_MigrationJob", **more})


class TestMoving:
    def test_a_move_reports_progress_and_ends(self, lab: Lab) -> None:
        vm = lab.vm("VM-01")
        answer = lab(
            lab.get("VM-01"), ("Move-VM", {"DestinationHost": HOST02, "Confirm": False, "ErrorAction": "Stop"})
        )
        assert (answer.state, answer.output, answer.errors) == (PSInvocationState.Completed, [], [])
        assert lab.world.whereabouts(vm) == ("HOST02",)
        last = answer.progress[-1]
        assert (last.ActivityId, last.Activity, last.PercentComplete) == (0, "Moving Virtual Machine", 100)
        assert (int(last.RecordType), last.SecondsRemaining) == (1, -1)
        assert all(int(record.RecordType) == 0 for record in answer.progress[:-1])

    def test_by_name_and_with_passthru(self, lab: Lab) -> None:
        answer = lab(("Move-VM", {"1": "VM-01", "2": "host02", "Passthru": True}))
        assert (answer.only.Name, answer.only.ComputerName) == ("VM-01", "HOST02")

    def test_with_storage(self, lab: Lab) -> None:
        move = ("Move-VM", {"DestinationHost": HOST02, "IncludeStorage": None, "DestinationStoragePath": "D:\\Moved"})
        lab(lab.get("VM-02"), move)
        assert lab.vm("VM-02").disks[0].path == "D:\\Moved\\Virtual Hard Disks\\VM-02.vhdx"
        assert lab.world.whereabouts(lab.vm("VM-02")) == ("HOST02",)

    def test_with_a_path_for_every_file(self, lab: Lab) -> None:
        old = lab.vm("VM-02").disks[0].path
        vhd = {"SourceFilePath": old, "DestinationFilePath": "C:\\Disks\\VM-02.vhdx"}
        lab(lab.get("VM-02"), ("Move-VM", {"DestinationHost": HOST02, "VirtualMachinePath": "D:\\Cfg", "Vhds": [vhd]}))
        assert (lab.vm("VM-02").path, lab.vm("VM-02").disks[0].path) == ("D:\\Cfg", "C:\\Disks\\VM-02.vhdx")

    def test_renaming_a_disk_is_refused(self, still: Lab) -> None:
        vhd = {"SourceFilePath": "D:\\a.vhdx", "DestinationFilePath": "D:\\b.vhdx"}
        answer = still(still.get("VM-02"), ("Move-VM", {"DestinationHost": HOST02, "Vhds": [vhd]}))
        assert answer.error.FullyQualifiedErrorId == f"InvalidParameter,{HV}Commands.MoveVM"

    def test_storage(self, lab: Lab) -> None:
        answer = lab(lab.get("VM-01"), ("Move-VMStorage", {"DestinationStoragePath": "\\\\server01\\vmstore"}))
        assert answer.errors == []
        assert [file.path.rsplit("\\", 2)[1] for file in lab.vm("VM-01").disks[0].files] == ["Virtual Hard Disks"] * 2
        assert lab.vm("VM-01").path == "\\\\server01\\vmstore"
        assert answer.progress[-1].Activity == "Moving Storage"

    @pytest.mark.parametrize(
        ("name", "arguments", "identifier", "category", "words"),
        [
            ("VM-02", {}, "OperationFailed", "NotSpecified", "0x80070003"),
            ("VM-03", {"IncludeStorage": True}, "OperationFailed", "InvalidOperation", "clustered"),
            ("VM-05", {}, "OperationFailed", "NotSpecified", "0xC03A0014"),
            ("VM-06", {}, "OperationFailed", "NotSpecified", "Could not find Ethernet switch 'Backup'."),
            ("VM-08", {}, "OperationFailed", "NotSpecified", "0x80072746"),
            ("VM-09", {}, "ObjectInUse", "ResourceBusy", "in use"),
            ("VM-10", {}, "OperationFailed", "NotSpecified", "0x8007000E"),
        ],
    )
    def test_what_the_small_scenario_refuses(
        self, lab: Lab, name: str, arguments: dict[str, Any], identifier: str, category: str, words: str
    ) -> None:
        answer = lab(lab.get(name), ("Move-VM", {"DestinationHost": HOST02, **arguments}))
        assert answer.state is PSInvocationState.Completed  # errors of Move-VM do not end the pipeline
        assert answer.error.FullyQualifiedErrorId == f"{identifier},{HV}Commands.MoveVM"
        assert answer.error.CategoryInfo.Category.name == category
        assert str(answer.error.CategoryInfo).endswith("(:) [Move-VM], VirtualizationException")
        assert words in str(answer.error)
        assert lab.world.whereabouts(lab.vm(name)) == ("HOST01",)

    def test_with_stop_the_pipeline_fails(self, lab: Lab) -> None:
        answer = lab(lab.get("VM-06"), ("Move-VM", {"DestinationHost": HOST02, "ErrorAction": "Stop"}))
        assert answer.state is PSInvocationState.Failed
        summary, description = str(answer.failure).split("\n\n")
        assert summary == (
            "Virtual machine migration operation for 'VM-06' failed at migration destination 'HOST02'. "
            f"(Virtual machine ID {lab.vm('VM-06').guid})"
        )
        assert description.startswith("The virtual machine 'VM-06' is not compatible with physical computer 'HOST02'.")

    def test_what_if_does_nothing(self, lab: Lab) -> None:
        lab(lab.get("VM-01"), ("Move-VM", {"DestinationHost": HOST02, "WhatIf": True}))
        lab(lab.get("VM-04"), ("Remove-VM", {"Force": True, "WhatIf": True}))
        assert lab.world.journal.entries == ()


class TestStopping:
    def test_a_stopped_pipeline_leaves_the_job_alone(self, still: Lab) -> None:
        vm = still.vm("VM-01")

        async def start_and_stop() -> Answer:
            wire = Wire([[still.get("VM-01"), ("Move-VM", {"DestinationHost": HOST02})]])
            task = asyncio.create_task(wire.run(still.world, "host01"))
            await wire.progressed.wait()
            task.cancel()
            return await task

        answer = asyncio.run(start_and_stop())
        assert answer.state is PSInvocationState.Stopped
        assert answer.failure.FullyQualifiedErrorId == "PipelineStopped"
        assert vm.job is not None
        advance(still, 60)
        assert still.world.whereabouts(vm) == ("HOST02",)

    def test_a_move_that_is_cancelled_by_somebody_else(self, still: Lab) -> None:
        async def cancelled() -> Answer:
            wire = Wire([[still.get("VM-01"), ("Move-VM", {"DestinationHost": HOST02})]])
            task = asyncio.create_task(wire.run(still.world, "host01"))
            await wire.progressed.wait()
            [job] = still.world.active_jobs()
            assert still.world.request_state_change(job, 4) == 0
            advance(still, 5)
            return await task

        error = asyncio.run(cancelled()).error
        assert error.FullyQualifiedErrorId == f"OperationFailed,{HV}Commands.MoveVM"
        assert "0x800704C7" in str(error)


def advance(lab: Lab, seconds: float) -> None:
    assert isinstance(lab.world.clock, ManualClock)
    lab.world.clock.advance(seconds)


class TestJobs:
    def test_a_move_under_way(self, still: Lab) -> None:
        vm = still.vm("VM-01")
        still.world.start_foreign_move(vm, "host02")
        advance(still, 5)
        job = still(jobs()).only
        assert job.PSTypeNames[0].endswith("CimInstance#root/virtualization/v2/Msvm_MigrationJob")
        assert (job.VirtualSystemName, job.DestinationHost) == (str(vm.id).upper(), "HOST02")
        assert (int(job.JobState), int(job.JobType), int(job.MigrationType)) == (4, 305, 32768)
        assert 30 < int(job.PercentComplete) < 50
        assert (job.Cancellable, job.JobStatus, job.Owner) == (True, "Job is running", "LAB\\another-admin")
        assert job.TimeBeforeRemoval.total_seconds() // 1 == 300
        assert 5 <= job.ElapsedTime.total_seconds() < 5.1
        assert still(jobs(), host="host02").output == []

    def test_what_both_hosts_show_of_the_vm(self, still: Lab) -> None:
        vm = still.vm("VM-01")
        still.world.start_foreign_move(vm, "host02")
        advance(still, 5)
        source = still(("Get-VM", {"Id": vm.id})).only
        assert (int(source.State), source.Status) == (2, "Migrating virtual machine")
        assert [int(status) for status in source.OperationalStatus] == [11, 32774]
        destination = still(("Get-VM", {"Id": vm.id}), host="host02").only
        assert [int(status) for status in destination.OperationalStatus] == [11, 32780]
        assert int(destination.VirtualMachineType) == 4
        planned = {"Namespace": "root/virtualization/v2", "ClassName": "Msvm_PlannedComputerSystem"}
        assert still(("Get-CimInstance", planned), host="host02").only.Name == str(vm.id).upper()
        service = {"Namespace": "root/virtualization/v2", "ClassName": "Msvm_VirtualSystemMigrationService"}
        for host in ("host01", "host02"):
            assert int(still(("Get-CimInstance", service), host=host).only.ActiveVirtualSystemMigrationCount) == 1

    def test_it_can_be_found_and_terminated(self, still: Lab) -> None:
        still.world.start_foreign_move(still.vm("VM-01"), "host02")
        advance(still, 5)
        found = jobs(Filter=f"InstanceID='{still(jobs()).only.InstanceID}'")
        stop = ("Invoke-CimMethod", {"MethodName": "RequestStateChange", "Arguments": {"RequestedState": 4}})
        assert int(still(found, stop).only.ReturnValue) == 0
        assert int(still(found).only.JobState) == 6
        advance(still, 2)
        ended = still(found).only
        assert (int(ended.JobState), int(ended.PercentComplete), ended.Cancellable) == (8, 100, False)
        assert int(still(found, stop).only.ReturnValue) == 32775

    def test_a_failed_one_keeps_the_hosts_words_for_five_minutes(self, still: Lab) -> None:
        still.world.start_foreign_move(still.vm("VM-08"), "host02")
        advance(still, 20)
        job = still(jobs()).only
        assert (int(job.JobState), int(job.ErrorCode)) == (10, 32768)
        assert job.ErrorSummaryDescription.startswith("Virtual machine migration operation for 'VM-08' failed")
        assert "0x80072746" in job.ErrorDescription
        advance(still, 300)
        assert still(jobs()).output == []

    def test_a_filter_that_matches_nothing(self, still: Lab) -> None:
        still.world.start_foreign_move(still.vm("VM-01"), "host02")
        assert still(jobs(Filter=f"InstanceID='{uuid4()}'")).output == []

    @pytest.mark.parametrize(
        ("method", "arguments"),
        [("KillJob", {}), ("RequestStateChange", {"Wish": 4}), ("RequestStateChange", {"RequestedState": "four"})],
    )
    def test_wrong_calls(self, still: Lab, method: str, arguments: dict[str, Any]) -> None:
        still.world.start_foreign_move(still.vm("VM-01"), "host02")
        answer = still(jobs(), ("Invoke-CimMethod", {"MethodName": method, "Arguments": arguments}))
        assert answer.error.FullyQualifiedErrorId.startswith("HRESULT 0x80041")
        assert len(still.world.active_jobs()) == 1


class TestComparing:
    def test_a_report_and_what_it_leaves(self, lab: Lab) -> None:
        answer = lab(lab.get("VM-06"), ("Compare-VM", {"DestinationHost": HOST02}))
        report = answer.only
        assert report.PSTypeNames[0] == f"Deserialized.{HV}VMCompatibilityReport"
        assert (report.Destination, int(report.OperationType), report.Path) == (HOST02, 0, None)
        assert str(report.VM).startswith("VirtualMachine (Name = 'VM-06')")
        assert len(report.Incompatibilities) == 2
        assert lab.vm("VM-06").id in lab.world.host("host02").planned

    def test_its_entries(self, lab: Lab) -> None:
        compare = ("Compare-VM", {"DestinationHost": HOST02})
        entries = lab(lab.get("VM-06"), compare, ("Select-Object", {"ExpandProperty": "Incompatibilities"})).output
        assert [(int(entry.MessageId), entry.Message) for entry in entries] == [
            (33012, "Could not find Ethernet switch 'Backup'."),
            (24008, "The virtual machine 'VM-06' is not compatible with physical computer 'HOST02'."),
        ]
        assert str(entries[0].Source).startswith("VMNetworkAdapter (Name = 'Network Adapter'")

    def test_the_planned_vm_is_removed_through_the_report(self, lab: Lab) -> None:
        vm = lab.vm("VM-06")
        remove = ("Remove-VM", {"Force": True, "Confirm": False})
        answer = lab(
            ("Get-VM", {"Id": vm.id}),
            ("Compare-VM", {"DestinationHost": HOST02}),
            ("Select-Object", {"ExpandProperty": "VM"}),
            remove,
        )
        assert (answer.state, answer.errors) == (PSInvocationState.Completed, [])
        assert lab.world.host("host02").planned == {}
        assert lab.world.whereabouts(vm) == ("HOST01",)

    def test_a_report_can_be_moved_by(self, lab: Lab) -> None:
        lab(lab.get("VM-01"), ("Compare-VM", {"DestinationHost": HOST02}), ("Move-VM", {}))
        assert lab.world.whereabouts(lab.vm("VM-01")) == ("HOST02",)

    def test_a_running_vm_is_not_removed(self, still: Lab) -> None:
        answer = still(still.get("VM-01"), ("Remove-VM", {"Force": True}))
        assert answer.error.FullyQualifiedErrorId == f"InvalidState,{HV}Commands.RemoveVM"
        assert still.world.whereabouts(still.vm("VM-01")) == ("HOST01",)

    def test_a_vm_that_is_off_is(self, still: Lab) -> None:
        vm = still.vm("VM-04")
        still(still.get("VM-04"), ("Remove-VM", {"Force": True}))
        assert still.world.whereabouts(vm) == ()


class TestSelecting:
    def test_the_first(self, still: Lab) -> None:
        assert [vm.Name for vm in still(("Get-VM", {}), ("Select-Object", {"First": 2})).output] == ["VM-01", "VM-02"]

    def test_a_property_that_is_not_there(self, still: Lab) -> None:
        answer = still(("Get-VMHost", {}), ("Select-Object", {"ExpandProperty": "Colour"}))
        assert answer.error.FullyQualifiedErrorId.startswith("ExpandPropertyNotFound")

    def test_counting(self, still: Lab) -> None:
        still.vm("VM-01").checkpoints.append(Checkpoint("second", still.world.clock.now()))
        counted = still(still.get("VM-01"), ("Get-VMSnapshot", {}), ("Measure-Object", {})).only
        assert int(counted.Count) == 2


class TestComputer:
    """What is asked of the computer under Hyper-V."""

    def test_the_management_service(self, still: Lab) -> None:
        service = still(("Get-Service", {"Name": "vmms"})).only
        assert (service.Name, int(service.Status)) == ("vmms", 4)

    def test_a_service_that_is_not_there(self, still: Lab) -> None:
        error = still(("Get-Service", {"Name": "spooler"})).error
        assert error.FullyQualifiedErrorId.startswith("NoServiceFoundForGivenName,")

    def test_hyper_v_answers_nothing_without_its_service(self, still: Lab) -> None:
        still.world.host("host01").service_running = False
        error = still(("Get-VMHost", {})).error
        assert error.FullyQualifiedErrorId == f"ObjectNotFound,{HV}Commands.GetVMHost"
        assert int(still(("Get-Service", {"Name": "vmms"})).only.Status) == 1

    def test_a_port_needs_a_number(self, still: Lab) -> None:
        assert (
            "MissingMandatoryParameter"
            in still(("Test-NetConnection", {"ComputerName": HOST02})).error.FullyQualifiedErrorId
        )
        still.world.host("host02").blocked_ports = frozenset({445})
        tried = still(("Test-NetConnection", {"ComputerName": HOST02, "Port": "445"})).only
        assert (tried.TcpTestSucceeded, tried.NameResolutionSucceeded) == (False, True)

    def test_migration_networks_by_subnet(self, still: Lab) -> None:
        still.world.host("host01").migration_networks = ("10.0.1.0/24", "10.0.2.0/24")
        assert still(("Get-VMMigrationNetwork", {"Subnet": "10.0.2.*"})).only.Subnet == "10.0.2.0/24"
        assert [one.Priority for one in still(("Get-VMMigrationNetwork", {})).output] == [0, 1]


class TestSettingUp:
    """Set-VMHost and the switches of live migration."""

    def test_a_setting_takes_its_own_values(self, still: Lab) -> None:
        host = still.world.host("host01")
        kerberos = {"VirtualMachineMigrationAuthenticationType": "CredSSP", "MaximumVirtualMachineMigrations": "4"}
        assert still(("Set-VMHost", {**kerberos, "UseAnyNetworkForMigration": False})).errors == []
        assert (host.authentication, host.maximum_migrations, host.any_network) == (0, 4, False)
        error = still(("Set-VMHost", {"VirtualMachineMigrationAuthenticationType": "NTLM"})).error
        assert error.FullyQualifiedErrorId.startswith("CannotConvertArgumentNoMessage,")
        assert still(("Set-VMHost", {"UseAnyNetworkForMigration": "yes"})).error is not None

    def test_nothing_is_set_that_is_only_asked_about(self, still: Lab) -> None:
        still(("Disable-VMMigration", {"WhatIf": True}))
        assert still.world.host("host01").migration_enabled

    def test_live_migration_is_switched_off_and_on(self, still: Lab) -> None:
        shown = still(("Disable-VMMigration", {"Passthru": True})).only
        assert shown.VirtualMachineMigrationEnabled is False
        still(("Enable-VMMigration", {}))
        assert still.world.host("host01").migration_enabled
