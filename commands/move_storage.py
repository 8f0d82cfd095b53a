from bot.command import Arguments, Context, Plan, StoragePath, VmName, command
from bot.core import planner


class MoveStorage(Arguments):
    vm: VmName
    path: StoragePath


@command(
    "move storage <vm> [to] <path>",
    action="vm.move_storage",
    examples=(
        r"move storage VM-01 \\server01\vmstore",
        r"move storage VM-01 to \\server01\vmstore",
        r"move storage VM-01 to D:\VMs",
        r'move storage "Web Shop" to "D:\Virtual Machines"',
    ),
)
def move_storage(ask: MoveStorage, context: Context) -> Plan:
    """Move a virtual machine's disks, configuration, checkpoints and smart paging to another path.

    The virtual machine keeps running, on the host it is on. Disks go to the folder `Virtual Hard Disks` below the path.
    A clustered one goes to cluster shared volumes and shares only.
    Ferry shows what it would do and waits until someone confirms.
    """
    host, vm, _ = context.hosts.locate(ask.vm)
    said = ask.vm if vm.name.casefold() != ask.vm.casefold() else vm.name
    text = move_storage.usage.write(ask.model_copy(update={"vm": said}))
    cluster = context.hosts.read_cluster(host.name)[0] if vm.clustered and host.cluster else None
    return planner.plan_storage(text, vm, host, context.limits, ask.path, cluster)
