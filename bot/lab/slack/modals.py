"""A modal in front of a person: what they choose and type, checked as a client does, and what an app gets of it.

Facts (Slack, "view_submission", "Modals"): `state.values` has every input by block_id and action_id, null where it was
left empty; a client submits nothing while a required input is empty; the app answers within three seconds, with
errors for inputs, another view, or nothing, which closes it. An updated view keeps what was entered in inputs whose
block_id, action_id and type stay ("Preserving input entry"). What an external select offers is the app's answer to
what was typed: options or option_groups, 100 of either ("Options load URL").
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bot.lab.slack.chosen import Filled, chosen, initial, options
from bot.lab.slack.model import Channel, JsonObject
from bot.slack.kit.elements import Option, OptionGroup

EXTERNAL = ("external_select", "multi_external_select")
_MOST = 100
_OPTIONS = TypeAdapter(list[Option])
_GROUPS = TypeAdapter(list[OptionGroup])


@dataclass(frozen=True)
class Modal:
    """One open view as its person sees it.

    Attributes:
        errors: at inputs, by block_id; under "" what is wrong with the whole.
        waiting: it was submitted, and the app has not answered.
        entered: by block_id, what the person has entered before submitting.
        suggested: by block_id, what an external select offers now.
        offered: the same, with what it has offered before, which may have been chosen.
        conversation: the channel in front of which it was opened.
    """

    view: JsonObject
    errors: Mapping[str, str] = field(default_factory=dict)
    waiting: bool = False
    entered: Mapping[str, JsonObject] = field(default_factory=dict)
    suggested: Mapping[str, tuple[JsonObject, ...]] = field(default_factory=dict)
    offered: Mapping[str, tuple[JsonObject, ...]] = field(default_factory=dict)
    conversation: Channel | None = None

    @property
    def title(self) -> str:
        return str(self.view["title"]["text"])

    def options(self, label: str) -> tuple[str, ...]:
        """What can be chosen at an input, in its order."""
        return tuple(option["text"]["text"] for option in self._shown(find_input(self.view, label)))

    def _shown(self, block: JsonObject) -> Sequence[JsonObject]:
        external = block["element"]["type"] in EXTERNAL
        return self.suggested.get(block["block_id"], ()) if external else options(block["element"])

    def is_offered(self, label: str) -> bool:
        """Whether the app has answered what an external select may offer."""
        return find_input(self.view, label)["block_id"] in self.suggested

    @property
    def labels(self) -> tuple[str, ...]:
        """Of its inputs, in their order."""
        return tuple(block["label"]["text"] for block in inputs(self.view))

    def updated(self, view: JsonObject) -> Modal:
        """With another view, which keeps what was entered where it has the same input."""
        before = {block["block_id"]: _identity(block) for block in inputs(self.view)}
        same = {block["block_id"] for block in inputs(view) if before.get(block["block_id"]) == _identity(block)}
        entered = {block: state for block, state in self.entered.items() if block in same}
        suggested = {block: options for block, options in self.suggested.items() if block in same}
        offered = {block: options for block, options in self.offered.items() if block in same}
        return Modal(view, entered=entered, suggested=suggested, offered=offered, conversation=self.conversation)


def inputs(view: JsonObject) -> Iterator[JsonObject]:
    return (block for block in view["blocks"] if block["type"] == "input")


def with_ids(blocks: Sequence[JsonObject]) -> list[JsonObject]:
    """Blocks and inputs without an id get one, as Slack gives them."""
    named = [block | {"block_id": block.get("block_id") or uuid.uuid4().hex[:5]} for block in blocks]
    for block in named:
        if block["type"] == "input" and not block["element"].get("action_id"):
            block["element"] = block["element"] | {"action_id": uuid.uuid4().hex[:5]}
    return named


def fill(modal: Modal, filled: Mapping[str, Filled]) -> JsonObject:
    """`state.values` with inputs filled in by their labels or block_ids, the rest as it is.

    Raises:
        KeyError: there is no such input or option, or the client would not let the person submit this.
    """
    given = {find_input(modal.view, name)["block_id"]: one for name, one in filled.items()}
    values: JsonObject = {}
    for block in inputs(modal.view):
        element, label = block["element"], block["label"]["text"]
        entered = block["block_id"] in given
        state = chosen(known(modal, block), given[block["block_id"]]) if entered else current(modal, block)
        if not block.get("optional") and not any(value for name, value in state.items() if name != "type"):
            raise KeyError(f"{label!r} must be filled in")
        values[block["block_id"]] = {element["action_id"]: state}
    return values


def state_of(modal: Modal) -> JsonObject:
    """`state.values` before anything is submitted."""
    blocks = inputs(modal.view)
    return {block["block_id"]: {block["element"]["action_id"]: current(modal, block)} for block in blocks}


def find_input(view: JsonObject, name: str) -> JsonObject:
    for block in inputs(view):
        if name in (block["block_id"], block["label"]["text"]):
            return block
    raise KeyError(f"no input {name!r}; there are: {', '.join(block['label']['text'] for block in inputs(view))}")


def read_suggestions(answer: Mapping[str, Any]) -> tuple[JsonObject, ...]:
    """The options that an app answers with, of groups too.

    Raises:
        ValueError: Slack would not show them.
    """
    groups, options = answer.get("option_groups"), answer.get("options")
    if (groups is None) == (options is None):
        raise ValueError("exactly one of options and option_groups must be provided")
    if len(groups or options or ()) > _MOST:
        raise ValueError(f"no more than {_MOST} items allowed")
    try:
        if groups is not None:
            _GROUPS.validate_python(groups)
            return tuple(option for group in groups for option in group["options"])
        _OPTIONS.validate_python(options)
        return tuple(options or ())
    except ValidationError as invalid:
        raise ValueError(str(invalid.errors(include_url=False)[0]["msg"])) from invalid


def known(modal: Modal, block: JsonObject) -> JsonObject:
    """An input's element, with the options that the app has offered for it."""
    element: JsonObject = block["element"]
    offered = modal.offered.get(block["block_id"], ())
    return element | {"options": [*offered]} if element["type"] in EXTERNAL else element


def current(modal: Modal, block: JsonObject) -> JsonObject:
    """An element's state: what was entered, or what it began with."""
    if block["block_id"] in modal.entered:
        return modal.entered[block["block_id"]]
    element: JsonObject = block["element"]
    if element["type"] == "conversations_select":
        return {"type": element["type"], "selected_conversation": _conversation(modal, element)}
    return initial(element)


def _conversation(modal: Modal, element: JsonObject) -> str | None:
    """The one in front of which the modal was opened, if that is wanted and fits the filter."""
    channel, wanted = modal.conversation, element.get("filter") or {}
    if channel is None or not element.get("default_to_current_conversation"):
        return element.get("initial_conversation")
    kind = {"channel": "public", "group": "private", "im": "im"}[channel.kind]
    foreign = wanted.get("exclude_external_shared_channels") and channel.shared_externally
    return channel.id if kind in (wanted.get("include") or (kind,)) and not foreign else None


def _identity(block: JsonObject) -> tuple[str, str]:
    return block["element"]["type"], block["element"]["action_id"]
