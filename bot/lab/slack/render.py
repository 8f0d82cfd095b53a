"""A message as a person reads it: its blocks as lines of styled spans, or as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from rich.cells import cell_len
from rich.emoji import Emoji

from bot.core.wording import render_bytes
from bot.lab.slack.composer import unescape
from bot.lab.slack.model import JsonObject, Message, SharedFile, Version

Style = Literal["", "bold", "italic", "strike", "code", "fence", "mention", "link", "button", "dim", "title"]


@dataclass(frozen=True)
class Span:
    text: str
    style: Style = ""


Line = tuple[Span, ...]

_INVISIBLE = re.compile("[\u200b-\u200f\u2060\u2066-\u2069\ufeff]")
_MRKDWN = re.compile(
    r"""
      ```(?P<fence>.+?)```
    | `(?P<code>[^`\n]+)`
    | <(?P<angle>[^<>]+)>
    | (?<![\w*])\*(?![\s\u200b])(?P<bold>[^*\n]+)\*(?![\w*])
    | (?<![\w_])_(?![\s\u200b])(?P<italic>[^_\n]+)_(?![\w_])
    | (?<![\w~])~(?![\s\u200b])(?P<strike>[^~\n]+)~(?![\w~])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Reader:
    """What a reader's client knows: names for user and channel ids, numbers of buttons, places of files."""

    names: Mapping[str, str]
    numbers: Mapping[str, int] = field(default_factory=dict)  # by action_id
    paths: Mapping[str, str] = field(default_factory=dict)  # by file id: where it was saved


def render_text(message: Message, names: Mapping[str, str], version: int = -1) -> list[str]:
    """Plain lines. `names` gives what stands for a user or channel id ("@alice", "#ops")."""
    return [plain(line) for line in render_lines(message.versions[version], Reader(names))]


def plain(line: Line) -> str:
    """Without what nobody sees: zero-width characters and directional marks."""
    return _INVISIBLE.sub("", "".join(span.text for span in line)).rstrip()


def render_lines(shown: Version, reader: Reader) -> list[Line]:
    """Styled lines, each without a line break in it."""
    spans = [line for block in shown.blocks for line in _block(block, reader)]
    if not shown.blocks and shown.text:
        spans = _split(_mrkdwn(shown.text, reader))
    for part in shown.attachments:
        if part.get("blocks"):
            spans += [line for block in part["blocks"] for line in _block(block, reader)]
        elif text := part.get("text") or part.get("fallback"):
            spans += _split(_mrkdwn(str(text), reader))
    return spans + [(Span(_file(file, reader), "link"),) for file in shown.files]


def _file(file: SharedFile, reader: Reader) -> str:
    return f"[file] {reader.paths.get(file.id, file.name)} ({render_bytes(len(file.data))})"


def _block(block: JsonObject, reader: Reader) -> list[Line]:
    match block["type"]:
        case "section":
            return _section(block, reader)
        case "header":
            return _split([Span(_emoji(block["text"]["text"]), "title")])
        case "context":
            parts = [_text_object(part, reader, "dim") for part in block["elements"]]
            return _split(
                [span for number, part in enumerate(parts) for span in ([Span("  ")] if number else []) + part]
            )
        case "actions":
            return [tuple(_buttons(block["elements"], reader))]
        case "divider":
            return [(Span("─" * 20, "dim"),)]
        case "rich_text":
            return [line for part in block["elements"] for line in _rich(part, reader)]
        case "markdown":
            return _split(_mrkdwn(block["text"].replace("**", "*"), reader))
        case "table":
            return _table([[_cell(cell, reader) for cell in row] for row in block["rows"]])
        case "image":
            return [(Span(f"[image: {block['alt_text']}]", "dim"),)]
        case "plan":
            tasks = [line for task in block.get("tasks") or () for line in _block(task, reader)]
            return [(Span(block["title"], "title"),), *tasks]
        case "task_card":
            mark = {"pending": "·", "in_progress": "…", "complete": "✓", "error": "✗"}[block["status"]]
            details = [line for part in ("details", "output") if part in block for line in _block(block[part], reader)]
            return [(Span(f"{mark} {block['title']}"),), *details]
        case "input":
            return [(Span(f"{block['label']['text']}: ____"),)]
        case other:
            raise ValueError(f"no way to show a {other} block")


def _section(block: JsonObject, reader: Reader) -> list[Line]:
    lines = _split(_text_object(block["text"], reader)) if block.get("text") else []
    fields = [_split(_text_object(field, reader)) for field in block.get("fields") or ()]
    lines += [line for field in fields for line in field]
    accessory = block.get("accessory")
    if accessory and accessory["type"] == "button":
        lines[-1:] = [(*lines[-1], Span("  "), *_buttons([accessory], reader))]
    return lines


def _text_object(part: JsonObject, reader: Reader, style: Style = "") -> list[Span]:
    if part["type"] == "image":
        return [Span(f"[image: {part['alt_text']}]", "dim")]
    spans = [Span(_emoji(part["text"]))] if part["type"] == "plain_text" else _mrkdwn(part["text"], reader)
    return [Span(span.text, span.style or style) for span in spans]


def _buttons(elements: Sequence[JsonObject], reader: Reader) -> Iterator[Span]:
    for number, element in enumerate(elements):
        if number:
            yield Span("  ")
        text = element.get("text") or element.get("placeholder") or {"text": "…"}
        number_of = reader.numbers.get(element.get("action_id", ""))
        yield Span(f"[{'' if number_of is None else f'{number_of} '}{_emoji(text['text'])}]", "button")


def _mrkdwn(text: str, reader: Reader, style: Style = "") -> list[Span]:
    spans: list[Span] = []
    position = 0
    for match in _MRKDWN.finditer(text):
        spans.append(Span(_emoji(unescape(text[position : match.start()])), style))
        position = match.end()
        if match["fence"]:
            spans.append(Span(unescape(match["fence"].strip("\n")), "fence"))
        elif match["code"]:
            spans.append(Span(unescape(match["code"]), "code"))
        elif match["angle"]:
            spans.append(_angle(match["angle"], reader))
        else:
            inner: Style = "bold" if match["bold"] else "italic" if match["italic"] else "strike"
            spans += _mrkdwn(match["bold"] or match["italic"] or match["strike"], reader, inner)
    spans.append(Span(_emoji(unescape(text[position:])), style))
    return [span for span in spans if span.text]


def _angle(token: str, reader: Reader) -> Span:
    """What stands for `<…>` (Slack, "Formatting text for app surfaces")."""
    target, _, label = token.partition("|")
    if target.startswith(("@", "#")):
        return Span(reader.names.get(target[1:]) or (f"{target[0]}{label}" if label else target), "mention")
    if target.startswith("!date^"):
        return Span(label or _date(target))
    if target.startswith("!"):
        return Span(unescape(label) or f"@{target[1:]}", "mention")
    return Span(unescape(label or target), "link")


def _date(token: str) -> str:
    seconds = token.split("^")[1]
    return f"{datetime.fromtimestamp(int(seconds), UTC).astimezone():%H:%M}"


def _rich(part: JsonObject, reader: Reader) -> list[Line]:
    if part["type"] == "rich_text_list":
        items = [_rich(item, reader) for item in part["elements"]]
        marks = [f"{number}. " if part["style"] == "ordered" else "• " for number in range(1, len(items) + 1)]
        return [(Span(mark), *line) for mark, lines in zip(marks, items, strict=True) for line in lines]
    spans = [_inline(element, reader) for element in part["elements"]]
    if part["type"] == "rich_text_preformatted":
        return _split([Span(span.text, "fence") for span in spans])
    quote = (Span("│ ", "dim"),) if part["type"] == "rich_text_quote" else ()
    return [(*quote, *line) for line in _split(spans)]


def _inline(element: JsonObject, reader: Reader) -> Span:
    match element["type"]:
        case "text":
            style = element.get("style") or {}
            shown: Style = "code" if style.get("code") else "bold" if style.get("bold") else ""
            return Span(element["text"], shown)
        case "link":
            return Span(element.get("text") or element["url"], "link")
        case "user" | "channel":
            key = element.get("user_id") or element.get("channel_id") or ""
            return Span(reader.names.get(key, key), "mention")
        case "broadcast":
            return Span(f"@{element['range']}", "mention")
        case "date":
            return Span(element.get("fallback") or _date(f"^{element['timestamp']}"))
        case "emoji":
            return Span(_emoji(f":{element['name']}:"))
        case other:
            return Span(f"<{other}>")


def _cell(cell: JsonObject, reader: Reader) -> str:
    if cell["type"] == "rich_text":
        return " ".join("".join(span.text for span in line) for line in _block(cell, reader))
    return str(cell.get("text") or cell.get("value"))


def _table(rows: list[list[str]]) -> list[Line]:
    widths = [max(cell_len(row[column]) for row in rows if column < len(row)) for column in range(max(map(len, rows)))]
    lines = [
        "  ".join(cell + " " * (widths[column] - cell_len(cell)) for column, cell in enumerate(row)) for row in rows
    ]
    return [(Span(line.rstrip(), "bold" if number == 0 else ""),) for number, line in enumerate(lines)]


def _emoji(text: str) -> str:
    return Emoji.replace(text)


def _split(spans: Sequence[Span]) -> list[Line]:
    """Cut spans at line breaks."""
    lines: list[list[Span]] = [[]]
    for span in spans:
        first, *more = span.text.split("\n")
        lines[-1].append(Span(first, span.style))
        lines += [[Span(part, span.style)] for part in more]
    return [tuple(line) for line in lines]
