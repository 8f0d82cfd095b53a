"""What people do with modals: look, type, choose, submit, close.

From any thread; a mistake of the caller is a KeyError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.lab.slack.call import Backend
from bot.lab.slack.events import block_suggestion, shortcut, view_actions, view_submission
from bot.lab.slack.modals import EXTERNAL, Filled, Modal, enter, fill, find_input, state_of
from bot.lab.slack.model import JsonObject, Person, buttons_of, find_button
from bot.lab.slack.socket import Envelope
from bot.lab.slack.views import Views


class Filling:
    """Mixed into the server, which knows the loop.

    Attributes: `backend` and `views`, made by the server; `shortcuts`, callback ids of the app's global shortcuts.
    """

    backend: Backend
    views: Views
    shortcuts: tuple[str, ...]

    def on_loop(self, action: Callable[[], None]) -> None:
        raise NotImplementedError

    def modal(self, who: str) -> Modal | None:
        """What stands in front of a person."""
        with self.backend.workspace.lock:
            return self.views.top(self.backend.workspace.person(who).id)

    def close_modal(self, who: str) -> None:
        """The app hears nothing of it; view_closed, which a view may ask for, is left out."""
        with self.backend.workspace.lock:
            self.views.close(self.backend.workspace.person(who).id)

    def shortcut(self, who: str, where: str, callback_id: str) -> None:
        """Use a global shortcut of the app's, with a channel before one's eyes that the app does not learn of."""
        workspace = self.backend.workspace
        if callback_id not in self.shortcuts:
            raise KeyError(f"the app has no shortcut {callback_id!r}; there are: {', '.join(self.shortcuts)}")
        person = workspace.person(who)
        with workspace.lock:
            self.views.conversations[person.id] = workspace.channel(where)
        payload = shortcut(person, callback_id, workspace.new_ts(), self.backend.grants.new_trigger(person.id))
        self.on_loop(lambda: self.backend.socket.deliver(Envelope("interactive", payload)))

    def type_into(self, who: str, label: str, typed: str) -> None:
        """Type into an external select. What is offered then, `modal(who).options(label)` shows."""
        workspace = self.backend.workspace
        with workspace.lock:
            person, modal = self._filling(who)
            block = find_input(modal.view, label)
            element = block["element"]
            if element["type"] not in EXTERNAL:
                raise KeyError(f"{label!r} asks nobody what to offer")
            if len(typed) < element.get("min_query_length", 3):
                raise KeyError(f"{label!r} offers nothing before {element.get('min_query_length', 3)} characters")
            self.views.ask(person.id, block["block_id"])
        ids = {"block_id": block["block_id"], "action_id": element["action_id"]}
        payload = block_suggestion(person, modal.view, state_of(modal), **ids, typed=typed)

        def answered(answer: JsonObject) -> None:
            self.views.suggest(person.id, modal.view["id"], block["block_id"], answer)

        def lost() -> None:
            answered({})

        self.on_loop(lambda: self.backend.socket.deliver(Envelope("interactive", payload, answered, lost)))

    def choose(self, who: str, label: str, filled: Filled) -> None:
        """Enter something without submitting; the app hears of it where the view asks for that (dispatch_action)."""
        workspace = self.backend.workspace
        with workspace.lock:
            person, modal = self._filling(who)
            block = find_input(modal.view, label)
            state = enter(modal, block, filled)
            self.views.enter(person.id, block["block_id"], state)
            _, modal = self._filling(who)
        if not block.get("dispatch_action"):
            return
        action = state | {"block_id": block["block_id"], "action_id": block["element"]["action_id"]}
        grant = {"action_ts": workspace.new_ts(), "trigger": self.backend.grants.new_trigger(person.id)}
        payload = view_actions(person, modal.view, state_of(modal), action, **grant)
        self.on_loop(lambda: self.backend.socket.deliver(Envelope("interactive", payload)))

    def press_home(self, who: str, label: str) -> None:
        """Press a button on one's Home tab, by its label."""
        workspace = self.backend.workspace
        with workspace.lock:
            person = workspace.person(who)
            view = self.views.homes.get(person.id)
            button = find_button(buttons_of(view["blocks"] if view else ()), label)
        action = {key: button.element[key] for key in ("action_id", "text", "value", "type") if key in button.element}
        grant = {"action_ts": workspace.new_ts(), "trigger": self.backend.grants.new_trigger(person.id)}
        payload = view_actions(person, view or {}, {}, action | {"block_id": button.block_id}, **grant)
        self.on_loop(lambda: self.backend.socket.deliver(Envelope("interactive", payload)))

    def _filling(self, who: str) -> tuple[Person, Modal]:
        person = self.backend.workspace.person(who)
        modal = self.views.top(person.id)
        if modal is None or modal.waiting:
            raise KeyError(f"there is no form in front of {person.name} that could be submitted")
        return person, modal

    def submit(self, who: str, filled: Mapping[str, Filled]) -> None:
        """Fill in inputs by their labels and submit. What becomes of it, `modal` shows."""
        workspace, grants = self.backend.workspace, self.backend.grants
        with workspace.lock:
            person, modal = self._filling(who)
            values = fill(modal, filled)
            self.views.wait(person.id)
        payload = view_submission(person, modal.view, values, grants.new_trigger(person.id))

        def answered(answer: JsonObject) -> None:
            self.views.answer(person.id, answer)

        def lost() -> None:
            self.views.trouble(person.id)

        self.on_loop(lambda: self.backend.socket.deliver(Envelope("interactive", payload, answered, lost)))
