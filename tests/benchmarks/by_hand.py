"""The same work as a short script with pypsrp does it: a new connection, runspace pool and pipeline for each question.

It asks what Ferry asks before it offers a move, once, then moves the VM, then looks at both hosts. Same hosts, same
account, same NTLM with message encryption.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pypsrp.complex_objects import GenericComplexObject, PSInvocationState
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from bot.lab.running import PASSWORD, USER, RunningLab

VIRTUALIZATION = r"root\virtualization\v2"
HOST_QUESTIONS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("Get-VMHost", {}),
    ("Get-CimInstance", {"ClassName": "Win32_OperatingSystem"}),
    ("Get-VMSwitch", {}),
    ("Get-CimInstance", {"Namespace": VIRTUALIZATION, "ClassName": "Msvm_VirtualSystemMigrationService"}),
    ("Get-Volume", {}),
)
VM_QUESTIONS = ("Get-VMHardDiskDrive", "Get-VMNetworkAdapter", "Get-VMDvdDrive", "Get-VMSnapshot", "Get-VMProcessor")


class Script:
    def __init__(self, lab: RunningLab) -> None:
        self._ports = {name: endpoint.port for name, endpoint in lab.hosts.items()}

    def plan(self, vm: str, source: str, destination: str) -> str:
        """Ask all that a plan needs. Returns the destination's full name."""
        for cmdlet, parameters in HOST_QUESTIONS:
            assert self._run(source, cmdlet, **parameters)
        (found,) = self._run(source, "Get-VM", Name=vm)
        for cmdlet in VM_QUESTIONS:
            self._run(source, cmdlet, VMName=vm)
        assert self._run(source, "Get-VHD", VMId=found.adapted_properties["Id"])
        answers = [self._run(destination, cmdlet, **parameters) for cmdlet, parameters in HOST_QUESTIONS]
        return str(answers[0][0].adapted_properties["FullyQualifiedDomainName"])

    def migrate(self, vm: str, source: str, destination: str) -> None:
        """From the first question to having seen the VM at its new place only."""
        full_name = self.plan(vm, source, destination)
        self._run(source, "Move-VM", Name=vm, DestinationHost=full_name, Confirm=False, ErrorAction="Stop")
        assert len(self._run(destination, "Get-VM", Name=vm)) == 1
        assert not self._run(source, "Get-VM", Name=vm, ErrorAction="SilentlyContinue")

    def _run(self, host: str, cmdlet: str, **parameters: Any) -> list[GenericComplexObject]:
        wsman = WSMan(
            "127.0.0.1",
            port=self._ports[host],
            ssl=False,
            auth="ntlm",
            username=USER,
            password=PASSWORD,
            no_proxy=True,
        )
        with wsman, RunspacePool(wsman) as pool, PowerShell(pool) as powershell:
            powershell.add_cmdlet(cmdlet).add_parameters(parameters)
            powershell.begin_invoke()
            while powershell.state == PSInvocationState.RUNNING:
                powershell.poll_invoke()  # a person would see powershell.streams.progress here
            assert powershell.state == PSInvocationState.COMPLETED, powershell.streams.error
            return list(powershell.output)
