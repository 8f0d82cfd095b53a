from collections.abc import Sequence

from bot.command import Arguments, Context, Interim, Line, Mark, Reply, Seen, Strong, Table, Text, command, freshness
from bot.command import wording as words
from bot.core import membership


class Hosts(Arguments):
    pass


@command("hosts", action="host.read", examples=("hosts",))
def hosts(_ask: Hosts, context: Context) -> Reply | Interim:
    """Show every host: its virtual machines, free memory, and migrations under way.

    What was last seen is shown at once, with its age, while every host is asked; then the answer is replaced. A host
    that gives no answer is shown with what it said or did last. The nodes of a failover cluster that the settings name
    are hosts for as long as it tells of them.
    """
    seen = context.hosts.estate().hosts
    if freshness.is_fresh(seen, context.now):
        return _answer(seen, context)
    moments = freshness.moments_of(seen)
    return freshness.interim(
        _answer(seen, context), moments, context.now, lambda: _answer(context.hosts.refreshed().hosts, context)
    )


def _answer(seen: Sequence[Seen], context: Context) -> Reply:
    silent = [host for host in seen if not host.known]
    news = membership.render_memberships(context.hosts.memberships(), [host.host for host in seen], context.now)
    answering = "all answering" if not silent else f"{len(seen) - len(silent)} answering"
    title = f"{words.render_count(len(seen), 'host')}, {answering}" if seen else "The settings name no host"
    columns = ("Host", "State", "VMs", "Memory free", "Live migrations", "Storage migrations")
    return Reply(
        title=(Strong(text=title),),
        badge=freshness.render_seen(freshness.moments_of(seen), context.now) if seen else "",
        parts=(
            Table(columns=columns, rows=tuple(map(_row, seen))),
            *(Text(lines=(_silence(host, context),), mark=Mark.WARNING) for host in silent),
            *(Text(lines=(line,), mark=Mark.WARNING) for line in news),
        )
        if seen or news
        else (),
    )


def _row(seen: Seen) -> tuple[str, ...]:
    host = seen.info
    if not seen.known or host is None:
        return (seen.host, "no answer yet" if seen.failure == freshness.NOT_YET else "no answer", "?", "?", "?", "?")
    return (
        seen.host,
        "ready" if host.migration_enabled else "migration disabled",
        str(len(seen.vms)),
        words.render_share(host.memory_free_bytes, host.memory_bytes),
        f"{host.live_active} of {host.live_limit}",
        f"{host.storage_active} of {host.storage_limit}",
    )


def _silence(seen: Seen, context: Context) -> Line:
    if seen.failure == freshness.NOT_YET:
        return (f"{seen.host}: {seen.failure}. What it holds and does is unknown.",)
    last = "it has not answered yet"
    if seen.answered_at is not None:
        held = words.render_count(len(seen.held), "VM")
        last = f"it last answered {words.render_ago(seen.answered_at, context.now)}, with {held}"
    return (f"{seen.host} gives no answer: {seen.failure}; {last}. What it holds and does now is unknown.",)
