"""Every check of a VM's files, at every level it knows, and the hints that name a command."""

from __future__ import annotations

import re

import pytest

from bot.core import preflight
from bot.core.estate import Disk, Switch, Volume
from bot.core.plan import Level, MoveKind
from tests.core.moves import GB, SHARE, VM_ID, Given, disk, shared_nothing, storage

FINE, WARNING, BLOCKING = Level.FINE, Level.WARNING, Level.BLOCKING

CASES: dict[str, tuple[Given, Level, str, str]] = {
    "files on a share": (
        Given(),
        FINE,
        "storage",
        rf"all files lie on {SHARE}; host02 is asked whether it reaches them before the move starts",
    ),
    "files on the host": (
        Given(local=True),
        BLOCKING,
        "storage",
        r"D:\VMs\VM-01.vhdx and D:\VMs\VM-01 lie on host01 itself",
    ),
    "only the configuration on the host": (
        Given(vm={"path": r"C:\VMs\VM-01"}),
        BLOCKING,
        "storage",
        r"C:\VMs\VM-01 lies on host01 itself",
    ),
    "parent on the host": (
        Given(vm={"disks": (disk(rf"{SHARE}\web.avhdx", parent=r"D:\Base\base.vhdx"),)}),
        BLOCKING,
        "storage",
        r"D:\Base\base.vhdx lies on host01 itself",
    ),
    "checkpoints on the host": (
        Given(vm={"checkpoints": 1, "checkpoint_path": r"D:\Checkpoints"}),
        BLOCKING,
        "storage",
        r"D:\Checkpoints lies on host01 itself",
    ),
    "off the cluster's storage": (
        storage(r"D:\New", vm={"clustered": True}),
        BLOCKING,
        "cluster_storage",
        r"D:\New lies on host01 itself, and VM-01 belongs to a failover cluster",
    ),
    "nothing to take along": (
        Given(kind=MoveKind.SHARED_NOTHING),
        BLOCKING,
        "storage",
        rf"the disks of VM-01 lie on {SHARE}; without a path they would stay there",
    ),
    "one disk on a share": (
        shared_nothing(vm={"disks": (disk(r"D:\VMs\a.vhdx"), disk(rf"{SHARE}\b.vhdx"))}),
        WARNING,
        "storage",
        "b.vhdx on a share keeps its path; host02 says before the move whether that works",
    ),
    "no such drive for kept paths": (
        shared_nothing(vm={"disks": (disk(r"E:\VMs\a.vhdx"),)}),
        BLOCKING,
        "drive",
        "host02 has no drive E:",
    ),
    "no such drive for the configuration": (
        shared_nothing(vm={"path": r"F:\VMs"}),
        BLOCKING,
        "drive",
        "host02 has no drive F:",
    ),
    "no such drive for the path": (shared_nothing(r"E:\VMs"), BLOCKING, "drive", "host02 has no drive E:"),
    "room": (shared_nothing(r"D:\VMs"), FINE, "room", "400 GB free on D: of host02, 42 GB needed"),
    "room for kept paths": (shared_nothing(), FINE, "room", "400 GB free on D: of host02, 42 GB needed"),
    "room beside checkpoints": (
        shared_nothing(r"D:\VMs", vm={"checkpoints": 2}),
        WARNING,
        "room",
        "400 GB free on D: of host02, at least 42 GB needed",
    ),
    "room not known": (
        shared_nothing(r"D:\VMs", destination={"volumes": ()}),
        WARNING,
        "room",
        "free room on D: of host02 is not known; 42 GB needed",
    ),
    "size not known": (
        shared_nothing(r"D:\VMs", vm={"disks": (Disk(path=r"D:\VMs\a.vhdx"),)}),
        WARNING,
        "room",
        "400 GB free on D: of host02, at least 0 B needed",
    ),
    "no room": (
        shared_nothing(
            r"D:\VMs", destination={"volumes": (Volume(letter="D", size_bytes=90 * GB, free_bytes=41 * GB),)}
        ),
        BLOCKING,
        "room",
        "D: on host02 has 41 GB free",
    ),
    "room on a share": (
        storage(r"\\server02\fast"),
        WARNING,
        "room",
        r"free room on \\server02\fast is not known, a share does not tell; 42 GB needed",
    ),
    "a share that may be mistyped": (
        storage(SHARE[:-2] + SHARE[:-3:-1]),
        WARNING,
        "share",
        f"{SHARE[:-2] + SHARE[:-3:-1]} is almost {SHARE}, which is known: is it mistyped?",
    ),
    "stored there already": (
        storage(SHARE, vm={"path": SHARE.upper(), "disks": (disk(rf"{SHARE}\Virtual Hard Disks\a.vhdx"),)}),
        BLOCKING,
        "already_stored",
        rf"the storage of VM-01 is at {SHARE} already",
    ),
    "stored below it": (
        storage(SHARE),
        WARNING,
        "already_stored",
        rf"1 disk below {SHARE} already, in {SHARE}\VM-01",
    ),
    "two files of one name": (
        storage(r"D:\VMs", vm={"disks": (disk(r"D:\a\disk.vhdx"), disk(r"E:\b\DISK.vhdx"))}),
        BLOCKING,
        "collision",
        r"D:\a\disk.vhdx and E:\b\DISK.vhdx would become one file, D:\VMs\Virtual Hard Disks\disk.vhdx",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_was_seen_is_said_with_its_code_and_level(name: str) -> None:
    given, level, code, text = CASES[name]

    found = [(finding.level, finding.text) for finding in given.check() if finding.code == code]

    assert found == [(level, text)]


@pytest.mark.parametrize("name", CASES)
def test_a_blocking_finding_says_what_is_needed_and_what_to_do(name: str) -> None:
    for finding in CASES[name][0].check():
        assert "\n" not in finding.text
        assert (finding.level is BLOCKING) == bool(finding.needed)
        assert finding.hint or finding.level is not BLOCKING


def test_the_table_covers_every_code_that_the_package_lists() -> None:
    listed = re.findall(r"^    (?:files) +(.*)$", preflight.__doc__ or "", re.MULTILINE)

    assert {code for _, _, code, _ in CASES.values()} == {code for line in listed for code in line.split()}


def test_files_that_are_there_already_need_no_room() -> None:
    there = disk(r"D:\VMs\Virtual Hard Disks\a.vhdx", file_bytes=900 * GB)
    findings = storage(r"D:\VMs", vm={"disks": (there, disk(r"C:\b.vhdx"))}).check()

    assert [finding.text for finding in findings if finding.code == "room"] == [
        "400 GB free on D: of host01, 10 GB needed"
    ]


@pytest.mark.parametrize(
    ("given", "code", "hint"),
    [
        (
            Given(local=True, vm={"name": "VM-02"}),
            "storage",
            "to move them too, type `migrate VM-02 to host02 with storage`",
        ),
        (
            Given(local=True, vm={"name": "Web Shop"}),
            "storage",
            'to move them too, type `migrate "Web Shop" to host02 with storage`',
        ),
        (shared_nothing(r"E:\VMs"), "drive", r"`migrate VM-01 to host02 with storage at D:\VMs` has room: 400 GB free"),
        (storage(r"E:\VMs"), "drive", r"`move storage VM-01 to D:\VMs` has room: 400 GB free"),
        (
            shared_nothing(r"D:\VMs", vm={"disks": (disk(r"D:\a.vhdx", file_bytes=900 * GB),)}),
            "room",
            r"free some room on host02, or name a share: `migrate VM-01 to host02 with storage at \\server\share`",
        ),
        (
            Given(destination={"switches": (Switch(name="Productoin", type=2),)}),
            "switch",
            'rename "Productoin" on host02, or choose another host',
        ),
        (
            Given(vm={"dvd_paths": (r"C:\setup.iso",)}),
            "dvd",
            f"on host01: `Get-VM -Id {VM_ID} | Get-VMDvdDrive | Set-VMDvdDrive -Path $null`",
        ),
    ],
)
def test_the_hint_is_what_to_type_next(given: Given, code: str, hint: str) -> None:
    assert [finding.hint for finding in given.check() if finding.code == code] == [hint]


@pytest.mark.parametrize("path", [SHARE, SHARE.upper(), SHARE.replace("01", "02"), r"\\archive\old"])
def test_a_share_of_another_number_or_of_quite_another_name_is_not_taken_for_mistyped(path: str) -> None:
    assert not [one for one in storage(path).check() if one.code == "share"]
