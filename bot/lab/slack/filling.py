"""What people do with modals: look, type, choose, submit, close.

From any thread; a mistake of the caller is a KeyError.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.lab.slack.choosing import Choosing, InView
from bot.lab.slack.chosen import Filled
from bot.lab.slack.events import shortcut, view_submission
from bot.lab.slack.modals import EXTERNAL, Modal, fill, find_input
from bot.lab.slack.model import JsonObject, Person, buttons_of, find_button
from bot.lab.slack.socket import Envelope


class Filling(Choosing):
    """Mixed into the server, which knows the loop.

    Attributes: `backend` and `views`, made by the server; `shortcuts`, callback ids of the app's global shortcuts.
    """

    shortcuts: tuple[str, ...]

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
        with self.backend.workspace.lock:
            person, modal = self._filling(who)
            block = find_input(modal.view, label)
            element = block["element"]
            if element["type"] not in EXTERNAL:
                raise KeyError(f"{label!r} asks nobody what to offer")
            if len(typed) < element.get("min_query_length", 3):
                raise KeyError(f"{label!r} offers nothing before {element.get('min_query_length', 3)} characters")
            self.views.ask(person.id, block["block_id"])
        self.search(who, InView(modal.view["id"]), block["block_id"], element["action_id"], typed)

    def choose(self, who: str, label: str, filled: Filled) -> None:
        """Enter something without submitting; the app hears of it where the view asks for that (dispatch_action)."""
        with self.backend.workspace.lock:
            _, modal = self._filling(who)
            block = find_input(modal.view, label)
        self.act(who, InView(modal.view["id"]), block["block_id"], block["element"]["action_id"], filled)

    def press_home(self, who: str, label: str) -> None:
        """Press a button on one's Home tab, by its label."""
        workspace = self.backend.workspace
        with workspace.lock:
            view = self.views.homes.get(workspace.person(who).id)
            button = find_button(buttons_of(view["blocks"] if view else ()), label)
        self.act(who, InView(view["id"] if view else ""), button.block_id, button.action_id)

    def _filling(self, who: str) -> tuple[Person, Modal]:
        person = self.backend.workspace.person(who)
        modal = self.views.top(person.id)
        if modal is None or modal.waiting:
            raise KeyError(f"there is no form in front of {person.name} that could be submitted")
        return person, modal

    def submit(self, who: str, filled: Mapping[str, Filled]) -> None:
        """Fill in inputs by their labels or block_ids and submit. What becomes of it, `modal` shows."""
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
