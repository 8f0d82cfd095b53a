from bot.command import Age, Arguments, Context, Reply, Topic, command, to_timedelta
from bot.core import history as record


class History(Arguments):
    what: Topic | None = None
    age: Age | None = None


@command(
    "history [<what>] [since <age>]",
    action="history.read",
    examples=(
        "history",
        "history VM-01",
        "history host02 since 2h",
        "history m-12",
        "history since 3d",
        'history "Web Shop" since 90min',
    ),
)
def history(ask: History, context: Context) -> Reply:
    """Show who did what, when, and what came of it.

    Of a virtual machine, a host, a person, one operation, or everything; an age is written like `90min`, `2h` or `3d`.
    Where nothing has that very name, entries that hold its words are shown.
    """
    since = context.now - to_timedelta(ask.age) if ask.age else None
    found = context.history.search(ask.what or "", since, record.MOST_DEEDS)
    return record.render_history(found, ask.what or "", ask.age or "")
