"""Moves for which all is well, and how to give them something that is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.core import preflight
from bot.core.estate import Adapter, Disk, Host, Switch, Vm, VmState, Volume
from bot.core.names import VmId
from bot.core.plan import Finding, Move, MoveKind

GB = 1 << 30
RESERVE = 2 * GB
SHARE = r"\\server01\vmstore"
VM_ID = VmId("1b4e28ba-2fa1-41d2-883f-0016d3cca427")


def make_vm(**changes: Any) -> Vm:
    """A running VM whose files are all on a share."""
    values: dict[str, Any] = {
        "id": VM_ID,
        "name": "VM-01",
        "host": "host01",
        "state": VmState.RUNNING,
        "memory_bytes": 8 * GB,
        "version": "10.0",
        "path": rf"{SHARE}\VM-01",
        "disks": (Disk(path=rf"{SHARE}\VM-01\VM-01.vhdx", size_bytes=80 * GB, file_bytes=42 * GB),),
        "adapters": (Adapter(name="Network Adapter", switch="Production"),),
    }
    return Vm(**values | changes)


def make_local_vm(**changes: Any) -> Vm:
    """A running VM whose files are all on its host's drive D:."""
    disks = (Disk(path=r"D:\VMs\VM-01.vhdx", size_bytes=80 * GB, file_bytes=42 * GB),)
    return make_vm(**{"path": r"D:\VMs\VM-01", "disks": disks} | changes)


def make_host(name: str, **changes: Any) -> Host:
    """A host with room, ready to migrate."""
    values: dict[str, Any] = {
        "name": name,
        "fqdn": f"{name}.contoso.com",
        "memory_bytes": 128 * GB,
        "memory_free_bytes": 52 * GB,
        "migration_enabled": True,
        "authentication": 1,
        "performance": 1,
        "live_limit": 2,
        "storage_limit": 2,
        "vm_versions": ("9.0", "10.0"),
        "switches": (Switch(name="Production", type=2),),
        "volumes": (
            Volume(letter="C", size_bytes=200 * GB, free_bytes=90 * GB),
            Volume(letter="D", size_bytes=900 * GB, free_bytes=400 * GB),
        ),
    }
    return Host(**values | changes)


@dataclass(frozen=True)
class Given:
    """A move, and what differs from the VM and hosts for which all is well."""

    kind: MoveKind = MoveKind.LIVE
    path: str | None = None
    vm: dict[str, Any] = field(default_factory=dict)
    local: bool = False
    source: dict[str, Any] = field(default_factory=dict)
    destination: dict[str, Any] = field(default_factory=dict)
    to: str = "host02"

    def read(self) -> tuple[Move, Vm, Host, Host]:
        vm = make_local_vm(**self.vm) if self.local else make_vm(**self.vm)
        source = make_host("host01", **self.source)
        stays = self.kind is MoveKind.STORAGE or self.to == "host01"
        destination = source if stays else make_host(self.to, **self.destination)
        return make_move(self.kind, vm, source, destination, self.path), vm, source, destination

    def check(self) -> tuple[Finding, ...]:
        return preflight.check(*self.read(), RESERVE)


def make_move(kind: MoveKind, vm: Vm, source: Host, destination: Host, path: str | None) -> Move:
    return Move(
        kind=kind,
        vm=vm.id,
        vm_name=vm.name,
        source=source.name,
        destination=destination.name,
        destination_fqdn=destination.fqdn,
        storage_path=path,
        state=vm.state,
        memory_bytes=vm.memory_bytes,
        disks=vm.disks,
        configuration_path=vm.path,
    )


def shared_nothing(path: str | None = None, **given: Any) -> Given:
    return Given(kind=MoveKind.SHARED_NOTHING, path=path, local=True, **given)


def storage(path: str, **given: Any) -> Given:
    return Given(kind=MoveKind.STORAGE, path=path, **given)


def disk(path: str, **values: Any) -> Disk:
    return Disk(**{"path": path, "file_bytes": 10 * GB, "size_bytes": 20 * GB} | values)
