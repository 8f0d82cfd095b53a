from bot.command import Anchor, Arguments, Context, command


class AnchorJournal(Arguments):
    pass


@command("anchor", action="journal.anchor", examples=("anchor",))
def anchor(_ask: AnchorJournal, _context: Context) -> Anchor:
    """Anchor the journal: say its newest entry, for `ferry verify` to compare.

    Whoever could cut entries off the journal's end cannot change what stands here. The audit channel, if the settings
    name one, gets every anchor too, and one a day by itself.
    """
    return Anchor()
