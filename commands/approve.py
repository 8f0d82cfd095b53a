from bot.command import Approve, Arguments, Context, OperationId, command


class ApproveOperation(Arguments):
    operation: OperationId


@command("approve <operation>", action="operation.approve", examples=("approve m-12",))
def approve(ask: ApproveOperation, _context: Context) -> Approve:
    """Approve what was confirmed and needs more people than that, as the card shows it.

    The settings say what needs approval, by how many, and whose counts. Ferry looks at the hosts once more; with the
    last approval that is needed the operation waits for its turn like any other. A person approves an operation once.
    """
    return Approve(operation=ask.operation)
