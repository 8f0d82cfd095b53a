"""What an element holds: what it began with, and what a person typed or chose, checked as a client does.

Facts (Slack, "Block Kit reference", `state.values` of view_submission): each kind of element has its own name for it,
null where it was left empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.lab.slack.model import JsonObject

Filled = str | Sequence[str]
"""What a person enters: a text, a date, an id, or what they choose, by its label or by its value."""

_OPTION = ("static_select", "external_select", "radio_buttons", "overflow")
_OPTIONS = ("multi_static_select", "multi_external_select", "checkboxes")
# Kind: the field of the state, what the element began with, and how it is written.
_PICKED = {
    "datepicker": ("selected_date", "initial_date", re.compile(r"\d{4}-\d\d-\d\d")),
    "timepicker": ("selected_time", "initial_time", re.compile(r"\d\d:\d\d")),
    "users_select": ("selected_user", "initial_user", re.compile(r"U\w+")),
    "channels_select": ("selected_channel", "initial_channel", re.compile(r"C\w+")),
    "conversations_select": ("selected_conversation", "initial_conversation", re.compile(r"[CDU]\w+")),
}


def initial(element: JsonObject) -> JsonObject:
    """What it holds before anybody has touched it."""
    match element["type"]:
        case "plain_text_input":
            return {"type": "plain_text_input", "value": element.get("initial_value")}
        case "datetimepicker":
            return {"type": "datetimepicker", "selected_date_time": element.get("initial_date_time")}
        case kind if kind in _OPTIONS:
            return {"type": kind, "selected_options": element.get("initial_options") or []}
        case kind if kind in _PICKED:
            state, begin, _ = _PICKED[kind]
            return {"type": kind, state: element.get(begin)}
        case kind:
            return {"type": kind, "selected_option": element.get("initial_option")}


def chosen(element: JsonObject, filled: Filled) -> JsonObject:
    """What it holds once a person has filled it in. KeyError: a client would not let them."""
    kind = element["type"]
    if kind == "plain_text_input":
        return {"type": kind, "value": _typed(element, filled)}
    if kind == "datetimepicker":
        return {"type": kind, "selected_date_time": _moment(filled) if filled else None}
    if kind in _PICKED:
        return _picked(kind, filled)
    several = [_option(element, one) for one in ([filled] if isinstance(filled, str) else filled)]
    if kind in _OPTIONS:
        if len(several) > element.get("max_selected_items", len(several)):
            raise KeyError(f"at most {element['max_selected_items']} may be chosen")
        return {"type": kind, "selected_options": several}
    if kind in _OPTION:
        if len(several) > 1:
            raise KeyError("only one may be chosen")
        return {"type": kind, "selected_option": several[0] if several else None}
    raise KeyError(f"no way to fill in a {kind} here")


def options(element: Mapping[str, Any]) -> list[JsonObject]:
    """What can be chosen, in its order."""
    groups = element.get("option_groups") or ()
    return [*(element.get("options") or ()), *(option for group in groups for option in group["options"])]


def _picked(kind: str, filled: Filled) -> JsonObject:
    state, _, shape = _PICKED[kind]
    if filled and not (isinstance(filled, str) and shape.fullmatch(filled)):
        raise KeyError(f"{filled!r} is nothing that a {kind} can hold")
    return {"type": kind, state: filled or None}


def _moment(filled: Filled) -> int:
    """Seconds since 1970, or a day and a time in this machine's zone, as the person's own."""
    if isinstance(filled, str) and re.fullmatch(r"\d{10}", filled):
        return int(filled)
    try:
        return int(datetime.strptime(str(filled), "%Y-%m-%d %H:%M").astimezone().timestamp())
    except ValueError:
        raise KeyError(f"{filled!r} is no day and time, like 2026-12-01 22:00") from None


def _typed(element: JsonObject, filled: Filled) -> str | None:
    if not isinstance(filled, str):
        raise KeyError("a text input takes one text")
    text = filled if element.get("multiline") else filled.replace("\n", " ")
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if text and not least <= len(text) <= most:
        raise KeyError(f"the text must have {least} to {most} characters")
    return text or None


def _option(element: JsonObject, wanted: str) -> JsonObject:
    known = options(element)
    for option in [*(one for one in known if one["value"] == wanted), *known]:
        if wanted in (option["value"], option["text"]["text"]):
            return option
    raise KeyError(f"no option {wanted!r}; there are: {', '.join(one['text']['text'] for one in known)}")
