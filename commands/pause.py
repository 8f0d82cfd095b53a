from bot.command import Arguments, Context, OperationId, Pause, command


class PauseOperation(Arguments):
    operation: OperationId


@command("pause <operation>", action="operation.pause", examples=("pause m-12",))
def pause(ask: PauseOperation, _context: Context) -> Pause:
    """Let an evacuation start nothing new; what runs goes on to its end.

    Whoever asked for it pauses it, or an operator. `resume` lets it go on.
    """
    return Pause(operation=ask.operation)
