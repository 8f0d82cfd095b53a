"""The card of an evacuation: its row and those of its moves as one answer. Knows no Slack.

A card claims what the rows know and nothing more. Long lists go to the thread, whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.core.evacuation.ending import failed_moves
from bot.core.evacuation.listing import render_table, storage_of
from bot.core.evacuation.pausing import render_intent, render_pauses, unpaused
from bot.core.evacuation.plan import Evacuation, EvacuationKind, EvacuationPlan, Forecast, Leg, Staying
from bot.core.evacuation.progress import Progress, measure
from bot.core.lifecycle import HOLDING, PLANNED, State
from bot.core.operation import Operation
from bot.core.plan import Level
from bot.core.recorded import agreement_buttons, render_agreement, render_missing, render_people
from bot.core.reply import Bar, Button, Code, Line, Mark, Note, Part, Reply, Strong, Table, Text, User, marked
from bot.core.wording import (
    render_about,
    render_bytes,
    render_count,
    render_duration,
    render_list,
    render_range,
    render_rate,
)

MOST_SHOWN = 10
"""Moves that a card lists; more are in its thread."""
_MOST_FAILED = 5
_NOTEWORTHY_BLACKOUT_S = 0.9

_MARKS = {State.SUCCEEDED: Mark.FINE, State.FAILED: Mark.WARNING, State.NEEDS_ATTENTION: Mark.WARNING}


def render_evacuation(evacuation: Evacuation, now: datetime) -> Reply:
    """The card as the rows have it now."""
    return Reply(
        title=(Strong(text=_title(evacuation)),),
        badge=_badge(evacuation),
        parts=tuple(_body(evacuation, now)),
        buttons=tuple(_buttons(evacuation)),
        mark=_MARKS.get(evacuation.state, Mark.NONE),
    )


def render_preview(plan: EvacuationPlan) -> Reply:
    """The same plan for somebody who only wants to look: nothing to confirm."""
    command = plan.command
    return Reply(
        title=(Strong(text=f"{_what(plan)} would look like this"),),
        parts=(
            *_plan(plan),
            render_table(plan),
            Note(line=("Nothing is offered and nothing changes. To offer it, type ", Code(text=command))),
        ),
    )


def render_status_line(evacuation: Evacuation, now: datetime) -> Line:
    """One line for a list of operations."""
    said = [str(evacuation.state), _what(evacuation.plan), render_missing(evacuation)]
    if evacuation.state is State.UNDER_WAY:
        progress = measure(evacuation, now)
        said = [f"{_state(evacuation)}, {progress.percent} %", said[1], _counts(evacuation)]
    elif evacuation.ended and evacuation.outcome:
        said.append(evacuation.outcome.summary)
    return (Code(text=evacuation.id), " " + " · ".join(filter(None, said)))


def render_failure(move: Operation) -> Iterable[Line]:
    """What the thread says of a move that failed: what was seen, the host's own words, cause and remedy."""
    about, outcome = move.plan.move, move.outcome
    yield (Code(text=move.id), f" {about.vm_name} to {about.destination}: {move.state}")
    if outcome is not None:
        said = {"": outcome.summary, "Host:": outcome.words, "Cause:": outcome.cause, "Remedy:": outcome.remedy}
        for label, text in said.items():
            if text:
                yield (Strong(text=label), " ", *marked(text)) if label else marked(text)


# Phrases


def _what(plan: EvacuationPlan) -> str:
    hosts = render_list(plan.hosts)
    return f"the evacuation of {hosts}" if plan.kind is EvacuationKind.EVACUATION else f"the return to {hosts}"


def _title(evacuation: Evacuation) -> str:
    plan = evacuation.plan
    hosts, count = render_list(plan.hosts), render_count(len(plan.legs), "VM")
    evacuates = plan.kind is EvacuationKind.EVACUATION
    match evacuation.state:
        case State.PROPOSED:
            return f"Evacuate {hosts}?" if evacuates else f"Bring {count} home to {hosts}?"
        case State.AWAITING_APPROVAL:
            return f"Approve {_what(plan)}?"
        case State.SCHEDULED:
            return f"{_capital(_what(plan))} is to begin later"
        case State.UNDER_WAY if evacuation.cancel_asked:
            return f"Cancelling {_what(plan)}"
        case State.UNDER_WAY if evacuation.paused:
            return f"{_capital(_what(plan))} is paused"
        case State.UNDER_WAY:
            return f"Evacuating {hosts}" if evacuates else f"Bringing {count} home to {hosts}"
        case State.SUCCEEDED if evacuates:
            return f"All {count} that were to leave {hosts} have left" if len(plan.legs) > 1 else f"{hosts}: 1 VM left"
        case State.SUCCEEDED:
            return f"{count} came home to {hosts}"
        case State.NEEDS_ATTENTION:
            return f"{_capital(_what(plan))} needs attention"
        case State.FAILED:
            return f"{_capital(_what(plan))} is not complete"
        case _:
            ended = {State.EXPIRED: "has ended as an offer"}.get(evacuation.state, f"was {evacuation.state}")
            return f"{_capital(_what(plan))} {ended}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _state(evacuation: Evacuation) -> str:
    if evacuation.state is State.UNDER_WAY:
        return "cancelling" if evacuation.cancel_asked else "paused" if evacuation.paused else "under way"
    return str(evacuation.state)


def _badge(evacuation: Evacuation) -> str:
    state = _state(evacuation)
    if evacuation.ended and evacuation.started_at and evacuation.ended_at:
        taken = render_duration((evacuation.ended_at - evacuation.started_at).total_seconds())
        state += f" in {taken}" if evacuation.state is State.SUCCEEDED else f" after {taken}"
    return f"{evacuation.id} · {state}"


def _buttons(evacuation: Evacuation) -> Iterable[Button]:
    name, plan = evacuation.id, evacuation.plan
    retry = Button(label="Retry failed", sends=f"retry {name}")
    if evacuation.state in PLANNED:
        stay = len(plan.staying)
        yield from agreement_buttons(evacuation, f"Move {len(plan.legs)}" + (f", leave {stay}" if stay else ""))
    elif evacuation.state is State.UNDER_WAY and not evacuation.cancel_asked:
        verb = "resume" if evacuation.paused else "pause"
        yield Button(label=_capital(verb), sends=f"{verb} {name}")
        yield Button(label="Cancel", sends=f"cancel {name}")
        if failed_moves(evacuation.moves):
            yield retry
    elif evacuation.ended and evacuation.moves:
        if evacuation.count(State.SUCCEEDED) < len(evacuation.moves):
            yield retry
        if plan.kind is EvacuationKind.EVACUATION and evacuation.count(State.SUCCEEDED):
            yield Button(label="Bring them home", sends=f"return {', '.join(plan.hosts)}")
    elif evacuation.state is State.EXPIRED:
        yield Button(label="Plan it again", sends=plan.command)


# Bodies


def _body(evacuation: Evacuation, now: datetime) -> Iterable[Part]:
    if evacuation.state in PLANNED:
        yield from _plan(evacuation.plan)
        if evacuation.begins_at:
            agreed = (
                "What is agreed to is which VMs move and how; where each goes is chosen again then, by the room there."
            )
            yield Text(lines=((agreed,),))
        yield from render_agreement(evacuation)
    elif evacuation.state is State.UNDER_WAY:
        yield from _under_way(evacuation, now)
    else:
        yield from _ended(evacuation)
    yield _people(evacuation)


def _plan(plan: EvacuationPlan) -> Iterable[Part]:
    yield from render_intent(plan)
    yield Text(lines=((_summary(plan),), *(_render_leg(leg) for leg in plan.legs[:MOST_SHOWN]), *_rest(plan)))
    if plan.staying:
        yield Text(lines=tuple(_staying(plan.staying)), mark=Mark.WARNING)
    if warnings := tuple(_warnings(plan)):
        yield Text(lines=warnings, mark=Mark.WARNING)
    if plan.loads:
        yield _loads_table(plan)
    forecast = plan.forecast
    if plan.legs:
        yield Text(lines=((f"{_capital(_predicted(forecast))}: {forecast.basis}.",),))
    if plan.notes:
        yield Text(lines=tuple(marked(note) for note in plan.notes))


def _predicted(forecast: Forecast) -> str:
    return render_about(forecast.seconds) + render_range(forecast.low_s, forecast.high_s)


def _summary(plan: EvacuationPlan) -> str:
    memory = sum(leg.plan.move.memory_bytes for leg in plan.legs)
    storage = sum(storage_of(leg) for leg in plan.legs)
    hosts = dict.fromkeys(leg.plan.move.destination for leg in plan.legs)
    said = f"{render_count(len(plan.legs), 'VM')} to {render_count(len(hosts), 'host')}, {render_bytes(memory)} memory"
    return f"{said} and {render_bytes(storage)} storage" if storage else f"{said}; storage stays where it is"


def _render_leg(leg: Leg) -> Line:
    move = leg.plan.move
    first = " makes room:" if leg.makes_room else ""
    size = f" and {render_bytes(storage_of(leg))} storage" if storage_of(leg) else ""
    return (f"•{first} {move.vm_name} → {move.destination}, {render_bytes(move.memory_bytes)}{size}",)


def _rest(plan: EvacuationPlan) -> Iterable[Line]:
    if (more := len(plan.legs) - MOST_SHOWN) > 0:
        yield (f"… and {more} more, all of them in the thread",)


def _staying(staying: Sequence[Staying]) -> Iterable[Line]:
    yield (f"{render_count(len(staying), 'VM')} {'stays' if len(staying) == 1 else 'stay'}:",)
    for one in staying[:MOST_SHOWN]:
        named = one.why if one.why.startswith(one.vm_name) else f"{one.vm_name}: {one.why}"
        yield (named, *((" · ", *marked(one.remedy)) if one.remedy else ()))
    if (more := len(staying) - MOST_SHOWN) > 0:
        yield (f"… and {more} more, all of them in the thread",)


def _warnings(plan: EvacuationPlan) -> Iterable[Line]:
    for leg in plan.legs:
        if leg.blackout_s > _NOTEWORTHY_BLACKOUT_S:
            why = "" if leg.converges else "it writes faster than its link carries and "
            name, still = leg.plan.move.vm_name, render_about(leg.blackout_s)
            yield (f"{name}: {why}is expected to stand still for {still} at its end",)
    told: dict[str, list[str]] = {}
    for leg in plan.legs:
        for finding in leg.plan.findings:
            if finding.level is Level.WARNING:
                told.setdefault(_SHORT.get(finding.code, finding.text), []).append(leg.plan.move.vm_name)
    for what, names in told.items():
        yield marked(f"{what}: {render_list(names)}")


_SHORT = {
    "checkpoints": "checkpoints travel along",
    "state": "saved, resumes only if the processor there fits",
    "limit": "the hosts are busy with migrations, these wait their turn",
    "memory": "off, and there is not enough memory to start them there",
}
"""What a warning says of several VMs at once, where its own text names one."""


def _loads_table(plan: EvacuationPlan) -> Table:
    return Table(
        columns=("Host", "VMs", "Memory used", "Free then"),
        rows=tuple(
            (
                load.host,
                f"{load.vms_before} → {load.vms_after}",
                f"{_percent(load.used_before, load.total)} → {_percent(load.used_after, load.total)}"
                f" of {render_bytes(load.total)}",
                render_bytes(max(0, load.total - load.used_after)),
            )
            for load in plan.loads
        ),
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "?"


def _under_way(evacuation: Evacuation, now: datetime) -> Iterable[Part]:
    progress = measure(evacuation, now)
    yield Bar(percent=progress.percent, line=(_time(evacuation, progress),))
    yield Text(lines=((_counts(evacuation),), *_in_flight(evacuation, now)))
    if evacuation.paused:
        cause = f"{hosts} could not be paused in its cluster" if (hosts := unpaused(evacuation)) else "too many failed"
        by: Line = ("by ", User(id=evacuation.paused_by)) if evacuation.paused_by else (f"by itself: {cause}",)
        yield Text(lines=(("Paused ", *by, "; what runs goes on to its end, nothing new starts."),))
    if evacuation.cancel_asked:
        yield Text(lines=(("Nothing new starts; the hosts decide whether it is still in time for what runs.",),))
    yield from render_pauses(evacuation)
    yield from _failed(evacuation)


def _time(evacuation: Evacuation, progress: Progress) -> str:
    said = [f"{render_duration(progress.elapsed_s)} gone"]
    if progress.left is not None and not evacuation.paused:
        said.append(f"{render_about(progress.left.seconds)} left")
    if progress.rate_bytes_s:
        said.append(render_rate(progress.rate_bytes_s))
    return ", ".join(said)


def _counts(evacuation: Evacuation) -> str:
    waiting = evacuation.count(State.QUEUED)
    running = evacuation.count(*HOLDING)
    said = [f"{evacuation.count(State.SUCCEEDED)} of {len(evacuation.moves)} done"]
    others = {"running": running, "waiting": waiting, "failed": len(failed_moves(evacuation.moves))}
    others |= {"cancelled": evacuation.count(State.CANCELLED), "staying": len(evacuation.plan.staying)}
    return ", ".join([*said, *(f"{count} {what}" for what, count in others.items() if count)])


def _in_flight(evacuation: Evacuation, now: datetime) -> Iterable[Line]:
    flying = [move for move in evacuation.moves if move.state in HOLDING]
    for move in flying[:MOST_SHOWN]:
        yield (f"• {_render_flight(move, now)}",)
    if (more := len(flying) - MOST_SHOWN) > 0:
        yield (f"… and {more} more",)
    if not flying and (first := next((m for m in evacuation.moves if m.state is State.QUEUED and m.waiting), None)):
        yield (f"next: {first.plan.move.vm_name}: {first.waiting}",)


def _render_flight(move: Operation, now: datetime) -> str:
    about = move.plan.move
    said = [f"{about.vm_name} → {about.destination}", f"{move.percent} %"]
    if move.started_at is not None:
        said.append(render_duration((now - move.started_at).total_seconds()))
    if move.waiting:
        said.append(move.waiting)
    return "  ".join(said)


def _ended(evacuation: Evacuation) -> Iterable[Part]:
    plan, outcome = evacuation.plan, evacuation.outcome
    if evacuation.state is State.EXPIRED and not evacuation.moves:
        seen = f": {outcome.cause}" if outcome and outcome.cause else ""
        summary = outcome.summary if outcome else "nobody confirmed it in time; nothing was started"
        yield Text(lines=((_capital(f"{summary}{seen}."),), ("To plan it again, type ", Code(text=plan.command))))
    elif evacuation.state is State.DECLINED:
        reason = f" Because: {outcome.cause}" if outcome and outcome.cause else ""
        yield Text(lines=((f"Nothing was changed.{reason}",),))
    elif outcome is not None:
        lines: list[Line] = [(_capital(outcome.summary),)]
        if evacuation.started_at and evacuation.ended_at and evacuation.count(State.SUCCEEDED):
            took = render_duration((evacuation.ended_at - evacuation.started_at).total_seconds())
            lines.append((f"It took {took}; {_predicted(plan.forecast)} was predicted.",))
        if outcome.remedy:
            lines.append(("Next: ", Code(text=outcome.remedy)))
        yield Text(lines=tuple(lines))
        yield from render_pauses(evacuation)
        yield from _failed(evacuation)
        if plan.staying:
            yield Text(lines=tuple(_staying(plan.staying)))


def _failed(evacuation: Evacuation) -> Iterable[Part]:
    failed = failed_moves(evacuation.moves)
    lines: list[Line] = []
    for move in failed[:_MOST_FAILED]:
        why = move.outcome.cause or move.outcome.summary if move.outcome else ""
        lines.append((f"{move.plan.move.vm_name} ({move.id}) {move.state}: {why}",))
    if (more := len(failed) - _MOST_FAILED) > 0:
        lines.append((f"… and {more} more; the thread has them all",))
    if lines:
        yield Text(lines=tuple(lines), mark=Mark.BLOCKING)


def _people(evacuation: Evacuation) -> Note:
    line = render_people(evacuation)
    if evacuation.cancelled_by:
        verb = "declined" if evacuation.state is State.DECLINED else "cancel asked"
        line = (*line, f", {verb} by ", User(id=evacuation.cancelled_by))
    return Note(line=line)
