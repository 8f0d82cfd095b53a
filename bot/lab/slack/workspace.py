"""The workspace: who is in it, what has been posted, and the one condition that is notified whenever anything changes.

Knows nothing of HTTP or WebSocket. Every method may be called from any thread; what it returns are frozen snapshots.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypeVar

from bot.lab.slack.model import Channel, JsonObject, Message, Person, Version

T = TypeVar("T")

SLACKBOT = "USLACKBOT"
TEAM = "T0LAB00000"
APP = "A0LAB00000"
BOT = "B0LAB00000"


@dataclass(frozen=True)
class ChannelSetup:
    """A channel to begin with. Everybody is in it, and the bot too, unless said otherwise."""

    name: str
    private: bool = False
    members: tuple[str, ...] | None = None  # names; None: every person
    with_bot: bool = True
    shared_externally: bool = False
    archived: bool = False
    shared_in_organisation: bool = False


def make_id(prefix: str, name: str) -> str:
    """A Slack id that a reader can recognise: alice is U0ALICE000."""
    letters = re.sub(r"[^A-Z0-9]", "", name.upper())
    return f"{prefix}0{letters:0<8}"


class Workspace:
    def __init__(
        self,
        *,
        people: Sequence[str],
        channels: Sequence[str | ChannelSetup],
        bot: str,
        clock: Callable[[], float],
        guests: Iterable[str] = (),
        titles: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self._watchers: list[Callable[[], object]] = []
        self.revision = 0
        self.bot = Person(make_id("U", bot), bot, bot, is_bot=True)
        outside = frozenset(guests)
        persons = [
            Person(make_id("U", name), name, name.capitalize(), is_guest=name in outside, title=titles.get(name, ""))
            for name in people
        ]
        self.people = {person.id: person for person in [*persons, self.bot]}
        setups = [ChannelSetup(one.removeprefix("#")) if isinstance(one, str) else one for one in channels]
        self.channels = {channel.id: channel for channel in map(self._open_channel, setups)}
        if len(self.people) <= len(persons) or len(self.channels) < len(setups):
            raise ValueError("names of people, of the bot and of channels must differ in their letters and digits")
        self.groups: dict[str, frozenset[str]] = {}  # user groups, and who is in them
        self._messages: dict[tuple[str, str], Message] = {}
        self._last_ts = 0

    def _open_channel(self, setup: ChannelSetup) -> Channel:
        names = setup.members
        members = {
            person.id
            for person in self.people.values()
            if not person.is_bot and (names is None or person.name in names)
        }
        if setup.with_bot:
            members.add(self.bot.id)
        return Channel(
            make_id("C", setup.name),
            setup.name,
            "group" if setup.private else "channel",
            frozenset(members),
            setup.shared_externally,
            setup.archived,
            setup.shared_in_organisation,
        )

    # time and keys

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def new_ts(self, late_s: float = 0) -> str:
        """A ts that no other message has; `late_s` seconds in the past for a message that is delivered late."""
        with self.lock:
            if late_s:
                moment = int((self.clock() - late_s) * 1e6)
                while any(ts == _ts(moment) for _, ts in self._messages):
                    moment += 1
                return _ts(moment)
            self._last_ts = max(self._last_ts + 1, int(self.clock() * 1e6))
            return _ts(self._last_ts)

    # looking up

    def person(self, who: str) -> Person:
        """By id or by name. KeyError names who is missing: it is the caller of the lab who mistyped."""
        name = who.removeprefix("@").lower()
        for person in self.people.values():
            if who == person.id or name == person.name.lower():
                return person
        raise KeyError(
            f"nobody called {who!r} in this workspace; there are {', '.join(p.name for p in self.people.values())}"
        )

    def channel(self, where: str) -> Channel:
        """By id, by name or by #name."""
        found = self.find_channel(where)
        if found is None:
            raise KeyError(
                f"no channel {where!r}; there are {', '.join(channel.name for channel in self.channels.values())}"
            )
        return found

    def find_channel(self, where: str) -> Channel | None:
        name = where.removeprefix("#").lower()
        with self.lock:
            if where in self.channels:
                return self.channels[where]
            return next((one for one in self.channels.values() if one.kind != "im" and one.name == name), None)

    def direct_channel(self, who: str) -> Channel:
        """The direct messages between a person and the bot; opened when first needed."""
        person = self.person(who)
        channel_id = make_id("D", person.id[2:])
        with self.lock:
            if channel_id not in self.channels:
                members = frozenset({person.id, self.bot.id})
                self.channels[channel_id] = Channel(channel_id, person.name, "im", members)
            return self.channels[channel_id]

    def names(self) -> dict[str, str]:
        """User and channel ids with what a client shows for them."""
        with self.lock:
            people = {person.id: f"@{person.name}" for person in self.people.values()}
            channels = {channel.id: f"#{channel.name}" for channel in self.channels.values()}
            return {SLACKBOT: "@Slackbot"} | people | channels

    def message(self, channel: str, ts: str) -> Message | None:
        with self.lock:
            return self._messages.get((channel, ts))

    def messages(self) -> list[Message]:
        """All that were ever posted, in the order of their ts; deleted and ephemeral ones are among them."""
        with self.lock:
            return sorted(self._messages.values(), key=lambda message: (len(message.ts), message.ts))

    # changing

    def post(self, message: Message) -> Message:
        with self.lock:
            self._messages[(message.channel, message.ts)] = message
            self.notify()
            return message

    def version(self, text: str, blocks: Iterable[JsonObject] = (), attachments: Iterable[JsonObject] = ()) -> Version:
        """A version from now on. Blocks without an id get one, as Slack gives them."""
        named = tuple(
            block if block.get("block_id") else block | {"block_id": uuid.uuid4().hex[:5]} for block in blocks
        )
        within = tuple(
            part
            | {
                "blocks": [
                    block | {"block_id": block.get("block_id") or uuid.uuid4().hex[:5]} for block in part["blocks"]
                ]
            }
            if part.get("blocks")
            else part
            for part in attachments
        )
        return Version(self.now(), text, named, within)

    def delete(self, message: Message) -> None:
        self.post(replace(message, deleted=True))

    def set_channel(self, channel: Channel) -> None:
        with self.lock:
            self.channels[channel.id] = channel
            self.notify()

    # waiting

    def notify(self) -> None:
        with self._changed:
            self.revision += 1
            self._changed.notify_all()
            for tell in self._watchers:
                tell()

    @contextmanager
    def watched(self, tell: Callable[[], object]) -> Iterator[None]:
        """Meanwhile somebody is told of every change, under the lock, on whichever thread made it."""
        with self.lock:
            self._watchers.append(tell)
        try:
            yield
        finally:
            with self.lock:
                self._watchers.remove(tell)

    def wait_for(self, predicate: Callable[[], T], timeout_s: float) -> T | None:
        """The predicate's value once it is true, None when time is up; asked again after every change."""
        with self._changed:
            found: list[T] = []

            def is_met() -> bool:
                value = predicate()
                found[:] = [value]
                return bool(value)

            return found[0] if self._changed.wait_for(is_met, timeout_s) else None


def _ts(microseconds: int) -> str:
    return f"{microseconds // 1_000_000}.{microseconds % 1_000_000:06d}"
