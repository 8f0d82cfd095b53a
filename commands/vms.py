from bot.command import (
    Arguments,
    Context,
    HostName,
    Refused,
    Reply,
    Seen,
    Strong,
    Table,
    VmState,
    VmSummary,
    command,
    wording,
)


class Vms(Arguments):
    host: HostName


@command("vms <host>", action="host.read", examples=("vms host01", "vms host01.contoso.com"))
def vms(ask: Vms, context: Context) -> Reply:
    """List the virtual machines of a host, with state, memory and uptime.

    The host is asked now.
    """
    seen = context.hosts.read_vms(ask.host)
    if not seen.known:
        raise _silent(seen, context)
    title = (Strong(text=seen.host), f" has {wording.render_count(len(seen.vms), 'virtual machine')}")
    rows = tuple(_row(vm) for vm in sorted(seen.vms, key=lambda vm: vm.name.casefold()))
    return Reply(title=title, parts=(Table(columns=("VM", "State", "Memory", "Uptime"), rows=rows),) if rows else ())


def _row(vm: VmSummary) -> tuple[str, ...]:
    running = vm.state == VmState.RUNNING
    busy = wording.render_busy(vm.status)
    return (
        vm.name,
        wording.render_state(vm.state) + (f", {busy}" if busy else "") + (", clustered" if vm.clustered else ""),
        wording.render_bytes(vm.memory_bytes),
        wording.render_duration(vm.uptime_s) if running else "",
    )


def _silent(seen: Seen, context: Context) -> Refused:
    last = ""
    if seen.answered_at is not None:
        held = wording.render_list([vm.name for vm in seen.held], most=20) or "no VMs"
        last = f"; when it last answered, {wording.render_ago(seen.answered_at, context.now)}, it had {held}"
    return Refused(
        f"{seen.host} gives no answer: {seen.failure}; what it holds now is unknown{last}",
        needed=f"an answer from {seen.host}",
        hint=f"`vms {seen.host}` asks again; `hosts` shows the others",
    )
