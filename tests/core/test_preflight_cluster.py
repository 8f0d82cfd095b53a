"""Every check of a clustered VM's move, what is left out of it, and the hints that name a command."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.core import preflight
from bot.core.affinity import AffinityRule, RuleType
from bot.core.estate import (
    Cluster,
    ClusterGroup,
    ClusterNode,
    Disk,
    GroupState,
    Host,
    NodeState,
    Role,
    SharedVolume,
    Vm,
    VmState,
)
from bot.core.plan import Finding, Level, Move, MoveKind
from tests.core.moves import GB, RESERVE, SHARE, make_host, make_move, make_vm

FINE, WARNING, BLOCKING = Level.FINE, Level.WARNING, Level.BLOCKING
VOLUME = r"C:\ClusterStorage\Volume1"
NODES = tuple(ClusterNode(name=f"HOST0{number}") for number in (1, 2, 3))
ROLE = ClusterGroup(name="VM-01", owner="HOST01", apart=("web",))
RIVAL = ClusterGroup(name="VM-02", owner="HOST02", apart=("web", "other"))


@dataclass(frozen=True)
class Given:
    """A move for which all is well, and what differs."""

    kind: MoveKind = MoveKind.CLUSTER
    path: str | None = None
    quick: bool = False
    vm: dict[str, Any] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    destination: dict[str, Any] = field(default_factory=dict)
    cluster: dict[str, Any] = field(default_factory=dict)
    group: dict[str, Any] = field(default_factory=dict)
    owners: tuple[str, ...] | None = ("HOST01", "HOST02", "HOST03")
    preferred: tuple[str, ...] = ()
    role: bool = True

    def read(self) -> tuple[Move, Vm, Host, Host]:
        disks = (Disk(path=rf"{VOLUME}\VM-01\VM-01.vhdx", size_bytes=80 * GB, file_bytes=42 * GB),)
        vm = make_vm(**{"clustered": True, "path": rf"{VOLUME}\VM-01", "disks": disks} | self.vm)
        source = make_host("host01", **{"cluster": "HVC1"} | self.source)
        stays = self.kind is MoveKind.STORAGE
        destination = source if stays else make_host("host02", **{"cluster": "HVC1"} | self.destination)
        move = make_move(self.kind, vm, source, destination, self.path).model_copy(update={"quick": self.quick})
        return move, vm, source, destination

    def check(self) -> tuple[Finding, ...]:
        values: dict[str, Any] = {"name": "HVC1", "nodes": NODES, "groups": (ROLE,), "live_limit": 1}
        volumes = (SharedVolume(path=VOLUME, size_bytes=800 * GB, free_bytes=300 * GB),)
        cluster = Cluster(**{**values, "volumes": volumes} | self.cluster)
        group = ROLE.model_copy(update=self.group)
        role = Role(group=group, possible_owners=self.owners, preferred_owners=self.preferred) if self.role else None
        return preflight.check(*self.read(), RESERVE, cluster, role)


FRIEND = ClusterGroup(name="VM-02", owner="HOST02")
AWAY = ClusterGroup(name="VM-02", owner="HOST01")


def ruled(kind: RuleType, other: ClusterGroup = FRIEND, **rule: Any) -> Given:
    """VM-01 and VM-02 under one rule."""
    one = AffinityRule(**{"name": "web", "type": kind, "groups": ("VM-01", "VM-02", "Volume1")} | rule)
    return Given(cluster={"groups": (ROLE, other), "rules": (one,)})


def nodes(*states: NodeState) -> tuple[ClusterNode, ...]:
    return tuple(node.model_copy(update={"state": state}) for node, state in zip(NODES, states, strict=True))


PAUSED = nodes(NodeState.UP, NodeState.PAUSED, NodeState.UP)
ALONE = nodes(NodeState.UP, NodeState.DOWN, NodeState.PAUSED)

CASES: dict[str, tuple[Given, Level, str, str, str]] = {
    "with its storage": (
        Given(kind=MoveKind.SHARED_NOTHING),
        BLOCKING,
        "clustered",
        "VM-01 belongs to a failover cluster",
        "`migrate VM-01 to host02` moves it in HVC1",
    ),
    "by an evacuation": (
        Given(kind=MoveKind.LIVE),
        BLOCKING,
        "clustered",
        "VM-01 belongs to a failover cluster",
        "`migrate VM-01 to host02` moves it in HVC1",
    ),
    "its host tells of no cluster": (
        Given(kind=MoveKind.LIVE, source={"cluster": ""}),
        BLOCKING,
        "clustered",
        "VM-01 belongs to a failover cluster",
        "let Ferry's account see the cluster (`Grant-ClusterAccess`), or use Failover Cluster Manager for this one",
    ),
    "no role": (
        Given(role=False),
        BLOCKING,
        "role",
        "HVC1 shows no role of VM-01",
        "look at it in Failover Cluster Manager",
    ),
    "queued": (
        Given(group={"status": 4}),
        BLOCKING,
        "role",
        "VM-01 waits in the cluster's queue to move",
        "`cluster HVC1` shows it; ask again when that has ended",
    ),
    "pending": (
        Given(group={"state": GroupState.PENDING}),
        BLOCKING,
        "role",
        "VM-01 is changing its state in the cluster",
        "`cluster HVC1` shows it; ask again when that has ended",
    ),
    "failed": (
        Given(group={"state": GroupState.FAILED}),
        BLOCKING,
        "role",
        "the role of VM-01 is failed",
        "mend it in Failover Cluster Manager first",
    ),
    "node": (Given(), FINE, "node", "host02 is up in HVC1", ""),
    "another cluster's host": (
        Given(cluster={"nodes": (NODES[0], NODES[2])}),
        BLOCKING,
        "node",
        "host02 is no node of HVC1",
        "`migrate VM-01 to host03`",
    ),
    "node paused": (
        Given(cluster={"nodes": PAUSED}),
        BLOCKING,
        "node",
        "host02 is paused in HVC1",
        "`migrate VM-01 to host03`",
    ),
    "no other node": (
        Given(cluster={"nodes": ALONE}),
        BLOCKING,
        "node",
        "host02 is down in HVC1",
        "`cluster HVC1` shows its nodes",
    ),
    "not a possible owner": (
        Given(owners=("HOST01", "HOST03")),
        BLOCKING,
        "possible_owner",
        "host02 is not a possible owner of VM-01; host01 and host03 are",
        "`migrate VM-01 to host03`",
    ),
    "possible owners not told": (
        Given(owners=None),
        WARNING,
        "possible_owner",
        "HVC1 does not tell which nodes may own VM-01",
        "",
    ),
    "apart": (
        Given(cluster={"groups": (ROLE, RIVAL)}),
        WARNING,
        "apart",
        "HVC1 keeps VM-01 apart from VM-02, on host02",
        "",
    ),
    "apart, enforced": (
        Given(cluster={"groups": (ROLE, RIVAL), "enforces_apart": True}),
        BLOCKING,
        "apart",
        "HVC1 keeps VM-01 apart from VM-02, on host02",
        "`migrate VM-01 to host03`",
    ),
    "not a preferred owner": (
        Given(preferred=("HOST01", "HOST03")),
        WARNING,
        "preferred_owner",
        "host02 is not a preferred owner of VM-01; host01 and host03 are, where HVC1 may bring it back",
        "",
    ),
    "rules not told": (
        Given(cluster={"rules": None}),
        WARNING,
        "rules",
        "HVC1 does not tell its affinity rules (Get-ClusterAffinityRule)",
        "",
    ),
    "apart by a rule": (
        ruled(RuleType.DIFFERENT_NODE),
        BLOCKING,
        "apart",
        "HVC1 keeps VM-01 apart from VM-02, on host02 (the affinity rule web of HVC1)",
        "`migrate VM-01 to host03`",
    ),
    "apart by a soft rule": (
        ruled(RuleType.DIFFERENT_NODE, soft=True),
        WARNING,
        "apart",
        "HVC1 keeps VM-01 apart from VM-02, on host02 (the affinity rule web of HVC1)",
        "",
    ),
    "one node is one fault domain": (
        ruled(RuleType.DIFFERENT_FAULT_DOMAIN),
        BLOCKING,
        "apart",
        "HVC1 keeps VM-01 apart from VM-02, on host02 (the affinity rule web of HVC1)",
        "`migrate VM-01 to host03`",
    ),
    "another fault domain, perhaps": (
        ruled(RuleType.DIFFERENT_FAULT_DOMAIN, AWAY),
        WARNING,
        "apart",
        "the affinity rule web of HVC1 wants another fault domain than VM-02's; Ferry does not read which that is",
        "",
    ),
    "away from a friend": (
        ruled(RuleType.SAME_NODE, AWAY),
        WARNING,
        "apart",
        "the affinity rule web of HVC1 keeps VM-01 together with VM-02, not on host02",
        "",
    ),
    "away from a friend's fault domain, perhaps": (
        ruled(RuleType.SAME_FAULT_DOMAIN, AWAY),
        WARNING,
        "apart",
        "the affinity rule web of HVC1 wants the fault domain of VM-02; Ferry does not read which that is",
        "",
    ),
    "quickly": (
        Given(quick=True),
        WARNING,
        "interruption",
        "VM-01 stands still while 8.0 GB of memory are saved and restored",
        "",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_was_seen_is_said_with_its_code_level_and_hint(name: str) -> None:
    given, level, code, text, hint = CASES[name]
    found = [(finding.level, finding.text, finding.hint) for finding in given.check() if finding.code == code]
    assert found == [(level, text, hint)]


@pytest.mark.parametrize("name", CASES)
def test_a_blocking_finding_says_what_is_needed(name: str) -> None:
    for finding in CASES[name][0].check():
        assert (finding.level is BLOCKING) == bool(finding.needed)


def test_the_table_covers_every_code_that_the_package_lists() -> None:
    (listed,) = re.findall(r"^    cluster +(.*)$", preflight.__doc__ or "", re.MULTILINE)
    assert {code for _, _, code, *_ in CASES.values()} == {*listed.split(), "clustered"}


@pytest.mark.parametrize(
    "given",
    [
        ruled(RuleType.DIFFERENT_NODE, enabled=False),
        ruled(RuleType.DIFFERENT_NODE, groups=("VM-02", "VM-03")),
        ruled(RuleType.DIFFERENT_NODE, AWAY),
        ruled(RuleType.SAME_NODE),
        ruled(RuleType.SAME_FAULT_DOMAIN),
        ruled(RuleType.SAME_NODE, AWAY, type=9),
    ],
)
def test_a_rule_that_is_kept_or_not_in_force_says_nothing(given: Given) -> None:
    assert "apart" not in {one.code for one in given.check()}


def test_what_only_concerns_hosts_outside_a_cluster_is_not_asked() -> None:
    """Nodes trust each other, and a cluster does not ask whether they have migration enabled."""
    given = Given(source={"migration_enabled": False, "authentication": 0}, destination={"migration_enabled": False})
    assert [finding.code for finding in given.check()] == ["node", "switch", "memory", "storage", "version"]


@pytest.mark.parametrize(
    "vm",
    [
        {"disks": (Disk(path=rf"{VOLUME}\quorum.vhdx", shared=True),)},
        {"dvd_paths": (rf"{VOLUME}\ISO\setup.iso",)},
        {"path": rf"{SHARE}\VM-01"},
    ],
)
def test_what_every_node_reaches_moves_along(vm: dict[str, Any]) -> None:
    assert not [finding for finding in Given(vm=vm).check() if finding.level is not FINE]


def test_a_disk_of_the_hosts_own_goes_to_the_clusters_storage_first() -> None:
    (found,) = [one for one in Given(vm={"path": r"D:\VMs\VM-01"}).check() if one.level is BLOCKING]
    assert (found.code, found.hint) == (
        "storage",
        rf"to bring them there first, type `move storage VM-01 to {VOLUME}\VM-01`",
    )


def test_no_rival_where_no_class_is_shared_and_none_elsewhere() -> None:
    for rival in (RIVAL.model_copy(update={"owner": "HOST03"}), RIVAL.model_copy(update={"apart": ("sql",)})):
        assert "apart" not in {one.code for one in Given(cluster={"groups": (ROLE, rival)}).check()}


@pytest.mark.parametrize("state", [VmState.OFF, VmState.SAVED])
def test_what_is_not_in_memory_is_not_interrupted(state: VmState) -> None:
    assert "interruption" not in {one.code for one in Given(quick=True, vm={"state": state}).check()}


@pytest.mark.parametrize(
    ("path", "cluster", "level", "code", "text"),
    [
        (
            r"D:\VMs",
            {},
            BLOCKING,
            "cluster_storage",
            r"D:\VMs lies on host01 itself, and VM-01 belongs to a failover cluster",
        ),
        (rf"{VOLUME}\New", {}, FINE, "room", rf"300 GB free on {VOLUME}, 42 GB needed"),
        (
            rf"{VOLUME}\New",
            {"volumes": (SharedVolume(path=VOLUME, size_bytes=GB, free_bytes=GB),)},
            BLOCKING,
            "room",
            rf"{VOLUME} has 1.0 GB free",
        ),
        (
            r"C:\ClusterStorage\Volume7\New",
            {},
            BLOCKING,
            "drive",
            r"host01's cluster has no shared volume C:\ClusterStorage\Volume7",
        ),
        (
            rf"{VOLUME}\New",
            {"volumes": ()},
            WARNING,
            "room",
            rf"free room on {VOLUME} is not known; 42 GB needed",
        ),
        (
            rf"{SHARE}\New",
            {},
            WARNING,
            "room",
            rf"free room on {SHARE} is not known, a share does not tell; 42 GB needed",
        ),
    ],
)
def test_its_storage_goes_to_cluster_storage_only(
    path: str, cluster: dict[str, Any], level: Level, code: str, text: str
) -> None:
    found = Given(kind=MoveKind.STORAGE, path=path, cluster=cluster).check()
    assert (level, text) in [(one.level, one.text) for one in found if one.code == code]
    assert {one.code for one in found if one.level is BLOCKING} <= {"cluster_storage", "room", "drive"}
