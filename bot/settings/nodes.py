"""Which hosts there are: those with a table of their own, and the nodes that clusters of the settings tell of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.names import same_computer
from bot.settings.sections import HostSettings, Settings


def hosts_with(
    settings: Settings, nodes: Mapping[str, Sequence[str]], domains: Mapping[str, str]
) -> dict[str, HostSettings]:
    """
    A node is the host of a table if that has its name, or its address; then the table's settings hold. A table that
    names its cluster is a host for as long as the cluster tells of it, or has told nothing yet.

    Args:
        nodes: by cluster, what it calls its nodes; without those that have never answered.
        domains: by cluster, the one that it tells of.
    """
    hosts = {name: host for name, host in settings.hosts.items() if _is_host(name, host, nodes)}
    for cluster, names in nodes.items():
        for node in names:
            name = name_of_node(settings, node)
            if name not in settings.hosts:
                hosts[name] = settings.clusters[cluster].of_node(cluster, node, domains[cluster])
    return hosts


def name_of_node(settings: Settings, node: str) -> str:
    """Ferry's name of it."""
    return next((name for name, host in settings.hosts.items() if _means(node, name, host)), node.lower())


def _is_host(name: str, host: HostSettings, nodes: Mapping[str, Sequence[str]]) -> bool:
    told = nodes.get(host.cluster.lower())
    return told is None or any(_means(node, name, host) for node in told)


def _means(node: str, name: str, host: HostSettings) -> bool:
    return same_computer(node, name) or same_computer(node, host.address)
