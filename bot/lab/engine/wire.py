"""Plain values to and from psrpcore's objects. The only module of the engine that casts, since psrpcore is untyped.

Facts it rests on:
1. A host serialises pipeline output to depth 1: what a property of the object holds keeps its own type only if it is
   a primitive, an enum or a collection of those; any other object is replaced by its ToString() (MS-PSRP 2.2.5.2).
2. An enum is an object with type names, text and number (MS-PSRP 2.2.5.2.7).
3. psrpcore 0.3.1 writes whole tens of seconds wrongly ("10 s" becomes PT1S), so a duration never has a whole number of
   seconds here: a millisecond is added, as a host's own durations practically always have a fraction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from functools import cache, lru_cache
from typing import Any, cast
from uuid import UUID

from psrpcore.types import (
    ErrorCategory,
    ErrorCategoryInfo,
    ErrorRecord,
    NETException,
    PSByte,
    PSChar,
    PSDictBase,
    PSDouble,
    PSEnumBase,
    PSInt,
    PSInt64,
    PSList,
    PSNoteProperty,
    PSObject,
    PSType,
    PSUInt,
    PSUInt16,
    PSUInt64,
    PSVersion,
)

from bot.lab.engine.errors import PsError
from bot.lab.engine.values import Char, Int64, PsArray, PsEnum, PsObject, UInt8, UInt16, UInt32, UInt64

_INTEGERS = {UInt8: PSByte, UInt16: PSUInt16, UInt32: PSUInt, UInt64: PSUInt64, Int64: PSInt64, int: PSInt}


@lru_cache(maxsize=20_000)
def _integer_of(kind: Any, value: int) -> Any:
    """Each is an object with a dozen attributes, and an estate says the same few numbers again and again."""
    return kind(value)


class _Note(PSNoteProperty):
    """psrpcore makes a whole PSObject to give a property its value, and does not use it: a tenth of the lab's work."""

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.mandatory, self.ps_type = name, False, None
        self._getter = self._setter = None
        self._value = value


@cache
def _enum_member(type_name: str, name: str, number: int) -> Any:
    """psrpcore serialises an enum from a class of its own; a class with the one member needed says all that is sent."""
    create: Any = PSEnumBase  # calling it makes a new enum class, as with enum.Enum
    enum = create(type_name.rsplit(".", 1)[-1], {name: number})
    return PSType([type_name], rehydrate=False)(enum)[name]


def to_wire(value: object, depth: int = 1) -> Any:
    """A psrpcore value. `depth` counts how many levels of objects keep their properties."""
    if isinstance(value, PsObject):
        return _object(value, depth) if depth > 0 else str(value)
    if isinstance(value, PsArray):
        items = PSList([to_wire(item, depth) for item in value.items])
        items.PSObject.type_names = list(value.types)
        return items
    if isinstance(value, PsEnum):
        return _enum_member(value.type, value.name, value.number)
    if isinstance(value, timedelta):
        return value if value.microseconds else value + timedelta(milliseconds=1)
    if isinstance(value, Char):
        return PSChar(ord(value))
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return _integer_of(_INTEGERS.get(type(value), PSInt64), value)
    return PSDouble(value) if isinstance(value, float) else value


def _object(value: PsObject, depth: int) -> Any:
    result = PSObject()
    meta = result.PSObject
    meta.type_names = [*value.types, "System.Object"]
    meta.adapted_properties = [_Note(key, to_wire(item, depth - 1)) for key, item in value.properties.items()]
    meta.extended_properties = [_Note(key, to_wire(item, depth - 1)) for key, item in value.extended.items()]
    if value.text:
        meta.to_string = value.text
    return result


def from_wire(value: Any) -> Any:
    """An argument as a client sent it, in plain Python: enums as PsEnum, lists as list, hashtables as dict."""
    if value is None or isinstance(value, bool | bytes | datetime | timedelta):
        return value
    if isinstance(value, Enum):
        types = cast(PSObject, value).PSObject.type_names
        return PsEnum(types[0], value.name, int(cast(int, value)))
    if isinstance(value, UUID):
        return UUID(str(value))
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float | PSVersion):
        return float(value) if isinstance(value, float) else str(value)
    if isinstance(value, PSDictBase | dict):
        return {str(from_wire(key)): from_wire(item) for key, item in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, list):
        return [from_wire(item) for item in value]
    return _from_object(value)


def _integer(value: int) -> Any:
    """An int, or the PsEnum that a client sent as an object around a number."""
    meta = getattr(value, "PSObject", None)
    types = [str(name).removeprefix("Deserialized.") for name in (meta.type_names if meta else [])]
    if "System.Enum" in types:
        return PsEnum(types[0], str(meta.to_string or ""), int(value))  # type: ignore[union-attr]
    return int(value)


def _from_object(value: Any) -> PsObject:
    meta = value.PSObject
    types = tuple(str(name) for name in meta.type_names if name != "System.Object")
    return PsObject(
        types or ("System.Management.Automation.PSCustomObject",),
        {info.name: from_wire(info.get_value(value)) for info in meta.adapted_properties},
        str(meta.to_string or ""),
        {info.name: from_wire(info.get_value(value)) for info in meta.extended_properties},
    )


def error_parts(error: PsError) -> tuple[Any, Any]:
    """The exception and the category of an ErrorRecord."""
    exception = NETException(Message=error.message, HResult=error.hresult, Source="", StackTrace="", HelpLink=None)
    exception.PSObject.type_names = [*error.types, "System.Object"]
    exception.PSObject.to_string = f"{error.types[0]}: {error.message}"
    category = ErrorCategoryInfo(
        Category=ErrorCategory(int(error.category)),
        Activity=error.activity,
        Reason=error.reason,
        TargetName=error.target or "",
        TargetType="String" if error.target else "",
    )
    return exception, category


def error_record(error: PsError) -> Any:
    exception, category = error_parts(error)
    return ErrorRecord(
        Exception=exception,
        CategoryInfo=category,
        FullyQualifiedErrorId=error.identifier,
        TargetObject=error.target,
    )
