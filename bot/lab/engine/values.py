"""What travels in a simulated pipeline: plain values, typed as .NET types them, before they become CLIXML.

Between two cmdlets of one pipeline an object keeps its `native` part (the thing of the world it shows), as a live .NET
object does; on the wire only types, properties and text remain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID


class Int64(int):
    """System.Int64; a plain int is System.Int32."""


class UInt8(int):
    """System.Byte."""


class UInt16(int):
    """System.UInt16."""


class UInt32(int):
    """System.UInt32."""


class UInt64(int):
    """System.UInt64."""


class Char(str):
    """System.Char: one character."""

    __slots__ = ()


@dataclass(frozen=True)
class PsEnum:
    """A value of a .NET enum: its number is what programs compare, its name what people read."""

    type: str
    name: str
    number: int

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class PsArray:
    """A .NET collection; `type` is the element type's full name."""

    type: str
    items: tuple[Value, ...] = ()

    @property
    def types(self) -> tuple[str, ...]:
        return (f"{self.type}[]", "System.Array", "System.Object")


_NOTHING: Mapping[str, Value] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class PsObject:
    """A .NET object.

    Attributes:
        types: full type names, most derived first, without System.Object.
        properties: adapted properties (the type's own), in order.
        extended: properties that PowerShell's type data adds.
        text: what its ToString() gives; this is all that remains of it when it is a property of another object.
        native: the simulated thing behind it; never serialised.
    """

    types: tuple[str, ...]
    properties: Mapping[str, Value]
    text: str = ""
    extended: Mapping[str, Value] = field(default_factory=lambda: _NOTHING)
    native: object = None

    def get(self, name: str) -> Value:
        """A property by name, upper and lower case alike; None if there is none, as `$object.Missing` gives $null."""
        wanted = name.casefold()
        for bag in (self.extended, self.properties):
            for key, value in bag.items():
                if key.casefold() == wanted:
                    return value
        return None

    def has(self, name: str) -> bool:
        wanted = name.casefold()
        return any(key.casefold() == wanted for bag in (self.extended, self.properties) for key in bag)

    def __str__(self) -> str:
        return self.text or self.types[0]


Value = (
    None | bool | int | float | str | bytes | datetime | timedelta | UUID | PsEnum | PsArray | PsObject | dict[str, str]
)


def type_name(value: object) -> str:
    """The .NET name of a value's type, as binding errors print it."""
    if isinstance(value, PsObject):
        return value.types[0]
    if isinstance(value, PsEnum):
        return value.type
    names: dict[type, str] = {
        bool: "System.Boolean",
        int: "System.Int32",
        Int64: "System.Int64",
        UInt8: "System.Byte",
        UInt16: "System.UInt16",
        UInt32: "System.UInt32",
        UInt64: "System.UInt64",
        float: "System.Double",
        str: "System.String",
        UUID: "System.Guid",
        timedelta: "System.TimeSpan",
        datetime: "System.DateTime",
        dict: "System.Collections.Hashtable",
        list: "System.Object[]",
        tuple: "System.Object[]",
        PsArray: "System.Object[]",
    }
    return next((name for kind, name in names.items() if type(value) is kind), "System.Object")


def display(value: object) -> str:
    """A value as PowerShell turns it into text."""
    if value is None:
        return ""
    if isinstance(value, PsArray):
        return " ".join(display(item) for item in value.items)
    if isinstance(value, list | tuple):
        return " ".join(display(item) for item in value)
    return str(value)
