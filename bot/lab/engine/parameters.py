"""How a cmdlet declares itself, and how an argument is converted to a parameter's type.

Facts (PowerShell source, ReflectionParameterBinder and LanguagePrimitives; Microsoft Learn, about_Parameter_Sets):
1. A null given to a switch means "present"; a null given to a bool is refused.
2. A bool takes booleans and numbers only, never text.
3. Text, numbers and one-element values become arrays where an array is wanted; an array never becomes one text.
4. What a value may be is checked after its conversion, as text, element by element, without regard to case
   (ValidateSetAttribute, ValidatePatternAttribute).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot.lab.engine.errors import BINDING, VALIDATION, Category, PsError
from bot.lab.engine.values import PsArray, PsEnum, PsObject, display, type_name

if TYPE_CHECKING:
    from bot.lab.engine.pipeline import Records, Session

ALL_SETS = "__AllParameterSets"


class Kind(Enum):
    """A parameter's .NET type."""

    STRING = "System.String"
    STRINGS = "System.String[]"
    GUID = "System.Guid"
    GUIDS = "System.Guid[]"
    INT = "System.Int32"
    UINT = "System.UInt32"
    BOOL = "System.Boolean"
    SWITCH = "System.Management.Automation.SwitchParameter"
    HASHTABLE = "System.Collections.IDictionary"
    HASHTABLES = "System.Collections.Hashtable[]"
    OBJECT = "System.Management.Automation.PSObject"
    PREFERENCE = "System.Management.Automation.ActionPreference"


@dataclass(frozen=True)
class In:
    """How a parameter takes part in one parameter set."""

    set: str = ALL_SETS
    mandatory: bool = False
    position: int | None = None
    pipeline: bool = False  # takes the whole input object
    by_name: bool = False  # takes the input object's property of this name


@dataclass(frozen=True)
class Validation:
    """A ValidateSet or a ValidatePattern, which is a .NET regular expression that is searched for."""

    set: tuple[str, ...] = ()
    pattern: str = ""

    def allows(self, text: str) -> bool:
        if self.pattern:
            return bool(_compiled(self.pattern).search(text))
        return text.casefold() in {choice.casefold() for choice in self.set}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Python writes the very end as \\Z, .NET as \\z."""
    return re.compile(pattern.replace(r"\z", r"\Z"), re.IGNORECASE)


@dataclass(frozen=True)
class Parameter:
    """A parameter. `kind` may also be the full name of a .NET class: then only an object of that type fits."""

    name: str
    kind: Kind | str = Kind.STRING
    sets: tuple[In, ...] = (In(),)
    aliases: tuple[str, ...] = ()
    many: bool = False  # with a class name: an array of such objects
    choices: tuple[str, ...] = ()  # an enum's names
    validation: Validation | None = None
    hidden: bool = False  # of a proxy that lacks it: nothing binds to it, though the command within may need it

    def use(self, set_name: str) -> In | None:
        return next((use for use in self.sets if use.set in (set_name, ALL_SETS)), None)

    @property
    def type(self) -> str:
        return self.kind.value if isinstance(self.kind, Kind) else self.kind + ("[]" if self.many else "")


@dataclass(frozen=True)
class Cmdlet:
    """A cmdlet.

    Attributes:
        type: the implementing class; the second half of its errors' identifiers.
        run: gets one `Arguments` per input object (exactly one if nothing is piped in), yields output.
        sets: parameter set names; the first is the default.
        should_process: whether it has -WhatIf and -Confirm.
    """

    name: str
    type: str
    parameters: tuple[Parameter, ...]
    run: Callable[[Session, Records], AsyncIterator[object]]
    sets: tuple[str, ...] = (ALL_SETS,)
    should_process: bool = False


PREFERENCES = ("SilentlyContinue", "Stop", "Continue", "Inquire", "Ignore", "Suspend")  # numbers 0 to 5

COMMON = (
    Parameter("Verbose", Kind.SWITCH, aliases=("vb",)),
    Parameter("Debug", Kind.SWITCH, aliases=("db",)),
    Parameter("ErrorAction", Kind.PREFERENCE, aliases=("ea",)),
    Parameter("WarningAction", Kind.PREFERENCE, aliases=("wa",)),
    Parameter("InformationAction", Kind.PREFERENCE, aliases=("infa",)),
    Parameter("ErrorVariable", Kind.STRING, aliases=("ev",)),
    Parameter("WarningVariable", Kind.STRING, aliases=("wv",)),
    Parameter("InformationVariable", Kind.STRING, aliases=("iv",)),
    Parameter("OutVariable", Kind.STRING, aliases=("ov",)),
    Parameter("OutBuffer", Kind.INT, aliases=("ob",)),
    Parameter("PipelineVariable", Kind.STRING, aliases=("pv",)),
)
SHOULD_PROCESS = (Parameter("WhatIf", Kind.SWITCH, aliases=("wi",)), Parameter("Confirm", Kind.SWITCH, aliases=("cf",)))


def convert(cmdlet: Cmdlet, parameter: Parameter, value: object) -> Any:
    """The argument in the parameter's type.

    Raises:
        PsError: as PowerShell words it when the value does not fit.
    """
    converted = _converted(cmdlet, parameter, value)
    if parameter.validation is not None:
        _validate(cmdlet, parameter, parameter.validation, converted)
    return converted


def _converted(cmdlet: Cmdlet, parameter: Parameter, value: object) -> Any:
    if parameter.kind is Kind.SWITCH:
        return True if value is None else _boolean(cmdlet, parameter, value)
    if value is None:
        raise _refused(cmdlet, parameter, "null", "NullNotAllowed")
    if isinstance(parameter.kind, str):
        return _instance(cmdlet, parameter, value)
    convert_one = _CONVERTERS[parameter.kind]
    if parameter.kind not in _ARRAYS:
        if isinstance(value, list | PsArray):
            raise _mismatch(cmdlet, parameter, value, "Specified method is not supported.")
        return _chosen(cmdlet, parameter, convert_one(cmdlet, parameter, value))
    items = value.items if isinstance(value, PsArray) else value if isinstance(value, list) else [value]
    if not items:
        raise _refused(cmdlet, parameter, "an empty array", "EmptyArrayNotAllowed")
    return tuple(convert_one(cmdlet, parameter, item) for item in items)


def _validate(cmdlet: Cmdlet, parameter: Parameter, validation: Validation, value: object) -> None:
    for item in value if isinstance(value, tuple) else (value,):
        text = display(item)
        if validation.allows(text):
            continue
        pattern, choices = validation.pattern, ",".join(validation.set)
        why = (
            f'does not match the "{pattern}" pattern. Supply an argument that matches "{pattern}" and try'
            if pattern
            else f'does not belong to the set "{choices}" specified by the ValidateSet attribute. Supply an argument '
            "that is in the set and then try"
        )
        raise PsError(
            f"Cannot validate argument on parameter '{parameter.name}'. The argument \"{text}\" {why} the command "
            "again.",
            f"ParameterArgumentValidationError,{cmdlet.type}",
            Category.InvalidData,
            VALIDATION,
        )


def fits(parameter: Parameter, value: object) -> bool:
    """Whether a value already has the parameter's type, so that no conversion is needed."""
    if isinstance(parameter.kind, str):
        return isinstance(value, PsObject) and parameter.kind in value.types
    wanted: dict[Kind, tuple[type, ...]] = {
        Kind.STRING: (str,),
        Kind.GUID: (UUID,),
        Kind.INT: (int,),
        Kind.UINT: (int,),
        Kind.BOOL: (bool,),
        Kind.SWITCH: (bool,),
        Kind.HASHTABLE: (dict,),
        Kind.OBJECT: (object,),
    }
    return isinstance(value, wanted.get(parameter.kind, ()))


def _instance(cmdlet: Cmdlet, parameter: Parameter, value: object) -> Any:
    items = value if isinstance(value, list) else list(value.items) if isinstance(value, PsArray) else [value]
    for item in items:
        if not fits(parameter, item):
            raise PsError(
                f"Cannot bind parameter '{parameter.name}'. Cannot convert the \"{display(item)}\" value of type "
                f'"{type_name(item)}" to type "{parameter.kind}".',
                f"CannotConvertArgumentNoMessage,{cmdlet.type}",
                Category.InvalidArgument,
                BINDING,
            )
    if parameter.many:
        return tuple(items)
    if len(items) != 1:
        raise _mismatch(cmdlet, parameter, value, "Specified method is not supported.")
    return items[0]


def _text(cmdlet: Cmdlet, parameter: Parameter, value: object) -> str:
    text = display(value)
    if not text and any(use.mandatory for use in parameter.sets):
        raise _refused(cmdlet, parameter, "an empty string", "EmptyStringNotAllowed")
    return text


def _guid(cmdlet: Cmdlet, parameter: Parameter, value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(display(value))
    except ValueError:
        raise _unconvertible(
            cmdlet,
            parameter,
            value,
            "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx).",
        ) from None


def _number(cmdlet: Cmdlet, parameter: Parameter, value: object) -> int:
    low, high = (0, 2**32 - 1) if parameter.kind is Kind.UINT else (-(2**31), 2**31 - 1)
    try:
        number = int(value.number if isinstance(value, PsEnum) else display(value))
    except ValueError:
        raise _unconvertible(cmdlet, parameter, value, "Input string was not in a correct format.") from None
    if not low <= number <= high:
        raise _unconvertible(cmdlet, parameter, value, "Value was either too large or too small for an Int32.")
    return number


def _boolean(cmdlet: Cmdlet, parameter: Parameter, value: object) -> bool:
    if isinstance(value, PsObject) and Kind.SWITCH.value in value.types[0]:
        value = value.get("IsPresent")
    if isinstance(value, bool | int | float):
        return bool(value)
    raise PsError(
        f"Cannot process argument transformation on parameter '{parameter.name}'. Cannot convert value "
        f'"{type_name(value)}" to type "{parameter.type}". Boolean parameters accept only Boolean values and numbers, '
        "such as $True, $False, 1 or 0 instead.",
        f"CannotConvertArgumentNoMessage,{cmdlet.type}",
        Category.InvalidArgument,
        BINDING,
    )


def _table(cmdlet: Cmdlet, parameter: Parameter, value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise _unconvertible(cmdlet, parameter, value, f'"{type_name(value)}" is no dictionary.')


def _preference(cmdlet: Cmdlet, parameter: Parameter, value: object) -> str:
    """An ActionPreference may arrive as its name, its number or an enum object."""
    text = str(value.number) if isinstance(value, PsEnum) else display(value)
    if text.isdigit() and int(text) < len(PREFERENCES):
        return PREFERENCES[int(text)]
    named = [name for name in PREFERENCES if name.lower().startswith(text.lower())] if text else []
    if len(named) == 1:
        return named[0]
    raise _unconvertible(
        cmdlet,
        parameter,
        value,
        f"Unable to match the identifier name {text} to a valid enumerator name. Specify one of the following "
        f"enumerator names and try again: {', '.join(PREFERENCES)}",
    )


def _anything(_cmdlet: Cmdlet, _parameter: Parameter, value: object) -> Any:
    return value


_ARRAYS = frozenset({Kind.STRINGS, Kind.GUIDS, Kind.HASHTABLES})
_CONVERTERS: dict[Kind, Callable[[Cmdlet, Parameter, object], Any]] = {
    Kind.STRING: _text,
    Kind.STRINGS: _text,
    Kind.GUID: _guid,
    Kind.GUIDS: _guid,
    Kind.INT: _number,
    Kind.UINT: _number,
    Kind.BOOL: _boolean,
    Kind.HASHTABLE: _table,
    Kind.HASHTABLES: _table,
    Kind.OBJECT: _anything,
    Kind.PREFERENCE: _preference,
}


def _chosen(cmdlet: Cmdlet, parameter: Parameter, value: Any) -> Any:
    if not parameter.choices:
        return value
    if match := [name for name in parameter.choices if name.lower() == str(value).lower()]:
        return match[0]
    raise _unconvertible(
        cmdlet,
        parameter,
        value,
        f"Unable to match the identifier name {value} to a valid enumerator name. Specify one of the following "
        f"enumerator names and try again: {', '.join(parameter.choices)}",
    )


def _unconvertible(cmdlet: Cmdlet, parameter: Parameter, value: object, why: str) -> PsError:
    return PsError(
        f"Cannot bind parameter '{parameter.name}'. Cannot convert value \"{display(value)}\" to type "
        f'"{parameter.type}". Error: "{why}"',
        f"CannotConvertArgumentNoMessage,{cmdlet.type}",
        Category.InvalidArgument,
        BINDING,
    )


def _mismatch(cmdlet: Cmdlet, parameter: Parameter, value: object, why: str) -> PsError:
    return PsError(
        f"Cannot convert '{type_name(value)}' to the type '{parameter.type}' required by parameter "
        f"'{parameter.name}'. {why}",
        f"CannotConvertArgument,{cmdlet.type}",
        Category.InvalidArgument,
        BINDING,
    )


def _refused(cmdlet: Cmdlet, parameter: Parameter, what: str, identifier: str) -> PsError:
    return PsError(
        f"Cannot bind argument to parameter '{parameter.name}' because it is {what}.",
        f"ParameterArgumentValidationError{identifier},{cmdlet.type}",
        Category.InvalidData,
        VALIDATION,
    )
