"""Holds, as their rows tell them. A leaf: every row may carry those that concern it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from bot.core.estate import Frozen
from bot.core.names import UserId


class Kind(StrEnum):
    FREEZE = "freeze"  # of everything
    VM = "vm"
    HOST = "host"
    CLUSTER = "cluster"
    STORAGE = "storage"


class Held(Frozen):
    """What is held.

    Attributes:
        target: a VM's id, a host's name in the settings, a cluster's name, or a folder; empty: everything.
        name: of a VM, as people say it; otherwise the target.
        host: of a VM, where it was seen then: rules may be of some hosts. Of a cluster, its nodes then, with commas.
    """

    kind: Kind
    target: str = ""
    name: str = ""
    host: str = ""


EVERYTHING = Held(kind=Kind.FREEZE)


class Hold(Held):
    """One row that has not ended.

    Attributes:
        hosts: of a cluster, the nodes that it had or has, by the settings' names.
    """

    number: int
    by: UserId
    reason: str
    at: datetime
    until: datetime | None = None
    hosts: frozenset[str] = frozenset()
