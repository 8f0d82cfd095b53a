from bot.command import Arguments, Context, Decline, OperationId, command, read_reason


class DeclineOperation(Arguments):
    operation: OperationId
    reason: tuple[str, ...] = ()


@command(
    "decline <operation> [because <reason>]",
    action="operation.decline",
    examples=("decline m-12", "decline m-12 because the backup is still running"),
)
def decline(ask: DeclineOperation, _context: Context) -> Decline:
    """Say no to what was offered, or to what waits for approval.

    The reason is kept in the journal and shown on the card. Who asked for it takes it back with `cancel`.
    """
    reason = read_reason(ask.reason, f"decline {ask.operation} because")
    return Decline(operation=ask.operation, reason=reason)
