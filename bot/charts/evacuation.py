"""An evacuation on one sheet: its title, the moves as a Gantt chart, the throughput below it on the same time axis."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from bot.charts.gantt import LOOKS, Gantt
from bot.charts.paper import INK, PALE, WIDTH, Paper
from bot.core.picture import Picture
from bot.core.wording import render_about, render_duration, render_rate

MARGIN = 44
HEAD, BETWEEN, RATES, FOOT = 250, 96, 300, 150
TITLE, LINE, SMALL = 46, 30, 26
_TIGHT = 1.03  # how much more time than needed the axis shows
_FAR = 1.5  # times the real duration: a prediction beyond that is said, and not drawn to scale
_GRID = "#D8D8D8"
_AREA, _EDGE = "#D3E2EC", "#3A5A70"


def draw(picture: Picture) -> bytes:
    """The PNG."""
    gantt = Gantt(picture)
    paper = Paper(HEAD + gantt.height + BETWEEN + RATES + FOOT)
    span_s = _span_s(picture)
    left = MARGIN + gantt.label_width(paper)
    width = WIDTH - MARGIN - left
    below = HEAD + gantt.height + BETWEEN
    moves = _panel(paper, left, HEAD, width, gantt.height, span_s)
    rates = _panel(paper, left, below, width, RATES, span_s)
    _write_head(paper, picture)
    gantt.draw(paper, moves, width, span_s)
    _draw_rates(rates, picture, span_s)
    _write_rates_heading(paper, picture, below - 40)
    _mark_prediction(paper, picture, (moves, rates), left, span_s)
    _write_foot(paper, picture, left + width / 2)
    return paper.to_png()


def _span_s(picture: Picture) -> float:
    """How much time the axis shows: all bars, the end, and the prediction where that is near."""
    ends = [(bar.ended_at - picture.began_at).total_seconds() for bar in picture.bars]
    real = max([1.0, picture.seconds, *ends])
    return _TIGHT * (max(real, picture.predicted_s) if picture.predicted_s <= _FAR * real else real)


def _panel(paper: Paper, left: float, top: float, width: float, height: float, span_s: float) -> Axes:
    axes = paper.panel(left, top, width, height)
    axes.set_xlim(0, span_s / 60)
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda minutes, _: f"{minutes:g}"))
    axes.grid(axis="x", color=_GRID, linewidth=1)
    axes.set_axisbelow(True)
    return axes


def _write_head(paper: Paper, picture: Picture) -> None:
    paper.write(paper.fit(picture.title, WIDTH - 2 * MARGIN, TITLE, "bold"), MARGIN, 58, TITLE, weight="bold")
    taken = render_duration(picture.seconds)
    said = f"{taken} so far" if picture.count("running") else f"took {taken}"
    if picture.predicted_s > 0:
        said += f", predicted {render_about(picture.predicted_s)}"
    paper.write(said, MARGIN, 116, LINE, color=PALE)
    at = float(MARGIN)
    for state, look in LOOKS.items():
        if count := picture.count(state):
            paper.square(at, 170, SMALL, look.fill)
            words = f"{look.mark}{count} {state}"
            paper.write(words, at + SMALL + 12, 170, LINE)
            at += SMALL + 12 + paper.measure(words, LINE) + 44


def _draw_rates(axes: Axes, picture: Picture, span_s: float) -> None:
    """A staircase from zero, to the end of the axis."""
    unit, _ = _unit(picture)
    steps = [((moment - picture.began_at).total_seconds() / 60, rate / unit) for moment, rate in picture.rates]
    minutes = [0.0, *(at for at, _ in steps), span_s / 60]
    heights = [0.0, *(rate for _, rate in steps)]
    heights.append(heights[-1])
    axes.fill_between(minutes, heights, step="post", color=_AREA, linewidth=0)
    axes.step(minutes, heights, where="post", color=_EDGE, linewidth=1.5)
    axes.set_ylim(0, 1.1 * max(heights) or 1)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]) if any(heights) else FixedLocator([0]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(axis="y", color=_GRID, linewidth=1)


def _write_rates_heading(paper: Paper, picture: Picture, top: float) -> None:
    most = max((rate for _, rate in picture.rates), default=0)
    said = f"at most {render_rate(most)}" if most else "not known"
    derived = "" if picture.throughput or not most else ", from each move's average"
    heading = f"Throughput in {_unit(picture)[1]}/s"
    paper.write(heading, MARGIN, top, LINE, weight="bold")
    begin = MARGIN + paper.measure(heading, LINE, "bold") + 20
    paper.write(paper.fit(said + derived, WIDTH - MARGIN - begin, SMALL), begin, top, SMALL, color=PALE)


def _unit(picture: Picture) -> tuple[int, str]:
    """What the axis counts in: at least one of it is reached. Binary, as everywhere."""
    most = max((rate for _, rate in picture.rates), default=0)
    return next(((size, name) for size, name in ((1 << 30, "GB"), (1 << 20, "MB")) if most >= size), (1 << 10, "KB"))


def _mark_prediction(paper: Paper, picture: Picture, panels: Iterable[Axes], left: float, span_s: float) -> None:
    """A line through both charts, its words above; beyond the axis, an arrow that points there."""
    if picture.predicted_s <= 0:
        return
    said = "predicted end"
    width = WIDTH - MARGIN - left
    at = left + picture.predicted_s / span_s * width
    if picture.predicted_s > span_s:
        said, at = "predicted end →", WIDTH
    else:
        for axes in panels:
            axes.axvline(picture.predicted_s / 60, color=INK, linewidth=2, linestyle=(0, (4, 3)), zorder=3)
    half = paper.measure(said, SMALL) / 2
    middle = min(max(at, left + half), WIDTH - MARGIN - half)
    paper.write(said, middle, HEAD - 24, SMALL, horizontalalignment="center")


def _write_foot(paper: Paper, picture: Picture, middle: float) -> None:
    bottom = paper.height
    paper.write("minutes since the beginning", middle, bottom - 92, SMALL, color=PALE, horizontalalignment="center")
    note = paper.fit(picture.note, WIDTH - 2 * MARGIN, SMALL)
    paper.write(note, MARGIN, bottom - 38, SMALL, color=PALE)
