"""What counts as a change of what was approved, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core import preflight
from bot.core.estate import Status, VmState
from bot.core.plan import Estimate, Plan
from tests.core.moves import GB, RESERVE, SHARE, Given, disk


def make_plan(given: Given) -> Plan:
    move, *_ = given.read()
    return Plan(
        command="migrate VM-01 to host02",
        action="vm.migrate",
        move=move,
        findings=given.check(),
        estimate=Estimate(seconds=1, basis=""),
    )


def test_nothing_has_changed_when_only_time_has_passed() -> None:
    given = Given()
    _, vm, source, destination = given.read()
    grown = vm.disks[0].model_copy(update={"file_bytes": 43 * GB})
    later = vm.model_copy(update={"uptime_s": 9999, "disks": (grown,), "memory_bytes": 9 * GB})
    busier = destination.model_copy(update={"memory_free_bytes": 12 * GB, "live_active": 2})

    assert preflight.changes(make_plan(given), later, source, busier, RESERVE) == ()


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "state": ({"state": VmState.OFF}, {}, ["VM-01 is off now, not running"]),
    "name": ({"name": "VM-01-old"}, {}, ["VM-01 is called VM-01-old now"]),
    "another disk": (
        {"disks": (disk(rf"{SHARE}\new.vhdx"),)},
        {},
        [rf"VM-01 no longer has {SHARE}\VM-01\VM-01.vhdx", rf"VM-01 has {SHARE}\new.vhdx now"],
    ),
    "a parent under the same disk": (
        {"disks": (disk(rf"{SHARE}\VM-01\VM-01.vhdx", parent=rf"{SHARE}\base.vhdx"),)},
        {},
        [rf"{SHARE}\VM-01\VM-01.vhdx of VM-01 is not the same kind of disk as before"],
    ),
    "configuration": (
        {"path": rf"{SHARE}\elsewhere"},
        {},
        [rf"the configuration of VM-01 is in {SHARE}\elsewhere now, not in {SHARE}\VM-01"],
    ),
    "memory that no longer fits": (
        {"memory_bytes": 51 * GB},
        {},
        ["52 of 128 GB free on host02; VM-01 takes 51 GB (needed: 51 GB for VM-01, and 2.0 GB in reserve)"],
    ),
    "room taken by others": (
        {},
        {"memory_free_bytes": 9 * GB},
        ["9.0 of 128 GB free on host02; VM-01 takes 8.0 GB (needed: 8.0 GB for VM-01, and 2.0 GB in reserve)"],
    ),
    "backup began": (
        {"status": (Status.IN_SERVICE, Status.BACKING_UP)},
        {},
        ["VM-01 is being backed up now (needed: nothing else under way on it)"],
    ),
    "another machine behind the name": (
        {},
        {"fqdn": "host02.fabrikam.com"},
        ["host02 calls itself host02.fabrikam.com now, not host02.contoso.com"],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_matters_is_told_in_a_sentence(name: str) -> None:
    vm_changes, host_changes, expected = CHANGES[name]
    given = Given()
    _, vm, source, destination = given.read()
    now = vm.model_copy(update=vm_changes), source, destination.model_copy(update=host_changes)

    assert list(preflight.changes(make_plan(given), *now, RESERVE)) == expected


def test_a_vm_that_is_gone_is_told_first() -> None:
    given = Given()
    _, _, source, destination = given.read()

    assert preflight.changes(make_plan(given), None, source, destination, RESERVE) == ("VM-01 is no longer on host01",)


def test_what_already_stood_in_the_way_when_it_was_approved_is_no_change() -> None:
    given = Given(vm={"clustered": True})
    _, vm, source, destination = given.read()

    assert preflight.changes(make_plan(given), vm, source, destination, RESERVE) == ()
