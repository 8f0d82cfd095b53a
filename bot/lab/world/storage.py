"""Where files lie: local volumes and SMB shares, their room, and who may reach them.

A file is a path and a length; contents do not exist. Paths are Windows paths and compare without regard to case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ntpath import basename, isabs, normpath, splitdrive

GIB = 1 << 30


@dataclass(eq=False)
class Store:
    """A place with room for files.

    Attributes:
        other_bytes: taken by what the world does not model.
        rate_bytes_s: what it reads or writes in total, shared by all copies that use it.
    """

    name: str
    size_bytes: int
    other_bytes: int = 0
    rate_bytes_s: float = 1.0e9
    files: dict[str, int] = field(default_factory=dict)

    @property
    def free_bytes(self) -> int:
        return max(0, self.size_bytes - self.other_bytes - sum(self.files.values()))

    def holds(self, path: str) -> bool:
        return _key(path) in self.files

    def put(self, path: str, size_bytes: int) -> None:
        self.files[_key(path)] = size_bytes

    def delete(self, path: str) -> None:
        self.files.pop(_key(path), None)


@dataclass(eq=False)
class Volume(Store):
    """A local volume; `name` is its drive letter."""


@dataclass(eq=False)
class Share(Store):
    """An SMB share; `name` is \\\\server\\share.

    Attributes:
        hosts: short names of the hosts whose computer accounts may use it; None: all.
    """

    hosts: frozenset[str] | None = None

    def admits(self, host: str) -> bool:
        return self.hosts is None or host.casefold() in {name.casefold() for name in self.hosts}

    @property
    def server(self) -> str:
        return self.name.strip("\\").split("\\")[0].casefold()


def is_full_path(path: str) -> bool:
    drive, rest = splitdrive(path)
    return bool(drive) and isabs(path) and not any(part in (".", "..") for part in rest.split("\\"))


def is_share_path(path: str) -> bool:
    return path.startswith("\\\\")


def drive_letter(path: str) -> str:
    return splitdrive(path)[0].rstrip(":").upper()


def same_path(one: str, other: str) -> bool:
    return _key(one) == _key(other)


def file_name(path: str) -> str:
    return basename(path)


def join(folder: str, *parts: str) -> str:
    return "\\".join((folder.rstrip("\\"), *parts))


def _key(path: str) -> str:
    return normpath(path).casefold()
