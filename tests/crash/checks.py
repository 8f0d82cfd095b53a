"""What must be true after a storm, by the hosts' own journal, the workspace and the database. Faults in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property

from bot.core.evacuation import Evacuation
from bot.core.lifecycle import ENDED, HOLDING, TRANSITIONS, State
from bot.core.lifecycle import Event as Change
from bot.core.operation import Operation
from bot.core.plan import MoveKind
from bot.core.shown import render_card
from bot.core.storage import is_below
from bot.lab.slack import Message
from bot.lab.slack.model import Version
from bot.lab.slack.render import render_text
from bot.lab.world import Entry, Event
from bot.slack.blocks import render
from tests.crash.estate import Question, Then, Wish
from tests.crash.storm import Aftermath

SOON_S = 1.0
"""A call of Slack under way when a process was killed came at most so long before."""
_ENDS = (Event.COMPLETED, Event.FAILED, Event.CANCELLED)
_TABLE = "Every move, in its turn"
_ASKED = re.compile(r"asked \S+ to move")


class Evidence:
    """An aftermath, put in order for checks and figures."""

    def __init__(self, aftermath: Aftermath) -> None:
        self.after = aftermath
        self.report = aftermath.report
        self.rows = aftermath.rows

    @property
    def everything(self) -> tuple[Operation | Evacuation, ...]:
        return (*self.rows.operations, *self.rows.evacuations)

    @property
    def shown_rows(self) -> tuple[Operation | Evacuation, ...]:
        """Those that have a card: a move of an evacuation has none of its own."""
        return (*(one for one in self.rows.operations if not one.parent), *self.rows.evacuations)

    def tries(self, operation: Operation) -> int:
        """How many tries at it have been told in a thread."""
        if not operation.parent:
            return sum(bool(_ASKED.search(line)) for line in self.rows.lines.get(operation.id, ()))
        failed = f'"{operation.id}: {operation.plan.move.vm_name}, a try has failed'
        return 1 + sum(failed in line for line in self.rows.lines.get(operation.parent, ()))

    @cached_property
    def moves(self) -> dict[str, list[Entry]]:
        """Of each VM, by lower-case id; comparisons are none."""
        moves: dict[str, list[Entry]] = {}
        for entry in self.report.entries:
            if entry.kind.startswith("Moving"):
                moves.setdefault(str(entry.vm_id), []).append(entry)
        return moves

    @cached_property
    def by_key(self) -> dict[str, list[Message]]:
        """What the bot posted for all to see, by the key in its metadata."""
        posted: dict[str, list[Message]] = {}
        for message in self.report.messages:
            if message.bot_id and not message.only_for and message.metadata:
                posted.setdefault(str(message.metadata["event_payload"]["key"]), []).append(message)
        return posted

    def count(self, operation: Operation, *events: Event) -> int:
        entries = self.moves.get(str(operation.plan.move.vm).lower(), [])
        return sum(entry.event in events for entry in entries)

    def starts(self) -> Counter[int]:
        """How many operations had their VM started so many times."""
        sent = (operation for operation in self.rows.operations if operation.started_at is not None)
        return Counter(self.count(operation, Event.STARTED) for operation in sent)

    @cached_property
    def shared(self) -> dict[tuple[str, str], list[Message]]:
        """Messages with a file of the bot, by thread and file name."""
        shared: dict[tuple[str, str], list[Message]] = {}
        for message in self.report.messages:
            for file in message.files:
                shared.setdefault((message.thread_ts, file.name), []).append(message)
        return shared

    def duplicates(self) -> list[list[Message]]:
        return [messages for messages in (*self.by_key.values(), *self.shared.values()) if len(messages) > 1]

    def lost(self) -> list[str]:
        """What was said and has no answer that its author can see."""
        lost = []
        for said, ts in self.report.said.items():
            if isinstance(said, Question) and said.whispered:
                shown = self._whispered(said)
            else:
                key = next((key for key in self._keys if key.endswith(f"/{ts}")), "")
                shown = key in self.by_key or self._card_of(key) in self.by_key
            if not shown:
                lost.append(f"{said.text!r} in {said.where} has no answer")
        return lost

    @cached_property
    def _keys(self) -> set[str]:
        return {*self.by_key, *self.rows.keys.values()}

    def _whispered(self, said: Question) -> bool:
        """What one person sees carries no key: it is known by what it says."""
        reader = next(key for key, name in self.report.names.items() if name == f"@{said.who}")
        whispers = [message for message in self.report.messages if message.only_for == reader]
        return any(said.whispered in "\n".join(self.shown(message)) for message in whispers)

    def _card_of(self, key: str) -> str:
        return next((operation for operation, asked in self.rows.keys.items() if asked == key), "")

    def shown(self, message: Message) -> list[str]:
        return render_text(message, self.report.names)


def _all_ended(evidence: Evidence) -> Iterator[str]:
    if evidence.after.not_at_rest:
        yield f"not at rest: {evidence.after.not_at_rest}"
    yield from (f"{one.id} has no end: {one.state}" for one in evidence.everything if one.state not in ENDED)
    yield from evidence.after.ended_alone


def _started_once(evidence: Evidence) -> Iterator[str]:
    """Once, and again only after a move that has failed, as the thread says. Orders that were refused count as well."""
    for one in evidence.rows.operations:
        starts, ends = evidence.count(one, Event.STARTED), evidence.count(one, *_ENDS)
        orders, told = len(evidence.report.orders[str(one.plan.move.vm).lower()]), evidence.tries(one)
        allowed = 1 + evidence.count(one, Event.FAILED) if one.started_at else 0
        if max(starts, orders) > min(allowed, max(told, 1)):
            yield f"{one.id} was ordered {orders} times and started {starts} times; {allowed} allowed, {told} told"
        if one.state is State.SUCCEEDED and starts < 1:
            yield f"{one.id} succeeded and was never started"
        if starts != ends:
            yield f"{one.id} was started {starts} times and ended {ends} times"


def _state_is_true(evidence: Evidence) -> Iterator[str]:
    """What the row says, beside where the VM is."""
    for one in evidence.rows.operations:
        move = one.plan.move
        hosts, path = evidence.report.homes[str(move.vm).lower()]
        done = evidence.count(one, Event.COMPLETED)
        if move.kind is MoveKind.STORAGE:
            there = hosts == (move.source,) and is_below(path, move.storage_path or "")
        else:
            there = hosts == (move.destination,)
        if len(hosts) != 1:
            yield f"{move.vm_name} is on {', '.join(hosts) or 'no host'}"
        if there != (one.state is State.SUCCEEDED) or there != (done == 1):
            yield f"{one.id} is {one.state}, completed {done} times, and {move.vm_name} is on {hosts} in {path}"
        if one.state is State.NEEDS_ATTENTION:
            yield f"{one.id} needs attention: {one.outcome}"


def _nothing_left(evidence: Evidence) -> Iterator[str]:
    yield from (f"a planned VM is left: {one}" for one in evidence.report.planned)


def _limits_kept(evidence: Evidence) -> Iterator[str]:
    """At every instant, from the request on: Hyper-V would refuse what exceeds them, Ferry is not to ask for it."""
    running: dict[object, Entry] = {}
    for entry in evidence.report.entries:
        if not entry.kind.startswith("Moving"):
            continue
        if entry.event is Event.REQUESTED:
            running[entry.job] = entry
            for host in {entry.host, entry.destination} - {""}:
                yield from _over(host, running.values(), evidence.report.limits[host])
        elif entry.event in _ENDS:
            running.pop(entry.job, None)


def _over(host: str, running: Iterable[Entry], limits: tuple[int, int]) -> Iterator[str]:
    here = [entry for entry in running if host in (entry.host, entry.destination)]
    live = sum(entry.kind != "Moving Storage" for entry in here)
    storage = sum("Storage" in entry.kind for entry in here)
    if live > limits[0] or storage > limits[1]:
        names = ", ".join(entry.vm for entry in here)
        yield f"{host} was asked for {live} live and {storage} storage migrations at once ({names}), not {limits}"


def _cards_true(evidence: Evidence) -> Iterator[str]:
    now = datetime.now(UTC)
    for one in evidence.shown_rows:
        cards = evidence.by_key.get(one.id, [])
        if len(cards) != 1:
            yield f"{one.id} has {len(cards)} cards"
        rendered = render(render_card(one, now))
        version = Version(now, rendered.text, tuple(rendered.blocks))
        for card in cards:
            wanted = render_text(Message(card.channel, card.ts, card.user, (version,)), evidence.report.names)
            if evidence.shown(card) != wanted:
                yield f"the card of {one.id} shows {evidence.shown(card)}, its row {wanted}"


def _threads_whole(evidence: Evidence) -> Iterator[str]:
    """Every line of the log is in the thread, and every one once."""
    for one in evidence.shown_rows:
        threads = {card.ts for card in evidence.by_key.get(one.id, [])}
        shown = [line for m in _lines(evidence) if m.thread_ts in threads for line in evidence.shown(m)]
        wanted = len(evidence.rows.lines.get(one.id, ()))
        if len([line for line in shown if line]) != wanted:
            yield f"the thread of {one.id} has {len(shown)} lines of {wanted}: {shown}"


def _lines(evidence: Evidence) -> list[Message]:
    """Messages that may be lines of threads: neither files nor tables."""
    return [m for m in evidence.report.messages if not m.files and not m.text.startswith(_TABLE)]


def _journal_whole(evidence: Evidence) -> Iterator[str]:
    if evidence.rows.broken is not None:
        yield f"the journal is broken: {evidence.rows.broken}"
    states: dict[str, State] = {}
    for entry in evidence.rows.entries:
        event = str(entry.read()["event"])
        if event == "propose":
            states[entry.operation] = State.PROPOSED
        elif event in set(Change):
            before = states[entry.operation]
            if event == Change.RECALL and before in HOLDING:
                continue  # what has not ended goes on, and is asked to stop
            if Change(event) not in TRANSITIONS[before]:
                yield f"the journal lets {entry.operation} {event} when {before}"
            states[entry.operation] = TRANSITIONS[before].get(Change(event), before)
    for one in evidence.everything:
        if states.get(one.id) is not one.state:
            yield f"the journal ends {one.id} as {states.get(one.id)}, its row is {one.state}"


def _wishes_obeyed(evidence: Evidence) -> Iterator[str]:
    """What people confirmed was carried out unless a host failed it; what they declined was not."""
    by_key = {key: one for one in evidence.rows.operations if (key := evidence.rows.keys[one.id])}
    for wish, ts in evidence.report.said.items():
        if not isinstance(wish, Wish):
            continue
        made = [one for key, one in by_key.items() if key.endswith(f"/{ts}")]
        if len(made) != 1:
            yield f"{wish.text!r} made {len(made)} operations"
        for one in made:
            if one.state not in _expected(wish):
                yield f"{one.id} for {wish} is {one.state}: {one.outcome}"


def _expected(wish: Wish) -> set[State]:
    if wish.then is Then.DECLINE:
        return {State.DECLINED}
    ends = {State.FAILED if wish.fails_at else State.SUCCEEDED}
    return ends | {State.CANCELLED} if wish.then is Then.CANCEL else ends


def _nothing_lost(evidence: Evidence) -> Iterator[str]:
    yield from evidence.lost()


def _duplicates_explained(evidence: Evidence) -> Iterator[str]:
    """Only where a process died before it could know that Slack had taken the post."""
    for messages in evidence.duplicates():
        for message in messages[:-1]:
            at = float(message.ts)
            if not any(0 <= killed - at <= SOON_S for killed in evidence.after.killed_at):
                yield f"posted {len(messages)} times, and nobody was killed at it: {evidence.shown(message)}"
    for message in evidence.report.messages:
        if message.bot_id and not message.only_for and not message.metadata and not message.files:
            yield f"a post without a key: {evidence.shown(message)}"


def _log_quiet(evidence: Evidence) -> Iterator[str]:
    """No bug was met: those have an incident id."""
    log = evidence.after.log.read_text(encoding="utf-8")
    found = [line for line in log.splitlines() if "incident=" in line or "Traceback" in line]
    if found:
        yield f"{len(found)} incidents in {evidence.after.log}: {found[0]}"


CHECKS: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    _all_ended,
    _started_once,
    _state_is_true,
    _nothing_left,
    _limits_kept,
    _cards_true,
    _threads_whole,
    _journal_whole,
    _wishes_obeyed,
    _nothing_lost,
    _duplicates_explained,
    _log_quiet,
)


def render_figures(title: str, all_: list[Evidence], seconds: float) -> str:
    """One paragraph for the terminal and the README."""
    kills: Counter[str] = sum((each.after.kills for each in all_), Counter())
    starts: Counter[int] = sum((each.starts() for each in all_), Counter())
    operations = [one for each in all_ for one in each.rows.operations]
    ends = Counter(one.state.value for one in operations)
    kinds = Counter(_kind_of(moment) for moment in kills.elements())
    return "\n".join(
        [
            f"{title}: {kills.total()} kills in {seconds:.0f} s, {len(all_)} databases, {len(operations)} operations",
            f"  starts per VM that was sent: {_list(starts)} (times: operations)",
            f"  ends: {_list(ends)}",
            f"  said: {sum(len(each.report.said) for each in all_)}, lost answers: {sum(len(e.lost()) for e in all_)},"
            f" posts twice: {sum(len(each.duplicates()) for each in all_)}",
            f"  killed at: {_list(kinds)}",
            f"  of them at transitions and events: {_list(kills)}",
        ]
    )


def _kind_of(moment: str) -> str:
    return moment.partition(":")[0]


def _list(counted: Mapping[str, int] | Mapping[int, int]) -> str:
    return ", ".join(
        f"{name}: {count}" for name, count in sorted(counted.items(), key=lambda one: (-one[1], str(one[0])))
    )
