"""What a failover has done: a node died, and its cluster started what it held anew elsewhere.

Told by how long a VM has been running: a migration does not end that, a new start does (that the uptime a host shows
goes on over a live migration is assumed; over a quick migration it may not). Only durations are compared, no clocks of
hosts. What is not clear is not said.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.core.estate import Estate, Frozen, GroupState, Sighting, Vm, VmState, VmSummary
from bot.core.names import same_computer
from bot.core.plan import Move, MoveKind
from bot.core.reconcile import Moved, Restarted, Unknown, Whereabouts
from bot.core.reply import Line
from bot.core.wording import render_ago, render_duration, render_list

_CLOCKS_S = 60
"""How far durations of two machines may differ (`store.CLOCKS_APART`)."""
_MOST = 8


def has_restarted(before_s: float, elapsed_s: float, now_s: float) -> bool | None:
    """
    Args:
        before_s: its uptime then; 0: not known.
        elapsed_s: since then.
        now_s: its uptime now.
    """
    if not before_s:
        return None
    return now_s < before_s or now_s + _CLOCKS_S < before_s + elapsed_s


def owner_of(seen: Sequence[Sighting | None]) -> str:
    """The node that has the VM online, by what the cluster says through any of these; empty: it says nothing such."""
    role = next((one.role for one in seen if one is not None and one.role is not None), None)
    return role.owner if role is not None and role.state == GroupState.ONLINE and not role.moving else ""


def decide_failover(move: Move, verdict: Whereabouts, owner: str, vm: Vm | None, age_s: float) -> Whereabouts:
    """What is to be believed of a move in a cluster that both of its hosts leave open.

    Args:
        owner: that has it online, by its cluster.
        vm: as the owner itself shows it.
        age_s: since the move was planned.
    """
    if not isinstance(verdict, Unknown) or move.kind is not MoveKind.CLUSTER or move.quick:
        return verdict
    if vm is None or vm.state != VmState.RUNNING or not owner:
        return verdict
    restarted = has_restarted(move.uptime_s, age_s, vm.uptime_s)
    if restarted:
        return Restarted(vm=vm, node=owner.lower(), seen=verdict.why)
    there = same_computer(owner, move.destination_fqdn or move.destination)
    return Moved(vm=vm) if restarted is False and there and vm.state == move.state else verdict


class Failover(Frozen):
    """A VM that a silent host held when it last answered, and that has been started anew elsewhere since."""

    vm: VmSummary  # as it is now
    was_on: str
    last_answer: datetime


def find_failovers(estate: Estate, now: datetime) -> tuple[Failover, ...]:
    found = []
    for silent in estate.unknown:
        for held in silent.held if silent.answered_at is not None else ():
            for vm in estate.with_id(held.id):
                assert silent.answered_at is not None
                elapsed_s = (now - silent.answered_at).total_seconds()
                running = held.clustered and vm.state == VmState.RUNNING
                if running and has_restarted(held.uptime_s, elapsed_s, vm.uptime_s):
                    found.append(Failover(vm=vm, was_on=silent.host, last_answer=silent.answered_at))
    return tuple(found)


def render_failovers(failovers: Sequence[Failover], now: datetime) -> tuple[Line, ...]:
    """A line for each silent host."""
    lines: list[Line] = []
    for host in dict.fromkeys(one.was_on for one in failovers):
        its = [one for one in failovers if one.was_on == host]
        named = [f"{one.vm.name} on {one.vm.host}" for one in its[:_MOST]]
        more = f" and {len(its) - _MOST} more" if len(its) > _MOST else ""
        said = f"{host} gives no answer, the last one was {render_ago(its[0].last_answer, now)}"
        lines.append((f"{said}; its cluster has started anew {render_list(named)}{more}; no move of Ferry's",))
    return tuple(lines)


def render_failover(one: Failover, now: datetime) -> Line:
    """Of a single VM, beside where it is."""
    since = render_duration(one.vm.uptime_s)
    last = render_ago(one.last_answer, now)
    return (
        f"started anew by its cluster {since} ago, no move of Ferry's: {one.was_on} held it, {last}, and is silent",
    )
