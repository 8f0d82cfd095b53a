"""Checks of the VM's files: are they where the destination can have them, and is there room where they go?

What a share holds, how much room it has and whether a host may open it, cannot be asked of a share: that is said.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from bot.core.estate import Disk, Volume
from bot.core.plan import Finding, MoveKind
from bot.core.preflight.case import Case, blocking, fine, warning
from bot.core.storage import (
    file_of,
    files_of,
    folder_of,
    is_below,
    is_cluster_storage,
    is_share,
    known_bytes,
    letter_of,
    place_of,
    same_path,
    target_of,
    travelling,
)
from bot.core.wording import render_bytes, render_count, render_list

_ALMOST = 0.85  # of the same letters in the same order
_DIGITS = re.compile(r"[0-9]")


def check_reachable(case: Case) -> Iterator[Finding]:
    """Without its storage a VM moves only if every file lies where both hosts reach it."""
    if case.move.kind is not MoveKind.LIVE:
        return
    if local := _local(case):
        yield blocking(
            "storage",
            _lie_on_the_host(case, local),
            needed="every disk and the configuration on a share that both hosts reach, or moving them too",
            hint=f"to move them too, type `migrate {case.vm_word} to {case.destination.name} with storage`",
        )
    else:
        yield fine(
            "storage",
            f"{_lie_together(case)}; {case.destination.name} is asked whether it reaches them before the move starts",
        )


def check_reachable_in_cluster(case: Case) -> Iterator[Finding]:
    if not case.in_cluster:
        return
    if local := _local(case):
        yield blocking(
            "storage",
            _lie_on_the_host(case, local),
            needed="every disk and the configuration on storage that both nodes reach",
            hint=f"to bring them there first, type `move storage {case.vm_word} to {_cluster_storage(case)}`",
        )
    else:
        yield fine("storage", _lie_together(case))


def _local(case: Case) -> list[str]:
    return [path for path in files_of(case.vm) if not case.is_shared(path)]


def _lie_on_the_host(case: Case, local: Sequence[str]) -> str:
    return f"{render_list(local)} {'lies' if len(local) == 1 else 'lie'} on {case.source.name} itself"


def _lie_together(case: Case) -> str:
    return f"all files lie on {render_list(list(dict.fromkeys(place_of(path) for path in files_of(case.vm))))}"


def check_cluster_storage(case: Case) -> Iterator[Finding]:
    """Every node has to reach what a clustered VM lies on; Move-VMStorage refuses other paths (reported behaviour)."""
    path = case.move.storage_path
    if not case.vm.clustered or case.crosses_hosts or not path or is_share(path) or is_cluster_storage(path):
        return
    yield blocking(
        "cluster_storage",
        f"{path} lies on {case.source.name} itself, and {case.vm.name} belongs to a failover cluster",
        needed="a cluster shared volume, or a share that every node reaches",
        hint=f"`move storage {case.vm_word} to {_cluster_storage(case)}`",
    )


def _cluster_storage(case: Case) -> str:
    """A path on the shared volume with the most room, or how one looks."""
    volumes = case.cluster.volumes if case.cluster else ()
    best = max(volumes, key=lambda volume: volume.free_bytes or 0, default=None)
    return (best.path if best else "C:\\ClusterStorage\\Volume1") + f"\\{case.vm.name}"


def check_kept_paths(case: Case) -> Iterator[Finding]:
    """Moving storage without naming a path keeps every path, so each drive must exist at the destination."""
    if case.move.kind is not MoveKind.SHARED_NOTHING or case.move.storage_path:
        return
    disks = travelling(case.vm.disks)
    shared = [disk for disk in disks if is_share(disk.path)]
    if disks and len(shared) == len(disks):
        yield blocking(
            "storage",
            f"the disks of {case.vm.name} lie on {render_list(_places(disks))}; without a path they would stay there",
            needed="disks on the host's own drives, or a path to move them to",
            hint=f"to leave them where they are, type `migrate {case.vm_word} to {case.destination.name}`",
        )
    elif shared:
        names = render_list([file_of(disk.path) for disk in shared])
        yield warning(
            "storage",
            f"{names} on a share keeps its path; {case.destination.name} says before the move whether that works",
        )
    local = [path for path in (*(disk.path for disk in disks), case.vm.path) if letter_of(path)]
    for letter in dict.fromkeys(letter_of(path) for path in local):
        yield from _check_room(case, letter, [disk for disk in disks if letter_of(disk.path) == letter])


def check_destination_path(case: Case) -> Iterator[Finding]:
    """Everything goes to one path: is there room, and do the files keep out of each other's way?"""
    path = case.move.storage_path
    if not case.copies_storage or not path:
        return
    disks = travelling(case.vm.disks)
    yield from _check_already_stored(case, path, disks)
    yield from _check_collisions(path, disks)
    moving = [disk for disk in disks if not same_path(disk.path, target_of(disk.path, path))]
    if is_cluster_storage(path):
        yield from _check_volume(case, path, moving)
    elif is_share(path):
        yield warning(
            "room", f"free room on {place_of(path)} is not known, a share does not tell; {_render_need(case, moving)}"
        )
        yield from _check_spelling(case, place_of(path))
    else:
        yield from _check_room(case, letter_of(path), moving)


def _check_spelling(case: Case, share: str) -> Iterator[Finding]:
    """No host is asked for a share before the move: one that is almost a known one may be mistyped.

    Shares and servers are numbered: names that differ in digits alone are different names.
    """
    known = {place_of(path).casefold(): place_of(path) for path in (*files_of(case.vm), case.destination.vm_path)}
    known = {folded: name for folded, name in known.items() if is_share(name) and not is_cluster_storage(name)}
    near = difflib.get_close_matches(share.casefold(), known, n=1, cutoff=_ALMOST)
    if near and share.casefold() not in known and _DIGITS.sub("", near[0]) != _DIGITS.sub("", share.casefold()):
        yield warning("share", f"{share} is almost {known[near[0]]}, which is known: is it mistyped?")


def _check_already_stored(case: Case, path: str, disks: Sequence[Disk]) -> Iterator[Finding]:
    if case.move.kind is not MoveKind.STORAGE:
        return
    there = all(same_path(disk.path, target_of(disk.path, path)) for disk in disks)
    if there and same_path(case.vm.path, path):
        yield blocking(
            "already_stored",
            f"the storage of {case.vm.name} is at {path} already",
            needed="another path",
            hint=f"`where {case.vm_word}` shows the folders of its disks",
        )
    elif near := [disk for disk in disks if is_below(disk.path, path)]:
        folders = render_list(list(dict.fromkeys(folder_of(disk.path) for disk in near)))
        yield warning("already_stored", f"{render_count(len(near), 'disk')} below {path} already, in {folders}")


def _check_collisions(path: str, disks: Sequence[Disk]) -> Iterator[Finding]:
    names = Counter(file_of(disk.path).casefold() for disk in disks)
    for name in (name for name, count in names.items() if count > 1):
        alike = [disk.path for disk in disks if file_of(disk.path).casefold() == name]
        yield blocking(
            "collision",
            f"{render_list(alike)} would become one file, {target_of(alike[0], path)}",
            needed="a different file name for each disk of the VM",
            hint="rename one of the files while the VM is off, or move them by hand with Move-VMStorage -Vhds",
        )


def _check_room(case: Case, letter: str, disks: Sequence[Disk]) -> Iterator[Finding]:
    host = case.destination
    volume = next((volume for volume in host.volumes if volume.letter.upper() == letter), None)
    if not host.volumes:
        yield warning("room", f"free room on {letter}: of {host.name} is not known; {_render_need(case, disks)}")
    elif volume is None:
        yield blocking(
            "drive",
            f"{host.name} has no drive {letter}:",
            needed=f"a drive {letter}: on {host.name}, or a path on one of its drives",
            hint=_elsewhere(case, known_bytes(disks)),
        )
    elif known_bytes(disks) > volume.free_bytes:
        yield blocking(
            "room",
            f"{letter}: on {host.name} has {render_bytes(volume.free_bytes)} free",
            needed=_render_need(case, disks),
            hint=_elsewhere(case, known_bytes(disks)),
        )
    elif disks:
        text = f"{render_bytes(volume.free_bytes)} free on {letter}: of {host.name}, {_render_need(case, disks)}"
        yield fine("room", text) if _is_exact(case, disks) else warning("room", text)


def _check_volume(case: Case, path: str, disks: Sequence[Disk]) -> Iterator[Finding]:
    """Room on a cluster shared volume, as the cluster tells it; a host's own volumes do not."""
    place = place_of(path)
    volumes = case.cluster.volumes if case.cluster else ()
    volume = next((volume for volume in volumes if same_path(volume.path, place)), None)
    if volume is None and volumes:
        yield blocking(
            "drive",
            f"{case.source.name}'s cluster has no shared volume {place}",
            needed=f"one of {render_list([volume.path for volume in volumes])}",
            hint=f"`{_command(case)} {_cluster_storage(case)}`",
        )
    elif volume is None or volume.free_bytes is None:
        yield warning("room", f"free room on {place} is not known; {_render_need(case, disks)}")
    elif known_bytes(disks) > volume.free_bytes:
        yield blocking(
            "room",
            f"{place} has {render_bytes(volume.free_bytes)} free",
            needed=_render_need(case, disks),
            hint=f"free some room on it, or name another: `{_command(case)} {_cluster_storage(case)}`",
        )
    elif disks:
        text = f"{render_bytes(volume.free_bytes)} free on {place}, {_render_need(case, disks)}"
        yield fine("room", text) if _is_exact(case, disks) else warning("room", text)


def _is_exact(case: Case, disks: Sequence[Disk]) -> bool:
    """Whether the sizes cover all that is copied: parents and checkpoints take room that no disk reports."""
    return all(disk.file_bytes is not None and not disk.parent for disk in disks) and not case.vm.checkpoints


def _render_need(case: Case, disks: Sequence[Disk]) -> str:
    exact = "" if _is_exact(case, disks) else "at least "
    return f"{exact}{render_bytes(known_bytes(disks))} needed"


def _elsewhere(case: Case, need: int) -> str:
    """The command with a drive that has the most room, or what to do if none has enough."""
    best: Volume | None = max(case.destination.volumes, key=lambda volume: volume.free_bytes, default=None)
    if best is None or best.free_bytes < need:
        return f"free some room on {case.destination.name}, or name a share: `{_command(case)} \\\\server\\share`"
    return f"`{_command(case)} {best.letter}:\\VMs` has room: {render_bytes(best.free_bytes)} free"


def _command(case: Case) -> str:
    if case.crosses_hosts:
        return f"migrate {case.vm_word} to {case.destination.name} with storage at"
    return f"move storage {case.vm_word} to"


def _places(disks: Sequence[Disk]) -> list[str]:
    return list(dict.fromkeys(place_of(disk.path) for disk in disks))
