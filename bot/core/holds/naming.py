"""What a person means who names what is to be locked or unlocked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.core.estate import Estate, VmSummary
from bot.core.holds.model import Held, Hold, Kind
from bot.core.lookup import find_vms, pick_vm, resolve_host
from bot.core.names import is_path, same_computer
from bot.core.storage import same_path
from bot.core.wording import render_list, render_word
from bot.errors import Misnamed, Refused


def find_held(said: str, estate: Estate) -> Held | None:
    """A folder, or the one cluster, host or VM of that name, as last seen: a VM may be locked whose host is silent.

    Raises:
        Refused: the name is a cluster's or a host's, and a VM's or a host's, too.
    """
    if is_path(said):
        return Held(kind=Kind.STORAGE, target=said, name=said)
    vms = {vm.id: vm for vm in (*find_vms(estate, said), *_held_by_silent(estate, said))}
    host, nodes = _find_host(said, estate), _find_nodes(said, estate)
    if nodes and (host or vms):
        raise Refused(
            f"{said} is a cluster, and a host or a virtual machine is called so, too",
            needed="a name that is one thing's",
            hint=f"lock its nodes, {render_list(nodes)}, or say the id of the virtual machine",
        )
    if nodes:
        name = next(seen.info.cluster for seen in estate.hosts if seen.host == nodes[0] and seen.info is not None)
        return Held(kind=Kind.CLUSTER, target=name, name=name, host=",".join(nodes))
    if host and vms:
        raise Refused(
            f"{said} is a host, and a virtual machine is called so, too",
            needed="a name that is one thing's",
            hint=f"the id of the virtual machine in place of its name: {render_list(list(vms))}",
        )
    if host:
        return Held(kind=Kind.HOST, target=host, name=host)
    if len(vms) == 1:
        (vm,) = vms.values()
        return Held(kind=Kind.VM, target=vm.id, name=vm.name, host=vm.host)
    return None


def require_held(said: str, estate: Estate, now: datetime) -> Held:
    """Raises Refused, with what to say instead, if nothing or several things are called so."""
    if found := find_held(said, estate):
        return found
    vm = pick_vm(estate, said, now)
    return Held(kind=Kind.VM, target=vm.id, name=vm.name, host=vm.host)


def pick_lock(holds: Sequence[Hold], said: str) -> Hold:
    """The lock that is meant, by what it was made on. Raises Refused."""
    locks = [hold for hold in holds if hold.kind is not Kind.FREEZE]
    found = [lock for lock in locks if _is_called(lock, said)]
    if len(found) == 1:
        return found[0]
    if not found:
        there = render_list([render_word(lock.name) for lock in locks])
        raise Refused(
            f"{said} is not locked",
            needed=f"one of {there}" if there else "a lock; there is none",
            hint="`locks` shows what is locked, and by whom",
        )
    raise Refused(
        f"{len(found)} things called {said} are locked",
        needed="one of them",
        hint=f"the ids are {render_list([lock.target for lock in found])}",
    )


def _is_called(lock: Hold, said: str) -> bool:
    if lock.kind is Kind.STORAGE:
        return is_path(said) and same_path(lock.target, said)
    if lock.kind is Kind.HOST:
        return same_computer(lock.target, said)
    return said.casefold() in (lock.name.casefold(), lock.target.casefold())


def _find_host(said: str, estate: Estate) -> str:
    try:
        return resolve_host([seen.host for seen in estate.hosts], estate, said)
    except Misnamed:
        return ""


def _find_nodes(said: str, estate: Estate) -> list[str]:
    """Those hosts that tell of a cluster of that name."""
    return [
        seen.host
        for seen in estate.hosts
        if seen.info is not None and seen.info.cluster and same_computer(seen.info.cluster, said)
    ]


def _held_by_silent(estate: Estate, said: str) -> list[VmSummary]:
    return [vm for seen in estate.unknown for vm in seen.held if said.casefold() in (vm.name.casefold(), vm.id)]
