"""Reads and orders in a failover cluster: HyperVFleet over real sockets, the cluster scenario behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bot.core.affinity import AffinityRule, RuleType
from bot.core.estate import Cluster, DrainStatus, NodeState, Role, RoleSight
from bot.core.membership import Told
from bot.core.names import VmId
from bot.core.plan import Finding, Level, Move, MoveKind
from bot.errors import Fault, HostError, HostUnreachable
from bot.hyperv.cmdlets import CMDLETS, NODE_MODULE
from bot.hyperv.fleet import HyperVFleet
from bot.hyperv.probe import examine_cluster, examine_host
from bot.lab.running import RunningLab
from bot.lab.scenario import cluster as scenario
from bot.lab.scenario.cluster import VOLUME
from bot.lab.world import GIB, ManualClock, RoleMove, World
from bot.settings import HostSettings, Settings


class Lab:
    """The cluster scenario with an endpoint for each host; time passes only when the test says so."""

    def __init__(
        self, world: World, clock: ManualClock, fleet: HyperVFleet, settings: Mapping[str, HostSettings]
    ) -> None:
        self.settings = settings
        self.world = world
        self.clock = clock
        self.fleet = fleet
        (self.cluster,) = world.clusters

    def id(self, name: str) -> VmId:
        return VmId(str(self.world.vm(name).id))

    def start_move(self, name: str, node: str, how: RoleMove = RoleMove.LIVE) -> None:
        group = self.cluster.group_of(self.world.vm(name).id)
        assert group is not None
        self.world.move_role(self.cluster, group, node, how)

    def role(self, name: str, host: str = "host01") -> RoleSight | None:
        return self.fleet.look_at_role(host, self.id(name)).role


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    clock = ManualClock()
    world = scenario(clock)
    with RunningLab(world, tmp_path) as running:
        settings = Settings.model_validate(
            {
                "remote": running.remote_settings(),
                "hosts": running.host_settings(),
                "clusters": running.cluster_settings(),
            }
        )
        fleet = HyperVFleet(settings.hosts)
        yield Lab(world, clock, fleet, settings.hosts)
        fleet.close()


class TestReading:
    def test_a_node_tells_its_cluster_and_the_limit_that_is_in_force(self, lab: Lab) -> None:
        lab.cluster.maximum_parallel_migrations = 3
        seen = {name: lab.fleet.read_host(name)[0] for name in ("host01", "host04")}
        assert {name: (host.cluster, host.live_limit) for name, host in seen.items()} == {
            "host01": ("HVC1", 3),
            "host04": ("", 2),
        }
        assert {vm.name for vm in lab.fleet.read_vms("host01")[1] if not vm.clustered} == {"ALONE-01"}
        assert lab.fleet.read_all("host01")[0].cluster == "HVC1"

    def test_a_cluster_in_one_pipeline(self, lab: Lab) -> None:
        node = lab.cluster.node("host03")
        assert node is not None
        node.paused = True
        lab.world.kill_host("host02")
        cluster, role = lab.fleet.read_cluster("host01")
        assert role is None
        assert (cluster.name, cluster.live_limit, cluster.enforces_apart) == ("HVC1", 1, False)
        assert [(node.name, node.state) for node in cluster.nodes] == [
            ("HOST01", NodeState.UP),
            ("HOST02", NodeState.DOWN),
            ("HOST03", NodeState.PAUSED),
        ]
        volume = lab.cluster.volumes[0]
        assert [(one.path, one.size_bytes, one.free_bytes) for one in cluster.volumes] == [
            (VOLUME, 8192 * GIB, volume.free_bytes)
        ]
        groups = {group.name: group for group in cluster.groups}
        assert len(groups) == 12
        assert (groups["DC-01"].apart, groups["TEST-01"].priority) == (("Domain controllers",), 1000)
        assert groups["PKI-01"].state == 1

    def test_a_role_with_its_possible_owners(self, lab: Lab) -> None:
        def role(name: str) -> tuple[Cluster, Role | None]:
            return lab.fleet.read_cluster("host02", lab.id(name))

        sql, vm_01, alone = role("SQL-01")[1], role("VM-01")[1], role("ALONE-01")[1]
        assert sql is not None
        assert (sql.group.owner, sql.possible_owners) == ("HOST01", ("HOST01", "HOST02"))
        assert vm_01 is not None
        assert vm_01.possible_owners == ("HOST01", "HOST02", "HOST03")
        assert alone is None

    def test_rules_of_affinity_and_preferred_owners(self, lab: Lab) -> None:
        cluster, role = lab.fleet.read_cluster("host01", lab.id("SQL-01"))
        assert cluster.rules == (
            AffinityRule(name="web", type=RuleType.SAME_NODE, groups=("WEB-01", "WEB-02")),
            AffinityRule(name="mail", type=RuleType.DIFFERENT_NODE, groups=("MAIL-01", "WEB-03")),
        )
        assert role is not None
        assert (role.preferred_owners, role.possible_owners) == (("HOST01",), ("HOST01", "HOST02"))
        lab.cluster.rules = []
        assert lab.fleet.read_cluster("host01")[0].rules == ()

    def test_a_cluster_without_the_cmdlet_does_not_tell_its_rules_and_all_else(self, lab: Lab) -> None:
        lab.cluster.rules = None
        cluster, role = lab.fleet.read_cluster("host01", lab.id("SQL-01"))
        assert cluster.rules is None
        assert (len(cluster.groups), len(cluster.volumes)) == (12, 1)
        assert role is not None
        assert role.preferred_owners == ("HOST01",)
        (told,) = [one for one in examine_host("host01", lab.settings["host01"]) if one.code == "cmdlets"]
        assert (told.level, "but for Get-ClusterAffinityRule" in told.text) == (Level.FINE, True)

    @pytest.mark.parametrize(
        ("module", "code"), [(False, "CommandNotFoundException"), (True, "ClusterEndpointNotRegistered")]
    )
    def test_a_host_outside_has_no_cluster_with_the_module_or_without(self, lab: Lab, module: bool, code: str) -> None:
        lab.world.host("host04").failover_clusters = module
        assert lab.fleet.read_vms("host04")[0].cluster == ""
        with pytest.raises(HostError) as caught:
            lab.fleet.read_cluster("host04")
        assert caught.value.code == code
        assert caught.value.cause

    def test_a_host_that_others_know_of_is_asked_for_before_it_is_unknown(self, lab: Lab) -> None:
        fleet = HyperVFleet({})
        try:
            with pytest.raises(HostUnreachable, match="the settings name no such host"):
                fleet.read_vms("host01")
            fleet.on_stranger(lambda: fleet.admit(lab.settings))
            assert fleet.read_nodes("host01").name == "HVC1"
            assert fleet.hosts() == tuple(lab.settings)
        finally:
            fleet.close()

    def test_a_role_is_seen_from_every_node_while_it_moves(self, lab: Lab) -> None:
        lab.start_move("VM-01", "host02")
        lab.start_move("APP-01", "host02")
        lab.clock.advance(6)
        moving, queued = lab.role("VM-01", "host03"), lab.role("APP-01")
        assert moving is not None
        assert (moving.owner, moving.state, moving.migration, moving.queued) == ("HOST01", 4, 2, False)
        assert moving.percent > 5
        assert queued is not None
        assert (queued.owner, queued.state, queued.queued, queued.moving) == ("HOST01", 0, True, True)
        lab.clock.advance(120)
        assert lab.role("VM-01") == RoleSight(owner="HOST02", state=0)

    def test_a_vm_that_is_no_role_is_seen_all_the_same(self, lab: Lab) -> None:
        sighting = lab.fleet.look_at_role("host01", lab.id("ALONE-01"))
        assert sighting.vm is not None
        assert sighting.role is None
        assert lab.fleet.look_at_role("host04", lab.id("VM-01")).role is None


def make_move(lab: Lab, name: str, destination: str = "host02", *, quick: bool = False) -> Move:
    vm = lab.world.vm(name)
    return Move(
        kind=MoveKind.CLUSTER,
        vm=lab.id(name),
        vm_name=name,
        source="host01",
        destination=destination,
        destination_fqdn=f"{destination}.ferry.lab",
        state=int(vm.state),
        quick=quick,
    )


def order(lab: Lab, move: Move) -> None:
    lab.fleet.move(move, lambda percent: None)


def test_the_doctor_asks_for_the_clusters_cmdlets_on_its_nodes_alone(lab: Lab) -> None:
    told = {
        name: [finding.text for finding in examine_host(name, lab.settings[name]) if finding.code == "cmdlets"]
        for name in ("host01", "host04")
    }
    elsewhere = [cmdlet for cmdlet in CMDLETS if cmdlet.module != NODE_MODULE]
    assert told == {
        "host01": [f"all {len(CMDLETS)} cmdlets that Ferry uses are there"],
        "host04": [f"all {len(elsewhere)} cmdlets that Ferry uses are there"],
    }


class TestDoctor:
    """What it says of a cluster's access; the ways there are `tests/test_doctor.py`'s."""

    def examine(self, lab: Lab, name: str, **changes: object) -> Finding | None:
        settings = lab.settings[name].model_copy(update=changes)
        return next((one for one in examine_host(name, settings) if one.code == "cluster"), None)

    def test_a_node_answers_for_its_cluster(self, lab: Lab) -> None:
        found = self.examine(lab, "host01")
        assert found is not None
        assert (found.level, found.text) == (Level.FINE, "HVC1 answers, and tells of host01, host02 and host03")

    @pytest.mark.parametrize("module", [False, True])
    def test_a_host_outside_is_asked_nothing_unless_the_settings_say_it_is_a_node(self, lab: Lab, module: bool) -> None:
        lab.world.host("host04").failover_clusters = module
        assert self.examine(lab, "host04") is None
        found = self.examine(lab, "host04", cluster="hvc1")
        assert found is not None
        assert found.level is Level.BLOCKING
        assert "does not answer" in found.text if module else "does not show" in found.text
        assert "Grant-ClusterAccess" in found.hint

    def test_a_cluster_at_its_own_address(self, lab: Lab) -> None:
        told: list[Told] = []
        own = lab.settings["host01"]
        found = list(examine_cluster("hvc1", own, told.append))
        assert {one.level for one in found} == {Level.FINE}
        assert found[-1].text == "HVC1 answers, and tells of host01, host02 and host03"
        assert told == [Told(name="HVC1", domain="ferry.lab", nodes=("HOST01", "HOST02", "HOST03"))]
        dead = list(examine_cluster("hvc1", own.model_copy(update={"port": 1}), told.append))[-1]
        assert (dead.level, dead.code, len(told)) == (Level.BLOCKING, "port", 1)


class TestOrdering:
    def test_a_move_returns_when_it_has_begun_and_the_next_is_queued(self, lab: Lab) -> None:
        order(lab, make_move(lab, "VM-01"))
        order(lab, make_move(lab, "APP-01"))
        with lab.world.look():
            assert [lab.world.vm(name).moving for name in ("VM-01", "APP-01")] == [True, False]
        role = lab.role("APP-01")
        assert role is not None
        assert role.queued
        lab.clock.advance(300)
        assert [lab.world.whereabouts(lab.world.vm(name)) for name in ("VM-01", "APP-01")] == [("HOST02",)] * 2

    def test_one_that_is_off_goes_quickly(self, lab: Lab) -> None:
        order(lab, make_move(lab, "PKI-01", quick=True))
        lab.clock.advance(10)
        assert lab.world.whereabouts(lab.world.vm("PKI-01")) == ("HOST02",)

    @pytest.mark.parametrize(
        ("name", "destination", "code", "cause"),
        [
            ("SQL-01", "host03", "0X80071398", "not a possible owner"),
            ("VM-01", "host04", "0X800713B2", "no node of the cluster"),
            ("PKI-01", "host02", "0X8007139F", "not in a state for this"),
        ],
    )
    def test_what_the_cluster_refuses(self, lab: Lab, name: str, destination: str, code: str, cause: str) -> None:
        with pytest.raises(HostError) as caught:
            order(lab, make_move(lab, name, destination))
        assert (caught.value.host, caught.value.code, caught.value.fault) == ("host01", code, Fault.CONFIGURATION)
        assert cause in caught.value.cause

    def test_a_cancel_works_once_and_then_there_is_nothing_to_cancel(self, lab: Lab) -> None:
        move = make_move(lab, "VM-01")
        assert not lab.fleet.cancel(move)
        order(lab, move)
        lab.clock.advance(3)
        assert lab.fleet.cancel(move)
        lab.clock.advance(10)
        assert not lab.fleet.cancel(move)
        assert lab.world.whereabouts(lab.world.vm("VM-01")) == ("HOST01",)

    def test_nothing_is_compared_and_nothing_is_left_to_discard(self, lab: Lab) -> None:
        move = make_move(lab, "VM-01")
        assert lab.fleet.compare(move) == ()
        lab.fleet.discard(move)
        assert not any(host.planned for host in lab.world.hosts)


class TestNodes:
    def test_a_roster_tells_who_may_own_what_and_how_it_moves(self, lab: Lab) -> None:
        group = lab.cluster.group_of(lab.world.vm("VM-01").id)
        assert group is not None
        group.move_type = 1
        roster = lab.fleet.read_roster("host02")
        roles = {role.group.name: role for role in roster.roles}
        assert (roster.cluster.name, roster.live_from, len(roles)) == ("HVC1", 2000, 12)
        assert roles["SQL-01"].possible_owners == ("HOST01", "HOST02")
        assert roles["VM-01"].possible_owners == ("HOST01", "HOST02", "HOST03")
        assert [rule.name for rule in roster.cluster.rules or ()] == ["web", "mail"]
        assert (roles["VM-01"].vm, roles["VM-01"].move_type) == (lab.id("VM-01"), 1)
        assert roles["TEST-01"].move_type == 4294967295
        assert [role.group.name for role in roster.on("host01")][-1] == "TEST-01", "the lowest priority"

    def test_a_host_of_no_cluster_has_no_roster(self, lab: Lab) -> None:
        with pytest.raises(HostError):
            lab.fleet.read_roster("host04")

    def test_a_node_is_drained_and_resumed_through_another(self, lab: Lab) -> None:
        lab.fleet.suspend("host02", "HOST01", drain=True)
        cluster = lab.fleet.read_cluster("host02")[0]
        node = cluster.node("host01")
        assert node is not None
        assert (node.state, node.drain) == (NodeState.PAUSED, DrainStatus.IN_PROGRESS)
        with pytest.raises(HostError) as caught:
            lab.fleet.suspend("host01", "HOST01", drain=True)
        assert (caught.value.doing, caught.value.fault) == ("draining the node host01", Fault.CONFIGURATION)
        lab.fleet.resume("host01", "HOST01", failback=False)
        node = lab.fleet.read_cluster("host02")[0].node("host01")
        assert node is not None
        assert (node.state, node.drain) == (NodeState.UP, DrainStatus.NOT_INITIATED)

    def test_pausing_alone_moves_nothing(self, lab: Lab) -> None:
        lab.fleet.suspend("host01", "HOST01", drain=False)
        node = lab.fleet.read_cluster("host01")[0].node("host01")
        assert node is not None
        assert (node.state, node.drain) == (NodeState.PAUSED, DrainStatus.NOT_INITIATED)
