from bot.command import Arguments, Context, HostName, MaintenancePlan, OperationId, Resume, command
from bot.core import maintenance


class ResumeAny(Arguments):
    operation: OperationId | None = None
    host: HostName | None = None
    with_failback: bool = False
    without_failback: bool = False


@command(
    "resume <operation>",
    "resume <host> [with failback]",
    "resume <host> [without failback]",
    action="operation.pause",
    examples=("resume m-12", "resume host01", "resume host01 with failback", "resume host01 without failback"),
)
def resume(ask: ResumeAny, context: Context) -> Resume | MaintenancePlan:
    """Let an evacuation that is paused go on, or a node of a failover cluster take part again.

    An evacuation pauses by itself when too many of its moves fail; resumed, it may see as many failures again.

    A node is paused by `drain`, or by somebody else. `with failback` has its cluster bring back at once what it has
    drained; otherwise everything stays where it is. Ferry shows what would come back and waits until someone confirms.
    """
    if ask.operation is not None or ask.host is None:
        return Resume(operation=ask.operation or "")
    roster = context.hosts.read_roster(ask.host)
    estate = context.hosts.refreshed()
    (host,) = context.evacuations.names([ask.host])
    text = resume.usage.write(ask.model_copy(update={"host": host, "without_failback": False}))
    last, changes = context.operations.last_maintenance(host), context.operations.open_host_changes()
    return maintenance.plan_resumption(text, host, roster, estate, last, changes, failback=ask.with_failback)
