"""Words of a clean line. Quotes group blanks; back-ticks and formatting marks around words are taken off, one layer.

Rules, each because somebody's name or path needs it:
    1. Backslash is a character like any other: `"D:\\VMs\\"` ends at its last quote.
    2. A quote opens only where a word begins and closes only where one ends: `Bob's-VM` and `'Bob's VM'` work.
    3. In back-ticks nothing is formatting, as in Slack: `_x_` in them keeps its underscores. Quotes still group.
    4. `*`, `_`, `~` come off when they enclose one whole word, or all of the line; never inside a word.
    5. A comma right after a closing quote is a word of its own: `"Web Shop", VM-02` is a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.errors import UsageError

FENCE = "```"
COMMA = ","
_QUOTES = "\"'"
_MARKS = "*_~"
_LONGEST_SHOWN = 80
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Word:
    """One word as it was meant. A quoted one is a value, never a keyword."""

    text: str
    quoted: bool = False

    def says(self, keyword: str) -> bool:
        return not self.quoted and self.text.casefold() == keyword.casefold()


def split(line: str) -> tuple[Word, ...]:
    """The words of a line.

    Raises:
        UsageError: a quote is opened and never closed.
    """
    return tuple(_scan(line.strip(), marks=_MARKS, ticks=True))


def join(words: Iterable[Word]) -> str:
    """A line that reads as these words again; an unquoted one that would be read differently goes in quotes."""
    return " ".join(quote(word.text) if word.quoted or not plain(word.text) else word.text for word in words)


def items(words: Iterable[Word]) -> tuple[Word, ...]:
    """The items of a list, which commas or `and` separate; in quotes both are part of a name."""
    found: list[Word] = []
    for word in words:
        if word.quoted:
            found.append(word)
        elif not word.says("and"):
            found += [Word(piece) for piece in word.text.split(COMMA) if piece]
    return tuple(found)


def quote(value: str) -> str:
    """The value in quotes. One that holds both kinds of quote, each before a blank, cannot be written."""
    mark = "'" if any(f'"{end}' in value + "\n" for end in " \n") else '"'
    return f"{mark}{value}{mark}"


def plain(value: str) -> bool:
    """Whether the value can be written without quotes and is read as itself."""
    if placeholder(value):
        return False
    try:
        return split(value) == (Word(value),)
    except UsageError:
        return False


def placeholder(text: str) -> bool:
    """Whether it looks copied from a usage line, like `<vm>`."""
    return text.startswith("<") and text.endswith(">")


def shown(text: str, longest: int = _LONGEST_SHOWN) -> str:
    """Text as read, in back-ticks for an error message: bounded, printable, one span."""
    printable = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    if len(printable) > longest:
        printable = printable[: longest - 1] + "…"
    return f"`{printable.replace('`', chr(39))}`"


def _scan(text: str, *, marks: str, ticks: bool) -> Iterator[Word]:
    """`marks` and `ticks` say which layers may still be taken off here; each at most once, so this never goes deep."""
    at = 0
    while found := _WORD.search(text, at):
        start = found.start()
        first = text[start]
        if first in _QUOTES:
            at = _closing(text, start, first)
            if at < 0:
                raise UsageError(
                    f"the quote that opens before {shown(text[start + 1 :])} is not closed",
                    hint=f"a quote ends at the end of a word, like {shown(quote('D:' + chr(92) + 'My VMs'))}",
                )
            yield Word(_without_ticks(text[start + 1 : at]), quoted=True)
            at += 1
            if text.startswith(COMMA, at):
                yield Word(COMMA)
                at += 1
        elif ticks and first == "`" and (inside := _in_ticks(text, start)):
            yield from _scan(text[inside], marks="", ticks=False)
            at = inside.stop + (len(FENCE) if text.startswith(FENCE, start) else 1)
        elif first in marks and (inside := _in_marks(text, start)):
            yield from _scan(text[inside], marks=marks.replace(first, ""), ticks=ticks)
            at = inside.stop + 1
        else:
            yield Word(found[0])
            at = found.end()


def _closing(text: str, start: int, mark: str) -> int:
    """Where the first `mark` at the end of a word stands, after `start`; -1 if nowhere."""
    at = text.find(mark, start + 1)
    while at >= 0 and not _ends_word(text, at + 1 + text.startswith(COMMA, at + 1)):
        at = text.find(mark, at + 1)
    return at


def _ends_word(text: str, at: int) -> bool:
    return at >= len(text) or text[at].isspace()


def _in_ticks(text: str, start: int) -> slice | None:
    mark = FENCE if text.startswith(FENCE, start) else "`"
    begin = start + len(mark)
    end = text.find(mark, begin)
    whole = end > begin and _ends_word(text, end + len(mark))
    return slice(begin, end) if whole else None


def _in_marks(text: str, start: int) -> slice | None:
    mark = text[start]
    end = _closing(text, start, mark)
    inside = text[start + 1 : end] if end > 0 else ""
    if not inside.strip() or inside[0].isspace() or inside[-1].isspace() or mark in (inside[0], inside[-1]):
        return None
    all_of_it = start == 0 and end == len(text) - 1
    one_word = not any(character.isspace() for character in inside)
    grouped = inside[0] == inside[-1] and inside[0] in _QUOTES + "`" and inside.count(inside[0]) == 2
    return slice(start + 1, end) if all_of_it or one_word or grouped else None


def _without_ticks(value: str) -> str:
    enclosed = len(value) > 2 and value[0] == value[-1] == "`" and value.count("`") == 2
    return value[1:-1] if enclosed else value
