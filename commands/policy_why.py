from bot.command import Arguments, Context, Person, Reply, command


class PolicyWhy(Arguments):
    user: Person
    command: tuple[str, ...]


@command(
    "policy why <user> can <command>",
    action="policy.read",
    examples=("policy why <@U012ABCDEF> can migrate VM-01 to host02", "policy why U012ABCDEF can evacuate host01"),
)
def policy_why(ask: PolicyWhy, context: Context) -> Reply:
    """Tell whether a person may say a command here, by which rule, and who would have to approve it.

    Every rule is shown with what it lacks. The command is planned as if it had been said, so hosts are asked; nothing
    is offered. `ferry policy check`, where Ferry runs, looks for rules that cannot be meant.
    """
    return context.why(ask.user, ask.command)
