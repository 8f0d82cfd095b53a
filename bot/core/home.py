"""What a person finds on Ferry's home tab: what waits, what runs, what they did last, and the hosts. Data; no Slack.

What runs is told as of a moment, and stands beside it: nobody takes an old home for a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from bot.core.estate import Estate, Frozen, Seen
from bot.core.evacuation import Evacuation
from bot.core.lifecycle import State
from bot.core.operation import Operation
from bot.core.policy import Verdict
from bot.core.reply import Button, Line, Moment, Strong, User, marked
from bot.core.shown import Shown, render_status_line
from bot.core.wording import render_count, render_share

MOST_WAITING, MOST_RUNNING = 10, 15
READ = "operation.read"


class Row(Frozen):
    """One thing, and what can be done about it."""

    line: Line
    buttons: tuple[Button, ...] = ()


class Section(Frozen):
    title: str
    rows: tuple[Row, ...]


class Home(Frozen):
    sections: tuple[Section, ...] = ()
    buttons: tuple[Button, ...] = ()


class Material(Frozen):
    """What a home rests on, for one person.

    Attributes:
        open: rows that have not ended; moves of evacuations are not among them.
        last: what this person asked for or confirmed, and has ended; newest first.
        standing: what holds others back, as a freeze or a lock does: one line each.
    """

    open: tuple[Shown, ...] = ()
    last: tuple[Shown, ...] = ()
    estate: Estate = Estate()
    standing: tuple[Line, ...] = ()

    @property
    def steady(self) -> object:
        """What does not tick: as long as this stays, nothing has happened that a person waits for."""
        hosts = tuple((seen.host, seen.failure) for seen in self.estate.hosts)
        return tuple(map(_without_ticks, self.open)), self.last, self.standing, hosts


def make_home(material: Material, verdict: Verdict, awaits: Callable[[Shown], bool], now: datetime) -> Home:
    """The home of a person; of somebody who may not command Ferry, nothing but that.

    Args:
        verdict: whether this person may look (`READ`).
        awaits: whether a row goes on once this person agrees to it.
    """
    if not verdict.allowed:
        told = (f"{verdict.reason[:1].upper()}{verdict.reason[1:]}", verdict.needed, verdict.hint)
        return Home(sections=(_section("Ferry moves Hyper-V virtual machines", [marked(one) for one in told if one]),))
    waiting = [one for one in material.open if awaits(one)]
    running = [one for one in material.open if one.state is not State.PROPOSED and one not in waiting]
    sections = (
        _section("What holds others back", material.standing),
        _listed("Waiting for you", waiting, MOST_WAITING, partial(_offer, now=now)),
        _listed("Running, or needs attention", running, MOST_RUNNING, partial(_running, now=now)),
        _section("What you did last", [render_status_line(one, now) for one in material.last]),
        _section("Hosts", [_host(seen) for seen in material.estate.hosts]),
        _section("As of", [(Moment(at=now),)]),
    )
    buttons = (Button(label="Move something …", sends="form", style="primary"), Button(label="Help", sends="help"))
    return Home(sections=tuple(section for section in sections if section.rows), buttons=buttons)


def _section(title: str, lines: Sequence[Line]) -> Section:
    return Section(title=title, rows=tuple(Row(line=line) for line in lines))


def _listed(title: str, rows: Sequence[Shown], most: int, render: Callable[[Shown], Row]) -> Section:
    if not rows:
        return _section(title, [("Nothing",)])
    more = len(rows) - most
    rest = (Row(line=marked(f"and {more} more: `status` shows all")),) if more > 0 else ()
    return Section(title=title, rows=(*map(render, rows[:most]), *rest))


def _offer(shown: Shown, now: datetime) -> Row:
    agree = "confirm" if shown.state is State.PROPOSED else "approve"
    buttons = (
        Button(label=f"{agree.capitalize()} {shown.id}", sends=f"{agree} {shown.id}", style="primary"),
        Button(label="Decline", sends=f"form decline {shown.id}"),
        Button(label="Show", sends=f"status {shown.id}"),
    )
    asked: Line = (" · asked by ", User(id=shown.requested_by), ", until ", Moment(at=shown.expires_at))
    return Row(line=(*render_status_line(shown, now), *asked), buttons=buttons)


def _running(shown: Shown, now: datetime) -> Row:
    doubtful = shown.state is State.NEEDS_ATTENTION
    act = f"look {shown.id}" if doubtful else f"cancel {shown.id}"
    buttons = (
        Button(label="Show", sends=f"status {shown.id}"),
        Button(label="Look again" if doubtful else "Cancel", sends=act, style="" if doubtful else "danger"),
    )
    return Row(line=render_status_line(shown, now), buttons=buttons)


def _host(seen: Seen) -> Line:
    host = seen.info
    if not seen.known or host is None:
        last: Line = (", last answer ", Moment(at=seen.answered_at)) if seen.answered_at else ()
        return (Strong(text=seen.host), f" · no answer: {seen.failure}", *last)
    said = (
        "" if host.migration_enabled else "migration disabled",
        render_count(len(seen.vms), "VM"),
        f"{render_share(host.memory_free_bytes, host.memory_bytes)} memory free",
        f"{host.live_active} of {host.live_limit} live migrations",
        f"{host.storage_active} of {host.storage_limit} storage migrations",
    )
    return (Strong(text=seen.host), f" · {' · '.join(filter(None, said))} · seen ", Moment(at=seen.at))


def _without_ticks(shown: Shown) -> Shown:
    changes: dict[str, object] = {"version": 0, "waiting": ""}
    if isinstance(shown, Operation):
        changes["percent"] = 0
    if isinstance(shown, Evacuation):
        return shown.model_copy(update={"version": 0, "moves": tuple(map(_without_ticks, shown.moves))})
    return shown.model_copy(update=changes)
