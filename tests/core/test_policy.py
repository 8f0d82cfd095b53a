"""Deny by default."""

from __future__ import annotations

import pytest

from bot.core.lifecycle import State
from bot.core.names import UserId
from bot.core.policy import Policy, decide, decide_over
from tests.core.rows import make_operation

ALICE, MALLORY = UserId("U0ALICE"), UserId("U0MALLORY")
ACTIONS = ("vm.migrate", "operation.confirm", "help", "unknown")


@pytest.mark.parametrize("action", ACTIONS)
def test_whoever_is_on_the_list_may_do_everything(action: str) -> None:
    verdict = decide(Policy(allow=frozenset({ALICE})), ALICE, action)
    assert verdict.allowed
    assert action in verdict.reason


@pytest.mark.parametrize("action", ACTIONS)
def test_whoever_is_not_on_the_list_may_do_nothing_and_reads_what_to_do(action: str) -> None:
    verdict = decide(Policy(allow=frozenset({ALICE})), MALLORY, action)
    assert not verdict.allowed
    assert verdict.reason == "you are not on Ferry's allow list"
    assert verdict.needed == "your Slack user id, `U0MALLORY`, on that list"
    assert verdict.hint == "whoever looks after Ferry adds it to `allow` under `[slack]` in `ferry.toml`"


@pytest.mark.parametrize("actor", [ALICE, UserId(""), UserId("*")])
def test_an_empty_list_means_nobody(actor: UserId) -> None:
    verdict = decide(Policy(), actor, "help")
    assert not verdict.allowed
    assert verdict.reason == "Ferry's allow list is empty: nobody may command it"


@pytest.mark.parametrize("listed", ["u0alice", "U0ALICE ", "U0ALIC", "*", "alice"])
def test_only_the_exact_id_counts(listed: str) -> None:
    assert not decide(Policy(allow=frozenset({UserId(listed)})), ALICE, "vm.migrate").allowed


# What others asked for

BOB, CAROL = UserId("U0BOB"), UserId("U0CAROL")
POLICY = Policy(allow=frozenset({ALICE, BOB}), operators=frozenset({CAROL}))


@pytest.mark.parametrize("action", ACTIONS)
def test_an_operator_may_do_everything_that_the_allow_list_covers(action: str) -> None:
    assert decide(POLICY, CAROL, action).allowed


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(("actor", "whose"), [(ALICE, "its own"), (BOB, "another's"), (CAROL, "an operator's")])
def test_what_was_confirmed_is_its_requesters_and_the_operators_to_cancel(
    state: State, actor: UserId, whose: str
) -> None:
    operation = make_operation(state, requested_by=ALICE)
    verdict = decide_over(POLICY, actor, "operation.cancel", operation)
    assert verdict.allowed is (state is State.PROPOSED or whose != "another's")
    if not verdict.allowed:
        assert verdict.reason == "m-12 is not yours to cancel"
        assert verdict.needed == "its requester or one of Ferry's operators"
        assert "`operators` under `[slack]`" in verdict.hint


def test_only_operators_close() -> None:
    operation = make_operation(State.NEEDS_ATTENTION, requested_by=ALICE)
    assert decide_over(POLICY, CAROL, "operation.close", operation).allowed
    verdict = decide_over(POLICY, ALICE, "operation.close", operation)
    assert (verdict.allowed, verdict.needed) == (False, "one of Ferry's operators")


def test_everybody_may_look() -> None:
    assert decide_over(POLICY, BOB, "operation.look", make_operation(State.NEEDS_ATTENTION)).allowed
