"""A form in the terminal: its fields as lines, and typed lines that fill them in.

`VM = VM-01` enters something, several names with commas; an empty line submits; any other line puts the form away. What
an external select offers is asked for with what was typed, as a client does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.lab.slack import Modal, SlackServer
from bot.lab.slack.modals import EXTERNAL, current, find_input, inputs
from bot.lab.slack.model import JsonObject

ANSWER_S = 3.0  # within which an app has to answer (Slack, "Options load URL")
HOW = "type `field = value` to fill one in, an empty line to submit, anything else to leave the form"
_SEVERAL = ("multi_static_select", "multi_external_select", "checkboxes")


def describe(modal: Modal) -> Iterator[str]:
    """A line for each field: what it holds, and what is wrong with it."""
    yield modal.title
    for block in inputs(modal.view):
        held = _told(current(modal, block))
        problem = modal.errors.get(block["block_id"])
        needed = "" if block.get("optional") else " (needed)"
        offered = ", ".join(option["text"]["text"] for option in block["element"].get("options", ()))
        choice = f"   of: {offered}" if offered else ""
        yield f"{block['label']['text']} = {held or '…' + needed}{choice}{f'   ✗ {problem}' if problem else ''}"
    if problem := modal.errors.get(""):
        yield f"✗ {problem}"
    yield HOW


def enter(server: SlackServer, who: str, typed: str) -> bool:
    """Fill in what a line says. False: it is not about the form. A mistake is a KeyError."""
    label, equals, value = (part.strip() for part in typed.partition("="))
    modal = server.modal(who)
    if modal is None or (typed and not equals):
        return False
    if not typed:
        server.submit(who, {})
        return True
    label = next((known for known in modal.labels if known.casefold() == label.casefold()), label)
    element = find_input(modal.view, label)["element"]
    chosen = [part.strip() for part in value.split(",")] if element["type"] in _SEVERAL else [value]
    if element["type"] in EXTERNAL:
        chosen = [_look_up(server, who, label, name) for name in chosen]
    server.choose(who, label, chosen if element["type"] in _SEVERAL else chosen[0])
    return True


def _look_up(server: SlackServer, who: str, label: str, typed: str) -> str:
    """The option that is meant, once the app has said what there is; the first that fits, if none is called so."""
    server.type_into(who, label, typed)
    server.workspace.wait_for(lambda: (modal := server.modal(who)) is None or modal.is_offered(label), ANSWER_S)
    modal = server.modal(who)
    offered = modal.options(label) if modal else ()
    return next((name for name in offered if name.casefold() == typed.casefold()), offered[0] if offered else typed)


def _told(state: JsonObject) -> str:
    one = state.get("selected_option")
    chosen = [*([one] if one else ()), *state.get("selected_options", ())]
    names = ", ".join(option["text"]["text"] for option in chosen)
    moment = state.get("selected_date_time")
    picked = datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M") if moment else ""
    return names or state.get("value") or state.get("selected_conversation") or picked
