"""Spans as Slack's mrkdwn, within a limit. Text that came from outside stays text.

Facts: mrkdwn escapes only `&`, `<`, `>` and has no escape for `*`, `_`, `~`, `:name:` (Slack, "Formatting message
text"). That a zero-width space after the opening character keeps it literal is assumed; in code nothing needs it.
Ferry's grammar drops such characters from what people paste back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC

from bot.core.reply import Code, Line, Moment, Span, Strong, User

_ZERO_WIDTH = "\u200b"
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_IN_TICKS = re.compile(r"(`[^`]+`)")
_FORMATTING = re.compile(r"(?<!\w)[*_~](?=\S)|:(?=[a-z][a-z0-9_+-]*:)")
_USER = re.compile(r"[UW][A-Z0-9]+\Z")
_ELLIPSIS = "…"


def size(text: str) -> int:
    """Length as Slack may count it: in UTF-16 units, so that an emoji counts twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clean(text: str, keep: str = "") -> str:
    """Without invisible and bidirectional controls; other controls and line ends, but those to keep, become blanks."""
    return "".join(character if character in keep else _visible(character) for character in text)


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cf", "Cs"):
        return ""
    return " " if category in ("Cc", "Zl", "Zp") else character


def render_line(line: Line, longest: int) -> str:
    """One line of at most `longest` characters, whole entities, spans and mentions; what is cut ends in "…"."""
    shown = _joined(line, longest)
    # At the beginning of a line Slack reads even the escaped character as a quotation (assumed).
    return _ZERO_WIDTH + _joined(line, longest - 1) if shown.startswith("&gt;") else shown


def _joined(line: Line, longest: int) -> str:
    shown = ""
    for span in line:
        piece = _render(span)
        room = longest - size(shown)
        if size(piece) > room - 1:
            shown += _cut(span, room)
            break
        shown += piece
    return shown


def render_fence(text: str, longest: int) -> str:
    """Preformatted text, its lines kept. Back-ticks become apostrophes, as nothing else can stand inside a fence."""
    kept = clean(text.replace("\r\n", "\n"), keep="\n").replace("`", "'").strip("\n")

    def fenced(part: str) -> str:
        return f"```\n{escape(part)}\n```"

    return fenced(kept) if size(fenced(kept)) <= longest else fenced(_shorten(kept, fenced, longest))


def _render(span: Span) -> str:
    match span:
        case str():
            return _plain(span)
        case Strong():
            return f"*{bold}*" if (bold := _plain(span.text.strip())) else ""
        case Code():
            return _code(span.text)
        case User():
            return f"<@{span.id}>" if _USER.match(span.id) else _plain(span.id)
        case Moment():
            moment = span.at.astimezone(UTC)
            return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} at {{time}}|{moment:%Y-%m-%d %H:%M} UTC>"


def _plain(text: str) -> str:
    """Escaped; a pair of back-ticks in it still makes code, which can neither mention nor link."""
    parts = _IN_TICKS.split(_isolated(clean(text)))
    return "".join(escape(part if part.startswith("`") else _literal(part)) for part in parts)


def _literal(text: str) -> str:
    return _FORMATTING.sub(lambda found: found[0] + _ZERO_WIDTH, text)


def _isolated(text: str) -> str:
    """Right-to-left text must not turn its neighbours around: "host01 → host02" has a direction."""
    turns = any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text)
    return f"{_ISOLATE}{text}{_END_ISOLATE}" if turns else text


def _code(text: str) -> str:
    inside = clean(text).strip()
    if "`" in inside:
        return escape(_literal(_isolated(inside)))
    return f"`{escape(_isolated(inside))}`" if inside else ""


def _cut(span: Span, room: int) -> str:
    """The longest beginning of a span that fits, with "…"; `room` is at least 1."""
    match span:
        case str():
            return _render(_shorten(span, _render, room)) or _ELLIPSIS
        case Strong() | Code():
            kind = type(span)
            kept = _shorten(span.text, lambda text: _render(kind(text=text)), room)
            return _render(kind(text=kept)) if size(_render(kind(text=kept))) <= room else _ELLIPSIS
        case _:
            return _ELLIPSIS


def _shorten(text: str, render: Callable[[str], str], room: int) -> str:
    """The longest beginning, "…" added, whose rendering fits; "…" alone if none does."""
    low, high = 0, min(len(text), room)
    while low < high:
        middle = (low + high + 1) // 2
        if size(render(text[:middle] + _ELLIPSIS)) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low] + _ELLIPSIS
