"""Everything Ferry raises on purpose. The person in chat reads these words, so they are written for that person.

A leaf: imports nothing of Ferry. Any other exception is a bug of ours and shows an incident id instead of its text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum


class FerryError(Exception):
    """Base of every expected failure.

    Attributes:
        hint: what to type or check next; empty when there is nothing sensible to add.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(FerryError):
    """The text could not be understood as a command. Shown only to the person who typed it."""


class Refused(FerryError):
    """Understood, but rules or the state of the world say no. Nothing was changed.

    Attributes:
        saw: what Ferry observed; the message itself.
        needed: what would have to be true instead; may be empty.
        private: whether only the asker should see it (a person without permission), instead of the channel.
    """

    def __init__(self, saw: str, *, needed: str = "", hint: str = "", private: bool = False) -> None:
        super().__init__(saw, hint=hint)
        self.saw = saw
        self.needed = needed
        self.private = private


class Misnamed(Refused):
    """A name that stands for nothing Ferry knows, or for several things.

    Attributes:
        said: the name.
        slot: which argument of a command it was probably given for: "vm" or "host".
        choices: names to say instead, each with what tells it from the others: "on host01", or "" if it does itself.
        commands: the whole command with each of them in it, under what a button would be called; filled in by whoever
            knows the command.
    """

    def __init__(self, saw: str, *, said: str, slot: str, choices: Mapping[str, str], needed: str, hint: str) -> None:
        super().__init__(saw, needed=needed, hint=hint)
        self.said = said
        self.slot = slot
        self.choices = choices
        self.commands: tuple[tuple[str, str], ...] = ()

    def spell_out(self, write: Callable[[str], str]) -> None:
        """Say what to type in full. `write` gives the command with another name in the place of this one."""
        if not self.choices:
            return
        self.commands = tuple((where or name, write(name)) for name, where in self.choices.items())
        texts = [f"`{text}`" for _, text in self.commands]
        if all(self.choices.values()):
            self.hint = "\n".join(f"{where}: {text}" for (where, _), text in zip(self.commands, texts, strict=True))
        else:
            self.hint = f"did you mean {' or '.join(texts)}?"


class Locked(Refused):
    """Somebody holds what this would touch.

    Attributes:
        name: of what is locked.
        by: Slack user id.
        since, until: aware UTC; None: until it is unlocked.
    """

    def __init__(self, name: str, *, by: str, since: datetime, until: datetime | None, reason: str, free: str) -> None:
        super().__init__(
            f"{name} is locked: {reason}",
            needed=f"{name} unlocked: nothing that touches it is planned anew until then",
            hint=f"`{free}` ends the lock, said by whoever holds it, or by an operator; `locks` shows all there are",
        )
        self.name = name
        self.by = by
        self.since = since
        self.until = until
        self.reason = reason


class DatabaseUnavailable(Refused):
    """The database took no transaction (locked, full, not answering). Nothing of it was kept."""


class Fault(StrEnum):
    """What may be done about a host's failure (classes of the fault catalogue in `bot.core.faults`)."""

    CONFIGURATION = "configuration"  # a person has to change something; repeating is pointless
    TRANSIENT = "transient"  # may be repeated after a pause
    CAPACITY = "capacity"  # the host is full or at its limit; wait for a turn
    UNKNOWN = "unknown"  # the outcome is unknown: look at both hosts before anything else
    BUG = "bug"  # Ferry or the endpoint's set-up is wrong


class HostError(FerryError):
    """A host did not do what it was asked.

    Attributes:
        host: Ferry's name of the host.
        doing: what was asked of it, in the reader's words ("reading its virtual machines").
        words: the host's own text, untrusted and maybe localised; empty if it said nothing.
        code: FullyQualifiedErrorId or HRESULT that classified it, empty if none.
        cause: what this means; hint says the remedy.
        fault: what may be done about it.
    """

    def __init__(
        self,
        host: str,
        doing: str,
        *,
        words: str = "",
        code: str = "",
        cause: str = "",
        hint: str = "",
        fault: Fault = Fault.UNKNOWN,
    ) -> None:
        super().__init__(self._say(host, doing, cause), hint=hint)
        self.host = host
        self.doing = doing
        self.words = words
        self.code = code
        self.cause = cause
        self.fault = fault

    @staticmethod
    def _say(host: str, doing: str, cause: str) -> str:
        return f"{host} did not finish {doing}" + (f": {cause}" if cause else "")


class HostUnreachable(HostError):
    """No answer from the host, or none that can be trusted: what it holds is unknown, never absent."""

    @staticmethod
    def _say(host: str, doing: str, cause: str) -> str:
        return f"Ferry does not reach {host} for {doing}" + (f": {cause}" if cause else "")


class ChatError(FerryError):
    """The chat service refused or did not answer.

    Attributes:
        code: the service's own error code ("channel_not_found"), or "unreachable".
        lasting: whether repeating is pointless.
        maybe_done: whether the service may have carried it out although no answer came.
    """

    def __init__(self, message: str, *, code: str, lasting: bool, maybe_done: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.lasting = lasting
        self.maybe_done = maybe_done


class RateLimited(ChatError):
    """The chat service asks for a pause.

    Attributes:
        seconds: how long, as the service said.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the chat service asks for a pause of {seconds:.0f} s", code="ratelimited", lasting=False)
        self.seconds = seconds
