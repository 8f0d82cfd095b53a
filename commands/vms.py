from bot.command import (
    Arguments,
    Context,
    HostName,
    Interim,
    Refused,
    Reply,
    Seen,
    Strong,
    Table,
    VmState,
    VmSummary,
    command,
    freshness,
    wording,
)


class Vms(Arguments):
    host: HostName


@command("vms <host>", action="host.read", examples=("vms host01", "vms host01.contoso.com"))
def vms(ask: Vms, context: Context) -> Reply | Interim:
    """List the virtual machines of a host, with state, memory and uptime.

    What was last seen is shown at once, with its age, while the host is asked; then the answer is replaced.
    """
    last = context.hosts.last_seen(ask.host)
    if not last.known:
        return _answer(context.hosts.read_vms(ask.host), context)
    known = _answer(last, context)
    if freshness.is_fresh([last], context.now):
        return known
    return freshness.interim(known, [last.at], context.now, lambda: _answer(context.hosts.read_vms(ask.host), context))


def _answer(seen: Seen, context: Context) -> Reply:
    if not seen.known:
        raise _silent(seen, context)
    title = (Strong(text=seen.host), f" has {wording.render_count(len(seen.vms), 'virtual machine')}")
    rows = tuple(_row(vm) for vm in sorted(seen.vms, key=lambda vm: vm.name.casefold()))
    table = Table(columns=("VM", "State", "Memory", "Uptime"), rows=rows)
    return Reply(title=title, badge=freshness.render_seen([seen.at], context.now), parts=(table,) if rows else ())


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
