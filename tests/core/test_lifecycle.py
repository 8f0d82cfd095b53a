"""The transition table: every state with every event, and what must hold for the table as a whole."""

from __future__ import annotations

from itertools import product

import pytest

from bot.core.lifecycle import (
    ENDED,
    HOLDING,
    OPEN,
    SENDING,
    TRANSITIONS,
    Event,
    IllegalEvent,
    State,
    after,
    states_accepting,
)

E, S = Event, State
EXPECTED = {
    (S.PROPOSED, E.CONFIRM): S.QUEUED,
    (S.PROPOSED, E.SUBMIT): S.AWAITING_APPROVAL,
    (S.AWAITING_APPROVAL, E.APPROVE): S.QUEUED,
    (S.AWAITING_APPROVAL, E.DECLINE): S.DECLINED,
    (S.AWAITING_APPROVAL, E.CANCEL): S.CANCELLED,
    (S.AWAITING_APPROVAL, E.EXPIRE): S.EXPIRED,
    (S.PROPOSED, E.DECLINE): S.DECLINED,
    (S.PROPOSED, E.EXPIRE): S.EXPIRED,
    (S.PROPOSED, E.SCHEDULE): S.SCHEDULED,
    (S.AWAITING_APPROVAL, E.SCHEDULE): S.SCHEDULED,
    (S.SCHEDULED, E.DUE): S.QUEUED,
    (S.SCHEDULED, E.CANCEL): S.CANCELLED,
    (S.SCHEDULED, E.EXPIRE): S.EXPIRED,
    (S.QUEUED, E.GRANT): S.GRANTED,
    (S.QUEUED, E.BEGIN): S.UNDER_WAY,
    (S.QUEUED, E.CANCEL): S.CANCELLED,
    (S.QUEUED, E.FAIL): S.FAILED,
    (S.GRANTED, E.START): S.RUNNING,
    (S.GRANTED, E.RETURN): S.QUEUED,
    (S.GRANTED, E.HOLD): S.QUEUED,
    (S.RUNNING, E.HOLD): S.QUEUED,
    (S.GRANTED, E.CANCEL): S.CANCELLED,
    (S.GRANTED, E.FAIL): S.FAILED,
    (S.GRANTED, E.DOUBT): S.NEEDS_ATTENTION,
    (S.RUNNING, E.START): S.RUNNING,
    (S.RUNNING, E.VERIFY): S.VERIFYING,
    (S.RUNNING, E.RETURN): S.QUEUED,
    (S.RUNNING, E.CANCEL): S.CANCELLED,
    (S.RUNNING, E.FAIL): S.FAILED,
    (S.RUNNING, E.DOUBT): S.NEEDS_ATTENTION,
    (S.UNDER_WAY, E.SUCCEED): S.SUCCEEDED,
    (S.UNDER_WAY, E.CANCEL): S.CANCELLED,
    (S.UNDER_WAY, E.FAIL): S.FAILED,
    (S.UNDER_WAY, E.DOUBT): S.NEEDS_ATTENTION,
    (S.VERIFYING, E.SUCCEED): S.SUCCEEDED,
    (S.VERIFYING, E.CANCEL): S.CANCELLED,
    (S.VERIFYING, E.FAIL): S.FAILED,
    (S.VERIFYING, E.DOUBT): S.NEEDS_ATTENTION,
    (S.NEEDS_ATTENTION, E.SUCCEED): S.SUCCEEDED,
    (S.NEEDS_ATTENTION, E.CANCEL): S.CANCELLED,
    (S.NEEDS_ATTENTION, E.FAIL): S.FAILED,
    (S.NEEDS_ATTENTION, E.CLOSE): S.CLOSED,
    (S.NEEDS_ATTENTION, E.RECALL): S.RUNNING,
}


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_state_with_every_event(state: State, event: Event) -> None:
    if (state, event) in EXPECTED:
        assert after(state, event) is EXPECTED[state, event]
        assert state in states_accepting(event)
    else:
        assert state not in states_accepting(event)
        with pytest.raises(IllegalEvent, match=f"an operation that is {state} accepts .*; not {event}"):
            after(state, event)


def test_an_illegal_event_says_what_was_accepted() -> None:
    with pytest.raises(
        IllegalEvent, match="that is proposed accepts confirm, submit, schedule, decline, expire; not start"
    ):
        after(State.PROPOSED, Event.START)
    with pytest.raises(IllegalEvent, match="that is failed accepts nothing: it has ended; not confirm"):
        after(State.FAILED, Event.CONFIRM)


def test_nothing_runs_that_was_not_confirmed_and_granted() -> None:
    assert states_accepting(Event.START) == {State.GRANTED, State.RUNNING}
    assert states_accepting(Event.GRANT) == {State.QUEUED}
    into_queue = {state for state, events in TRANSITIONS.items() if State.QUEUED in events.values()}
    assert into_queue == {State.PROPOSED, State.AWAITING_APPROVAL, State.SCHEDULED, State.GRANTED, State.RUNNING}


def test_success_is_only_ever_verified_or_seen_by_a_later_look() -> None:
    before = {state for state, events in TRANSITIONS.items() if State.SUCCEEDED in events.values()}
    assert before == {State.VERIFYING, State.NEEDS_ATTENTION, State.UNDER_WAY}  # the last by the ends of its moves


def test_what_needs_attention_has_ended_and_is_never_sent_again() -> None:
    assert State.NEEDS_ATTENTION in ENDED
    ends = {State.SUCCEEDED, State.CANCELLED, State.FAILED, State.CLOSED}
    recalled = {State.RUNNING, State.VERIFYING, State.NEEDS_ATTENTION}
    assert _reachable(State.NEEDS_ATTENTION, without=SENDING) == ends | recalled
    assert not states_accepting(Event.RECALL) - {State.NEEDS_ATTENTION}


def test_every_open_state_can_end_and_every_state_can_be_reached() -> None:
    for state in OPEN:
        assert _reachable(state) & ENDED
    assert _reachable(State.PROPOSED) | {State.PROPOSED} == set(State)


def test_open_and_ended_divide_the_states_and_what_holds_a_slot_is_open() -> None:
    assert set(State) == OPEN | ENDED
    assert not OPEN & ENDED
    assert HOLDING < OPEN
    assert State.QUEUED not in HOLDING


def _reachable(state: State, without: frozenset[Event] = frozenset()) -> set[State]:
    found: set[State] = set()
    ahead = [state]
    while ahead:
        new = {then for event, then in TRANSITIONS[ahead.pop()].items() if event not in without} - found
        found |= new
        ahead += new
    return found
