"""views.*: enough of modals and the Home tab that an app's calls are checked. Nobody fills in a modal here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from bot.lab.slack.blocks import find_problems
from bot.lab.slack.call import Call, Method, SlackError
from bot.lab.slack.limits import Tier
from bot.lab.slack.model import JsonObject
from bot.lab.slack.workspace import APP, TEAM

LARGEST_VIEW_BYTES = 250_000
MOST_PUSHED = 3
# Slack, "Views": longest title, submit and close text, callback_id and private_metadata.
LONGEST = {"title": 24, "submit": 24, "close": 24, "callback_id": 255, "private_metadata": 3000}
FIELDS = {*LONGEST, "type", "blocks", "clear_on_close", "notify_on_close", "external_id", "submit_disabled"}


@dataclass
class Views:
    """The views that are open: a stack of modals and one Home tab for each person."""

    modals: dict[str, list[JsonObject]] = field(default_factory=dict)
    homes: dict[str, JsonObject] = field(default_factory=dict)
    _numbers: int = 0

    def open(self, call: Call) -> JsonObject:
        user = self._user(call)
        self.modals[user] = [self._checked(call, "modal")]
        return {"view": self.modals[user][-1]}

    def push(self, call: Call) -> JsonObject:
        user = self._user(call)
        stack = self.modals.setdefault(user, [])
        if len(stack) >= MOST_PUSHED:
            raise SlackError("push_limit_reached")
        stack.append(self._checked(call, "modal"))
        return {"view": stack[-1]}

    def update(self, call: Call) -> JsonObject:
        wanted = call.required("view_id")
        for stack in self.modals.values():
            for place, view in enumerate(stack):
                if view["id"] == wanted:
                    self._check_hash(call, view)
                    stack[place] = self._checked(call, "modal") | {"id": wanted}
                    return {"view": stack[place]}
        raise SlackError("not_found")

    def publish(self, call: Call) -> JsonObject:
        user = call.required("user_id")
        if user not in call.workspace.people:
            raise SlackError("user_not_found")
        if user in self.homes:
            self._check_hash(call, self.homes[user])
        self.homes[user] = self._checked(call, "home")
        call.workspace.notify()
        return {"view": self.homes[user]}

    def _user(self, call: Call) -> str:
        user, error = call.backend.grants.use_trigger(call.required("trigger_id"))
        if error:
            raise SlackError(error)
        return user

    def _check_hash(self, call: Call, view: JsonObject) -> None:
        if (given := call.text("hash")) and given != view["hash"]:
            raise SlackError("hash_conflict")

    def _checked(self, call: Call, kind: str) -> JsonObject:
        view = call.json("view", "invalid_arguments")
        if not isinstance(view, dict):
            raise _invalid("missing required field: view")
        if len(json.dumps(view)) > LARGEST_VIEW_BYTES:
            raise SlackError("view_too_large")
        if problems := _problems(view, kind):
            raise _invalid(*problems)
        self._numbers += 1
        content = json.dumps(view, sort_keys=True).encode()
        stamp = f"{int(call.workspace.clock())}.{hashlib.sha256(content).hexdigest()[:8]}"
        return {**view, "id": f"V{self._numbers:010d}", "team_id": TEAM, "app_id": APP, "hash": stamp}


def _problems(view: JsonObject, kind: str) -> list[str]:
    problems = [f"unexpected field: {name} [json-pointer:/view]" for name in view if name not in FIELDS]
    if view.get("type") != kind:
        problems.append(f"unsupported type: {view.get('type')} [json-pointer:/view/type]")
    if kind == "modal" and not view.get("title"):
        problems.append("missing required field: title [json-pointer:/view]")
    for name, longest in LONGEST.items():
        value = view.get(name) or ""
        text: Any = value.get("text", "") if isinstance(value, dict) else value
        if len(str(text)) > longest:
            problems.append(f"must be less than {longest + 1} characters [json-pointer:/view/{name}]")
    if not isinstance(view.get("blocks"), list):
        return [*problems, "missing required field: blocks [json-pointer:/view]"]
    return problems + find_problems(view["blocks"], "/view/blocks", kind)


def _invalid(*problems: str) -> SlackError:
    return SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {one}" for one in problems]})


def view_methods(views: Views) -> dict[str, Method]:
    return {
        "views.open": Method(views.open, Tier.FOUR),
        "views.push": Method(views.push, Tier.FOUR),
        "views.update": Method(views.update, Tier.FOUR),
        "views.publish": Method(views.publish, Tier.FOUR),
    }
