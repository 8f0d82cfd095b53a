"""Parameter binding: which parameter gets which argument, and which parameter set that leaves.

Not here: conversion and validation of values (`parameters`).

Facts (Microsoft Learn, about_Parameters, about_Parameter_Sets, about_Pipelines; PowerShell source,
CmdletParameterBinderController): names are exact or an unambiguous prefix; positional arguments fill in order, the
default set's parameters first; pipeline input is tried by value, then by property name, each first without conversion;
the parameter set is what all bound parameters share, the default one if several remain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.lab.engine.errors import BINDING, Category, PsError
from bot.lab.engine.parameters import COMMON, SHOULD_PROCESS, Cmdlet, Parameter, convert, fits
from bot.lab.engine.values import PsObject, display

RawArguments = Sequence[tuple[str | None, Any]]


@dataclass
class Binding:
    """Arguments bound so far: those of the command itself, before any pipeline input."""

    cmdlet: Cmdlet
    bound: dict[str, Any] = field(default_factory=dict)
    common: dict[str, Any] = field(default_factory=dict)
    sets: tuple[str, ...] = ()

    def copy(self) -> Binding:
        return Binding(self.cmdlet, dict(self.bound), dict(self.common), self.sets)

    def take(self, parameter: Parameter, value: Any) -> None:
        self.bound[parameter.name] = value
        self.sets = tuple(name for name in self.sets if parameter.use(name))


def bind_command(cmdlet: Cmdlet, arguments: RawArguments) -> Binding:
    """Bind what the command itself carries.

    Raises:
        PsError: as PowerShell words a wrong parameter; the statement ends.
    """
    binding = Binding(cmdlet, sets=cmdlet.sets)
    for name, value in arguments:
        if name is not None:
            _bind_named(binding, name, value)
    if not binding.sets:
        raise unresolved(cmdlet)
    for _, value in (argument for argument in arguments if argument[0] is None):
        _bind_positional(binding, value)
    return binding


def complete(binding: Binding) -> str:
    """The parameter set of a command that gets no pipeline input.

    Raises:
        PsError: the set is ambiguous, or a mandatory parameter is missing.
    """
    chosen, missing = _resolve(binding)
    if missing:
        raise missing_mandatory(binding.cmdlet, missing)
    return chosen


def missing_mandatory(cmdlet: Cmdlet, names: Iterable[str]) -> PsError:
    return PsError(
        "Cannot process command because of one or more missing mandatory parameters: " + " ".join(names) + ".",
        f"MissingMandatoryParameter,{cmdlet.type}",
        Category.InvalidArgument,
        BINDING,
    )


def check_before_input(binding: Binding) -> None:
    """Refuse a command whose mandatory parameters could not be filled by any pipeline input either.

    Raises:
        PsError: MissingMandatoryParameter.
    """
    lacking = {name: _missing(binding, name, but_pipeline=True) for name in binding.sets}
    if all(lacking.values()):
        chosen = binding.cmdlet.sets[0] if binding.cmdlet.sets[0] in lacking else next(iter(lacking))
        raise missing_mandatory(binding.cmdlet, lacking[chosen])


def bind_input(binding: Binding, item: object) -> tuple[dict[str, Any], str]:
    """Bind one object from the pipeline; returns all arguments for it and the parameter set.

    Raises:
        PsError: the object fits no parameter, or a mandatory one stays empty. Not terminating in PowerShell.
    """
    record = binding.copy()
    if not _bind_object(record, item):
        raise PsError(
            "The input object cannot be bound to any parameters for the command either because the command does not "
            "take pipeline input or the input and its properties do not match any of the parameters that take "
            "pipeline input.",
            f"InputObjectNotBound,{binding.cmdlet.type}",
            Category.InvalidArgument,
            BINDING,
            target=display(item) or None,
        )
    chosen, missing = _resolve(record)
    if missing:
        raise PsError(
            "The input object cannot be bound because it did not contain the information required to bind all "
            "mandatory parameters:  " + " ".join(missing),
            f"InputObjectMissingMandatory,{binding.cmdlet.type}",
            Category.InvalidArgument,
            BINDING,
            target=display(item) or None,
        )
    return record.bound, chosen


def unresolved(cmdlet: Cmdlet) -> PsError:
    return PsError(
        "Parameter set cannot be resolved using the specified named parameters.",
        f"AmbiguousParameterSet,{cmdlet.type}",
        Category.InvalidArgument,
        BINDING,
    )


def _bind_named(binding: Binding, name: str, value: object) -> None:
    parameter, is_common = _find(binding.cmdlet, name.lstrip("-").rstrip(":"))
    if parameter.name in binding.bound or parameter.name in binding.common:
        raise PsError(
            f"Cannot bind parameter because parameter '{parameter.name}' is specified more than once. To provide "
            "multiple values to parameters that can accept multiple values, use the array syntax. For example, "
            '"-parameter value1,value2,value3".',
            f"ParameterAlreadyBound,{binding.cmdlet.type}",
            Category.InvalidArgument,
            BINDING,
        )
    converted = convert(binding.cmdlet, parameter, value)
    if is_common:
        binding.common[parameter.name] = converted
    else:
        binding.take(parameter, converted)


def _find(cmdlet: Cmdlet, name: str) -> tuple[Parameter, bool]:
    common = (*COMMON, *(SHOULD_PROCESS if cmdlet.should_process else ()))
    known = [*((item, False) for item in cmdlet.parameters if not item.hidden), *((item, True) for item in common)]
    wanted = name.lower()
    for item, is_common in known:
        if wanted in {item.name.lower(), *(alias.lower() for alias in item.aliases)}:
            return item, is_common
    hits = [
        (item, is_common)
        for item, is_common in known
        if wanted and any(spelling.lower().startswith(wanted) for spelling in (item.name, *item.aliases))
    ]
    if not hits:
        raise PsError(
            f"A parameter cannot be found that matches parameter name '{name}'.",
            f"NamedParameterNotFound,{cmdlet.type}",
            Category.InvalidArgument,
            BINDING,
        )
    if len(hits) > 1:
        raise PsError(
            f"Parameter cannot be processed because the parameter name '{name}' is ambiguous. Possible matches "
            f"include: {' '.join('-' + item.name for item, _ in hits)}.",
            f"AmbiguousParameter,{cmdlet.type}",
            Category.InvalidArgument,
            BINDING,
        )
    return hits[0]


def _bind_positional(binding: Binding, value: object) -> None:
    """Fill the lowest open position; what fits goes before what can be converted, the default set before others."""
    cmdlet = binding.cmdlet
    default = cmdlet.sets[0]
    found: list[tuple[int, bool, bool, Parameter]] = []
    for parameter in cmdlet.parameters:
        if parameter.name in binding.bound or parameter.hidden:
            continue
        for name in binding.sets:
            use = parameter.use(name)
            if use is not None and use.position is not None:
                found.append((use.position, not fits(parameter, value), name != default, parameter))
    if not found:
        raise PsError(
            f"A positional parameter cannot be found that accepts argument '{display(value)}'.",
            f"PositionalParameterNotFound,{cmdlet.type}",
            Category.InvalidArgument,
            BINDING,
        )
    chosen = min(found, key=lambda candidate: candidate[:3])[3]
    binding.take(chosen, convert(cmdlet, chosen, value))


def _bind_object(record: Binding, item: object) -> bool:
    """Whether anything could be bound. Several parameters may take from one object by property name."""
    for coerce in (False, True):
        if _bind_by_value(record, item, coerce=coerce):
            return True
        if _bind_by_name(record, item, coerce=coerce):
            return True
    return False


def _open(record: Binding, attribute: str) -> Iterable[Parameter]:
    """Unbound parameters that take pipeline input in a set still possible; the default set's first."""
    order = sorted(record.sets, key=lambda name: name != record.cmdlet.sets[0])
    seen: list[Parameter] = []
    for name in order:
        for parameter in record.cmdlet.parameters:
            use = parameter.use(name)
            if parameter.hidden or parameter.name in record.bound or parameter in seen:
                continue
            if use and getattr(use, attribute):
                seen.append(parameter)
    return seen


def _bind_by_value(record: Binding, item: object, *, coerce: bool) -> bool:
    for parameter in _open(record, "pipeline"):
        converted = _try(record.cmdlet, parameter, item, coerce=coerce)
        if converted is not None:
            record.take(parameter, converted)
            return True
    return False


def _bind_by_name(record: Binding, item: object, *, coerce: bool) -> bool:
    if not isinstance(item, PsObject):
        return False
    found = False
    for parameter in _open(record, "by_name"):
        name = next((name for name in (parameter.name, *parameter.aliases) if item.has(name)), None)
        if name is None or not any(parameter.use(set_name) for set_name in record.sets):
            continue
        converted = _try(record.cmdlet, parameter, item.get(name), coerce=coerce)
        if converted is not None:
            record.take(parameter, converted)
            found = True
    return found


def _try(cmdlet: Cmdlet, parameter: Parameter, value: object, *, coerce: bool) -> Any:
    """The converted value, or None if it does not fit. An object with properties is never turned into text."""
    if value is None or (not coerce and not fits(parameter, value)):
        return None
    if isinstance(value, PsObject) and not fits(parameter, value):
        return None
    try:
        return convert(cmdlet, parameter, value)
    except PsError:
        return None


def _resolve(binding: Binding) -> tuple[str, list[str]]:
    """The parameter set and the mandatory parameters it still lacks.

    Raises:
        PsError: several sets are left, and neither is the default nor the only complete one.
    """
    if not binding.sets:
        raise unresolved(binding.cmdlet)
    missing = {name: _missing(binding, name) for name in binding.sets}
    default = binding.cmdlet.sets[0]
    if default in missing and (not missing[default] or len(missing) == 1):
        return default, missing[default]
    whole = [name for name, lacking in missing.items() if not lacking]
    if len(whole) == 1 or (whole and _same_demands(binding.cmdlet, whole)):
        return whole[0], []
    if whole:
        raise unresolved(binding.cmdlet)
    if default in missing:
        return default, missing[default]
    if _same_demands(binding.cmdlet, list(missing)):
        return next(iter(missing.items()))
    raise unresolved(binding.cmdlet)


def _same_demands(cmdlet: Cmdlet, sets: Sequence[str]) -> bool:
    """Whether the sets differ in optional parameters only. `Get-VM … | Move-VM -DestinationHost …` leaves two such sets
    and is documented to work (Microsoft Learn, Move-VM)."""
    demands = [
        frozenset(item.name for item in cmdlet.parameters if (use := item.use(name)) and use.mandatory) for name in sets
    ]
    return len(set(demands)) == 1


def _missing(binding: Binding, set_name: str, *, but_pipeline: bool = False) -> list[str]:
    lacking = []
    for parameter in binding.cmdlet.parameters:
        use = parameter.use(set_name)
        if use is None or not use.mandatory or parameter.name in binding.bound:
            continue
        if parameter.hidden or not (but_pipeline and (use.pipeline or use.by_name)):
            lacking.append(parameter.name)
    return lacking
