"""What must be true of an evacuation after a storm, beside what is true of each of its moves. Faults in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from math import inf

from bot.core.evacuation import Evacuation
from bot.core.journal import Entry
from bot.core.lifecycle import Event, State
from bot.core.operation import Operation
from tests.crash.checks import Evidence
from tests.crash.emptying import SOURCE, Emptying

HELD_WITHIN_S = 2.0
"""After a pause or a cancel, no order may leave later than this."""
_PNG = b"\x89PNG\r\n\x1a\n"


def _each_vm_has_one_move(evidence: Evidence) -> Iterator[str]:
    """All that were there are in the plan, and each has become one row."""
    for one in evidence.rows.evacuations:
        vms = Counter(move.plan.move.vm_name for move in one.moves)
        wanted = {f"VM-{number:02d}" for number in range(1, _scene(evidence).vms + 1)}
        if vms.keys() != wanted or vms.total() != len(wanted) or len(one.plan.legs) != len(wanted):
            yield f"{one.id} planned {len(one.plan.legs)} and has {vms.total()} moves of {len(vms)} VMs: {vms}"
        yield from (f"{move.id} has a card" for move in one.moves if move.id in evidence.by_key)


def _moves_end_as_they_must(evidence: Evidence) -> Iterator[str]:
    """Moved, unless the world failed it, or it was cancelled while it could be."""
    for one in evidence.rows.evacuations:
        for move in one.moves:
            fails = move.plan.move.vm_name in _scene(evidence).fails_at
            wanted = {State.FAILED if fails else State.SUCCEEDED} | ({State.CANCELLED} if one.cancel_asked else set())
            if move.state not in wanted:
                yield f"{move.id} of {move.plan.move.vm_name} is {move.state}: {move.outcome}"


def _ends_as_it_must(evidence: Evidence) -> Iterator[str]:
    """Its state and its counts, by what the hosts show."""
    for one in evidence.rows.evacuations:
        left = sum(SOURCE not in _homes(evidence, move) for move in one.moves)
        failed, cancelled = one.count(State.FAILED), one.count(State.CANCELLED)
        counted = {"failed": failed, "cancelled": cancelled}
        said = [f"{left} of {len(one.moves)} VMs moved", *(f"{n} {what}" for what, n in counted.items() if n)]
        state = State.CANCELLED if cancelled else State.FAILED if failed else State.SUCCEEDED
        if one.state is not state or one.outcome is None or one.outcome.summary != ", ".join(said):
            yield f"{one.id} is {one.state}, {one.outcome}; it should be {state}, {', '.join(said)}"


def _ends_with_its_last_move(evidence: Evidence) -> Iterator[str]:
    ends = {Event.SUCCEED.value, Event.FAIL.value, Event.CANCEL.value, Event.EXPIRE.value}
    for one in evidence.rows.evacuations:
        events = [(entry.operation, str(entry.read()["event"])) for entry in _entries(evidence, one)]
        own = [number for number, (of, event) in enumerate(events) if of == one.id and event in ends]
        last = max((number for number, (of, event) in enumerate(events) if of != one.id and event in ends), default=0)
        if own != [last + 1]:
            yield f"{one.id} ended at {own} of its entries, its last move at {last}"
        begun = Counter(event for of, event in events if of == one.id)
        if (begun["propose"], begun["confirm"], begun["begin"]) != (1, 1, 1):
            yield f"{one.id} was begun more than once: {begun}"


def _nothing_new_starts(evidence: Evidence) -> Iterator[str]:
    """While it is paused and once it is cancelled, nothing is granted, and nothing is ordered."""
    for one in evidence.rows.evacuations:
        since: tuple[datetime, str] | None = None
        for entry in _entries(evidence, one):
            event = str(entry.read()["event"])
            if event == "grant" and since is not None:
                yield f"{entry.operation} was granted after {one.id} was told to {since[1]}"
            elif entry.operation == one.id and event in ("pause", "ask to cancel"):
                since = (_at(entry), event)
            elif since is not None and entry.operation == one.id and event == "go on":
                yield from _ordered(evidence, one, since[0], _at(entry))
                since = None
        if since is not None:
            yield from _ordered(evidence, one, since[0], None)


def _ordered(evidence: Evidence, one: Evacuation, since: datetime, until: datetime | None) -> Iterator[str]:
    """Orders in that time, those of former tries included. One may be on its way when it begins."""
    begin, end = since.timestamp() + HELD_WITHIN_S, until.timestamp() if until else inf
    for move in one.moves:
        if any(begin < at < end for at in _orders(evidence, move)):
            yield f"{move.id} was ordered while nothing of {one.id} was to start"


def _failures_told_once(evidence: Evidence) -> Iterator[str]:
    for one in evidence.rows.evacuations:
        threads = {card.ts for card in evidence.by_key.get(one.id, [])}
        told = Counter(line for m in evidence.report.messages if m.thread_ts in threads for line in evidence.shown(m))
        for move in one.moves:
            about = move.plan.move
            line = f"{move.id} {about.vm_name} to {about.destination}: {move.state}"
            count = sum(times for text, times in told.items() if line in text.replace("`", ""))
            if count != (move.state is State.FAILED):
                yield f"the thread of {one.id} says {count} times: {line}"


def _files_shared(evidence: Evidence) -> Iterator[str]:
    """The list of moves and the picture of them, whole. That none is there twice, the check of duplicates says."""
    for one in evidence.rows.evacuations:
        shared = {name: messages[-1].files[0].data for (_, name), messages in evidence.shared.items()}
        wanted = {f"evacuation-{one.id}.{ending}" for ending in ("txt", "png")}
        if shared.keys() != wanted:
            yield f"the files of {one.id} are {sorted(shared)}"
            continue
        if not shared[f"evacuation-{one.id}.png"].startswith(_PNG):
            yield f"the picture of {one.id} is none"
        text = shared[f"evacuation-{one.id}.txt"].decode()
        yield from (
            f"{move.plan.move.vm_name} is not in the list"
            for move in one.moves
            if f"\n{move.plan.move.vm_name} " not in text
        )


def _people_obeyed(evidence: Evidence) -> Iterator[str]:
    """Whoever confirmed, paused and cancelled stands in the journal."""
    for one in evidence.rows.evacuations:
        names = evidence.report.names
        done = [entry.read() for entry in evidence.rows.entries if entry.operation == one.id]
        by = Counter((str(each["event"]), names.get(str(each.get("by")), "")) for each in done)
        then = "ask to cancel" if _scene(evidence).cancels else "pause"
        wanted = [("propose", "@alice"), ("confirm", "@bob"), (then, "@alice")]
        yield from (
            f"{who} is not on record for {event} of {one.id}: {by}" for event, who in wanted if not by[event, who]
        )


def _scene(evidence: Evidence) -> Emptying:
    scene = evidence.after.weather.scene
    assert isinstance(scene, Emptying)
    return scene


def _homes(evidence: Evidence, move: Operation) -> tuple[str, ...]:
    return evidence.report.homes[str(move.plan.move.vm).lower()][0]


def _orders(evidence: Evidence, move: Operation) -> tuple[float, ...]:
    return evidence.report.orders[str(move.plan.move.vm).lower()]


def _at(entry: Entry) -> datetime:
    return datetime.fromisoformat(str(entry.read()["at"]))


def _entries(evidence: Evidence, one: Evacuation) -> list[Entry]:
    ids = {one.id, *(move.id for move in one.moves)}
    return [entry for entry in evidence.rows.entries if entry.operation in ids]


CHECKS: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    _each_vm_has_one_move,
    _moves_end_as_they_must,
    _ends_as_it_must,
    _ends_with_its_last_move,
    _nothing_new_starts,
    _failures_told_once,
    _files_shared,
    _people_obeyed,
)
