from bot.command import Arguments, Context, OperationId, Refused, Reply, Strong, Text, command, wording
from bot.core import card

RECENT = 5


class Status(Arguments):
    operation: OperationId | None = None


@command("status [<operation>]", action="operation.read", examples=("status", "status m-12"))
def status(ask: Status, context: Context) -> Reply:
    """Show what is open and what ended last, or one operation in full."""
    if ask.operation is None:
        return _overview(context)
    operation = context.operations.find(ask.operation)
    if operation is None:
        raise Refused(
            f"there is no operation {ask.operation}",
            needed="the id that stands on an operation's card, like m-12",
            hint="`status` lists the open ones and those that ended last",
        )
    return card.render_card(operation, context.now)


def _overview(context: Context) -> Reply:
    now = context.now
    open_ones = tuple(card.render_status_line(operation, now) for operation in context.operations.open())
    ended = tuple(card.render_status_line(operation, now) for operation in context.operations.recent(RECENT))
    parts = [Text(lines=open_ones)] if open_ones else []
    if ended:
        parts.append(Text(lines=(("Ended last:",), *ended)))
    count = wording.render_count(len(open_ones), "operation")
    return Reply(title=(Strong(text=f"{count} open" if open_ones else "No operation is open"),), parts=tuple(parts))
