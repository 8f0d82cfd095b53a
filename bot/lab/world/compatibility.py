"""What makes a VM and a destination host unfit for each other: the same checks for a comparison and for a move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.lab.world import faults
from bot.lab.world.layout import Layout
from bot.lab.world.machines import Host, Vm
from bot.lab.world.storage import Store, is_share_path

# MessageIds of VMCompatibilityError: 33012 is in Microsoft Learn (Compare-VM, example 2), 40010 was reported from the
# field; all others are assumed, since no list of them is published.
MISSING_SWITCH = 33012
MISSING_FILE = 40010
PROCESSOR = 24000
VERSION = 24004
GENERIC = 24008


@dataclass(frozen=True)
class Incompatibility:
    """One entry of a report.

    Attributes:
        message: what the report says.
        cause: what a move fails with, HRESULT included.
        source: what it is about: "switch", "dvd", "processor", "vm".
    """

    message_id: int
    message: str
    cause: str
    source: str


StoreFor = Callable[[Host, str], Store | str]


def find_incompatibilities(
    vm: Vm, source: Host, destination: Host, layout: Layout | None, store_for: StoreFor
) -> tuple[Incompatibility, ...]:
    """The entries for this pair, in the order they are reported; a generic one about the VM comes last, if any."""
    found = [
        *_switches(vm, destination),
        *_isos(vm, destination),
        *_processor(vm, source, destination),
        *_version(vm, destination),
        *_attachments(vm, destination, layout, store_for),
    ]
    if found:
        text = faults.not_compatible(vm.name, destination.name)
        found.append(Incompatibility(GENERIC, text, text, "vm"))
    return tuple(found)


def _switches(vm: Vm, destination: Host) -> Iterator[Incompatibility]:
    for name in dict.fromkeys(adapter.switch for adapter in vm.adapters if adapter.switch):
        if not destination.has_switch(name):
            text = faults.missing_switch(name)
            yield Incompatibility(
                MISSING_SWITCH, text, f"{faults.not_compatible(vm.name, destination.name)} {text}", "switch"
            )


def _isos(vm: Vm, destination: Host) -> Iterator[Incompatibility]:
    for path in vm.dvd_paths:
        if path and not is_share_path(path) and path.casefold() not in {iso.casefold() for iso in destination.isos}:
            yield Incompatibility(MISSING_FILE, faults.iso_report(path), faults.iso(vm.name), "dvd")


def _processor(vm: Vm, source: Host, destination: Host) -> Iterator[Incompatibility]:
    if not vm.running and not vm.checkpoints:
        return  # it will be started afresh there
    if source.processor_vendor != destination.processor_vendor:
        yield Incompatibility(PROCESSOR, faults.HARDWARE, faults.HARDWARE, "processor")
    elif source.processor_family != destination.processor_family and not vm.processor_compatibility:
        text = faults.processor_features(vm.name, destination.name)
        yield Incompatibility(PROCESSOR, text, f"{faults.HARDWARE} {text}", "processor")


def _version(vm: Vm, destination: Host) -> Iterator[Incompatibility]:
    if vm.version not in destination.versions:
        text = faults.version(vm.name, vm.version, destination.name)
        yield Incompatibility(VERSION, text, text, "vm")


def _attachments(vm: Vm, destination: Host, layout: Layout | None, store_for: StoreFor) -> Iterator[Incompatibility]:
    """Every file that stays where it is must be open to the destination at that same path."""
    moved = {file.source.casefold() for file in layout.files(vm)} if layout else set()
    for path in (file.path for disk in vm.disks for file in disk.files if file.path.casefold() not in moved):
        store = store_for(destination, path)
        if store == faults.ACCESS_DENIED:
            text = faults.attachment_denied(vm.name, path)
        elif isinstance(store, str):
            text = faults.attachment_missing(vm.name, path, store)
        elif not store.holds(path):
            text = faults.attachment_missing(vm.name, path, faults.PATH_NOT_FOUND)
        else:
            continue
        yield Incompatibility(MISSING_FILE, text, text, "disk")
