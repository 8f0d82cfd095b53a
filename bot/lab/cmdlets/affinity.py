"""Rules of affinity, as a node's cluster tells them: a cmdlet made of CIM (cdxml), unlike those of `cluster`.

Class and properties: MSCluster_AffinityRule, as the module's own types and generated clients of it name them. That the
cmdlet without a name lists all rules of the node's own cluster, and that it says the same as its neighbours where no
cluster service runs, is assumed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.lab.cmdlets.cluster import FC, cluster_of
from bot.lab.cmdlets.finding import matches
from bot.lab.cmdlets.instances import cim_instance
from bot.lab.engine import Cmdlet, In, Kind, Parameter, PsArray, Records, Session, UInt32, Value


async def _get(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        with session.machine.world.look():
            rules = list(cluster_of(session, None).rules or ())
        for rule in rules:
            if given["Name"] and not any(matches(wanted, rule.name) for wanted in given["Name"]):
                continue
            values: dict[str, Value] = {
                "Name": rule.name,
                "RuleType": UInt32(rule.type),
                "Enabled": UInt32(rule.enabled),
                "SoftAntiAffinity": UInt32(rule.soft),
                "Groups": PsArray("System.String", tuple(rule.groups)),
            }
            yield cim_instance("root/MSCLUSTER", "MSCluster_AffinityRule", values)


GET_CLUSTER_AFFINITY_RULE = Cmdlet(
    "Get-ClusterAffinityRule",
    FC + "GetClusterAffinityRuleCommand",
    (Parameter("Name", Kind.STRINGS, (In(position=0),)),),
    _get,
)

CMDLETS = (GET_CLUSTER_AFFINITY_RULE,)
