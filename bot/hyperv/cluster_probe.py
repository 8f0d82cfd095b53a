"""Whether a cluster tells of its nodes, at its own address and on each of them: for `ferry doctor`. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bot.core.membership import Told
from bot.core.plan import Finding, Level
from bot.core.wording import render_list
from bot.errors import HostError
from bot.hyperv import cluster_views, pipelines
from bot.hyperv.cmdlets import GET_CLUSTER, GET_CLUSTER_NODE
from bot.hyperv.remote import RemoteHost
from bot.settings import HostSettings

_ACCESS = "a session that the cluster accepts, with Get-Cluster and Get-ClusterNode"
_HINT = (
    "On a node: `Grant-ClusterAccess` for Ferry's account; with JEA the session configuration for nodes, which"
    " `ferry jea` writes; Microsoft documents the cluster's cmdlets for remote use with CredSSP"
)


def examine_node(settings: HostSettings, remote: RemoteHost, shown: Collection[str]) -> Iterator[Finding]:
    """Nothing for a host that is no node, unless the settings say that it is one."""
    missing = [one.name for one in (GET_CLUSTER, GET_CLUSTER_NODE) if one.name.casefold() not in shown]
    if shown and missing:
        if settings.cluster:
            text = (
                f"{settings.configuration} does not show {render_list(missing)}, and it is a node of {settings.cluster}"
            )
            yield _blocking(text, "Install the module FailoverClusters there; with JEA: " + _HINT)
        return
    finding, told = examine_nodes(remote)
    if told is not None or settings.cluster:
        yield finding


def examine_nodes(remote: RemoteHost) -> tuple[Finding, Told | None]:
    try:
        told = remote.read("reading which nodes its cluster has", pipelines.ask_nodes(), cluster_views.told_of)
    except HostError as error:
        words = f" (it says: {error.words})" if error.words else ""
        return _blocking(f"the cluster does not answer there: {error.cause or error.message}{words}", _HINT), None
    nodes = render_list([node.lower() for node in told.nodes])
    return Finding(level=Level.FINE, code="cluster", text=f"{told.name} answers, and tells of {nodes}"), told


def _blocking(text: str, hint: str) -> Finding:
    return Finding(level=Level.BLOCKING, code="cluster", text=text, needed=_ACCESS, hint=hint)
