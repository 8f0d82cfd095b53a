"""Freezes and locks: what they concern, what people mean, how they are said, and who may make them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.core.estate import Disk, DrainStatus, Estate, NodeState, Seen
from bot.core.evacuation.homecoming import Away, plan_return
from bot.core.holds.model import EVERYTHING, Held, Hold, Kind
from bot.core.holds.naming import find_held, pick_lock, require_held
from bot.core.holds.touching import find_holds, locked_hosts
from bot.core.holds.wording import refuse_locked, render_holds
from bot.core.lifecycle import ENDED, State
from bot.core.maintenance import How, MaintenancePlan, Passenger, Task
from bot.core.names import VmId
from bot.core.plan import MoveKind
from bot.core.policy import (
    HOLD_FREEZE,
    HOLD_LOCK,
    AnyPlan,
    Approval,
    Facts,
    Groups,
    Known,
    Level,
    Policy,
    Rule,
    Scope,
    Where,
    decide,
    lint,
    simple,
    target_of_hold,
)
from bot.core.preparation import Name, PreparationPlan, Setting
from bot.core.refusal import render_refused
from bot.core.shown import render_card
from bot.core.until import check_until, resolve_until
from bot.errors import Misnamed, Refused
from tests.asking import text_of
from tests.core.rows import ALICE, ASKED, BOB, make_operation
from tests.core.test_evacuation import RULES, census, evacuate, stays, vm, where
from tests.core.test_lookup import NOW, ONE, TWO, answered, silent
from tests.core.test_lookup import vm as summary
from tests.operations.offers import make_plan, vm_id

UNTIL = ASKED + timedelta(hours=3)


def hold(kind: Kind = Kind.FREEZE, target: str = "", name: str = "", **changes: Any) -> Hold:
    values: dict[str, Any] = {"number": 1, "by": ALICE, "reason": "month-end closing runs", "at": ASKED}
    return Hold.model_validate(values | {"kind": kind, "target": target, "name": name or target} | changes)


VM_01 = hold(Kind.VM, vm_id(1), "VM-01")
HOST_02 = hold(Kind.HOST, "host02")
CLUSTER = hold(Kind.CLUSTER, "HVC1", host="host02,host04", hosts=frozenset({"host02", "host04"}))
STORAGE = hold(Kind.STORAGE, "D:\\VMs")
FREEZE = hold()

PREPARATION = PreparationPlan(
    command="prepare host02", host="host02", settings=(Setting(name=Name.MIGRATION, before=0, after=1),)
)


def maintenance(task: Task) -> MaintenancePlan:
    return MaintenancePlan(
        command=f"{task} host02",
        host="host02",
        task=task,
        cluster="HVC1",
        node="HOST02",
        witnesses=("host02",),
        state=NodeState.UP,
        drain=DrainStatus.NOT_INITIATED,
        roles=(Passenger(group="VM-01", name="VM-01", vm=VmId(vm_id(1)), how=How.LIVE, priority=1, at="HOST02"),),
    )


# What they concern


@pytest.mark.parametrize(
    ("plan", "concerned"),
    [
        (make_plan(1), {"freeze", "VM-01", "host02", "D:\\VMs"}),
        (make_plan(2), {"freeze", "host02", "D:\\VMs"}),
        (make_plan(2, source="host02", destination="host03"), {"freeze", "host02", "D:\\VMs"}),
        (make_plan(2, destination="host03"), {"freeze", "D:\\VMs"}),
        (make_plan(2, destination="host03", disks=(), configuration_path=""), {"freeze"}),
        (make_plan(2, destination="host03", disks=(Disk(path="d:\\vms\\a.vhdx"),)), {"freeze", "D:\\VMs"}),
        (make_plan(2, destination="host03", disks=(Disk(path="D:\\VMs2\\a.vhdx"),), configuration_path=""), {"freeze"}),
        (make_plan(2, MoveKind.STORAGE, storage_path="D:\\VMs\\New", disks=(), configuration_path="E:\\"),
         {"freeze", "D:\\VMs"}),
        (PREPARATION, {"freeze", "host02"}),
        (maintenance(Task.DRAIN), {"freeze", "VM-01", "host02"}),
        (maintenance(Task.PAUSE), {"freeze", "host02"}),
        (maintenance(Task.RESUME), {"freeze", "host02"}),
    ],
)  # fmt: skip
def test_a_hold_concerns_what_a_plan_touches(plan: AnyPlan, concerned: set[str]) -> None:
    found = find_holds((VM_01, HOST_02, STORAGE, FREEZE), plan)
    assert {one.name or "freeze" for one in found} == concerned
    assert found[0] == FREEZE


@pytest.mark.parametrize(
    ("plan", "concerned"),
    [
        (make_plan(1), True),  # to host02
        (make_plan(1, source="host04", destination="host05"), True),
        (make_plan(1, source="host01", destination="host03"), False),
        (PREPARATION, True),
        (maintenance(Task.DRAIN), True),
    ],
)
def test_a_locked_cluster_is_all_its_nodes(plan: AnyPlan, concerned: bool) -> None:
    assert bool(find_holds((CLUSTER,), plan)) == concerned
    assert locked_hosts((CLUSTER, HOST_02, FREEZE)) == {"host02": HOST_02, "host04": CLUSTER}


def test_an_evacuation_leaves_locked_vms_and_says_why() -> None:
    rules = RULES.__class__(limits=RULES.limits, locks=(VM_01, hold(Kind.STORAGE, "E:\\", "E:\\"), FREEZE))
    there = (vm(1), vm(2), vm(3, path="E:\\Three"))
    plan = evacuate(census("host01", *there), census("host02"), rules=rules)
    assert set(where(plan)) == {"VM-02"}
    assert stays(plan) == {
        "VM-01": "VM-01 is locked: month-end closing runs",
        "VM-03": "E:\\ is locked: month-end closing runs",
    }
    assert plan.staying[0].remedy == "`locks` shows who holds it, `unlock VM-01` frees it"


def test_a_return_leaves_what_is_locked_and_moves_nothing_by_way_of_a_locked_host() -> None:
    rules = RULES.__class__(limits=RULES.limits, locks=(VM_01, hold(Kind.HOST, "host03")))
    away = {one: Away(VmId(vm_id(one)), f"VM-0{one}", "host01", at) for one, at in ((1, "host02"), (2, "host03"))}
    censuses = (census("host01"), census("host02", vm(1, "host02")), census("host03", vm(2, "host03")))
    plan = plan_return("return host01", ("host01",), {one.vm: one for one in away.values()}, censuses, rules)
    assert where(plan) == {}
    assert stays(plan)["VM-02"] == "host03 is locked: month-end closing runs"
    assert set(stays(plan)) == {"VM-01", "VM-02"}


# What people mean

ESTATE = Estate(
    hosts=(
        answered("host01", summary("VM-01", "host01"), summary("host02", "host01", TWO)),
        silent("host03", summary("VM-09", "host03", VmId("99999999-9999-4999-8999-999999999999"))),
        answered("host04"),
    )
)


@pytest.mark.parametrize(
    ("said", "kind", "target", "name"),
    [
        ("vm-01", Kind.VM, ONE, "VM-01"),
        (ONE, Kind.VM, ONE, "VM-01"),
        ("HOST04", Kind.HOST, "host04", "host04"),
        ("host04.contoso.com", Kind.HOST, "host04", "host04"),
        ("host02", Kind.VM, TWO, "host02"),
        ("VM-09", Kind.VM, "99999999-9999-4999-8999-999999999999", "VM-09"),
        ("D:\\VMs", Kind.STORAGE, "D:\\VMs", "D:\\VMs"),
        ("\\\\nas\\vms", Kind.STORAGE, "\\\\nas\\vms", "\\\\nas\\vms"),
    ],
)
def test_a_name_is_a_vms_a_hosts_or_a_folder(said: str, kind: Kind, target: str, name: str) -> None:
    found = require_held(said, ESTATE, NOW)
    assert (found.kind, found.target, found.name) == (kind, target, name)
    assert bool(found.host) is (kind is Kind.VM)


def test_what_nothing_or_several_things_are_called_is_asked_back() -> None:
    assert find_held("VM-07", ESTATE) is None
    with pytest.raises(Misnamed, match="no host that answers has a virtual machine called VM-07"):
        require_held("VM-07", ESTATE, NOW)
    both = Estate(hosts=(answered("host01", summary("host01", "host01")),))
    with pytest.raises(Refused, match="host01 is a host, and a virtual machine is called so, too"):
        find_held("host01", both)
    twins = Estate(hosts=(answered("host01", summary("web", "host01"), summary("web", "host01", TWO)),))
    with pytest.raises(Misnamed, match="2 virtual machines are called web"):
        require_held("web", twins, NOW)


@pytest.mark.parametrize("said", ["VM-01", "vm-01", vm_id(1)])
def test_a_lock_is_found_by_what_it_is_on(said: str) -> None:
    assert pick_lock((FREEZE, HOST_02, VM_01), said) == VM_01


def test_a_folder_is_found_in_any_letters_and_what_is_not_locked_is_refused() -> None:
    assert pick_lock((STORAGE,), "d:\\vms") == STORAGE
    assert pick_lock((VM_01, HOST_02), "HOST02.contoso.com") == HOST_02
    with pytest.raises(Refused, match="VM-02 is not locked"):
        pick_lock((FREEZE, VM_01), "VM-02")
    with pytest.raises(Refused, match="2 things called VM-01 are locked"):
        pick_lock((VM_01, hold(Kind.VM, vm_id(2), "VM-01")), "VM-01")


# Until when

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("said", "now", "moment"),
    [
        ("18:00", "2026-11-20T12:00+01:00", "2026-11-20T18:00+01:00"),
        ("18:00", "2026-11-20T18:00+01:00", "2026-11-21T18:00+01:00"),
        ("7:30", "2026-11-20T12:00+01:00", "2026-11-21T07:30+01:00"),
        ("00:15", "2026-11-20T23:30+00:00", "2026-11-21T23:15+00:00"),  # half past midnight in Berlin
        ("12:00", "2026-10-24T20:00+02:00", "2026-10-25T12:00+01:00"),  # the clocks go back in between
        ("02:30", "2026-03-28T12:00+01:00", "2026-03-29T01:30+00:00"),  # a time that this day does not have
        ("2h", "2026-11-20T12:00+01:00", "2026-11-20T14:00+01:00"),
        ("90min", "2026-11-20T12:00+01:00", "2026-11-20T13:30+01:00"),
    ],
)
def test_a_time_is_the_next_of_the_day_or_so_long_from_now(said: str, now: str, moment: str) -> None:
    found = resolve_until(check_until(said), datetime.fromisoformat(now), BERLIN)
    assert found == datetime.fromisoformat(moment)


@pytest.mark.parametrize("said", ["24:00", "18", "18:60", "tomorrow", "2", "-2h", "18:00:00"])
def test_what_is_no_time_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="a time is one of the day, like 18:00, or how long from now"):
        check_until(said)


# How they are said


@pytest.mark.parametrize("state", [state for state in State if state not in ENDED | {State.UNDER_WAY}])
def test_every_open_card_says_who_froze_ferry_and_how_it_ends(state: State) -> None:
    shown = text_of(render_card(make_operation(state, holds=(hold(until=UNTIL),)), ASKED))
    assert f"Ferry is frozen by id='{ALICE}' since" not in shown.split("\n")[0]
    assert "Ferry is frozen by " in shown
    assert ": month-end closing runs" in shown
    assert "While it lasts, nothing new starts; what runs goes on to its end. `unfreeze` ends it." in shown


def test_a_refusal_says_who_holds_it_since_when_and_how_to_free_it() -> None:
    shown = text_of(render_refused(refuse_locked(hold(Kind.VM, vm_id(1), "Web Shop", until=UNTIL))))
    assert "Web Shop is locked by " in shown
    assert str(ALICE) in shown
    assert ": month-end closing runs" in shown
    assert '`unlock "Web Shop"` ends the lock, said by whoever holds it, or by an operator' in shown


def test_the_list_names_all_of_them() -> None:
    assert text_of(render_holds(())) == "Nothing is frozen or locked"
    shown = text_of(render_holds((FREEZE, VM_01)))
    assert "`unfreeze` ends it" in shown
    assert "`unlock VM-01` ends it" in shown


# Who may

FACTS = Facts(tags_of=lambda name: frozenset({"web"} if name == "VM-01" else ()), cluster_of=lambda _: "HVC1")
VM = Held(kind=Kind.VM, target=vm_id(1), name="VM-01", host="host01")
HOST, FOLDER = (Held(kind=one.kind, target=one.target, name=one.name) for one in (HOST_02, STORAGE))


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        (Scope(), {"freeze", "VM-01", "host02", "D:\\VMs", "HVC1"}),
        (Scope(tags=frozenset({"web"})), {"VM-01"}),
        (Scope(vms=("VM-*",)), {"VM-01"}),
        (Scope(hosts=("host02",)), {"host02"}),
        (Scope(hosts=("host01",)), {"VM-01"}),
        (Scope(hosts=("*",)), {"freeze", "VM-01", "host02", "D:\\VMs", "HVC1"}),
        (Scope(clusters=frozenset({"HVC1"})), {"VM-01", "host02", "HVC1"}),
        (Scope(storage=("D:\\",)), {"VM-01", "host02", "D:\\VMs", "HVC1"}),
        (Scope(actions=frozenset({"vm.migrate"})), set()),
        (Scope(actions=frozenset({"vm.migrate", "hold.lock"})), {"VM-01", "host02", "D:\\VMs", "HVC1"}),
    ],
)
def test_a_rule_lets_people_hold_what_it_covers(scope: Scope, allowed: set[str]) -> None:
    policy = Policy(rules=(Rule(name="ops", who=frozenset({ALICE}), may=frozenset({Level.OPERATE}), on=scope),))
    place = Where(actor=ALICE, channel="C1", local=ASKED)
    found = set()
    for held in (EVERYTHING, VM, HOST, FOLDER, CLUSTER):
        action = HOLD_FREEZE if held == EVERYTHING else HOLD_LOCK
        verdict = decide(policy, Groups(), place, action, (target_of_hold(held, FACTS),))
        found |= {held.name or "freeze"} if verdict.allowed else set()
    assert found == allowed


def node(host: str, cluster: str = "HVC1") -> Seen:
    seen = answered(host)
    assert seen.info is not None
    return seen.model_copy(update={"info": seen.info.model_copy(update={"cluster": cluster})})


def test_a_cluster_is_named_as_its_nodes_call_it() -> None:
    estate = Estate(hosts=(node("host01"), node("host02"), node("host03", ""), node("host04", "HVC2")))
    held = find_held("hvc1", estate)
    assert held == Held(kind=Kind.CLUSTER, target="HVC1", name="HVC1", host="host01,host02")
    lock = hold(Kind.CLUSTER, "HVC1", host="host01")
    assert pick_lock((lock,), "hvc1") == lock
    with pytest.raises(Refused, match="is a cluster, and a host or a virtual machine is called so"):
        find_held("host02", Estate(hosts=(node("host01", "host02"), node("host02"))))


def test_who_may_run_may_lock_and_only_operators_freeze() -> None:
    policy, place = Policy(rules=simple([BOB], [ALICE])), Where(actor=BOB, channel="C1", local=ASKED)
    assert decide(policy, Groups(), place, HOLD_LOCK, (target_of_hold(VM, FACTS),)).allowed
    refused = decide(policy, Groups(), place, HOLD_FREEZE)
    assert "no rule lets you freeze Ferry" in refused.reason
    assert decide(policy, Groups(), Where(actor=ALICE, channel="C1", local=ASKED), HOLD_FREEZE).allowed


def test_rules_may_name_the_actions_and_nobody_approves_a_freeze() -> None:
    scope = Scope(actions=frozenset({"hold.freeze"}))
    rules = (Rule(name="ops", who=frozenset({ALICE}), may=frozenset({Level.OPERATE}), on=scope),)
    known = Known(hosts=("host01",), tags={})
    assert not [one for one in lint(Policy(rules=rules), known) if "action" in one.saw]
    approval = Approval(name="all", on=scope)
    (problem,) = [one for one in lint(Policy(rules=rules, approvals=(approval,)), known) if "action" in one.saw]
    assert problem.saw == "there is no action 'hold.freeze'"


def test_times_are_aware() -> None:
    assert resolve_until("18:00", datetime(2026, 11, 20, 12, tzinfo=UTC), UTC).tzinfo is not None
