"""The moves as bars, grouped by destination. What a colour says, a mark before the name says too.

Up to some two dozen moves each VM is named, in its bar or beside it; above that it is named where its bar has the room.
Colours are those that colour-blind people can tell apart (Okabe and Ito, "Color Universal Design", 2008).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from bot.charts.paper import PALE, Paper, plain, printable
from bot.core.picture import Bar, BarState, Group, Picture, group_by_destination
from bot.core.wording import render_count

TALLEST_LANE, SHORTEST_LANE = 60, 12
USUAL_HEIGHT, GREATEST_HEIGHT = 800, 2400
LARGEST_NAME, SHARED_NAME, SMALLEST_NAME = 28, 22, 17
WIDEST_LABEL, NARROWEST_LABEL = 250, 90
_LABEL, _SMALLEST_LABEL, _COUNT = 26, 12, 22
_TWO_LINES = 58  # of a group's height: room for its count of VMs
_GAP = 14  # between destinations
_AIR = 10
_NARROWEST_BAR = 3
_BAND = "#F3F3F3"


@dataclass(frozen=True)
class Look:
    """How a move is shown by how it ended."""

    fill: str
    ink: str
    mark: str = ""


LOOKS: dict[BarState, Look] = {
    "moved": Look("#0072B2", "white"),
    "running": Look("#56B4E9", "black", "… "),
    "failed": Look("#D55E00", "black", "✗ "),
    "cancelled": Look("#C4C4C4", "black", "– "),
}


class Gantt:
    """All measures in pixels.

    Attributes:
        height: of the bars' panel.
    """

    def __init__(self, picture: Picture) -> None:
        self._began_at = picture.began_at
        self._groups = group_by_destination(picture.bars)
        lanes = max(1, sum(len(group.lanes) for group in self._groups))
        self._gap = min(_GAP, GREATEST_HEIGHT / 4 / max(1, len(self._groups)))
        gaps = self._gap * max(0, len(self._groups) - 1)
        usual = min(TALLEST_LANE, max(SHORTEST_LANE, (USUAL_HEIGHT - gaps) / lanes))
        self._lane = min(usual, (GREATEST_HEIGHT - gaps) / lanes)
        self._beside = all(len(lane) == 1 for group in self._groups for lane in group.lanes)
        self.height = lanes * self._lane + gaps

    def label_width(self, paper: Paper) -> float:
        """What the destinations' names need on the left."""
        widest = max((paper.measure(self._label(paper, group), _LABEL, "bold") for group in self._groups), default=0.0)
        return max(NARROWEST_LABEL, widest) + 2 * _AIR

    def draw(self, paper: Paper, axes: Axes, width: float, span_s: float) -> None:
        """Args: axes: of this height, its x in minutes; `span_s` is how much time its width shows."""
        axes.set_ylim(self.height, 0)
        axes.set_yticks([])
        axes.tick_params(labelbottom=False)
        panel = _Panel(paper, axes, width, span_s)
        for top, group in zip(self._tops(), self._groups, strict=False):
            panel.band(top, len(group.lanes) * self._lane)
            self._head(panel, group, top)
            for number, lane in enumerate(group.lanes):
                for bar in lane:
                    self._bar(panel, bar, top + number * self._lane)
        if not self._groups:
            panel.say("nothing was moved", width / 2, self.height / 2, 28, color=PALE, horizontalalignment="center")

    def _tops(self) -> Iterator[float]:
        top = 0.0
        for group in self._groups:
            yield top
            top += len(group.lanes) * self._lane + self._gap

    def _label(self, paper: Paper, group: Group) -> str:
        return paper.fit(group.destination.partition(".")[0] or group.destination, WIDEST_LABEL, _LABEL, "bold")

    def _head(self, panel: _Panel, group: Group, top: float) -> None:
        height = len(group.lanes) * self._lane
        middle, both = top + height / 2, height >= _TWO_LINES
        label, pixels = self._label(panel.paper, group), min(_LABEL, height + self._gap)
        if pixels < _SMALLEST_LABEL:
            return
        right: dict[str, Any] = {"horizontalalignment": "right"}
        panel.say(label, -_AIR, middle - 15 * both, pixels, weight="bold", **right)
        if both:
            panel.say(render_count(group.size, "VM"), -_AIR, middle + 16, _COUNT, color=PALE, **right)

    def _bar(self, panel: _Panel, bar: Bar, top: float) -> None:
        look = LOOKS[bar.state]
        begin, end = panel.place(self._since(bar.started_at)), panel.place(self._since(bar.ended_at))
        end = max(end, begin + _NARROWEST_BAR)
        panel.bar(begin, end, top, self._lane, look.fill)
        pixels = min(LARGEST_NAME if self._beside else SHARED_NAME, self._lane * 0.62)
        if pixels < SMALLEST_NAME:
            return
        middle, inside = top + self._lane / 2, end - begin - 2 * _AIR
        if not self._beside or panel.needs(look.mark, bar.vm, pixels) <= inside:
            panel.name(look.mark, bar.vm, begin + _AIR, middle, inside, pixels, color=look.ink)
        elif panel.width - end >= begin:
            panel.name(look.mark, bar.vm, end + _AIR, middle, panel.width - end - _AIR, pixels)
        else:
            panel.name(look.mark, bar.vm, begin - _AIR, middle, begin - _AIR, pixels, horizontalalignment="right")

    def _since(self, moment: datetime) -> float:
        return max(0.0, (moment - self._began_at).total_seconds())


@dataclass(frozen=True)
class _Panel:
    """The axes in pixels from their upper left corner."""

    paper: Paper
    axes: Axes
    width: float
    span_s: float

    def place(self, seconds: float) -> float:
        return seconds / self.span_s * self.width

    def minutes(self, pixels: float) -> float:
        return pixels / self.width * self.span_s / 60

    def band(self, top: float, height: float) -> None:
        self.axes.add_patch(Rectangle((0, top), self.span_s / 60, height, facecolor=_BAND, zorder=0))

    def bar(self, begin: float, end: float, top: float, height: float, fill: str) -> None:
        air = min(3.0, height * 0.1)
        corner, width = (self.minutes(begin), top + air), self.minutes(end - begin)
        self.axes.add_patch(
            Rectangle(corner, width, height - 2 * air, facecolor=fill, edgecolor="white", linewidth=0.6, zorder=2)
        )

    def needs(self, mark: str, name: str, pixels: float) -> float:
        return self.paper.measure(mark + _named(name), pixels)

    def name(self, mark: str, name: str, left: float, top: float, room: float, pixels: float, **style: Any) -> None:
        """As much of a VM's name as fits, after its mark; where too little of it would, the mark alone."""
        needed = self.paper.measure(mark, pixels)
        if mark and needed > room:
            return
        shown = mark + self.paper.fit(_named(name), room - needed, pixels)
        self.say(shown.rstrip(), left, top, pixels, **style)

    def say(self, text: str, left: float, top: float, pixels: float, **style: Any) -> None:
        self.axes.add_artist(plain(text, self.minutes(left), top, pixels, zorder=4, clip_on=False, **style))


def _named(name: str) -> str:
    return printable(name) or "(no name)"
