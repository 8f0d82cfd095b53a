"""A modal in front of a person: what they choose and type, checked as a client does, and what an app gets of it.

Facts (Slack, "view_submission", "Modals"): `state.values` has every input by block_id and action_id, null where it was
left empty; a client submits nothing while a required input is empty; the app answers within three seconds, with
errors for inputs, another view, or nothing, which closes it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from bot.lab.slack.chosen import Filled, chosen, initial, options
from bot.lab.slack.model import JsonObject


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
        return tuple(option["text"]["text"] for option in options(_find(self.view, label)["element"]))


def inputs(view: JsonObject) -> Iterator[JsonObject]:
    return (block for block in view["blocks"] if block["type"] == "input")


def with_ids(blocks: Sequence[JsonObject]) -> list[JsonObject]:
    """Blocks and inputs without an id get one, as Slack gives them."""
    named = [block | {"block_id": block.get("block_id") or uuid.uuid4().hex[:5]} for block in blocks]
    for block in named:
        if block["type"] == "input" and not block["element"].get("action_id"):
            block["element"] = block["element"] | {"action_id": uuid.uuid4().hex[:5]}
    return named


def fill(
    view: JsonObject, filled: Mapping[str, Filled], offered: Mapping[str, list[JsonObject]] = MappingProxyType({})
) -> JsonObject:
    """`state.values` with inputs filled in by their labels or block_ids, the rest as it was at the beginning.

    Args:
        offered: the options that the app gave for external selects, by action_id.

    Raises:
        KeyError: there is no such input or option, or the client would not let the person submit this.
    """
    given = {_find(view, name)["block_id"]: one for name, one in filled.items()}
    values: JsonObject = {}
    for block in inputs(view):
        element, label = block["element"], block["label"]["text"]
        known = element | {"options": offered[element["action_id"]]} if element["action_id"] in offered else element
        state = chosen(known, given[block["block_id"]]) if block["block_id"] in given else initial(element)
        if not block.get("optional") and not any(value for name, value in state.items() if name != "type"):
            raise KeyError(f"{label!r} must be filled in")
        values[block["block_id"]] = {element["action_id"]: state}
    return values


def _find(view: JsonObject, name: str) -> JsonObject:
    for block in inputs(view):
        if name in (block["block_id"], block["label"]["text"]):
            return block
    raise KeyError(f"no input {name!r}; there are: {', '.join(block['label']['text'] for block in inputs(view))}")
