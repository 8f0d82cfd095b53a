"""Keeps every card true: rows -> posts, updates and thread lines, by whichever process holds the lease.

One thread. Each turn reads which cards are behind, makes at most one call to chat, and looks again; so a card is always
drawn from the newest row, and whatever was skipped meanwhile costs nothing.

Rules:
    1. New cards at once, then updates as `bot.core.progress` allows, then lines for threads.
    2. Chat asking for a pause stops that kind of call only. Other passing errors put off that one card, ever longer.
    3. What can never be shown (channel gone, message deleted) is given up with its reason, and the asker is told.
    4. A card and a line are posted once: where a post may have been taken although no answer came or the database did
       not keep it, or a predecessor may have posted before it died, its key is looked for first. Who stood still while
       another took over takes back what both have posted.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.core.operation import Place
from bot.core.progress import Behind, Schedule, decide_updates
from bot.core.reply import Code, Line, Mark, Reply, Text
from bot.core.shown import render_card
from bot.errors import ChatError, RateLimited
from bot.operations.drawing import Draw, Drawings, Look, draw_reply, name_file
from bot.operations.pace import EVER, Kind, Memory, Pace
from bot.operations.store import CardDue, Store
from bot.operations.store.evacuations import ARRIVALS
from bot.operations.threads import key_of_steps, next_steps, render_steps, render_title, thread_of
from bot.ports import Chat, Clock

LEASE = "announcer"
POLL_S = 1.0  # rows that other processes change ring no bell here
REST_FOR_EACH_S = 0.0004  # for each card that is behind: hundreds of moves ring all the time, and few may be shown
MOST_TRIES_OF_A_FILE = 5
SET_BACK = timedelta(seconds=1)  # a clock that goes back by less is being adjusted

_NO_MEMBER = frozenset({"not_in_channel", "channel_not_found"})

log = logging.getLogger(__name__)


class Announcer:
    """Only one of all announcers on a database works at a time; the others wait for its lease to end.

    Args:
        draw: the picture of an evacuation that has ended.
        look: fills in what came to its hosts meanwhile.
    """

    def __init__(
        self,
        store: Store,
        chat: Chat,
        clock: Clock,
        updates_per_minute: int,
        holder: str = "",
        *,
        draw: Draw,
        look: Look,
    ) -> None:
        self._drawings = Drawings(draw, look, store.changed.ring)
        self._store = store
        self._chat = chat
        self._clock = clock
        self._updates_per_minute = updates_per_minute
        self._holder = holder or f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)
        # The newest operation's number when this one began to lead; None: it does not lead.
        self._inherited: int | None = None
        self._turned_at = EVER
        self._memories: dict[str, Memory] = {}
        self._pace = Pace()
        self._busy_with: str | None = None
        self._rest_s = 0.0  # before the next turn, whoever rings

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the call under way and hand over the lease. What is not shown yet is shown after the next start."""
        self._stopping.set()
        self._store.changed.ring()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            wait_s = POLL_S
            try:
                wait_s = self._turn()
            except Exception:
                incident = uuid.uuid4().hex[:8]
                log.exception("announcer turn broke incident=%s operation=%s", incident, self._busy_with)
                if self._busy_with:
                    self._put_off(self._busy_with)
                    wait_s = 0
            self._store.changed.wait(wait_s)
            self._stopping.wait(self._rest_s)
        if self._inherited is not None:
            self._store.give_up_lease(LEASE, self._holder)

    def _turn(self) -> float:
        """At most one call to chat. Returns the seconds until the next turn is due."""
        self._busy_with = None
        now = self._clock.now()
        if now + SET_BACK < self._turned_at:
            self._forget_times()
        self._turned_at = now
        if not self._leads():
            return POLL_S
        self._pace.forget(now)
        everything = self._store.cards_due()
        self._rest_s = len(everything) * REST_FOR_EACH_S
        self._forget_all_but(everything)
        due = [card for card in everything if self._memory(card).not_before <= now]
        schedule = self._decide_updates(due, now)
        if self._post_one(due, now) or self._update_one(due, schedule) or self._log_one(due, now):
            self._rest_s = 0
            return 0
        moments = [self._memory(card).not_before for card in everything]
        moments += [self._pace.open_at(kind) for kind in Kind]
        moments += [self._pace.thread_open_at(card.operation.place.channel) for card in due]
        moments += [schedule.look_again_at] if schedule.look_again_at else []
        return min([POLL_S, *((at - now).total_seconds() for at in moments if at > now)])

    def _leads(self) -> bool:
        if not self._store.lease(LEASE, self._holder):
            self._inherited = None
        elif self._inherited is None:
            self._inherited = self._store.newest_number()
            self._memories.clear()
            log.info("announcer leads holder=%s", self._holder)
        return self._inherited is not None

    # What to do

    def _decide_updates(self, due: Sequence[CardDue], now: datetime) -> Schedule:
        if self._pace.open_at(Kind.UPDATE) > now:
            return Schedule()
        behind = [
            Behind(
                operation=card.operation.id,
                urgency=self._memory(card).urgency(card.operation),
                shown_at=self._memory(card).shown_at,
            )
            for card in due
            if card.ts is not None and card.shown_version < card.operation.version
        ]
        return decide_updates(behind, self._pace.updates, self._updates_per_minute, now, self._count_ending(due))

    def _count_ending(self, due: Sequence[CardDue]) -> int:
        """Operations that are confirmed and whose end is still to be shown, as far as this process knows them."""
        known = {memory.shown.id: memory.shown for memory in self._memories.values() if memory.shown}
        known |= {card.operation.id: card.operation for card in due}
        return sum(one.confirmed_at is not None and not one.ended for one in known.values())

    def _post_one(self, due: Sequence[CardDue], now: datetime) -> bool:
        for card in due:
            if card.ts is None:
                kind = Kind.FIND if self._maybe_posted(card) else Kind.POST
                channel = card.operation.place.channel
                if (self._pace.open_at(kind) if kind is Kind.FIND else self._pace.card_open_at(channel, now)) <= now:
                    self._attempt(kind, card)
                    return True
        return False

    def _update_one(self, due: Sequence[CardDue], schedule: Schedule) -> bool:
        if not schedule.now:
            return False
        self._attempt(Kind.UPDATE, next(card for card in due if card.operation.id == schedule.now[0]))
        return True

    def _log_one(self, due: Sequence[CardDue], now: datetime) -> bool:
        for card in due:
            if card.ts is None or not card.steps:
                continue
            kind = Kind.FIND if self._maybe_logged(card) else Kind.POST
            if kind is Kind.POST and not self._is_drawn(card):
                continue
            open_at = self._pace.thread_open_at(card.operation.place.channel)
            if (self._pace.open_at(kind) if kind is Kind.FIND else open_at) <= now:
                self._attempt(kind, card)
                return True
        return False

    def _is_drawn(self, card: CardDue) -> bool:
        shown, what = card.operation, card.steps[0].file
        return not what or draw_reply(shown, what) is not None or self._drawings.ready(shown, what)

    def _maybe_posted(self, card: CardDue) -> bool:
        memory = self._memory(card)
        return memory.maybe_posted or (self._is_inherited(card) and not memory.looked_for)

    def _maybe_logged(self, card: CardDue) -> bool:
        """A line that nobody has filled in yet was surely not posted."""
        memory, unfilled = self._memory(card), card.steps[0].file == ARRIVALS
        return not unfilled and (memory.maybe_logged or (self._is_inherited(card) and not memory.logs_looked_for))

    def _is_inherited(self, card: CardDue) -> bool:
        """Whether another process may have announced it before."""
        assert self._inherited is not None
        return card.number <= self._inherited

    # Doing it

    def _attempt(self, kind: Kind, card: CardDue) -> None:
        """One call to chat, and what its answer means for the card."""
        operation = card.operation.id
        self._busy_with = operation
        try:
            if kind is Kind.UPDATE:
                self._update(card)
            elif card.ts is not None:
                (self._find_steps if kind is Kind.FIND else self._log_steps)(card, card.ts)
            elif kind is Kind.FIND:
                self._find(card)
            else:
                self._post(card)
        except RateLimited as pause:
            self._pace.pause(kind, self._clock.now(), pause.seconds)
            log.info("chat asks for a pause kind=%s seconds=%g", kind, pause.seconds)
        except ChatError as error:
            if error.lasting or (kind is Kind.POST and self._is_futile(card)):
                self._give_up(kind, card, error)
                return
            log.warning(
                "chat call put off kind=%s operation=%s code=%s: %s", kind, operation, error.code, error.message
            )
            self._put_off(operation)

    def _find(self, card: CardDue) -> None:
        operation = card.operation
        ts = self._chat.find(operation.place, operation.id, operation.requested_at)
        memory = self._memory(card)
        memory.looked_for, memory.maybe_posted = True, False
        if ts is not None:
            log.info("card found operation=%s ts=%s", operation.id, ts)
            self._store.card_posted(operation.id, ts, 0)  # what it shows is not known: the next turn updates it

    def _post(self, card: CardDue) -> None:
        operation, now = card.operation, self._clock.now()
        self._pace.posted_at[operation.place.channel] = now
        memory = self._memory(card)
        memory.maybe_posted = True  # until the database has kept which message it is
        try:
            ts = self._chat.post(operation.place, render_card(operation, now), key=operation.id)
        except ChatError as error:
            memory.maybe_posted = error.maybe_done
            raise
        if self._store.card_posted(operation.id, ts, operation.version):
            memory.remember(operation, now)
        else:
            self._take_back(operation.place.channel, ts)
        memory.maybe_posted = False

    def _update(self, card: CardDue) -> None:
        operation, now = card.operation, self._clock.now()
        assert card.ts is not None
        self._pace.updates.append(now)
        self._chat.update(operation.place.channel, card.ts, render_card(operation, now))
        self._store.card_shown(operation.id, operation.version)
        self._memory(card).remember(operation, now)

    def _log_steps(self, card: CardDue, ts: str) -> None:
        """What waits in the thread where the card is, or in the card's own: lines as one message, or one file."""
        place = thread_of(card, ts)
        self._pace.posted_at[place.channel] = self._clock.now()
        memory = self._memory(card)
        memory.maybe_logged = True
        try:
            posted = self._post_steps(place, card)
        except ChatError as error:
            memory.maybe_logged = error.maybe_done
            raise
        if not self._keep_steps(card, posted) and posted:
            self._take_back(place.channel, posted)
        memory.maybe_logged = False

    def _post_steps(self, place: Place, card: CardDue) -> str:
        """Its ts; empty for a file, which is no message of its own."""
        first = card.steps[0]
        if not first.file:
            return self._chat.post(place, render_steps(card), key=key_of_steps(card))
        if reply := draw_reply(card.operation, first.file):
            return self._chat.post(place, reply, key=key_of_steps(card))
        name, data = name_file(card.operation, first.file), self._drawings.take(card.operation, first.file)
        self._chat.share(place, name, data, render_title(first.line))
        return ""

    def _take_back(self, channel: str, ts: str) -> None:
        """Another process led meanwhile and posted the same: this one had stood still."""
        log.warning("posted twice, and taken back channel=%s ts=%s", channel, ts)
        self._chat.delete(channel, ts)

    def _find_steps(self, card: CardDue, ts: str) -> None:
        """What may have been posted: lines that are there get what has been added since, a file is there or not."""
        place = thread_of(card, ts)
        first = card.steps[0]
        if first.file and draw_reply(card.operation, first.file) is None:
            name = name_file(card.operation, first.file)
            if self._chat.find_shared(place, name, card.operation.requested_at):
                log.info("file found operation=%s name=%s", card.operation.id, name)
                self._keep_steps(card, "")
        elif found := self._chat.find(place, key_of_steps(card), card.operation.requested_at):
            log.info("lines found operation=%s ts=%s", card.operation.id, found)
            if not first.file:
                self._pace.updates.append(self._clock.now())
                self._chat.update(place.channel, found, render_steps(card))
            self._keep_steps(card, found)
        memory = self._memory(card)
        memory.logs_looked_for, memory.maybe_logged = True, False

    def _keep_steps(self, card: CardDue, ts: str) -> bool:
        return self._store.steps_posted(card.operation.id, [step.number for step in next_steps(card)], ts)

    # When it goes wrong

    def _give_up(self, kind: Kind, card: CardDue, error: ChatError) -> None:
        operation = card.operation
        log.warning("chat call given up kind=%s operation=%s code=%s", kind, operation.id, error.code)
        if kind is Kind.FIND:  # the post itself will tell
            memory = self._memory(card)
            if card.ts is None:
                memory.looked_for, memory.maybe_posted = True, False
            else:
                memory.logs_looked_for, memory.maybe_logged = True, False
            return
        if kind is Kind.POST and card.ts is not None:
            self._keep_steps(card, "")  # lines of a thread that takes none; the card itself may still be there
            return
        self._store.card_lost(operation.id, error.code)
        self._tell_asker(card, error)

    def _is_futile(self, card: CardDue) -> bool:
        """A file is an extra: where it cannot be shared, the lines after it must not wait for a repaired token."""
        is_file = card.ts is not None and bool(card.steps) and bool(card.steps[0].file)
        return is_file and self._memory(card).failures >= MOST_TRIES_OF_A_FILE

    def _tell_asker(self, card: CardDue, error: ChatError) -> None:
        operation = card.operation
        try:
            self._chat.whisper(operation.place, operation.requested_by, _render_lost(card, error))
        except ChatError as second:
            log.warning("asker not told operation=%s code=%s", operation.id, second.code)

    def _put_off(self, operation: str) -> None:
        self._memories.setdefault(operation, Memory()).put_off(self._clock.now())

    def _forget_times(self) -> None:
        log.warning("the clock was set back; pauses and the record of updates are forgotten")
        self._pace = Pace()
        for memory in self._memories.values():
            memory.forget_times()

    # What this process remembers

    def _memory(self, card: CardDue) -> Memory:
        return self._memories.setdefault(card.operation.id, Memory())

    def _forget_all_but(self, due: Iterable[CardDue]) -> None:
        """Ended operations whose cards are up to date are no more anybody's business."""
        kept = {card.operation.id for card in due}
        self._memories = {
            operation: memory
            for operation, memory in self._memories.items()
            if operation in kept or (memory.shown is not None and not memory.shown.ended)
        }


def _render_lost(card: CardDue, error: ChatError) -> Reply:
    operation = card.operation
    name = Code(text=operation.id)
    if card.ts is None:
        title: Line = ("The card of ", name, f" cannot be shown there: {error.code}")
        member = "Ferry as a member of that channel. Invite it, then say again:"
        needed = member if error.code in _NO_MEMBER else "a channel that takes what Ferry says. Say again there:"
        lines: tuple[Line, ...] = ((f"Needed: {needed}",), (Code(text=operation.plan.command),))
    else:
        title = ("The card of ", name, f" cannot be kept up to date any more: {error.code}")
        lines = ((Code(text=f"status {operation.id}"), " shows how it stands"),)
    return Reply(title=title, parts=tuple(Text(lines=(line,)) for line in lines), private=True, mark=Mark.WARNING)
