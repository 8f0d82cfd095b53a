from bot.command import Arguments, Context, HostName, Interim, Refused, Reply, command, freshness
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
def check(ask: Check, context: Context) -> Reply | Interim:
    """Show whether hosts are ready for migrations, and what to do where they are not.

    Every host concerned is asked now, for its settings, its networks, its clock and more; nothing is changed. Of all
    hosts, what was seen before is shown at once, with its age, and then replaced. With a destination the source also
    tries its ports, the commands for delegation in Active Directory are written out, and what earlier migrations
    between the two carried is held against their links.
    """
    reserve = context.limits.memory_reserve_bytes
    if ask.host is None:
        return _check_all(context, reserve)
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


def _check_all(context: Context, reserve: int) -> Interim:
    last = context.hosts.last_checked()
    if not last:
        raise Refused("the settings name no host", needed="at least one under `[hosts]`")
    names = [checkup.host for checkup in last]
    moments = [checkup.began for checkup in last if checkup.asked]
    known = readiness.answer_hosts(last, reserve)
    return freshness.interim(
        known, moments, context.now, lambda: readiness.answer_hosts(context.hosts.check(names), reserve)
    )
