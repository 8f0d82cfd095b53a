"""Why a VM stays where it is, in words, and what would change that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.estate import Vm
from bot.core.evacuation.filters import OF_THE_VM, Choice
from bot.core.evacuation.plan import Staying
from bot.core.holds.model import Hold
from bot.core.holds.wording import render_freeing, render_waiting
from bot.core.names import VmId
from bot.core.placement import Lack, Obstacle, Shortfall, Unplaced
from bot.core.plan import Finding
from bot.core.ties import OF_CLUSTERS
from bot.core.wording import render_bytes, render_list, render_word

_MOST_HOSTS = 3


def tagged(vm: Vm, tag: str) -> Staying:
    return _stay(vm, f"it has the tag {tag}, and those stay", f"take {tag} out of `never` under `[evacuation]`")


def left_out(vm: Vm) -> Staying:
    return _stay(vm, "left out, as asked")


def locked(vm: Vm, lock: Hold) -> Staying:
    return _stay(vm, render_waiting(lock), f"`locks` shows who holds it, `{render_freeing(lock)}` frees it")


def nowhere_allowed(vm: Vm, choice: Choice) -> Staying:
    """No destination passed the checks."""
    findings = list(choice.against.values())
    if not findings:
        return _stay(vm, "there is no host that it could go to", "`hosts` shows which hosts answer")
    first = findings[0]
    if first.code in OF_THE_VM:
        return _stay(vm, first.text, first.hint)
    return _stay(vm, _each_host(choice.against), first.hint)


def _each_host(against: Mapping[str, Finding]) -> str:
    """Every host's reason, hosts with the same one together."""
    told: dict[str, list[str]] = {}
    for host, finding in against.items():
        told.setdefault(finding.code, []).append(host)
    texts: dict[str, str] = {}
    for finding in against.values():
        texts.setdefault(finding.code, finding.text)
    return "; ".join(
        texts[code] if len(hosts) == 1 else f"{texts[code]}; likewise {render_list(hosts[1:], _MOST_HOSTS)}"
        for code, hosts in told.items()
    )


def unplaced(vm: Vm, found: Unplaced, shortfall: Shortfall | None, remedy: str) -> Staying:
    """Placement found no host with room for it, beside all the others."""
    memory = [one for one in found.obstacles if one.lack is Lack.MEMORY]
    if memory:
        most = max(memory, key=lambda one: one.free)
        left = "has" if found.never else "will have"
        why = f"it takes {render_bytes(vm.memory_bytes)}; the most that a host {left} is {_free(most)} on {most.host}"
    else:
        why = "; ".join(dict.fromkeys(_render(one) for one in found.obstacles[:_MOST_HOSTS]))
    return _stay(vm, why, remedy or _render_shortfall(shortfall))


def _free(obstacle: Obstacle) -> str:
    return render_bytes(max(0, obstacle.free))


def _render(obstacle: Obstacle) -> str:
    match obstacle.lack:
        case Lack.PROCESSORS:
            return (
                f"{obstacle.host} may run {max(0, obstacle.free)} more virtual processors, and it has {obstacle.needed}"
            )
        case Lack.STORAGE:
            return f"{obstacle.of}: on {obstacle.host} has {_free(obstacle)} left for {render_bytes(obstacle.needed)}"
        case Lack.GROUP:
            return f"{_render_group(obstacle.of)} is on {obstacle.host}"
        case Lack.MEMORY:
            return f"{obstacle.host} has {_free(obstacle)} left for {render_bytes(obstacle.needed)}"
        case Lack.NOT_ALLOWED:
            return f"{obstacle.host} does not fit"


def _render_group(group: str) -> str:
    """A tag of the settings, or what ties VMs in their cluster."""
    return f"a VM of {group}" if group.startswith(OF_CLUSTERS) else f"a VM with the tag {group}, which keeps apart,"


def _render_shortfall(shortfall: Shortfall | None) -> str:
    if shortfall is None or not shortfall.added:
        return ""
    parts = [
        f"{_amount(each.lack, each.amount)} more {each.lack}{f' on {each.of}:' if each.of else ''} on {each.host}"
        for each in shortfall.added
    ]
    smallest = " (proven: nothing smaller would do)" if shortfall.smallest else ""
    return f"{render_list(parts, _MOST_HOSTS)} would be enough for all of them{smallest}"


def _amount(lack: Lack, amount: int) -> str:
    return str(amount) if lack is Lack.PROCESSORS else render_bytes(amount)


def elsewhere(vm: VmId, vm_name: str, host: str, expected: str, silent: Sequence[str]) -> Staying:
    """A VM that was to come home and is not where it was put.

    Args:
        host: where it is; empty where no host shows it.
        silent: hosts that gave no answer: it may be there.
    """
    if host:
        where = f"it is on {host} now, not on {expected} where it was put"
    else:
        unknown = f"; {render_list(silent)} gave no answer" if silent else ""
        where = f"no host shows it now; it was put on {expected}{unknown}"
    return Staying(vm=vm, vm_name=vm_name, host=host or expected, why=where, remedy=f"`where {render_word(vm_name)}`")


def found(vm: Vm, finding: Finding) -> Staying:
    """Its home does not pass the checks now."""
    return _stay(vm, finding.text, finding.hint)


def no_room_at_home(vm: Vm, obstacles: Sequence[Obstacle], *, decided: bool) -> Staying:
    said = "; ".join(dict.fromkeys(_render(one) for one in obstacles)) or "there is no room at home"
    return _stay(vm, said + ("" if decided else " (not proven)"), "`return` again when there is room")


def _stay(vm: Vm, why: str, remedy: str = "") -> Staying:
    return Staying(vm=vm.id, vm_name=vm.name, host=vm.host, why=why, remedy=remedy)
