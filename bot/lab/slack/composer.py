"""What Slack's clients make of typed text: escapes, links, mentions, code, and the rich_text block beside it.

Facts (Slack, "Formatting text for app surfaces"): only &, < and > are escaped; a backslash is literal; bare host names
become links; nothing is linked or mentioned inside back-ticks. That a host name in a UNC path is linked is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.lab.slack.model import JsonObject

# Slack links a bare name only where it ends in a real top-level domain; these are enough for a lab. `.local` is none.
TOP_LEVEL = (
    "com|net|org|edu|gov|mil|int|info|biz|io|dev|app|cloud|online|tech|eu|de|uk|fr|nl|ch|at|it|es|pl|se|us|ca|au|jp|co"
)
_TOKENS = re.compile(
    rf"""
      ```(?P<fence>.+?)```
    | `(?P<code>[^`\n]+)`
    | (?P<mail>\b[\w.+-]+@(?:[\w-]+\.)+(?:{TOP_LEVEL})\b)
    | (?P<url>\bhttps?://[^\s<>`|]+[^\s<>`|.,;:!?)\]'"])
    | (?P<host>(?<![\w.@-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{TOP_LEVEL})(?![\w-])(?!\.\w)
        (?::\d+)?(?:/[^\s<>`|]*)?)
    | (?<![\w@])@(?P<at>[\w][\w.-]*)
    | (?<![\w\#])\#(?P<channel>[\w-]+)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
BROADCASTS = ("here", "channel", "everyone")


@dataclass(frozen=True)
class Composed:
    """A message as it leaves the client."""

    text: str
    blocks: tuple[JsonObject, ...]


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def compose(typed: str, ids: Mapping[str, str], *, with_names: bool = False) -> Composed:
    """Turn typed text into what the app receives.

    Args:
        ids: lower-case names of people ("@alice") and channels ("#ops") to their ids.
        with_names: mentions as `<@U…|alice>`, the way slash commands get them.
    """
    text: list[str] = []
    sections: list[JsonObject] = []
    inline: list[JsonObject] = []
    position = 0

    def plain(part: str) -> None:
        if part:
            text.append(escape(part))
            inline.append({"type": "text", "text": part})

    def close_section() -> None:
        if inline:
            sections.append({"type": "rich_text_section", "elements": inline[:]})
            inline.clear()

    for match in _TOKENS.finditer(typed):
        plain(typed[position : match.start()])
        position = match.end()
        if match["fence"]:
            text.append(escape(match[0]))
            close_section()
            sections.append({"type": "rich_text_preformatted", "elements": [{"type": "text", "text": match["fence"]}]})
            continue
        token = _token(match, ids, with_names)
        if token is None:
            plain(match[0])
            continue
        text.append(token[0])
        inline.append(token[1])
    plain(typed[position:])
    close_section()
    return Composed("".join(text), ({"type": "rich_text", "elements": sections},) if sections else ())


def _token(match: re.Match[str], ids: Mapping[str, str], with_names: bool) -> tuple[str, JsonObject] | None:
    """A recognised piece as (text, rich_text element); None when it is only text after all."""
    whole = match[0]
    if match["code"]:
        return escape(whole), {"type": "text", "text": match["code"], "style": {"code": True}}
    if match["mail"]:
        return f"<mailto:{whole}|{whole}>", {"type": "link", "url": f"mailto:{whole}", "text": whole}
    if match["url"]:
        return f"<{escape(whole)}>", {"type": "link", "url": whole}
    if match["host"]:
        url = f"http://{whole}"
        return f"<{escape(url)}|{escape(whole)}>", {"type": "link", "url": url, "text": whole}
    found = ids.get(whole.lower())
    if match["at"]:
        if match["at"].lower() in BROADCASTS:
            return f"<!{match['at'].lower()}>", {"type": "broadcast", "range": match["at"].lower()}
        name = f"|{match['at']}" if with_names else ""
        return (f"<@{found}{name}>", {"type": "user", "user_id": found}) if found else None
    return (f"<#{found}|{match['channel']}>", {"type": "channel", "channel_id": found}) if found else None
