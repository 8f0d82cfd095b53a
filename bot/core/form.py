"""Forms as data: what a person chooses and types, and the command that it stands for. They know no Slack.

A form is made of a command's own usage lines: each slot is a field, each word that may be left out a box to tick. What
was filled in becomes the text that the person could have typed, and goes the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args, get_type_hints

from pydantic import ValidationError

from bot.core.estate import Estate, Frozen
from bot.core.grammar import Arguments, Usage, normalise, split
from bot.core.grammar.pattern import Elements, Group, Keyword, Slot
from bot.core.grammar.words import shown
from bot.core.names import HostName, HostNames, VmId, VmName, VmNames
from bot.errors import UsageError

Values = Mapping[str, tuple[str, ...]]
"""What was chosen or typed, by the field's name; nothing, where it was left empty."""

Kind = Literal["vm", "vms", "host", "hosts", "text", "flags", "moment"]

_KINDS: tuple[tuple[object, Kind], ...] = ((VmName, "vm"), (VmNames, "vms"), (HostName, "host"), (HostNames, "hosts"))
_HOSTS = ("host", "hosts")
_VMS = ("vm", "vms")
_SPOKEN = {"vm": "VM", "vms": "VMs"}


class Option(Frozen):
    label: str
    value: str
    detail: str = ""


class Field(Frozen):
    """
    Attributes:
        kind: one or several VMs or hosts, a line of text, boxes to tick, or a moment: seconds since 1970.
        options: of `flags`; VMs and hosts are suggested while somebody types.
        about: small print beneath it.
    """

    name: str
    label: str
    kind: Kind
    optional: bool = False
    options: tuple[Option, ...] = ()
    about: str = ""


class Form(Frozen):
    """
    Attributes:
        command: its name, like "move storage", with what it is about if that is given: "decline m-12".
        about: what the command does, in one sentence.
        others: the commands that can be chosen here, this one among them.
        submit: at most 24 characters (Slack, "Views").
        instead: what is typed for whoever cannot be shown it; empty: the command, which says how to type the rest.
    """

    command: str
    about: str
    fields: tuple[Field, ...]
    others: tuple[str, ...] = ()
    submit: str = "Show the plan"
    instead: str = ""


@dataclass(frozen=True)
class Filled:
    """What was filled in, as a command; or what is wrong with it, by the field's name."""

    command: str = ""
    problems: Mapping[str, str] | None = None


def make_fields(usage: Usage) -> tuple[Field, ...]:
    """In the order of the usage lines that have something to choose, the boxes last."""
    slots: dict[str, Field] = {}
    flags: dict[str, Option] = {}
    kinds = get_type_hints(usage.arguments, include_extras=True)
    for walked in (tuple(_walk(pattern)) for pattern in usage.patterns):
        if not any(isinstance(element, Slot) and _kind(kinds[element.field]) != "text" for _, element, _ in walked):
            continue
        for label, element, inside in walked:
            if isinstance(element, Slot):
                field = Field(name=element.field, label=label, kind=_kind(kinds[element.field]), optional=bool(inside))
                slots.setdefault(element.field, field)
            elif element.flag in usage.arguments.model_fields:
                flags.setdefault(element.flag, Option(label=element.flag.replace("_", " "), value=element.flag))
    boxes = Field(name=boxes_of(usage.name), label="Also", kind="flags", optional=True, options=tuple(flags.values()))
    return (*slots.values(), *([boxes] if flags else []))


def boxes_of(command: str) -> str:
    """The name of a form's boxes: other boxes have another, so that no form takes over the ticks of another one."""
    return f"also: {command}"


def is_choosable(fields: Sequence[Field]) -> bool:
    """Whether there is something to choose: a form of free text alone is no better than the command."""
    return any(field.kind in (*_VMS, *_HOSTS) for field in fields)


def fill(usage: Usage, values: Values, estate: Estate) -> Filled:
    """The command that these values stand for. VMs are given by id, and said by name where that is enough."""
    fields = make_fields(usage)
    if problems := _chosen_twice(fields, values):
        return Filled(problems=problems)
    try:
        arguments = usage.arguments.model_validate(_to_arguments(usage, fields, values, estate))
    except ValidationError as error:
        known = {field.name for field in fields}
        found = {
            str(one["loc"][0]): str(one.get("ctx", {}).get("error", one["msg"]))
            for one in error.errors()
            if one["loc"] and one["loc"][0] in known
        }
        return Filled(problems=found or {fields[0].name: "this is not complete"})
    return _write(usage, arguments, fields)


def _write(usage: Usage, arguments: Arguments, fields: Sequence[Field]) -> Filled:
    """Only what reads as the same again: a name may hold what cannot be written in a command."""
    try:
        text = usage.write(arguments)
    except ValueError:
        return Filled(problems={fields[-1].name: "these do not go together: no command says both"})
    try:
        words = split(normalise(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")))
        if usage.read(words[len(usage.name.split(" ")) :]) == arguments:
            return Filled(command=text)
    except UsageError:
        pass  # told below, as of any other text that would be read differently
    wrong = next((field for field in fields if field.kind == "text"), fields[0])
    return Filled(problems={wrong.name: f"{shown(text)} would be read as something else"})


def _to_arguments(usage: Usage, fields: Sequence[Field], values: Values, estate: Estate) -> dict[str, object]:
    given: dict[str, object] = dict.fromkeys(values.get(boxes_of(usage.name), ()), True)
    several = usage.lists | usage.greedy
    for field in fields:
        chosen = tuple(filter(None, (value.strip() for value in values.get(field.name, ()))))
        if field.kind == "flags" or not chosen:
            continue
        if field.kind in _VMS:
            chosen = tuple(_say_vm(estate, value) for value in chosen)
        given[field.name] = chosen if field.name in several else _unquoted(chosen[0])
        given |= dict.fromkeys(_implied(usage, field.name), True)
    return given


def _implied(usage: Usage, slot: str) -> Iterator[str]:
    """The groups that a slot stands in: to fill it in is to say their words."""
    for pattern in usage.patterns:
        for _, element, inside in _walk(pattern):
            if isinstance(element, Slot) and element.field == slot:
                yield from (group for group in inside if group in usage.arguments.model_fields)


def _say_vm(estate: Estate, value: str) -> str:
    """Its name, if no other has it and it can be written; its id otherwise. `value` is an id."""
    found = estate.with_id(VmId(value))
    if not found or len({vm.id for vm in estate.named(found[0].name)}) > 1:
        return value
    name = found[0].name
    return value if '"' in name or "'" in name or not name.isprintable() else name


def _chosen_twice(fields: Sequence[Field], values: Values) -> Mapping[str, str]:
    """A host in one field is no choice in another: no command moves from a host to that host."""
    seen: set[str] = set()
    for field in fields:
        if field.kind in _HOSTS:
            chosen = values.get(field.name, ())
            if twice := sorted(seen.intersection(chosen)):
                return {field.name: f"{', '.join(twice)} is chosen above already"}
            seen.update(chosen)
    return {}


def _unquoted(text: str) -> str:
    """In a form nobody needs quotes; who types them all the same means what is in them."""
    return text[1:-1].strip() if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'`" else text


def _walk(elements: Elements, inside: tuple[str, ...] = ()) -> Iterator[tuple[str, Slot | Group, tuple[str, ...]]]:
    """Slots and groups, each with the words before it as a label, and the groups that it stands in."""
    before: list[str] = []
    for element in elements:
        if isinstance(element, Keyword):
            before.append(element.text)
            continue
        if isinstance(element, Group):
            yield "", element, inside
            yield from _walk(element.elements, (*inside, element.flag))
        else:
            label = " ".join((*before, _SPOKEN.get(element.field, element.field.replace("_", " "))))
            yield label[:1].upper() + label[1:], element, inside
        before = []


def _kind(hint: object) -> Kind:
    """By what the slot takes; it may be left out of the command."""
    return next((kind for takes, kind in _KINDS if takes == hint or takes in get_args(hint)), "text")
