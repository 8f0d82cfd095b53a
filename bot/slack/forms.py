"""Hears what people do with forms, and shows them.

Rules:
    1. A form is opened at once, as Slack allows three seconds for that, and beside the acknowledgement.
    2. Suggestions come from memory: an answer waits for no host.
    3. What was filled in is a command like any other: claimed first, then shown where the form was opened.
    4. A form that Slack would refuse is not sent. Where a form cannot be shown, its command is claimed as if its name
       had been typed, and so answered by how to type the rest, after a restart too.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.core.form import Form
from bot.core.operation import Ask, Place
from bot.core.reply import Code, Reply, User, say
from bot.errors import ChatError, RateLimited
from bot.ports import Forms
from bot.slack.errors import slack_errors
from bot.slack.kit.views import judge_view
from bot.slack.modals import (
    ACTION,
    CALLBACK,
    COMMAND,
    SHORTCUT,
    Block,
    render_modal,
    render_problems,
    render_suggestions,
)
from bot.slack.mrkdwn import escape
from bot.slack.payloads import Ignored, Payload, Us
from bot.slack.poster import Poster
from bot.slack.submissions import (
    FORM,
    Submission,
    read_choice,
    read_form_name,
    read_shortcut,
    read_submission,
    read_typed,
)

_OPENED = "exchanged_trigger_id"  # Slack delivered the same twice
_PAUSES_S = (1.0, 2.0, 0.0)  # after each try at showing other fields

log = logging.getLogger(__name__)


class FormFront:
    """What Bolt calls, giving arguments by their names.

    Args:
        claim: keeps an ask durably; whether it is new.
    """

    def __init__(
        self, forms: Forms, claim: Callable[[Ask], bool], client: WebClient, us: Us, now: Callable[[], datetime]
    ) -> None:
        self._forms = forms
        self._claim = claim
        self._client = client
        self._us = us
        self._now = now
        self._chosen: dict[str, Form] = {}  # by view, while its fields are being changed

    def attach(self, app: App) -> None:
        """Before a listener for all other actions."""
        app.shortcut(SHORTCUT)(self.hear_shortcut)
        app.action({"block_id": COMMAND, "action_id": ACTION})(self.hear_choice)
        app.options(ACTION)(self.hear_typing)
        app.view(re.compile(f"{CALLBACK}.+"))(self.hear_form)

    def offer(self, ask: Ask, body: Payload) -> bool:
        """Open the form that an ask is for. False: it is for none, or for none that this person may have."""
        name = read_form_name(ask)
        if name is None:
            return False
        form = self._forms.open(ask.actor, ask.place, name)
        instead = _in_words(ask, form, name or FORM)
        if form is not None:
            _beside(self._open, form, ask.place, str(body.get("trigger_id", "")), instead)
        elif ask.kind == "button":
            self._claim(instead)
        return form is not None or ask.kind == "button"

    def hear_shortcut(self, body: dict[str, Any], ack: Ack) -> None:
        ack()
        wanted = read_shortcut(body, self._us, self._now())
        if isinstance(wanted, Ignored):
            log.debug("shortcut ignored reason=%r", wanted.reason)
        elif form := self._forms.open(wanted.ask.actor, wanted.place):
            _beside(self._open, form, wanted.place, wanted.trigger, wanted.ask)
        else:
            self._claim(wanted.ask)

    def hear_choice(self, body: dict[str, Any], ack: Ack) -> None:
        ack()
        choice = read_choice(body, self._us)
        if isinstance(choice, Ignored):
            log.debug("choice ignored reason=%r", choice.reason)
        elif form := self._forms.open(choice.actor, choice.place, choice.command):
            _beside(self._change, form, choice.place, choice.view)

    def hear_typing(self, body: dict[str, Any], ack: Ack) -> None:
        typed = read_typed(body, self._us)
        if isinstance(typed, Ignored):
            log.debug("suggestion ignored reason=%r", typed.reason)
            ack(options=[])
        else:
            ack(
                **render_suggestions(self._forms.suggest(typed.actor, typed.place, typed.form, typed.field, typed.text))
            )

    def hear_form(self, body: dict[str, Any], ack: Ack) -> None:
        read = read_submission(body, self._us, self._now())
        if isinstance(read, Ignored):
            log.debug("form ignored reason=%r", read.reason)
            ack()
            return
        if read.chosen != read.form and (form := self._forms.open(read.ask.actor, read.ask.place, read.chosen)):
            # Its fields were not there yet when this was submitted.
            self._show_fields(form, read, ack)
            return
        filled = self._forms.fill(read.form, read.values)
        if filled is None:
            ack()
        elif filled.problems:
            ack(**render_problems(filled.problems))
        else:
            ask = read.ask.model_copy(update={"text": escape(filled.command)})  # as if it had been typed
            if self._claim(ask):
                told = say(User(id=ask.actor), " filled in a form: ", Code(text=filled.command))
                _beside(self._post, ask.place, told, f"{ask.key}/said")
            ack()

    def _show_fields(self, form: Form, read: Submission, ack: Ack) -> None:
        try:
            ack(response_action="update", view=_checked(form, read.opened_in))
        except ChatError as error:
            log.error("form_not_changed form=%s: %s", form.command, error.message)  # noqa: TRY400 - answered
            self._claim(_in_words(read.ask, form, read.chosen))
            ack()

    def _open(self, form: Form, place: Place, trigger: str, instead: Ask) -> None:
        try:
            with slack_errors():
                self._client.views_open(trigger_id=trigger, view=_checked(form, place))
        except ChatError as error:
            if error.code != _OPENED:
                log.warning("form_not_opened form=%s channel=%s: %s", form.command, place.channel, error.message)
                self._claim(instead)

    def _change(self, form: Form, place: Place, view: str) -> None:
        """Without the view's hash: what was chosen last counts, and whoever submits too soon is shown its fields."""
        self._chosen[view] = form
        for pause_s in _PAUSES_S:
            try:
                with slack_errors():
                    self._client.views_update(view_id=view, view=_checked(form, place))
                break
            except ChatError as error:
                log.warning("form_not_changed form=%s: %s", form.command, error.message)
                if error.lasting:
                    break
                time.sleep(max(pause_s, error.seconds if isinstance(error, RateLimited) else 0))
            if self._chosen.get(view) is not form:
                return  # something else has been chosen since
        self._chosen.pop(view, None)

    def _post(self, place: Place, told: Reply, key: str) -> None:
        try:
            Poster(self._client).post(place, told, key=key)
        except ChatError as error:
            log.warning("form_not_shown key=%s code=%s", key, error.code)


def _checked(form: Form, place: Place) -> Block:
    """The view. Raises ChatError where Slack would not take it."""
    view = render_modal(form, place)
    if objection := judge_view(view, "modal"):
        told = ": ".join(("Slack would refuse this form", objection.code, *objection.problems))
        raise ChatError(told, code=objection.code, lasting=True)
    return view


def _in_words(ask: Ask, form: Form | None, name: str) -> Ask:
    """What is typed for whoever cannot be shown a form."""
    return ask.model_copy(update={"text": (form and form.instead) or name})


def _beside(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, name="slack-form", daemon=True).start()
