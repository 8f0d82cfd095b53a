from bot.command import Arguments, Context, Look, OperationId, command


class LookAgain(Arguments):
    operation: OperationId


@command("look <operation>", action="operation.look", examples=("look m-12",))
def look(ask: LookAgain, _context: Context) -> Look:
    """Ask both hosts of an operation what they show now.

    One that needs attention is concluded, if what they show tells how it ended. Nothing is changed on a host.
    """
    return Look(operation=ask.operation)
