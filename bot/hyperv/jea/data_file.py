"""Writing PowerShell data files (.psd1, .psrc, .pssc): values in, text out.

Only what Microsoft Learn's about_Data_Files allows, and script blocks, which a role capability's FunctionDefinitions
take. ASCII only: Windows PowerShell 5.1 reads a file without a byte order mark in the machine's own code page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_STEP = " " * 4
_LONGEST = 100


@dataclass(frozen=True)
class Script:
    """PowerShell text that becomes a script block; it has to be whole, braces included."""

    text: str


Value = bool | str | Script | Sequence["Value"] | Mapping[str, "Value"]


def render_data_file(comment: str, content: Mapping[str, Value]) -> str:
    """A file that Import-PowerShellDataFile reads, or that a session configuration is made of.

    Raises:
        ValueError: something in it is not ASCII.
    """
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    text = f"{head}{_render(content, '')}\n"
    if not text.isascii():
        raise ValueError("a PowerShell data file is written in ASCII")
    return text


def _render(value: Value, indent: str) -> str:
    """On one line what fits there, the rest an item a line."""
    line = _one_line(value)
    if line is not None and len(indent) + len(line) <= _LONGEST:
        return line
    inner = indent + _STEP
    if isinstance(value, Script):
        return value.text.replace("\n", f"\n{indent}")
    if isinstance(value, Mapping):
        lines = [f"{inner}{_key(key)} = {_render(item, inner)}\n" for key, item in value.items()]
        return "@{\n" + "".join(lines) + indent + "}"
    if isinstance(value, bool | str):
        return _scalar(value)
    return "@(\n" + "".join(f"{inner}{_render(item, inner)}\n" for item in value) + indent + ")"


def _one_line(value: Value) -> str | None:
    """None where that is not possible."""
    if isinstance(value, Script):
        return None
    if isinstance(value, bool | str):
        return _scalar(value)
    if isinstance(value, Mapping):
        pairs = [(_key(key), _one_line(item)) for key, item in value.items()]
        return None if None in dict(pairs).values() else f"@{{ {'; '.join(f'{key} = {item}' for key, item in pairs)} }}"
    items = [_one_line(item) for item in value]
    return None if None in items else f"@({', '.join(filter(None, items))})"


def _scalar(value: bool | str) -> str:
    return f"${str(value).lower()}" if isinstance(value, bool) else quote(value)


def _key(key: str) -> str:
    return key if key.isidentifier() else quote(key)


def quote(text: str) -> str:
    """A single-quoted string: everything in it stands for itself (about_Quoting_Rules)."""
    return "'" + text.replace("'", "''") + "'"
