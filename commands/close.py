from bot.command import Arguments, Close, Context, OperationId, Refused, command

_LONGEST_REASON = 300


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
    reason = " ".join(ask.reason)
    if len(reason) > _LONGEST_REASON:
        raise Refused(
            f"the reason has {len(reason)} characters",
            needed=f"a reason of at most {_LONGEST_REASON}",
            hint=f"`close {ask.operation} because` and one sentence",
        )
    return Close(operation=ask.operation, reason=reason)
