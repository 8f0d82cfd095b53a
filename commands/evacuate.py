from bot.command import Arguments, Context, EvacuationPlan, HostNames, VmNames, command


class Evacuate(Arguments):
    hosts: HostNames
    destinations: HostNames = ()
    vms: VmNames = ()
    make_room: bool = False


@command(
    "evacuate <hosts> [to <destinations>] [except <vms>] [make room]",
    action="host.evacuate",
    examples=(
        "evacuate host01",
        "evacuate host01 to host02, host03",
        "evacuate host01 except VM-07, VM-09",
        "evacuate host01, host02 make room",
    ),
)
def evacuate(ask: Evacuate, context: Context) -> EvacuationPlan:
    """Move every virtual machine away from a host, or from several, without stopping one.

    Ferry finds a place for each, shows the whole plan and what cannot move and why, and waits until someone confirms.
    Hosts named together never receive each other's machines. `make room` also moves machines between the other hosts,
    as few as possible, where that is what it takes.
    """
    names = context.evacuations.names(ask.hosts)
    said = ask.model_copy(update={"hosts": names, "destinations": context.evacuations.names(ask.destinations)})
    return context.evacuations.evacuate(
        evacuate.usage.write(said), said.hosts, said.destinations, but=said.vms, make_room=said.make_room
    )
