"""What an operation's end says: only what was observed, with the host's own words, the cause and what to type next."""

from __future__ import annotations

from enum import StrEnum

from bot.core.estate import ROLE_FAILED, Job, JobState
from bot.core.operation import Operation, Outcome
from bot.core.plan import Move, MoveKind
from bot.core.reconcile import Moved, NotMoved, Restarted, find_strays, render_moved
from bot.core.wording import render_duration, render_list, render_state
from bot.errors import HostError, HostUnreachable


class Stop(StrEnum):
    """What became of a cancel, for a VM that has moved all the same. `{host}` is its source."""

    UNKNOWN = "it was to be cancelled, and moved all the same"
    TOO_LATE = "the request to cancel came too late"
    ASKED = "{host} was asked to stop the move, and had finished it"
    UNDELIVERED = "the request to stop the move did not reach {host}"
    DENIED = "{host} did not let Ferry stop the move"


def nothing_started(operation: Operation) -> str:
    """Claims it only if the journal does: once sent, a move may have begun without our knowing."""
    return "nothing was started" if operation.started_at is None else "nothing was started again"


def world_changed(operation: Operation, differences: tuple[str, ...]) -> Outcome:
    return Outcome(
        summary=f"{nothing_started(operation)}: what was confirmed is no longer so",
        cause=render_list(differences),
        remedy=operation.plan.command,
    )


def not_permitted(operation: Operation, refusal: str) -> Outcome:
    return Outcome(
        summary=f"{nothing_started(operation)}: it is no longer allowed",
        cause=refusal,
        remedy=operation.plan.command,
    )


def not_fitting(operation: Operation, incompatibilities: tuple[str, ...]) -> Outcome:
    move = operation.plan.move
    return Outcome(
        summary=f"{nothing_started(operation)}: {move.source} and {move.destination} do not fit for {move.vm_name}",
        words="\n".join(incompatibilities),
        cause="the comparison of both hosts found what would stop the move",
        remedy=f"remove what it names, then: {operation.plan.command}",
    )


def moved_by_others(operation: Operation, job: Job | None) -> Outcome:
    move = operation.plan.move
    where = f" to {job.destination}" if job is not None and job.destination else ""
    return Outcome(
        summary=f"{nothing_started(operation)}: {move.vm_name} is already being moved{where} by somebody else",
        remedy=f"where {move.vm_name}, and when that move has ended: {operation.plan.command}",
    )


def taken(operation: Operation, job: Job | None, error: HostError | None, *, foreign: bool) -> Outcome:
    """Something moves the VM that is not the move that was sent, or cannot be told from it."""
    move = operation.plan.move
    to = f"to {job.destination}" if job is not None and job.destination else "to other storage"
    refused = f"{move.source} did not take Ferry's move, and " if error is not None else ""
    return Outcome(
        summary=f"{refused}{move.vm_name} is being moved {to}{' by somebody else' if foreign else ''}",
        words=error.words if error is not None else "",
        remedy=f"look {operation.id}, when that move has ended",
    )


def overdue(operation: Operation, deadline_s: float, words: str) -> Outcome:
    """It goes on at its host. `words`: what both showed."""
    stopped = "it was to be stopped, and has not ended" if operation.cancel_asked else "it was not stopped"
    return Outcome(
        summary=f"no end within {render_duration(deadline_s)}: {words}",
        cause=f"the move takes longer than its kind and size should; {stopped}",
        remedy=f"look {operation.id}, when it has ended",
    )


def traceless(operation: Operation, verdict: NotMoved, age_s: float) -> Outcome:
    """Nothing tells whether it was ever tried, and it is too old to be started now."""
    move = operation.plan.move
    return Outcome(
        summary=f"{move.vm_name} is still {render_state(verdict.vm.state)} on {_place(move)}",
        cause=f"Ferry asked for the move {render_duration(age_s)} ago, and {move.source} keeps no record of it",
        remedy=operation.plan.command,
    )


def refused(operation: Operation, error: HostError) -> Outcome:
    """A host refused before anything was started."""
    return Outcome(
        summary=f"{nothing_started(operation)}: {error.host} did not finish {error.doing}",
        words=error.words,
        cause=error.cause,
        remedy=error.hint,
    )


def unstarted(operation: Operation, *, certain: bool = False) -> Outcome:
    """`certain`: the order was kept back, although the journal announces it."""
    return Outcome(summary="nothing was started" if certain else nothing_started(operation))


def unclear(operation: Operation, why: str) -> Outcome:
    """Where the VM is cannot be said: `why` tells what each host showed."""
    cause = "" if operation.started_at is None else "what was seen does not tell how the move ended"
    summary = f"{nothing_started(operation)}: {why}" if operation.started_at is None else why
    return Outcome(summary=summary, cause=cause, remedy=f"look {operation.id}")


def not_moved(operation: Operation, verdict: NotMoved, error: HostError | None) -> Outcome:
    move, job = operation.plan.move, verdict.job
    if job is not None and isinstance(error, HostUnreachable):
        error = None  # how the move ended is known; that nobody was listening then is not why
    summary = f"{move.vm_name} is still {render_state(verdict.vm.state)} on {_place(move)}"
    words = (error.words if error else "") or (job.error if job else "")
    if operation.cancel_asked:
        return Outcome(summary=summary, words=words)
    if error is not None:
        return Outcome(summary=summary, words=words, cause=error.cause, remedy=error.hint)
    return Outcome(summary=summary, words=words, cause=_cause(move, verdict), remedy=operation.plan.command)


def restarted(operation: Operation, verdict: Restarted) -> Outcome:
    """Where it runs is not by Ferry's move, even if that is where it was to be."""
    move, vm = operation.plan.move, verdict.vm
    return Outcome(
        summary=f"its cluster has started {move.vm_name} anew on {verdict.node}, {render_duration(vm.uptime_s)} ago: "
        "not moved by Ferry",
        cause=f"its uptime began anew, as after the failure of a node; {verdict.seen}",
        remedy=f"where {move.vm_name}",
    )


def moved(operation: Operation, verdict: Moved, stop: Stop = Stop.UNKNOWN) -> tuple[bool, Outcome]:
    """Whether all that was asked for is so, and what was seen. `stop`: what became of a cancel, if there was one."""
    move, vm = operation.plan.move, verdict.vm
    summary = render_moved(move, vm)
    if vm.state != move.state:
        return False, Outcome(
            summary=summary,
            cause=f"{move.vm_name} was {render_state(move.state)} before",
            remedy=f"look {operation.id}",
        )
    if strays := find_strays(move, vm):
        return False, Outcome(
            summary=summary,
            cause=f"not in {move.storage_path}: {render_list(strays)}",
            remedy=f"look {operation.id}",
        )
    if operation.cancel_asked:
        return True, Outcome(summary=f"{summary}; {stop.value.format(host=move.source)}")
    return True, Outcome(summary=summary)


def moved_and_changed(operation: Operation, verdict: Moved) -> Outcome | None:
    """A VM that a later look finds in another state: the move is over, and its owner has done something since."""
    move, vm = operation.plan.move, verdict.vm
    if vm.state == move.state or find_strays(move, vm):
        return None
    return Outcome(summary=f"{render_moved(move, vm)}; it was {render_state(move.state)} when the move began")


def _place(move: Move) -> str:
    return f"{move.source}, its storage where it was" if move.kind is MoveKind.STORAGE else move.source


def _cause(move: Move, verdict: NotMoved) -> str:
    job, role = verdict.job, verdict.role
    if job is None and role is not None and role.migration == ROLE_FAILED:
        reason = f", error 0x{role.failure & 0xFFFFFFFF:08X}" if role.failure else ""
        return f"its cluster reports that the migration failed{reason}"
    if job is None:
        return f"{move.source} keeps no record of how the move ended"
    if job.succeeded:
        return f"{move.source} reported the end of the move, but shows the virtual machine still, or again"
    if job.state in (JobState.TERMINATED, JobState.KILLED):
        return f"the move was stopped on {move.source}, not by Ferry"
    return f"the move ended on {move.source} without success"
