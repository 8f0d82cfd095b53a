"""A Form as a modal, and what came back from it.

Facts (Slack developer docs, "Block Kit" reference, "Views", "view_submission"; 2026-11): 100 options in a select, 10 in
radio buttons; an option's text 75, its value 150; a view's title and submit text 24, private_metadata 3000. A modal
knows no channel: where it was opened travels in private_metadata, which only Slack and the app can write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core.form import Field, Form, Option
from bot.core.operation import Place
from bot.slack.mrkdwn import size

CALLBACK = "form-"
"""Callback ids begin so; the form's name follows."""
ACTION = "value"

MOST_OPTIONS = 100
LONGEST_OPTION = 75
LONGEST_VALUE = 150
LONGEST_LINE = 1000  # characters to type, so that the command stays readable

Block = dict[str, Any]


def render_modal(form: Form, place: Place) -> Block:
    """The view for views.open. Block ids are the fields' names."""
    return {
        "type": "modal",
        "callback_id": f"{CALLBACK}{form.name}",
        "private_metadata": place.model_dump_json(),
        "title": _plain(form.title),
        "submit": _plain(form.submit),
        "close": _plain("Cancel"),
        "blocks": [_input(field) for field in form.fields],
    }


def render_problems(problems: Mapping[str, str]) -> Block:
    """The acknowledgement that keeps the modal open and says at each field what is wrong."""
    return {"response_action": "errors", "errors": dict(problems)}


def _input(field: Field) -> Block:
    fitting = [option for option in field.options if size(option.value) <= LONGEST_VALUE][:MOST_OPTIONS]
    hint = field.hint
    if len(fitting) < len(field.options):
        few = f"these are {len(fitting)} of {len(field.options)}: type the command for the others"
        hint = f"{hint}; {few}" if hint else few
    return {
        "type": "input",
        "block_id": field.name,
        "label": _plain(field.label),
        "optional": field.optional,
        "element": _element(field, fitting),
        **({"hint": _plain(hint)} if hint else {}),
    }


def _element(field: Field, fitting: list[Option]) -> Block:
    options = [_option(option) for option in fitting]
    match field.kind:
        case "several":
            element: Block = {"type": "multi_static_select", "options": options}
        case "one":
            element = {"type": "radio_buttons", "options": options, "initial_option": options[0]}
        case "text":
            element = {"type": "plain_text_input", "max_length": LONGEST_LINE}
    return element | {"action_id": ACTION}


def _option(option: Option) -> Block:
    label = option.label
    if size(label) > LONGEST_OPTION:
        label = f"{label[: LONGEST_OPTION // 2]}…"
    return {"text": _plain(label), "value": option.value}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
