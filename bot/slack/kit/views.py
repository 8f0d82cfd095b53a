"""Whether Slack takes a view: a modal, or the Home tab.

Facts (Slack developer docs, "Views", "views.open", "views.publish"; 2026-11): a title, submit and close text has 24
characters, a callback_id 255, private_metadata 3000; a view of more than 250 kB is refused with view_too_large; a modal
with inputs has a submit text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bot.slack.kit.blocks import find_problems
from bot.slack.kit.messages import Objection

LARGEST_VIEW_BYTES = 250_000
LONGEST = {"title": 24, "submit": 24, "close": 24, "callback_id": 255, "private_metadata": 3000}
_TEXTS = ("title", "submit", "close")
_FIELDS = {*LONGEST, "type", "blocks", "clear_on_close", "notify_on_close", "external_id", "submit_disabled"}


def judge_view(view: Any, kind: str) -> Objection | None:
    """None: Slack takes it. `kind` is modal or home."""
    if not isinstance(view, dict):
        return Objection("invalid_arguments", ("missing required field: view",))
    if len(json.dumps(view)) > LARGEST_VIEW_BYTES:
        return Objection("view_too_large")
    problems = (*_shape(view, kind), *_lengths(view), *_content(view, kind))
    return Objection("invalid_arguments", problems) if problems else None


def _shape(view: dict[str, Any], kind: str) -> Iterator[str]:
    yield from (f"unexpected field: {name} [json-pointer:/view]" for name in view if name not in _FIELDS)
    if view.get("type") != kind:
        yield f"unsupported type: {view.get('type')} [json-pointer:/view/type]"
    if kind == "modal" and not view.get("title"):
        yield "missing required field: title [json-pointer:/view]"
    for name in _TEXTS:
        if view.get(name) and (not isinstance(view[name], dict) or view[name].get("type") != "plain_text"):
            yield f"must be a plain_text object [json-pointer:/view/{name}]"


def _lengths(view: dict[str, Any]) -> Iterator[str]:
    for name, longest in LONGEST.items():
        value = view.get(name) or ""
        text: Any = value.get("text", "") if isinstance(value, dict) else value
        if len(str(text)) > longest:
            yield f"must be less than {longest + 1} characters [json-pointer:/view/{name}]"


def _content(view: dict[str, Any], kind: str) -> Iterator[str]:
    if not isinstance(view.get("blocks"), list):
        yield "missing required field: blocks [json-pointer:/view]"
        return
    problems = find_problems(view["blocks"], "/view/blocks", kind)
    yield from problems
    asks = kind == "modal" and not problems and any(block["type"] == "input" for block in view["blocks"])
    if asks and not view.get("submit"):
        yield "missing required field: submit [json-pointer:/view]"
