"""Ferry's JEA endpoint over the wire: what Ferry sends passes, and nothing beside it does.

The role is the one that `ferry jea` writes, entered as a member of Ferry's group enters it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pypsrp.complex_objects import GenericComplexObject
from pypsrp.powershell import PowerShell
from pypsrp.serializer import TaggedValue

from bot.hyperv.answer import Answer, Trouble
from bot.hyperv.cmdlets import (
    CMDLETS,
    COMPARE_VM,
    GET_CIM_INSTANCE,
    GET_VM,
    VIRTUALIZATION,
    Call,
    Cmdlet,
    Kind,
    Parameter,
    Plain,
    Statement,
)
from bot.hyperv.winrm import HostSession
from bot.lab.prepared import ENDPOINT
from bot.lab.running import RunningLab
from bot.lab.scenario import small

from .two_hosts import VM_01, VM_02, TwoHosts, two_hosts

EXAMPLES: dict[Kind, Plain] = {
    Kind.SWITCH: True,
    Kind.GUID: VM_01,
    Kind.HOST: "host02.contoso.com",
    Kind.PATH: r"\\server01\vmstore\VM-01",
    Kind.INSTANCE: VM_01,
    Kind.SECONDS: 0,
}
"""One value for each kind that has no values of its own."""

NOT_SHOWN, NO_PARAMETER, NO_VALUE = (
    "CommandNotFoundException",
    "NamedParameterNotFound",
    "ParameterArgumentValidationError",
)
JOB = GET_CIM_INSTANCE(Namespace=VIRTUALIZATION, ClassName="Msvm_MigrationJob")
STATE_4 = {"RequestedState": TaggedValue("U16", 4)}


@pytest.fixture(scope="module")
def hosts() -> Iterator[TwoHosts]:
    with two_hosts() as lab:
        yield lab


@pytest.fixture(autouse=True)
def as_they_were(hosts: TwoHosts) -> None:
    hosts.reset()


@pytest.fixture(scope="module")
def session(hosts: TwoHosts) -> Iterator[HostSession]:
    assert {settings.configuration for settings in hosts.settings.values()} == {ENDPOINT}
    session = HostSession(hosts.settings["host01"])
    session.open(time.monotonic() + 10)
    yield session
    session.close()


def run(session: HostSession, *statements: Statement) -> Answer:
    return session.run(statements, time.monotonic() + 10)


def while_time_passes(hosts: TwoHosts, session: HostSession, statement: Statement) -> Answer:
    """A comparison takes the world's time, which passes only when told to."""
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run, session, statement)
        while wait([running], timeout=0.01).not_done:
            hosts.clock.advance(1)
        return running.result()


def call(name: str, **values: object) -> Statement:
    """A call that Ferry could not make: of anything, with anything."""
    return Statement((Call(Cmdlet(name, ""), tuple(values.items())),))


def refusal(answer: Answer) -> Trouble:
    (trouble,) = answer.troubles
    return trouble


def examples(parameter: Parameter) -> tuple[Plain, ...]:
    return parameter.choices or tuple(EXAMPLES[kind] for kind in EXAMPLES if kind is parameter.kind)


HERE = [cmdlet for cmdlet in CMDLETS if cmdlet.module != "FailoverClusters"]  # these hosts are no cluster's nodes
SENT = [
    (cmdlet, parameter, value)
    for cmdlet in HERE
    for parameter in cmdlet.parameters
    if parameter.kind is not Kind.PIPED
    for value in examples(parameter)
]


def test_every_kind_of_value_has_an_example() -> None:
    own = {parameter.kind for cmdlet in CMDLETS for parameter in cmdlet.parameters if parameter.choices}
    assert set(Kind) <= EXAMPLES.keys() | own | {Kind.PIPED}


@pytest.mark.parametrize("cmdlet", HERE, ids=lambda cmdlet: cmdlet.name)
def test_every_declared_cmdlet_is_shown(session: HostSession, cmdlet: Cmdlet) -> None:
    assert NOT_SHOWN not in {trouble.identifier for trouble in run(session, cmdlet()).troubles}


@pytest.mark.parametrize(
    ("cmdlet", "parameter", "value"), SENT, ids=[f"{one.name} -{other.name} {value}" for one, other, value in SENT]
)
def test_every_declared_parameter_takes_what_ferry_sends(
    session: HostSession, cmdlet: Cmdlet, parameter: Parameter, value: Plain
) -> None:
    """Alone it may not be enough for the cmdlet; the role is no reason to refuse it."""
    troubles = run(session, cmdlet(**{parameter.name: value})).troubles
    assert not {trouble.identifier for trouble in troubles} & {NOT_SHOWN, NO_PARAMETER, NO_VALUE}


def test_what_ferry_asks_is_answered(session: HostSession) -> None:
    answer = run(session, GET_VM(Id=VM_01))
    assert answer.troubles == ()
    assert [record["Name"] for record in answer.of("VirtualMachine")] == ["VM-01"]


@pytest.mark.parametrize(
    ("statement", "identifier"),
    [
        (call("Start-VM", Name="VM-01"), NOT_SHOWN),
        (call("Stop-Computer"), NOT_SHOWN),
        (call("Invoke-Command", ComputerName="host02"), NOT_SHOWN),
        (call("Hyper-V\\Get-VM"), NOT_SHOWN),
        (call("Hyper-V\\Remove-VM", Name="VM-01", Force=True), NOT_SHOWN),
        (call("CimCmdlets\\Invoke-CimMethod", ClassName="Win32_Process"), NOT_SHOWN),
        (call("Get-VM", Name="*"), NO_PARAMETER),
        (call("Get-VM", ComputerName="host02"), NO_PARAMETER),
        (call("Get-VMHost", ComputerName="host02"), NO_PARAMETER),
        (call("Get-Volume", DriveLetter="C"), NO_PARAMETER),
        (call("Move-VM", Name="VM-01", DestinationHost="host02"), NO_PARAMETER),
        (GET_VM(Id=VM_01) | call("Move-VM", DestinationHost="host02", Passthru=True), NO_PARAMETER),
        (GET_VM(Id=VM_01) | call("Move-VM", DestinationHost="host02\n"), NO_VALUE),
        (GET_VM(Id=VM_01) | call("Move-VM", DestinationHost="host02;x"), NO_VALUE),
        (GET_VM(Id=VM_01) | call("Move-VMStorage", DestinationStoragePath="D:\\..\\Windows"), NO_VALUE),
        (GET_VM(Id=VM_01) | call("Move-VMStorage", DestinationStoragePath="D:\\VMs\n"), NO_VALUE),
        (call("Get-CimInstance", ClassName="Win32_Process"), NO_VALUE),
        (call("Get-CimInstance", ClassName="Msvm_MigrationJob", Namespace="root\\default"), NO_VALUE),
        (call("Get-CimInstance", ClassName="Msvm_MigrationJob", Filter="InstanceID='x' OR 1=1"), NO_VALUE),
        (call("Get-CimInstance", Query="select * from Win32_Process"), NO_PARAMETER),
        (GET_VM(Id=VM_01) | call("Select-Object", ExpandProperty="Path"), NO_VALUE),
        (GET_VM(Id=VM_01) | call("Select-Object", Property="Name"), NO_PARAMETER),
        (GET_VM(Id=VM_01) | call("Measure-Object", Property="Uptime"), NO_PARAMETER),
        (call("Invoke-CimMethod", ClassName="Win32_Process", MethodName="Create"), NO_PARAMETER),
    ],
    ids=lambda one: " ".join(call.cmdlet.name for call in one.calls) if isinstance(one, Statement) else one,
)
def test_what_is_not_declared_is_refused(session: HostSession, statement: Statement, identifier: str) -> None:
    answer = run(session, statement)
    assert (answer.completed, refusal(answer).identifier) == (False, identifier)


def test_a_refused_value_is_refused_in_powershells_words(session: HostSession) -> None:
    words = refusal(run(session, call("Get-CimInstance", ClassName="Win32_Process"))).words
    assert words.startswith(
        "Cannot validate argument on parameter 'ClassName'. The argument \"Win32_Process\" does not"
    )
    words = refusal(run(session, call("Get-VM", Name="VM-01"))).words
    assert words == "A parameter cannot be found that matches parameter name 'Name'."


def test_script_text_is_refused(session: HostSession) -> None:
    shell = PowerShell(session._pool)
    shell.add_script("Get-VM | Stop-VM")
    shell.invoke()
    assert [error.fq_error for error in shell.streams.error] == ["ScriptsNotAllowed"]
    shell.close()


def test_common_parameters_always_pass(session: HostSession) -> None:
    assert run(session, call("Get-VMHost", OutVariable="x", Verbose=True)).completed
    assert run(session, GET_VM(Id=VM_01) | call("Move-VM", DestinationHost="host02", WhatIf=True)).completed


class TestRemoving:
    """Remove-VM, which removes any VM that is off, removes nothing but a planned one here."""

    def test_a_vm_stays(self, hosts: TwoHosts, session: HostSession) -> None:
        answer = run(session, GET_VM(Id=VM_02) | call("Remove-VM", Force=True, Confirm=False))
        assert refusal(answer).words == "This endpoint removes planned virtual machines only."
        assert hosts.world.vm("VM-02").id in hosts.world.host("host01").vms

    def test_an_object_made_up_by_the_client_is_none(self, session: HostSession) -> None:
        made_up = GenericComplexObject()
        made_up.types = ["Microsoft.HyperV.PowerShell.VirtualMachine", "System.Object"]
        made_up.adapted_properties = {"Name": "VM-01", "VirtualMachineType": "PlannedVirtualMachine"}
        assert "planned" in refusal(run(session, call("Remove-VM", VM=made_up, Force=True))).words

    def test_a_planned_one_goes(self, hosts: TwoHosts, session: HostSession) -> None:
        planned = GET_VM(Id=VM_01) | COMPARE_VM(DestinationHost="host02.contoso.com")
        assert while_time_passes(hosts, session, planned).completed
        assert hosts.world.host("host02").planned
        removed = planned | call("Select-Object", ExpandProperty="VM") | call("Remove-VM", Force=True, Confirm=False)
        assert while_time_passes(hosts, session, removed).troubles == ()
        assert not hosts.world.host("host02").planned


class TestStopping:
    """Invoke-CimMethod, which can do anything to anything, ends migration jobs here."""

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"RequestedState": TaggedValue("U16", 5)}, "takes -Arguments @{ RequestedState = 4 }"),
            (STATE_4 | {"TimeoutPeriod": "x"}, "takes -Arguments @{ RequestedState = 4 }"),
            ({}, "takes -Arguments @{ RequestedState = 4 }"),
        ],
    )
    def test_no_other_order_is_given(
        self, hosts: TwoHosts, session: HostSession, arguments: dict[str, Any], words: str
    ) -> None:
        hosts.start_move(VM_01, "host02")
        order = call("Invoke-CimMethod", MethodName="RequestStateChange", Arguments=arguments)
        assert words in refusal(run(session, JOB | order)).words
        assert hosts.world.active_jobs()

    def test_no_other_method_is_called(self, hosts: TwoHosts, session: HostSession) -> None:
        hosts.start_move(VM_01, "host02")
        order = call("Invoke-CimMethod", MethodName="GetError", Arguments=STATE_4)
        assert refusal(run(session, JOB | order)).identifier == NO_VALUE

    @pytest.mark.parametrize("identity", ["", "Microsoft:Definition", "' OR 'a'='a"])
    def test_an_instance_made_up_by_the_client_counts_by_its_id_alone(
        self, hosts: TwoHosts, session: HostSession, identity: str
    ) -> None:
        hosts.start_move(VM_01, "host02")
        made_up = GenericComplexObject()
        made_up.types = ["Microsoft.Management.Infrastructure.CimInstance#root/virtualization/v2/Msvm_ComputerSystem"]
        made_up.adapted_properties = {"InstanceID": identity, "Name": VM_01}
        order = call("Invoke-CimMethod", InputObject=made_up, MethodName="RequestStateChange", Arguments=STATE_4)
        assert refusal(run(session, order)).identifier == "InvalidCastParseTargetInvocation"
        made_up.adapted_properties = {"InstanceID": str(UUID(int=7)), "Name": VM_01}
        assert run(session, order) == Answer((), (), True)
        assert hosts.world.active_jobs()

    def test_a_job_ends(self, hosts: TwoHosts, session: HostSession) -> None:
        hosts.start_move(VM_01, "host02")
        order = call("Invoke-CimMethod", MethodName="RequestStateChange", Arguments=STATE_4)
        (result,) = run(session, JOB | order).records
        assert result["ReturnValue"] in (0, 4096)


def test_the_lab_serves_ferry_through_the_endpoint(tmp_path: Path) -> None:
    lab = RunningLab(small(), tmp_path)
    assert lab.remote_settings()["configuration"] == ENDPOINT
