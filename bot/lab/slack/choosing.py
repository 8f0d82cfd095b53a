"""What people do with any element, in a message or in a view: press, choose, pick a date, search an external select.

From any thread; a mistake of the caller is a KeyError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from bot.lab.slack.call import Backend
from bot.lab.slack.chosen import Filled, chosen
from bot.lab.slack.events import block_actions, block_suggestion, in_message, in_view, view_actions
from bot.lab.slack.modals import EXTERNAL, inputs, known, state_of
from bot.lab.slack.model import Button, Channel, JsonObject, Message, Person
from bot.lab.slack.socket import Envelope
from bot.lab.slack.views import Views


@dataclass(frozen=True)
class InMessage:
    where: str
    ts: str


@dataclass(frozen=True)
class InView:
    """A modal, or the Home tab."""

    view_id: str


class Choosing:
    """Mixed into the server, which knows the loop. Attributes: `backend` and `views`, made by the server."""

    backend: Backend
    views: Views

    def on_loop(self, action: Callable[[], None]) -> None:
        raise NotImplementedError

    def act(self, who: str, place: InMessage | InView, block_id: str, action_id: str, filled: Filled = "") -> None:
        """Press the button, or choose at the element. `filled` is nothing for a button.

        Of an input of a modal the app hears only where the view asks for that (dispatch_action).
        """
        with self.backend.workspace.lock:
            person = self.backend.workspace.person(who)
            blocks, found = self._at(person, place)
            block, element = self._element(person, blocks, block_id, action_id)
            held = {} if element["type"] == "button" else chosen(element, filled)
            if block["type"] == "input":
                self.views.enter(person.id, block_id, held)
                if not block.get("dispatch_action"):
                    return
        button = Button("", action_id, block_id, element | held)
        if isinstance(found, Message):
            envelope = press(self.backend, person, self.backend.workspace.channels[found.channel], found, button)
        else:
            workspace, trigger = self.backend.workspace, self.backend.grants.new_trigger(person.id)
            payload = view_actions(
                person, found, self._held(person, found), button, action_ts=workspace.new_ts(), trigger=trigger
            )
            envelope = Envelope("interactive", payload)
        self.on_loop(lambda: self.backend.socket.deliver(envelope))

    def search(
        self, who: str, place: InMessage | InView, block_id: str, action_id: str, query: str
    ) -> Future[Sequence[JsonObject]]:
        """What an external select offers for what was typed; nothing if the app does not answer."""
        with self.backend.workspace.lock:
            person = self.backend.workspace.person(who)
            blocks, found = self._at(person, place)
            block, element = self._element(person, blocks, block_id, action_id)
            button = Button("", action_id, block_id, element)
        offered: Future[Sequence[JsonObject]] = Future()

        def answered(answer: JsonObject) -> None:
            if block["type"] == "input" and not isinstance(found, Message):
                options = self.views.suggest(person.id, found["id"], block_id, answer)
            else:
                options = self.views.offer(person.id, action_id, answer)
            offered.set_result([*options])

        if isinstance(found, Message):
            at = in_message(self.backend.workspace.channels[found.channel], found)
        else:
            at = in_view(found, self._held(person, found))
        payload = block_suggestion(person, at, button, query)
        envelope = Envelope("interactive", payload, answered, lambda: answered({}))
        self.on_loop(lambda: self.backend.socket.deliver(envelope))
        return offered

    # helpers

    def _held(self, person: Person, view: JsonObject) -> JsonObject:
        """What the inputs of a view hold; the Home tab has none."""
        top = self.views.top(person.id)
        return state_of(top) if top is not None and top.view["id"] == view["id"] else {}

    def _at(self, person: Person, place: InMessage | InView) -> tuple[Sequence[JsonObject], Message | JsonObject]:
        if isinstance(place, InView):
            view = self._view(person, place.view_id)
            return view["blocks"], view
        workspace = self.backend.workspace
        channel = workspace.channel(place.where)
        message = workspace.message(channel.id, place.ts)
        hidden = message is None or message.deleted or message.only_for not in ("", person.id)
        if message is None or hidden or person.id not in channel.members:
            raise KeyError(f"{person.name} sees no message {place.ts} in {place.where}")
        within = [block for part in message.current.attachments for block in part.get("blocks", ())]
        return [*message.blocks, *within], message

    def _view(self, person: Person, view_id: str) -> JsonObject:
        top, home = self.views.top(person.id), self.views.homes.get(person.id)
        for view in (top.view if top else None, home):
            if view is not None and view["id"] == view_id:
                return view
        raise KeyError(f"{person.name} has no view {view_id} open")

    def _element(
        self, person: Person, blocks: Sequence[JsonObject], block_id: str, action_id: str
    ) -> tuple[JsonObject, JsonObject]:
        for block in blocks:
            for element in elements(block):
                if (block.get("block_id"), element.get("action_id", "")) == (block_id, action_id):
                    top = self.views.top(person.id)
                    if top is not None and block in inputs(top.view):
                        return block, known(top, block)
                    offered = self.views.offered.get(person.id, {}).get(action_id)
                    return block, element | ({"options": offered} if offered and element["type"] in EXTERNAL else {})
        raise KeyError(f"there is no element {action_id!r} in block {block_id!r}")


def press(
    backend: Backend, person: Person, channel: Channel, message: Message, button: Button, late_s: float = 0
) -> Envelope:
    """What the app gets of a button that was pressed, or of what was chosen at an element."""
    key = backend.grants.new_response_url(person.id, channel.id, ts=message.ts, thread_ts=message.thread_ts)
    payload = block_actions(
        person,
        channel,
        message,
        button,
        action_ts=backend.workspace.new_ts(late_s),
        trigger=backend.grants.new_trigger(person.id),
        url=backend.url(f"response/{key}"),
    )
    return Envelope("interactive", payload)


def elements(block: JsonObject) -> Iterator[dict[str, Any]]:
    """What can be acted on in a block."""
    inside = block.get("elements", ()) if block["type"] == "actions" else ()
    yield from (one for one in (*inside, block.get("accessory"), block.get("element")) if one)
