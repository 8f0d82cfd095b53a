"""What a person does on the page: a JSON object each, carried out by the people's side of the stand-in."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bot.lab.slack import InMessage, InView, SlackServer
from bot.lab.slack.chosen import Filled
from bot.lab.slack.model import JsonObject

LONGEST_TEXT = 40_000  # Slack, "chat.postMessage"


class Act(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    who: str


class Say(Act):
    """In a channel a text that begins with a slash is a slash command, as in Slack's clients."""

    do: Literal["say"]
    channel: str
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)
    thread: str = ""

    async def perform(self, server: SlackServer) -> JsonObject:
        text = self.text.strip()
        if text.startswith("/"):
            if self.thread:
                raise KeyError("Slack has no slash commands in threads: type it in the channel")
            command, _, rest = text.partition(" ")
            server.slash(self.who, self.channel, command, rest.strip())
            return {}
        return {"ts": server.say(self.who, self.channel, text, self.thread or None)}


class Edit(Act):
    do: Literal["edit"]
    channel: str
    ts: str
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)

    async def perform(self, server: SlackServer) -> JsonObject:
        server.edit(self.who, self.channel, self.ts, self.text.strip())
        return {}


class Delete(Act):
    do: Literal["delete"]
    channel: str
    ts: str

    async def perform(self, server: SlackServer) -> JsonObject:
        server.delete(self.who, self.channel, self.ts)
        return {}


class Shortcut(Act):
    """A global shortcut of the app's, with a channel before one's eyes."""

    do: Literal["shortcut"]
    channel: str
    name: str

    async def perform(self, server: SlackServer) -> JsonObject:
        server.shortcut(self.who, self.channel, self.name)
        return {}


class _At(Act):
    """At an element of a message, by `channel` and `ts`, or of a view, by its id."""

    channel: str = ""
    ts: str = ""
    view: str = ""
    block: str
    action: str

    @property
    def place(self) -> InMessage | InView:
        return InView(self.view) if self.view else InMessage(self.channel, self.ts)


class Choose(_At):
    do: Literal["choose"]
    filled: Filled = ""

    async def perform(self, server: SlackServer) -> JsonObject:
        server.act(self.who, self.place, self.block, self.action, self.filled)
        return {}


class Search(_At):
    do: Literal["search"]
    query: str = Field("", max_length=3000)

    async def perform(self, server: SlackServer) -> JsonObject:
        offered = server.search(self.who, self.place, self.block, self.action, self.query)
        return {"options": [*await asyncio.wrap_future(offered)]}


class Submit(Act):
    do: Literal["submit"]
    values: dict[str, Filled]

    async def perform(self, server: SlackServer) -> JsonObject:
        server.submit(self.who, self.values)
        return {}


class Close(Act):
    do: Literal["close"]

    async def perform(self, server: SlackServer) -> JsonObject:
        server.close_modal(self.who)
        return {}


class OpenHome(Act):
    do: Literal["home"]

    async def perform(self, server: SlackServer) -> JsonObject:
        server.open_home(self.who)
        return {}


AnyAct = Annotated[
    Say | Edit | Delete | Shortcut | Choose | Search | Submit | Close | OpenHome, Field(discriminator="do")
]
ACTS: TypeAdapter[AnyAct] = TypeAdapter(AnyAct)
