"""A modal in front of a person: what they choose and type, checked as a client does, and what an app gets of it.

Facts (Slack, "view_submission", "Modals"): `state.values` has every input by block_id and action_id, null where it was
left empty; a client submits nothing while a required input is empty; the app answers within three seconds, with
errors for inputs, another view, or nothing, which closes it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.lab.slack.model import JsonObject

Filled = str | Sequence[str]
"""What a person enters: a text, or the labels of what they choose."""


@dataclass(frozen=True)
class Modal:
    """One open view as its person sees it.

    Attributes:
        errors: at inputs, by block_id; under "" what is wrong with the whole.
        waiting: it was submitted, and the app has not answered.
    """

    view: JsonObject
    errors: Mapping[str, str] = field(default_factory=dict)
    waiting: bool = False

    @property
    def title(self) -> str:
        return str(self.view["title"]["text"])

    def options(self, label: str) -> tuple[str, ...]:
        """What can be chosen at an input, in its order."""
        return tuple(option["text"]["text"] for option in _options(_find(self.view, label)["element"]))


def inputs(view: JsonObject) -> Iterator[JsonObject]:
    return (block for block in view["blocks"] if block["type"] == "input")


def with_ids(blocks: Sequence[JsonObject]) -> list[JsonObject]:
    """Blocks and inputs without an id get one, as Slack gives them."""
    named = [block | {"block_id": block.get("block_id") or uuid.uuid4().hex[:5]} for block in blocks]
    for block in named:
        if block["type"] == "input" and not block["element"].get("action_id"):
            block["element"] = block["element"] | {"action_id": uuid.uuid4().hex[:5]}
    return named


def fill(view: JsonObject, filled: Mapping[str, Filled]) -> JsonObject:
    """`state.values` with inputs filled in by their labels, the rest as it was at the beginning.

    Raises:
        KeyError: there is no such input or option, or the client would not let the person submit this.
    """
    for label in filled:
        _find(view, label)
    values: JsonObject = {}
    for block in inputs(view):
        element, label = block["element"], block["label"]["text"]
        state = _state(element, filled[label]) if label in filled else _initial(element)
        if not block.get("optional") and not any(value for name, value in state.items() if name != "type"):
            raise KeyError(f"{label!r} must be filled in")
        values[block["block_id"]] = {element["action_id"]: state}
    return values


def _find(view: JsonObject, label: str) -> JsonObject:
    for block in inputs(view):
        if block["label"]["text"] == label:
            return block
    raise KeyError(f"no input {label!r}; there are: {', '.join(block['label']['text'] for block in inputs(view))}")


def _state(element: JsonObject, filled: Filled) -> JsonObject:
    kind = element["type"]
    if kind == "plain_text_input":
        return {"type": kind, "value": _typed(element, filled)}
    labels = [filled] if isinstance(filled, str) else list(filled)
    chosen = [_option(element, label) for label in labels]
    if kind in ("multi_static_select", "checkboxes"):
        if len(chosen) > element.get("max_selected_items", len(chosen)):
            raise KeyError(f"at most {element['max_selected_items']} may be chosen")
        return {"type": kind, "selected_options": chosen}
    if kind in ("static_select", "radio_buttons"):
        if len(chosen) > 1:
            raise KeyError("only one may be chosen")
        return {"type": kind, "selected_option": chosen[0] if chosen else None}
    raise KeyError(f"no way to fill in a {kind} here")


def _initial(element: JsonObject) -> JsonObject:
    match element["type"]:
        case "plain_text_input":
            return {"type": "plain_text_input", "value": element.get("initial_value")}
        case "multi_static_select" | "checkboxes" as kind:
            return {"type": kind, "selected_options": element.get("initial_options") or []}
        case kind:
            return {"type": kind, "selected_option": element.get("initial_option")}


def _typed(element: JsonObject, filled: Filled) -> str | None:
    if not isinstance(filled, str):
        raise KeyError("a text input takes one text")
    text = filled if element.get("multiline") else filled.replace("\n", " ")
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if text and not least <= len(text) <= most:
        raise KeyError(f"the text must have {least} to {most} characters")
    return text or None


def _option(element: JsonObject, label: str) -> JsonObject:
    for option in _options(element):
        if option["text"]["text"] == label:
            return option
    raise KeyError(f"no option {label!r}; there are: {', '.join(one['text']['text'] for one in _options(element))}")


def _options(element: JsonObject) -> list[JsonObject]:
    groups = element.get("option_groups") or ()
    return [*(element.get("options") or ()), *(option for group in groups for option in group["options"])]
