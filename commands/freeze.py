from bot.command import Arguments, Context, Freeze, Until, command, read_reason, resolve_until


class FreezeAll(Arguments):
    reason: tuple[str, ...]
    time: Until | None = None


@command(
    "freeze [until <time>] because <reason>",
    action="hold.freeze",
    examples=("freeze because the storage is being looked at", "freeze until 18:00 because month-end closing runs"),
)
def freeze(ask: FreezeAll, context: Context) -> Freeze:
    """Let nothing new start, on any host; what runs goes on to its end. Operators only.

    Plans may still be asked for, confirmed and approved: they wait. Every open card says who froze Ferry and why. It
    ends by `unfreeze`, or at the time named: one of the day, in the settings' time zone, or how long from now, like 2h.
    """
    until = resolve_until(ask.time, context.now, context.zone) if ask.time else None
    return Freeze(reason=read_reason(ask.reason, "freeze because"), until=until)
