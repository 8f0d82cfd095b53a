"""The cmdlets of the FailoverClusters module, on a node, for the cluster that it belongs to.

A host that is no node has mostly no such module (`machine`); where it has, no cluster service answers. What is nested
in an object, like a volume's partition, travels as text only, so it has to be expanded where it is. Names and types:
Microsoft Learn, the FailoverClusters module; the implementing classes' names, and so the second half of the errors'
identifiers, are assumed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from uuid import uuid5

from bot.lab.cmdlets.finding import is_pattern, matches
from bot.lab.engine import (
    Category,
    Cmdlet,
    In,
    Int64,
    Kind,
    Parameter,
    PsArray,
    PsEnum,
    PsError,
    PsObject,
    Records,
    Session,
    UInt32,
    Value,
)
from bot.lab.world import Cluster, ClusterError, Group, Node, RoleMove, SharedVolume
from bot.lab.world.cluster import DrainStatus

FC = "Microsoft.FailoverClusters.PowerShell."
_EXCEPTION = (FC + "ClusterCmdletException", "System.Exception")
_MIGRATION_TYPES = ("TurnOff", "Quick", "Shutdown", "ShutdownForce", "Live")
_ROLE_MOVES = {"Quick": RoleMove.QUICK, "Live": RoleMove.LIVE}
_VIRTUAL_MACHINE = 111  # GroupType

_NODE_STATUS = {  # clusapi.h: DrainInProgress 4, DrainCompleted 8, DrainFailed 0x10
    DrainStatus.NOT_INITIATED: ("Normal", 0),
    DrainStatus.IN_PROGRESS: ("DrainInProgress", 4),
    DrainStatus.COMPLETED: ("DrainCompleted", 8),
    DrainStatus.FAILED: ("DrainFailed", 16),
}

CLUSTER = Parameter("Cluster", Kind.STRING)
NAMES = Parameter("Name", Kind.STRINGS, (In(position=0),))
_INPUT = Parameter("InputObject", Kind.OBJECT, (In(pipeline=True),))
_VM_ID = Parameter("VMId", Kind.GUID)


def cluster_error(text: str, identifier: str, command: str, target: str = "") -> PsError:
    return PsError(text, f"{identifier},{FC}{command}", Category.NotSpecified, _EXCEPTION, target=target or None)


def cluster_of(session: Session, given_cluster: str | None) -> Cluster:
    cluster: Cluster | None = session.machine.world.cluster_of(session.machine.host)
    if cluster is None:
        raise PsError(
            "The cluster service is not running.  Make sure that the service is running on all nodes in the cluster.",
            f"ClusterEndpointNotRegistered,{session.cmdlet.type}",  # reported from the field
            Category.ConnectionError,
            _EXCEPTION,
        )
    if given_cluster and given_cluster.casefold() not in (".", cluster.name.casefold()):
        raise cluster_error(
            f"The simulated node answers for {cluster.name} only.", "NotSupported", session.cmdlet.name, given_cluster
        )
    return cluster


def _enum(name: str, text: str, number: int) -> PsEnum:
    return PsEnum(FC + name, text, number)


def _titled(name: str) -> str:
    return name.replace("_", " ").title().replace(" ", "")


def _texts(values: Iterable[str]) -> PsArray:
    return PsArray("System.String", tuple(values))


def _cluster(cluster: Cluster) -> PsObject:
    return PsObject(
        (FC + "Cluster",),
        {
            "Name": cluster.name,
            "Domain": cluster.domain,
            "Id": str(cluster.id),
            "ClusterFunctionalLevel": 11,
            "ClusterEnforcedAntiAffinity": UInt32(cluster.enforces_apart),
            "DrainOnShutdown": UInt32(1),
            "MaximumParallelMigrations": UInt32(cluster.maximum_parallel_migrations),
            "SetSMBBandwidthLimit": UInt32(1),
            "SMBBandwidthLimitFactor": UInt32(2500),
        },
        cluster.name,
        native=cluster,
    )


def node_object(node: Node) -> PsObject:
    return PsObject(
        (FC + "ClusterNode",),
        {
            "Name": node.name,
            "State": _enum("ClusterNodeState", _titled(node.state.name), node.state),
            "DrainStatus": _enum("ClusterNodeDrainStatus", _titled(node.drain.name), node.drain),
            "DrainTarget": -1,
            "StatusInformation": _enum("ClusterNodeStatusInformation", *_NODE_STATUS[node.drain]),
        },
        node.name,
        native=node,
    )


def _group(cluster: Cluster, group: Group) -> PsObject:
    return PsObject(
        (FC + "ClusterGroup",),
        {
            "Name": group.name,
            "Id": str(group.id),
            "Cluster": _cluster(cluster),
            "OwnerNode": node_object(cluster.owner(group)),
            "State": _enum("ClusterGroupState", _titled(group.state.name), group.state),
            "StatusInformation": Int64(group.status),
            "GroupType": _enum("GroupType", "VirtualMachine", _VIRTUAL_MACHINE),
            "Priority": UInt32(group.priority),
            "AntiAffinityClassNames": _texts(group.apart),
            "PersistentState": UInt32(group.vm.running),
            "AutoFailbackType": UInt32(0),
        },
        group.name,
        native=group,
    )


def _resource(cluster: Cluster, group: Group, kind: str) -> PsObject:
    name = f"{kind} {group.name}"
    return PsObject(
        (FC + "ClusterResource",),
        {
            "Name": name,
            "Id": str(uuid5(group.id, kind)),
            "ResourceType": kind,
            "OwnerGroup": _group(cluster, group),
            "OwnerNode": node_object(cluster.owner(group)),
            "State": _enum("ClusterResourceState", "Online" if group.vm.running else "Offline", 2 + group.vm.running),
        },
        name,
        native=(group, kind),
    )


def _volume(cluster: Cluster, volume: SharedVolume) -> PsObject:
    partition = PsObject(
        (FC + "ClusterDiskPartition",),
        {
            "Name": f"\\\\?\\Volume{{{uuid5(cluster.id, volume.name)}}}\\",
            "FileSystem": "CSVFS",
            "Size": Int64(volume.size_bytes),
            "FreeSpace": Int64(volume.free_bytes),
            "UsedSpace": Int64(volume.size_bytes - volume.free_bytes),
        },
    )
    info = PsObject(
        (FC + "ClusterSharedVolumeInfo",),
        {"FriendlyVolumeName": volume.name, "FaultState": "NoFaults", "Partition": partition},
    )
    return PsObject(
        (FC + "ClusterSharedVolume",),
        {
            "Name": f"Cluster Disk {cluster.volumes.index(volume) + 1}",
            "State": _enum("ClusterResourceState", "Online", 2),
            "OwnerNode": node_object(next(node for node in cluster.nodes if node.host.up)),
            "SharedVolumeInfo": PsArray(FC + "ClusterSharedVolumeInfo", (info,)),
        },
        native=volume,
    )


async def _get_cluster(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        with session.machine.world.look():
            item = _cluster(cluster_of(session, given["Name"]))
        yield item


def _lister(name: str, command: str, read: Callable[[Cluster], list[PsObject]], *extra: Parameter) -> Cmdlet:
    """A cmdlet that lists things of the cluster, all of them or those of a name or, with -VMId, of a VM."""

    async def run(session: Session, records: Records) -> AsyncIterator[object]:
        async for given in records:
            with session.machine.world.look():
                cluster = cluster_of(session, given["Cluster"])
                items = read(cluster)
                if given["VMId"] is not None:
                    group = cluster.group_of(given["VMId"])
                    items = [item for item in items if group is not None and _belongs(item, group)]
            if given["VMId"] is not None and not items:
                await session.error(
                    cluster_error(f"No virtual machine role has the id {given['VMId']}.", session.cmdlet.name, command)
                )
            for wanted in given["Name"] or ():
                if not is_pattern(wanted) and not any(matches(wanted, str(item.get("Name"))) for item in items):
                    text = f"The cluster object '{wanted}' was not found."
                    await session.error(cluster_error(text, session.cmdlet.name, command, wanted))
            for item in items:
                if not given["Name"] or any(matches(wanted, str(item.get("Name"))) for wanted in given["Name"]):
                    yield item

    return Cmdlet(name, FC + command, (NAMES, *extra, CLUSTER), run)


def _belongs(item: PsObject, group: Group) -> bool:
    return item.native is group or (isinstance(item.native, tuple) and item.native[0] is group)


GET_CLUSTER = Cmdlet(
    "Get-Cluster", FC + "GetClusterCommand", (Parameter("Name", Kind.STRING, (In(position=0),)),), _get_cluster
)
GET_CLUSTER_NODE = _lister("Get-ClusterNode", "GetNodeCommand", lambda cluster: list(map(node_object, cluster.nodes)))
GET_CLUSTER_GROUP = _lister(
    "Get-ClusterGroup",
    "GetGroupCommand",
    lambda cluster: [_group(cluster, group) for group in cluster.groups],
    _VM_ID,
)
GET_CLUSTER_RESOURCE = _lister(
    "Get-ClusterResource",
    "GetResourceCommand",
    lambda cluster: [
        _resource(cluster, group, kind)
        for group in cluster.groups
        for kind in ("Virtual Machine Configuration", "Virtual Machine")
    ],
    _VM_ID,
)
GET_CLUSTER_SHARED_VOLUME = _lister(
    "Get-ClusterSharedVolume",
    "GetSharedVolumeCommand",
    lambda cluster: [_volume(cluster, volume) for volume in cluster.volumes],
)


async def _get_owner_node(session: Session, records: Records) -> AsyncIterator[object]:
    """Of a resource: who may own it; of a group: who should."""
    async for given in records:
        with session.machine.world.look():
            cluster = cluster_of(session, given["Cluster"])
            native = given["InputObject"].native
            of_resource = isinstance(native, tuple)
            group: Group = native[0] if of_resource else native
            preferred = [node for name in group.preferred_owners if (node := cluster.node(name)) is not None]
            nodes = list(map(node_object, filter(group.admits, cluster.nodes) if of_resource else preferred))
            item = PsObject(
                (FC + "ClusterOwnerNodeList",),
                {"ClusterObject": given["InputObject"], "OwnerNodes": PsArray(FC + "ClusterNode", tuple(nodes))},
            )
        yield item


GET_CLUSTER_OWNER_NODE = Cmdlet(
    "Get-ClusterOwnerNode", FC + "GetClusterOwnerNodeCommand", (_INPUT, CLUSTER), _get_owner_node
)


async def _get_parameter(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        with session.machine.world.look():
            native = given["InputObject"].native
            values: dict[str, Value] = {}
            if isinstance(native, Cluster):  # of the resource type, which belongs to the cluster as a whole
                values = {"MoveTypeThreshold": UInt32(native.live_from)}
            else:
                group, kind = native
                values = {"VmID": str(group.vm.id)}
            if not isinstance(native, Cluster) and kind == "Virtual Machine":
                values |= {
                    "OfflineAction": UInt32(1),
                    "DefaultMoveType": UInt32(group.move_type),
                    "MigrationState": UInt32(group.migration),
                    "MigrationProgress": UInt32(group.progress),
                    "MigrationFailureReason": UInt32(group.failure),
                }
        wanted = given["Name"] or tuple(values)
        for name in wanted:
            known = next((one for one in values if one.casefold() == name.casefold()), None)
            if known is None:
                await session.error(
                    cluster_error(f"Unable to find parameter {name}.", session.cmdlet.name, "GetParameterCommand", name)
                )
                continue
            yield PsObject(
                (FC + "ClusterParameter",),
                {
                    "ClusterObject": given["InputObject"],
                    "Name": known,
                    "IsReadOnly": known.startswith("Migration"),
                    "ParameterType": _enum("ClusterParameterType", "UInt32", 3),
                    "Value": values[known],
                },
            )


GET_CLUSTER_PARAMETER = Cmdlet(
    "Get-ClusterParameter",
    FC + "GetParameterCommand",
    (Parameter("Name", Kind.STRINGS, (In(position=0),)), _INPUT, CLUSTER),
    _get_parameter,
)


async def _move_role(session: Session, records: Records) -> AsyncIterator[object]:
    """Non-terminating errors. Only -Wait 0 is simulated: it returns as soon as the move has begun or is queued."""
    command = "MoveClusterVirtualMachineRoleCommand"
    world = session.machine.world
    async for given in records:
        with world.look():
            cluster = cluster_of(session, given["Cluster"])
            group = cluster.group_of(given["VMId"])
        if group is None:
            text = f"No virtual machine role has the id {given['VMId']}."
            await session.error(cluster_error(text, session.cmdlet.name, command))
            continue
        how = _ROLE_MOVES.get(given["MigrationType"] or "Live")
        simulated = given["Cancel"] or (how is not None and given["Node"] and given["Wait"] == 0)
        if not simulated:
            raise cluster_error(
                "The simulated cluster moves live or quickly, to a node that is named, with -Wait 0.",
                "NotSupported",
                command,
            )
        try:
            if given["Cancel"]:
                world.cancel_role_move(group)
            else:
                world.move_role(cluster, group, given["Node"], how, session.user)
        except ClusterError as error:
            await session.error(cluster_error(str(error), session.cmdlet.name, command, group.name))
            continue
        with world.look():
            item = _group(cluster, group)
        yield item


MOVE_CLUSTER_VIRTUAL_MACHINE_ROLE = Cmdlet(
    "Move-ClusterVirtualMachineRole",
    FC + "MoveClusterVirtualMachineRoleCommand",
    (
        Parameter("VMId", Kind.GUID, (In(mandatory=True),)),  # the lab knows no way to name a role otherwise
        Parameter("Node", Kind.STRING, (In(position=1),)),
        Parameter("MigrationType", Kind.STRING, choices=_MIGRATION_TYPES),
        Parameter("Wait", Kind.INT),
        Parameter("Cancel", Kind.SWITCH),
        Parameter("IgnoreLocked", Kind.SWITCH),
        CLUSTER,
    ),
    _move_role,
)


async def _get_resource_type(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        with session.machine.world.look():
            cluster = cluster_of(session, given["Cluster"])
        for wanted in given["Name"] or ("Virtual Machine",):
            if not matches(wanted, "Virtual Machine"):  # the only type that the world knows
                text = f"The cluster resource type '{wanted}' was not found."
                await session.error(cluster_error(text, session.cmdlet.name, "GetResourceTypeCommand", wanted))
                continue
            name = "Virtual Machine"
            yield PsObject((FC + "ClusterResourceType",), {"Name": name, "DisplayName": name}, name, native=cluster)


GET_CLUSTER_RESOURCE_TYPE = Cmdlet(
    "Get-ClusterResourceType", FC + "GetResourceTypeCommand", (NAMES, CLUSTER), _get_resource_type
)


CMDLETS = (
    GET_CLUSTER,
    GET_CLUSTER_NODE,
    GET_CLUSTER_GROUP,
    GET_CLUSTER_RESOURCE,
    GET_CLUSTER_OWNER_NODE,
    GET_CLUSTER_PARAMETER,
    GET_CLUSTER_SHARED_VOLUME,
    GET_CLUSTER_RESOURCE_TYPE,
    MOVE_CLUSTER_VIRTUAL_MACHINE_ROLE,
)
