from bot.command import Arguments, Context, EvacuationPlan, OperationId, command


class Retry(Arguments):
    operation: OperationId


@command("retry <operation>", action="host.evacuate", examples=("retry m-12",))
def retry(ask: Retry, context: Context) -> EvacuationPlan:
    """Plan what failed in an evacuation once more, against the hosts as they are now.

    It is a new offer with a card of its own, for the machines that have not moved and still are where they were.
    """
    return context.evacuations.retry(ask.operation)
