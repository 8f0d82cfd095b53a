"""Pictures: pure data in, PNG bytes out. The only place that knows how to draw."""

from __future__ import annotations

from bot.core.picture import Picture

__all__ = ["draw_evacuation"]


def draw_evacuation(picture: Picture) -> bytes:
    """A PNG to be read on a phone: when each VM was moved and where to, and below it the throughput.

    1200 pixels wide; about 1500 high, less for few moves and more for very many. The same picture gives the same bytes.
    Takes a second or two, the first time longer. One at a time: the library is not thread-safe.
    """
    from bot.charts.evacuation import draw  # its library takes seconds to import, and most processes never draw

    return draw(picture)
