from bot.command import Arguments, Context, Line, Mark, Reply, Seen, Strong, Table, Text, command, wording
from bot.core import membership


class Hosts(Arguments):
    pass


@command("hosts", action="host.read", examples=("hosts",))
def hosts(_ask: Hosts, context: Context) -> Reply:
    """Show every host: its virtual machines, free memory, and migrations under way.

    Every host is asked now; one that gives no answer is shown with what it said or did last. The nodes of a failover
    cluster that the settings name are hosts for as long as it tells of them.
    """
    seen = context.hosts.refreshed().hosts
    silent = [host for host in seen if not host.known]
    news = membership.render_memberships(context.hosts.memberships(), [host.host for host in seen], context.now)
    answering = "all answering" if not silent else f"{len(seen) - len(silent)} answering"
    return Reply(
        title=(
            Strong(
                text=f"{wording.render_count(len(seen), 'host')}, {answering}" if seen else "The settings name no host"
            ),
        ),
        parts=(
            Table(
                columns=("Host", "State", "VMs", "Memory free", "Live migrations", "Storage migrations"),
                rows=tuple(_row(host) for host in seen),
            ),
            *(Text(lines=(_silence(host, context),), mark=Mark.WARNING) for host in silent),
            *(Text(lines=(line,), mark=Mark.WARNING) for line in news),
        )
        if seen or news
        else (),
    )


def _row(seen: Seen) -> tuple[str, ...]:
    host = seen.info
    if not seen.known or host is None:
        return (seen.host, "no answer", "?", "?", "?", "?")
    return (
        seen.host,
        "ready" if host.migration_enabled else "migration disabled",
        str(len(seen.vms)),
        wording.render_share(host.memory_free_bytes, host.memory_bytes),
        f"{host.live_active} of {host.live_limit}",
        f"{host.storage_active} of {host.storage_limit}",
    )


def _silence(seen: Seen, context: Context) -> Line:
    last = "it has not answered yet"
    if seen.answered_at is not None:
        held = wording.render_count(len(seen.held), "VM")
        last = f"it last answered {wording.render_ago(seen.answered_at, context.now)}, with {held}"
    return (f"{seen.host} gives no answer: {seen.failure}; {last}. What it holds and does now is unknown.",)
