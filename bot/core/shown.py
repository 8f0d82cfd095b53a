"""What chat is shown of any row, of one move or of many."""

from __future__ import annotations

from datetime import datetime

from bot.core import card
from bot.core.evacuation import Evacuation
from bot.core.evacuation import card as evacuation_card
from bot.core.operation import Operation
from bot.core.reply import Line, Reply


def render_card(shown: Operation | Evacuation, now: datetime) -> Reply:
    if isinstance(shown, Evacuation):
        return evacuation_card.render_evacuation(shown, now)
    return card.render_card(shown, now)


def render_status_line(shown: Operation | Evacuation, now: datetime) -> Line:
    if isinstance(shown, Evacuation):
        return evacuation_card.render_status_line(shown, now)
    return card.render_status_line(shown, now)
