"""Where a VM's files lie and where a move would put them, by their Windows paths alone.

Pure text: nothing here knows whether a path exists. Upper and lower case are alike, as on Windows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PureWindowsPath

from bot.core.estate import Disk, Vm

DISK_FOLDER = "Virtual Hard Disks"
"""Move-VM and Move-VMStorage with one destination path put disks into this folder below it (reported behaviour of the
Hyper-V module; that Move-VMStorage does the same is assumed)."""

# What Hyper-V names the differencing file that a checkpoint makes: NAME_GUID.avhdx (Microsoft Learn, checkpoints).
_OF_CHECKPOINT = re.compile(r"_[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\.a(vhdx?)\Z", re.IGNORECASE)


def is_share(path: str) -> bool:
    r"""Whether it is `\\server\share\…`; device paths (`\\.\`, `\\?\D:\`) are the host's own."""
    drive = PureWindowsPath(path).drive.upper()
    return drive.startswith("\\\\?\\UNC\\") or (drive.startswith("\\\\") and not drive.startswith(("\\\\.", "\\\\?")))


def is_cluster_storage(path: str) -> bool:
    r"""Whether it lies on a cluster shared volume: every node mounts them below `C:\ClusterStorage`."""
    parts = PureWindowsPath(path).parts
    return bool(letter_of(path)) and len(parts) > 2 and parts[1].casefold() == "clusterstorage"


def letter_of(path: str) -> str:
    """The drive's letter, "D"; empty for a share or device path."""
    drive = PureWindowsPath(path).drive
    return drive[0].upper() if len(drive) == 2 else ""


def place_of(path: str) -> str:
    r"""What holds the path: "D:", `\\server01\vmstore` or `C:\ClusterStorage\Volume1`."""
    if is_cluster_storage(path):
        return str(PureWindowsPath(*PureWindowsPath(path).parts[:3]))
    return PureWindowsPath(path).drive


def folder_of(path: str) -> str:
    return str(PureWindowsPath(path).parent)


def file_of(path: str) -> str:
    return PureWindowsPath(path).name or path


def disk_name(path: str) -> str:
    """The disk's file as people know it: "VM-01.vhdx (with checkpoint)" for VM-01_GUID.avhdx."""
    return _OF_CHECKPOINT.sub(r".\1 (with checkpoint)", file_of(path))


def same_path(one: str, other: str) -> bool:
    return PureWindowsPath(one) == PureWindowsPath(other)


def is_below(path: str, folder: str) -> bool:
    """Whether it is that folder or lies in it."""
    return PureWindowsPath(path).is_relative_to(PureWindowsPath(folder))


def target_of(path: str, storage_path: str) -> str:
    """Where a disk's file lands when everything goes to one path."""
    return str(PureWindowsPath(storage_path) / DISK_FOLDER / file_of(path))


def travelling(disks: Iterable[Disk]) -> tuple[Disk, ...]:
    """Those that are files; a physical disk of the host is not."""
    return tuple(disk for disk in disks if not disk.passthrough)


def files_of(vm: Vm) -> tuple[str, ...]:
    """Every path the VM needs, each once: disks, their parents, configuration, checkpoints if it has any."""
    disks = [path for disk in travelling(vm.disks) for path in (disk.path, disk.parent)]
    checkpoints = vm.checkpoint_path if vm.checkpoints else ""
    return tuple(dict.fromkeys(filter(None, (*disks, vm.path, checkpoints))))


def known_bytes(disks: Iterable[Disk]) -> int:
    """What the disk files take now, as far as it is known; nothing for those whose size is not."""
    return sum(disk.file_bytes or 0 for disk in travelling(disks))
