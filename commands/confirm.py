from bot.command import Arguments, Confirm, Context, OperationId, command


class ConfirmOperation(Arguments):
    operation: OperationId


@command("confirm <operation>", action="operation.confirm", examples=("confirm m-12",))
def confirm(ask: ConfirmOperation, _context: Context) -> Confirm:
    """Confirm what Ferry offered, as the card shows it.

    Ferry looks at the hosts once more; if something that matters has changed, it says what, and nothing is started.
    """
    return Confirm(operation=ask.operation)
