"""The card of an evacuation: its row and those of its moves as one answer. Knows no Slack.

A card claims what the rows know and nothing more. Long lists go to the thread, whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.core.evacuation.ending import failed_moves
from bot.core.evacuation.offered import MOST_SHOWN, render_plan, render_predicted, render_staying, render_what
from bot.core.evacuation.pausing import render_pauses, unpaused
from bot.core.evacuation.plan import Evacuation, EvacuationKind
from bot.core.evacuation.progress import Progress, measure
from bot.core.lifecycle import HOLDING, PLANNED, State
from bot.core.operation import Operation
from bot.core.recorded import (
    BY_SOMEBODY,
    again_button,
    agreement_buttons,
    render_agreement,
    render_badge,
    render_declined,
    render_missing,
    render_people,
)
from bot.core.reply import Bar, Button, Code, Line, Mark, Note, Part, Reply, Strong, Text, User, marked
from bot.core.wording import capital, render_about, render_count, render_duration, render_list, render_rate

_MOST_FAILED = 5
_MARKS = {State.SUCCEEDED: Mark.FINE, State.FAILED: Mark.WARNING, State.NEEDS_ATTENTION: Mark.WARNING}


def render_evacuation(evacuation: Evacuation, now: datetime) -> Reply:
    """The card as the rows have it now."""
    return Reply(
        title=(Strong(text=_title(evacuation)),),
        badge=render_badge(evacuation, _state(evacuation)),
        parts=tuple(_body(evacuation, now)),
        buttons=tuple(_buttons(evacuation)),
        mark=_MARKS.get(evacuation.state, Mark.NONE),
    )


def render_status_line(evacuation: Evacuation, now: datetime) -> Line:
    """One line for a list of operations."""
    said = [str(evacuation.state), render_what(evacuation.plan), render_missing(evacuation)]
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


def _title(evacuation: Evacuation) -> str:
    plan = evacuation.plan
    hosts, count = render_list(plan.hosts), render_count(len(plan.legs), "VM")
    evacuates = plan.kind is EvacuationKind.EVACUATION
    match evacuation.state:
        case State.PROPOSED:
            return f"Evacuate {hosts}?" if evacuates else f"Bring {count} home to {hosts}?"
        case State.AWAITING_APPROVAL:
            return f"Approve {render_what(plan)}?"
        case State.SCHEDULED:
            return f"{capital(render_what(plan))} is to begin later"
        case State.UNDER_WAY if evacuation.cancel_asked:
            return f"Cancelling {render_what(plan)}"
        case State.UNDER_WAY if evacuation.paused:
            return f"{capital(render_what(plan))} is paused"
        case State.UNDER_WAY:
            return f"Evacuating {hosts}" if evacuates else f"Bringing {count} home to {hosts}"
        case State.SUCCEEDED if evacuates:
            stay = len(plan.staying)
            rest = f", {stay} {'stays' if stay == 1 else 'stay'}" if stay else ""
            return f"{count} {'has' if len(plan.legs) == 1 else 'have'} left {hosts}{rest}"
        case State.SUCCEEDED:
            return f"{count} came home to {hosts}"
        case State.NEEDS_ATTENTION:
            return f"{capital(render_what(plan))} needs attention"
        case State.FAILED:
            return f"{capital(render_what(plan))} is not complete"
        case State.EXPIRED:
            return f"The offer of {render_what(plan)} has ended"
        case _:
            return f"{capital(render_what(plan))} was {evacuation.state}"


def _state(evacuation: Evacuation) -> str:
    if evacuation.state is State.UNDER_WAY:
        return "cancelling" if evacuation.cancel_asked else "paused" if evacuation.paused else "under way"
    return str(evacuation.state)


def _buttons(evacuation: Evacuation) -> Iterable[Button]:
    name, plan = evacuation.id, evacuation.plan
    failed = failed_moves(evacuation.moves)
    retry = Button(label="Retry failed" if failed else "Move the rest", sends=f"retry {name}")
    if evacuation.state in PLANNED:
        stay = len(plan.staying)
        yield from agreement_buttons(evacuation, f"Move {len(plan.legs)}" + (f", leave {stay}" if stay else ""))
    elif evacuation.state is State.UNDER_WAY and not evacuation.cancel_asked:
        verb = "resume" if evacuation.paused else "pause"
        yield Button(label=capital(verb), sends=f"{verb} {name}")
        yield Button(label="Cancel", sends=f"cancel {name}")
        if failed:
            yield retry
    elif evacuation.ended and evacuation.moves:
        if _next(evacuation).startswith("look m-"):
            yield Button(label="Look again", sends=_next(evacuation))
        if evacuation.count(State.SUCCEEDED) < len(evacuation.moves):
            yield retry
        if plan.kind is EvacuationKind.EVACUATION and evacuation.count(State.SUCCEEDED):
            yield Button(label="Bring them home", sends=f"return {', '.join(plan.hosts)}")
    elif evacuation.state is State.EXPIRED:
        yield again_button(evacuation, plan.command)


def _next(evacuation: Evacuation) -> str:
    return evacuation.outcome.remedy if evacuation.outcome else ""


# Bodies


def _body(evacuation: Evacuation, now: datetime) -> Iterable[Part]:
    if evacuation.state in PLANNED:
        yield from render_plan(evacuation.plan)
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
    if progress.left is not None and not evacuation.paused and not evacuation.holds:
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
        yield Text(lines=((capital(f"{summary}{seen}."),),))
    elif evacuation.state is State.DECLINED:
        yield render_declined(evacuation)
    elif outcome is not None:
        lines: list[Line] = [(capital(outcome.summary),)]
        if evacuation.started_at and evacuation.ended_at and evacuation.count(State.SUCCEEDED):
            took = render_duration((evacuation.ended_at - evacuation.started_at).total_seconds())
            lines.append((f"It took {took}; {render_predicted(plan.forecast)} was predicted.",))
        if outcome.remedy and outcome.remedy not in [button.sends for button in _buttons(evacuation)]:
            lines.append(("Next: ", Code(text=outcome.remedy)))
        yield Text(lines=tuple(lines))
        yield from render_pauses(evacuation)
        yield from _failed(evacuation)
        if plan.staying and evacuation.moves:
            yield Text(lines=tuple(render_staying(plan.staying)))


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
        done = str(evacuation.state) if evacuation.state in BY_SOMEBODY else "cancel asked"
        line = (*line, f", {done} by ", User(id=evacuation.cancelled_by))
    return Note(line=line)
