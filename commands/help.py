"""`help`: every command by what it is for, or one of them in full."""

from __future__ import annotations

from collections.abc import Iterator

from bot.command import Arguments, Button, Code, Command, Context, Note, Refused, Reply, Strong, Text, command, marked


class Help(Arguments):
    command: tuple[str, ...] = ()


@command("help [<command>]", action="help", examples=("help", "help move storage"))
def help_command(ask: Help, context: Context) -> Reply:
    """Show what Ferry understands, of what you may do.

    Words in `< >` stand for a name or a path, parts in `[ ]` may be left out. Names and paths with blanks go in quotes,
    like `"D:\\My VMs"`. Upper and lower case are alike.
    """
    name = " ".join(ask.command).casefold()
    if not name:
        return _all(context)
    found = context.commands.get(name)
    if found is None or not context.permits(found.action):
        missing = f"`{name}` is not a command{' for you' if found else ''}"
        raise Refused(missing, hint="`help` lists the commands", private=True)
    return _one(found)


def _all(context: Context) -> Reply:
    groups: dict[str, list[Command]] = {"Move": [], "Operations": [], "Ask": []}
    for each in context.commands.values():
        if context.permits(each.action):
            groups[_group(each)].append(each)
    return Reply(
        title=(Strong(text="What Ferry understands"),),
        parts=(
            *(part for name, found in groups.items() for part in _render_group(name, found)),
            Note(line=(Code(text="help migrate"), " tells more about one of them, and how a change begins later")),
        ),
        buttons=(Button(label="Choose instead of type …", sends="form"),),
        private=True,
    )


def _group(each: Command) -> str:
    if not each.changes:
        return "Ask"
    return "Move" if each.action.startswith("vm.") else "Operations"


def _render_group(name: str, found: list[Command]) -> Iterator[Text]:
    if found:
        yield Text(lines=((Strong(text=name),),))
    for each in found:
        yield Text(lines=((Code(text=each.usage.lines[0]),), marked(each.summary)))


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
