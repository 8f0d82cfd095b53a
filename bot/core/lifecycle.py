"""An operation's states and the one transition table. Everything that changes a state goes through `after`.

    proposed -> (awaiting approval) -> (scheduled) -> queued -> granted -> running -> verifying -> succeeded
        |           |                 |            |         |          |            |
     expired     expired           expired     cancelled  cancelled  cancelled / failed / needs attention
     declined    declined          cancelled                     needs attention -> succeeded / failed / cancelled
                 cancelled                                                          / closed

Where the policy asks for approvals, confirming leads to "awaiting approval", and the last of them to the queue.
What is to begin later is "scheduled" once people have agreed to it: a state of its own, because what is queued may go
as soon as there is room, and keeps its VM from other operations. At its time it is planned anew, and is queued (`DUE`)
or, if something that matters has changed, ends as an offer that has expired, with a new one in its place.
`granted` holds a place at the source and at the destination; so do `running` and `verifying`. A host's refusal for
want of room sends a running operation back to the queue (`RETURN`), and so does a pause of its evacuation, a freeze
or a lock before its order has left (`HOLD`); a try that may be repeated starts again from
`running`. "Needs attention" is what Ferry says when it cannot know: it has ended, holds nothing, and is concluded by a
later look, or closed by a person with a reason. One whose move goes on at its host, past its deadline, runs on once a
person asks for it to be stopped (`RECALL`), and only for that: it is never sent again.

An evacuation is one row with a row for each of its moves. It holds no place and has no workflow:

    proposed -> queued -> under way -> succeeded / failed / cancelled / needs attention

It is confirmed and under way in one transaction, which writes its moves as confirmed rows, and ends in the one that
ends the last of them.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    PROPOSED = "proposed"
    AWAITING_APPROVAL = "awaiting approval"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    GRANTED = "granted"
    RUNNING = "running"
    UNDER_WAY = "under way"
    VERIFYING = "verifying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    EXPIRED = "expired"
    NEEDS_ATTENTION = "needs attention"
    CLOSED = "closed"


class Event(StrEnum):
    CONFIRM = "confirm"
    SUBMIT = "submit"  # confirmed, and to be approved
    APPROVE = "approve"  # for the last time: nothing is missing then
    SCHEDULE = "schedule"  # agreed to, and to begin later
    DUE = "due"
    BEGIN = "begin"
    DECLINE = "decline"
    EXPIRE = "expire"
    GRANT = "grant"
    RETURN = "return"
    HOLD = "hold"
    START = "start"
    VERIFY = "verify"
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    DOUBT = "doubt"
    CLOSE = "close"
    RECALL = "ask to cancel"  # of what has ended although its move goes on


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.PROPOSED: {
        Event.CONFIRM: State.QUEUED,
        Event.SUBMIT: State.AWAITING_APPROVAL,
        Event.SCHEDULE: State.SCHEDULED,
        Event.DECLINE: State.DECLINED,
        Event.EXPIRE: State.EXPIRED,
    },
    State.AWAITING_APPROVAL: {
        Event.APPROVE: State.QUEUED,
        Event.SCHEDULE: State.SCHEDULED,
        Event.DECLINE: State.DECLINED,
        Event.CANCEL: State.CANCELLED,
        Event.EXPIRE: State.EXPIRED,
    },
    State.SCHEDULED: {
        Event.DUE: State.QUEUED,
        Event.CANCEL: State.CANCELLED,
        Event.EXPIRE: State.EXPIRED,
    },
    State.QUEUED: {
        Event.GRANT: State.GRANTED,
        Event.BEGIN: State.UNDER_WAY,
        Event.CANCEL: State.CANCELLED,
        Event.FAIL: State.FAILED,
    },
    State.UNDER_WAY: {
        Event.SUCCEED: State.SUCCEEDED,
        Event.CANCEL: State.CANCELLED,
        Event.FAIL: State.FAILED,
        Event.DOUBT: State.NEEDS_ATTENTION,
    },
    State.GRANTED: {
        Event.START: State.RUNNING,
        Event.RETURN: State.QUEUED,
        Event.HOLD: State.QUEUED,
        Event.CANCEL: State.CANCELLED,
        Event.FAIL: State.FAILED,
        Event.DOUBT: State.NEEDS_ATTENTION,
    },
    State.RUNNING: {
        Event.START: State.RUNNING,
        Event.VERIFY: State.VERIFYING,
        Event.RETURN: State.QUEUED,
        Event.HOLD: State.QUEUED,
        Event.CANCEL: State.CANCELLED,
        Event.FAIL: State.FAILED,
        Event.DOUBT: State.NEEDS_ATTENTION,
    },
    State.VERIFYING: {
        Event.SUCCEED: State.SUCCEEDED,
        Event.CANCEL: State.CANCELLED,
        Event.FAIL: State.FAILED,
        Event.DOUBT: State.NEEDS_ATTENTION,
    },
    State.SUCCEEDED: {},
    State.FAILED: {},
    State.CANCELLED: {},
    State.DECLINED: {},
    State.EXPIRED: {},
    State.NEEDS_ATTENTION: {
        Event.SUCCEED: State.SUCCEEDED,
        Event.CANCEL: State.CANCELLED,
        Event.FAIL: State.FAILED,
        Event.CLOSE: State.CLOSED,
        Event.RECALL: State.RUNNING,
    },
    State.CLOSED: {},
}

SENDING = frozenset({Event.START, Event.RETURN, Event.HOLD})
"""What sends a move, or leads to that. Nothing that was recalled takes it."""

HOLDING = frozenset({State.GRANTED, State.RUNNING, State.VERIFYING})
"""States that occupy a migration slot on both hosts."""

UNDECIDED = frozenset({State.PROPOSED, State.AWAITING_APPROVAL})
"""States that wait for people, and end when their time is over."""

PLANNED = UNDECIDED | {State.SCHEDULED}
"""States of what has not begun, and whose card shows all of the plan."""

ENDED = frozenset(state for state, events in TRANSITIONS.items() if not events) | {State.NEEDS_ATTENTION}
OPEN = frozenset(State) - ENDED


class IllegalEvent(Exception):
    """A bug of ours: an event that the state does not accept."""

    def __init__(self, state: State, event: Event) -> None:
        accepted = ", ".join(TRANSITIONS[state]) or "nothing: it has ended"
        super().__init__(f"an operation that is {state} accepts {accepted}; not {event}")


def after(state: State, event: Event) -> State:
    """The state that follows.

    Raises:
        IllegalEvent: the table has no such transition.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalEvent(state, event) from None


def states_accepting(event: Event) -> frozenset[State]:
    """For compare-and-set: the states from which this event may be taken."""
    return frozenset(state for state, events in TRANSITIONS.items() if event in events)
