"""What the thread of a row gets beside lines."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from bot.core.evacuation import Evacuation
from bot.core.evacuation.offered import render_list_of_moves, render_moves
from bot.core.reply import Reply
from bot.core.shown import Shown
from bot.operations.store.evacuations import ARRIVALS, LIST, PICTURE, TABLE
from bot.operations.watch import in_background

Draw = Callable[[Evacuation], bytes]
"""A picture of an evacuation that has ended, as PNG."""
Look = Callable[[Evacuation], None]
"""Looks at the hosts of an evacuation that has ended, and fills in the line that waits for it."""
_ENDINGS = {PICTURE: "png", LIST: "txt"}


def draw_reply(shown: Shown, what: str) -> Reply | None:
    """A message for the thread; None: it is a file."""
    return render_moves(shown.plan) if isinstance(shown, Evacuation) and what == TABLE else None


def name_file(shown: Shown, what: str) -> str:
    """The same each time: by it the file is found again after an answer was lost."""
    assert isinstance(shown, Evacuation)  # only these have files
    return f"{shown.plan.kind}-{shown.id}.{_ENDINGS[what]}"


class Drawings:
    """Makes files in threads of their own: for the first picture a large library has to be loaded, and cards wait for
    nothing. Used by one thread.

    Args:
        look: takes as long as hosts take.
        done: called whenever one is made, or could not be made.
    """

    def __init__(self, draw: Draw, look: Look, done: Callable[[], None]) -> None:
        self._draw = draw
        self._look = look
        self._looking: dict[str, Future[None]] = {}
        self._done = done
        self._begun: dict[str, Future[bytes]] = {}

    def ready(self, shown: Shown, what: str) -> bool:
        """Whether `take` has it at once. If not, it is being made from now on."""
        if what == ARRIVALS:
            self._fill_in(shown)
            return False
        name = name_file(shown, what)
        if name not in self._begun:
            self._begun[name] = in_background(partial(self._make, shown, what), "ferry-drawing")
            self._begun[name].add_done_callback(lambda _: self._done())
        return self._begun[name].done()

    def _fill_in(self, shown: Shown) -> None:
        """The line is another once that is done. Raises whatever the look raised; then it is looked again."""
        assert isinstance(shown, Evacuation)
        if shown.id not in self._looking:
            self._looking[shown.id] = in_background(partial(self._look, shown), "ferry-arrivals")
            self._looking[shown.id].add_done_callback(lambda _: self._done())
        elif self._looking[shown.id].done():
            self._looking.pop(shown.id).result()

    def take(self, shown: Shown, what: str) -> bytes:
        """Once; raises whatever the drawing raised. What is wanted again is made again."""
        return self._begun.pop(name_file(shown, what)).result()

    def _make(self, shown: Shown, what: str) -> bytes:
        assert isinstance(shown, Evacuation)
        return self._draw(shown) if what == PICTURE else render_list_of_moves(shown.plan).encode()
