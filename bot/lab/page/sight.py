"""What one person sees of the workspace, as JSON: all of it first, then what has changed."""

from __future__ import annotations

from collections.abc import Sequence

from bot.lab.slack import Message, Modal, SlackServer
from bot.lab.slack.model import Channel, JsonObject, Person
from bot.lab.slack.workspace import SLACKBOT, TEAM

KINDS = {"channel": 0, "group": 1, "im": 2}


class Sight:
    def __init__(self, server: SlackServer, who: str) -> None:
        """KeyError: there is nobody of that name."""
        self._server = server
        self._person = server.workspace.person(who)
        server.direct_channel(self._person.id)  # it is in everybody's list, and Slack opens it when first looked at
        self._told: dict[tuple[str, str], Message] = {}
        self._channels: Sequence[Channel] = ()
        self._modal: Modal | None = None
        self._home: JsonObject | None = None

    def everything(self) -> JsonObject:
        """Who there is, and what there is so far."""
        workspace = self._server.workspace
        people = [_profile(person) for person in workspace.people.values()]
        slackbot = {"id": SLACKBOT, "name": "Slackbot", "title": "", "is_bot": True}
        told = {"me": self._person.name, "bot": workspace.bot.id, "people": [*people, slackbot]}
        return told | {"shortcuts": list(self._server.shortcuts)} | self.news()

    def news(self) -> JsonObject:
        """What differs from what was told before; empty if nothing does."""
        with self._server.workspace.lock:
            return self._tell_messages() | self._tell_channels() | self._tell_views()

    def _tell_messages(self) -> JsonObject:
        mine = {channel.id for channel in self._mine()}
        seen = {
            (one.channel, one.ts): one
            for one in self._server.workspace.messages()
            if one.channel in mine and not one.deleted and one.only_for in ("", self._person.id)
        }
        changed = [to_json(one) for key, one in seen.items() if self._told.get(key) is not one]
        gone = [key for key in self._told if key not in seen]
        self._told = seen
        return ({"messages": changed} if changed else {}) | ({"gone": gone} if gone else {})

    def _tell_channels(self) -> JsonObject:
        channels = sorted(self._mine(), key=lambda one: (KINDS[one.kind], one.name))
        if channels == self._channels:
            return {}
        self._channels = channels
        return {"channels": [{"id": one.id, "name": one.name, "kind": one.kind} for one in channels]}

    def _tell_views(self) -> JsonObject:
        told: JsonObject = {}
        if (modal := self._server.modal(self._person.id)) is not self._modal:
            told["modal"] = modal and {"view": modal.view, "errors": dict(modal.errors), "waiting": modal.waiting}
            self._modal = modal
        if (home := self._server.home(self._person.id)) is not self._home:
            told["home"] = self._home = home
        return told

    def _mine(self) -> list[Channel]:
        return [one for one in self._server.workspace.channels.values() if self._person.id in one.members]


def to_json(message: Message) -> JsonObject:
    """As the Web API gives it, with what a client knows besides: the channel, and who alone sees it."""
    return message.to_json(TEAM) | {"channel": message.channel, "only_for": message.only_for}


def _profile(person: Person) -> JsonObject:
    return {"id": person.id, "name": person.name, "title": person.title, "is_bot": person.is_bot}
