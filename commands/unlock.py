from bot.command import Arguments, Context, Lockable, Unlock, command


class UnlockOne(Arguments):
    what: Lockable


@command("unlock <what>", action="hold.unlock", examples=("unlock VM-01", "unlock D:\\VMs"))
def unlock(ask: UnlockOne, _context: Context) -> Unlock:
    """End a lock: what waited for it starts, as far as there is room.

    Whoever holds it does that, or an operator; the journal then says that it was taken over.
    """
    return Unlock(what=ask.what)
