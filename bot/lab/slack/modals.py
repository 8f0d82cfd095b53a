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

from bot.lab.slack.elements import Option, OptionGroup
from bot.lab.slack.model import Channel, JsonObject

Filled = str | Sequence[str]
"""What a person enters: a text, or the labels of what they choose."""

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
        conversation: the channel in front of which it was opened.
    """

    view: JsonObject
    errors: Mapping[str, str] = field(default_factory=dict)
    waiting: bool = False
    entered: Mapping[str, JsonObject] = field(default_factory=dict)
    suggested: Mapping[str, tuple[JsonObject, ...]] = field(default_factory=dict)
    conversation: Channel | None = None

    @property
    def title(self) -> str:
        return str(self.view["title"]["text"])

    def options(self, label: str) -> tuple[str, ...]:
        """What can be chosen at an input, in its order."""
        return tuple(option["text"]["text"] for option in _options(self, find_input(self.view, label)))

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
        return Modal(view, entered=entered, suggested=suggested, conversation=self.conversation)


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
    """`state.values` with inputs filled in by their labels, the rest as it is.

    Raises:
        KeyError: there is no such input or option, or the client would not let the person submit this.
    """
    for label in filled:
        find_input(modal.view, label)
    values: JsonObject = {}
    for block in inputs(modal.view):
        element, label = block["element"], block["label"]["text"]
        state = enter(modal, block, filled[label]) if label in filled else current(modal, block)
        if not block.get("optional") and not any(value for name, value in state.items() if name != "type"):
            raise KeyError(f"{label!r} must be filled in")
        values[block["block_id"]] = {element["action_id"]: state}
    return values


def state_of(modal: Modal) -> JsonObject:
    """`state.values` before anything is submitted."""
    blocks = inputs(modal.view)
    return {block["block_id"]: {block["element"]["action_id"]: current(modal, block)} for block in blocks}


def find_input(view: JsonObject, label: str) -> JsonObject:
    for block in inputs(view):
        if block["label"]["text"] == label:
            return block
    raise KeyError(f"no input {label!r}; there are: {', '.join(block['label']['text'] for block in inputs(view))}")


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


def enter(modal: Modal, block: JsonObject, filled: Filled) -> JsonObject:
    """What an element's state is, once this has been entered."""
    element = block["element"]
    kind = element["type"]
    if kind == "plain_text_input":
        return {"type": kind, "value": _typed(element, filled)}
    labels = [filled] if isinstance(filled, str) else list(filled)
    chosen = [_option(modal, block, label) for label in labels]
    if kind in ("multi_static_select", "multi_external_select", "checkboxes"):
        if len(chosen) > element.get("max_selected_items", len(chosen)):
            raise KeyError(f"at most {element['max_selected_items']} may be chosen")
        return {"type": kind, "selected_options": chosen}
    if kind in ("static_select", "external_select", "radio_buttons"):
        if len(chosen) > 1:
            raise KeyError("only one may be chosen")
        return {"type": kind, "selected_option": chosen[0] if chosen else None}
    raise KeyError(f"no way to fill in a {kind} here")


def current(modal: Modal, block: JsonObject) -> JsonObject:
    """An element's state: what was entered, or what it began with."""
    if block["block_id"] in modal.entered:
        return modal.entered[block["block_id"]]
    element = block["element"]
    match element["type"]:
        case "plain_text_input":
            return {"type": "plain_text_input", "value": element.get("initial_value")}
        case "multi_static_select" | "multi_external_select" | "checkboxes" as kind:
            return {"type": kind, "selected_options": element.get("initial_options") or []}
        case "conversations_select":
            return {"type": "conversations_select", "selected_conversation": _conversation(modal, element)}
        case kind:
            return {"type": kind, "selected_option": element.get("initial_option")}


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


def _typed(element: JsonObject, filled: Filled) -> str | None:
    if not isinstance(filled, str):
        raise KeyError("a text input takes one text")
    text = filled if element.get("multiline") else filled.replace("\n", " ")
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if text and not least <= len(text) <= most:
        raise KeyError(f"the text must have {least} to {most} characters")
    return text or None


def _option(modal: Modal, block: JsonObject, label: str) -> JsonObject:
    options = _options(modal, block)
    for option in options:
        if option["text"]["text"] == label:
            return option
    raise KeyError(f"no option {label!r}; there are: {', '.join(one['text']['text'] for one in options)}")


def _options(modal: Modal, block: JsonObject) -> list[JsonObject]:
    element = block["element"]
    if element["type"] in EXTERNAL:
        return list(modal.suggested.get(block["block_id"], ()))
    groups = element.get("option_groups") or ()
    return [*(element.get("options") or ()), *(option for group in groups for option in group["options"])]
