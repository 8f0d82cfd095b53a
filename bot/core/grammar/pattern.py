"""A usage line as a pattern, and words laid along it.

    migrate <vm> to <host> [with storage [at <path>]]

A bare word is a keyword, `<vm>` a slot, `[…]` a group that may be left out. A keyword is never a value unless it is
quoted, so there is one reading of a line or none. A slot whose field is a tuple takes all the words that are left; one
whose field is a list takes the words up to the next keyword.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile

from bot.core.grammar.words import Word

_PIECE = re.compile(r"\s*(?:<(?P<slot>[a-z][a-z_]*)>|(?P<open>\[)|(?P<close>\])|(?P<keyword>[^\s<>\[\]]+))")


@dataclass(frozen=True)
class Keyword:
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Slot:
    field: str

    def __str__(self) -> str:
        return f"<{self.field}>"


@dataclass(frozen=True)
class Group:
    """May be left out. Its leading keywords, joined with an underscore, name the field that says it was there."""

    elements: tuple[Element, ...]

    @property
    def flag(self) -> str:
        return "_".join(leading_keywords(self.elements))

    def __str__(self) -> str:
        return f"[{' '.join(map(str, self.elements))}]"


Element = Keyword | Slot | Group
Elements = tuple[Element, ...]


def read_line(line: str) -> Elements:
    """The elements of a usage line.

    Raises:
        ValueError: brackets or angle brackets do not match.
    """
    stack: list[list[Element]] = [[]]
    at = 0
    while at < len(line.rstrip()):
        piece = _PIECE.match(line, at)
        if piece is None:
            raise ValueError(f"usage line {line!r} cannot be read from {line[at:]!r}")
        at = piece.end()
        if piece["open"]:
            stack.append([])
        elif piece["close"]:
            inner = stack.pop()
            if not stack or not inner:
                raise ValueError(f"usage line {line!r} closes a bracket that holds nothing or was not opened")
            stack[-1].append(Group(tuple(inner)))
        else:
            stack[-1].append(Slot(piece["slot"]) if piece["slot"] else Keyword(piece["keyword"]))
    if len(stack) > 1:
        raise ValueError(f"usage line {line!r} does not close every bracket")
    return tuple(stack[0])


def leading_keywords(elements: Elements) -> tuple[str, ...]:
    found: list[str] = []
    for element in elements:
        if not isinstance(element, Keyword):
            break
        found.append(element.text)
    return tuple(found)


def walk(elements: Elements) -> Iterator[Element]:
    """Every element, groups before what they hold."""
    for element in elements:
        yield element
        if isinstance(element, Group):
            yield from walk(element.elements)


@dataclass(frozen=True)
class Laid:
    """Words that fit: which words each slot took, and which groups were there."""

    values: Mapping[str, tuple[Word, ...]]
    groups: frozenset[str]


@dataclass(frozen=True)
class Stuck:
    """Words that do not fit, and the furthest place that was reached.

    Attributes:
        at: index of the word that does not fit; the number of words if more were needed.
        expected: what could have come there, each with what would have had to follow it; empty: the end.
    """

    at: int
    expected: tuple[Elements, ...]


def lay(
    elements: Elements, words: tuple[Word, ...], greedy: frozenset[str], lists: frozenset[str] = frozenset()
) -> Laid | Stuck:
    """Lay words along elements.

    Args:
        greedy: the slots that take all the words that are left.
        lists: the slots that take the words up to the next keyword.
    """
    laying = _Laying(elements, words, greedy, lists)
    for end, laid in laying.along(elements, 0, Laid({}, frozenset())):
        if end == len(words):
            return laid
        laying.miss(end, ())
    return Stuck(laying.furthest, tuple(laying.expected))


class _Laying:
    def __init__(
        self, elements: Elements, words: tuple[Word, ...], greedy: frozenset[str], lists: frozenset[str]
    ) -> None:
        self.words = words
        self.greedy = greedy
        self.lists = lists
        self.keywords = tuple(element.text for element in walk(elements) if isinstance(element, Keyword))
        self.furthest = 0
        self.expected: list[Elements] = []

    def along(self, elements: Elements, at: int, laid: Laid) -> Iterator[tuple[int, Laid]]:
        """Every way to lay words from `at` along all the elements, groups that are there first."""
        if not elements:
            yield at, laid
            return
        first, rest = elements[0], elements[1:]
        if isinstance(first, Group):
            present = Laid(laid.values, laid.groups | {first.flag})
            for end, inner in self.along(first.elements, at, present):
                yield from self.along(rest, end, inner)
            yield from self.along(rest, at, laid)
        elif taken := self._take(first, at):
            values = laid.values if isinstance(first, Keyword) else {**laid.values, first.field: taken}
            yield from self.along(rest, at + len(taken), Laid(values, laid.groups))
        else:
            self.miss(at, elements)

    def _take(self, element: Keyword | Slot, at: int) -> tuple[Word, ...]:
        word = self.words[at : at + 1]
        if isinstance(element, Keyword):
            return word if word and word[0].says(element.text) else ()
        if word and self._is_keyword(word[0]):
            return ()
        if element.field in self.lists:
            return tuple(takewhile(lambda each: not self._is_keyword(each), self.words[at:]))
        return self.words[at:] if element.field in self.greedy else word

    def _is_keyword(self, word: Word) -> bool:
        return any(word.says(keyword) for keyword in self.keywords)

    def miss(self, at: int, expected: Elements) -> None:
        if at > self.furthest:
            self.furthest, self.expected = at, []
        if at == self.furthest and expected not in self.expected:
            self.expected.append(expected)
