from bot.command import Arguments, Context, HostName, Plan, Refused, StoragePath, VmName, command, wording
from bot.core import planner


class Migrate(Arguments):
    vm: VmName
    host: HostName
    with_storage: bool = False
    path: StoragePath | None = None
    quickly: bool = False


@command(
    "migrate <vm> to <host> [with storage [at <path>]]",
    "migrate <vm> to <host> [quickly]",
    action="vm.migrate",
    examples=(
        "migrate VM-01 to host02",
        "migrate VM-01 to host02 with storage",
        "migrate VM-01 to host02 with storage at D:\\VMs",
        'migrate "Web Shop" to host02',
        "migrate VM-01 to host02 quickly",
    ),
)
def migrate(ask: Migrate, context: Context) -> Plan:
    """Move a virtual machine to another host without stopping it.

    Its disks stay where they are, on a share that both hosts reach. `with storage` takes them along, to the same paths
    on the other host or to the path named. Ferry shows what it would do and waits until someone confirms.

    A clustered one is moved by its failover cluster, to another node; its storage stays on the cluster's. `quickly`
    saves what is in memory and restores it there: the virtual machine stands still meanwhile (quick migration).
    """
    source, vm, destination = context.hosts.locate(ask.vm, ask.host)
    said = ask.vm if vm.name.casefold() != ask.vm.casefold() else vm.name
    text = migrate.usage.write(ask.model_copy(update={"vm": said, "host": destination.name}))
    if vm.clustered and source.cluster and not ask.with_storage:
        cluster, role = context.hosts.read_cluster(source.name, vm.id)
        return planner.plan_in_cluster(
            text, vm, source, destination, context.limits, cluster, role, quickly=ask.quickly
        )
    if ask.quickly:
        raise Refused(
            f"{vm.name} belongs to no failover cluster that {source.name} tells of",
            needed="a clustered virtual machine: quick migration is its cluster's",
            hint=f"`migrate {wording.render_word(said)} to {destination.name}` moves it live",
        )
    if ask.with_storage:
        return planner.plan_shared_nothing(text, vm, source, destination, context.limits, ask.path)
    return planner.plan_live(text, vm, source, destination, context.limits)
