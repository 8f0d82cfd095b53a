"""How long a move may take, and what that rests on. An estimate, said as one: hosts and guests decide.

Facts: memory is copied once and then again as far as it was written meanwhile; storage is copied before memory. Set-up
takes 3 to 6 seconds, and a 10 GbE link carries about 1.1 GB of memory a second (published measurements; there is no
official figure).
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.estate import IN_MEMORY, Disk
from bot.core.plan import Estimate, Move, MoveKind
from bot.core.storage import is_share, travelling
from bot.core.wording import render_bytes, render_rate

SETUP_S = 4.0
ASSUMED_LINK_GBIT_S = 10.0
ASSUMED_STORAGE_BYTES_S = 500 << 20
_LINK_SHARE_USED = 0.88
_BYTES_S_PER_GBIT_S = 1e9 / 8


def usable_bytes_s(gbit_s: float) -> float:
    """What a link of that speed carries of memory."""
    return gbit_s * _BYTES_S_PER_GBIT_S * _LINK_SHARE_USED


def estimate(move: Move, link_gbit_s: Mapping[str, float]) -> Estimate:
    """Args: link_gbit_s: speed of each host's migration network where the settings say it, by Ferry's host name."""
    speed, assumed = _link(move, link_gbit_s)
    link_bytes_s = usable_bytes_s(speed)
    link = f"{speed:g} GbE, {'assumed' if assumed else 'from settings'}"
    seconds, parts = SETUP_S, []
    if move.kind is not MoveKind.STORAGE and move.state in IN_MEMORY and move.memory_bytes:
        rate = ASSUMED_STORAGE_BYTES_S / 2 if move.quick else link_bytes_s
        what = "memory, saved and restored," if move.quick else "memory"
        seconds += move.memory_bytes / rate
        parts.append(
            f"{render_bytes(move.memory_bytes)} {what} at {render_rate(rate)} ({'assumed' if move.quick else link})"
        )
    if move.kind.carries_storage and (size := sum(_size(disk) for disk in travelling(move.disks))):
        limited = _uses_network(move) and link_bytes_s < ASSUMED_STORAGE_BYTES_S
        rate = link_bytes_s if limited else ASSUMED_STORAGE_BYTES_S
        seconds += size / rate
        basis = link if limited else "assumed"
        parts.append(f"{render_bytes(size)} storage at {render_rate(rate)} ({basis})")
    return Estimate(seconds=seconds, basis=", ".join(parts) or "set-up only, there is no memory or storage to copy")


def _link(move: Move, link_gbit_s: Mapping[str, float]) -> tuple[float, bool]:
    """The slower end's speed, and whether that is an assumption."""
    slowest = min((move.source, move.destination), key=lambda host: link_gbit_s.get(host, ASSUMED_LINK_GBIT_S))
    return link_gbit_s.get(slowest, ASSUMED_LINK_GBIT_S), slowest not in link_gbit_s


def _size(disk: Disk) -> int:
    """What lies on storage; the disk's whole size where that is not known."""
    return disk.file_bytes if disk.file_bytes is not None else disk.size_bytes or 0


def _uses_network(move: Move) -> bool:
    paths = (move.storage_path or "", *(disk.path for disk in move.disks))
    return move.kind is MoveKind.SHARED_NOTHING or any(is_share(path) for path in paths if path)
