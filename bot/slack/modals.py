"""A Form as a modal, what is suggested in it, and what came back from it.

Facts (Slack developer docs, "Block Kit" reference, "Views", "view_submission", "block_suggestion"; 2026-11): 100
options in a select and in all that one answer suggests; an option's text and description 75, its value 150; a view's
title and submit text 24, private_metadata 3000. An updated view keeps what was entered where block_id, action_id and
element stay the same. A modal knows no channel: where it was opened travels in private_metadata, which only Slack and
the app can write; a shortcut has none, so its form asks for the channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.core.form import Field, Form, Option
from bot.core.operation import Place
from bot.core.suggestions import Choices
from bot.slack.mrkdwn import clean, size

CALLBACK = "form-"
"""Callback ids begin so; the name of the command whose fields are shown follows."""
ACTION = "value"
COMMAND = "_command"
"""Block id of the choice among commands."""
CHANNEL = "_channel"
"""Block id of the choice of a channel."""
SHORTCUT = "ferry"
"""Callback id of the shortcut that opens a form."""

LONGEST_OPTION = 75
LONGEST_VALUE = 150
LONGEST_TITLE = 24
LONGEST_LINE = 1000  # characters to type, so that the command stays readable

_SEVERAL = ("vms", "hosts")
_TO_CHOOSE = {"vm": "type a part of its name", "vms": "type a part of a name", "host": "choose", "hosts": "choose"}

Block = dict[str, Any]


def render_modal(form: Form, place: Place) -> Block:
    """The view for views.open and views.update. Block ids are the fields' names."""
    return {
        "type": "modal",
        "callback_id": f"{CALLBACK}{form.command}",
        "private_metadata": place.model_dump_json(),
        "title": _plain(_shortened(form.command.capitalize(), LONGEST_TITLE)),
        "submit": _plain(form.submit),
        "close": _plain("Cancel"),
        "blocks": [
            *([_choice(form)] if form.others else []),
            {"type": "context", "elements": [_plain(form.about)]},
            *map(_input, form.fields),
            *([] if place.channel else [_channel()]),
        ],
    }


def render_problems(problems: Mapping[str, str]) -> Block:
    """The acknowledgement that keeps the modal open and says at each field what is wrong."""
    return {"response_action": "errors", "errors": dict(problems)}


def render_suggestions(found: Iterable[Choices]) -> Block:
    """The acknowledgement of a block_suggestion."""
    groups = [(one.label, [_option(option) for option in one.options if _fits(option)]) for one in found]
    headed = [
        {"label": _plain(_shortened(label)), "options": options} for label, options in groups if label and options
    ]
    if headed:
        return {"option_groups": headed}
    return {"options": [option for _, options in groups for option in options]}


def _choice(form: Form) -> Block:
    options = [{"text": _plain(_shortened(name)), "value": name} for name in form.others]
    chosen = next(option for option in options if option["value"] == form.command)
    element = {"type": "static_select", "action_id": ACTION, "options": options, "initial_option": chosen}
    label = _plain("What to do")
    return {"type": "input", "block_id": COMMAND, "label": label, "dispatch_action": True, "element": element}


def _channel() -> Block:
    element: Block = {
        "type": "conversations_select",
        "action_id": ACTION,
        "default_to_current_conversation": True,
        "filter": {"include": ["public", "private"], "exclude_external_shared_channels": True},
    }
    return {"type": "input", "block_id": CHANNEL, "label": _plain("Shown in"), "element": element}


def _input(field: Field) -> Block:
    about = {"hint": _plain(field.about)} if field.about else {}
    return about | {
        "type": "input",
        "block_id": field.name,
        "label": _plain(field.label),
        "optional": field.optional,
        "element": _element(field) | {"action_id": ACTION},
    }


def _element(field: Field) -> Block:
    match field.kind:
        case "flags":
            return {"type": "checkboxes", "options": [_option(option) for option in field.options]}
        case "text":
            return {"type": "plain_text_input", "max_length": LONGEST_LINE}
        case "moment":
            return {"type": "datetimepicker"}
        case kind:
            select = "multi_external_select" if kind in _SEVERAL else "external_select"
            return {"type": select, "min_query_length": 0, "placeholder": _plain(_TO_CHOOSE[kind])}


def _fits(option: Option) -> bool:
    return 0 < size(option.value) <= LONGEST_VALUE


def _option(option: Option) -> Block:
    detail = {"description": _plain(_shortened(option.detail))} if option.detail else {}
    return {"text": _plain(_shortened(option.label)), "value": option.value, **detail}


def _shortened(text: str, longest: int = LONGEST_OPTION) -> str:
    """Names come from hosts: what is invisible in them goes, and what is too long is cut."""
    shown = clean(text).strip() or "?"
    return shown if size(shown) <= longest else f"{shown[: longest // 2 - 1]}…"


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
