"""How clusters are shown."""

from __future__ import annotations

from bot.core.affinity import AffinityRule
from bot.core.clusters import name_of, refuse_unknown, render_clusters
from bot.core.estate import Cluster, ClusterGroup, ClusterNode, DrainStatus, GroupState, NodeState, SharedVolume
from bot.core.membership import Membership
from bot.core.reply import Note, Table, Text
from tests.asking import plain

GB = 1 << 30


def make_group(name: str, owner: str = "HOST01", **values: object) -> ClusterGroup:
    return ClusterGroup.model_validate({"name": name, "owner": owner, **values})


HVC1 = Cluster(
    name="HVC1",
    nodes=(
        ClusterNode(name="HOST01"),
        ClusterNode(name="HOST02", state=NodeState.PAUSED, drain=DrainStatus.COMPLETED),
        ClusterNode(name="HOST03", state=NodeState.DOWN),
    ),
    groups=(
        make_group("VM-01"),
        make_group("VM-02", status=4),
        make_group("VM-03", "host01", state=GroupState.OFFLINE),
        make_group("VM-04", "HOST03", state=GroupState.FAILED),
    ),
    volumes=(
        SharedVolume(path=r"C:\ClusterStorage\Volume1", size_bytes=800 * GB, free_bytes=200 * GB),
        SharedVolume(path=r"C:\ClusterStorage\Volume2"),
    ),
    live_limit=1,
)


def test_a_cluster_with_all_there_is_to_tell() -> None:
    reply = render_clusters([HVC1])
    assert plain(reply.title) == "Cluster HVC1: 3 nodes, 4 VMs"
    nodes, noted, volumes, limits = reply.parts
    assert isinstance(nodes, Table)
    assert nodes.rows == (("host01", "up", "3"), ("host02", "paused · drained", "0"), ("host03", "down", "1"))
    assert isinstance(noted, Text)
    assert [plain(line) for line in noted.lines] == [
        "VM-02 waits in the cluster's queue to move",
        "VM-04 on host03 is failed",
    ]
    assert isinstance(volumes, Table)
    assert volumes.rows == ((r"C:\ClusterStorage\Volume1", "200 of 800 GB"), (r"C:\ClusterStorage\Volume2", "?"))
    assert isinstance(limits, Note)
    assert plain(limits.line) == (
        "1 live migration at a time on each node, whatever it allows itself · anti-affinity is kept where possible"
    )


def test_many_roles_in_trouble_are_counted() -> None:
    groups = tuple(make_group(f"VM-{number:02}", state=GroupState.FAILED) for number in range(11))
    noted = render_clusters([HVC1.model_copy(update={"groups": groups})]).parts[1]
    assert isinstance(noted, Text)
    assert [len(noted.lines), plain(noted.lines[-1])] == [9, "and 3 more"]


def test_several_clusters_and_one_without_a_limit_of_its_own() -> None:
    other = Cluster(name="HVC2", enforces_apart=True)
    reply = render_clusters([HVC1, other])
    shown = [plain(part.lines[0]) for part in reply.parts if isinstance(part, Text)]
    assert plain(reply.title) == "2 clusters"
    assert "Cluster HVC2: no nodes, no VMs" in shown
    last = reply.parts[-1]
    assert isinstance(last, Note)
    assert plain(last.line) == "the nodes' own limits on live migrations are in force · anti-affinity is enforced"


def test_rules_of_affinity_are_listed_and_said_not_to_be_known() -> None:
    rules = (
        AffinityRule(name="web", type=2, groups=("A", "B")),
        AffinityRule(name="dc", type=4, soft=True, enabled=False, groups=("C", "D")),
        AffinityRule(name="new", type=9, groups=("E",)),
    )
    table = render_clusters([Cluster(name="HVC1", rules=rules)]).parts[-2]
    assert isinstance(table, Table)
    assert table.rows == (
        ("web", "on one node", "A and B"),
        ("dc", "on different nodes, if it can be · not enabled", "C and D"),
        ("new", "something unknown (type 9)", "E"),
    )
    unknown = render_clusters([Cluster(name="HVC1", rules=None)]).parts[-1]
    assert isinstance(unknown, Note)
    assert plain(unknown.line).endswith("· affinity rules are not known")


def test_a_cluster_by_the_settings_name_of_it() -> None:
    known = [Membership(cluster="prod", name="HVC1"), Membership(cluster="test")]
    assert [name_of(known, said) for said in ("Prod", "test", "HVC9")] == ["HVC1", "test", "HVC9"]


def test_a_cluster_nobody_knows_may_be_behind_a_host_that_is_silent() -> None:
    refused = refuse_unknown("HVC9", ["HVC1"], ["host03"])
    assert refused.message == (
        "no host that answers is a node of a cluster called HVC9; Ferry knows HVC1; host03 gives no answer"
    )
    assert refuse_unknown("", [], []).hint == "`hosts` shows which hosts answer"
