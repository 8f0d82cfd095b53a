"""The card of a drain or a resumption: its row as an answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.core.findings import render_findings
from bot.core.host_card import MARKS, make_buttons, render_end
from bot.core.lifecycle import PLANNED, State
from bot.core.maintenance.checks import render_priority
from bot.core.maintenance.plan import How, Maintenance, MaintenancePlan, Passenger, Task
from bot.core.recorded import render_agreement, render_badge
from bot.core.reply import Bar, Button, Code, Line, Mark, Part, Reply, Strong, Table, Text, User
from bot.core.wording import render_bytes, render_count, render_list

_MOST_SHOWN = 25
_HOW = {How.LIVE: "live", How.QUICK: "quick", How.STOPPED: "stopped", How.OFF: "is off"}
_TITLES = {
    Task.DRAIN: {
        State.PROPOSED: "Drain {host}?",
        State.AWAITING_APPROVAL: "Approve to drain {host}?",
        State.SCHEDULED: "{host} is to be drained later",
        State.QUEUED: "{host} waits to be drained",
        State.GRANTED: "{host} is about to be drained",
        State.RUNNING: "{host} is being drained",
        State.VERIFYING: "Checking whether {host} is drained",
        State.SUCCEEDED: "{host} is drained",
        State.FAILED: "{host} was not drained",
        State.NEEDS_ATTENTION: "The drain of {host} needs attention",
        State.CLOSED: "The drain of {host} was closed",
        State.CANCELLED: "The drain of {host} was cancelled",
        State.DECLINED: "The drain of {host} was declined",
        State.EXPIRED: "The offer to drain {host} has ended",
    },
    Task.PAUSE: {
        State.PROPOSED: "Pause {host}?",
        State.AWAITING_APPROVAL: "Approve to pause {host}?",
        State.SCHEDULED: "{host} is to be paused later",
        State.QUEUED: "{host} waits to be paused",
        State.GRANTED: "{host} is about to be paused",
        State.RUNNING: "{host} is being paused",
        State.VERIFYING: "Checking whether {host} is paused",
        State.SUCCEEDED: "{host} is paused",
        State.FAILED: "{host} was not paused",
        State.NEEDS_ATTENTION: "Pausing {host} needs attention",
        State.CLOSED: "Pausing {host} was closed",
        State.CANCELLED: "Pausing {host} was cancelled",
        State.DECLINED: "Pausing {host} was declined",
        State.EXPIRED: "The offer to pause {host} has ended",
    },
    Task.RESUME: {
        State.PROPOSED: "Resume {host}?",
        State.AWAITING_APPROVAL: "Approve to resume {host}?",
        State.SCHEDULED: "{host} is to be resumed later",
        State.QUEUED: "{host} waits to be resumed",
        State.GRANTED: "{host} is about to be resumed",
        State.RUNNING: "{host} is being resumed",
        State.VERIFYING: "Checking whether {host} is up",
        State.SUCCEEDED: "{host} is up again",
        State.FAILED: "Resuming {host} did not succeed",
        State.NEEDS_ATTENTION: "Resuming {host} needs attention",
        State.CLOSED: "Resuming {host} was closed",
        State.CANCELLED: "Resuming {host} was cancelled",
        State.DECLINED: "Resuming {host} was declined",
        State.EXPIRED: "The offer to resume {host} has ended",
    },
}


def render_maintenance(change: Maintenance) -> Reply:
    plan = change.plan
    title = _TITLES[plan.task][change.state].format(host=plan.host)
    if change.cancel_asked and not change.ended:
        title = f"Cancelling the drain of {plan.host}" if plan.task is Task.DRAIN else title
    buttons = make_buttons(change, stoppable=plan.task is Task.DRAIN)
    return Reply(
        title=(Strong(text=title),),
        badge=render_badge(change),
        parts=tuple(_body(change, buttons)),
        buttons=buttons,
        mark=MARKS.get(change.state, Mark.NONE),
    )


def _body(change: Maintenance, buttons: Sequence[Button]) -> Iterator[Part]:
    plan = change.plan
    if change.state in PLANNED:
        yield Text(lines=((_render_intent(plan),),))
        if plan.roles and (plan.task is Task.DRAIN or plan.failback):
            yield _render_roles(plan)
        yield from render_findings(plan.findings)
        yield from render_agreement(change)
    if change.state is State.RUNNING and plan.roles:
        yield Bar(percent=change.percent, line=(change.waiting,))
        change = change.model_copy(update={"waiting": ""})
    if change.cancel_asked and not change.ended and change.cancelled_by:
        stopping: Line = ("Cancel was asked by ", User(id=change.cancelled_by), "; what is moving now may still go on.")
        yield Text(lines=(stopping,))
    yield from render_end(change, buttons, _render_way_back(plan) if plan.task is Task.DRAIN else ())


def _render_way_back(plan: MaintenancePlan) -> Line:
    back, alone = f"resume {plan.host} with failback", f"resume {plan.host}"
    return ("It stays paused until someone types ", Code(text=back), " or ", Code(text=alone))


def _render_intent(plan: MaintenancePlan) -> str:
    if plan.task is Task.RESUME:
        told = f"Lets {plan.host} take part in {plan.cluster} again"
        if not plan.failback:
            return f"{told}. Nothing is moved back."
        what = f", and has {plan.cluster} bring back what was drained"
        return f"{told}{what}" + (f" by {plan.source}." if plan.source else ".")
    if plan.task is Task.PAUSE:
        return f"Pauses {plan.host} in {plan.cluster}, so that it takes nothing more."
    leaving = [role for role in plan.roles if not role.stays]
    stuck = len(plan.roles) - len(leaving)
    stays = f" {render_count(stuck, 'VM')} cannot leave." if stuck else ""
    if not leaving:
        return f"Pauses {plan.host} in {plan.cluster}, so that it takes nothing more.{stays}"
    pace = f", {plan.live_limit} live at a time" if plan.live_limit else ""
    return (
        f"Pauses {plan.host} in {plan.cluster}, which then moves {render_count(len(leaving), 'VM')} away by itself, "
        f"the highest priority first{pace}. It chooses where.{stays}"
    )


def _render_roles(plan: MaintenancePlan) -> Table:
    drain = plan.task is Task.DRAIN
    rows = [
        (
            role.group,
            "stays" if role.stays else _HOW[role.how],
            render_priority(role.priority),
            _render_memory(role),
            (render_list(role.to, last="or") or "none") if drain else role.at,
        )
        for role in plan.roles[:_MOST_SHOWN]
    ]
    if more := len(plan.roles) - len(rows):
        rows.append((f"and {more} more", "", "", "", ""))
    return Table(columns=("VM", "Moves", "Priority", "Memory", "May go to" if drain else "Is on"), rows=tuple(rows))


def _render_memory(role: Passenger) -> str:
    if role.how is How.OFF:
        return "-"
    return "?" if role.memory_bytes is None else render_bytes(role.memory_bytes)
