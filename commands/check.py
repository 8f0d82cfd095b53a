from bot.command import Arguments, Context, HostName, Refused, Reply, command
from bot.core import readiness


class Check(Arguments):
    host: HostName | None = None
    destination: HostName | None = None


@command(
    "check all",
    "check <host> [to <destination>]",
    action="host.read",
    examples=("check all", "check host01", "check host01 to host02"),
)
def check(ask: Check, context: Context) -> Reply:
    """Show whether hosts are ready for migrations, and what to do where they are not.

    Every host concerned is asked now, for its settings, its networks, its clock and more; nothing is changed. With a
    destination the source also tries its ports, the commands for delegation in Active Directory are written out, and
    what earlier migrations between the two carried is held against their links.
    """
    reserve = context.limits.memory_reserve_bytes
    if ask.host is None:
        names = [seen.host for seen in context.hosts.estate().hosts]
        if not names:
            raise Refused("the settings name no host", needed="at least one under `[hosts]`")
        return readiness.answer_hosts(context.hosts.check(names), reserve)
    if ask.destination is None:
        return readiness.answer_hosts(context.hosts.check([ask.host]), reserve)
    both = context.hosts.check([ask.host, ask.destination])
    if len(both) == 1:
        raise Refused(
            f"{both[0].host} is both the source and the destination",
            needed="two hosts",
            hint=f"`check {both[0].host}` checks it by itself",
        )
    source, destination = both
    reached = context.hosts.reach(source.host, readiness.targets_between(source, destination))
    rate = context.operations.rate_between(source.host, destination.host)
    return readiness.answer_pair(source, destination, reached, context.limits, rate)
