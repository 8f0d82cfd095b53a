"""One move under examination, and the three ways to say what was found."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.estate import Cluster, Host, Role, Vm
from bot.core.plan import Finding, Level, Move, MoveKind
from bot.core.storage import is_cluster_storage, is_share
from bot.core.wording import render_word


@dataclass(frozen=True)
class Case:
    """What was read of one VM, of both hosts and of its cluster.

    For a storage migration source and destination are the same host.
    """

    move: Move
    vm: Vm
    source: Host
    destination: Host
    memory_reserve_bytes: int
    cluster: Cluster | None = None  # of a clustered VM's host
    role: Role | None = None

    @property
    def vm_word(self) -> str:
        """The VM's name as it would be typed."""
        return render_word(self.vm.name)

    @property
    def in_cluster(self) -> bool:
        """Whether its cluster moves it, by the cluster's own rules."""
        return self.move.kind is MoveKind.CLUSTER

    def is_shared(self, path: str) -> bool:
        """Whether both ends of this move reach it at the same path."""
        return is_share(path) or (self.in_cluster and is_cluster_storage(path))

    @property
    def crosses_hosts(self) -> bool:
        return self.move.kind is not MoveKind.STORAGE

    @property
    def copies_storage(self) -> bool:
        return self.move.kind.carries_storage


def fine(code: str, text: str) -> Finding:
    return Finding(level=Level.FINE, code=code, text=text)


def warning(code: str, text: str, *, hint: str = "") -> Finding:
    return Finding(level=Level.WARNING, code=code, text=text, hint=hint)


def blocking(code: str, text: str, *, needed: str, hint: str) -> Finding:
    return Finding(level=Level.BLOCKING, code=code, text=text, needed=needed, hint=hint)
