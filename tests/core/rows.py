"""Operations in every state, as their rows tell them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.approval import Count
from bot.core.lifecycle import State
from bot.core.names import UserId
from bot.core.operation import Operation, Outcome, Place
from bot.core.plan import Plan
from bot.core.planner import Limits, plan_live, plan_shared_nothing, plan_storage
from tests.core.moves import make_host, make_local_vm, make_vm

ALICE, BOB = UserId("U0ALICE000"), UserId("U0BOB00000")
ASKED = datetime(2026, 11, 23, 14, 25, tzinfo=UTC)
CONFIRMED = datetime(2026, 11, 23, 14, 31, tzinfo=UTC)
STARTED = CONFIRMED + timedelta(seconds=2)
LIMITS = Limits(link_gbit_s={"host01": 10, "host02": 10})


def live_plan(**vm: Any) -> Plan:
    values = {"uptime_s": 41 * 86400, "checkpoints": 1} | vm
    return plan_live("migrate VM-01 to host02", make_vm(**values), make_host("host01"), make_host("host02"), LIMITS)


def shared_nothing_plan() -> Plan:
    vm = make_local_vm(uptime_s=7200)
    command = "migrate VM-01 to host02 with storage at D:\\VMs"
    return plan_shared_nothing(command, vm, make_host("host01"), make_host("host02"), LIMITS, "D:\\VMs")


def storage_plan() -> Plan:
    vm = make_local_vm(uptime_s=7200)
    return plan_storage(
        "move storage VM-01 to \\\\server01\\vmstore", vm, make_host("host01"), LIMITS, "\\\\server01\\vmstore"
    )


def make_operation(state: State, plan: Plan | None = None, **changes: Any) -> Operation:
    """A row whose people and times fit its state."""
    values: dict[str, Any] = {
        "id": "m-12",
        "plan": plan or live_plan(),
        "state": state,
        "place": Place(team="T0LAB00000", channel="C0OPS00000"),
        "version": 3,
        "requested_by": ALICE,
        "requested_at": ASKED,
        "expires_at": ASKED + timedelta(minutes=10),
    }
    if state not in (State.PROPOSED, State.DECLINED, State.EXPIRED):
        values |= {"confirmed_by": BOB, "confirmed_at": CONFIRMED}
    if state is State.AWAITING_APPROVAL:
        values |= {"counts": (Count(name="critical", needed=2, by=(BOB,)),)}
    if state is State.SCHEDULED:
        values |= {"begins_at": ASKED.replace(hour=22, minute=0)}
    if state in (State.RUNNING, State.VERIFYING, State.SUCCEEDED, State.FAILED, State.NEEDS_ATTENTION, State.CLOSED):
        values |= {"started_at": STARTED}
    if state in (State.SUCCEEDED, State.FAILED, State.NEEDS_ATTENTION, State.CLOSED):
        values |= {"ended_at": STARTED + timedelta(seconds=11)}
    if state is State.SUCCEEDED:
        values |= {"outcome": Outcome(summary="running on host02, gone from host01")}
    if state is State.FAILED:
        values |= {
            "outcome": Outcome(
                summary="VM-01 is still running on host01",
                words="Virtual machine migration operation failed. (0x80041014)",
                cause="host02 does not accept migrations from host01",
                remedy="run `Enable-VMMigration` on host02",
            )
        }
    if state is State.NEEDS_ATTENTION:
        values |= {"outcome": Outcome(summary="host01 gave no answer; host02 does not show VM-01")}
    if state is State.CLOSED:
        seen = "host01 gave no answer; host02 does not show VM-01"
        outcome = Outcome(summary="closed because VM-01 was moved by hand", cause=seen)
        values |= {"cancelled_by": BOB, "outcome": outcome}
    return Operation(**values | changes)
