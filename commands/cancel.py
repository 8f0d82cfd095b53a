from bot.command import Arguments, Cancel, Context, OperationId, command


class CancelOperation(Arguments):
    operation: OperationId


@command("cancel <operation>", action="operation.cancel", examples=("cancel m-12",))
def cancel(ask: CancelOperation, _context: Context) -> Cancel:
    """Decline an offer, take an operation off the schedule or the queue, or stop a move that is running.

    A running move is stopped by its host, which may say that it is too late. The virtual machine keeps running either
    way. Anybody who may command Ferry declines an offer; what was confirmed is cancelled by whoever asked for it, or by
    an operator.
    """
    return Cancel(operation=ask.operation)
