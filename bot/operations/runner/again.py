"""Whether a move that failed may be sent once more."""

from __future__ import annotations

from bot.core.estate import JobState
from bot.core.reconcile import NotMoved, Whereabouts
from bot.errors import Fault, HostError, HostUnreachable

SET_UP_PERCENT = 10
"""Below it a move is being set up, and refusals come; above it something was copied (assumed)."""
RECORD_S = 240.0
"""A host keeps a job's record for five minutes (Microsoft Learn, Msvm_MigrationJob); less, because clocks differ."""
PASSING = frozenset({Fault.TRANSIENT, Fault.UNKNOWN})
"""Faults after which it may be tried again: by a read or a comparison nothing has been started, and a move that ended
so is looked for on both hosts first."""


def may_be_sent_again(verdict: Whereabouts, failure: HostError, percent: int) -> bool:
    """Only after what passes, once both hosts say that nothing moves, and before anything was copied.

    Args:
        verdict: what both hosts showed after the failure.
        percent: how far the move had come.
    """
    if not isinstance(verdict, NotMoved) or percent >= SET_UP_PERCENT or failure.fault not in PASSING:
        return False
    if (job := verdict.job) is None:
        return True
    stopped = job.state in (JobState.TERMINATED, JobState.KILLED)
    # Somebody ended it, or it ended by itself while nobody listened: not for want of a link.
    return not stopped and not isinstance(failure, HostUnreachable)
