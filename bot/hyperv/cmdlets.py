"""Every cmdlet that Ferry ever sends, declared once as data, and the pipelines made of them.

Not PowerShell: there is no script text anywhere, so there is nothing to inject into, and the pipelines run in a JEA
endpoint in NoLanguage mode. The same declarations say what such an endpoint has to offer: name, module and parameters
with what each takes, the ones bound from the pipeline included (a role that lists parameters removes all others).

Rules: a parameter that is not declared is refused; so is a value of another type, a wildcard or a control character.
Every cmdlet gets `-ErrorAction Stop` unless its failure is an answer (`reporting`) or may be missed (`tolerated`),
and `-Confirm:$false` where it could ask, since nobody is there to answer.

Names, parameters and modules: Microsoft Learn, modules Hyper-V, FailoverClusters, Storage, CimCmdlets, NetTCPIP,
Microsoft.PowerShell.Management, Microsoft.PowerShell.Utility.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

from pypsrp.serializer import TaggedValue

from bot.core.names import check_host_name, check_storage_path, check_vm_id

VIRTUALIZATION = r"root\virtualization\v2"
DEVICE_GUARD = r"root\Microsoft\Windows\DeviceGuard"
NODE_MODULE = "FailoverClusters"  # what only the nodes of failover clusters have

Plain = bool | str | int
"""What a caller may give for a parameter."""


class Kind(StrEnum):
    """What a parameter takes."""

    PIPED = "piped"  # bound from the pipeline, never sent by name
    SWITCH = "switch"
    GUID = "guid"
    HOST = "host"  # DNS name
    PATH = "path"  # full Windows path or share
    CHOICE = "choice"  # one of the parameter's own values
    INSTANCE = "instance"  # a GUID, sent as the WQL filter InstanceID='…'
    SECONDS = "seconds"  # a whole number of them
    STATE = "state"  # one of the parameter's own numbers, sent as @{RequestedState = [uint16]…}


def _switch(value: Plain) -> bool:
    if not isinstance(value, bool):
        raise TypeError("takes true or false")
    return value


def _text(value: Plain) -> str:
    if not isinstance(value, str):
        raise TypeError("takes text")
    return value


def _seconds(value: Plain) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("takes a whole number of seconds")
    return value


def _state(value: Plain) -> dict[str, TaggedValue]:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("takes a number")
    return {"RequestedState": TaggedValue("U16", value)}


def _instance(value: Plain) -> str:
    return f"InstanceID='{check_vm_id(_text(value)).upper()}'"


_WIRE: dict[Kind, Callable[[Plain], object]] = {
    Kind.SWITCH: _switch,
    Kind.GUID: lambda value: uuid.UUID(check_vm_id(_text(value))),
    Kind.HOST: lambda value: check_host_name(_text(value)),
    Kind.PATH: lambda value: check_storage_path(_text(value)),
    Kind.CHOICE: _text,
    Kind.INSTANCE: _instance,
    Kind.SECONDS: _seconds,
    Kind.STATE: _state,
}


@dataclass(frozen=True)
class Parameter:
    name: str
    kind: Kind
    choices: tuple[str | int, ...] = ()

    def wire(self, value: Plain) -> object:
        """The value as it is sent.

        Raises:
            TypeError, ValueError: the parameter does not take that value.
        """
        if self.kind is Kind.PIPED:
            raise ValueError(f"-{self.name} is bound from the pipeline")
        if self.choices and (isinstance(value, bool) or value not in self.choices):
            raise ValueError(f"-{self.name} takes one of {self.choices}, not {value!r}")
        return _WIRE[self.kind](value)


class OnError(StrEnum):
    """Values of -ErrorAction that Ferry uses (Microsoft Learn, about_CommonParameters)."""

    STOP = "Stop"
    REPORT = "Continue"
    IGNORE = "SilentlyContinue"


@dataclass(frozen=True)
class Cmdlet:
    name: str
    module: str
    parameters: tuple[Parameter, ...] = ()
    confirms: bool = False  # supports ShouldProcess, so it could ask
    newer: bool = False  # some Windows Server that Ferry looks after does not have it

    def __call__(self, **values: Plain) -> Statement:
        known = {parameter.name: parameter for parameter in self.parameters}
        if unknown := values.keys() - known.keys():
            raise ValueError(f"{self.name} is not declared with {', '.join(sorted(unknown))}")
        return Statement((Call(self, tuple((name, known[name].wire(value)) for name, value in values.items())),))


@dataclass(frozen=True)
class Call:
    """One cmdlet with its values."""

    cmdlet: Cmdlet
    values: tuple[tuple[str, object], ...]
    on_error: OnError = OnError.STOP

    @property
    def arguments(self) -> tuple[tuple[str, object], ...]:
        """Everything that is sent, common parameters included."""
        confirm = (("Confirm", False),) if self.cmdlet.confirms else ()
        return (*self.values, ("ErrorAction", self.on_error.value), *confirm)


@dataclass(frozen=True)
class Statement:
    """Cmdlets that pipe into each other; written like PowerShell: `GET_VM(Id=vm) | GET_VM_PROCESSOR()`."""

    calls: tuple[Call, ...]
    optional: bool = False

    def __or__(self, following: Statement) -> Statement:
        return replace(self, calls=self.calls + following.calls)

    def reporting(self) -> Statement:
        """Errors become records without ending anything: for a question whose answer may be an error, like absence."""
        return self._with(OnError.REPORT)

    def tolerated(self) -> Statement:
        """A failure of this statement means "not known" and spoils nothing else."""
        return replace(self._with(OnError.IGNORE), optional=True)

    def _with(self, on_error: OnError) -> Statement:
        return replace(self, calls=tuple(replace(call, on_error=on_error) for call in self.calls))


class Pipeline(Protocol):
    """The part of pypsrp's PowerShell that pipelines are composed with. `add_script` is left out on purpose."""

    def add_cmdlet(self, cmdlet: str) -> Any: ...
    def add_parameter(self, parameter_name: str, value: Any) -> Any: ...
    def add_statement(self) -> Any: ...


def compose(statements: Iterable[Statement], pipeline: Pipeline) -> None:
    """Write the statements into one pipeline: one round trip, however many there are."""
    for position, statement in enumerate(statements):
        if position:
            pipeline.add_statement()
        for call in statement.calls:
            pipeline.add_cmdlet(call.cmdlet.name)
            for name, value in call.arguments:
                pipeline.add_parameter(name, value)


_HYPER_V = "Hyper-V"
_VM = Parameter("VM", Kind.PIPED)
_INPUT = Parameter("InputObject", Kind.PIPED)
_STORAGE_PATH = Parameter("DestinationStoragePath", Kind.PATH)
_TO_ANOTHER_HOST = (
    _VM,
    Parameter("DestinationHost", Kind.HOST),
    Parameter("IncludeStorage", Kind.SWITCH),
    _STORAGE_PATH,
)

GET_VM_HOST = Cmdlet("Get-VMHost", _HYPER_V)
GET_VM = Cmdlet("Get-VM", _HYPER_V, (Parameter("Id", Kind.GUID),))
GET_VM_HARD_DISK_DRIVE = Cmdlet("Get-VMHardDiskDrive", _HYPER_V, (_VM, Parameter("VMSnapshot", Kind.PIPED)))
GET_VHD = Cmdlet("Get-VHD", _HYPER_V, (Parameter("VMId", Kind.GUID), Parameter("Path", Kind.PIPED)))
GET_VM_NETWORK_ADAPTER = Cmdlet("Get-VMNetworkAdapter", _HYPER_V, (_VM,))
GET_VM_DVD_DRIVE = Cmdlet("Get-VMDvdDrive", _HYPER_V, (_VM,))
GET_VM_SNAPSHOT = Cmdlet("Get-VMSnapshot", _HYPER_V, (_VM,))
GET_VM_PROCESSOR = Cmdlet("Get-VMProcessor", _HYPER_V, (_VM,))
GET_VM_SWITCH = Cmdlet("Get-VMSwitch", _HYPER_V)
GET_VM_MIGRATION_NETWORK = Cmdlet("Get-VMMigrationNetwork", _HYPER_V)
COMPARE_VM = Cmdlet("Compare-VM", _HYPER_V, _TO_ANOTHER_HOST, confirms=True)
MOVE_VM = Cmdlet("Move-VM", _HYPER_V, _TO_ANOTHER_HOST, confirms=True)
MOVE_VM_STORAGE = Cmdlet("Move-VMStorage", _HYPER_V, (_VM, _STORAGE_PATH), confirms=True)
REMOVE_VM = Cmdlet("Remove-VM", _HYPER_V, (_VM, Parameter("Force", Kind.SWITCH)), confirms=True)
ENABLE_VM_MIGRATION = Cmdlet("Enable-VMMigration", _HYPER_V, confirms=True)
DISABLE_VM_MIGRATION = Cmdlet("Disable-VMMigration", _HYPER_V, confirms=True)
_LIMITS = ("0", "2")  # a host that allows none is set to Hyper-V's default, and back
SET_VM_HOST = Cmdlet(
    "Set-VMHost",
    _HYPER_V,
    (
        Parameter("VirtualMachineMigrationAuthenticationType", Kind.CHOICE, ("CredSSP", "Kerberos")),
        Parameter("VirtualMachineMigrationPerformanceOption", Kind.CHOICE, ("TCPIP", "Compression")),
        Parameter("UseAnyNetworkForMigration", Kind.SWITCH),  # a Boolean there, which is sent alike
        Parameter("MaximumVirtualMachineMigrations", Kind.CHOICE, _LIMITS),
        Parameter("MaximumStorageMigrations", Kind.CHOICE, _LIMITS),
    ),
    confirms=True,
)
GET_VOLUME = Cmdlet("Get-Volume", "Storage")
GET_SERVICE = Cmdlet("Get-Service", "Microsoft.PowerShell.Management", (Parameter("Name", Kind.CHOICE, ("vmms",)),))
TEST_NET_CONNECTION = Cmdlet(
    "Test-NetConnection",
    "NetTCPIP",
    (Parameter("ComputerName", Kind.HOST), Parameter("Port", Kind.CHOICE, ("445", "5985", "6600"))),
)
GET_CIM_INSTANCE = Cmdlet(
    "Get-CimInstance",
    "CimCmdlets",
    (
        Parameter("Namespace", Kind.CHOICE, (VIRTUALIZATION, DEVICE_GUARD)),
        Parameter(
            "ClassName",
            Kind.CHOICE,
            (
                "Win32_OperatingSystem",
                "Win32_ComputerSystem",
                "Win32_Processor",
                "Win32_DeviceGuard",
                "Msvm_MigrationJob",
                "Msvm_PlannedComputerSystem",
                "Msvm_VirtualSystemMigrationService",
            ),
        ),
        Parameter("Filter", Kind.INSTANCE),
    ),
)
INVOKE_CIM_METHOD = Cmdlet(
    "Invoke-CimMethod",
    "CimCmdlets",
    (
        _INPUT,
        Parameter("MethodName", Kind.CHOICE, ("RequestStateChange",)),
        Parameter("Arguments", Kind.STATE, (4,)),  # 4: terminate cleanly (Msvm_MigrationJob.RequestStateChange)
    ),
    confirms=True,
)
SELECT_OBJECT = Cmdlet(
    "Select-Object",
    "Microsoft.PowerShell.Utility",
    (
        _INPUT,
        Parameter("ExpandProperty", Kind.CHOICE, ("VM", "Incompatibilities", "SharedVolumeInfo", "Partition")),
    ),
)

_VM_ID = Parameter("VMId", Kind.GUID)
GET_CLUSTER = Cmdlet("Get-Cluster", NODE_MODULE)
GET_CLUSTER_NODE = Cmdlet("Get-ClusterNode", NODE_MODULE)
GET_CLUSTER_GROUP = Cmdlet("Get-ClusterGroup", NODE_MODULE, (_VM_ID,))
GET_CLUSTER_RESOURCE = Cmdlet("Get-ClusterResource", NODE_MODULE, (_VM_ID,))
GET_CLUSTER_OWNER_NODE = Cmdlet("Get-ClusterOwnerNode", NODE_MODULE, (_INPUT,))
GET_CLUSTER_PARAMETER = Cmdlet(
    "Get-ClusterParameter",
    NODE_MODULE,
    (
        _INPUT,
        Parameter(
            "Name",
            Kind.CHOICE,
            (
                *("MigrationState", "MigrationProgress", "MigrationFailureReason"),
                *("VmID", "DefaultMoveType", "MoveTypeThreshold"),
            ),
        ),
    ),
)
GET_CLUSTER_RESOURCE_TYPE = Cmdlet(
    "Get-ClusterResourceType", NODE_MODULE, (Parameter("Name", Kind.CHOICE, ("Virtual Machine",)),)
)
_NODE_NAME = Parameter("Name", Kind.HOST)
SUSPEND_CLUSTER_NODE = Cmdlet(
    "Suspend-ClusterNode",
    NODE_MODULE,
    (_NODE_NAME, Parameter("Drain", Kind.SWITCH)),  # never -ForceDrain, which stops what it cannot move
    confirms=True,
)
RESUME_CLUSTER_NODE = Cmdlet(
    "Resume-ClusterNode",
    NODE_MODULE,
    (_NODE_NAME, Parameter("Failback", Kind.CHOICE, ("NoFailback", "Immediate"))),
)  # it never asks either
GET_CLUSTER_SHARED_VOLUME = Cmdlet("Get-ClusterSharedVolume", NODE_MODULE)
GET_CLUSTER_AFFINITY_RULE = Cmdlet("Get-ClusterAffinityRule", NODE_MODULE, newer=True)
MOVE_CLUSTER_VIRTUAL_MACHINE_ROLE = Cmdlet(
    "Move-ClusterVirtualMachineRole",
    NODE_MODULE,
    (
        _VM_ID,
        Parameter("Node", Kind.HOST),
        Parameter("MigrationType", Kind.CHOICE, ("Live", "Quick")),
        Parameter("Wait", Kind.SECONDS),
        Parameter("Cancel", Kind.SWITCH),
    ),
)  # it never asks: it has no -Confirm (Microsoft Learn)

CMDLETS: tuple[Cmdlet, ...] = (
    GET_VM_HOST,
    GET_VM,
    GET_VM_HARD_DISK_DRIVE,
    GET_VHD,
    GET_VM_NETWORK_ADAPTER,
    GET_VM_DVD_DRIVE,
    GET_VM_SNAPSHOT,
    GET_VM_PROCESSOR,
    GET_VM_SWITCH,
    GET_VM_MIGRATION_NETWORK,
    COMPARE_VM,
    MOVE_VM,
    MOVE_VM_STORAGE,
    REMOVE_VM,
    ENABLE_VM_MIGRATION,
    DISABLE_VM_MIGRATION,
    SET_VM_HOST,
    GET_VOLUME,
    GET_SERVICE,
    TEST_NET_CONNECTION,
    GET_CIM_INSTANCE,
    INVOKE_CIM_METHOD,
    SELECT_OBJECT,
    GET_CLUSTER,
    GET_CLUSTER_NODE,
    GET_CLUSTER_GROUP,
    GET_CLUSTER_RESOURCE,
    GET_CLUSTER_OWNER_NODE,
    GET_CLUSTER_PARAMETER,
    GET_CLUSTER_RESOURCE_TYPE,
    GET_CLUSTER_SHARED_VOLUME,
    GET_CLUSTER_AFFINITY_RULE,
    MOVE_CLUSTER_VIRTUAL_MACHINE_ROLE,
    SUSPEND_CLUSTER_NODE,
    RESUME_CLUSTER_NODE,
)

GET_COMMAND = Cmdlet(
    "Get-Command",
    "Microsoft.PowerShell.Core",
    (Parameter("Name", Kind.CHOICE, tuple(cmdlet.name for cmdlet in CMDLETS)),),
)
"""Not one of them: every endpoint shows it by itself, a restricted one too (Microsoft Learn, "JEA Session
Configurations", RestrictedRemoteServer), and a migration does not need it."""
