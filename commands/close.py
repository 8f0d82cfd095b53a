from bot.command import Arguments, Close, Context, OperationId, command, read_reason


class CloseOperation(Arguments):
    operation: OperationId
    reason: tuple[str, ...]


@command(
    "close <operation> because <reason>",
    action="operation.close",
    examples=("close m-12 because VM-01 was moved by hand",),
)
def close(ask: CloseOperation, _context: Context) -> Close:
    """Close an operation that needs attention and that no look can conclude. Operators only.

    The reason is kept in the journal and shown on the card. Nothing is changed on a host.
    """
    reason = read_reason(ask.reason, f"close {ask.operation} because")
    return Close(operation=ask.operation, reason=reason)
