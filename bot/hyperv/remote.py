"""One host at the other end of the line: what was asked comes back as plain values, or as a HostError."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Event
from typing import TypeVar

from bot.errors import Fault, HostError
from bot.hyperv import contact, faults
from bot.hyperv.answer import Answer
from bot.hyperv.cmdlets import OnError, Statement
from bot.hyperv.views import Unreadable
from bot.hyperv.warm import WarmSessions
from bot.hyperv.winrm import Progress
from bot.settings import HostSettings

T = TypeVar("T")


def _ignore(percent: int) -> None:
    """For orders whose progress nobody follows."""


def wanted() -> None:
    """For orders that stay wanted."""


class RemoteHost:
    """Safe to use from any thread."""

    def __init__(self, name: str, settings: HostSettings, idle_reset_s: float) -> None:
        self.name = name
        self.settings = settings
        self._warm = WarmSessions(settings, idle_reset_s)
        self._closing = Event()

    def read(self, doing: str, statements: Sequence[Statement], view: Callable[[Answer], T]) -> T:
        """Ask, and see the answer through `view`. At most the host's time limit; changes nothing."""
        try:
            answer = self._warm.read(statements)
        except contact.FAILURES as error:
            raise contact.explain(error, self.name, self.settings, doing) from error
        return self._seen(doing, statements, answer, view)

    def order(
        self,
        doing: str,
        statement: Statement,
        view: Callable[[Answer], T],
        *,
        limit_s: float | None = None,
        progress: Progress = _ignore,
        ready: Callable[[], None] = wanted,
    ) -> T:
        """Have something done, in a session of its own, and wait for its end.

        `ready` is called once the session is there, right before the order leaves; if it raises, nothing is sent.

        Raises:
            HostError: the host refused; with fault UNKNOWN it may be doing it, or have done it.
        """
        sent = False
        try:
            with self._warm.own() as session:
                ready()
                try:
                    answer = session.follow(
                        (statement,), self.settings.read_timeout_s, progress, self._closing, limit_s
                    )
                finally:
                    sent = session.sent
        except contact.FAILURES as error:
            raise contact.explain(error, self.name, self.settings, doing, sent=sent) from error
        return self._seen(doing, (statement,), answer, view)

    def close(self) -> None:
        """Followers let go at their next poll, idle sessions end."""
        self._closing.set()
        self._warm.close()

    def _seen(self, doing: str, statements: Sequence[Statement], answer: Answer, view: Callable[[Answer], T]) -> T:
        self._refuse_troubles(doing, statements, answer)
        try:
            return view(answer)
        except Unreadable as unreadable:
            raise HostError(
                self.name,
                doing,
                cause=f"its answer was not as expected: {unreadable}",
                hint="Compare the endpoint's role with the one that Ferry generates",
                fault=Fault.BUG,
            ) from unreadable

    def _refuse_troubles(self, doing: str, statements: Sequence[Statement], answer: Answer) -> None:
        """Raise for the first trouble that matters. An absent VM is an answer where the statement reports.

        A cmdlet that other statements need is not optional: its trouble might be theirs.
        """
        optional = _cmdlets(one for one in statements if one.optional)
        optional -= _cmdlets(one for one in statements if not one.optional)
        asks_presence = any(one.calls[0].on_error is OnError.REPORT for one in statements)
        tolerated = False
        for trouble in answer.troubles:
            if trouble.cmdlet in optional or (asks_presence and trouble.means_no_such_vm):
                tolerated = True
                continue
            raise faults.explain(self.name, doing, trouble)
        if not answer.completed and not tolerated:
            raise HostError(
                self.name,
                doing,
                cause="it ended the work without giving a reason",
                hint="Look at the host before anything else",
                fault=Fault.UNKNOWN,
            )


def _cmdlets(statements: Iterable[Statement]) -> set[str]:
    """As `Trouble.cmdlet` spells them."""
    return {call.cmdlet.name.replace("-", "").casefold() for one in statements for call in one.calls}
