"""Every move of an evacuation: as a table for chat, and as text for a file."""

from __future__ import annotations

from bot.core.evacuation.plan import EvacuationPlan, Leg
from bot.core.reply import Reply, Table
from bot.core.storage import known_bytes, travelling
from bot.core.wording import render_bytes, render_duration


def render_moves(plan: EvacuationPlan) -> Reply:
    """Every move, for the thread."""
    return Reply(title=("Every move, in its turn",), parts=(render_table(plan),))


def render_list_of_moves(plan: EvacuationPlan) -> str:
    """Every move and everything that stays, as text for a file."""
    rows = [_columns(plan), *(_row(leg) for leg in plan.legs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    stay = [f"{one.vm_name} stays on {one.host}: {one.why}; {one.remedy}" for one in plan.staying]
    return "\n".join([plan.command, "", *lines, "", *stay]).rstrip() + "\n"


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
        render_bytes(storage_of(leg)) if storage_of(leg) else "stays",
        render_duration(leg.begins_s),
        render_duration(leg.ends_s),
    )


def render_table(plan: EvacuationPlan) -> Table:
    columns = _columns(plan)[:7]
    return Table(columns=columns, rows=tuple(_row(leg) for leg in plan.legs))


def storage_of(leg: Leg) -> int:
    move = leg.plan.move
    return known_bytes(travelling(move.disks)) if move.kind.carries_storage else 0
