"""How long a move may take, and the words for what that rests on."""

from __future__ import annotations

import pytest

from bot.core.estate import Disk, VmState
from bot.core.estimate import ASSUMED_STORAGE_BYTES_S, SETUP_S, estimate
from bot.core.plan import Move, MoveKind
from bot.core.wording import render_about
from tests.core.moves import GB, VM_ID

BOTH_10 = {"host01": 10.0, "host02": 10.0}


def make_move(kind: MoveKind, *, state: int = VmState.RUNNING, memory: int = 8 * GB, path: str | None = None) -> Move:
    return Move(
        kind=kind,
        vm=VM_ID,
        vm_name="VM-01",
        source="host01",
        destination="host01" if kind is MoveKind.STORAGE else "host02",
        storage_path=path,
        state=state,
        memory_bytes=memory,
        disks=(Disk(path=r"D:\a.vhdx", size_bytes=80 * GB, file_bytes=50 * GB),),
    )


@pytest.mark.parametrize(
    ("move", "links", "said", "basis"),
    [
        (make_move(MoveKind.LIVE), BOTH_10, "about 10 s", "8.0 GB memory at 1.0 GB/s (10 GbE, from settings)"),
        (make_move(MoveKind.LIVE), {}, "about 10 s", "8.0 GB memory at 1.0 GB/s (10 GbE, assumed)"),
        (
            make_move(MoveKind.LIVE),
            {"host01": 25.0, "host02": 1.0},
            "about 1 min",
            "8.0 GB memory at 105 MB/s (1 GbE, from settings)",
        ),
        (make_move(MoveKind.LIVE), {"host01": 25.0}, "about 10 s", "8.0 GB memory at 1.0 GB/s (10 GbE, assumed)"),
        (
            make_move(MoveKind.LIVE, memory=512 * GB),
            {"host01": 1.0},
            "about 1 h 20 min",
            "512 GB memory at 105 MB/s (1 GbE, from settings)",
        ),
        (
            make_move(MoveKind.LIVE, state=VmState.OFF),
            BOTH_10,
            "about 4 s",
            "set-up only, there is no memory or storage to copy",
        ),
        (
            make_move(MoveKind.SHARED_NOTHING),
            BOTH_10,
            "about 2 min",
            "8.0 GB memory at 1.0 GB/s (10 GbE, from settings), 50 GB storage at 500 MB/s (assumed)",
        ),
        (
            make_move(MoveKind.SHARED_NOTHING, state=VmState.OFF),
            {"host02": 1.0},
            "about 8 min",
            "50 GB storage at 105 MB/s (1 GbE, from settings)",
        ),
        (
            make_move(MoveKind.STORAGE, path=r"E:\VMs"),
            {"host01": 1.0},
            "about 2 min",
            "50 GB storage at 500 MB/s (assumed)",
        ),
        (
            make_move(MoveKind.STORAGE, path=r"\\server01\vmstore"),
            {"host01": 1.0},
            "about 8 min",
            "50 GB storage at 105 MB/s (1 GbE, from settings)",
        ),
    ],
)
def test_an_estimate_is_rounded_and_says_what_it_rests_on(
    move: Move, links: dict[str, float], said: str, basis: str
) -> None:
    found = estimate(move, links)

    assert (render_about(found.seconds), found.basis) == (said, basis)


def test_a_disk_whose_file_size_is_not_known_counts_in_full() -> None:
    move = make_move(MoveKind.STORAGE, path=r"E:\VMs")
    unknown = move.model_copy(update={"disks": (Disk(path=r"D:\a.vhdx", size_bytes=80 * GB),)})

    assert estimate(unknown, {}).seconds == SETUP_S + 80 * GB / ASSUMED_STORAGE_BYTES_S


def test_physical_disks_are_not_copied() -> None:
    move = make_move(MoveKind.STORAGE, path=r"E:\VMs")
    physical = move.model_copy(update={"disks": (Disk(path="Disk 3", size_bytes=80 * GB, passthrough=True),)})

    assert estimate(physical, {}).seconds == SETUP_S
