"""A message as Slack and its clients deliver it, turned into the one line that was meant.

Not a tokeniser: quotes, back-ticks and formatting marks stay, because only `words` knows where a word begins.

Facts (1 and 2: Slack developer documentation, "Formatting message text"; 3 and 4: assumed, harmless if wrong):
    1. `&`, `<` and `>` arrive as entities, nothing else does; backslashes are literal.
    2. A raw `<…>` is a token: `<@U…>`, `<#C…|name>`, `<!here>`, `<!subteam^S…>`, or a link `<url|label>`.
    3. Clients link what looks like a domain by themselves: `host02.contoso.com` arrives as
       `<http://host02.contoso.com|host02.contoso.com>`, also in the middle of `\\\\server.contoso.com\\share`.
    4. Phones and macOS type curly quotes, long dashes for `--`, no-break blanks and zero-width characters.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from bot.core.grammar.words import FENCE, shown
from bot.errors import UsageError

LONGEST_TEXT = 4000
"""Characters of a message that is read at all; the longest sensible command, two long paths, has a quarter of it."""

_TOKEN = re.compile(r"<([^<>]*)>")
_MENTION = re.compile(r"[@#!]")
_LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AFTER_MENTION = " :,\n"
_LINE_ENDS = re.compile("\r\n|[\r\u0085\u2028\u2029]")
_TYPOGRAPHY = str.maketrans(
    dict.fromkeys("“”„‟«»″", '"')
    | dict.fromkeys("‘’‚‛‹›′", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2212", "-")
    | dict.fromkeys("–—", "--")
)


def normalise(text: str, bot_user: str = "") -> str:
    """The command's line. Text that is clean already comes back unchanged.

    Args:
        text: as it arrived, entities and link tokens included.
        bot_user: the bot's own user id; its mention at the beginning is dropped.

    Raises:
        UsageError: the text is longer than LONGEST_TEXT, or has several lines.
    """
    if len(text) > LONGEST_TEXT:
        raise UsageError(
            f"this message has {len(text)} characters; a command is one line of at most {LONGEST_TEXT}",
            hint="`help` shows how commands are written",
        )
    clean = _drop_leading_mentions(_plain_characters(text).strip(), bot_user)
    return _one_line(_unescape(_TOKEN.sub(_read_token, clean)))


def _plain_characters(text: str) -> str:
    """Straight quotes, hyphens, blanks; nothing invisible (Unicode category Cf: zero-width, bidi, soft hyphen)."""
    text = _LINE_ENDS.sub("\n", text).translate(_TYPOGRAPHY)
    blanks = (" " if character.isspace() and character != "\n" else character for character in text)
    return "".join(character for character in blanks if unicodedata.category(character) != "Cf")


def _drop_leading_mentions(text: str, bot_user: str) -> str:
    if not bot_user:
        return text
    mention = re.compile(rf"<@{re.escape(bot_user)}(\|[^<>]*)?>")
    while found := mention.match(text):
        text = text[found.end() :].lstrip(_AFTER_MENTION)
    return text


def _read_token(found: re.Match[str]) -> str:
    """What a person typed to get this token; a mention stays an opaque word, which no slot accepts."""
    inside = found[1]
    target, bar, label = inside.partition("|")
    if _MENTION.match(inside):
        return f"<{''.join(target.split())}>"
    if not _LINK.match(inside):
        return found[0]
    if bar and label:
        return label
    if target.startswith(("mailto:", "tel:")):
        return target.partition(":")[2]
    return _host_of(target)


def _host_of(url: str) -> str:
    """`http://host02.contoso.com/` is how a bare host may be linked; any other address stays as it is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    is_host = parts.scheme in ("http", "https") and parts.netloc and parts.path in ("", "/")
    return parts.netloc if is_host and not (parts.query or parts.fragment) else url


def _unescape(text: str) -> str:
    """Exactly once: `&amp;` last, so that `&amp;lt;` becomes the typed `&lt;`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _one_line(text: str) -> str:
    text = text.strip()
    if text.startswith(FENCE) and text.endswith(FENCE) and text.count(FENCE) == 2 and len(text) > 2 * len(FENCE):
        text = text[len(FENCE) : -len(FENCE)]
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) > 1:
        raise UsageError(
            f"a command is one line; this message has {len(lines)}, the first two are "
            f"{shown(lines[0])} and {shown(lines[1])}",
            hint="one message for each command",
        )
    return lines[0] if lines else ""
