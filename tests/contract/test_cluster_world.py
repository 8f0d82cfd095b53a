"""The simulated cluster refuses, queues and fails over as a failover cluster does; its cmdlets, over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from psrpcore.types import PSInvocationState

from bot.lab.scenario import cluster as scenario
from bot.lab.scenario.cluster import VOLUME
from bot.lab.world import (
    GIB,
    Authentication,
    Cluster,
    ClusterError,
    Event,
    Group,
    HyperVError,
    Layout,
    ManualClock,
    MoveRequest,
    NodeState,
    RoleMove,
    State,
    World,
)
from bot.lab.world.cluster import DrainStatus, GroupState, Migration, Node, Priority
from tests.contract.test_cmdlets import Answer, Call, Wire


class Lab:
    """The cluster scenario; time passes only when the test says so."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.world: World = scenario(self.clock)
        (self.cluster,) = self.world.clusters

    def group(self, name: str) -> Group:
        found = self.cluster.group_of(self.world.vm(name).id)
        assert found is not None
        return found

    def owner(self, name: str) -> str:
        (host,) = self.world.whereabouts(self.world.vm(name))
        return host.lower()

    def move(self, name: str, node: str, how: RoleMove = RoleMove.LIVE) -> Group:
        group = self.group(name)
        self.world.move_role(self.cluster, group, node, how)
        return group

    def until(self, there: Callable[[], bool]) -> None:
        for _ in range(600):
            with self.world.look():
                if there():
                    return
            self.clock.advance(0.5)
        raise AssertionError("it did not happen")

    def pause(self, name: str) -> None:
        node = self.cluster.node(name)
        assert node is not None
        node.paused = True

    def __call__(self, *pipeline: Call, host: str = "host01") -> Answer:
        return asyncio.run(Wire([pipeline]).run(self.world, host))


@pytest.fixture
def lab() -> Lab:
    return Lab()


def enforce(cluster: Cluster) -> None:
    cluster.enforces_apart = True


@pytest.mark.parametrize(
    ("name", "node", "how", "prepare", "code"),
    [
        ("SQL-01", "host03", RoleMove.LIVE, lambda lab: None, "0x80071398"),
        ("VM-01", "host04", RoleMove.LIVE, lambda lab: None, "0x800713B2"),
        ("VM-01", "host02", RoleMove.LIVE, lambda lab: lab.pause("host02"), "0x800713CE"),
        ("VM-01", "host02", RoleMove.LIVE, lambda lab: lab.world.kill_host("host02"), "0x800713BA"),
        ("PKI-01", "host02", RoleMove.LIVE, lambda lab: None, "0x8007139F"),
        ("DC-01", "host02", RoleMove.LIVE, lambda lab: enforce(lab.cluster), "0x8007174E"),
        ("VM-01", "host02", RoleMove.QUICK, lambda lab: lab.move("VM-01", "host03"), "0x80071714"),
    ],
)
def test_what_the_cluster_refuses(
    lab: Lab, name: str, node: str, how: RoleMove, prepare: Callable[[Lab], object], code: str
) -> None:
    prepare(lab)
    with pytest.raises(ClusterError) as caught:
        lab.move(name, node, how)
    assert str(caught.value).endswith(f"({code})")


def test_a_live_migration_needs_no_delegation_and_ends_with_the_role_at_its_node(lab: Lab) -> None:
    for host in lab.world.hosts:
        host.authentication, host.logons_delegate = Authentication.CREDSSP, False
    group = lab.move("VM-01", "host02")
    assert (group.state, group.migration) == (GroupState.PENDING, Migration.SETUP)
    lab.until(lambda: group.migration is Migration.DATA_TRANSFER)
    lab.until(lambda: not group.vm.moving)
    assert (lab.owner("VM-01"), group.state, group.migration) == ("host02", GroupState.ONLINE, Migration.NONE)
    assert lab.world.opens(lab.world.host("host02"), group.vm.disks[0].path)
    assert not lab.world.opens(lab.world.host("host04"), group.vm.disks[0].path)


@pytest.mark.parametrize(("changes", "kept"), [({}, True), ({"soft": True}, False), ({"enabled": False}, False)])
def test_a_rule_is_kept_unless_it_is_soft_or_off(lab: Lab, changes: dict[str, bool], kept: bool) -> None:
    assert lab.cluster.rules is not None
    for rule in lab.cluster.rules:
        vars(rule).update(changes)
    if kept:
        with pytest.raises(ClusterError, match="0x8007174E"):
            lab.move("WEB-03", "host02")
    else:
        lab.move("WEB-03", "host02")


def test_above_its_limit_it_queues_whatever_the_hosts_allow_and_by_priority(lab: Lab) -> None:
    """Each host allows two at once; the cluster one."""
    first, low, high = (lab.move(name, "host02") for name in ("VM-01", "TEST-01", "APP-01"))
    assert [group.status for group in (first, low, high)] == [0, 4, 4]
    lab.until(lambda: not first.vm.moving)
    assert (high.status, low.status) == (0, 4)
    lab.until(lambda: not low.waiting and not low.vm.moving)
    assert [lab.owner(name) for name in ("VM-01", "APP-01", "TEST-01")] == ["host02"] * 3
    assert lab.world.journal.most_at_once("host01") == 1


def test_a_queued_move_whose_node_was_paused_meanwhile_is_given_up(lab: Lab) -> None:
    first, second = lab.move("VM-01", "host02"), lab.move("APP-01", "host02")
    lab.pause("host02")
    lab.until(lambda: not first.vm.moving and not second.waiting)
    assert (lab.owner("APP-01"), second.migration) == ("host01", Migration.FAILURE)


def test_a_cancel_works_in_set_up_and_transfer_only(lab: Lab) -> None:
    group = lab.group("VM-01")
    with pytest.raises(ClusterError, match="0x8007139F"):
        lab.world.cancel_role_move(group)
    lab.move("VM-01", "host02")
    lab.clock.advance(3)
    lab.world.cancel_role_move(group)
    lab.until(lambda: not group.vm.moving)
    assert (lab.owner("VM-01"), group.migration, group.state) == ("host01", Migration.CANCELED, GroupState.ONLINE)


def test_a_quick_migration_interrupts_and_one_of_a_vm_that_is_off_does_not_start_it(lab: Lab) -> None:
    group = lab.move("VM-01", "host02", RoleMove.QUICK)
    lab.until(lambda: group.vm.state is State.SAVED)
    assert group.state is GroupState.PENDING
    with pytest.raises(ClusterError, match="0x8007139F"):
        lab.world.cancel_role_move(group)
    lab.until(lambda: not group.vm.moving)
    assert (lab.owner("VM-01"), group.vm.state) == ("host02", State.RUNNING)
    off = lab.move("PKI-01", "host02", RoleMove.QUICK)
    lab.until(lambda: not off.vm.moving)
    assert (lab.owner("PKI-01"), off.vm.state, off.state) == ("host02", State.OFF, GroupState.OFFLINE)


def test_a_node_that_dies_loses_its_roles_to_the_others_and_nothing_else(lab: Lab) -> None:
    moving = lab.move("VM-01", "host02")
    began = moving.vm.started_at
    lab.clock.advance(3)
    lab.world.kill_host("host01")
    assert [node.state for node in lab.cluster.nodes] == [NodeState.DOWN, NodeState.UP, NodeState.UP]
    owners = {name: lab.owner(name) for name in ("VM-01", "APP-01", "SQL-01", "DC-01", "PKI-01", "ALONE-01")}
    assert owners["SQL-01"] == "host02", "its only other possible owner"
    assert owners["DC-01"] == "host03", "DC-02 is on host02"
    assert owners["ALONE-01"] == "host01"
    assert "host01" not in {owner for name, owner in owners.items() if name != "ALONE-01"}
    assert began is not None
    assert moving.vm.started_at is not None
    assert moving.vm.started_at > began
    assert lab.world.vm("PKI-01").state is State.OFF
    assert lab.world.journal.of(moving.vm, Event.FAILED)


def test_storage_of_a_clustered_vm_goes_to_cluster_storage_only(lab: Lab) -> None:
    vm, host = lab.world.vm("VM-01"), lab.world.host("host01")
    with pytest.raises(HyperVError, match="not storage that the cluster"):
        lab.world.start_storage_move(host, vm.id, Layout.below("D:\\VMs", vm))
    before = lab.cluster.volumes[0].free_bytes
    job = lab.world.start_storage_move(host, vm.id, Layout.below("\\\\server01\\vmstore\\VM-01", vm))
    lab.until(lambda: not job.active)
    assert job.succeeded
    assert lab.cluster.volumes[0].free_bytes > before + 39 * GIB


def test_a_role_outlives_a_vm_that_somebody_took_out_of_the_cluster(lab: Lab) -> None:
    vm = lab.world.vm("PKI-01")
    lab.world.remove_vm(lab.world.host("host01"), vm.id)
    assert len(lab(("Get-ClusterGroup", {})).output) == 12


def test_a_host_outside_the_cluster_does_not_reach_its_volume(lab: Lab) -> None:
    vm, host = lab.world.vm("VM-01"), lab.world.host("host01")
    found = lab.world.incompatibilities(host, MoveRequest(vm.id, "host04"))
    assert {one.source for one in found} == {"disk", "vm"}


# The cmdlets


def read(item: Any, *names: str) -> list[Any]:
    """Properties as they arrive: an enum's number, a nested object's text."""
    values = [getattr(item, name) for name in names]
    return [getattr(value, "value", value) for value in values]


def test_the_cluster_its_nodes_and_groups(lab: Lab) -> None:
    lab.pause("host03")
    one = lab(("Get-Cluster", {})).only
    assert read(one, "Name", "MaximumParallelMigrations", "ClusterEnforcedAntiAffinity") == ["HVC1", 1, 0]
    nodes = lab(("Get-ClusterNode", {})).output
    assert [read(node, "Name", "State") for node in nodes] == [["HOST01", 0], ["HOST02", 0], ["HOST03", 2]]
    assert len(lab(("Get-ClusterGroup", {})).output) == 12
    group = lab(("Get-ClusterGroup", {"VMId": lab.world.vm("DC-01").id}), host="host03").only
    assert read(group, "Name", "State", "StatusInformation", "Priority", "GroupType") == ["DC-01", 0, 0, 2000, 111]
    assert (str(group.OwnerNode), list(group.AntiAffinityClassNames)) == ("HOST01", ["Domain controllers"])


def test_possible_owners_are_a_resources(lab: Lab) -> None:
    lists = lab(("Get-ClusterResource", {"VMId": lab.world.vm("SQL-01").id}), ("Get-ClusterOwnerNode", {})).output
    assert [[str(node) for node in one.OwnerNodes] for one in lists] == [["HOST01", "HOST02"]] * 2


def test_the_migration_is_a_private_parameter_of_the_vms_resource_alone(lab: Lab) -> None:
    lab.move("VM-01", "host02")
    lab.clock.advance(5)
    resources = ("Get-ClusterResource", {"VMId": lab.world.vm("VM-01").id})
    answer = lab(resources, ("Get-ClusterParameter", {"Name": "MigrationState"}))
    assert read(answer.only, "Name", "Value") == ["MigrationState", Migration.DATA_TRANSFER]
    assert "Unable to find parameter" in str(answer.error)


def test_room_of_a_shared_volume_has_to_be_expanded_where_it_is(lab: Lab) -> None:
    volumes = ("Get-ClusterSharedVolume", {})
    infos = ("Select-Object", {"ExpandProperty": "SharedVolumeInfo"})
    info = lab(volumes, infos).only
    assert info.FriendlyVolumeName == VOLUME
    assert not hasattr(info.Partition, "FreeSpace")
    partition = lab(volumes, infos, ("Select-Object", {"ExpandProperty": "Partition"})).only
    assert partition.FreeSpace == lab.cluster.volumes[0].free_bytes


def test_a_move_returns_at_once_and_a_refusal_is_an_error_record(lab: Lab) -> None:
    def order(name: str, **values: Any) -> Answer:
        return lab(("Move-ClusterVirtualMachineRole", {"VMId": lab.world.vm(name).id, **values}))

    live = {"MigrationType": "Live", "Wait": 0}
    group = order("VM-01", Node="host02", **live).only
    assert read(group, "Name", "State") == ["VM-01", GroupState.PENDING]
    refused = order("SQL-01", Node="host03", **live)
    assert refused.state is PSInvocationState.Completed
    assert "not a possible owner of the group (0x80071398)" in str(refused.error)
    assert order("VM-01", Cancel=True).only.Name == "VM-01"
    assert "(0x8007139F)" in str(order("APP-01", Cancel=True).error)
    assert "to a node that is named" in str(order("APP-01", MigrationType="Live", Wait=0).error)
    assert "-Wait 0" in str(order("APP-01", MigrationType="Live", Node="host02").error)


def test_a_host_of_no_cluster_has_no_such_module(lab: Lab) -> None:
    answer = lab(("Get-Cluster", {}), host="host04")
    assert answer.error.FullyQualifiedErrorId == "CommandNotFoundException"


# Whole nodes


def drained(lab: Lab, name: str = "host01") -> Node:
    """The node, once its drain has ended."""
    node = lab.cluster.node(name)
    assert node is not None
    lab.world.suspend_node(lab.cluster, node)
    lab.until(lambda: node.drain is not DrainStatus.IN_PROGRESS)
    return node


def test_a_drain_empties_a_node_by_priority_and_saves_what_is_below_the_threshold(lab: Lab) -> None:
    lab.group("APP-01").priority = Priority.HIGH
    node = lab.cluster.node("host01")
    assert node is not None
    lab.world.suspend_node(lab.cluster, node)
    assert (node.state, node.drain) == (NodeState.PAUSED, DrainStatus.IN_PROGRESS)
    with lab.world.look():
        jobs = {group.name: group.vm.job.role_move for group in lab.cluster.groups if group.vm.job}
        waiting = {group.name for group in lab.cluster.groups if group.waiting}
    assert jobs == {"APP-01": RoleMove.LIVE, "TEST-01": RoleMove.QUICK, "PKI-01": RoleMove.QUICK}
    assert waiting == {"VM-01", "SQL-01", "DC-01"}
    with pytest.raises(ClusterError, match="0x800713CE"):
        lab.move("WEB-01", "host01")
    with pytest.raises(ClusterError, match="0x800713CE"):
        lab.world.suspend_node(lab.cluster, node)
    lab.until(lambda: node.drain is not DrainStatus.IN_PROGRESS)
    assert (node.drain, lab.cluster.on(node), node.state) == (DrainStatus.COMPLETED, [], NodeState.PAUSED)
    assert (lab.owner("SQL-01"), lab.owner("DC-01"), lab.owner("ALONE-01")) == ("host02", "host03", "host01")
    assert lab.world.vm("TEST-01").state is State.RUNNING
    assert lab.world.vm("PKI-01").state is State.OFF


def lock(lab: Lab) -> None:
    lab.group("SQL-01").locked = True


def fail(lab: Lab) -> None:
    lab.world.fail_next(lab.world.vm("SQL-01"))


@pytest.mark.parametrize("prepare", [lambda lab: lab.pause("host02"), lock, fail])
def test_a_drain_that_cannot_move_something_has_failed_and_leaves_the_node_paused(
    lab: Lab, prepare: Callable[[Lab], object]
) -> None:
    prepare(lab)
    node = drained(lab)
    assert (node.drain, node.state) == (DrainStatus.FAILED, NodeState.PAUSED)
    assert [group.name for group in lab.cluster.on(node)] == ["SQL-01"]


def test_failback_brings_back_what_was_drained_and_nothing_else(lab: Lab) -> None:
    node = drained(lab)
    lab.world.resume_node(lab.cluster, node, failback=True)
    assert (node.state, node.drain) == (NodeState.UP, DrainStatus.NOT_INITIATED)
    lab.until(lambda: not any(group.vm.moving or group.waiting for group in lab.cluster.groups))
    names = {group.name for group in lab.cluster.on(node)}
    assert names == {"VM-01", "APP-01", "SQL-01", "DC-01", "TEST-01", "PKI-01"}
    with pytest.raises(ClusterError, match="0x800713C2"):
        lab.world.resume_node(lab.cluster, node)


def test_resuming_ends_a_drain_and_what_was_moving_goes_on(lab: Lab) -> None:
    node = lab.cluster.node("host01")
    assert node is not None
    lab.world.suspend_node(lab.cluster, node)
    lab.clock.advance(4)
    lab.world.resume_node(lab.cluster, node)
    assert (node.state, node.drain) == (NodeState.UP, DrainStatus.NOT_INITIATED)
    lab.until(lambda: not any(group.vm.moving or group.waiting for group in lab.cluster.groups))
    assert lab.owner("VM-01") == "host03"
    assert {"APP-01", "SQL-01", "DC-01"} <= {group.name for group in lab.cluster.on(node)}


def test_a_node_that_dies_is_neither_drained_nor_resumed(lab: Lab) -> None:
    node = drained(lab)
    lab.world.kill_host("host01")
    for order in (lab.world.suspend_node, lab.world.resume_node):
        with pytest.raises(ClusterError, match="0x800713BA"):
            order(lab.cluster, node)
    assert node.drain is DrainStatus.NOT_INITIATED


def test_nodes_are_paused_and_resumed_from_any_node(lab: Lab) -> None:
    paused = lab(("Suspend-ClusterNode", {"Name": "host01", "Confirm": False}), host="host03").only
    assert read(paused, "Name", "State", "DrainStatus") == ["HOST01", 2, 0]
    draining = lab(("Suspend-ClusterNode", {"Name": "HOST01", "Drain": True, "Confirm": False})).only
    assert read(draining, "DrainStatus", "StatusInformation") == [1, 4]
    up = lab(("Resume-ClusterNode", {"Name": "host01", "Failback": "NoFailback"})).only
    assert read(up, "State", "DrainStatus") == [0, 0]
    assert "(0x800713C2)" in str(lab(("Resume-ClusterNode", {"Name": "host01"})).error)
    assert "was not found" in str(lab(("Resume-ClusterNode", {"Name": "host04"})).error)
    forced = lab(("Suspend-ClusterNode", {"Name": "host01", "Drain": True, "ForceDrain": True, "Confirm": False}))
    assert "without force" in str(forced.error)
    threshold = (("Get-ClusterResourceType", {"Name": "Virtual Machine"}), ("Get-ClusterParameter", {}))
    assert read(lab(*threshold).only, "Name", "Value") == ["MoveTypeThreshold", 2000]
