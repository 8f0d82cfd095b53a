"""Ferry in a lab, for dialogues: say, press, and what the channel shows. All is real but the hosts and the workspace.

with Ferry(tmp_path) as ferry:
    card = ferry.say("migrate VM-01 to host02")
    ferry.press(card, "Confirm", who="bob")
    assert "VM-01 is on host02" in ferry.wait_until_ended(card)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TypeVar

from bot.app import Bot, build
from bot.core.freshness import ASKING
from bot.core.lifecycle import ENDED, State
from bot.core.operation import Operation
from bot.lab.running import CHANNEL, RunningLab
from bot.lab.scenario import SCENARIOS
from bot.lab.slack import Message, SlackServer
from bot.lab.world import RunningClock, World
from bot.operations.runner import Timing
from bot.ports import Clock
from bot.settings import Settings

T = TypeVar("T")
PATIENCE_S = 30.0
UNLIMITED = 1000  # updates of cards a minute


class Ferry:
    """A lab with the bot in it.

    Args:
        speed: simulated seconds in a real one.
        rate_limits: whether the workspace limits calls as Slack does; one that does not lets cards follow at once.
        timing: of the runner; None: as the settings say.
        world, server, clock: instead of the scenario's, of a plain workspace, and of the bot's own clock.
        operations: settings of the section that are not the lab's.
        policy: sections of the settings that say who may do what; a section takes the place of the lab's.
        audit: the channel that hears of every change and refusal; the server must have it.
        lists: whether the lab's people are on `allow` and `operators`.
        in_real_time: whether the bot is told links as fast as they are in real seconds.
    """

    def __init__(
        self,
        folder: Path,
        *,
        scenario: str = "small",
        speed: float = 50,
        rate_limits: bool = True,
        timing: Timing | None = None,
        world: World | None = None,
        server: SlackServer | None = None,
        clock: Clock | None = None,
        operations: Mapping[str, object] = MappingProxyType({}),
        policy: Mapping[str, object] = MappingProxyType({}),
        audit: str = "",
        lists: bool = True,
        in_real_time: bool = False,
    ) -> None:
        self.folder = folder
        self.timing = timing
        self.clock = clock
        self.operations = operations
        self.policy = policy
        self.audit = audit
        self.lists = lists
        self.rate_limits = rate_limits
        self.world = world or SCENARIOS[scenario](RunningClock(speed))
        self.server = server or SlackServer(rate_limits=rate_limits)
        self.lab = RunningLab(self.world, folder, slack=self.server, in_real_time=in_real_time)
        self.bot: Bot
        self._stack = ExitStack()

    def __enter__(self) -> Ferry:
        self._stack.enter_context(self.lab)
        self._stack.callback(lambda: self.bot.stop())
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start the bot, again perhaps: hosts, workspace and database are as they were."""
        settings = self.lab.settings(self.folder / "ferry.sqlite")
        settings["operations"] |= self.operations
        settings |= self.policy
        settings["slack"] |= {"commands_per_minute": 0}  # tests are faster than people
        settings["slack"] |= {"audit_channel": self.server.channel_id(self.audit)} if self.audit else {}
        settings["slack"] |= {} if self.lists else {"allow": [], "operators": []}
        checked = Settings.model_validate(settings)
        if not self.rate_limits:  # more than the settings let anybody say, as no real workspace would allow it
            unlimited = checked.operations.model_copy(update={"updates_per_minute": UNLIMITED})
            checked = checked.model_copy(update={"operations": unlimited})
        self.bot = build(checked, self.timing, self.clock)
        self.bot.start()

    # people

    def say(self, text: str, *, who: str = "alice", where: str = f"#{CHANNEL}", thread: str | None = None) -> Message:
        """Say it and wait for the answer: a card, a message, or what only this person sees."""
        before = {message.ts for message in self._answers(who, where)}
        ts = self.server.say(who, where, text, thread)
        return self.wait(
            lambda: next(
                (answer for answer in self._answers(who, where, thread or ts) if answer.ts not in before), None
            )
        )

    def ask(self, text: str, **said: str) -> str:
        """The answer's text, once the hosts have been asked."""
        answer = self.say(text, **said)
        return self.wait(lambda: shown if ASKING not in (shown := self.text(answer)) else None)

    def press(self, card: Message, button: str, *, who: str = "alice") -> None:
        self.server.press(who, card.channel, card.ts, button)

    # seeing

    def text(self, message: Message) -> str:
        """What the message shows now."""
        now = self.server.message(message.channel, message.ts) or message
        return "\n".join(self.server.render_text(now))

    def history(self, message: Message) -> list[str]:
        """What the message has shown, oldest first."""
        now = self.server.message(message.channel, message.ts) or message
        return ["\n".join(self.server.render_text(now, version=version)) for version in range(len(now.versions))]

    def steps(self, card: Message) -> list[str]:
        """The lines in the card's thread."""
        return [self.text(message) for message in self.server.thread(card.channel, card.ts)]

    def wait(self, predicate: Callable[[], T | None], timeout_s: float = PATIENCE_S) -> T:
        found = self.server.wait_for(predicate, timeout_s)
        assert found is not None
        return found

    def wait_for_text(self, card: Message, *wanted: str) -> str:
        """The card's text once it shows all of these."""
        return self.wait(lambda: text if all(each in (text := self.text(card)) for each in wanted) else None)

    def wait_until_ended(self, card: Message) -> str:
        """The card's last text."""
        names = tuple(f"· {state}" for state in ENDED)
        return self.wait(lambda: text if any(name in (text := self.text(card)) for name in names) else None)

    def operation(self, card: Message) -> Operation:
        """The row that the card shows."""
        badge = next(word for word in self.text(card).split() if word.startswith("m-"))
        found = self.bot.store.find(badge)
        assert found is not None
        return found

    def _answers(self, who: str, where: str, thread: str = "") -> list[Message]:
        in_thread = self.server.thread(where, thread) if thread else []
        seen = (*self.server.ephemerals(who), *self.server.messages(where), *in_thread)
        return [message for message in seen if message.bot_id]


__all__ = ["Ferry", "State"]
