"""The people of a storm: they say what they want, press what their cards offer, and press again if nothing happens.

They know what a person knows: the channels and the cards in them. Slack repeats messages that nobody took, and drops
presses; so do they.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator

from bot.lab.slack import Message, SlackServer
from tests.crash.estate import Question, Then, Wish

AGAIN_S = 1.5
_STATE = re.compile(r"\bm-\d+ · ([a-z ]+)")
_VM = re.compile(r"\bVM-\d+\b")
_STOPPABLE = ("queued", "granted", "running")


class Crowd:
    """
    Attributes:
        said: ts of what was said, by wish and question.
    """

    def __init__(self, server: SlackServer, wishes: tuple[Wish, ...], questions: tuple[Question, ...]) -> None:
        self._server = server
        self._plan: list[Wish | Question] = [*wishes, *questions]
        self._began = 0.0
        self._pressed: dict[str, float] = {}
        self._confirmed: dict[str, float] = {}
        self.said: dict[Wish | Question, str] = {}
        self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)

    def begin(self) -> None:
        self._began = time.monotonic()
        self._thread.start()

    @property
    def all_said(self) -> bool:
        return len(self.said) == len(self._plan)

    def _run(self) -> None:
        while True:
            self._say()
            for one, card in self._cards():
                self._decide(one, card)
            time.sleep(0.1)  # people are not faster

    def _say(self) -> None:
        now = time.monotonic() - self._began
        for one in self._plan:
            if one.at_s <= now and one not in self.said:
                who = one.who if isinstance(one, Question) else "alice"
                self.said[one] = self._server.say(who, f"#{one.where}", one.text)

    def _cards(self) -> Iterator[tuple[Wish, Message]]:
        """With each wish, the message that has a state and its VM's name: what people take for the card of it."""
        wishes = {one.vm: one for one in self._plan if isinstance(one, Wish) and one in self.said}
        for message in self._server.backend.workspace.messages():
            if message.bot_id and not message.thread_ts and state_of(message):
                named = _VM.search(message.text)
                if named and (wish := wishes.pop(named[0], None)):
                    yield wish, message

    def _decide(self, wish: Wish, card: Message) -> None:
        state, now = state_of(card), time.monotonic()
        if state == "proposed":
            self._press(wish, card, "Cancel" if wish.then is Then.DECLINE else "Confirm", "bob")
            return
        confirmed = self._confirmed.setdefault(wish.vm, now)
        if wish.then is Then.CANCEL and state in _STOPPABLE and now - confirmed >= wish.patience_s:
            self._press(wish, card, "Cancel", "alice")

    def _press(self, wish: Wish, card: Message, button: str, who: str) -> None:
        now = time.monotonic()
        if now - self._pressed.get(wish.vm, 0.0) < AGAIN_S:
            return
        shown = self._server.message(card.channel, card.ts)
        if shown is not None and any(each.label == button for each in shown.buttons):
            self._pressed[wish.vm] = now
            self._server.press(who, card.channel, card.ts, button, version=len(shown.versions) - 1)


def state_of(message: Message) -> str:
    """The state that a card shows in its small print; empty for other messages."""
    texts = (part["text"] for block in message.blocks if block["type"] == "context" for part in block["elements"])
    return next((found[1].strip() for text in texts if (found := _STATE.search(text))), "")
