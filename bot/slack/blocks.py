"""A Reply as Block Kit blocks and the `text` beside them.

Rules:
    1. Text of hosts, VMs and people never becomes a mention, a link or formatting (`bot.slack.mrkdwn`, verbatim text).
    2. Slack's limits hold by construction, whatever the Reply: what is too long is cut with "…", and says so.
    3. Every message has a `text`: notifications and screen readers read that and nothing else.
    4. A button that cannot carry its whole command is left out: a cut command would be another command.
    5. Tables are preformatted text, which every client shows alike.

Facts (Slack developer docs, "Block Kit" reference, chat.postMessage, chat.update; 2026-11): section and context text
3000; 25 elements in actions; button text 75, value 2000; `text` of chat.update 4000. `bot.slack.kit` judges what comes
out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.progress import render_bar
from bot.core.reply import Bar, Button, Code, Mark, Note, Part, Quote, Reply, Table, Text
from bot.slack.kit.blocks import MOST_BLOCKS
from bot.slack.mrkdwn import clean, render_fence, render_line, size
from bot.slack.tables import render_table

Block = dict[str, Any]

LONGEST_SECTION = 3000
LONGEST_TEXT = 3500
LONGEST_MESSAGE = 12_000  # over all blocks, so that buttons and a word about the rest still fit
LONGEST_QUOTE = 1500
LONGEST_BADGE = 150
LONGEST_LABEL = 75
LONGEST_VALUE = 2000
MOST_BUTTONS = 25

_LONGEST_LINE = LONGEST_SECTION - 10  # a mark may stand before it
_LONGEST_TABLE = LONGEST_SECTION - 10  # the fence stands around it
_CARD_MARKS = {Mark.NONE: "", Mark.FINE: "✅ ", Mark.WARNING: "⚠️ ", Mark.BLOCKING: "❌ "}
_LINE_MARKS = {Mark.NONE: "", Mark.FINE: "✓ ", Mark.WARNING: "⚠️ ", Mark.BLOCKING: "✗ "}
_LEFT_OUT = "… the rest does not fit into one message"


@dataclass(frozen=True)
class Rendered:
    """A message as chat.postMessage, chat.update and chat.postEphemeral take it."""

    text: str
    blocks: list[Block]


def render(reply: Reply) -> Rendered:
    """The message. It mentions nobody but the `User` spans of the reply."""
    buttons = [button for button in reply.buttons if size(button.sends) <= LONGEST_VALUE][:MOST_BUTTONS]
    blocks = _bounded(list(_blocks(reply)), MOST_BLOCKS["message"] - bool(buttons))
    if buttons:
        blocks.append({"type": "actions", "elements": [render_button(index, one) for index, one in enumerate(buttons)]})
    return Rendered(text=_fallback(reply, buttons), blocks=blocks)


def _blocks(reply: Reply) -> Iterator[Block]:
    yield render_section(_title(reply))
    if reply.badge:
        yield _context(render_line((reply.badge,), LONGEST_BADGE))
    for part in reply.parts:
        if isinstance(part, Note):
            if note := render_line(part.line, LONGEST_SECTION):
                yield _context(note)
        else:
            yield from map(render_section, _texts(part))


def _title(reply: Reply) -> str:
    return _CARD_MARKS[reply.mark] + (render_line(reply.title, _LONGEST_LINE) or "…")


def _texts(part: Text | Quote | Bar | Table) -> Iterator[str]:
    """The texts of a part, each of which fits into one section."""
    match part:
        case Text():
            yield from pack(_lines(part))
        case Quote():
            if clean(part.text).strip():
                yield render_fence(part.text, LONGEST_QUOTE)
        case Bar():
            yield _bar(part)
        case Table():
            yield from (render_fence(piece, LONGEST_SECTION) for piece in render_table(part, _LONGEST_TABLE))


def _lines(part: Text) -> Iterator[str]:
    for line in part.lines:
        if shown := render_line(line, _LONGEST_LINE):
            yield _LINE_MARKS[part.mark] + shown


def _bar(part: Bar) -> str:
    return f"{render_bar(part.percent)}  {part.percent} %   {render_line(part.line, _LONGEST_LINE // 2)}".rstrip()


def pack(lines: Iterable[str]) -> Iterator[str]:
    """Lines joined to as few texts as sections allow."""
    text = ""
    for line in lines:
        if text and size(text) + 1 + size(line) > LONGEST_SECTION:
            yield text
            text = line
        else:
            text = f"{text}\n{line}" if text else line
    if text:
        yield text


def _bounded(blocks: Sequence[Block], most: int) -> list[Block]:
    """As many as one message holds, and a word about the rest."""
    kept: list[Block] = []
    length = 0
    for position, block in enumerate(blocks):
        length += size((block.get("text") or block["elements"][0])["text"])
        if length > LONGEST_MESSAGE or (position == most - 1 and len(blocks) > most):
            return [*kept, _context(_LEFT_OUT)]
        kept.append(block)
    return kept


def render_section(text: str) -> Block:
    return {"type": "section", "text": _verbatim(text)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_verbatim(text)]}


def _verbatim(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def render_button(index: int, button: Button) -> Block:
    element: Block = {
        "type": "button",
        "action_id": f"say-{index}",  # must be unique in the message; what it does is its value alone
        "text": {"type": "plain_text", "text": _label(button), "emoji": False},
        "value": button.sends,
    }
    return element | ({"style": button.style} if button.style else {})


def _label(button: Button) -> str:
    label = clean(button.label).strip() or button.sends
    return label if size(label) <= LONGEST_LABEL else label[: LONGEST_LABEL // 2] + "…"


def _fallback(reply: Reply, buttons: Sequence[Button]) -> str:
    """The whole message in words, for those who do not see blocks."""
    lines = [_title(reply), render_line((reply.badge,), LONGEST_BADGE)]
    lines += [line for part in reply.parts for line in _spoken(part)]
    lines += [_say_typed(button) for button in buttons]
    text = ""
    for line in filter(None, lines):
        if size(text) + size(line) + 2 > LONGEST_TEXT:
            return f"{text}\n…".lstrip()
        text = f"{text}\n{line}" if text else line
    return text


def _say_typed(button: Button) -> str:
    return render_line((f"{_label(button)}: type ", Code(text=button.typed or button.sends)), _LONGEST_LINE)


def _spoken(part: Part) -> Iterator[str]:
    match part:
        case Note():
            yield render_line(part.line, _LONGEST_LINE)
        case Text():
            yield from _lines(part)
        case Bar():
            yield f"{part.percent} % {render_line(part.line, _LONGEST_LINE)}".rstrip()
        case Table():
            yield from (render_line((", ".join(row),), _LONGEST_LINE) for row in part.rows)
        case Quote():
            yield from _texts(part)
