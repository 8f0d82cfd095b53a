"""`help`: every command, or one of them in full."""

from __future__ import annotations

from bot.command import Arguments, Code, Command, Context, Note, Refused, Reply, Strong, Text, command, marked


class Help(Arguments):
    command: tuple[str, ...] = ()


@command("help [<command>]", action="help", examples=("help", "help move storage"))
def help_command(ask: Help, context: Context) -> Reply:
    """Show what Ferry understands.

    Words in `< >` stand for a name or a path, parts in `[ ]` may be left out. Names and paths with blanks go in quotes,
    like `"D:\\My VMs"`. Upper and lower case are alike.
    """
    name = " ".join(ask.command).casefold()
    if not name:
        return _all(context)
    if name not in context.commands:
        raise Refused(f"`{name}` is not a command", hint="`help` lists the commands", private=True)
    return _one(context.commands[name])


def _all(context: Context) -> Reply:
    return Reply(
        title=(Strong(text="What Ferry understands"),),
        parts=(
            *(
                Text(lines=((Code(text=each.usage.lines[0]),), marked(each.summary)))
                for each in context.commands.values()
            ),
            Note(line=(Code(text="help <command>"), " tells more about one of them")),
        ),
        private=True,
    )


def _one(found: Command) -> Reply:
    paragraphs = [" ".join(part.split()) for part in found.help.split("\n\n")]
    return Reply(
        title=(Strong(text=found.name),),
        parts=(
            Text(lines=tuple((Code(text=line),) for line in found.usage.lines)),
            *(Text(lines=(marked(paragraph),)) for paragraph in paragraphs),
            Text(lines=(("For example:",), *((Code(text=example),) for example in found.examples))),
        ),
        private=True,
    )
