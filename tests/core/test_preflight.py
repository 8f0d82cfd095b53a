"""Every check of a VM and of its two hosts, at every level it knows."""

from __future__ import annotations

import re

import pytest

from bot.core import preflight
from bot.core.estate import Adapter, Disk, Status, Switch, VmState
from bot.core.plan import Level, MoveKind
from tests.core.moves import GB, SHARE, Given, disk, shared_nothing, storage

FINE, WARNING, BLOCKING = Level.FINE, Level.WARNING, Level.BLOCKING

CASES: dict[str, tuple[Given, Level, str, str]] = {
    # The VM itself
    "clustered": (Given(vm={"clustered": True}), BLOCKING, "clustered", "VM-01 belongs to a failover cluster"),
    "off": (Given(vm={"state": VmState.OFF}), FINE, "state", "VM-01 is off and stays so"),
    "paused": (Given(vm={"state": VmState.PAUSED}), FINE, "state", "VM-01 is paused and stays so"),
    "saved": (
        Given(vm={"state": VmState.SAVED}),
        WARNING,
        "state",
        "VM-01 is saved: it resumes only if host02's processor fits its saved state",
    ),
    "saved, host stays": (
        storage(r"D:\VMs", vm={"state": VmState.SAVED}),
        FINE,
        "state",
        "VM-01 is saved and stays so",
    ),
    "starting": (Given(vm={"state": VmState.STARTING}), BLOCKING, "state", "VM-01 is starting"),
    "stopping": (Given(vm={"state": VmState.STOPPING}), BLOCKING, "state", "VM-01 is stopping"),
    "state without a name": (Given(vm={"state": 32783}), BLOCKING, "state", "VM-01 is in state 32783"),
    "critical": (
        Given(vm={"state": VmState.RUNNING_CRITICAL}),
        BLOCKING,
        "state",
        "VM-01 is running, critical: host01 reports trouble with its storage",
    ),
    "backing up": (
        Given(vm={"status": (Status.IN_SERVICE, Status.BACKING_UP)}),
        BLOCKING,
        "busy",
        "VM-01 is being backed up now",
    ),
    "merging": (
        Given(vm={"status": (Status.IN_SERVICE, Status.MERGING_DISKS)}),
        BLOCKING,
        "busy",
        "VM-01 is merging disks now",
    ),
    "checkpoint being made": (
        Given(vm={"status": (Status.IN_SERVICE, Status.CREATING_SNAPSHOT)}),
        BLOCKING,
        "busy",
        "VM-01 is making a checkpoint now",
    ),
    "busy with the unknown": (Given(vm={"status": (15,)}), BLOCKING, "busy", "VM-01 is in operational status 15 now"),
    "migrating": (
        Given(vm={"status": (Status.IN_SERVICE, Status.MIGRATING)}),
        BLOCKING,
        "busy",
        "VM-01 is migrating now",
    ),
    "storage already moving": (
        storage(r"D:\VMs", vm={"status": (Status.IN_SERVICE, Status.STORAGE_MIGRATION_PHASE_ONE)}),
        BLOCKING,
        "busy",
        "VM-01 is moving its storage now",
    ),
    "cut off": (
        Given(vm={"status": (Status.OK, Status.CRITICAL_IO_ERROR)}),
        BLOCKING,
        "busy",
        "VM-01 is cut off from its storage",
    ),
    "degraded": (Given(vm={"status": (Status.DEGRADED,)}), WARNING, "busy", "host01 reports VM-01 as degraded"),
    "one checkpoint": (Given(vm={"checkpoints": 1}), WARNING, "checkpoints", "1 checkpoint travels along"),
    "three checkpoints": (Given(vm={"checkpoints": 3}), WARNING, "checkpoints", "3 checkpoints travel along"),
    "shared disk": (
        Given(vm={"disks": (disk(rf"{SHARE}\quorum.vhds", shared=True),)}),
        BLOCKING,
        "shared_disk",
        "VM-01 shares quorum.vhds with other VMs",
    ),
    "pass-through disk": (
        storage(r"D:\VMs", vm={"disks": (Disk(path="Disk 3", passthrough=True),)}),
        BLOCKING,
        "passthrough_disk",
        "VM-01 uses Disk 3 of host01 directly",
    ),
    "differencing disk": (
        shared_nothing(r"D:\VMs", vm={"disks": (disk(r"D:\VMs\web.avhdx", parent=r"D:\Base\base.vhdx"),)}),
        WARNING,
        "differencing",
        "differencing disks: web.avhdx on base.vhdx; host02 says before the move whether the parents can follow",
    ),
    "differencing disk on its host": (
        storage(r"E:\VMs", vm={"disks": (disk(r"D:\VMs\web.avhdx", parent=r"D:\Base\base.vhdx"),)}),
        WARNING,
        "differencing",
        "differencing disks: web.avhdx on base.vhdx; only the move itself shows whether the parents can follow",
    ),
    "image on the host": (
        Given(vm={"dvd_paths": (r"C:\ISO\setup.iso",)}),
        BLOCKING,
        "dvd",
        r"VM-01 has C:\ISO\setup.iso in its DVD drive, which lies on host01 itself",
    ),
    "drive of the host": (
        Given(vm={"dvd_paths": (r"\\.\CDROM0",)}),
        BLOCKING,
        "dvd",
        r"VM-01 has \\.\CDROM0 in its DVD drive, which lies on host01 itself",
    ),
    "image on a share": (
        Given(vm={"dvd_paths": (rf"{SHARE}\setup.iso",)}),
        FINE,
        "dvd",
        "setup.iso in its DVD drive lies on a share",
    ),
    # The two hosts
    "same host": (Given(to="host01"), BLOCKING, "same_host", "VM-01 is on host01 already"),
    "migration enabled": (Given(), FINE, "migration", "migration enabled on both"),
    "migration disabled there": (
        Given(destination={"migration_enabled": False}),
        BLOCKING,
        "migration",
        "live migration is not enabled on host02",
    ),
    "migration disabled on both": (
        Given(source={"migration_enabled": False}, destination={"migration_enabled": False}),
        BLOCKING,
        "migration",
        "live migration is not enabled on host01 and host02",
    ),
    "CredSSP": (
        Given(source={"authentication": 0}, destination={"authentication": 0}),
        WARNING,
        "authentication",
        "host01 migrates with CredSSP: Ferry's session there must hold credentials it can delegate",
    ),
    "two authentications": (
        Given(destination={"authentication": 0}),
        WARNING,
        "authentication_differs",
        "host01 migrates with Kerberos, host02 with CredSSP",
    ),
    "switch": (Given(), FINE, "switch", 'switch "Production" on host02'),
    "switch in other letters": (
        Given(destination={"switches": (Switch(name="PRODUCTION", type=2),)}),
        FINE,
        "switch",
        'switch "Production" on host02',
    ),
    "no such switch": (
        Given(destination={"switches": (Switch(name="Prod", type=2), Switch(name="Backup", type=2))}),
        BLOCKING,
        "switch",
        'host02 has no switch "Production", which VM-01 is connected to; it has "Backup", "Prod"',
    ),
    "no switch at all": (
        Given(destination={"switches": ()}),
        BLOCKING,
        "switch",
        'host02 has no switch "Production", which VM-01 is connected to; it has none',
    ),
    "internal switch": (
        Given(destination={"switches": (Switch(name="Production", type=1),)}),
        WARNING,
        "switch_type",
        'switch "Production" on host02 is internal: it leads nowhere outside that host',
    ),
    "memory": (Given(), FINE, "memory", "52 of 128 GB free on host02"),
    "memory to the last byte": (
        Given(destination={"memory_free_bytes": 10 * GB}),
        FINE,
        "memory",
        "10 of 128 GB free on host02",
    ),
    "memory reaches into the reserve": (
        Given(destination={"memory_free_bytes": 10 * GB - 1}),
        BLOCKING,
        "memory",
        "10 of 128 GB free on host02; VM-01 takes 8.0 GB",
    ),
    "no memory to start it": (
        Given(vm={"state": VmState.OFF}, destination={"memory_free_bytes": 4 * GB}),
        WARNING,
        "memory",
        "4.0 of 128 GB free on host02: not enough to start VM-01, which takes 8.0 GB",
    ),
    "version": (Given(), FINE, "version", "configuration version 10.0 runs on host02"),
    "version not told": (
        Given(destination={"vm_versions": ()}),
        WARNING,
        "version",
        "host02 does not say whether it runs configuration version 10.0",
    ),
    "version too new": (
        Given(vm={"version": "12.0"}),
        BLOCKING,
        "version",
        "VM-01 has configuration version 12.0, which host02 does not run",
    ),
    "at its limit": (
        Given(destination={"live_active": 2}),
        WARNING,
        "limit",
        "host02 runs 2 of 2 live migrations: this one will wait its turn",
    ),
    "storage at its limit": (
        storage(r"D:\VMs", source={"storage_active": 3}),
        WARNING,
        "limit",
        "host01 runs 3 of 2 storage migrations: this one will wait its turn",
    ),
    "no migrations allowed": (
        Given(source={"live_limit": 0}),
        BLOCKING,
        "limit",
        "host01 is set to allow no live migrations",
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
    listed = re.findall(r"^    (?:machine|hosts) +(.*)$", preflight.__doc__ or "", re.MULTILINE)

    assert {code for _, _, code, _ in CASES.values()} == {code for line in listed for code in line.split()}


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        (Given(), ["migration", "switch", "memory", "storage", "version"]),
        (shared_nothing(r"D:\VMs"), ["migration", "switch", "memory", "room", "version"]),
        (shared_nothing(), ["migration", "switch", "memory", "room", "version"]),
        (Given(kind=MoveKind.STORAGE, path=r"D:\New", local=True), ["room"]),
    ],
)
def test_where_all_is_well_nothing_but_fine_findings_remain(given: Given, codes: list[str]) -> None:
    findings = given.check()

    assert [finding.code for finding in findings] == codes
    assert {finding.level for finding in findings} == {FINE}


def test_a_vm_that_is_there_already_is_told_only_that() -> None:
    findings = Given(to="host01", source={"memory_free_bytes": 0, "migration_enabled": False}).check()

    assert [finding.code for finding in findings] == ["same_host"]


def test_what_only_matters_between_hosts_does_not_stop_a_storage_migration() -> None:
    given = storage(
        r"D:\VMs",
        vm={"dvd_paths": (r"C:\setup.iso",), "version": "12.0"},
        source={
            "migration_enabled": False,
            "switches": (),
            "memory_free_bytes": 0,
            "authentication": 0,
            "live_limit": 0,
        },
    )

    assert [finding.text for finding in given.check() if finding.level is not FINE] == []


def test_an_adapter_that_is_not_connected_needs_no_switch() -> None:
    findings = Given(vm={"adapters": (Adapter(name="a", switch=None),)}, destination={"switches": ()}).check()

    assert "switch" not in {finding.code for finding in findings}
