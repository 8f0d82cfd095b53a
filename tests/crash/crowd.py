"""The people of a storm: they say what they want, press what their cards offer, and press again if nothing happens.

They know what a person knows: the channels and the cards in them. Slack repeats messages that nobody took, and drops
presses; so do they.
"""

from __future__ import annotations

import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.lab.slack import Message, SlackServer
from bot.lab.world import WorldClock
from tests.crash.estate import CountingWorld, Question, Said, Then, Wish, build, draw

AGAIN_S = 1.5
_STATE = re.compile(r"\bm-\d+ · ([a-z ]+)")
_VM = re.compile(r"\bVM-\d+\b")
_STOPPABLE = ("queued", "granted", "running")


class Crowd(ABC):
    """Says everything at its time; what is pressed on the cards, each kind of crowd knows.

    Attributes:
        said: ts of what was said, by what it was.
    """

    def __init__(self, server: SlackServer, plan: Sequence[Said]) -> None:
        self.server = server
        self._plan = plan
        self._began = 0.0
        self._pressed: dict[str, float] = {}
        self.said: dict[Said, str] = {}
        self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)

    @abstractmethod
    def look(self) -> None:
        """At the channels; and press, if there is something to be pressed."""

    def begin(self) -> None:
        self._began = time.monotonic()
        self._thread.start()

    @property
    def all_said(self) -> bool:
        return len(self.said) == len(self._plan)

    def _run(self) -> None:
        while True:
            self._say()
            self.look()
            time.sleep(0.1)  # people are not faster

    def _say(self) -> None:
        now = time.monotonic() - self._began
        for one in self._plan:
            if one.at_s <= now and one not in self.said:
                who = one.who if isinstance(one, Question) else "alice"
                self.said[one] = self.server.say(who, f"#{one.where}", one.text)

    def press(self, about: str, card: Message, button: str, who: str) -> None:
        """A button that begins so, unless something about the same was pressed a moment ago."""
        now = time.monotonic()
        if now - self._pressed.get(about, 0.0) < AGAIN_S:
            return
        shown = self.server.message(card.channel, card.ts)
        labels = [each.label for each in shown.buttons if each.label.startswith(button)] if shown is not None else []
        if shown is not None and labels:
            self._pressed[about] = now
            self.server.press(who, card.channel, card.ts, labels[0], version=len(shown.versions) - 1)


class Wishers(Crowd):
    """Want single moves, and decide on each of them."""

    def __init__(self, server: SlackServer, wishes: tuple[Wish, ...], questions: tuple[Question, ...]) -> None:
        super().__init__(server, (*wishes, *questions))
        self._wishes = wishes
        self._confirmed: dict[str, float] = {}

    def look(self) -> None:
        for one, card in self._cards():
            self._decide(one, card)

    def _cards(self) -> Iterator[tuple[Wish, Message]]:
        """With each wish, the message that has a state and its VM's name: what people take for the card of it."""
        wishes = {one.vm: one for one in self._wishes if one in self.said}
        for message in self.server.backend.workspace.messages():
            if message.bot_id and not message.thread_ts and state_of(message):
                named = _VM.search(message.text)
                if named and (wish := wishes.pop(named[0], None)):
                    yield wish, message

    def _decide(self, wish: Wish, card: Message) -> None:
        state, now = state_of(card), time.monotonic()
        if state == "proposed":
            self.press(wish.vm, card, "Cancel" if wish.then is Then.DECLINE else "Confirm", "bob")
            return
        confirmed = self._confirmed.setdefault(wish.vm, now)
        if wish.then is Then.CANCEL and state in _STOPPABLE and now - confirmed >= wish.patience_s:
            self.press(wish.vm, card, "Cancel", "alice")


@dataclass(frozen=True)
class SingleMoves:
    """A scene: many people who want one thing each."""

    wishes: tuple[Wish, ...]
    questions: tuple[Question, ...]

    @classmethod
    def drawn(cls, seed: int, count: int = 14, seconds: float = 30.0) -> SingleMoves:
        return cls(*draw(seed, count, seconds))

    @property
    def operations(self) -> int:
        return len(self.wishes)

    def build(self, clock: WorldClock) -> CountingWorld:
        return build(clock, self.wishes)

    def gather(self, server: SlackServer) -> Crowd:
        return Wishers(server, self.wishes, self.questions)


def state_of(message: Message) -> str:
    """The state that a card shows in its small print; empty for other messages."""
    texts = (part["text"] for block in message.blocks if block["type"] == "context" for part in block["elements"])
    return next((found[1].strip() for text in texts if (found := _STATE.search(text))), "")
