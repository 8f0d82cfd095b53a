"""Which VM and which host a person means, by the names they said and what was last seen.

A VM's name is not unique in Hyper-V: more than one match is asked back, never chosen from. In place of a name its id
(GUID) may be said. What an unreachable host holds is unknown, and said so.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import datetime

from bot.core.estate import Estate, Seen, VmSummary
from bot.core.names import VmId, check_vm_id
from bot.core.wording import render_ago, render_count, render_list, render_word
from bot.errors import Misnamed, Refused

_MOST_CHOICES = 5


def find_vms(estate: Estate, said: str) -> tuple[VmSummary, ...]:
    """Every VM of that id, or of that name if none has that id."""
    vm_id = _read_id(said)
    return (estate.with_id(vm_id) if vm_id else ()) or estate.named(said)


def pick_vm(estate: Estate, said: str, now: datetime) -> VmSummary:
    """The one VM that is meant.

    Raises:
        Refused: there is none, or more than one; with what to type instead.
    """
    found = find_vms(estate, said)
    if not found:
        raise _missing(estate, said, now)
    if len({vm.id for vm in found}) > 1:
        raise _ambiguous(said, found)
    if len(found) > 1:
        raise Refused(
            f"{found[0].name} ({found[0].id}) is shown by {render_list([vm.host for vm in found])}",
            needed="one host that has it: it may be moving, or be left over from an earlier move",
            hint="look at it in Hyper-V Manager on each of these hosts, and ask again when one of them shows it",
        )
    return found[0]


def resolve_host(names: Sequence[str], estate: Estate, said: str) -> str:
    """The settings' name of the host that is meant, by that name, its full name, or the first part of either.

    Raises:
        Refused: the settings know no such host, or several.
    """
    wanted = said.casefold()
    full = {seen.host: seen.info.fqdn.casefold() for seen in estate.hosts if seen.info}
    exact = [name for name in names if wanted in (name.casefold(), full.get(name))]
    # A short name means a long one; a long one means a short one only where nothing contradicts.
    short = [name for name in names if _first_part(name) == _first_part(wanted) and _fits(wanted, name, full.get(name))]
    if len(found := exact or short) == 1:
        return found[0]
    if found:
        raise Misnamed(
            f"{said} may be {render_list(found, last='or')}",
            said=said,
            slot="host",
            choices=dict.fromkeys(found[:_MOST_CHOICES], ""),
            needed="one host",
            hint="`hosts` lists them",
        )
    alike = next((name for name in names if _first_part(name) == _first_part(wanted)), None)
    namesake = f"; {alike} calls itself {full[alike]}" if alike in full else ""
    raise Misnamed(
        f"Ferry knows no host called {said}{namesake}",
        said=said,
        slot="host",
        choices=dict.fromkeys([alike] if alike else _nearest(said, names), ""),
        needed="a host from Ferry's settings",
        hint="`hosts` lists them",
    )


def _read_id(said: str) -> VmId | None:
    try:
        return check_vm_id(said)
    except ValueError:
        return None


def _first_part(name: str) -> str:
    return name.casefold().partition(".")[0]


def _fits(wanted: str, name: str, full: str | None) -> bool:
    if "." not in wanted:
        return True
    return full is None and "." not in name


def _ambiguous(said: str, found: Sequence[VmSummary]) -> Refused:
    """Ids tell them apart; hosts, too, where none has two of them."""
    hosts = [vm.host for vm in found]
    where = render_list(list(dict.fromkeys(hosts)))
    choices = {vm.id: f"on {vm.host}" + (f", {vm.id[:8]}…" if hosts.count(vm.host) > 1 else "") for vm in found}
    return Misnamed(
        f"{render_count(len(found), 'virtual machine')} are called {said}: on {where}",
        said=said,
        slot="vm",
        choices=dict(list(choices.items())[:_MOST_CHOICES]),
        needed="the id of one of them in place of the name",
        hint=f"the ids are {render_list([vm.id for vm in found])}",
    )


def _missing(estate: Estate, said: str, now: datetime) -> Refused:
    silent = estate.unknown
    held = [(seen, vm) for seen in silent for vm in seen.held if vm.name.casefold() == said.casefold() or vm.id == said]
    if held:
        seen, vm = held[0]
        return Refused(
            f"{vm.name} was on {seen.host} when that last answered{_when(seen, now)}; now {seen.host} gives no answer: "
            f"{seen.failure}",
            needed=f"an answer from {seen.host}",
            hint=f"`where {render_word(said)}` looks again",
        )
    unknown = [f"{seen.host} gives no answer ({_since(seen, now)}): {seen.failure}" for seen in silent]
    maybe = f"it may be on {render_list([seen.host for seen in silent], last='or')}"
    names = sorted({vm.name for seen in estate.hosts for vm in seen.vms})
    where = "no host that answers" if silent else "no host"
    missed = f", or an answer from {render_list([seen.host for seen in silent])}" if silent else ""
    first = next((seen.host for seen in estate.hosts if seen.known), "")
    listing = f"`vms {first}` lists the virtual machines of {first}, " if first else ""
    return Misnamed(
        "; ".join([f"{where} has a virtual machine called {said}", *([maybe, *unknown] if silent else [])]),
        said=said,
        slot="vm",
        choices=dict.fromkeys(_nearest(said, names), ""),
        needed=f"the name or id of a virtual machine{missed}",
        hint=f"{listing}`hosts` {'asks every host again' if silent else 'lists the hosts'}",
    )


def _when(seen: Seen, now: datetime) -> str:
    return f", {render_ago(seen.answered_at, now)}" if seen.answered_at else ""


def _since(seen: Seen, now: datetime) -> str:
    return f"last answer {render_ago(seen.answered_at, now)}" if seen.answered_at else "no answer yet"


def _nearest(said: str, names: Sequence[str]) -> list[str]:
    folded = {name.casefold(): name for name in names}
    return [folded[name] for name in difflib.get_close_matches(said.casefold(), folded, n=2, cutoff=0.6)]
