"""What the thread of a row gets beside lines."""

from __future__ import annotations

from collections.abc import Callable

from bot.core.evacuation import Evacuation
from bot.core.evacuation.card import render_list_of_moves, render_moves
from bot.core.reply import Reply
from bot.core.shown import Shown
from bot.operations.store.evacuations import LIST, PICTURE, TABLE

Draw = Callable[[Evacuation], bytes]
"""A picture of an evacuation that has ended, as PNG."""
_ENDINGS = {PICTURE: "png", LIST: "txt"}


def draw_reply(shown: Shown, what: str) -> Reply | None:
    """A message for the thread; None: it is a file."""
    return render_moves(shown.plan) if isinstance(shown, Evacuation) and what == TABLE else None


def name_file(shown: Shown, what: str) -> str:
    """The same each time: by it the file is found again after an answer was lost."""
    assert isinstance(shown, Evacuation)  # only these have files
    return f"{shown.plan.kind}-{shown.id}.{_ENDINGS[what]}"


def draw_file(shown: Shown, what: str, draw: Draw) -> bytes:
    assert isinstance(shown, Evacuation)
    return draw(shown) if what == PICTURE else render_list_of_moves(shown.plan).encode()
