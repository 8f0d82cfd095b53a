from bot.command import Arguments, Cluster, ClusterName, Context, HostError, Mark, Reply, Text, command, failover
from bot.core import clusters


class ShowCluster(Arguments):
    name: ClusterName | None = None


@command("cluster [<name>]", action="host.read", examples=("cluster", "cluster HVC1"))
def cluster(ask: ShowCluster, context: Context) -> Reply:
    """Show failover clusters: nodes, drains, virtual machines per node, limits and shared volumes.

    Ferry knows a cluster by its nodes among the hosts of the settings. The cluster is asked now, through one of them.
    """
    estate = context.hosts.refreshed()
    hosts = estate.hosts
    nodes: dict[str, list[str]] = {}
    for host in hosts:
        if host.known and host.info is not None and host.info.cluster:
            nodes.setdefault(host.info.cluster, []).append(host.host)
    asked = clusters.name_of(context.hosts.memberships(), ask.name or "")
    said = asked.partition(".")[0].casefold()
    wanted = [name for name in nodes if said in ("", name.casefold())]
    if not wanted:
        raise clusters.refuse_unknown(ask.name or "", list(nodes), [host.host for host in hosts if not host.known])
    shown = clusters.render_clusters([_read(nodes[name], context) for name in wanted])
    owners = {node for name in wanted for node in nodes[name]}
    anew = [one for one in failover.find_failovers(estate, context.now) if one.vm.host in owners]
    lines = failover.render_failovers(anew, context.now)
    told = [Text(lines=lines, mark=Mark.WARNING)] if lines else []
    return Reply(title=shown.title, parts=(*shown.parts, *told))


def _read(nodes: list[str], context: Context) -> Cluster:
    """Through the first node that answers for it."""
    for node in nodes[:-1]:
        try:
            return context.hosts.read_cluster(node)[0]
        except HostError:
            continue
    return context.hosts.read_cluster(nodes[-1])[0]
