"""Rules by which a failover cluster keeps roles together or apart, as it tells them. Values only.

Facts (Microsoft Learn, the FailoverClusters module, New-ClusterAffinityRule; MSCluster_AffinityRule in the module's own
types): rules are Windows Server's newer way beside AntiAffinityClassNames; one that is not enabled is not in force.
"""

from __future__ import annotations

from enum import IntEnum

from pydantic import BaseModel, ConfigDict


class RuleType(IntEnum):
    """MSCluster_AffinityRule.RuleType."""

    SAME_FAULT_DOMAIN = 1
    SAME_NODE = 2
    DIFFERENT_FAULT_DOMAIN = 3
    DIFFERENT_NODE = 4


class AffinityRule(BaseModel):
    """
    Attributes:
        type: a RuleType, or a number that Ferry does not know.
        soft: it gives way where it could not be kept (SoftAntiAffinity).
        groups: names of roles; of other things, too, that a rule may name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: int
    enabled: bool = True
    soft: bool = False
    groups: tuple[str, ...] = ()
