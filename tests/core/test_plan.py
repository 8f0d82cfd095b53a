"""A plan's digest names everything that the person who confirms it saw."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from bot.core.estate import VmState
from bot.core.names import VmId
from bot.core.plan import Estimate, Move, MoveKind, Plan
from tests.core.plans import BLOCKING, DISK, FINE, MOVE, PLAN, WARNING


def with_move(**changes: Any) -> Plan:
    return PLAN.model_copy(update={"move": MOVE.model_copy(update=changes)})


CHANGES = {
    "command": PLAN.model_copy(update={"command": "migrate VM-01 to host02"}),
    "action": PLAN.model_copy(update={"action": "vm.move_storage"}),
    "begins_at": PLAN.model_copy(update={"begins_at": datetime(2026, 12, 1, 22, tzinfo=UTC)}),
    "findings": PLAN.model_copy(update={"findings": (FINE,)}),
    "their order": PLAN.model_copy(update={"findings": (WARNING, FINE)}),
    "a finding's text": PLAN.model_copy(update={"findings": (FINE, WARNING.model_copy(update={"text": "2"}))}),
    "estimate": PLAN.model_copy(update={"estimate": Estimate(seconds=401, basis="48 GB at 0.1 GB/s")}),
    "facts": PLAN.model_copy(update={"facts": ()}),
    "kind": with_move(kind=MoveKind.LIVE),
    "vm": with_move(vm=VmId("2b4e28ba-2fa1-41d2-883f-0016d3cca427")),
    "vm_name": with_move(vm_name="VM-02"),
    "source": with_move(source="host03"),
    "destination": with_move(destination="host03"),
    "destination_fqdn": with_move(destination_fqdn="host02.example.com"),
    "storage_path": with_move(storage_path=None),
    "state": with_move(state=VmState.OFF),
    "memory_bytes": with_move(memory_bytes=4 << 30),
    "disks": with_move(disks=(DISK, DISK)),
    "a disk's path": with_move(disks=(DISK.model_copy(update={"path": "E:\\VMs\\VM-01.vhdx"}),)),
    "a disk's size": with_move(disks=(DISK.model_copy(update={"file_bytes": 41 << 30}),)),
    "quick": with_move(quick=True),
    "uptime_s": with_move(uptime_s=7),
    "configuration_path": with_move(configuration_path="E:\\VMs"),
}


def test_the_changes_below_cover_every_field() -> None:
    assert set(Plan.model_fields) - {"move"} <= CHANGES.keys()
    assert set(Move.model_fields) <= CHANGES.keys()


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_changes_changes_the_digest(what: str) -> None:
    assert CHANGES[what].digest != PLAN.digest


def test_no_two_different_plans_share_a_digest() -> None:
    digests = {PLAN.digest, *(plan.digest for plan in CHANGES.values())}
    assert len(digests) == len(CHANGES) + 1
    assert all(len(digest) == 64 for digest in digests)


def test_a_plan_comes_back_from_a_row_with_the_same_digest() -> None:
    again = Plan.model_validate_json(PLAN.model_dump_json())
    assert again == PLAN
    assert again.digest == PLAN.digest


def test_a_plan_cannot_be_changed_or_added_to() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        PLAN.command = "migrate VM-02 to host02"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="extra"):
        Plan.model_validate({**PLAN.model_dump(), "approved": True})


def test_only_blocking_findings_block() -> None:
    assert PLAN.blocked == ()
    assert PLAN.model_copy(update={"findings": (FINE, BLOCKING, WARNING)}).blocked == (BLOCKING,)


def test_every_kind_of_move_has_a_title() -> None:
    assert len({kind.words for kind in MoveKind}) == len(MoveKind)
