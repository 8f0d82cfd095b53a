"""views.*: modals and the Home tab, checked as Slack checks them, and what becomes of a modal that is submitted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.lab.slack.call import Call, Method, SlackError, invalid
from bot.lab.slack.limits import Tier
from bot.lab.slack.modals import Modal, inputs, read_suggestions, with_ids
from bot.lab.slack.model import Channel, JsonObject
from bot.lab.slack.workspace import APP, TEAM, Workspace
from bot.slack.kit.views import judge_view

MOST_PUSHED = 3
TROUBLE = "We had some trouble connecting. Try again?"


@dataclass
class Views:
    """The views that are open: a stack of modals and one Home tab for each person. Under the workspace's lock.

    Attributes:
        offered: the options that the app gave a person for external selects outside of modals, by action_id.
    """

    workspace: Workspace
    modals: dict[str, list[Modal]] = field(default_factory=dict)
    homes: dict[str, JsonObject] = field(default_factory=dict)
    offered: dict[str, dict[str, list[JsonObject]]] = field(default_factory=dict)
    conversations: dict[str, Channel] = field(default_factory=dict)  # that each person had before them last
    _numbers: int = 0

    # the app

    def open(self, call: Call) -> JsonObject:
        user = self._user(call)
        return self._show(user, [], _given(call))

    def push(self, call: Call) -> JsonObject:
        user = self._user(call)
        return self._show(user, self.modals.get(user, []), _given(call))

    def update(self, call: Call) -> JsonObject:
        wanted = call.required("view_id")
        for stack in self.modals.values():
            for place, modal in enumerate(stack):
                if modal.view["id"] == wanted:
                    _check_hash(call, modal.view)
                    stack[place] = modal.updated(self._checked(_given(call), "modal") | {"id": wanted})
                    self.workspace.notify()
                    return {"view": stack[place].view}
        raise SlackError("not_found")

    def publish(self, call: Call) -> JsonObject:
        user = call.required("user_id")
        if user not in call.workspace.people:
            raise SlackError("user_not_found")
        if user in self.homes:
            _check_hash(call, self.homes[user])
        self.homes[user] = self._checked(_given(call), "home")
        self.workspace.notify()
        return {"view": self.homes[user]}

    # the person

    def top(self, user: str) -> Modal | None:
        stack = self.modals.get(user)
        return stack[-1] if stack else None

    def close(self, user: str) -> None:
        """The one in front; what it was pushed on is there again."""
        if stack := self.modals.get(user):
            stack.pop()
            self.workspace.notify()

    def enter(self, user: str, block_id: str, state: JsonObject) -> None:
        """The person has entered something and not submitted it."""
        if modal := self.top(user):
            self._change(user, entered={**modal.entered, block_id: state})

    def ask(self, user: str, block_id: str) -> None:
        """What an external select has offered is gone while the app is asked anew."""
        if modal := self.top(user):
            suggested = {block: options for block, options in modal.suggested.items() if block != block_id}
            self._change(user, suggested=suggested)

    def suggest(self, user: str, view_id: str, block_id: str, answer: Mapping[str, Any]) -> tuple[JsonObject, ...]:
        """What the app suggests in an external select; a client shows nothing of an answer that it does not take."""
        modal = self.top(user)
        if modal is None or modal.view["id"] != view_id:
            return ()
        try:
            found, errors = read_suggestions(answer), {}
        except ValueError as wrong:
            found, errors = (), {block_id: str(wrong)}
        offered = (*modal.offered.get(block_id, ()), *found)
        suggested = {**modal.suggested, block_id: found}
        self._change(user, suggested=suggested, offered={**modal.offered, block_id: offered}, errors=errors)
        return found

    def offer(self, user: str, action_id: str, answer: Mapping[str, Any]) -> tuple[JsonObject, ...]:
        """The same in a message or on the Home tab."""
        try:
            found = read_suggestions(answer)
        except ValueError:
            found = ()
        self.offered.setdefault(user, {})[action_id] = [*found]
        return found

    def wait(self, user: str) -> None:
        """It was submitted, and nothing can be done with it before there is an answer."""
        self._change(user, errors={}, waiting=True)

    def trouble(self, user: str, what: str = TROUBLE) -> None:
        """No answer came, or none that can be understood."""
        self._change(user, errors={"": what}, waiting=False)

    def answer(self, user: str, answer: Mapping[str, Any]) -> None:
        """What the app answered to the submission (Slack, "Modals", response_action)."""
        modal = self.top(user)
        if modal is None or not modal.waiting:
            return
        try:
            self._follow(user, modal, answer)
        except SlackError as error:
            self.trouble(user, error.code)

    def _follow(self, user: str, modal: Modal, answer: Mapping[str, Any]) -> None:
        stack = self.modals[user]
        match answer.get("response_action"):
            case None:
                self.close(user)
            case "clear":
                self.modals[user] = []
                self.workspace.notify()
            case "update":
                stack[-1] = modal.updated(self._checked(answer.get("view"), "modal") | {"id": modal.view["id"]})
                self.workspace.notify()
            case "push":
                self._show(user, stack, answer.get("view"))
            case "errors":
                errors = answer.get("errors")
                if (
                    not isinstance(errors, dict)
                    or not errors
                    or set(errors) - {b["block_id"] for b in inputs(modal.view)}
                ):
                    raise invalid("errors must be of inputs of the view [json-pointer:/errors]")
                self._change(user, errors={block: str(said) for block, said in errors.items()}, waiting=False)
            case other:
                raise invalid(f"unsupported response_action: {other}")

    def _change(self, user: str, **changes: Any) -> None:
        if stack := self.modals.get(user):
            stack[-1] = replace(stack[-1], **changes)
            self.workspace.notify()

    # helpers

    def _show(self, user: str, below: list[Modal], view: Any) -> JsonObject:
        if len(below) >= MOST_PUSHED:
            raise SlackError("push_limit_reached")
        shown = Modal(self._checked(view, "modal"), conversation=self.conversations.get(user))
        self.modals[user] = [*below, shown]
        self.workspace.notify()
        return {"view": shown.view}

    def _user(self, call: Call) -> str:
        user, error = call.backend.grants.use_trigger(call.required("trigger_id"))
        if error:
            raise SlackError(error)
        return user

    def _checked(self, view: Any, kind: str) -> JsonObject:
        if objection := judge_view(view, kind):
            raise invalid(*objection.problems) if objection.problems else SlackError(objection.code)
        self._numbers += 1
        content = json.dumps(view, sort_keys=True).encode()
        stamp = f"{int(self.workspace.clock())}.{hashlib.sha256(content).hexdigest()[:8]}"
        own = {"id": f"V{self._numbers:010d}", "team_id": TEAM, "app_id": APP, "hash": stamp}
        return {**view, "blocks": with_ids(view["blocks"]), **own}


def _given(call: Call) -> Any:
    return call.json("view", "invalid_arguments")


def _check_hash(call: Call, view: JsonObject) -> None:
    if (given := call.text("hash")) and given != view["hash"]:
        raise SlackError("hash_conflict")


def view_methods(views: Views) -> dict[str, Method]:
    return {
        "views.open": Method(views.open, Tier.FOUR),
        "views.push": Method(views.push, Tier.FOUR),
        "views.update": Method(views.update, Tier.FOUR),
        "views.publish": Method(views.publish, Tier.FOUR),
    }
