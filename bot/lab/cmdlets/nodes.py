"""Suspend-ClusterNode and Resume-ClusterNode, on a node, for any node of its cluster.

Only what Ferry may send is simulated; the rest is bound, and refused as not simulated.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from bot.lab.cmdlets.cluster import CLUSTER, FC, NAMES, cluster_error, cluster_of, node_object
from bot.lab.engine import Arguments, Cmdlet, In, Kind, Parameter, Records, Session
from bot.lab.world import Cluster, ClusterError, World
from bot.lab.world.cluster import Node

Order = Callable[[World, Cluster, Node, Arguments, str], None]


def _cmdlet(name: str, carry_out: Order, *extra: Parameter, should_process: bool = False) -> Cmdlet:
    """Non-terminating errors; without -Name it is about the node that it runs on."""
    command = f"{name.replace('-', '')}Command"

    async def run(session: Session, records: Records) -> AsyncIterator[object]:
        world = session.machine.world
        async for given in records:
            with world.look():
                cluster = cluster_of(session, given["Cluster"])
            for wanted in given["Name"] or (session.machine.host.name,):
                node = cluster.node(wanted)
                if node is None:
                    text = f"The cluster node '{wanted}' was not found."
                    await session.error(cluster_error(text, name, command, wanted))
                    continue
                if should_process:
                    await session.confirm(high_impact=False, forced=False)
                if session.what_if:
                    continue
                try:
                    carry_out(world, cluster, node, given, session.user)
                except ClusterError as error:
                    await session.error(cluster_error(str(error), name, command, node.name))
                    continue
                with world.look():
                    item = node_object(node)
                yield item

    return Cmdlet(name, FC + command, (NAMES, *extra, CLUSTER), run, should_process=should_process)


def _suspend(world: World, cluster: Cluster, node: Node, given: Arguments, user: str) -> None:
    if given["ForceDrain"] or given["TargetNode"] or given["Wait"]:
        text = "The simulated cluster drains without force, to where it likes, without -Wait."
        raise cluster_error(text, "NotSupported", "SuspendClusterNodeCommand")
    world.suspend_node(cluster, node, user, drain=bool(given["Drain"]))


def _resume(world: World, cluster: Cluster, node: Node, given: Arguments, user: str) -> None:
    if given["Failback"] == "Policy":
        text = "The simulated cluster knows no failback by policy."
        raise cluster_error(text, "NotSupported", "ResumeClusterNodeCommand")
    world.resume_node(cluster, node, user, failback=given["Failback"] == "Immediate")


CMDLETS = (
    _cmdlet(
        "Suspend-ClusterNode",
        _suspend,
        Parameter("Drain", Kind.SWITCH),
        Parameter("ForceDrain", Kind.SWITCH),
        Parameter("Wait", Kind.SWITCH),
        Parameter("TargetNode", Kind.STRING, (In(position=1),)),
        should_process=True,
    ),
    _cmdlet(
        "Resume-ClusterNode",
        _resume,
        Parameter("Failback", Kind.STRING, (In(position=1),), choices=("NoFailback", "Immediate", "Policy")),
    ),
)
