from bot.command import Arguments, Context, HostName, MaintenancePlan, command
from bot.core import maintenance


class Drain(Arguments):
    host: HostName


@command("drain <host>", action="host.maintain", examples=("drain host01",))
def drain(ask: Drain, context: Context) -> MaintenancePlan:
    """Pause a node of a failover cluster and have its cluster move everything away, for maintenance.

    Ferry shows what would move live, what its cluster would save and restore instead, and what cannot leave, and waits
    until someone confirms. The cluster chooses where everything goes. `cancel` stops a drain; what has moved by then
    stays where it is. The node stays paused until `resume <host>`.
    """
    roster = context.hosts.read_roster(ask.host)
    estate = context.hosts.refreshed()
    (host,) = context.evacuations.names([ask.host])
    text = drain.usage.write(Drain(host=host))
    operations = context.operations
    return maintenance.plan_drain(text, host, roster, estate, operations.open(), operations.open_host_changes())
