from bot.command import Arguments, Context, Note, Reply, Strong, Text, command, wording
from bot.core import shown


class Scheduled(Arguments):
    pass


@command("scheduled", action="operation.read", examples=("scheduled",))
def scheduled(_ask: Scheduled, context: Context) -> Reply:
    """List what is agreed to and begins later, with its time and its people.

    `cancel` and the id takes one off the list.
    """
    operations = context.operations
    waiting = shown.list_scheduled(operations.open_host_changes(), operations.open_evacuations(), operations.open())
    if not waiting:
        return Reply(title=(Strong(text="Nothing is scheduled"),))
    return Reply(
        title=(Strong(text=f"{wording.render_count(len(waiting), 'operation')} scheduled"),),
        parts=tuple(
            part
            for one in waiting
            for part in (
                Text(lines=(shown.render_status_line(one, context.now),)),
                Note(line=shown.render_people(one)),
            )
        ),
    )
