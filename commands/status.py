from bot.command import (
    Arguments,
    Context,
    Line,
    Mark,
    OperationId,
    Refused,
    Reply,
    Strong,
    Text,
    command,
    failover,
    wording,
)
from bot.core import shown

RECENT = 5


class Status(Arguments):
    operation: OperationId | None = None


@command("status [<operation>]", action="operation.read", examples=("status", "status m-12"))
def status(ask: Status, context: Context) -> Reply:
    """Show what is open and what ended last, or one operation in full."""
    if ask.operation is None:
        return _overview(context)
    operations, name = context.operations, ask.operation
    found = operations.find(name) or operations.find_evacuation(name) or operations.find_host_change(name)
    if found is None:
        raise Refused(
            f"there is no operation {ask.operation}",
            needed="the id that stands on an operation's card, like m-12",
            hint="`status` lists the open ones and those that ended last",
        )
    return shown.render_copy(found, context.now)


def _overview(context: Context) -> Reply:
    """An evacuation is one line; its moves are on its card."""
    now, operations = context.now, context.operations
    hosts = [shown.render_status_line(one, now) for one in operations.open_host_changes() if not one.parent]
    many = [shown.render_status_line(one, now) for one in operations.open_evacuations()]
    alone = [shown.render_status_line(one, now) for one in operations.open() if not one.parent]
    open_ones: tuple[Line, ...] = (*hosts, *many, *alone)
    ended = tuple(shown.render_status_line(one, now) for one in operations.recent(RECENT))
    parts = [Text(lines=open_ones)] if open_ones else []
    if ended:
        parts.append(Text(lines=(("Ended last:",), *ended)))
    anew = failover.find_failovers(context.hosts.estate(), now)
    parts += [Text(lines=(line,), mark=Mark.WARNING) for line in failover.render_failovers(anew, now)]
    count = wording.render_count(len(open_ones), "operation")
    return Reply(title=(Strong(text=f"{count} open" if open_ones else "No operation is open"),), parts=tuple(parts))
