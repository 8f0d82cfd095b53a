"""Entries as text with colours, by rich."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from bot.lab.slack.render import Line
from bot.lab.terminal.chat import Entry

STYLES = {
    "bold": "bold",
    "title": "bold",
    "italic": "italic",
    "strike": "strike",
    "code": "cyan",
    "fence": "cyan",
    "mention": "blue",
    "link": "underline",
    "button": "bold reverse",
    "dim": "dim",
}
WIDEST_CARD = 100
NARROWEST = 20


def draw(entries: Iterable[Entry], *, width: int, colour: bool) -> str:
    """Lines of at most `width` cells, ended by line breaks; ANSI colours only if wanted."""
    console = Console(
        file=StringIO(),
        width=max(width, NARROWEST),
        force_terminal=colour,
        color_system="256" if colour else None,
        no_color=not colour,
        legacy_windows=False,
        highlight=False,
        emoji=False,
        markup=False,
    )
    with console.capture() as captured:
        for entry in entries:
            console.print(_draw_entry(entry, console.width, colour))
    drawn = captured.get()
    return drawn if colour else "".join(f"{line.rstrip()}\n" for line in drawn.splitlines())


def _draw_entry(entry: Entry, width: int, colour: bool) -> RenderableType:
    text = Text("\n").join(_draw_line(line, colour) for line in entry.lines)
    indent = 2 if entry.in_thread else 0
    match entry.kind:
        case "said":
            return Padding(Text.assemble((f"{entry.author}  ", "bold green"), text), (0, 0, 0, indent))
        case "log":
            return Padding(Text.assemble(("│ ", "dim"), text), (0, 0, 0, indent), style="dim")
        case _:
            private = entry.kind == "whisper"
            panel = Panel(
                text,
                title=f"{entry.author} · only you see this" if private else entry.author,
                title_align="left",
                border_style="yellow" if private else "cyan",
                width=min(width - indent, WIDEST_CARD),
            )
            return Padding(panel, (0, 0, 0, indent))


def _draw_line(line: Line, colour: bool) -> Text:
    """Without colours what to type is told apart by back-ticks."""
    marked = [f"`{span.text}`" if span.style == "code" and not colour else span.text for span in line]
    return Text.assemble(*((text, STYLES.get(span.style, "")) for text, span in zip(marked, line, strict=True)))
