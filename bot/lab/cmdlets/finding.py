"""What the Hyper-V cmdlets share: finding the VMs that parameters name, and saying what went wrong."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from bot.lab.cmdlets.enums import HV
from bot.lab.cmdlets.machine import HyperVMachine
from bot.lab.cmdlets.things import VIRTUAL_MACHINE, SnapshotHandle, VmHandle
from bot.lab.engine import Arguments, Category, In, Kind, Parameter, PsError, PsObject
from bot.lab.world import HyperVError, Identifier
from bot.lab.world.faults import vm_id_not_found, vm_not_found

COMMANDS = HV + "Commands."

# Every Hyper-V cmdlet can be pointed at other computers; these would need a second hop and are refused by `no_remote`.
REMOTE = (
    Parameter("ComputerName", Kind.STRINGS),
    Parameter("CimSession", Kind.OBJECT),
    Parameter("Credential", Kind.OBJECT),
)

# Categories by identifier: reported behaviour of the module's ExceptionHelper.
_CATEGORIES = {
    Identifier.OPERATION_FAILED: Category.NotSpecified,
    Identifier.ACCESS_DENIED: Category.PermissionDenied,
    Identifier.NOT_SUPPORTED: Category.InvalidOperation,
    Identifier.INVALID_PARAMETER: Category.InvalidArgument,
    Identifier.OBJECT_IN_USE: Category.ResourceBusy,
    Identifier.INVALID_STATE: Category.InvalidOperation,
    Identifier.OBJECT_NOT_FOUND: Category.ObjectNotFound,
}


def vm_names(*, mandatory: bool = True) -> tuple[Parameter, Parameter]:
    """-VMName and -VM as the cmdlets for devices have them."""
    return (
        Parameter("VMName", Kind.STRINGS, (In("VMName", mandatory, 0, pipeline=True),)),
        Parameter("VM", VIRTUAL_MACHINE, (In("VMObject", mandatory, 0, pipeline=True),), many=True),
    )


def record(error: HyperVError, command: str, target: str | None = None) -> PsError:
    """The ErrorRecord of a Hyper-V cmdlet; `command` is the implementing class's short name, like "MoveVM"."""
    category = Category.InvalidOperation if error.invalid_operation else _CATEGORIES[error.identifier]
    return PsError(
        error.message,
        f"{error.identifier},{COMMANDS}{command}",
        category,
        (HV + "VirtualizationException", "System.Exception"),
        target=target,
    )


def no_remote(given: Arguments, command: str) -> None:
    """Refuse to be pointed at another computer: a simulated machine answers for itself only."""
    if any(name in given for name in ("ComputerName", "CimSession", "Credential")):
        raise PsError(
            "The simulated machine answers for itself only: leave out ComputerName, CimSession and Credential.",
            f"NotSupported,{COMMANDS}{command}",
            Category.NotImplemented,
        )


def is_pattern(text: str) -> bool:
    return any(character in text for character in "*?[")


def matches(pattern: str, name: str) -> bool:
    """PowerShell's wildcards (about_Wildcards): * ? [a-z], upper and lower case alike."""
    return re.fullmatch(fnmatch.translate(pattern.casefold()), name.casefold()) is not None


def handles(machine: HyperVMachine) -> list[VmHandle]:
    """All VMs Get-VM lists, by name. A VM that is about to arrive is among them if the host shows planned VMs."""
    host = machine.host
    found = [VmHandle(host, vm) for vm in host.vms.values()]
    if host.shows_planned_vms:
        found += [VmHandle(host, planned.vm, planned=True) for planned in host.planned.values() if planned.job]
    return sorted(found, key=lambda handle: (handle.vm.name.casefold(), handle.vm.id))


@dataclass(frozen=True)
class Found:
    """VMs that parameters name, and the (non-terminating) errors for those that are not there."""

    handles: tuple[VmHandle, ...] = ()
    errors: tuple[PsError, ...] = ()


def by_id(machine: HyperVMachine, vm_id: UUID, command: str) -> Found:
    found = tuple(handle for handle in handles(machine) if handle.vm.id == vm_id)
    return Found(found) if found else Found((), (record(vm_id_not_found(str(vm_id)), command, str(vm_id)),))


def by_names(machine: HyperVMachine, names: Iterable[str], command: str) -> Found:
    """VMs by name, wildcards allowed; a name that matches nothing is an error unless it is a pattern."""
    found: list[VmHandle] = []
    errors: list[PsError] = []
    for name in names:
        hits = [handle for handle in handles(machine) if matches(name, handle.vm.name)]
        if not hits and not is_pattern(name):
            errors.append(record(vm_not_found(name), command, name))
        found += hits
    return Found(tuple(found), tuple(errors))


def by_exact_name(machine: HyperVMachine, name: str, command: str) -> Found:
    """VMs by one name that is no pattern (Move-VM and its kin take no wildcards); all of that name, if several."""
    hits = tuple(handle for handle in handles(machine) if handle.vm.name.casefold() == name.casefold())
    return Found(hits) if hits else Found((), (record(vm_not_found(name), command, name),))


def handle_of(item: PsObject) -> VmHandle:
    """The VM behind a live object.

    Raises:
        PsError: it is a copy that travelled over the wire, so that it stands for nothing here.
    """
    if isinstance(item.native, VmHandle):
        return item.native
    raise PsError(
        f"The object {item} is not connected to a virtual machine.",
        "InvalidParameter",
        Category.InvalidArgument,
    )


def snapshot_of(item: PsObject) -> SnapshotHandle:
    """The checkpoint behind a live object. Raises PsError for a copy that travelled over the wire."""
    if isinstance(item.native, SnapshotHandle):
        return item.native
    raise PsError(
        f"The object {item} is not connected to a checkpoint.",
        "InvalidParameter",
        Category.InvalidArgument,
    )


def vms_of(machine: HyperVMachine, given: Arguments, command: str) -> Found:
    """The VMs that -VMName or -VM of a cmdlet for devices names."""
    no_remote(given, command)
    if given["VM"] is not None:
        return Found(tuple(handle_of(item) for item in given["VM"]))
    return by_names(machine, given["VMName"] or (), command)
