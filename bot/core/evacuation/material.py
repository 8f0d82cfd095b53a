"""What placement and timing are fed with: VMs, hosts and moves in their terms, and what a plan does to hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.estate import IN_MEMORY, Census, Host, Vm
from bot.core.evacuation.filters import kind_of
from bot.core.evacuation.plan import Leg, Load
from bot.core.evacuation.rules import Rules
from bot.core.placement import Guest, Target
from bot.core.plan import MoveKind, Plan
from bot.core.planner import plan_in_cluster, plan_live, plan_shared_nothing
from bot.core.roster import Roster
from bot.core.storage import letter_of, travelling
from bot.core.wording import render_word


def plan_move(
    vm: Vm, source: Host, destination: Host, rules: Rules, roster: Roster | None = None, *, unique: bool
) -> Plan:
    """One VM's plan, as `migrate` would make it. Args: roster: of the source's cluster."""
    word = render_word(vm.name) if unique else vm.id
    kind = kind_of(vm, roster)
    if kind is MoveKind.CLUSTER and roster is not None:
        command, role = f"migrate {word} to {destination.name}", roster.role_of(vm.id)
        return plan_in_cluster(command, vm, source, destination, rules.limits, roster.cluster, role)
    if kind is MoveKind.SHARED_NOTHING:
        command = f"migrate {word} to {destination.name} with storage"
        return plan_shared_nothing(command, vm, source, destination, rules.limits)
    return plan_live(f"migrate {word} to {destination.name}", vm, source, destination, rules.limits)


def make_guest(vm: Vm, allowed: frozenset[str], rules: Rules) -> Guest:
    return Guest(
        id=vm.id,
        name=vm.name,
        memory=needed_memory(vm),
        processors=vm.processors if vm.state in IN_MEMORY else 0,
        host=vm.host,
        allowed=allowed,
        storage=needed_storage(vm),
        groups=rules.keeps_apart(vm.name),
        rank=rules.rank(vm.name),
    )


def make_target(census: Census, rules: Rules, known: frozenset[str]) -> Target:
    """Args: known: VMs that are among the guests or residents, which say themselves from whom they keep apart."""
    host = census.info
    assert host is not None
    return Target(
        name=census.host,
        memory=max(0, host.memory_free_bytes - rules.limits.memory_reserve_bytes),
        memory_total=host.memory_bytes,
        processors=free_processors(census, rules),
        storage={volume.letter: volume.free_bytes for volume in host.volumes},
        groups=frozenset[str]().union(*(rules.keeps_apart(vm.name) for vm in census.vms if vm.id not in known)),
    )


def needed_memory(vm: Vm) -> int:
    """What it takes at a destination; a VM that is not in memory takes none until somebody starts it."""
    return vm.memory_bytes if vm.state in IN_MEMORY else 0


def needed_storage(vm: Vm) -> dict[str, int]:
    """By drive, for what travels with it."""
    needed: dict[str, int] = {}
    for disk in travelling(vm.disks):
        if letter := letter_of(disk.path):
            size = disk.file_bytes if disk.file_bytes is not None else disk.size_bytes or 0
            needed[letter] = needed.get(letter, 0) + size
    return needed


def free_processors(census: Census, rules: Rules) -> int:
    """Virtual processors that it may still run under the overcommit limit."""
    assert census.info is not None
    used = sum(vm.processors for vm in census.vms if vm.state in IN_MEMORY)
    return max(0, int(census.info.processors * rules.processors_per_core) - used)


def weigh_loads(legs: Sequence[Leg], seen: Mapping[str, Census]) -> list[Load]:
    """Of every host that gains or loses something, fullest first."""
    change: dict[str, tuple[int, int]] = {}
    for leg in legs:
        move = leg.plan.move
        memory = move.memory_bytes if move.state in IN_MEMORY else 0
        for host, sign in ((move.source, -1), (move.destination, 1)):
            count, size = change.get(host, (0, 0))
            change[host] = (count + sign, size + sign * memory)
    loads = []
    for host, (count, size) in change.items():
        info, vms = seen[host].info, len(seen[host].vms)
        assert info is not None
        used = info.memory_bytes - info.memory_free_bytes
        loads.append(
            Load(
                host=host,
                vms_before=vms,
                vms_after=vms + count,
                used_before=used,
                used_after=max(0, used + size),
                total=info.memory_bytes,
            )
        )
    return sorted(loads, key=lambda load: load.host)
