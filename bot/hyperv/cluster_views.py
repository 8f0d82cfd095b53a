"""Records of a failover cluster in the domain's words. No I/O.

Facts (Microsoft Learn, the FailoverClusters module): an object that is a property of another, like a group's owner
node, arrives as its text, which is its name. Get-ClusterOwnerNode gives the possible owners of a resource; a VM has two
resources, and a node has to be one for both.
"""

from __future__ import annotations

from bot.core.affinity import AffinityRule
from bot.core.estate import Cluster, ClusterGroup, ClusterNode, Role, RoleSight, SharedVolume, Sighting
from bot.core.membership import Told
from bot.core.names import VmId, check_host_name
from bot.core.roster import Roster
from bot.hyperv import readers
from bot.hyperv.answer import Answer, Record
from bot.hyperv.views import Unreadable, cluster_limit, number_of, only, sighting_of


def cluster_of(answer: Answer) -> Cluster:
    record = only(answer, "Cluster")
    return Cluster(
        name=readers.as_text(record["Name"]),
        nodes=tuple(_node(one) for one in answer.of("ClusterNode")),
        groups=tuple(_group(one) for one in answer.of("ClusterGroup") if _is_vms(one)),
        volumes=_volumes(answer),
        live_limit=cluster_limit(record),
        enforces_apart=bool(readers.as_number(record["ClusterEnforcedAntiAffinity"])),
        rules=_rules(answer),
    )


def told_of(answer: Answer) -> Told:
    """A cluster and its nodes. Raises Unreadable, also where it names none: it has one that answered."""
    record, nodes = only(answer, "Cluster"), answer.of("ClusterNode")
    try:
        names = tuple(sorted({check_host_name(readers.as_text(node["Name"])).upper() for node in nodes}))
    except ValueError as error:
        raise Unreadable("ClusterNode", "Name") from error
    if not names:
        raise Unreadable("ClusterNode", "Name")
    return Told(name=readers.as_text(record["Name"]), domain=readers.as_text(record["Domain"]), nodes=names)


def role_of(answer: Answer, cluster: Cluster) -> Role | None:
    """Of the VM that was asked for: its resources name their group."""
    resources = {readers.as_text(one["Name"]) for one in answer.of("ClusterResource")}
    lists = [
        (readers.as_text(one["ClusterObject"]), _names(one["OwnerNodes"])) for one in answer.of("ClusterOwnerNodeList")
    ]
    owners = [names for about, names in lists if about in resources]
    name = next((readers.as_text(one["OwnerGroup"]) for one in answer.of("ClusterResource")), "")
    group = next((group for group in cluster.groups if name and group.name == name), None)
    if group is None:
        return None
    preferred = next((names for about, names in lists if about == name and about not in resources), ())
    return Role(group=group, possible_owners=_common(owners), preferred_owners=preferred)


def _rules(answer: Answer) -> tuple[AffinityRule, ...] | None:
    """No rule and no answer look alike in the records; only without trouble is it none."""
    records = answer.of("MSCluster_AffinityRule")
    troubled = any(one.cmdlet == "getclusteraffinityrule" for one in answer.troubles)
    if not records and (troubled or not answer.completed):
        return None
    return tuple(
        AffinityRule(
            name=readers.as_text(one["Name"]),
            type=readers.as_number(one["RuleType"], readers.RULE_TYPES) or 0,
            enabled=bool(readers.as_number(one["Enabled"])),
            soft=bool(readers.as_number(one["SoftAntiAffinity"])),
            groups=_names(one["Groups"]),
        )
        for one in records
    )


def roster_of(answer: Answer) -> Roster:
    """Resources name their group; owners and parameters name their resource, or its type."""
    resources = {
        readers.as_text(one["Name"]): readers.as_text(one["OwnerGroup"]) for one in answer.of("ClusterResource")
    }
    owners: dict[str, list[tuple[str, ...]]] = {}
    for one in answer.of("ClusterOwnerNodeList"):
        group = resources.get(readers.as_text(one["ClusterObject"]), "")
        owners.setdefault(group, []).append(_names(one["OwnerNodes"]))
    told: dict[tuple[str, str], object] = {}
    for one in answer.of("ClusterParameter"):
        about = readers.as_text(one["ClusterObject"])
        told.setdefault((resources.get(about, about), readers.as_text(one["Name"])), one["Value"])
    cluster = cluster_of(answer)
    return Roster(
        cluster=cluster,
        roles=tuple(
            Role(
                group=group,
                possible_owners=_common(owners.get(group.name, [])),
                vm=readers.as_vm_id(told.get((group.name, "VmID"))),
                move_type=readers.as_number(told.get((group.name, "DefaultMoveType"))),
            )
            for group in cluster.groups
        ),
        live_from=readers.as_number(told.get(("Virtual Machine", "MoveTypeThreshold"))),
    )


def _common(owners: list[tuple[str, ...]]) -> tuple[str, ...] | None:
    """A node has to be a possible owner of all of a role's resources."""
    return tuple(name for name in owners[0] if all(name in others for others in owners[1:])) if owners else None


def role_sighting_of(answer: Answer, host: str, vm: VmId) -> Sighting:
    """What the host shows of one VM, and what its cluster says."""
    group = next(iter(answer.of("ClusterGroup")), None)
    values = {readers.as_text(one["Name"]): readers.as_number(one["Value"]) for one in answer.of("ClusterParameter")}
    role = group and RoleSight(
        owner=readers.as_text(group["OwnerNode"]),
        state=number_of(group, "State", readers.GROUP_STATES),
        status=readers.as_number(group["StatusInformation"]) or 0,
        migration=values.get("MigrationState") or 0,
        failure=values.get("MigrationFailureReason") or 0,
        percent=min(max(values.get("MigrationProgress") or 0, 0), 100),
    )
    return sighting_of(answer, host, vm).model_copy(update={"role": role})


def _node(record: Record) -> ClusterNode:
    return ClusterNode(
        name=readers.as_text(record["Name"]),
        state=number_of(record, "State", readers.NODE_STATES),
        drain=readers.as_number(record["DrainStatus"], readers.DRAIN_STATUSES) or 0,
    )


def _is_vms(record: Record) -> bool:
    return readers.as_number(record["GroupType"], readers.GROUP_TYPES) == readers.VIRTUAL_MACHINE_GROUP


def _group(record: Record) -> ClusterGroup:
    priority = readers.as_number(record["Priority"])
    return ClusterGroup(
        name=readers.as_text(record["Name"]),
        owner=readers.as_text(record["OwnerNode"]),
        state=number_of(record, "State", readers.GROUP_STATES),
        status=readers.as_number(record["StatusInformation"]) or 0,
        priority=2000 if priority is None else priority,
        apart=_names(record["AntiAffinityClassNames"]),
    )


def _names(value: object) -> tuple[str, ...]:
    return tuple(text for one in (value if isinstance(value, (list, tuple)) else ()) if (text := readers.as_text(one)))


def _volumes(answer: Answer) -> tuple[SharedVolume, ...]:
    """Volumes, and their partitions in the same order; if these are not as many, their room is not known."""
    infos = answer.of("ClusterSharedVolumeInfo")
    partitions = [one for one in answer.records if one["FreeSpace"] is not None]
    if len(partitions) != len(infos):
        partitions = [Record("", {})] * len(infos)
    return tuple(
        SharedVolume(
            path=readers.as_text(info["FriendlyVolumeName"]),
            size_bytes=readers.as_number(partition["Size"]),
            free_bytes=readers.as_number(partition["FreeSpace"]),
        )
        for info, partition in zip(infos, partitions, strict=True)
    )
