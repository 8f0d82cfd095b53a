from bot.command import Arguments, Context, Lock, Lockable, Until, command, read_reason, resolve_until
from bot.core.holds import naming


class LockOne(Arguments):
    what: Lockable
    reason: tuple[str, ...]
    time: Until | None = None


@command(
    "lock <what> [until <time>] because <reason>",
    action="hold.lock",
    examples=(
        "lock VM-01 because the database is being upgraded",
        "lock host02 until 18:00 because a disk is being replaced",
        "lock HVC1 because its storage is being updated",
        "lock D:\\VMs until 2h because the volume is being copied",
    ),
)
def lock(ask: LockOne, context: Context) -> Lock:
    """Keep a virtual machine, host, failover cluster or folder as it is: nothing that touches it starts.

    New plans are refused, with your name, the reason and how to free it; what waits goes on waiting, and what runs goes
    on to its end. An evacuation leaves a locked machine where it is. A cluster is locked with all its nodes. A folder
    is touched by whoever has files in it or puts some there. `unlock` frees it, or the time named: one of the day, or
    how long from now.
    """
    until = resolve_until(ask.time, context.now, context.zone) if ask.time else None
    reason = read_reason(ask.reason, f"lock {ask.what} because")
    held = naming.find_held(ask.what, context.hosts.estate())
    if held is None:
        held = naming.require_held(ask.what, context.hosts.refreshed(), context.now)
    return Lock(held=held, reason=reason, until=until)
