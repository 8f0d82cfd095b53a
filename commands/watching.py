from bot.command import Arguments, Code, Context, Reply, Strong, Text, command, say


class Watching(Arguments):
    pass


@command("watching", action="notice.watch", examples=("watching",))
def watching(_ask: Watching, context: Context) -> Reply:
    """List what you watch."""
    found = context.operations.watched_by(context.actor)
    if not found:
        return say("You watch nothing; ", Code(text="watch VM-01"), " or a host's name begins it", private=True)
    kinds = {"vm": "virtual machine", "host": "host"}
    lines = tuple(
        (Strong(text=one.name), f" · {kinds[one.kind]} {one.what if one.kind == 'vm' else ''}") for one in found
    )
    return Reply(title=("You are told of what happens to",), parts=(Text(lines=lines),), private=True)
