"""The sheet that is drawn on, measured in pixels from its upper left corner, and text that is only ever text.

Facts (matplotlib's documentation, "Text properties", `parse_math`; "Fonts"): a text between dollar signs is read as
mathematics unless that is switched off for it; a character that the font lacks is drawn as a box, with a warning.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Rectangle
from matplotlib.text import Text

WIDTH = 1200
DOTS_PER_INCH = 150
FONT = "DejaVu Sans"  # comes with matplotlib, so that a picture is the same everywhere
INK, PALE = "#222222", "#666666"
LONGEST = 120  # characters of any text that are worth measuring
_FEWEST_KEPT = 7  # of a shortened name, or it tells nothing
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_POINTS_PER_INCH = 72


class Paper:
    def __init__(self, height: float) -> None:
        self.height = height
        self.figure = Figure(figsize=(WIDTH / DOTS_PER_INCH, height / DOTS_PER_INCH), dpi=DOTS_PER_INCH)
        self.figure.set_facecolor("white")
        self._canvas = FigureCanvasAgg(self.figure)
        self._renderer = self._canvas.get_renderer()  # type: ignore[no-untyped-call]

    def panel(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes on a part of the sheet, with nothing around them."""
        bottom = self.height - top - height
        place = (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height)
        axes = self.figure.add_axes(place)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=points(24), labelcolor=PALE, labelfontfamily=FONT)
        return axes

    def write(self, text: str, left: float, top: float, pixels: float, **style: Any) -> None:
        """One line, already cut to fit. `top` is its middle."""
        self.figure.add_artist(plain(text, left / WIDTH, 1 - top / self.height, pixels, **style))

    def square(self, left: float, middle: float, side: float, fill: str) -> None:
        corner = (left / WIDTH, 1 - (middle + side / 2) / self.height)
        self.figure.add_artist(Rectangle(corner, side / WIDTH, side / self.height, facecolor=fill))

    def fit(self, text: str, width: float, pixels: float, weight: str = "normal") -> str:
        """The text, shortened in its middle until it fits; empty if too little of it would be left."""
        whole = shown = printable(text)
        most = len(shown)
        while (needed := self.measure(shown, pixels, weight)) > width:
            most = min(most - 1, int(most * max(0.5, width / needed)))
            if most < _FEWEST_KEPT:
                return ""
            shown = shorten(whole, most)
        return shown

    def measure(self, text: str, pixels: float, weight: str = "normal") -> float:
        """Width in pixels."""
        return self._renderer.get_text_width_height_descent(text, font(pixels, weight), False)[0] if text else 0.0

    def to_png(self) -> bytes:
        png = BytesIO()
        self._canvas.print_png(png)  # type: ignore[no-untyped-call]
        return png.getvalue()


def plain(text: str, x: float, y: float, pixels: float, **style: Any) -> Text:
    """Text without mathematics or markup in it, in the middle of its height."""
    weight = style.pop("weight", "normal")
    fixed: dict[str, Any] = {"parse_math": False, "usetex": False, "verticalalignment": "center", "color": INK}
    return Text(x, y, text, fontproperties=font(pixels, weight), **(fixed | style))


def points(pixels: float) -> float:
    return pixels * _POINTS_PER_INCH / DOTS_PER_INCH


@cache
def font(pixels: float, weight: str = "normal") -> FontProperties:
    return FontProperties(family=FONT, size=points(pixels), weight=weight)


def printable(text: str) -> str:
    """One line of what the font can show, without directional marks and whatever else nobody sees."""
    shown = "".join(map(_visible, unicodedata.normalize("NFC", text[:LONGEST])))
    return " ".join(shown.split()) + ("…" if len(text) > LONGEST else "")


def shorten(text: str, most: int) -> str:
    """Names differ at their beginnings and at their ends: what is left out is the middle."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me") or unicodedata.combining(character):
        return ""
    if category in ("Cc", "Zl", "Zp", "Zs"):
        return " "
    return character if ord(character) in _known_characters() else _UNKNOWN


@cache
def _known_characters() -> frozenset[int]:
    return frozenset(get_font(findfont(font(24))).get_charmap())
