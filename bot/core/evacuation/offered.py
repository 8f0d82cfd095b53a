"""What an evacuation's plan says, as text and tables: on its offer, in the thread, in a file. Knows no Slack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.core.evacuation.pausing import render_intent
from bot.core.evacuation.plan import EvacuationKind, EvacuationPlan, Forecast, Leg, Staying
from bot.core.plan import Level
from bot.core.reply import Code, Line, Mark, Note, Part, Reply, Strong, Table, Text, marked
from bot.core.storage import known_bytes, travelling
from bot.core.wording import (
    capital,
    render_about,
    render_bytes,
    render_count,
    render_duration,
    render_list,
    render_range,
)

MOST_SHOWN = 10
"""Moves that a card lists; more are in its thread."""
_NOTEWORTHY_BLACKOUT_S = 0.9


def render_preview(plan: EvacuationPlan) -> Reply:
    """The same plan for somebody who only wants to look: nothing to confirm."""
    command = plan.command
    return Reply(
        title=(Strong(text=f"{capital(render_what(plan))} would look like this"),),
        parts=(
            *render_plan(plan),
            _moves_table(plan),
            Note(line=("Nothing is offered and nothing changes. To offer it, type ", Code(text=command))),
        ),
    )


def render_moves(plan: EvacuationPlan) -> Reply:
    """Every move, for the thread."""
    return Reply(title=("Every move, in its turn",), parts=(_moves_table(plan),))


def render_list_of_moves(plan: EvacuationPlan) -> str:
    """Every move and everything that stays, as text for a file."""
    rows = [_columns(plan), *(_row(leg) for leg in plan.legs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    stay = [f"{one.vm_name} stays on {one.host}: {one.why}; {one.remedy}" for one in plan.staying]
    return "\n".join([plan.command, "", *lines, "", *stay]).rstrip() + "\n"


def render_what(plan: EvacuationPlan) -> str:
    hosts = render_list(plan.hosts)
    return f"the evacuation of {hosts}" if plan.kind is EvacuationKind.EVACUATION else f"the return to {hosts}"


def render_plan(plan: EvacuationPlan) -> Iterable[Part]:
    yield from render_intent(plan)
    yield Text(lines=((_summary(plan),), *(_render_leg(leg) for leg in plan.legs[:MOST_SHOWN]), *_rest(plan)))
    if plan.staying:
        yield Text(lines=tuple(render_staying(plan.staying)), mark=Mark.WARNING)
    if warnings := tuple(_warnings(plan)):
        yield Text(lines=warnings, mark=Mark.WARNING)
    if plan.loads:
        yield _loads_table(plan)
    forecast = plan.forecast
    if plan.legs:
        yield Text(lines=((f"{capital(render_predicted(forecast))}: {forecast.basis}.",),))
    if plan.notes:
        yield Text(lines=tuple(marked(note) for note in plan.notes))


def render_predicted(forecast: Forecast) -> str:
    return render_about(forecast.seconds) + render_range(forecast.low_s, forecast.high_s)


def _summary(plan: EvacuationPlan) -> str:
    memory = sum(leg.plan.move.memory_bytes for leg in plan.legs)
    storage = sum(_storage(leg) for leg in plan.legs)
    hosts = dict.fromkeys(leg.plan.move.destination for leg in plan.legs)
    said = f"{render_count(len(plan.legs), 'VM')} to {render_count(len(hosts), 'host')}, {render_bytes(memory)} memory"
    return f"{said} and {render_bytes(storage)} storage" if storage else f"{said}; storage stays where it is"


def _storage(leg: Leg) -> int:
    move = leg.plan.move
    return known_bytes(travelling(move.disks)) if move.kind.carries_storage else 0


def _render_leg(leg: Leg) -> Line:
    move = leg.plan.move
    first = " makes room:" if leg.makes_room else ""
    size = f" and {render_bytes(_storage(leg))} storage" if _storage(leg) else ""
    return (f"•{first} {move.vm_name} → {move.destination}, {render_bytes(move.memory_bytes)}{size}",)


def _rest(plan: EvacuationPlan) -> Iterable[Line]:
    if (more := len(plan.legs) - MOST_SHOWN) > 0:
        yield (f"… and {more} more, all of them in the thread",)


def render_staying(staying: Sequence[Staying]) -> Iterable[Line]:
    yield (f"{render_count(len(staying), 'VM')} {'stays' if len(staying) == 1 else 'stay'}:",)
    for one in staying[:MOST_SHOWN]:
        named = one.why if one.why.startswith(one.vm_name) else f"{one.vm_name}: {one.why}"
        yield (named, *((" · ", *marked(one.remedy)) if one.remedy else ()))
    if (more := len(staying) - MOST_SHOWN) > 0:
        yield (f"… and {more} more, all of them in the thread",)


def _warnings(plan: EvacuationPlan) -> Iterable[Line]:
    for leg in plan.legs:
        if leg.blackout_s > _NOTEWORTHY_BLACKOUT_S:
            why = "" if leg.converges else "it writes faster than its link carries and "
            name, still = leg.plan.move.vm_name, render_about(leg.blackout_s)
            yield (f"{name}: {why}is expected to stand still for {still} at its end",)
    told: dict[str, list[str]] = {}
    for leg in plan.legs:
        for finding in leg.plan.findings:
            if finding.level is Level.WARNING and finding.code != _OF_TIES:
                told.setdefault(_SHORT.get(finding.code, finding.text), []).append(leg.plan.move.vm_name)
    for what, names in told.items():
        yield marked(f"{what}: {render_list(names)}")


_OF_TIES = "apart"
"""A warning that looks at one move alone; the plan's notes say what becomes of ties once all have moved."""

_SHORT = {
    "checkpoints": "checkpoints travel along",
    "state": "saved, resumes only if the processor there fits",
    "limit": "the hosts are busy with migrations, these wait their turn",
    "memory": "off, and there is not enough memory to start them there",
}
"""What a warning says of several VMs at once, where its own text names one."""


def _loads_table(plan: EvacuationPlan) -> Table:
    return Table(
        columns=("Host", "VMs", "Memory used", "Free then"),
        rows=tuple(
            (
                load.host,
                f"{load.vms_before} → {load.vms_after}",
                f"{_percent(load.used_before, load.total)} → {_percent(load.used_after, load.total)}"
                f" of {render_bytes(load.total)}",
                render_bytes(max(0, load.total - load.used_after)),
            )
            for load in plan.loads
        ),
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "?"


def _columns(plan: EvacuationPlan) -> tuple[str, ...]:
    return ("VM", "From", "To", "Memory", "Storage", "Begins", "Ends", *(("Stage",) if _staged(plan) else ()))


def _staged(plan: EvacuationPlan) -> bool:
    return any(leg.stage for leg in plan.legs)


def _row(leg: Leg) -> tuple[str, ...]:
    move = leg.plan.move
    return (
        move.vm_name,
        move.source,
        move.destination,
        render_bytes(move.memory_bytes),
        render_bytes(_storage(leg)) if _storage(leg) else "stays",
        render_duration(leg.begins_s),
        render_duration(leg.ends_s),
    )


def _moves_table(plan: EvacuationPlan) -> Table:
    columns = _columns(plan)[:7]
    return Table(columns=columns, rows=tuple(_row(leg) for leg in plan.legs))
