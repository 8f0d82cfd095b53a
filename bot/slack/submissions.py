"""What Slack delivers of forms: a shortcut, a choice, what was typed into a field, and what was filled in. Pure.

Who did it, and of which workspace they are, is what the authenticated connection says. A form's place is what Ferry put
into it; one that a shortcut opened has none, and the person chose the channel.

Facts: shapes of payloads from Slack developer docs, "shortcut", "block_actions", "block_suggestion", "view_submission".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field, Json, ValidationError

from bot.core.form import Values
from bot.core.names import UserId
from bot.core.operation import Ask, Place
from bot.slack.modals import CALLBACK, CHANNEL, COMMAND
from bot.slack.payloads import Identified, Ignored, Payload, Presser, SlackPayload, Us, malformed

FORM = "form"  # the command that offers forms: where Slack lets a view be opened, it opens one


@dataclass(frozen=True)
class Submission:
    """A form that was filled in. `ask` has everything but its text, which is the command that the values stand for.

    Attributes:
        form: the command whose fields were shown.
        chosen: the command that was chosen last; another one, where its fields were still to be shown.
        opened_in: what the form was opened with; `ask` has the channel that was chosen where that has none.
    """

    form: str
    chosen: str
    values: Values
    ask: Ask
    opened_in: Place


@dataclass(frozen=True)
class Choice:
    """Somebody chose another command in an open form."""

    command: str
    actor: UserId
    view: str
    place: Place


@dataclass(frozen=True)
class Typed:
    """Somebody is typing into a field."""

    form: str
    field: str
    text: str
    actor: UserId
    place: Place


@dataclass(frozen=True)
class Wanted:
    """Somebody asked for a form where there is no channel.

    Attributes:
        ask: what they would have typed, said to Ferry alone: a person's id is a channel of direct messages.
    """

    place: Place
    trigger: str
    ask: Ask


class _Chosen(SlackPayload):
    value: str


class _Answer(SlackPayload):
    value: str = ""
    selected_option: _Chosen | None = None
    selected_options: tuple[_Chosen, ...] = ()
    selected_conversation: str = ""
    selected_date_time: int | None = None

    @property
    def values(self) -> tuple[str, ...]:
        one = (self.selected_option,) if self.selected_option else ()
        chosen = tuple(chosen.value for chosen in (*one, *self.selected_options))
        moment = "" if self.selected_date_time is None else str(self.selected_date_time)
        return chosen or tuple(filter(None, (self.value, self.selected_conversation, moment)))


class _State(SlackPayload):
    values: dict[str, dict[str, _Answer]]


class _View(Identified):
    callback_id: str
    private_metadata: Json[Place]

    @property
    def form(self) -> str:
        return self.callback_id.removeprefix(CALLBACK)


class _FilledView(_View):
    state: _State


class _From(SlackPayload):
    user: Presser
    team: Identified

    def is_foreign(self, us: Us, place: Place | None = None) -> bool:
        teams = {self.team.id, self.user.team_id or us.team, place.team if place else us.team}
        return teams != {us.team}


class _Submitted(_From):
    view: _FilledView


class _Changed(_Answer):
    block_id: str


class _Choosing(_From):
    view: _View
    actions: tuple[_Changed, ...] = Field(min_length=1)


class _Suggesting(_From):
    view: _View
    block_id: str
    value: str = ""


class _Shortcut(_From):
    trigger_id: str


def read_form_name(ask: Ask) -> str | None:
    """The command whose form may be meant, "" for any; None: no form is asked for."""
    words = ask.text.strip().casefold().split()
    if ask.kind in ("button", "slash") and words[:1] == [FORM]:
        return " ".join(words[1:])
    return " ".join(words) if ask.kind == "slash" else None


def read_shortcut(body: Payload, us: Us, received_at: datetime) -> Wanted | Ignored:
    try:
        read = _Shortcut.model_validate(body)
    except ValidationError as error:
        return malformed(error)
    if read.is_foreign(us):
        return Ignored("another workspace")
    ask = Ask(
        key=f"{us.team}/{read.user.id}/shortcut/{read.trigger_id}",
        text=FORM,
        actor=UserId(read.user.id),
        place=Place(team=us.team, channel=read.user.id),
        at=received_at,
        received_at=received_at,
        kind="slash",
    )
    return Wanted(Place(team=us.team, channel=""), read.trigger_id, ask)


def read_choice(body: Payload, us: Us) -> Choice | Ignored:
    try:
        read = _Choosing.model_validate(body)
    except ValidationError as error:
        return malformed(error)
    if read.is_foreign(us, read.view.private_metadata):
        return Ignored("another workspace")
    command = next(iter(read.actions[0].values), "")
    return Choice(command, UserId(read.user.id), read.view.id, read.view.private_metadata)


def read_typed(body: Payload, us: Us) -> Typed | Ignored:
    try:
        read = _Suggesting.model_validate(body)
    except ValidationError as error:
        return malformed(error)
    if read.is_foreign(us, read.view.private_metadata):
        return Ignored("another workspace")
    return Typed(read.view.form, read.block_id, read.value, UserId(read.user.id), read.view.private_metadata)


def read_submission(body: Payload, us: Us, received_at: datetime) -> Submission | Ignored:
    """A modal of Ferry's that somebody filled in. Slack delivers it again only where nobody acknowledged it."""
    try:
        read = _Submitted.model_validate(body)
    except ValidationError as error:
        return malformed(error)
    view, opened_in = read.view, read.view.private_metadata
    if read.is_foreign(us, opened_in):
        return Ignored("another workspace")
    values: dict[str, Any] = {
        name: tuple(value for answer in answers.values() for value in answer.values)
        for name, answers in view.state.values.items()
    }
    chosen = next(iter(values.pop(COMMAND, ())), view.form)
    channel = next(iter(values.pop(CHANNEL, ())), "")
    place = opened_in if opened_in.channel else opened_in.model_copy(update={"channel": channel})
    if not place.channel:
        return Ignored("a form without a channel")
    ask = Ask(
        key=f"{us.team}/{place.channel}/form/{view.id}",
        text="",
        actor=UserId(read.user.id),
        place=place,
        at=received_at,
        received_at=received_at,
        kind="form",
    )
    return Submission(view.form, chosen, values, ask, opened_in)
