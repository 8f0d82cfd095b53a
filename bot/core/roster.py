"""A failover cluster with all that decides how it empties a node by itself, as one of its nodes tells it."""

from __future__ import annotations

from bot.core.estate import Cluster, Frozen, Role
from bot.core.names import same_computer


class Roster(Frozen):
    cluster: Cluster
    roles: tuple[Role, ...] = ()  # of virtual machines
    live_from: int | None = None  # MoveTypeThreshold: the priority from which a drain moves VMs live; None: not known

    def on(self, node: str) -> tuple[Role, ...]:
        """The roles that a node owns, the highest priority first, which is the order of a drain."""
        owned = (role for role in self.roles if same_computer(role.group.owner, node))
        return tuple(sorted(owned, key=lambda role: -role.group.priority))
