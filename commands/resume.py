from bot.command import Arguments, Context, OperationId, Resume, command


class ResumeOperation(Arguments):
    operation: OperationId


@command("resume <operation>", action="operation.pause", examples=("resume m-12",))
def resume(ask: ResumeOperation, _context: Context) -> Resume:
    """Let an evacuation that is paused go on.

    An evacuation pauses by itself when too many of its moves fail; resumed, it may see as many failures again.
    """
    return Resume(operation=ask.operation)
