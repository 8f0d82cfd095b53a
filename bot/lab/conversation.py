"""One conversation without a prompt: say it, confirm if told to, print what the channel shows, tell how it ended.

It judges by what the channel shows and by nothing else, as a person does.
"""

from __future__ import annotations

import re
import time
from functools import partial
from pathlib import Path
from typing import TextIO

from bot.core.freshness import ASKING
from bot.core.lifecycle import ENDED, State
from bot.lab.slack import Message, SlackServer
from bot.lab.terminal.chat import Chat
from bot.lab.terminal.plain import Printer

CONFIRM = "say-0"  # by its action: the first button of an offer confirms, whatever it says
_BADGE = re.compile(r"m-\d+ · (" + "|".join(sorted(State, key=len, reverse=True)) + r")\b")
_REFUSALS = ("❌", "⚠️")
_SETTLE_S = 1.5  # the thread's last lines come after the card's last state
_BEGINS = re.compile(r"^Begins (.+?): ", re.MULTILINE)
_OF_MANY = re.compile(r"\d+ of \d+ VMs? (moved|came home)")
_PICTURE_S = 15.0  # what the end of many moves is drawn in; the first time the library has to be loaded


class Conversation:
    """Of one person in one channel.

    Args:
        files: where files that the bot shares are saved.
        limit_s: real seconds after which it counts as not succeeded.
    """

    def __init__(
        self,
        server: SlackServer,
        user: str,
        channel: str,
        stdout: TextIO,
        *,
        limit_s: float,
        files: Path | None = None,
    ) -> None:
        self._server = server
        self._user = user
        self._channel = channel
        self._printer = Printer(Chat(server, user, channel, bare=True, greeting="", files=files), stdout)
        self._stdout = stdout
        self._limit_s = limit_s

    def hold(self, text: str, *, confirm: bool) -> bool:
        """Whether the operation succeeded, or is to begin later; for a question, whether it was answered.

        Args:
            confirm: press Confirm once it is offered.
        """
        known = {message.ts for message in self._answers()}
        self._server.say(self._user, self._channel, text)
        answer = self._follow(known, frozenset({None, State.PROPOSED, *ENDED}))
        if answer and confirm and self._state(answer) is State.PROPOSED:
            self._server.press(self._user, self._channel, answer.ts, CONFIRM)
            answer = self._follow(known, ENDED | {State.SCHEDULED})
        if answer is not None and self._state(answer):
            self._wait_for_picture(answer)
            self._settle()
            self._tell_later(answer)
        return answer is not None and self._succeeded(answer)

    def _follow(self, known: set[str], until: frozenset[State | None]) -> Message | None:
        """Print what happens until the answer is in one of these states; None: not in time."""
        ends_at, revision = time.monotonic() + self._limit_s, -1
        while (left_s := ends_at - time.monotonic()) > 0:
            revision = self._server.wait_for_change(revision, left_s)
            self._printer.print_news()
            answers = [message for message in self._answers() if message.ts not in known]
            answer = next((one for one in answers if self._state(one)), answers[0] if answers else None)
            if answer and self._state(answer) in until and not self._is_interim(answer):
                return answer
        return None

    def _answers(self) -> list[Message]:
        """What the bot said to all or to this person only; not the lines in threads."""
        seen = (*self._server.ephemerals(self._user), *self._server.messages(self._channel))
        return [message for message in seen if message.bot_id]

    def _state(self, message: Message) -> State | None:
        """The state that a card shows; None for a message that is no card."""
        shown = _BADGE.search("\n".join(self._server.render_text(message)))
        return State(shown[1]) if shown else None

    def _is_interim(self, message: Message) -> bool:
        return any(ASKING in line for line in self._server.render_text(message))

    def _succeeded(self, answer: Message) -> bool:
        state = self._state(answer)
        if state is None:
            return not answer.text.startswith(_REFUSALS)
        return state in (State.SUCCEEDED, State.SCHEDULED)

    def _tell_later(self, answer: Message) -> None:
        """What is scheduled is not waited for."""
        shown = "\n".join(self._server.render_text(answer))
        if self._state(answer) is State.SCHEDULED and (begins := _BEGINS.search(shown)):
            self._stdout.write(f"scheduled: it would begin {begins[1]}, and this lab ends before that\n")

    def _wait_for_picture(self, answer: Message) -> None:
        if self._state(answer) in ENDED and _OF_MANY.search("\n".join(self._server.render_text(answer))):
            thread = partial(self._server.thread, self._channel, answer.ts)
            self._server.workspace.wait_for(
                lambda: any(one.name.endswith(".png") for message in thread() for one in message.files), _PICTURE_S
            )

    def _settle(self) -> None:
        """Print until nothing has changed for a moment."""
        revision = self._server.workspace.revision
        while (later := self._server.wait_for_change(revision, _SETTLE_S)) > revision:
            revision = later
        self._printer.print_news()
