"""Receives what people say: claims it in the database, answers it in a thread of its own, and posts the answer.

An interim answer is replaced where it stands once the hosts have been asked, in a thread of its own.

It understands nothing of it; that is the dispatcher's work. Rules: nothing is answered that was not claimed first, so
that what Slack delivers twice is done once; whoever delivers never waits for a host or for chat; what was claimed and
not answered is taken up again, at the next start or by another bot, where the dispatcher refuses what is too old.
What the database could not claim is refused once and for all: a later delivery of it is not carried out. Who says more
than is reasonable in a minute is told so and not listened to for the rest of it, and people take turns.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from functools import partial

from bot.core.operation import Ask
from bot.core.refusal import render_refused
from bot.core.reply import Interim, Reply
from bot.core.throttle import Admission, Spell, admit, budget_of
from bot.errors import ChatError, DatabaseUnavailable, RateLimited, Refused
from bot.operations.fairness import FairQueue
from bot.operations.runner.timing import backoff_s
from bot.operations.store import Store
from bot.operations.ticker import Ticker
from bot.ports import Chat

log = logging.getLogger(__name__)

_STOPPED = ""  # in place of a ts
PAUSE_MOST_S = 30.0


class Intake:
    """Thread-safe.

    Args:
        answer: the dispatcher's, told whether a former process may have begun with it; None means a card answers.
        patience_s: for how long an answer is tried to be posted, before it is given up: one that is older helps nobody.
        pause_s: before the second try; doubles, up to half a minute.
        holder: by which others can tell whether this process lives.
        adopt_s: how often asks are looked for that a process left unanswered which lives no more.
        per_minute: what one person may say, and as much again by buttons; 0: anything.
    """

    def __init__(
        self,
        store: Store,
        answer: Callable[[Ask, bool], Reply | Interim | None],
        chat: Chat,
        *,
        workers: int = 4,
        patience_s: float = 600.0,
        pause_s: float = 1.0,
        holder: str = "",
        adopt_s: float = 5.0,
        per_minute: int = 0,
    ) -> None:
        self._store = store
        self._answer = answer
        self._chat = chat
        self._patience_s = patience_s
        self._pause_s = pause_s
        self._holder = holder or secrets.token_hex(8)
        self._ticker = Ticker("ferry-intake", ((adopt_s, self._adopt),))
        self._asks: FairQueue[tuple[Ask, bool]] = FairQueue(workers - 1)
        self._per_minute = per_minute
        self._spells: dict[str, Spell] = {}
        self._refused: set[str] = set()  # keys of asks; a handful, while the database is away
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        # Daemons: a worker that waits for a slow host must not keep a stopped process alive.
        self._threads = [
            threading.Thread(target=self._work, name=f"ferry-intake-{number}", daemon=True)
            for number in range(1, workers + 1)
        ]

    def start(self) -> None:
        """Take up what a former process left unanswered, then what comes."""
        self._adopt()
        self._ticker.start()
        for thread in self._threads:
            thread.start()

    def stop(self, patience_s: float = 3.0) -> None:
        """Take no more; an answer that is still being worked out is given at the next start."""
        self._stopping.set()
        self._ticker.stop()
        self._asks.close()
        deadline = time.monotonic() + patience_s
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    def take(self, ask: Ask) -> bool:
        """Claim an ask and queue it. False: it was claimed before and is answered there, or it is not taken."""
        if not self._is_admitted(ask):
            return False
        try:
            claimed = self._store.take(ask, self._holder)
        except DatabaseUnavailable as error:
            self._refuse(ask, error)
            return False
        if claimed and ask.key in self._refused:  # another delivery of it came to nothing, and the person was told
            self._store.answered(ask.key)
            return False
        if claimed:
            self._asks.put(ask.actor, (ask, False))
        return claimed

    def _is_admitted(self, ask: Ask) -> bool:
        budget, now = budget_of(ask.actor, ask.kind), self._store.clock.now()
        if not budget or not self._per_minute:
            return True
        with self._lock:
            self._spells = {whose: spell for whose, spell in self._spells.items() if not spell.is_over(now)}
            self._spells[budget], verdict = admit(self._spells.get(budget), ask.key, now, self._per_minute)
        if verdict is Admission.WARN:
            log.warning("asks_ignored actor=%s kind=%s", ask.actor, ask.kind)
            self._tell(ask, _too_many(ask, self._per_minute))
        return verdict is Admission.TAKE

    def _refuse(self, ask: Ask, error: DatabaseUnavailable) -> None:
        log.warning("ask_not_claimed ask=%s problem=%r", ask.key, error.message)
        with self._lock:
            told = ask.key in self._refused
            self._refused.add(ask.key)
        if not told:
            self._tell(ask, error)

    def _tell(self, ask: Ask, error: Refused) -> None:
        """Tell the person, without keeping whoever delivers."""
        reply = render_refused(error, private=True)
        threading.Thread(target=self._deliver, args=(ask, reply), name="ferry-intake-refusal", daemon=True).start()

    def _adopt(self) -> None:
        for ask in self._store.adopt(self._holder):
            self._asks.put(ask.actor, (ask, True))

    def _work(self) -> None:
        while (item := self._asks.take()) is not None:
            actor, (ask, adopted) = item
            try:
                self._work_on(ask, adopted)
            except Exception:
                # The thread's top. The ask stays unanswered, and is taken up again at the next start.
                log.exception("incident=%s ask=%s", secrets.token_hex(4), ask.key)
            finally:
                self._asks.done(actor)

    def _work_on(self, ask: Ask, adopted: bool) -> None:
        if not self._store.is_answering(ask.key, self._holder):
            return  # this process stood still, was thought dead, and another has it now
        answer = self._answer(ask, adopted)
        if not self._store.is_answering(ask.key, self._holder):
            return
        if isinstance(answer, Interim):
            self._give_interim(ask, answer, adopted)
        elif answer is None or self._give(ask, answer, adopted) != _STOPPED:
            self._store.answered(ask.key)

    def _give(self, ask: Ask, reply: Reply, adopted: bool) -> str | None:
        """As `_deliver`. Whoever took the ask before may have posted the answer, and died before it said so."""
        return (adopted and self._find(ask, reply)) or self._deliver(ask, reply)

    def _give_interim(self, ask: Ask, interim: Interim, adopted: bool) -> None:
        """Until it is replaced the ask stays unanswered: whoever takes it up finds it, and replaces it."""
        ts = self._give(ask, interim.reply, adopted)
        if ts is None:
            self._store.answered(ask.key)  # chat does not take it, so there is nothing to replace
        elif ts != _STOPPED:
            work = partial(self._replace, ask, ts, interim)
            threading.Thread(target=work, name="ferry-intake-interim", daemon=True).start()

    def _replace(self, ask: Ask, ts: str, interim: Interim) -> None:
        try:
            reply = interim.learn()
            if self._stopping.is_set() or not self._store.is_answering(ask.key, self._holder):
                return
            if self._insist(ask, lambda: self._chat.update(ask.place.channel, ts, reply), lambda: None) != _STOPPED:
                self._store.answered(ask.key)
        except Exception:
            log.exception("incident=%s ask=%s", secrets.token_hex(4), ask.key)  # as in `_work`

    def _deliver(self, ask: Ask, reply: Reply) -> str | None:
        """As `_insist`; of what only one person sees there is no ts."""
        if reply.private:
            return self._insist(ask, lambda: self._chat.whisper(ask.place, ask.actor, reply), lambda: None)
        return self._insist(ask, lambda: self._chat.post(ask.place, reply, key=ask.key), lambda: self._find(ask, reply))

    def _insist(self, ask: Ask, send: Callable[[], str | None], find: Callable[[], str | None]) -> str | None:
        """The ts, or None if chat gave none or refused for good. `_STOPPED`: not dealt with, Ferry is stopping.

        Args:
            find: looks for what may have been taken although no answer came.
        """
        give_up_at = time.monotonic() + self._patience_s
        turn = 0
        while True:
            turn += 1
            try:
                return send()
            except ChatError as error:
                log.warning("answer_not_posted ask=%s code=%s try=%d", ask.key, error.code, turn)
                if error.maybe_done and (ts := find()):
                    return ts
                pause_s = backoff_s(self._pause_s, PAUSE_MOST_S, turn)
                pause_s = error.seconds if isinstance(error, RateLimited) else pause_s
                if error.lasting or time.monotonic() + pause_s > give_up_at:
                    log.warning("answer_given_up ask=%s code=%s", ask.key, error.code)
                    return None
                if self._stopping.wait(pause_s):
                    return _STOPPED

    def _find(self, ask: Ask, reply: Reply) -> str | None:
        """A post without an answer, if it is there. What only one person sees cannot be read, and may come twice."""
        try:
            return None if reply.private else self._chat.find(ask.place, ask.key, ask.received_at)
        except ChatError as error:
            log.warning("answer_not_found ask=%s code=%s", ask.key, error.code)
            return None


def _too_many(ask: Ask, limit: int) -> Refused:
    pressed = ask.kind == "button"
    done, other = ("pressed", "typed") if pressed else ("said", "pressed")
    return Refused(
        f"you have {done} more than {limit} things within a minute; Ferry takes no more of them until it is over",
        needed=f"at most {limit} in a minute",
        hint=f"what is {other} still counts; what was ignored has to be {done} again",
        private=True,
    )
