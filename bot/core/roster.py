"""A failover cluster with all that decides how it empties a node by itself, as one of its nodes tells it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.core.estate import Cluster, Frozen, Role
from bot.core.names import VmId, same_computer
from bot.core.ties import Tie, by_vm, ties_of


class Roster(Frozen):
    cluster: Cluster
    roles: tuple[Role, ...] = ()  # of virtual machines
    live_from: int | None = None  # MoveTypeThreshold: the priority from which a drain moves VMs live; None: not known

    def role_of(self, vm: VmId) -> Role | None:
        return next((role for role in self.roles if role.vm == vm), None)

    def on(self, node: str) -> tuple[Role, ...]:
        """The roles that a node owns, the highest priority first, which is the order of a drain."""
        owned = (role for role in self.roles if same_computer(role.group.owner, node))
        return tuple(sorted(owned, key=lambda role: -role.group.priority))

    def placed(self, owners: Mapping[VmId, str]) -> Roster:
        """With the roles of some VMs on other nodes, "" for none: it tells who shares a node with whom then.

        `roles` are left as they are.
        """
        moved = {role.group.name: owners[role.vm] for role in self.roles if role.vm and role.vm in owners}
        groups = tuple(
            group.model_copy(update={"owner": moved.get(group.name, group.owner)}) for group in self.cluster.groups
        )
        return self.model_copy(update={"cluster": self.cluster.model_copy(update={"groups": groups})})

    def ties(self) -> tuple[Tie, ...]:
        """Of its virtual machines, by their ids."""
        return by_vm(ties_of(self.cluster), {role.group.name: role.vm for role in self.roles if role.vm})


Rosters = Mapping[str, Roster]
"""By host; a host that is no node of a cluster, or of one that could not be read, has none."""
NONE: Rosters = MappingProxyType({})
