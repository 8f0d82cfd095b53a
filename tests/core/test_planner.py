"""What a plan carries for the person who is asked to confirm it."""

from __future__ import annotations

import pytest

from bot.core.estate import Cluster, ClusterGroup, ClusterNode, Disk, Role, VmState
from bot.core.plan import MoveKind, Plan
from bot.core.planner import Limits, plan_in_cluster, plan_live, plan_shared_nothing, plan_storage
from bot.core.storage import disk_name
from tests.core.moves import GB, SHARE, VM_ID, disk, make_host, make_local_vm, make_vm

LIMITS = Limits(link_gbit_s={"host01": 10, "host02": 10})
DAYS = 24 * 3600


def test_a_live_migration_says_what_stays_and_what_travels() -> None:
    vm = make_vm(uptime_s=41 * DAYS, disks=(disk(rf"{SHARE}\VM-01\os.vhdx"), disk(rf"{SHARE}\VM-01\data.vhdx")))
    plan = plan_live("migrate VM-01 to host02", vm, make_host("host01"), make_host("host02"), LIMITS)

    assert plan.facts == (
        rf"8.0 GB memory, 2 disks stay on {SHARE} · running for 41 days",
        "os.vhdx 10 of 20 GB, data.vhdx 10 of 20 GB",
        rf"configuration stays in {SHARE}\VM-01",
    )
    assert plan.move.kind is MoveKind.LIVE
    assert (plan.move.vm, plan.move.source, plan.move.destination) == (VM_ID, "host01", "host02")
    assert plan.move.destination_fqdn == "host02.contoso.com"
    assert plan.move.state == VmState.RUNNING
    assert plan.move.disks == vm.disks
    assert plan.action == "vm.migrate"
    assert plan.blocked == ()


def test_a_shared_nothing_migration_says_how_much_goes_where() -> None:
    vm = make_local_vm(state=VmState.OFF)
    hosts = make_host("host01"), make_host("host02")
    plan = plan_shared_nothing("…", vm, *hosts, LIMITS, r"E:\VMs")

    assert plan.facts == (
        r"8.0 GB memory, 1 disk (42 GB) goes to E:\VMs on host02 · off",
        "VM-01.vhdx 42 of 80 GB",
        r"disks go from D:\VMs to E:\VMs\Virtual Hard Disks",
        r"configuration, checkpoints and smart paging go from D:\VMs\VM-01 to E:\VMs",
    )
    assert plan.move.storage_path == r"E:\VMs"


def test_without_a_path_storage_keeps_its_paths() -> None:
    hosts = make_host("host01"), make_host("host02")
    plan = plan_shared_nothing("…", make_local_vm(uptime_s=65), *hosts, LIMITS)

    assert (
        plan.facts[0]
        == r"8.0 GB memory, 1 disk (42 GB) goes to the same path on host02, D:\VMs · running for 1 min 5 s"
    )
    assert plan.facts[-1] == r"configuration goes to the same path, D:\VMs\VM-01"
    assert plan.move.storage_path is None


def test_a_storage_migration_stays_on_its_host() -> None:
    plan = plan_storage("…", make_local_vm(uptime_s=3600), make_host("host01"), LIMITS, SHARE)

    assert plan.facts == (
        rf"1 disk (42 GB) goes to {SHARE} · running for 1 h",
        "VM-01.vhdx 42 of 80 GB",
        rf"disks go from D:\VMs to {SHARE}\Virtual Hard Disks",
        rf"configuration, checkpoints and smart paging go from D:\VMs\VM-01 to {SHARE}",
    )
    assert (plan.move.source, plan.move.destination) == ("host01", "host01")
    assert plan.action == "vm.move_storage"


def test_a_plan_that_is_blocked_carries_every_reason_at_once() -> None:
    vm = make_local_vm(clustered=True)
    plan = plan_live("…", vm, make_host("host01"), make_host("host02", memory_free_bytes=GB), LIMITS)

    assert [finding.code for finding in plan.blocked] == ["clustered", "memory", "storage"]


def test_the_reserve_of_the_settings_is_kept() -> None:
    hosts = make_host("host01"), make_host("host02", memory_free_bytes=10 * GB)

    fits = plan_live("…", make_vm(), *hosts, Limits(memory_reserve_bytes=2 * GB))
    full = plan_live("…", make_vm(), *hosts, Limits(memory_reserve_bytes=3 * GB))

    assert [len(plan.blocked) for plan in (fits, full)] == [0, 1]


def test_sizes_that_are_not_known_are_not_made_up() -> None:
    disks = (
        Disk(path=r"D:\a.vhdx"),
        Disk(path=r"D:\b.vhdx", size_bytes=20 * GB),
        Disk(path=r"D:\c.vhdx", file_bytes=GB),
    )
    plan = plan_storage("…", make_local_vm(disks=disks), make_host("host01"), LIMITS, SHARE)

    assert plan.facts[1] == "a.vhdx, b.vhdx up to 20 GB, c.vhdx 1.0 GB"


def test_a_vm_with_many_disks_stays_readable() -> None:
    disks = tuple(disk(rf"{SHARE}\{number}.vhdx") for number in range(40))
    plan = plan_live("…", make_vm(disks=disks), make_host("host01"), make_host("host02"), LIMITS)

    assert plan.facts[0].startswith(rf"8.0 GB memory, 40 disks stay on {SHARE}")
    assert plan.facts[1].endswith(" and 34 more")


def test_a_vm_without_disks_says_so() -> None:
    plan = plan_live("…", make_vm(disks=()), make_host("host01"), make_host("host02"), LIMITS)

    assert plan.facts[0].startswith("8.0 GB memory, no disks · running for")


@pytest.mark.parametrize("other", ["another host", "more memory", "another disk"])
def test_the_digest_covers_what_was_seen(other: str) -> None:
    def plan(vm_memory: int, destination: str, disk_path: str) -> Plan:
        vm = make_vm(memory_bytes=vm_memory, disks=(disk(disk_path),))
        return plan_live("…", vm, make_host("host01"), make_host(destination), LIMITS)

    first = plan(8 * GB, "host02", rf"{SHARE}\a.vhdx")
    second = plan(
        9 * GB if other == "more memory" else 8 * GB,
        "host03" if other == "another host" else "host02",
        rf"{SHARE}\b.vhdx" if other == "another disk" else rf"{SHARE}\a.vhdx",
    )

    assert first.digest != second.digest
    assert first.digest == plan(8 * GB, "host02", rf"{SHARE}\a.vhdx").digest


def test_a_disk_with_a_checkpoint_is_called_by_its_own_name() -> None:
    guid = "83F89DED-E83D-5648-A6D8-95B4169441B5"
    assert disk_name(f"\\\\server01\\vmstore\\VM-01_{guid}.avhdx") == "VM-01.vhdx (with checkpoint)"
    assert disk_name(f"D:\\VMs\\old_{guid.lower()}.avhd") == "old.vhd (with checkpoint)"
    assert disk_name("D:\\VMs\\VM-01_system.vhdx") == "VM-01_system.vhdx"
    assert disk_name(f"D:\\VMs\\{guid}.vhdx") == f"{guid}.vhdx"


@pytest.mark.parametrize(
    ("state", "quickly", "quick", "words"),
    [
        (VmState.RUNNING, False, False, "Live migration in the cluster"),
        (VmState.RUNNING, True, True, "Quick migration in the cluster"),
        (VmState.OFF, False, True, "Quick migration in the cluster"),
        (VmState.SAVED, False, True, "Quick migration in the cluster"),
    ],
)
def test_a_cluster_moves_live_only_what_is_in_memory(state: VmState, quickly: bool, quick: bool, words: str) -> None:
    cluster = Cluster(name="HVC1", nodes=(ClusterNode(name="HOST01"), ClusterNode(name="HOST02")))
    role = Role(group=ClusterGroup(name="VM-01", owner="HOST01"))
    vm = make_vm(clustered=True, state=state)
    plan = plan_in_cluster("…", vm, make_host("host01"), make_host("host02"), LIMITS, cluster, role, quickly=quickly)
    assert (plan.move.kind, plan.move.quick, plan.move.words) == (MoveKind.CLUSTER, quick, words)
    assert plan.action == "vm.migrate"
    assert not plan.blocked
    assert ("saved and restored" in plan.estimate.basis) == (quickly and state is VmState.RUNNING)
