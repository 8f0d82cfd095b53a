"""A new start told from a migration, by how long a VM has been running."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.estate import Estate, GroupState, RoleSight, Seen, VmState, VmSummary
from bot.core.failover import (
    decide_failover,
    find_failovers,
    has_restarted,
    owner_of,
    render_failover,
    render_failovers,
)
from bot.core.names import VmId
from bot.core.plan import Move
from bot.core.reconcile import Moved, NotMoved, Restarted, Unknown
from tests.core.test_reconcile import make_vm
from tests.core.test_reconcile_cluster import cluster_move, role, seen

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = 86400
WHY = Unknown(why="host01 gave no answer")


@pytest.mark.parametrize(
    ("before_s", "elapsed_s", "now_s", "restarted"),
    [
        (0, 100, 5, None),  # nothing is known of before
        (DAY, 100, 40, True),
        (DAY, 100, DAY + 100, False),
        (DAY, 100, DAY + 50, False),  # clocks differ by so much
        (30, 600, 200, True),  # longer than before, and yet not as long as it should be
        (30, 600, 620, False),
        (DAY, 100, DAY - 1, True),
    ],
)
def test_a_restart_shows_in_the_uptime(before_s: float, elapsed_s: float, now_s: float, restarted: bool | None) -> None:
    assert has_restarted(before_s, elapsed_s, now_s) is restarted


def move(**values: Any) -> Move:
    return cluster_move(**{"state": VmState.RUNNING, "uptime_s": DAY} | values)


@pytest.mark.parametrize(
    ("given", "owner", "uptime_s", "kind"),
    [
        ({}, "HOST02", 40, Restarted),
        ({}, "HOST03", 40, Restarted),
        ({}, "HOST02", DAY + 100, Moved),  # it has never stopped, so it was moved before its old node died
        ({}, "HOST03", DAY + 100, Unknown),  # somebody else moved it
        ({}, "", 40, Unknown),
        ({"quick": True}, "HOST02", 40, Unknown),
        ({"uptime_s": 0}, "HOST02", 40, Unknown),
    ],
)
def test_what_both_hosts_leave_open(given: dict[str, Any], owner: str, uptime_s: int, kind: type) -> None:
    vm = make_vm("host02").model_copy(update={"uptime_s": uptime_s, "state": VmState.RUNNING})
    verdict = decide_failover(move(**given), WHY, owner, vm, 100)
    assert type(verdict) is kind
    if isinstance(verdict, Restarted):
        assert (verdict.node, verdict.seen) == (owner.lower(), WHY.why)


def test_what_is_clear_or_not_seen_stays_as_it_is() -> None:
    vm = make_vm("host02").model_copy(update={"uptime_s": 40})
    clear = NotMoved(vm=vm)
    assert decide_failover(move(), clear, "HOST02", vm, 100) is clear
    assert decide_failover(move(), WHY, "HOST02", None, 100) is WHY


@pytest.mark.parametrize(
    ("told", "owner"),
    [
        (role("HOST02"), "HOST02"),
        (role("HOST02", GroupState.PENDING), ""),
        (role("HOST02", GroupState.FAILED), ""),
        (role("HOST02", migration=2), ""),
        (None, ""),
    ],
)
def test_only_a_role_that_is_online_and_rests_has_an_owner(told: RoleSight | None, owner: str) -> None:
    assert owner_of((None, seen("host02", "here", told))) == owner
    assert owner_of((None, seen("host02", "absent", None))) == ""


# The estate


def summary(host: str, uptime_s: int, **values: Any) -> VmSummary:
    given = {"id": VmId("00000000-0000-4000-8000-000000000001"), "name": "VM-01", "state": 2, "clustered": True}
    return VmSummary(**given | {"host": host, "uptime_s": uptime_s} | values)


def estate(held: VmSummary, now: VmSummary) -> Estate:
    dead = Seen(host="host01", at=NOON, failure="it is off", answered_at=NOON - timedelta(minutes=2), held=(held,))
    return Estate(hosts=(dead, Seen(host="host02", at=NOON, vms=(now,))))


def test_what_a_silent_host_held_and_another_has_started_anew() -> None:
    (found,) = found_all = find_failovers(estate(summary("host01", DAY), summary("host02", 40)), NOON)
    assert (found.was_on, found.vm.host) == ("host01", "host02")
    (line,) = render_failovers(found_all, NOON)
    assert "".join(map(str, line)) == (
        "host01 gives no answer, the last one was 2 min ago; its cluster has started anew VM-01 on host02; "
        "no move of Ferry's"
    )
    assert "".join(map(str, render_failover(found, NOON))) == (
        "started anew by its cluster 40 s ago, no move of Ferry's: host01 held it, 2 min ago, and is silent"
    )


@pytest.mark.parametrize(
    ("held", "now"),
    [
        (summary("host01", DAY), summary("host02", DAY + 120)),  # moved before its host went silent
        (summary("host01", DAY, clustered=False), summary("host02", 40)),
        (summary("host01", 0), summary("host02", 40)),
        (summary("host01", DAY), summary("host02", 0, state=VmState.OFF)),
    ],
)
def test_what_is_no_failover_or_not_known_to_be_one(held: VmSummary, now: VmSummary) -> None:
    assert find_failovers(estate(held, now), NOON) == ()


def test_many_are_counted() -> None:
    (one,) = find_failovers(estate(summary("host01", DAY), summary("host02", 40)), NOON)
    (line,) = render_failovers([one] * 11, NOON)
    assert "and 3 more" in line[0]
