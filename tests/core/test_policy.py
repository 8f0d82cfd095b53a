"""Deny by default."""

from __future__ import annotations

import pytest

from bot.core.names import UserId
from bot.core.policy import Policy, decide

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
