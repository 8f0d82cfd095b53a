from bot.command import Arguments, Context, Reply, command, holding


class ListLocks(Arguments):
    pass


@command("locks", action="hold.read", examples=("locks",))
def locks(_ask: ListLocks, context: Context) -> Reply:
    """Show whether Ferry is frozen, and what is locked: by whom, why, since when and until when."""
    return holding.render_holds(context.operations.holds())
