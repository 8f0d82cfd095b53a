"""What a cluster ties together or keeps apart, and what a placement of an evacuation makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bot.core.affinity import AffinityRule, RuleType
from bot.core.estate import Census, Cluster, ClusterGroup, ClusterNode, NodeState, Role, Vm
from bot.core.evacuation import EvacuationPlan
from bot.core.evacuation.homecoming import Away, plan_return
from bot.core.evacuation.offered import render_preview
from bot.core.evacuation.planning import Wish, plan_evacuation
from bot.core.evacuation.timing import Known
from bot.core.roster import Roster
from bot.core.ties import Tie, by_vm, ties_of
from tests.asking import text_of
from tests.core.moves import GB
from tests.core.test_evacuation import RULES, by_hand, census, stays, vm, where

WEB = "the affinity rule web of HVC1"


def cluster(*rules: AffinityRule, **changes: Any) -> Cluster:
    groups = (
        ClusterGroup(name="A", owner="HOST01", apart=("dc", "alone")),
        ClusterGroup(name="B", owner="HOST02", apart=("dc",)),
        ClusterGroup(name="C", owner="HOST02"),
    )
    return Cluster(**{"name": "HVC1", "groups": groups, "rules": rules} | changes)


def rule(kind: int, *groups: str, **changes: Any) -> AffinityRule:
    return AffinityRule(name="web", type=kind, groups=groups or ("A", "C", "Volume1"), **changes)


@pytest.mark.parametrize(
    ("kind", "changes", "flags"),
    [
        (RuleType.DIFFERENT_NODE, {}, {"apart": True, "hard": True}),
        (RuleType.DIFFERENT_NODE, {"soft": True}, {"apart": True}),
        (RuleType.DIFFERENT_FAULT_DOMAIN, {}, {"apart": True, "hard": True, "domains": True}),
        (RuleType.SAME_NODE, {}, {"apart": False}),
        (RuleType.SAME_FAULT_DOMAIN, {}, {"apart": False, "domains": True}),
    ],
)
def test_a_rule_is_a_tie_of_the_roles_that_the_cluster_has(
    kind: RuleType, changes: dict[str, Any], flags: dict[str, bool]
) -> None:
    *_, tie = ties_of(cluster(rule(kind, **changes)))
    assert tie == Tie(WEB, frozenset({"A", "C"}), **flags)


@pytest.mark.parametrize(
    "one",
    [rule(4, enabled=False), rule(9), rule(4, "A"), rule(4, "A", "Z")],
    ids=["off", "unknown", "one", "a stranger"],
)
def test_what_ties_nobody_is_none(one: AffinityRule) -> None:
    assert [tie.what for tie in ties_of(cluster(one))] == ["the anti-affinity class dc of HVC1"]


@pytest.mark.parametrize("enforced", [True, False])
def test_a_class_is_as_hard_as_the_cluster_says(enforced: bool) -> None:
    (tie,) = ties_of(cluster(enforces_apart=enforced, rules=None))
    assert (tie.members, tie.apart, tie.hard) == (frozenset({"A", "B"}), True, enforced)


def test_members_become_vms_where_these_are_known() -> None:
    ties = (Tie("x", frozenset({"A", "B", "C"}), apart=True), Tie("y", frozenset({"B", "C"}), apart=False))
    assert by_vm(ties, {"A": "1", "B": "2"}) == (Tie("x", frozenset({"1", "2"}), apart=True),)


# In an evacuation


def tie(*vms: Vm, apart: bool = False, hard: bool = False, domains: bool = False) -> Tie:
    return Tie(WEB, frozenset(one.id for one in vms), apart=apart, hard=hard, domains=domains)


def evacuate(ties: Sequence[Tie], *censuses: Census, **wish: Any) -> EvacuationPlan:
    values = {"command": "evacuate host01", "hosts": ("host01",)} | wish
    return plan_evacuation(Wish(**values), censuses, RULES, by_hand, Known(ties=tuple(ties)))


def notes(plan: EvacuationPlan) -> list[str]:
    return [note for note in plan.notes if note.startswith(WEB)]


ONE, TWO, THREE = vm(1), vm(2), vm(3)
SMALL = {"memory_free_bytes": 12 * GB}  # room for one VM of 8 GB beside the reserve


def test_what_is_kept_apart_goes_to_different_hosts() -> None:
    for hard in (True, False):
        plan = evacuate(
            [tie(ONE, TWO, apart=True, hard=hard)], census("host01", ONE, TWO), census("host02"), census("host03")
        )
        assert set(where(plan).values()) == {"host02", "host03"}
        assert notes(plan) == []


def test_a_hard_tie_leaves_a_vm_behind_with_its_reason_and_a_wish_does_not() -> None:
    there = (census("host01", ONE), census("host02", TWO))
    hard = evacuate([tie(ONE, TWO, apart=True, hard=True)], *there)
    assert stays(hard) == {"VM-01": f"a VM of {WEB} is on host02"}
    soft = evacuate([tie(ONE, TWO, apart=True)], *there)
    assert where(soft) == {"VM-01": "host02"}
    assert notes(soft) == [f"{WEB} cannot be kept: VM-01 and VM-02 on host02"]


def test_what_belongs_together_goes_together() -> None:
    plan = evacuate([tie(ONE, TWO)], census("host01", ONE, TWO, THREE), census("host02"), census("host03"))
    assert where(plan)["VM-01"] == where(plan)["VM-02"]
    assert len(where(plan)) == 3
    assert notes(plan) == []


def test_it_goes_to_where_its_others_live() -> None:
    for host in ("host02", "host03"):
        others = {other: census(other, *([TWO] if other == host else [])) for other in ("host02", "host03")}
        assert where(evacuate([tie(ONE, TWO)], census("host01", ONE), *others.values())) == {"VM-01": host}


def test_nobody_stays_behind_for_being_together() -> None:
    plan = evacuate([tie(ONE, TWO)], census("host01", ONE, TWO), census("host02", **SMALL), census("host03", **SMALL))
    assert set(where(plan).values()) == {"host02", "host03"}
    (note,) = notes(plan)
    assert note.startswith(f"{WEB} is not kept: VM-01 on host0")


def test_a_wish_that_contradicts_a_hard_tie_gives_way() -> None:
    ties = [
        tie(ONE, TWO),
        Tie("the anti-affinity class dc of HVC1", frozenset({ONE.id, TWO.id}), apart=True, hard=True),
    ]
    plan = evacuate(ties, census("host01", ONE, TWO), census("host02"), census("host03"))
    assert set(where(plan).values()) == {"host02", "host03"}


@pytest.mark.parametrize("apart", [True, False])
def test_fault_domains_are_not_judged(apart: bool) -> None:
    full = census("host03", TWO, memory_free_bytes=4 * GB)
    ties = [tie(ONE, TWO, apart=apart, hard=apart, domains=True)]
    plan = evacuate(ties, census("host01", ONE), census("host02"), full)
    assert where(plan) == {"VM-01": "host02"}
    assert notes(plan) == [f"{WEB} speaks of fault domains, which Ferry does not read"]


def test_what_belongs_together_with_a_vm_that_no_host_shows_is_said() -> None:
    plan = evacuate([tie(ONE, TWO)], census("host01", ONE), census("host02"))
    assert notes(plan) == [f"{WEB} is not kept: VM-01 on host02 and others elsewhere"]


def test_a_plan_judges_ties_once_all_have_moved_not_move_by_move() -> None:
    roles = [Role(group=ClusterGroup(name=one.name, owner="HOST01"), vm=one.id) for one in (ONE, TWO)]
    rules = (AffinityRule(name="web", type=RuleType.SAME_NODE, groups=(ONE.name, TWO.name)),)
    nodes = tuple(ClusterNode(name=name, state=NodeState.UP) for name in ("HOST01", "HOST02"))
    groups = tuple(role.group for role in roles)
    roster = Roster(cluster=Cluster(name="HVC1", nodes=nodes, groups=groups, rules=rules), roles=tuple(roles))
    vms = [one.model_copy(update={"clustered": True}) for one in (ONE, TWO)]
    here, there = census("host01", *vms, cluster="HVC1"), census("host02", cluster="HVC1")
    wish = Wish(command="evacuate host01", hosts=("host01",))
    rosters = {"host01": roster, "host02": roster}
    plan = plan_evacuation(wish, [here, there], RULES, by_hand, Known(ties=roster.ties()), rosters)
    assert where(plan) == {"VM-01": "host02", "VM-02": "host02"}
    assert notes(plan) == []
    assert "affinity" not in text_of(render_preview(plan))


def test_a_tie_of_vms_that_do_not_move_says_nothing() -> None:
    plan = evacuate([tie(TWO, THREE, apart=True)], census("host01", ONE), census("host02", TWO, THREE))
    assert (where(plan), notes(plan)) == ({"VM-01": "host02"}, [])


# In a return


def bring_home(ties: Sequence[Tie], *censuses: Census) -> EvacuationPlan:
    away = {one.id: Away(one.id, one.name, "host01", "host02") for one in (ONE, TWO)}
    return plan_return("return host01", ("host01",), away, censuses, RULES, Known(ties=tuple(ties)))


def test_what_is_kept_apart_strictly_does_not_come_home_to_one_host() -> None:
    here = [one.model_copy(update={"host": "host02"}) for one in (ONE, TWO)]
    there = (census("host01"), census("host02", *here))
    strict = bring_home([tie(ONE, TWO, apart=True, hard=True)], *there)
    assert len(where(strict)) == 1
    assert list(stays(strict).values()) == [f"a VM of {WEB} is on host01"]
    wished = bring_home([tie(ONE, TWO, apart=True)], *there)
    assert set(where(wished)) == {"VM-01", "VM-02"}
    assert notes(wished) == [f"{WEB} cannot be kept: VM-01 and VM-02 on host01"]


def test_nobody_comes_home_to_a_host_where_somebody_lives_from_whom_he_is_kept_apart() -> None:
    here = [one.model_copy(update={"host": "host02"}) for one in (ONE, TWO)]
    plan = bring_home([tie(ONE, THREE, apart=True, hard=True)], census("host01", THREE), census("host02", *here))
    assert where(plan) == {"VM-02": "host01"}
    assert stays(plan) == {"VM-01": f"a VM of {WEB} is on host01"}
