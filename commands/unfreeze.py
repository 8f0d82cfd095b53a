from bot.command import Arguments, Context, Unfreeze, command


class UnfreezeAll(Arguments):
    pass


@command("unfreeze", action="hold.unfreeze", examples=("unfreeze",))
def unfreeze(_ask: UnfreezeAll, _context: Context) -> Unfreeze:
    """End a freeze: what waited for it starts, as far as there is room. Operators only."""
    return Unfreeze()
