"""Hyper-V's enums by their .NET names, numbers and texts (the module's type definitions)."""

from __future__ import annotations

from enum import IntEnum

from bot.lab.engine import PsEnum
from bot.lab.world import Authentication, DiskType, Performance, State, Status, SwitchType

HV = "Microsoft.HyperV.PowerShell."

_STATES = {State.RUNNING_CRITICAL: "RunningCritical"}
_STATUSES = {
    Status.OK: "Ok",
    Status.IN_SERVICE: "InService",
    Status.MERGING_DISKS: "MergingDisks",
    Status.MIGRATING_VIRTUAL_MACHINE: "MigratingVirtualMachine",
    Status.BACKING_UP_VIRTUAL_MACHINE: "BackingUpVirtualMachine",
    Status.STORAGE_MIGRATION_PHASE_ONE: "StorageMigrationPhaseOne",
    Status.STORAGE_MIGRATION_PHASE_TWO: "StorageMigrationPhaseTwo",
    Status.MIGRATING_PLANNED_VM: "MigratingPlannedVm",
}
# English status descriptions; "Operating normally" and "Migrating virtual machine" are documented, the others assumed.
DESCRIPTIONS = {
    Status.OK: "Operating normally",
    Status.IN_SERVICE: "In service",
    Status.MERGING_DISKS: "Merging disks",
    Status.MIGRATING_VIRTUAL_MACHINE: "Migrating virtual machine",
    Status.BACKING_UP_VIRTUAL_MACHINE: "Backing up virtual machine",
    Status.STORAGE_MIGRATION_PHASE_ONE: "Moving storage",
    Status.STORAGE_MIGRATION_PHASE_TWO: "Moving storage",
    Status.MIGRATING_PLANNED_VM: "Migrating planned virtual machine",
}


def enum(name: str, text: str, number: int) -> PsEnum:
    return PsEnum(HV + name, text, number)


def _titled(value: IntEnum) -> str:
    return value.name.replace("_", " ").title().replace(" ", "")


def vm_state(state: State) -> PsEnum:
    return enum("VMState", _STATES.get(state, _titled(state)), state)


def operational_status(status: Status) -> PsEnum:
    return enum("VMOperationalStatus", _STATUSES[status], status)


def authentication(value: Authentication) -> PsEnum:
    return enum("MigrationAuthenticationType", {0: "CredSSP", 1: "Kerberos"}[value], value)


def performance(value: Performance) -> PsEnum:
    return enum("VMMigrationPerformance", {0: "TCPIP", 1: "Compression", 2: "SMB"}[value], value)


def switch_type(value: SwitchType) -> PsEnum:
    return enum("VMSwitchType", _titled(value), value)


def vhd_type(value: DiskType) -> PsEnum:
    return PsEnum("Microsoft.Vhd.PowerShell.VhdType", _titled(value), value)
