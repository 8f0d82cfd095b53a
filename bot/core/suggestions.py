"""What a form suggests while somebody types: VMs and hosts as they were last seen. No host is asked.

What an unreachable host holds is unknown, and is not suggested.
"""

from __future__ import annotations

import heapq

from bot.core.estate import Estate, Frozen, Seen, VmSummary
from bot.core.form import Option
from bot.core.wording import render_share, render_state

MOST = 100
"""Options in one answer (Slack, "Options load URL")."""


class Choices(Frozen):
    """Options under a heading; of hosts there is one, without a heading."""

    label: str
    options: tuple[Option, ...]


def suggest_vms(estate: Estate, typed: str) -> tuple[Choices, ...]:
    """VMs whose name or id holds what was typed, under their hosts; the nearest first, and each once."""
    wanted = typed.strip().casefold()
    found: dict[str, tuple[tuple[int, str, str], VmSummary]] = {}
    for seen in estate.hosts:
        for vm in seen.vms:
            name = vm.name.casefold()
            if wanted in name or vm.id.startswith(wanted):
                found.setdefault(vm.id, ((_rank(name, wanted), name, vm.id), vm))
    by_host: dict[str, list[Option]] = {}
    for _, vm in heapq.nsmallest(MOST, found.values(), key=lambda each: each[0]):
        option = Option(label=vm.name, value=vm.id, detail=render_state(vm.state))
        by_host.setdefault(vm.host, []).append(option)
    return tuple(Choices(label=host, options=tuple(options)) for host, options in by_host.items())


def suggest_hosts(estate: Estate, typed: str) -> tuple[Choices, ...]:
    wanted = typed.strip().casefold()
    fitting = [seen for seen in estate.hosts if wanted in seen.host]
    fitting.sort(key=lambda seen: _rank(seen.host, wanted))
    options = tuple(Option(label=one.host, value=one.host, detail=_describe(one)) for one in fitting[:MOST])
    return (Choices(label="", options=options),) if options else ()


def _rank(name: str, wanted: str) -> int:
    return 0 if name == wanted else 1 if name.startswith(wanted) else 2


def _describe(seen: Seen) -> str:
    if not seen.known or seen.info is None:
        return "no answer"
    return f"{render_share(seen.info.memory_free_bytes, seen.info.memory_bytes)} memory free"
