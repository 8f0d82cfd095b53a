from bot.command import (
    Arguments,
    Code,
    Context,
    Host,
    Line,
    Note,
    Reply,
    Strong,
    Text,
    Vm,
    VmName,
    VmState,
    command,
    failover,
    wording,
)
from bot.core import storage


class Where(Arguments):
    vm: VmName


@command("where <vm>", action="vm.read", examples=("where VM-01", 'where "Web Shop"'))
def where(ask: Where, context: Context) -> Reply:
    """Show which host a virtual machine is on, its state, and where its disks lie.

    The host is asked now. A virtual machine is found by its name or by its id.
    """
    host, vm, _ = context.hosts.locate(ask.vm)
    failovers = failover.find_failovers(context.hosts.estate(), context.now)
    anew = [failover.render_failover(one, context.now) for one in failovers if one.vm.id == vm.id]
    lines = (_state(host, vm), *anew, *_folders(vm), *_moves(vm, context))
    return Reply(
        title=(Strong(text=vm.name), " is on ", Strong(text=host.name)),
        parts=(Text(lines=lines), Note(line=("id ", Code(text=vm.id), f" · {host.name} answered just now"))),
    )


def _state(host: Host, vm: Vm) -> Line:
    said = [wording.render_state(vm.state)]
    if vm.state == VmState.RUNNING:
        said = [f"running for {wording.render_duration(vm.uptime_s)}"]
    if busy := wording.render_busy(vm.status):
        said.append(busy)
    if vm.clustered:
        said.append(f"in failover cluster {host.cluster}" if host.cluster else "in a failover cluster")
    return (" · ".join([*said, f"{wording.render_bytes(vm.memory_bytes)} memory"]),)


def _folders(vm: Vm) -> list[Line]:
    """Each folder with its disks, then the configuration's."""
    folders: dict[str, list[str]] = {}
    for disk in vm.disks:
        folder = storage.folder_of(disk.path) if "\\" in disk.path else ""
        folders.setdefault(folder, []).append(storage.disk_name(disk.path))
    lines: list[Line] = [
        (f"{wording.render_list(names)} in ", Code(text=folder)) if folder else (wording.render_list(names),)
        for folder, names in folders.items()
    ]
    return [*lines, ("configuration in ", Code(text=vm.path))] if vm.path else lines


def _moves(vm: Vm, context: Context) -> list[Line]:
    """What Ferry has to do with it, and a move that Ferry did not start."""
    lines: list[Line] = []
    for operation in context.operations.open():
        move = operation.plan.move
        if move.vm == vm.id:
            goal = move.storage_path if move.source == move.destination else move.destination
            lines.append((Code(text=operation.id), f" to {goal} is {operation.state}"))
    if vm.migrating and not lines:
        lines.append(("this move was not started by Ferry",))
    return lines
