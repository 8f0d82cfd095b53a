"""Takes what people decide about freezes and locks. Who may is asked of the policy with what it would hold back.

Whoever holds a lock frees it; so does an operator, which is journalled as a takeover.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.core.holds.model import EVERYTHING, Held, Hold, Kind
from bot.core.holds.naming import pick_lock
from bot.core.holds.wording import render_begun, render_ended, render_freeing
from bot.core.journal import Refusal
from bot.core.operation import Ask
from bot.core.policy import HOLD_FREEZE, HOLD_LOCK, HOLD_UNFREEZE, HOLD_UNLOCK, Level
from bot.core.reply import Reply, User
from bot.core.signal import Freeze, Holding, Lock, Unfreeze, Unlock
from bot.errors import Refused
from bot.operations.authority import Authority
from bot.operations.store import Store
from bot.operations.store.hold_rows import HoldRows


class HoldDesk:
    """Thread-safe.

    Args:
        refuse: keeps that policy refused something.
    """

    def __init__(self, store: Store, authority: Authority, refuse: Callable[[Refusal, Ask], None]) -> None:
        self._store = store
        self._rows = HoldRows(store)
        self._authority = authority
        self._refuse = refuse

    def apply(self, signal: Holding, ask: Ask) -> Reply:
        """Raises Refused."""
        match signal:
            case Freeze():
                return self._begin(EVERYTHING, signal, ask)
            case Lock():
                return self._begin(signal.held, signal, ask)
            case Unfreeze():
                return self._unfreeze(ask)
            case Unlock():
                return self._unlock(pick_lock(self._store.holds(), signal.what), ask)

    def _begin(self, held: Held, signal: Freeze | Lock, ask: Ask) -> Reply:
        wanted = Hold(
            **held.model_dump(),
            number=0,
            by=ask.actor,
            reason=signal.reason,
            at=self._store.clock.now(),
            until=signal.until,
        )
        freezes = held.kind is Kind.FREEZE
        action, command = (HOLD_FREEZE, "freeze") if freezes else (HOLD_LOCK, f"lock {held.name}")
        self._permit(held, action, command, ask)
        return render_begun(*self._rows.begin(wanted, ask))

    def _unfreeze(self, ask: Ask) -> Reply:
        self._permit(EVERYTHING, HOLD_UNFREEZE, "unfreeze", ask)
        for one in self._store.holds():
            if one.kind is Kind.FREEZE and self._rows.end(one, ask.actor):
                return render_ended(one, User(id=ask.actor))
        raise Refused(
            "Ferry is not frozen", needed="a freeze that has not ended", hint="`locks` shows what holds back new starts"
        )

    def _unlock(self, lock: Hold, ask: Ask) -> Reply:
        if lock.by != ask.actor:  # one's own is one's own to end
            self._permit(lock, HOLD_UNLOCK, render_freeing(lock), ask, Level.OPERATE)
        if not self._rows.end(lock, ask.actor):
            raise Refused(f"{lock.name} is not locked any more", hint="`locks` shows what is")
        return render_ended(lock, User(id=ask.actor))

    def _permit(self, held: Held, action: str, command: str, ask: Ask, level: Level | None = None) -> None:
        verdict = self._authority.decide_hold(ask.actor, ask.place.channel, action, held, level)
        if verdict.allowed:
            return
        self._refuse(Refusal(action=action, reason=verdict.reason, command=command), ask)
        needed = "whoever holds it, or one of Ferry's operators" if level is Level.OPERATE else verdict.needed
        raise Refused(verdict.reason, needed=needed, hint=verdict.hint, private=True)
