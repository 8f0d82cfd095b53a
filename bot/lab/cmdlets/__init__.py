"""The cmdlets a simulated Hyper-V host answers, over one machine of the world."""

from bot.lab.cmdlets import affinity, cim, cluster, commands, computer, configuring, moving, nodes, reading, utility
from bot.lab.cmdlets.machine import HyperVMachine
from bot.lab.world import Host, World

CMDLETS = (
    *reading.CMDLETS,
    *moving.CMDLETS,
    *cim.CMDLETS,
    *cluster.CMDLETS,
    *affinity.CMDLETS,
    *nodes.CMDLETS,
    *computer.CMDLETS,
    *configuring.CMDLETS,
    *utility.CMDLETS,
    *commands.CMDLETS,
)


def machine_of(world: World, host: Host) -> HyperVMachine:
    """The machine that answers for a host: hand it to `bot.lab.engine.run`."""
    return HyperVMachine(world, host, CMDLETS)


__all__ = ["CMDLETS", "HyperVMachine", "machine_of"]
