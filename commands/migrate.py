from bot.command import Arguments, Context, HostName, Plan, StoragePath, VmName, command
from bot.core import planner


class Migrate(Arguments):
    vm: VmName
    host: HostName
    with_storage: bool = False
    path: StoragePath | None = None


@command(
    "migrate <vm> to <host> [with storage [at <path>]]",
    action="vm.migrate",
    examples=(
        "migrate VM-01 to host02",
        "migrate VM-01 to host02 with storage",
        "migrate VM-01 to host02 with storage at D:\\VMs",
        'migrate "Web Shop" to host02',
    ),
)
def migrate(ask: Migrate, context: Context) -> Plan:
    """Move a virtual machine to another host without stopping it.

    Its disks stay where they are, on a share that both hosts reach. `with storage` takes them along, to the same paths
    on the other host or to the path named. Ferry shows what it would do and waits until someone confirms.
    """
    source, vm, destination = context.hosts.locate(ask.vm, ask.host)
    said = ask.vm if vm.name.casefold() != ask.vm.casefold() else vm.name
    text = migrate.usage.write(ask.model_copy(update={"vm": said, "host": destination.name}))
    if ask.with_storage:
        return planner.plan_shared_nothing(text, vm, source, destination, context.limits, ask.path)
    return planner.plan_live(text, vm, source, destination, context.limits)
