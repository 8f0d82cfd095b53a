"""Lets begin what was agreed to for later, at its time: planned anew, judged by the policy of then, and compared.

Any bot may do it, any number at once: looking changes nothing, and what comes of it is one transaction that starts from
the state "scheduled". So it happens once, and after a crash in between the next turn looks again. What has changed, is
held back, or was missed is offered anew instead, in the same thread; nothing starts then until people agree. What
cannot be planned is tried again for a while, and ends then.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.core.later import find_differences
from bot.core.lifecycle import Event, State
from bot.core.operation import Ask, Outcome
from bot.core.plan import Plan
from bot.core.policy import AnyPlan
from bot.core.reply import Line, Moment, User, marked
from bot.core.shown import Shown
from bot.core.wording import render_duration, render_list
from bot.errors import DatabaseUnavailable, HostError, Refused, UsageError
from bot.operations.authority import Authority
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals
from bot.operations.ticker import Ticker

log = logging.getLogger(__name__)

AGAIN = timedelta(seconds=30)
"""Before what could not be planned is planned again."""

DUE = "due"
"""What kind of ask it is that has come due."""


class Timekeeper:
    """Thread-safe.

    Args:
        plan_again: what a command plans now. Raises UsageError, Refused, HostError.
        offer: how long an offer stands.
        grace: for how long after its time something still begins without asking again.
        find_hold: why a plan may not start now although policy grants it (a freeze, a lock); empty: nothing holds it.
    """

    def __init__(
        self,
        store: Store,
        authority: Authority,
        plan_again: Callable[[Ask], AnyPlan],
        *,
        offer: timedelta,
        grace: timedelta,
        find_hold: Callable[[AnyPlan], str],
        tick_s: float = 2.0,
    ) -> None:
        self._store = store
        self._rows = Approvals(store)
        self._authority = authority
        self._plan_again = plan_again
        self._offer = offer
        self._grace = grace
        self._find_hold = find_hold
        self._again_at: dict[str, datetime] = {}  # of what could not be planned; a handful
        self._ticker = Ticker("ferry-timekeeper", ((tick_s, self.turn),))

    def start(self) -> None:
        self._ticker.start()

    def stop(self) -> None:
        self._ticker.stop()

    def turn(self) -> None:
        """Deal with all that is due. Idempotent."""
        for row in self._rows.due():
            self._deal_with(row)

    def _deal_with(self, row: Shown) -> None:
        now = self._store.clock.now()
        if self._again_at.get(row.id, now) > now:
            return
        ask = self._ask(row)
        try:
            plan = self._plan_again(ask)
        except UsageError as error:
            self._give_up(row, f"`{ask.text}` is not understood any more: {error.message}")
            return
        except (Refused, HostError) as error:
            self._put_off(row, error.message)
            return
        except Exception:
            incident = secrets.token_hex(4)
            log.exception("incident=%s operation=%s due", incident, row.id)
            self._put_off(row, f"something is wrong in Ferry; the log has it as incident {incident}")
            return
        if isinstance(plan, Plan) and plan.blocked:
            self._put_off(row, "; ".join(finding.text for finding in plan.blocked))
            return
        verdict = self._authority.decide(row.requested_by, row.place.channel, plan.action, plan)
        if not verdict.allowed:
            self._give_up(row, f"{row.requested_by} may not do so any more: {verdict.reason}")
            return
        self._begin_or_ask(row, plan, ask)

    def _begin_or_ask(self, row: Shown, plan: AnyPlan, ask: Ask) -> None:
        found = list(find_differences(row.plan, plan))
        late = self._late(row)
        if late > self._grace:
            found.insert(0, f"its time was missed by {render_duration(late.total_seconds())}")
        anew = plan.model_copy(update={"command": row.plan.command, "begins_at": row.begins_at})
        judged = row.model_copy(update={"plan": anew, "agreed": row.plan.digest})
        refusal = self._authority.find_refusal(judged, self._rows.given(row.id), at=self._store.clock.now())
        found += filter(None, (refusal, self._find_hold(plan)))
        if not found:
            try:
                self._rows.begin(row.id, anew)
            except DatabaseUnavailable:
                raise  # whether it was kept is for the next turn to see
            except Refused as error:
                found = [error.saw]
        if found:
            self._ask_again(row, plan, ask, tuple(found))

    def _ask_again(self, row: Shown, plan: AnyPlan, ask: Ask, found: tuple[str, ...]) -> None:
        def note(made: str) -> Line:
            told = f"; nothing was started. {made} is what it would do now, and waits for someone to confirm it"
            return (*_render_due(row), *marked(f"{render_list(found)}{told}"))

        counts = self._authority.counting(plan, row.requested_by)(())
        ends = self._store.clock.now() + self._offer
        asked = self._rows.ask_again(row.id, plan, ask, ends, counts, render_list(found), note)
        if asked:
            log.info("due_asked_again operation=%s found=%r", row.id, found)

    def _put_off(self, row: Shown, why: str) -> None:
        """It cannot be planned now: a host is silent, a backup runs. It is tried again until the grace is over."""
        log.warning("due_not_planned operation=%s why=%r", row.id, why)
        if self._late(row) > self._grace:
            self._give_up(row, why)
            return
        self._again_at[row.id] = self._store.clock.now() + AGAIN
        until: Line = (
            "; it is tried again until ",
            *((Moment(at=row.begins_at + self._grace),) if row.begins_at else ()),
        )
        self._rows.put_off(row.id, why, (*_render_due(row), *marked(why), *until))

    def _give_up(self, row: Shown, why: str) -> None:
        """There is nothing that could be offered instead."""
        outcome = Outcome(summary="it did not begin at its time; nothing was started", cause=why)
        note = (*_render_due(row), *marked(f"{why}; nothing was started"))
        self._rows.end(row.id, Event.EXPIRE, outcome=outcome, note=note, while_in=State.SCHEDULED)

    def _late(self, row: Shown) -> timedelta:
        assert row.begins_at is not None  # or it would not be due
        return self._store.clock.now() - row.begins_at

    def _ask(self, row: Shown) -> Ask:
        """What the person would say now."""
        now = self._store.clock.now()
        return Ask(
            key=f"{row.id}/{DUE}",
            text=row.plan.command,
            actor=row.requested_by,
            place=row.place,
            at=now,
            received_at=now,
            kind=DUE,
        )


def _render_due(row: Shown) -> Line:
    when = (Moment(at=row.begins_at),) if row.begins_at else ()
    return (User(id=row.requested_by), f": {row.id} was to begin ", *when, ", and ")
