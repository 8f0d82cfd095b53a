"""Which hosts a VM may move to at all, and what keeps it from the others.

How much fits together is placement's matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.estate import IN_MEMORY, Host, Vm
from bot.core.plan import Finding, Level, Move, MoveKind
from bot.core.preflight import check
from bot.core.roster import Roster
from bot.core.storage import files_of, is_share

_OF_CAPACITY = frozenset({"memory", "room"})
"""Findings that change with every VM that is placed before."""
OF_THE_VM = frozenset({"clustered", "role", "state", "busy", "shared_disk", "passthrough_disk", "dvd"})
"""Findings that are the same whatever the destination."""


@dataclass(frozen=True)
class Choice:
    """
    Attributes:
        against: by host, what keeps the VM from it; rather what is the VM's own than what is the host's.
    """

    allowed: frozenset[str]
    against: Mapping[str, Finding]


def kind_of(vm: Vm, roster: Roster | None = None) -> MoveKind:
    """By its cluster, if that is known; else with its storage, if any of it lies on the host's own drives."""
    if vm.clustered and roster is not None:
        return MoveKind.CLUSTER
    local = any(not is_share(path) for path in files_of(vm))
    return MoveKind.SHARED_NOTHING if local else MoveKind.LIVE


def move_to(vm: Vm, source: Host, destination: Host, roster: Roster | None = None) -> Move:
    kind = kind_of(vm, roster)
    return Move(
        kind=kind,
        vm=vm.id,
        vm_name=vm.name,
        source=source.name,
        destination=destination.name,
        destination_fqdn=destination.fqdn,
        state=vm.state,
        memory_bytes=vm.memory_bytes,
        disks=vm.disks,
        configuration_path=vm.path,
        quick=kind is MoveKind.CLUSTER and vm.state not in IN_MEMORY,
    )


def choose(vm: Vm, source: Host, destinations: Sequence[Host], roster: Roster | None = None) -> Choice:
    """Every destination examined by the checks of a single move. Args: roster: of the source's cluster."""
    cluster = roster.cluster if roster else None
    role = roster.role_of(vm.id) if roster else None
    against: dict[str, Finding] = {}
    for destination in destinations:
        found = check(move_to(vm, source, destination, roster), vm, source, destination, 0, cluster, role)
        blocking = [one for one in found if one.level is Level.BLOCKING and one.code not in _OF_CAPACITY]
        if blocking:
            against[destination.name] = min(blocking, key=lambda one: one.code not in OF_THE_VM)
    return Choice(frozenset(host.name for host in destinations) - against.keys(), against)
