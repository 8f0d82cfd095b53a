from bot.command import Arguments, Context, Refused, Unwatch, VmName, command


class UnwatchThing(Arguments):
    what: VmName


@command("unwatch <what>", action="notice.watch", examples=("unwatch VM-01", "unwatch host01"))
def unwatch(ask: UnwatchThing, context: Context) -> Unwatch:
    """Be told no longer what happens to a virtual machine or to a host."""
    said = ask.what.casefold()
    for one in context.operations.watched_by(context.actor):
        if said in (one.name.casefold(), one.what):
            return Unwatch(what=one.what, name=one.name)
    raise Refused(
        f"you do not watch {ask.what}",
        needed="what you watch, by its name or id",
        hint="`watching` lists it",
        private=True,
    )
