"""What people do with modals: look, fill in, submit, close. From any thread; a mistake of the caller is a KeyError."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.lab.slack.call import Backend
from bot.lab.slack.chosen import Filled
from bot.lab.slack.events import view_submission
from bot.lab.slack.modals import Modal, fill
from bot.lab.slack.model import JsonObject
from bot.lab.slack.socket import Envelope
from bot.lab.slack.views import Views


class Filling:
    """Mixed into the server, which knows the loop. Attributes: `backend` and `views`, made by the server."""

    backend: Backend
    views: Views

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

    def submit(self, who: str, filled: Mapping[str, Filled]) -> None:
        """Fill in inputs by their labels or block_ids and submit. What becomes of it, `modal` shows."""
        workspace, grants = self.backend.workspace, self.backend.grants
        with workspace.lock:
            person = workspace.person(who)
            modal = self.views.top(person.id)
            if modal is None or modal.waiting:
                raise KeyError(f"there is no form in front of {person.name} that could be submitted")
            values = fill(modal.view, filled, self.views.offered.get(person.id, {}))
            self.views.wait(person.id)
        payload = view_submission(person, modal.view, values, grants.new_trigger(person.id))

        def answered(answer: JsonObject) -> None:
            self.views.answer(person.id, answer)

        def lost() -> None:
            self.views.trouble(person.id)

        self.on_loop(lambda: self.backend.socket.deliver(Envelope("interactive", payload, answered, lost)))
