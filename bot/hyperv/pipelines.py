"""The pipelines that Ferry sends, made of declared cmdlets: questions to a host, and orders to it. No I/O.

Rules: what everything rests on comes first and what may be missed comes last, so that an optional cmdlet that a host
does not have cannot hide an answer. A VM is always named by its id, in the same pipeline that acts on it.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.names import VmId, netbios_name
from bot.core.plan import Move, MoveKind
from bot.core.preparation import Name
from bot.core.readiness.model import Target
from bot.hyperv.cmdlets import (
    CMDLETS,
    COMPARE_VM,
    DEVICE_GUARD,
    DISABLE_VM_MIGRATION,
    ENABLE_VM_MIGRATION,
    GET_CIM_INSTANCE,
    GET_CLUSTER,
    GET_CLUSTER_AFFINITY_RULE,
    GET_CLUSTER_GROUP,
    GET_CLUSTER_NODE,
    GET_CLUSTER_OWNER_NODE,
    GET_CLUSTER_PARAMETER,
    GET_CLUSTER_RESOURCE,
    GET_CLUSTER_RESOURCE_TYPE,
    GET_CLUSTER_SHARED_VOLUME,
    GET_COMMAND,
    GET_SERVICE,
    GET_VHD,
    GET_VM,
    GET_VM_DVD_DRIVE,
    GET_VM_HARD_DISK_DRIVE,
    GET_VM_HOST,
    GET_VM_MIGRATION_NETWORK,
    GET_VM_NETWORK_ADAPTER,
    GET_VM_PROCESSOR,
    GET_VM_SNAPSHOT,
    GET_VM_SWITCH,
    GET_VOLUME,
    INVOKE_CIM_METHOD,
    MOVE_CLUSTER_VIRTUAL_MACHINE_ROLE,
    MOVE_VM,
    MOVE_VM_STORAGE,
    REMOVE_VM,
    RESUME_CLUSTER_NODE,
    SELECT_OBJECT,
    SET_VM_HOST,
    SUSPEND_CLUSTER_NODE,
    TEST_NET_CONNECTION,
    VIRTUALIZATION,
    Plain,
    Statement,
)

TERMINATE = 4  # Msvm_MigrationJob.RequestStateChange: "stops the job cleanly" (Microsoft Learn)
_DETAILS = (
    GET_VM_HARD_DISK_DRIVE,
    GET_VM_NETWORK_ADAPTER,
    GET_VM_DVD_DRIVE,
    GET_VM_SNAPSHOT,
    GET_VM_PROCESSOR,  # every VM has one, so asked last it tells which are still there
)


_MIGRATION = ("MigrationState", "MigrationProgress", "MigrationFailureReason")


def _virtualization(class_name: str) -> Statement:
    return GET_CIM_INSTANCE(Namespace=VIRTUALIZATION, ClassName=class_name)


_HOST = (
    GET_VM_HOST(),
    GET_CIM_INSTANCE(ClassName="Win32_OperatingSystem"),
    GET_VM_SWITCH(),
    _virtualization("Msvm_VirtualSystemMigrationService"),
)
# A host that is no node of a cluster has no cluster, and mostly not even the module.
_OPTIONAL = (GET_VOLUME().tolerated(), GET_CLUSTER().tolerated())


def ask_host(vm: VmId | None = None) -> tuple[Statement, ...]:
    """The host's settings and room and, where an id is given, that VM."""
    return (
        *_HOST,
        *(_vm(vm) if vm else ()),
        *_OPTIONAL,
    )


def ask_surroundings() -> tuple[Statement, ...]:
    """What may be known of a host even if Hyper-V does not answer. Each of it may be missed."""
    return (
        GET_CIM_INSTANCE(ClassName="Win32_OperatingSystem").tolerated(),
        GET_CIM_INSTANCE(ClassName="Win32_ComputerSystem").tolerated(),
        GET_CIM_INSTANCE(ClassName="Win32_Processor").tolerated(),
        GET_CIM_INSTANCE(Namespace=DEVICE_GUARD, ClassName="Win32_DeviceGuard").tolerated(),
        GET_SERVICE(Name="vmms").tolerated(),
        GET_VM_MIGRATION_NETWORK().tolerated().reporting(),  # no network and no answer have to be told apart
    )


def ask_reach(target: Target) -> tuple[Statement, ...]:
    """Whether the host opens a TCP connection. An address that answers nothing is an answer too."""
    return (TEST_NET_CONNECTION(ComputerName=target.address, Port=str(target.port)).tolerated(),)


def ask_vms() -> tuple[Statement, ...]:
    """The host and a list of its VMs."""
    return (*_HOST, GET_VM(), *_OPTIONAL)


def ask_commands() -> tuple[Statement, ...]:
    """What the session shows of all that Ferry ever sends; nothing where it does not show Get-Command."""
    return tuple(GET_COMMAND(Name=cmdlet.name).tolerated() for cmdlet in CMDLETS)


def ask_all() -> tuple[Statement, ...]:
    """The host and all its VMs in full. A disk that cannot be opened leaves its own size unknown, and no other."""
    return (*_HOST, *_in_full(GET_VM(), GET_VM() | GET_VM_HARD_DISK_DRIVE() | GET_VHD()), *_OPTIONAL)


def ask_sighting(vm: VmId) -> tuple[Statement, ...]:
    """Jobs first and the VM last: a move that ends between the two then shows as still going on, and the next look says
    it right. The other way round, a VM could seem to be nowhere."""
    return (_virtualization("Msvm_MigrationJob"), _virtualization("Msvm_PlannedComputerSystem"), *_vm(vm))


def ask_role(vm: VmId) -> tuple[Statement, ...]:
    """A sighting, and what the cluster says of the VM's role, read last for the same reason."""
    resources = GET_CLUSTER_RESOURCE(VMId=vm)
    parameters = (resources | GET_CLUSTER_PARAMETER(Name=name) for name in _MIGRATION)
    return (*ask_sighting(vm), GET_CLUSTER_GROUP(VMId=vm).tolerated(), *(one.tolerated() for one in parameters))


def ask_cluster(vm: VmId | None = None) -> tuple[Statement, ...]:
    """The cluster that the host is a node of and, where an id is given, that VM's resources and who may own them.

    What is nested in an object arrives as text, so a volume's parts are expanded where they are.
    """
    infos = GET_CLUSTER_SHARED_VOLUME() | SELECT_OBJECT(ExpandProperty="SharedVolumeInfo")
    return (
        GET_CLUSTER(),
        GET_CLUSTER_NODE(),
        GET_CLUSTER_GROUP(),
        *(_owners(vm) if vm else ()),
        infos.tolerated(),
        (infos | SELECT_OBJECT(ExpandProperty="Partition")).tolerated(),
        ask_rules(),
    )


def ask_rules() -> Statement:
    """The last of a pipeline: an older Windows Server does not have it. No rule and no answer have to be told apart."""
    return GET_CLUSTER_AFFINITY_RULE().tolerated().reporting()


def _owners(vm: VmId) -> tuple[Statement, ...]:
    """Of a VM's resources, who may own them; of its group, who should."""
    resources, owners = GET_CLUSTER_RESOURCE(VMId=vm), GET_CLUSTER_OWNER_NODE()
    asked = (resources, resources | owners, GET_CLUSTER_GROUP(VMId=vm) | owners)
    return tuple(one.tolerated() for one in asked)


def ask_nodes() -> tuple[Statement, ...]:
    """The cluster and its nodes alone."""
    return (GET_CLUSTER(), GET_CLUSTER_NODE())


def ask_roster() -> tuple[Statement, ...]:
    """The cluster and all its roles: who may own them, what ties them, and how it moves them when it empties a node.

    A property that a resource does not have is an error for that one alone.
    """
    resources = GET_CLUSTER_RESOURCE()
    kind = GET_CLUSTER_RESOURCE_TYPE(Name="Virtual Machine")
    return (
        GET_CLUSTER(),
        GET_CLUSTER_NODE(),
        GET_CLUSTER_GROUP(),
        resources,
        (resources | GET_CLUSTER_OWNER_NODE()).tolerated(),
        *((resources | GET_CLUSTER_PARAMETER(Name=name)).tolerated() for name in ("VmID", "DefaultMoveType")),
        (kind | GET_CLUSTER_PARAMETER(Name="MoveTypeThreshold")).tolerated(),
        ask_rules(),
    )


def ask_computer(vm: VmId) -> tuple[Statement, ...]:
    """The VM alone, for the computer it lives on and its state."""
    return (GET_VM(Id=vm).reporting(),)


def _vm(vm: VmId) -> tuple[Statement, ...]:
    """The VM and all that belongs to it. A host that has no such VM says so once per statement, which is an answer."""
    return _in_full(GET_VM(Id=vm).reporting(), GET_VHD(VMId=vm))


def _in_full(vms: Statement, files: Statement) -> tuple[Statement, ...]:
    checkpoint_files = vms | GET_VM_SNAPSHOT() | GET_VM_HARD_DISK_DRIVE() | GET_VHD()
    return (vms, *(vms | detail() for detail in _DETAILS), files.tolerated(), checkpoint_files.tolerated())


def _destination(move: Move) -> dict[str, Plain]:
    """Giving a path implies -IncludeStorage; saying both is what the documentation shows (Microsoft Learn, Move-VM)."""
    values: dict[str, Plain] = {"DestinationHost": move.destination_fqdn}
    if move.kind is MoveKind.SHARED_NOTHING:
        values["IncludeStorage"] = True
        if move.storage_path is not None:
            values["DestinationStoragePath"] = move.storage_path
    return values


def order_move(move: Move) -> Statement:
    """In a cluster the order returns as soon as the move has begun or is queued; the others go on to the end."""
    if move.kind is MoveKind.CLUSTER:
        return MOVE_CLUSTER_VIRTUAL_MACHINE_ROLE(
            VMId=move.vm,
            Node=netbios_name(move.destination_fqdn),
            MigrationType="Quick" if move.quick else "Live",
            Wait=0,
        )
    if move.kind is not MoveKind.STORAGE:
        return GET_VM(Id=move.vm) | MOVE_VM(**_destination(move))
    if move.storage_path is None:
        raise ValueError("a storage migration needs a path")
    return GET_VM(Id=move.vm) | MOVE_VM_STORAGE(DestinationStoragePath=move.storage_path)


def _comparison(move: Move) -> Statement:
    return GET_VM(Id=move.vm) | COMPARE_VM(**_destination(move))


def order_comparison(move: Move) -> Statement:
    """The incompatibilities themselves: inside the report they would arrive as bare type names."""
    return _comparison(move) | SELECT_OBJECT(ExpandProperty="Incompatibilities")


def order_planned_vm(move: Move) -> Statement:
    """The planned VM of a comparison, as Compare-VM's report holds it. Makes one if there was none."""
    return _comparison(move) | SELECT_OBJECT(ExpandProperty="VM")


def order_removal(move: Move) -> Statement:
    """The same object, removed. Only ever sent after `order_planned_vm` showed what it is."""
    return order_planned_vm(move) | REMOVE_VM(Force=True)


def order_setting(name: Name, value: int) -> Statement:
    """One setting of the host itself.

    Raises:
        ValueError: Ferry does not give it that value.
    """
    if name is Name.MIGRATION:
        return ENABLE_VM_MIGRATION() if value else DISABLE_VM_MIGRATION()
    parameter, spelt = _SETTINGS[name]
    return SET_VM_HOST(**{parameter: spelt.get(value, str(value))})


_SETTINGS: Mapping[Name, tuple[str, Mapping[int, Plain]]] = {
    Name.AUTHENTICATION: ("VirtualMachineMigrationAuthenticationType", {0: "CredSSP", 1: "Kerberos"}),
    Name.ANY_NETWORK: ("UseAnyNetworkForMigration", {0: False, 1: True}),
    Name.PERFORMANCE: ("VirtualMachineMigrationPerformanceOption", {0: "TCPIP", 1: "Compression"}),
    Name.LIVE_LIMIT: ("MaximumVirtualMachineMigrations", {}),
    Name.STORAGE_LIMIT: ("MaximumStorageMigrations", {}),
}


def order_suspension(node: str, *, drain: bool) -> Statement:
    """Without -Wait it returns as soon as the drain has begun."""
    return SUSPEND_CLUSTER_NODE(Name=node, **({"Drain": True} if drain else {}))


def order_resumption(node: str, *, failback: bool) -> Statement:
    return RESUME_CLUSTER_NODE(Name=node, Failback="Immediate" if failback else "NoFailback")


def order_cancel(move: Move) -> Statement:
    """To the cluster, which cancels a live migration of its own."""
    return MOVE_CLUSTER_VIRTUAL_MACHINE_ROLE(VMId=move.vm, Cancel=True)


def order_stop(job: str) -> Statement:
    one = GET_CIM_INSTANCE(Namespace=VIRTUALIZATION, ClassName="Msvm_MigrationJob", Filter=job)
    return one | INVOKE_CIM_METHOD(MethodName="RequestStateChange", Arguments=TERMINATE)
