"""What chat is shown of any row: of one move, of many, or of a change of a host itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.core import card, host_card
from bot.core.evacuation import Evacuation
from bot.core.evacuation import card as evacuation_card
from bot.core.holds.wording import render_holding
from bot.core.host_change import HostChange
from bot.core.lifecycle import PLANNED, State
from bot.core.maintenance import Maintenance
from bot.core.maintenance import card as maintenance_card
from bot.core.operation import Operation
from bot.core.preparation import Preparation
from bot.core.preparation import card as preparation_card
from bot.core.recorded import render_people as render_people
from bot.core.reply import Code, Line, Moment, Note, Reply

Shown = Operation | Evacuation | HostChange


def render_card(shown: Shown, now: datetime) -> Reply:
    """What holds it back comes first, in every state that it may still start from or goes on in."""
    drawn = _render(shown, now)
    return drawn.model_copy(update={"parts": (*render_holding(shown.holds), *drawn.parts)}) if shown.holds else drawn


def _render(shown: Shown, now: datetime) -> Reply:
    match shown:
        case Evacuation():
            return evacuation_card.render_evacuation(shown, now)
        case Preparation():
            return preparation_card.render_preparation(shown)
        case Maintenance():
            return maintenance_card.render_maintenance(shown)
        case Operation():
            return card.render_card(shown, now)
        case _:
            raise TypeError(f"{type(shown).__name__} has no card")


def render_copy(shown: Shown, now: datetime) -> Reply:
    """The card as it is at this moment, for who asks elsewhere.

    Nobody updates a copy: its buttons would go on offering what is long decided, so it names what they type instead.
    """
    card = render_card(shown, now)
    told: Line = ("As of ", Moment(at=now), ".")
    if not shown.ended:
        told = (*told, " Its own card, where it was asked for, goes on.")
    for number, button in enumerate(card.buttons):
        told = (*told, ", " if number else " To type: ", Code(text=button.typed or button.sends))
    return card.model_copy(update={"parts": (*card.parts, Note(line=told)), "buttons": ()})


def render_status_line(shown: Shown, now: datetime) -> Line:
    line = _render_status_line(shown, now)
    later = shown.state in PLANNED and shown.begins_at
    return (*line, " · begins ", Moment(at=later)) if later else line


def _render_status_line(shown: Shown, now: datetime) -> Line:
    match shown:
        case Evacuation():
            return evacuation_card.render_status_line(shown, now)
        case HostChange():
            return host_card.render_status_line(shown)
        case Operation():
            return card.render_status_line(shown, now)


def list_scheduled(*kinds: Iterable[Shown]) -> tuple[Shown, ...]:
    """Those that are agreed to and begin later, the next first."""
    waiting = [
        (row.begins_at, row.requested_at, row)
        for rows in kinds
        for row in rows
        if row.state is State.SCHEDULED and row.begins_at
    ]
    return tuple(row for *_, row in sorted(waiting, key=lambda one: one[:2]))
