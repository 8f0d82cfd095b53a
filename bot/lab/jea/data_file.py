r"""A strict reader of PowerShell data files (.psd1, .psrc, .pssc), as far as such files need to go.

One hashtable of strings, whole numbers, $true, $false, $null, arrays, hashtables and, in role capabilities, script
blocks, which stay text. Everything else is refused: commands, variables, operators, strings that expand, and quotes
other than ' and ", which PowerShell takes for those (about_Quoting_Rules, about_Data_Files).

An array is written with commas, or between @( and ) with commas or an item a line. Keys differ by more than case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Script:
    """The text between the braces of a script block."""

    text: str


Data = None | bool | int | str | Script | list["Data"] | dict[str, "Data"]

_TOKEN = re.compile(
    r"""
    (?P<blank>   [ \t]+ | \#[^\n]* | <\#.*?\#> )
  | (?P<line>    \n | ; )
  | (?P<mark>    @\{ | @\( | [{}()=,] )
  | (?P<single>  '(?:[^'‘’‚‛]|'')*' )
  | (?P<double>  "[^"$`“”„]*" )
  | (?P<number>  -?[0-9]+ (?![\w.]) )
  | (?P<word>    \$?[A-Za-z_]\w* )
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_SCRIPT = re.compile(
    r"'(?:[^']|'')*' | \"(?:[^\"`]|`.)*\" | <\#.*?\#> | \#[^\n]* | [{}] | [^'\"<#{}]+ | .", re.X | re.S
)
_CONSTANTS: dict[str, Data] = {"$true": True, "$false": False, "$null": None}


class Malformed(ValueError):
    """The text is no such file; the message says the line and what was expected there."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def read_data_file(text: str) -> dict[str, Data]:
    """
    Raises:
        Malformed: it is no data file, or more than one value.
    """
    reader = _Reader(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    reader.expect("@{")
    content = reader.table()
    if reader.next(over_lines=True).kind != "end":
        raise reader.malformed("nothing after the hashtable")
    return content


class _Reader:
    """Recursive descent; `_token` is the one read last."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._token = _Token("start", "", 0)

    def malformed(self, expected: str) -> Malformed:
        line = self._text.count("\n", 0, self._token.at) + 1
        return Malformed(f"line {line}: expected {expected}, found {self._token.text or 'the end'!r}")

    def next(self, *, over_lines: bool = False) -> _Token:
        while True:
            match = _TOKEN.match(self._text, self._at)
            if match is None:
                self._token = _Token("end" if self._at == len(self._text) else "strange", self._rest(), self._at)
                return self._token
            kind = match.lastgroup or ""
            self._token = _Token(kind, match[0], self._at)
            self._at = match.end()
            if kind != "blank" and not (over_lines and kind == "line"):
                return self._token

    def _peek(self, *, over_lines: bool = False) -> _Token:
        before, token = self._at, self._token
        found = self.next(over_lines=over_lines)
        self._at, self._token = before, token
        return found

    def _rest(self) -> str:
        return self._text[self._at : self._at + 12]

    def expect(self, mark: str) -> None:
        if self.next(over_lines=True).text != mark:
            raise self.malformed(repr(mark))

    def table(self) -> dict[str, Data]:
        content: dict[str, Data] = {}
        while (key := self._key()) is not None:
            if key.casefold() in (known.casefold() for known in content):
                raise self.malformed(f"a key other than {key}")
            if self.next().text != "=":
                raise self.malformed("'='")
            content[key] = self._value()
            if self._peek().kind != "line" and self._peek().text != "}":
                self.next()
                raise self.malformed("a new line, ';' or '}'")
        return content

    def _key(self) -> str | None:
        """None at the end of the hashtable."""
        token = self.next(over_lines=True)
        if token.text == "}":
            return None
        if token.kind in ("single", "double"):
            return _unquoted(token)
        if token.kind != "word" or token.text.startswith("$"):
            raise self.malformed("a key or '}'")
        return token.text

    def _value(self) -> Data:
        """One item, or several with commas between them."""
        items = list(self._items())
        return items[0] if len(items) == 1 else items

    def _items(self) -> Iterator[Data]:
        yield self._item()
        while self._peek().text == ",":
            self.next()
            yield self._item()

    def _item(self) -> Data:
        token = self.next(over_lines=True)
        if token.text == "@{":
            return self.table()
        if token.text == "@(":
            return self._array()
        if token.text == "{":
            return self._script()
        if token.kind in ("single", "double"):
            return _unquoted(token)
        if token.kind == "number":
            return int(token.text)
        if token.text.lower() in _CONSTANTS:
            return _CONSTANTS[token.text.lower()]
        raise self.malformed("a value")

    def _array(self) -> list[Data]:
        items: list[Data] = []
        while self._peek(over_lines=True).text != ")":
            items += self._items()
            if any(isinstance(item, list) for item in items):
                raise self.malformed("no array in an array")
            if self._peek().kind != "line" and self._peek().text != ")":
                self.next()
                raise self.malformed("',', a new line or ')'")
        self.next(over_lines=True)
        return items

    def _script(self) -> Script:
        """Up to the brace that closes it; braces in strings and comments do not count."""
        begin, depth = self._at, 1
        for match in _IN_SCRIPT.finditer(self._text, begin):
            depth += {"{": 1, "}": -1}.get(match[0], 0)
            if not depth:
                self._at = match.end()
                return Script(self._text[begin : match.start()])
        raise self.malformed("a '}' that closes the script block")


def _unquoted(token: _Token) -> str:
    inside = token.text[1:-1]
    return inside.replace("''", "'") if token.kind == "single" else inside
