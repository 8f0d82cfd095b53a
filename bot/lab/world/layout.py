"""Where a VM's files are to lie after a move, and whether they can lie there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bot.lab.world import faults
from bot.lab.world.machines import CONFIGURATION_BYTES, Disk, Vm, copied_path
from bot.lab.world.storage import Store, file_name, is_full_path, join, same_path


@dataclass(frozen=True)
class Layout:
    """Destination folders and files; None or absent: where it is now.

    Attributes:
        disks: destination file by source file, for the disks that move.
        same_paths: all files are to be copied to the same paths on another host.
    """

    configuration: str | None = None
    checkpoints: str | None = None
    smart_paging: str | None = None
    disks: Mapping[str, str] = field(default_factory=dict)
    same_paths: bool = False

    @classmethod
    def below(cls, folder: str, vm: Vm) -> Layout:
        """What -DestinationStoragePath means: configuration in the folder, disks in its `Virtual Hard Disks`."""
        disks = {disk.path: copied_path(folder, disk.path) for disk in vm.disks if disk.files}
        return cls(folder, folder, folder, disks)

    def check_paths(self) -> None:
        """Raise HyperVError unless every path is a full one."""
        for path in (self.configuration, self.checkpoints, self.smart_paging, *self.disks.values()):
            if path is not None and not is_full_path(path):
                raise faults.invalid_path(path)

    def disk_target(self, disk: Disk) -> str:
        return next((new for old, new in self.disks.items() if same_path(old, disk.path)), disk.path)

    def files(self, vm: Vm) -> Iterator[FileMove]:
        """Every file that would be written, configuration first, in the order it is copied."""
        folder = self.configuration or vm.path
        new = join(folder, "Virtual Machines", file_name(vm.configuration_file))
        if self.same_paths or not same_path(folder, vm.path):
            yield FileMove(vm.configuration_file, new, CONFIGURATION_BYTES)
        for disk in vm.disks:
            target = self.disk_target(disk)
            if not disk.files or (same_path(target, disk.path) and not self.same_paths):
                continue
            yield FileMove(disk.files[0].path, target, disk.files[0].file_bytes)
            for parent in disk.files[1:]:
                beside = join(target.rsplit("\\", 1)[0], file_name(parent.path))
                yield FileMove(parent.path, parent.path if self.same_paths else beside, parent.file_bytes)

    def apply(self, vm: Vm) -> None:
        """Write the new places into the VM."""
        for disk in vm.disks:
            target = self.disk_target(disk)
            for file in disk.files[1:]:
                if not same_path(target, disk.path):
                    file.path = join(target.rsplit("\\", 1)[0], file_name(file.path))
            if disk.files:
                disk.files[0].path = target
        vm.path = self.configuration or vm.path
        vm.checkpoint_path = self.checkpoints or vm.checkpoint_path
        vm.smart_paging_path = self.smart_paging or vm.smart_paging_path


@dataclass(frozen=True)
class FileMove:
    source: str
    target: str
    size_bytes: int


def check_room(moves: list[FileMove], stores: list[Store]) -> str:
    """Why the files cannot be written to their stores (given in the same order); empty if they can."""
    seen: set[tuple[int, str]] = set()
    needed: dict[int, int] = {}
    for move, store in zip(moves, stores, strict=True):
        key = (id(store), move.target.casefold())
        if store.holds(move.target) or key in seen:
            return faults.copy_failed(move.target, faults.FILE_EXISTS)
        seen.add(key)
        needed[id(store)] = needed.get(id(store), 0) + move.size_bytes
        if needed[id(store)] > store.free_bytes:
            return faults.not_enough_space(move.target.rsplit("\\", 1)[0])
    return ""
