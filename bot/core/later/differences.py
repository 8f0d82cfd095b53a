"""What differs between the plan that people agreed to and the same command planned anew at its time, and matters.

What matters is which VMs move, how, from where, and what becomes of them; for a single move where to, as well. Where
the VMs of an evacuation go may be another place: the same command chose it, by the room that there is then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.core.evacuation import EvacuationPlan
from bot.core.host_change import HostPlan
from bot.core.maintenance import MaintenancePlan
from bot.core.plan import Finding, Level, Move, Plan
from bot.core.policy import AnyPlan
from bot.core.preparation import PreparationPlan
from bot.core.wording import render_list, render_state

_PASSING = frozenset({"limit"})
"""Codes of warnings about how busy hosts are: what waits for its turn needs no new agreement."""


def find_differences(before: AnyPlan, now: AnyPlan) -> tuple[str, ...]:
    """Sentences; empty if nothing that matters differs."""
    match before, now:
        case Plan(), Plan():
            return tuple(_of_single(before, now))
        case EvacuationPlan(), EvacuationPlan():
            return tuple(_of_evacuation(before, now))
        case MaintenancePlan(), MaintenancePlan():
            return tuple(_of_maintenance(before, now))
        case PreparationPlan(), PreparationPlan() if before.settings == now.settings and before.back == now.back:
            return ()
        case HostPlan(), HostPlan():
            return (f"{now.host} is not set as it was",)
        case _:
            return ("it is another kind of change now",)


def _of_single(before: Plan, now: Plan) -> Iterator[str]:
    was, move = before.move, now.move
    yield from _of_move(was, move)
    if was.destination != move.destination:
        yield f"it would go to {move.destination}, not to {was.destination}"
    if was.storage_path != move.storage_path:
        yield f"its files would go to {move.storage_path or 'the same paths'}"
    yield from _new_warnings(before.findings, now.findings)


def _of_move(was: Move, move: Move) -> Iterator[str]:
    if was.vm != move.vm:
        yield f"{move.vm_name} is another virtual machine than the one that was shown"
    if was.source != move.source:
        yield f"{move.vm_name} is on {move.source}, not on {was.source}"
    if was.state != move.state:
        yield f"{move.vm_name} is {render_state(move.state)}, not {render_state(was.state)}"
    if (was.kind, was.quick) != (move.kind, move.quick):
        yield f"{move.vm_name}: {move.words}, not {was.words}"
    disks, disks_now = ({disk.path.casefold(): disk.path for disk in each.disks} for each in (was, move))
    if other := [path for key, path in (disks | disks_now).items() if (key in disks) != (key in disks_now)]:
        yield f"{move.vm_name} has other disks: {render_list(other)}"


def _of_evacuation(before: EvacuationPlan, now: EvacuationPlan) -> Iterator[str]:
    were, are = ({leg.plan.move.vm: leg.plan for leg in plan.legs} for plan in (before, now))
    if new := [plan.move.vm_name for vm, plan in are.items() if vm not in were]:
        yield f"{render_list(new)} would move, too"
    stay = {one.vm: one for one in now.staying}
    stayed = {one.vm for one in before.staying}
    for vm, one in stay.items():
        if vm not in stayed:
            yield one.why if one.why.startswith(one.vm_name) else f"{one.vm_name} would stay: {one.why}"
    if gone := [plan.move.vm_name for vm, plan in were.items() if vm not in are and vm not in stay]:
        yield f"{render_list(gone)} would not move"
    for vm, plan in are.items():
        if vm in were:
            yield from _of_move(were[vm].move, plan.move)
            yield from _new_warnings(were[vm].findings, plan.findings, f"{plan.move.vm_name}: ")
    pauses, pauses_now = ({pause.host for pause in plan.pauses} for plan in (before, now))
    if other := sorted(pauses ^ pauses_now):
        yield f"{render_list(other)} would {'be paused first' if other[0] in pauses_now else 'not be paused first'}"


def _of_maintenance(before: MaintenancePlan, now: MaintenancePlan) -> Iterator[str]:
    if (before.task, before.cluster, before.failback) != (now.task, now.cluster, now.failback):
        yield f"it is another change of {now.host}"
    if before.state != now.state:
        yield f"{now.host} is not in the state that was shown"
    were, are = ({role.group: role for role in plan.roles} for plan in (before, now))
    if new := [group for group in are if group not in were]:
        yield f"{render_list(new)} would move, too"
    if gone := [group for group in were if group not in are]:
        yield f"{render_list(gone)} would not move"
    for group in (group for group in are if group in were):
        if (are[group].how, bool(are[group].stays)) != (were[group].how, bool(were[group].stays)):
            yield f"{group}: {are[group].stays or are[group].how}, not {were[group].stays or were[group].how}"
    yield from _new_warnings(before.findings, now.findings)


def _new_warnings(before: Iterable[Finding], now: Iterable[Finding], about: str = "") -> Iterator[str]:
    known = {finding.code for finding in before if finding.level is not Level.FINE} | _PASSING
    for finding in now:
        if finding.level is not Level.FINE and finding.code not in known:
            yield f"{about}{finding.text}"
