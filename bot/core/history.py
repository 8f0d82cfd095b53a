"""What the journal tells, for people: who did what, when, to which virtual machine, and what came of it.

It reads entries and words them; it neither stores nor searches. Rules: an entry of a kind that is unknown here is shown
by its own name; what an entry does not say is empty, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from bot.core.estate import Frozen
from bot.core.journal import Anchor, Entry, Verification
from bot.core.names import UserId, is_person_id
from bot.core.reply import Code, Line, Moment, Note, Reply, Span, Strong, Text, User

MOST_DEEDS = 20
HOLD_DEEDS = {
    "freeze": "froze Ferry",
    "unfreeze": "ended the freeze",
    "lock": "locked",
    "unlock": "unlocked",
    "take over": "took over and ended the lock of",
}
"""What is done with freezes and locks; the entry's summary says of what and why."""
_DEEDS = HOLD_DEEDS | {
    "propose": "asked for",
    "confirm": "confirmed",
    "submit": "confirmed",
    "schedule": "agreed to for later",
    "due": "began at its time",
    "approve": "approved",
    "decline": "declined",
    "cancel": "cancelled",
    "ask to cancel": "asked to stop",
    "begin": "let begin",
    "pause": "paused",
    "go on": "resumed",
    "close": "closed",
    "look": "had a look at",
    "refuse": "was refused",
    "anchor": "anchored the journal",
}
_LONGEST_SUMMARY = 160


class Subject(Frozen):
    """What an entry is about. Those of an operation share what its offer said: of an evacuation, its command."""

    vm: str = ""
    vm_id: str = ""
    source: str = ""
    destination: str = ""
    digest: str = ""


class Record(Subject):
    """An entry in columns."""

    seq: int
    at: str  # ISO 8601, UTC
    operation: str
    event: str
    who: str = ""  # Slack user id; empty: Ferry itself
    state: str = ""  # of the operation after this entry; empty: as before
    summary: str = ""
    hash: str


class Deed(Frozen):
    """Something a person did, and how its operation stands now."""

    record: Record
    state: str = ""
    outcome: str = ""


class Found(Frozen):
    """The newest deeds that fit a question, and how many fit in all."""

    deeds: tuple[Deed, ...]
    total: int
    by_words: bool = False  # nothing has that very name: these hold its words


def read_record(entry: Entry, subject: Subject | None) -> Record:
    """An entry in columns. `subject` is that of the operation's offer; None for an entry that has none before it."""
    try:
        told = entry.read()
    except ValueError:
        told = {"event": "unreadable"}  # verifying says what is wrong with it; the rest is to be found nevertheless
    event = _text(told, "event")
    about = subject or read_subject(told)
    return Record(
        **about.model_dump(include=set(Subject.model_fields)),
        seq=entry.seq,
        at=_text(told, "at"),
        operation=entry.operation,
        event=event,
        who=_text(told, "by"),
        state="proposed" if event == "propose" else _text(told, "to"),
        summary=_summarise(told),
        hash=entry.hash,
    )


def render_history(found: Found, what: str, age: str) -> Reply:
    """The answer to a question: about what, and how far back; both may be empty."""
    about: Line = ()
    if what:
        topic: Span = User(id=UserId(what)) if is_person_id(what) else Strong(text=what)
        about = (" that mentions " if found.by_words and found.deeds else " of ", topic)
    if age:
        about = (*about, f" in the last {age}")
    if not found.deeds:
        return Reply(title=("Nothing that anybody did is on record", *about))
    more = found.total - len(found.deeds)
    rest = Note(line=(f"and {more} more before that; ", Code(text="ferry history"), " where Ferry runs lists them all"))
    return Reply(
        title=("History", *about, ", newest first"),
        parts=(Text(lines=tuple(map(_render_deed, found.deeds))), *((rest,) if more else ())),
    )


def render_anchor(anchor: Anchor) -> Reply:
    """The head of the journal, to be copied into `ferry verify`. The whole of it is one word."""
    return Reply(
        title=(f"The journal is anchored at entry {anchor.seq}, ", Moment(at=anchor.at)),
        parts=(
            Text(lines=((Code(text=str(anchor)),),)),
            Note(line=(Code(text='ferry verify --anchor "…"'), " compares the journal with it")),
        ),
    )


def render_verification(found: Verification, name: str, *, anchored: bool, copied: bool) -> list[str]:
    """Lines of plain text: whether the chain of entries holds, or the first place where it does not."""
    if found.broken:
        before = f"entries 1 to {found.entries} hold" if found.entries else "no entry before it holds"
        return [f"{name} does not hold: {found.broken.reason}", before]
    if not found.entries:
        return [f"{name} is empty"]
    compared = [*(["the anchor"] if anchored else []), *(["audit.db"] if copied else [])]
    held = f"compared with {' and '.join(compared)}" if compared else "compared with nothing that was kept elsewhere"
    return [
        f"{name} holds: {found.entries} entries of deployment {found.deployment}",
        f"newest hash {found.head}",
        f"{held}" + ("" if anchored else "; only an anchor shows whether its newest entries were cut off"),
    ]


def _render_deed(deed: Deed) -> Line:
    """When, who, what, and what came of it."""
    record = deed.record
    who: Span = User(id=UserId(record.who)) if record.who else "Ferry"
    line: Line = (
        Moment(at=datetime.fromisoformat(record.at)),
        " · ",
        who,
        f" {_DEEDS.get(record.event, record.event)}",
    )
    if record.digest and record.event != "refuse":
        line = (*line, " ", Code(text=record.operation))
    if what := _what(record):
        line = (*line, f": {_shorten(what)}")
    if deed.state:
        line = (*line, f" · {deed.state}" + (f": {_shorten(deed.outcome)}" if deed.outcome else ""))
    return line


def _what(record: Record) -> str:
    if record.event in ("propose", "refuse", *HOLD_DEEDS) or not record.vm:
        return record.summary
    moves = record.destination not in ("", record.source)
    route = f"from {record.source} to {record.destination}" if moves else ""
    return " ".join(filter(None, (record.vm, route)))


def read_subject(told: Mapping[str, JsonValue]) -> Subject:
    """What it is about, from an offer, or from the arguments of a command that was refused."""
    plan, arguments = _inside(told, "plan"), _inside(told, "arguments")
    move = _inside(plan, "move")
    if isinstance(hosts := plan.get("hosts"), list):
        many = ", ".join(str(host) for host in hosts)
        return Subject(vm=_text(plan, "command"), source=many, digest=_text(told, "digest"))
    if host := _text(plan, "host"):
        # An evacuation pauses a node first, by a row of its own, whose plan has the evacuation's command.
        what = f"the pause of {host}" if _text(plan, "task") == "pause" else _text(plan, "command")
        return Subject(vm=what, source=host, destination=host, digest=_text(told, "digest"))
    return Subject(
        vm=_text(move, "vm_name") or _text(arguments, "vm"),
        vm_id=_text(move, "vm"),
        source=_text(move, "source"),
        destination=_text(move, "destination") or _text(arguments, "host"),
        digest=_text(told, "digest"),
    )


def _summarise(told: Mapping[str, JsonValue]) -> str:
    outcome = _inside(told, "outcome")
    said = (
        _text(_inside(told, "plan"), "command") or _text(told, "command"),
        *(_text(outcome, key) for key in ("summary", "cause", "words")),
        f'told "{_text(told, "reason")}"' if "command" in told else _text(told, "reason"),
        *(_text(told, key) for key in ("waiting", "deployment")),
        *(f"entry {told[key]}" for key in ("anchor",) if key in told),
    )
    return ": ".join(dict.fromkeys(filter(None, said)))


def _inside(told: Mapping[str, JsonValue], key: str) -> Mapping[str, JsonValue]:
    value = told.get(key)
    return value if isinstance(value, dict) else {}


def _text(told: Mapping[str, JsonValue], key: str) -> str:
    value = told.get(key)
    return value if isinstance(value, str) else ""


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_SUMMARY else text[: _LONGEST_SUMMARY - 1] + "…"
