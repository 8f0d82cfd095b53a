"""What may be sent to a host at all: declared cmdlets with typed values, never text that a host would interpret."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from pypsrp.complex_objects import Pipeline
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.serializer import TaggedValue
from pypsrp.wsman import WSMan

from bot.core.names import VmId
from bot.core.plan import Move, MoveKind
from bot.core.preparation import Name
from bot.core.readiness.model import Target
from bot.hyperv import cmdlets, pipelines
from bot.hyperv.cmdlets import Kind
from bot.hyperv.winrm import UncopiedPowerShell

VM = VmId("d46f1c3a-0b1e-4c2d-9e3f-0123456789ab")


class Written:
    """Records what a pipeline is composed of. Has no way to take script text."""

    def __init__(self) -> None:
        self.statements: list[list[tuple[str, dict[str, Any]]]] = [[]]

    def add_cmdlet(self, cmdlet: str) -> None:
        self.statements[-1].append((cmdlet, {}))

    def add_parameter(self, parameter_name: str, value: Any) -> None:
        self.statements[-1][-1][1][parameter_name] = value

    def add_statement(self) -> None:
        self.statements.append([])


def written(*statements: cmdlets.Statement) -> list[list[tuple[str, dict[str, Any]]]]:
    pipeline = Written()
    cmdlets.compose(statements, pipeline)
    return pipeline.statements


def move(kind: MoveKind, storage_path: str | None = None) -> Move:
    return Move(
        kind=kind,
        vm=VM,
        vm_name="VM-01",
        source="host01",
        destination="host02",
        destination_fqdn="HOST02.contoso.com",
        storage_path=storage_path,
        state=2,
    )


STOP = {"ErrorAction": "Stop"}
QUIET = {"Confirm": False}
BY_ID = ("Get-VM", {"Id": uuid.UUID(VM), **STOP})


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (move(MoveKind.LIVE), ("Move-VM", {"DestinationHost": "host02.contoso.com", **STOP, **QUIET})),
        (
            move(MoveKind.SHARED_NOTHING),
            ("Move-VM", {"DestinationHost": "host02.contoso.com", "IncludeStorage": True, **STOP, **QUIET}),
        ),
        (
            move(MoveKind.SHARED_NOTHING, "D:\\VMs"),
            (
                "Move-VM",
                {
                    "DestinationHost": "host02.contoso.com",
                    "IncludeStorage": True,
                    "DestinationStoragePath": "D:\\VMs",
                    **STOP,
                    **QUIET,
                },
            ),
        ),
        (
            move(MoveKind.STORAGE, r"\\server01\vmstore"),
            ("Move-VMStorage", {"DestinationStoragePath": r"\\server01\vmstore", **STOP, **QUIET}),
        ),
    ],
)
def test_a_move_names_the_vm_by_id_in_the_same_pipeline(order: Move, expected: tuple[str, dict[str, Any]]) -> None:
    assert written(pipelines.order_move(order)) == [[BY_ID, expected]]


@pytest.mark.parametrize(("quick", "kind"), [(False, "Live"), (True, "Quick")])
def test_a_move_in_a_cluster_names_the_vm_by_id_and_the_node_as_the_cluster_does(quick: bool, kind: str) -> None:
    order = move(MoveKind.CLUSTER).model_copy(update={"quick": quick, "destination_fqdn": "A-Name-Of-Many-Letters.a.b"})
    who = {"VMId": uuid.UUID(VM)}
    assert written(pipelines.order_move(order), pipelines.order_cancel(order)) == [
        [
            (
                "Move-ClusterVirtualMachineRole",
                {**who, "Node": "a-name-of-many-", "MigrationType": kind, "Wait": 0, **STOP},
            )
        ],
        [("Move-ClusterVirtualMachineRole", {**who, "Cancel": True, **STOP})],
    ]


def test_a_storage_migration_without_a_path_is_a_bug() -> None:
    with pytest.raises(ValueError, match="needs a path"):
        pipelines.order_move(move(MoveKind.STORAGE))


def test_removing_a_planned_vm_is_the_same_pipeline_that_showed_it() -> None:
    shown = written(pipelines.order_planned_vm(move(MoveKind.LIVE)))[0]
    assert written(pipelines.order_removal(move(MoveKind.LIVE))) == [
        [*shown, ("Remove-VM", {"Force": True, **STOP, **QUIET})]
    ]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (Name.MIGRATION, 1, ("Enable-VMMigration", {})),
        (Name.MIGRATION, 0, ("Disable-VMMigration", {})),
        (Name.AUTHENTICATION, 1, ("Set-VMHost", {"VirtualMachineMigrationAuthenticationType": "Kerberos"})),
        (Name.PERFORMANCE, 1, ("Set-VMHost", {"VirtualMachineMigrationPerformanceOption": "Compression"})),
        (Name.ANY_NETWORK, 0, ("Set-VMHost", {"UseAnyNetworkForMigration": False})),
        (Name.LIVE_LIMIT, 2, ("Set-VMHost", {"MaximumVirtualMachineMigrations": "2"})),
        (Name.STORAGE_LIMIT, 0, ("Set-VMHost", {"MaximumStorageMigrations": "0"})),
    ],
)
def test_a_setting_is_one_parameter(name: Name, value: int, expected: tuple[str, dict[str, Any]]) -> None:
    cmdlet, values = expected
    assert written(pipelines.order_setting(name, value)) == [[(cmdlet, {**values, **STOP, **QUIET})]]


@pytest.mark.parametrize(("name", "value"), [(Name.LIVE_LIMIT, 50), (Name.PERFORMANCE, 2), (Name.AUTHENTICATION, 7)])
def test_no_other_value_is_ever_sent(name: Name, value: int) -> None:
    with pytest.raises(ValueError, match="takes one of"):
        pipelines.order_setting(name, value)


def test_stopping_a_job_filters_by_its_id_alone() -> None:
    (read, invoke) = written(pipelines.order_stop(VM))[0]
    assert read[1]["Filter"] == f"InstanceID='{VM.upper()}'"
    state = invoke[1]["Arguments"]["RequestedState"]
    assert isinstance(state, TaggedValue)
    assert (state.tag, state.value) == ("U16", 4)


def test_a_question_about_a_vm_survives_its_absence_and_what_a_host_lacks() -> None:
    by_name = {calls[-1][0]: calls for calls in written(*pipelines.ask_host(VM))}
    assert by_name["Get-VMProcessor"][0][1]["ErrorAction"] == "Continue"
    assert by_name["Get-VMProcessor"][1][1]["ErrorAction"] == "Stop"
    assert by_name["Get-VHD"][0][1]["ErrorAction"] == "SilentlyContinue"
    assert by_name["Get-Volume"][0][1]["ErrorAction"] == "SilentlyContinue"


@pytest.mark.parametrize(
    "statements",
    [
        pipelines.ask_host(),
        pipelines.ask_host(VM),
        pipelines.ask_vms(),
        pipelines.ask_all(),
        pipelines.ask_sighting(VM),
        pipelines.ask_surroundings(),
        pipelines.ask_reach(Target(address="host02.contoso.com", port=6600)),
        pipelines.ask_role(VM),
        pipelines.ask_cluster(VM),
        (pipelines.order_move(move(MoveKind.SHARED_NOTHING, "D:\\VMs")),),
        (pipelines.order_removal(move(MoveKind.LIVE)),),
        (pipelines.order_stop(VM),),
    ],
)
def test_a_pipeline_is_packed_as_pypsrp_packs_it(statements: Sequence[cmdlets.Statement]) -> None:
    assert packed(UncopiedPowerShell, statements) == packed(PowerShell, statements)


def packed(kind: type[PowerShell], statements: Sequence[cmdlets.Statement]) -> bytes:
    pool = RunspacePool(WSMan("host01"))  # asks nobody before it is opened
    pool.protocol_version = "2.3"
    powershell = kind(pool)
    cmdlets.compose(statements, powershell)
    element = pool.serialize(Pipeline(is_nested=False, cmds=powershell.commands, redirect_err_to_out=False))
    assert element is not None
    return ET.tostring(element)


@pytest.mark.parametrize(
    "statements",
    [
        pipelines.ask_host(),
        pipelines.ask_host(VM),
        pipelines.ask_vms(),
        pipelines.ask_all(),
        pipelines.ask_role(VM),
        pipelines.ask_cluster(),
        pipelines.ask_cluster(VM),
    ],
)
def test_what_may_be_missed_is_asked_last(statements: Sequence[cmdlets.Statement]) -> None:
    optional = [statement.optional for statement in statements]
    assert optional == sorted(optional)


def test_all_vms_of_a_host_are_asked_for_without_naming_any() -> None:
    statements = written(*pipelines.ask_all())
    assert len(statements) == len(written(*pipelines.ask_host(VM)))
    for calls in statements:
        if calls[0][0] == "Get-VM":
            assert set(calls[0][1]) == {"ErrorAction"}


@pytest.mark.parametrize(
    ("cmdlet", "values"),
    [
        (cmdlets.GET_VM, {"Id": "VM-01"}),
        (cmdlets.GET_VM, {"Id": 7}),
        (cmdlets.GET_VM, {"Id": True}),
        (cmdlets.GET_VM, {"Name": "VM-01"}),
        (cmdlets.MOVE_VM, {"DestinationHost": "host*"}),
        (cmdlets.MOVE_VM, {"DestinationHost": "host02; Stop-VM"}),
        (cmdlets.MOVE_VM, {"DestinationHost": ""}),
        (cmdlets.MOVE_VM, {"IncludeStorage": "yes"}),
        (cmdlets.MOVE_VM, {"IncludeStorage": 1}),
        (cmdlets.MOVE_VM, {"DestinationStoragePath": "VMs"}),
        (cmdlets.MOVE_VM, {"DestinationStoragePath": "D:\\VMs\n"}),
        (cmdlets.MOVE_VM, {"DestinationStoragePath": "D:\\VM[0]"}),
        (cmdlets.MOVE_VM, {"DestinationStoragePath": "D:\\..\\Windows"}),
        (cmdlets.MOVE_VM, {"VM": VM}),
        (cmdlets.GET_CIM_INSTANCE, {"ClassName": "Win32_Process"}),
        (cmdlets.GET_CIM_INSTANCE, {"Namespace": "root\\default"}),
        (cmdlets.GET_CIM_INSTANCE, {"Filter": "InstanceID='x' OR 1=1"}),
        (cmdlets.INVOKE_CIM_METHOD, {"MethodName": "Create"}),
        (cmdlets.INVOKE_CIM_METHOD, {"Arguments": 5}),
        (cmdlets.INVOKE_CIM_METHOD, {"Arguments": True}),
        (cmdlets.SELECT_OBJECT, {"ExpandProperty": "Path"}),
        (cmdlets.GET_SERVICE, {"Name": "*"}),
        (cmdlets.TEST_NET_CONNECTION, {"ComputerName": "host02", "Port": "22"}),
        (cmdlets.TEST_NET_CONNECTION, {"ComputerName": "host02", "TraceRoute": True}),
        (cmdlets.GET_CLUSTER_GROUP, {"VMId": "VM-01"}),
        (cmdlets.GET_CLUSTER_PARAMETER, {"Name": "OfflineAction"}),
        (cmdlets.GET_CLUSTER_RESOURCE_TYPE, {"Name": "Generic Script"}),
        (cmdlets.SUSPEND_CLUSTER_NODE, {"Name": "host01", "ForceDrain": True}),
        (cmdlets.SUSPEND_CLUSTER_NODE, {"Name": "host*"}),
        (cmdlets.RESUME_CLUSTER_NODE, {"Failback": "Policy"}),
        (cmdlets.MOVE_CLUSTER_VIRTUAL_MACHINE_ROLE, {"MigrationType": "TurnOff"}),
        (cmdlets.MOVE_CLUSTER_VIRTUAL_MACHINE_ROLE, {"Wait": -1}),
        (cmdlets.MOVE_CLUSTER_VIRTUAL_MACHINE_ROLE, {"Wait": True}),
        (cmdlets.MOVE_CLUSTER_VIRTUAL_MACHINE_ROLE, {"Node": "host02; Stop-VM"}),
    ],
)
def test_what_is_not_declared_is_refused(cmdlet: cmdlets.Cmdlet, values: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        cmdlet(**values)


@pytest.mark.parametrize("cmdlet", cmdlets.CMDLETS, ids=lambda cmdlet: cmdlet.name)
def test_every_declaration_can_become_a_role(cmdlet: cmdlets.Cmdlet) -> None:
    """A role lists a cmdlet's module and each parameter; one bound from the pipeline has to be listed too."""
    assert cmdlet.module
    assert len({parameter.name for parameter in cmdlet.parameters}) == len(cmdlet.parameters)
    for parameter in cmdlet.parameters:
        assert bool(parameter.choices) == (parameter.kind in (Kind.CHOICE, Kind.STATE))


def test_everything_that_changes_a_host_is_told_not_to_ask() -> None:
    changing = {cmdlet.name for cmdlet in cmdlets.CMDLETS if cmdlet.confirms}
    setting = {"Enable-VMMigration", "Disable-VMMigration", "Set-VMHost", "Suspend-ClusterNode"}
    assert changing == {"Move-VM", "Move-VMStorage", "Compare-VM", "Remove-VM", "Invoke-CimMethod"} | setting | {
        "Suspend-ClusterNode"
    }
    assert len({cmdlet.name for cmdlet in cmdlets.CMDLETS}) == len(cmdlets.CMDLETS)
