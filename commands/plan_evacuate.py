from bot.command import Arguments, Context, HostNames, Reply, VmNames, command
from bot.core.evacuation import offered


class PlanEvacuate(Arguments):
    hosts: HostNames
    destinations: HostNames = ()
    vms: VmNames = ()
    make_room: bool = False


@command(
    "plan evacuate <hosts> [to <destinations>] [except <vms>] [make room]",
    action="host.read",
    examples=(
        "plan evacuate host01",
        "plan evacuate host01 to host02, host03 except VM-07",
        "plan evacuate host01 make room",
    ),
)
def plan_evacuate(ask: PlanEvacuate, context: Context) -> Reply:
    """Show what an evacuation would do, and offer nothing.

    Every host is asked now, as `evacuate` does it.
    """
    names = context.evacuations.names(ask.hosts)
    said = ask.model_copy(update={"hosts": names, "destinations": context.evacuations.names(ask.destinations)})
    text = plan_evacuate.usage.write(said).removeprefix("plan ")
    plan = context.evacuations.evacuate(text, said.hosts, said.destinations, but=said.vms, make_room=said.make_room)
    return offered.render_preview(plan)
