"""Forms as data: what a person chooses and types, and the command that it stands for. They know no Slack.

A form types a command: what was filled in becomes the text that the person could have typed, and goes the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bot.core.estate import Frozen
from bot.core.grammar import quote, split
from bot.core.names import check_vm_name
from bot.core.operation import Ask
from bot.core.wording import render_list, render_word
from bot.errors import UsageError

Values = Mapping[str, tuple[str, ...]]
"""What was chosen or typed, by the field's name; nothing, where it was left empty."""


class Option(Frozen):
    label: str
    value: str


class Field(Frozen):
    """
    Attributes:
        kind: several or one of the options, or a line of text. Of `one` the first is chosen to begin with.
    """

    name: str
    label: str
    kind: Literal["several", "one", "text"]
    options: tuple[Option, ...] = ()
    optional: bool = False
    hint: str = ""


class Form(Frozen):
    """`name` opens it, with what it is about. `title` and `submit` have at most 24 characters (Slack, "Views")."""

    name: str
    title: str
    submit: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Kind:
    """What there is to know about a form before it is filled in.

    Attributes:
        action: what policy decides on; the form shows names that are not for everybody.
        make: the form, for these hosts.
        find_problems: what is wrong with the values, by the field's name; empty: nothing.
        render: the command, of values without problems.
        about: whether it is about something that is named with it, which the form and the command are given.
    """

    action: str
    make: Callable[[Sequence[str], str], Form]
    find_problems: Callable[[Values], Mapping[str, str]]
    render: Callable[[Values, str], str]
    about: bool = False


def find_kind(name: str) -> tuple[Kind, str] | None:
    """The form of a name like "evacuate" or "decline m-12", and what it is about. None: there is none."""
    first, _, about = name.partition(" ")
    kind = FORMS.get(first)
    return (kind, about) if kind is not None and kind.about == bool(about) else None


def make_form(permits: Callable[[Ask, str], bool], hosts: Sequence[str], name: str, ask: Ask) -> Form | None:
    """The form that a person asks for; None: there is none of that name, or it is not for this person there."""
    found = find_kind(name)
    if found is None or not hosts or not permits(ask, found[0].action):
        return None
    return found[0].make(hosts, found[1])


# evacuate <hosts> [to <destinations>] [except <vms>] [make room]

_KEYWORDS = frozenset({"to", "except", "make", "room", "and"})
_AS_IT_IS, _MAKE_ROOM = "as it is", "make room"
_SEPARATOR = re.compile(r"[,;\n]")


def make_evacuate(hosts: Sequence[str], _about: str = "") -> Form:
    options = tuple(Option(label=host, value=host) for host in hosts)
    room = (
        Option(label="move only what is on these hosts", value=_AS_IT_IS),
        Option(label="also move other VMs, as few as possible, to make room", value=_MAKE_ROOM),
    )
    return Form(
        name="evacuate",
        title="Evacuate hosts",
        submit="Show the plan",
        fields=(
            Field(name="hosts", label="Hosts to empty", kind="several", options=options),
            Field(
                name="destinations",
                label="Where to",
                kind="several",
                options=options,
                optional=True,
                hint="left empty, Ferry chooses among all other hosts",
            ),
            Field(
                name="vms",
                label="VMs that stay",
                kind="text",
                optional=True,
                hint="their names, separated by commas",
            ),
            Field(name="room", label="If there is not enough room", kind="one", options=room),
        ),
    )


def find_evacuate_problems(values: Values) -> Mapping[str, str]:
    problems: dict[str, str] = {}
    if both := [host for host in values.get("destinations", ()) if host in values.get("hosts", ())]:
        problems["destinations"] = f"{render_list(both)} cannot be emptied and be a destination at once"
    for name in _names(values.get("vms", ())):
        try:
            check_vm_name(name)
        except ValueError as error:
            problems["vms"] = f"{name[:50]}: {error}"
        if not _writable(name):
            problems["vms"] = f"{name[:50]}: a name with both kinds of quotes cannot be written in a command"
    return problems


def render_evacuate(values: Values, _about: str = "") -> str:
    """ "evacuate host01 to host02, host03 except VM-07"."""
    vms = _names(values.get("vms", ()))
    said = ["evacuate", _listed(values.get("hosts", ()))]
    said += ["to", _listed(values["destinations"])] if values.get("destinations") else []
    said += ["except", _listed(vms)] if vms else []
    said += [_MAKE_ROOM] if _MAKE_ROOM in values.get("room", ()) else []
    return " ".join(said)


def _names(lines: Iterable[str]) -> tuple[str, ...]:
    """The names in a text, each once. In a form nobody needs quotes; who types them all the same means the name."""
    pieces = [piece.strip() for line in lines for piece in _SEPARATOR.split(line)]
    return tuple(dict.fromkeys(filter(None, (_unquoted(piece) for piece in pieces))))


def _unquoted(text: str) -> str:
    return text[1:-1].strip() if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'`" else text


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(_spelled, names))


def _spelled(name: str) -> str:
    """As it is typed: in quotes, too, where it would be read as a word of the command."""
    return quote(name) if name.casefold() in _KEYWORDS else render_word(name)


def _writable(name: str) -> bool:
    try:
        return [word.text for word in split(_spelled(name))] == [name]
    except UsageError:
        return False


# decline <operation> [because <reason>]

LONGEST_REASON = 300


def make_decline(_hosts: Sequence[str], about: str) -> Form:
    reason = Field(
        name="reason",
        label="Why not",
        kind="text",
        optional=True,
        hint="everybody who sees the card reads it, and the journal keeps it",
    )
    return Form(name=f"decline {about}", title=f"Decline {about}", submit="Decline", fields=(reason,))


def find_decline_problems(values: Values) -> Mapping[str, str]:
    reason = _reason(values)
    try:
        split(reason)
    except UsageError as error:
        return {"reason": error.message.replace("`", "")}
    return {"reason": f"at most {LONGEST_REASON} characters"} if len(reason) > LONGEST_REASON else {}


def render_decline(values: Values, about: str) -> str:
    """ "decline m-12 because the backup is running"."""
    reason = _reason(values)
    return f"decline {about} because {reason}" if reason else f"decline {about}"


def _reason(values: Values) -> str:
    """What follows the word `because`, which people also write themselves."""
    words = " ".join(values.get("reason", ())).split()
    while words and words[0].casefold() == "because":
        del words[0]
    return " ".join(words)


FORMS: Mapping[str, Kind] = MappingProxyType(
    {
        "evacuate": Kind("host.evacuate", make_evacuate, find_evacuate_problems, render_evacuate),
        "decline": Kind("operation.decline", make_decline, find_decline_problems, render_decline, about=True),
    }
)
