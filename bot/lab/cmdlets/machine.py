"""A host of the world as a machine that answers cmdlets."""

from __future__ import annotations

from bot.lab.cmdlets.enums import HV
from bot.lab.engine import Category, Cmdlet, PsError
from bot.lab.world import Host, World, faults

_FAILOVER_CLUSTERS = "Microsoft.FailoverClusters."
_NEWER = "Get-ClusterAffinityRule"  # older Windows Servers have none


class HyperVMachine:
    """One host with the modules Hyper-V, CimCmdlets, Storage, NetTCPIP and Microsoft.PowerShell's own.

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
        """Raises PsError for a cmdlet of Hyper-V while the management service is stopped."""
        found = self._cmdlets.get(name.casefold())
        if found is None:
            return None
        if found.type.startswith(HV) and not self.host.service_running:
            error = faults.service_stopped(self.host.name)
            kinds = (HV + "VirtualizationException", "System.Exception")
            raise PsError(error.message, f"{error.identifier},{found.type}", Category.ObjectNotFound, kinds)
        if found.type.startswith(_FAILOVER_CLUSTERS):
            cluster = self.world.cluster_of(self.host)
            if cluster is not None and cluster.rules is None and found.name == _NEWER:
                return None
            return found if self.host.failover_clusters or cluster is not None else None
        return found
