"""A host of the world as a machine that answers cmdlets."""

from __future__ import annotations

from bot.lab.engine import Cmdlet
from bot.lab.world import Host, World

_FAILOVER_CLUSTERS = "Microsoft.FailoverClusters."


class HyperVMachine:
    """One host with the modules Hyper-V, CimCmdlets, Storage and Microsoft.PowerShell.Utility.

    A node of a cluster has the module FailoverClusters, too.
    """

    def __init__(self, world: World, host: Host, cmdlets: tuple[Cmdlet, ...]) -> None:
        self.world = world
        self.host = host
        self._cmdlets = {cmdlet.name.casefold(): cmdlet for cmdlet in cmdlets}

    @property
    def name(self) -> str:
        """The host's short name."""
        return self.host.name

    @property
    def up(self) -> bool:
        """Whether the host answers at all; an endpoint drops every connection while it does not."""
        return self.host.up

    def cmdlet(self, name: str) -> Cmdlet | None:
        found = self._cmdlets.get(name.casefold())
        if found is None or not found.type.startswith(_FAILOVER_CLUSTERS):
            return found
        has_module = self.host.failover_clusters or self.world.cluster_of(self.host) is not None
        return found if has_module else None
