from bot.command import Arguments, Context, EvacuationPlan, HostNames, command


class ReturnHome(Arguments):
    hosts: HostNames


@command("return <hosts>", action="host.evacuate", examples=("return host01", "return host01, host02"))
def return_home(ask: ReturnHome, context: Context) -> EvacuationPlan:
    """Bring home what the last evacuation of a host took away.

    Those that still exist and still are where it put them, as many as fit; nobody else's machine has to leave for them.
    """
    names = context.evacuations.names(ask.hosts)
    return context.evacuations.bring_home(return_home.usage.write(ask.model_copy(update={"hosts": names})), names)
