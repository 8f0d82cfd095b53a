"""The picture of an evacuation: its file, its size, and that nothing a name may contain breaks it."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO

import matplotlib.image
import numpy
import pytest

from bot.charts import draw_evacuation
from bot.charts.gantt import LOOKS
from bot.charts.paper import Paper, printable, shorten
from bot.core.picture import Bar, BarState, Picture

BEGAN = datetime(2026, 11, 23, 14, 31, tzinfo=UTC)
STATES: tuple[BarState, ...] = ("moved", "failed", "cancelled", "running")
ODD = (
    "$x^2$",
    "$\\frac{1}",
    "_{^",
    "a\nb\tc\r\0",
    "שלום-עולם",
    "سرور-۱",
    "\u202eevil\u2066",
    "🚀🔥 vm",
    "サーバ",
    "\ud800",
    "<b>&amp;</b> %s {}",
    "e" + "\u0301" * 200,
    "x" * 500,
    "",
    " ",
)


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> Iterator[None]:
    """The library warns of characters without a glyph, and of layouts that went wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def picture(
    count: int, hosts: int, *, state: BarState | None = None, predicted_s: float = 60, note: str = ""
) -> Picture:
    bars = []
    for number in range(count):
        begin = BEGAN + timedelta(seconds=20 * (number // hosts))
        bars.append(
            Bar(
                vm=f"VM-{number:02}",
                destination=f"host{number % hosts + 2:02}.contoso.com",
                started_at=begin,
                ended_at=begin + timedelta(seconds=15 + number % 4),
                state=state or STATES[number % 3],
                bytes=8 << 30,
            )
        )
    ended = max((bar.ended_at for bar in bars), default=BEGAN)
    return Picture(
        title="host01 emptied", bars=tuple(bars), began_at=BEGAN, ended_at=ended, predicted_s=predicted_s, note=note
    )


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def colours(png: bytes, fewest: int = 1) -> set[str]:
    """Those of at least so many pixels."""
    red, green, blue = (matplotlib.image.imread(BytesIO(png))[:, :, :3] * 255).round().astype(int).reshape(-1, 3).T
    values, counts = numpy.unique(red << 16 | green << 8 | blue, return_counts=True)
    return {f"#{value:06X}" for value, count in zip(values, counts, strict=True) if count >= fewest}


@pytest.mark.parametrize(
    ("count", "hosts", "shortest", "tallest"),
    [(0, 1, 700, 1000), (1, 1, 700, 1000), (18, 4, 1400, 1700), (60, 8, 1200, 1700), (400, 30, 1400, 3300)],
)
def test_a_picture_for_a_phone_whatever_the_number_of_moves(
    count: int, hosts: int, shortest: int, tallest: int
) -> None:
    png = draw_evacuation(picture(count, hosts, note="simulated"))
    width, height = size_of(png)
    assert width == 1200
    assert shortest <= height <= tallest
    assert len(png) < 1 << 20


def test_even_hundreds_of_destinations_stay_within_bounds() -> None:
    assert size_of(draw_evacuation(picture(900, 450)))[1] <= 3300


@pytest.mark.parametrize("state", STATES)
def test_each_way_to_end_has_its_colour(state: BarState) -> None:
    shown = colours(draw_evacuation(picture(3, 1, state=state)), 1000)
    assert {other for other in STATES if LOOKS[other].fill in shown} == {state}


def test_the_same_picture_gives_the_same_bytes() -> None:
    assert draw_evacuation(picture(30, 3)) == draw_evacuation(picture(30, 3))


@pytest.mark.parametrize("predicted_s", [0, 1, 30, 40, 10_000])
def test_a_prediction_may_be_absent_near_or_far(predicted_s: float) -> None:
    png = draw_evacuation(picture(2, 1, predicted_s=predicted_s))
    assert size_of(png)[0] == 1200
    assert (png != draw_evacuation(picture(2, 1, predicted_s=0))) is (predicted_s > 0)


@pytest.mark.parametrize("many", [False, True], ids=["own lanes", "shared lanes"])
def test_names_are_only_ever_names(many: bool) -> None:
    times = 4 if many else 1
    bars = tuple(
        Bar(
            vm=name,
            destination=ODD[-1 - number % len(ODD)],
            started_at=BEGAN + timedelta(seconds=number),
            ended_at=BEGAN + timedelta(seconds=number + 40),
            state=STATES[number % 4],
        )
        for number, name in enumerate(ODD * times)
    )
    for name in ODD[:3]:
        drawn = Picture(
            title=name * 9, bars=bars, began_at=BEGAN, ended_at=BEGAN + timedelta(minutes=1), note=name * 99
        )
        assert size_of(draw_evacuation(drawn))[0] == 1200


@pytest.mark.parametrize(
    "bar",
    [
        Bar(vm="VM-01", destination="host02", started_at=BEGAN, ended_at=BEGAN, state="failed", bytes=5),
        Bar(
            vm="VM-01",
            destination="host02",
            started_at=BEGAN - timedelta(minutes=9),
            ended_at=BEGAN - timedelta(minutes=8),
            state="moved",
        ),
        Bar(vm="VM-01", destination="host02", started_at=BEGAN, ended_at=BEGAN - timedelta(minutes=1), state="moved"),
    ],
    ids=["no duration", "before the beginning", "ends before it starts"],
)
def test_clocks_that_disagree_break_nothing(bar: Bar) -> None:
    drawn = Picture(title="x", bars=(bar,), began_at=BEGAN, ended_at=BEGAN)
    assert LOOKS[bar.state].fill in colours(draw_evacuation(drawn))


def test_text_is_shown_as_far_as_the_font_can() -> None:
    assert printable("a\nb\t c\u202e\u200b") == "a b c"
    assert printable("e\u0301") == "é"
    assert printable("🚀 $x$") == "\N{REPLACEMENT CHARACTER} $x$"
    assert printable("x" * 121) == "x" * 120 + "…"


def test_what_does_not_fit_loses_its_middle_and_then_all() -> None:
    paper, name = Paper(100), "PROD-SQL-SERVER-17"
    whole = paper.measure(name, 28)
    assert paper.fit(name, whole, 28) == name
    shown = paper.fit(name, whole * 0.7, 28)
    assert shown.startswith("PROD-")
    assert shown.endswith("-17")
    assert paper.measure(shown, 28) <= whole * 0.7
    assert paper.fit(name, whole * 0.2, 28) == ""
    assert shorten("abcdefghij", 5) == "ab…ij"
