from bot.command import Arguments, Context, Decline, OperationId, Refused, command

_LONGEST_REASON = 300


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
    reason = " ".join(ask.reason)
    if len(reason) > _LONGEST_REASON:
        raise Refused(
            f"the reason has {len(reason)} characters",
            needed=f"a reason of at most {_LONGEST_REASON}",
            hint=f"`decline {ask.operation} because` and one sentence",
        )
    return Decline(operation=ask.operation, reason=reason)
