from bot.command import Arguments, Button, Code, Context, Refused, Reply, command
from bot.core.form import is_choosable, make_fields


class OpenForm(Arguments):
    command: tuple[str, ...] = ()


@command("form [<command>]", action="help", examples=("form", "form move storage"))
def form(ask: OpenForm, context: Context) -> Reply:
    """Offer the forms of commands, to choose instead of type.

    A button opens one, and so do the slash command alone and Ferry's shortcut. What is filled in becomes the command,
    is shown in the channel, and is judged like any other.
    """
    name = " ".join(ask.command).casefold()
    commands = [each for each in context.commands.values() if each.plans and context.permits(each.action)]
    names = [each.name for each in commands if name in ("", each.name) and is_choosable(make_fields(each.usage))]
    if not names:
        of = f" of `{name}`" if name else ""
        raise Refused(f"there is no form{of} for you", hint="`help` lists the commands", private=True)
    return Reply(
        title=("A form types a command; ", Code(text="help"), " tells what each of them does"),
        buttons=tuple(Button(label=f"{each.capitalize()} …", sends=f"form {each}") for each in names),
        private=True,
    )
