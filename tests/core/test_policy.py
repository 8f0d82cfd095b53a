"""Deny by default; rules grant, approvals ask for more, and each no says what was missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.approval import Given, is_met
from bot.core.lifecycle import State
from bot.core.maintenance import MaintenancePlan, Task
from bot.core.maintenance.plan import How, Passenger
from bot.core.names import UserId, VmId
from bot.core.policy import (
    HOLD_FREEZE,
    HOLD_LOCK,
    HOLD_UNFREEZE,
    HOLD_UNLOCK,
    PLANNED,
    Approval,
    Facts,
    Groups,
    Hours,
    Known,
    Level,
    Mark,
    Policy,
    Rule,
    Scope,
    Target,
    Verdict,
    Wanted,
    Where,
    count,
    count_vms,
    decide,
    decide_over,
    lint,
    matches,
    may_match_one,
    simple,
    targets_of,
)
from tests.core.rows import live_plan, make_operation, shared_nothing_plan, storage_plan

ALICE, BOB, CAROL, MALLORY = UserId("U0ALICE"), UserId("U0BOB"), UserId("U0CAROL"), UserId("U0MALLORY")
GINA = UserId("U0GINA")
OPS = "S0OPS"
GROUPS = Groups(members={OPS: frozenset({ALICE})})
MONDAY_NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ACTIONS = ("vm.migrate", "operation.confirm", "help", "unknown")
TARGET = Target(
    vm="WEB-01", tags=frozenset({"web"}), hosts=frozenset({"host01", "host02"}), clusters=frozenset({"HVC1"})
)


def where(actor: UserId = ALICE, channel: str = "C1", local: datetime = MONDAY_NOON) -> Where:
    return Where(actor=actor, channel=channel, local=local)


def ask(policy: Policy, actor: UserId = ALICE, action: str = "vm.migrate", *targets: Target) -> Verdict:
    return decide(policy, GROUPS, where(actor), action, targets or None)


def rule(name: str = "movers", who: str = ALICE, may: Level = Level.RUN, **more: Any) -> Rule:
    return Rule(name=name, who=frozenset({who}), may=frozenset({may}), **more)


def of(*rules: Rule, **more: Any) -> Policy:
    return Policy(rules=rules, **more)


# The simple form


@pytest.mark.parametrize("action", ACTIONS)
def test_whoever_is_on_the_list_may_do_everything(action: str) -> None:
    verdict = ask(of(*simple([ALICE])), ALICE, action)
    assert verdict.allowed
    assert action in verdict.reason


@pytest.mark.parametrize("action", ACTIONS)
def test_whoever_is_not_on_the_list_may_do_nothing_and_reads_what_to_do(action: str) -> None:
    verdict = ask(of(*simple([ALICE])), MALLORY, action)
    assert not verdict.allowed
    assert verdict.reason == "you are not on Ferry's allow list"
    assert verdict.needed == "your Slack user id, `U0MALLORY`, on that list"
    assert verdict.hint == "whoever looks after Ferry adds it to `allow` under `[slack]` in `ferry.toml`"


@pytest.mark.parametrize("actor", [ALICE, UserId(""), UserId("*")])
@pytest.mark.parametrize("action", [*ACTIONS, *sorted(PLANNED), "operation.approve", "anything.else"])
def test_no_rules_mean_nobody(actor: UserId, action: str) -> None:
    verdict = ask(Policy(), actor, action)
    assert not verdict.allowed
    assert verdict.reason == "Ferry's allow list is empty: nobody may command it"


@pytest.mark.parametrize("listed", ["u0alice", "U0ALICE ", "U0ALIC", "*", "alice"])
def test_only_the_exact_id_counts(listed: str) -> None:
    assert not ask(of(*simple([listed]))).allowed


@pytest.mark.parametrize("action", ACTIONS)
def test_an_operator_may_do_everything_that_the_allow_list_covers(action: str) -> None:
    assert ask(of(*simple([ALICE], [CAROL])), CAROL, action).allowed


# Rules


@pytest.mark.parametrize(
    ("scope", "misses"),
    [
        (Scope(vms=("WEB-*",)), ""),
        (Scope(vms=("web-0?",)), "is for VMs called web-0?, and WEB-01 is none"),
        (Scope(vms=("SQL-*", "DC-*")), "is for VMs called SQL-* and DC-*, and WEB-01 is none"),
        (Scope(tags=frozenset({"web", "test"})), ""),
        (Scope(tags=frozenset({"critical"})), "is for VMs tagged critical, and WEB-01 is none"),
        (Scope(hosts=("host0*",)), ""),
        (Scope(hosts=("HOST01", "host02")), ""),
        (Scope(hosts=("host01",)), "does not cover host02"),
        (Scope(clusters=frozenset({"hvc1"})), ""),
        (Scope(clusters=frozenset({"HVC2"})), "is for the cluster HVC2"),
        (Scope(storage=("D:\\VMs",)), ""),  # it puts no files anywhere
        (Scope(actions=frozenset({"vm.migrate", "host.evacuate"})), ""),
        (Scope(actions=frozenset({"host.evacuate"})), "is for host.evacuate"),
        (Scope(vms=("WEB-*",), hosts=("host09",)), "does not cover host01 and host02"),
    ],
)
def test_a_rule_covers_what_fits_all_that_it_names(scope: Scope, misses: str) -> None:
    verdict = ask(of(rule(on=scope)), ALICE, "vm.migrate", TARGET)
    assert verdict.allowed is not bool(misses)
    if misses:
        assert verdict.reason == f"no rule lets you migrate VMs (WEB-01): the nearest, `movers`, {misses}"
        assert ALICE in verdict.needed
        assert "policy why" in verdict.hint


def test_what_is_not_known_is_not_covered() -> None:
    unknown = TARGET.model_copy(update={"clusters": None})
    assert not ask(of(rule(on=Scope(clusters=frozenset({"HVC1"})))), ALICE, "vm.migrate", unknown).allowed


@pytest.mark.parametrize(
    ("path", "covered"),
    [("D:\\VMs", True), ("d:\\vms\\new", True), ("D:\\VMs2", False), ("E:\\VMs", False), ("\\\\server\\VMs", False)],
)
def test_storage_is_a_folder_and_what_lies_below(path: str, covered: bool) -> None:
    target = Target(vm="VM-01", paths=(path,))
    assert ask(of(rule(on=Scope(storage=("D:\\VMs",)))), ALICE, "vm.move_storage", target).allowed is covered


def test_every_target_has_to_be_covered_and_not_by_the_same_rule() -> None:
    other = Target(vm="SQL-01", hosts=frozenset({"host01"}))
    web, sql = rule("web", on=Scope(vms=("WEB-*",))), rule("sql", on=Scope(vms=("SQL-*",)))
    assert ask(of(web, sql), ALICE, "host.evacuate", TARGET, other).allowed
    verdict = ask(of(web), ALICE, "host.evacuate", TARGET, other)
    assert verdict.reason.startswith("no rule lets you evacuate hosts (SQL-01)")


@pytest.mark.parametrize(
    ("channels", "channel", "allowed"),
    [
        ((), "C1", True),
        (("C1",), "C1", True),
        (("C2",), "C1", False),
        (("C1",), "D1", False),
        (("direct",), "D1", True),
        (("direct",), "U0ALICE", True),
        (("direct",), "C1", False),
    ],
)
def test_a_rule_may_be_for_channels(channels: tuple[str, ...], channel: str, allowed: bool) -> None:
    policy = of(rule(channels=frozenset(channels)))
    assert decide(policy, GROUPS, where(channel=channel), "vm.migrate").allowed is allowed


OFFICE = Hours(days=frozenset(range(5)), begins=time(8), ends=time(18))
NIGHT = Hours(days=frozenset({4}), begins=time(22), ends=time(6))


@pytest.mark.parametrize(
    ("hours", "at", "held"),
    [
        (OFFICE, MONDAY_NOON, True),
        (OFFICE, MONDAY_NOON.replace(hour=8), True),
        (OFFICE, MONDAY_NOON.replace(hour=18), False),
        (OFFICE, MONDAY_NOON - timedelta(days=1), False),
        (NIGHT, datetime(2026, 3, 6, 23, tzinfo=UTC), True),  # a Friday
        (NIGHT, datetime(2026, 3, 7, 5, tzinfo=UTC), True),
        (NIGHT, datetime(2026, 3, 7, 23, tzinfo=UTC), False),
        (NIGHT, datetime(2026, 3, 6, 5, tzinfo=UTC), False),
    ],
)
def test_hours_of_the_week(hours: Hours, at: datetime, held: bool) -> None:
    policy = of(rule(hours=("then",)), hours={"then": hours})
    assert decide(policy, GROUPS, where(local=at), "vm.migrate").allowed is held


G, S, D, B = Mark.GUEST, Mark.STRANGER, Mark.DEACTIVATED, Mark.BOT
OWN: frozenset[Mark] = frozenset()


@pytest.mark.parametrize(
    ("person", "place", "admitted", "reason"),
    [
        (OWN, OWN, OWN, ""),
        ({G}, OWN, OWN, "guests of the workspace may not change anything"),
        ({G}, OWN, {G}, ""),
        ({G}, OWN, {S}, "guests of the workspace may not change anything"),
        ({S}, OWN, {G}, "people of other workspaces may not change anything"),
        ({S, G}, OWN, {S}, "guests of the workspace may not change anything"),
        ({S}, OWN, {S}, ""),
        ({D}, OWN, {G}, "this account is deactivated in Slack, and may not change anything"),
        ({B}, OWN, {S}, "bots may not change anything"),
        (None, OWN, OWN, "whether you are a guest, or deactivated is not known: Slack does not say it now"),
        (None, OWN, {G, S}, ""),  # nobody is asked then
        (OWN, {Mark.SHARED}, OWN, "this channel is shared with others: nothing is changed from it"),
        (OWN, {Mark.SHARED}, {Mark.SHARED}, ""),
        (OWN, {Mark.HIDDEN}, OWN, "Slack does not show Ferry this channel, which may be shared"),
        (OWN, None, OWN, "whether this channel is shared with others is not known: Slack does not say it now"),
        (OWN, None, {Mark.SHARED}, ""),
    ],
)
@pytest.mark.parametrize("level", [Level.RUN, Level.APPROVE, Level.OPERATE])
def test_who_and_what_is_outside_changes_nothing_unless_it_is_admitted(
    person: set[Mark] | None, place: set[Mark] | None, admitted: set[Mark], reason: str, level: Level
) -> None:
    known = {ALICE: person, "C0OPS": place}
    groups = Groups(
        marks={one: frozenset(marks) for one, marks in known.items() if marks is not None},
        admitted=frozenset(admitted),
    )
    policy = of(Rule(name="all", who=frozenset({ALICE}), may=frozenset({Level.APPROVE, Level.OPERATE})))
    verdict = decide(policy, groups, where(channel="C0OPS"), "vm.migrate", None, level)
    assert verdict.reason.startswith(reason)
    assert (verdict.allowed, verdict.barred) == (not reason, bool(reason))
    assert decide(policy, groups, where(channel="C0OPS"), "vm.read").allowed
    trusting = decide(
        policy, groups.model_copy(update={"trusting": True}), where(channel="C0OPS"), "vm.migrate", None, level
    )
    assert trusting.allowed == (not reason or "not known" in reason)


def test_in_a_direct_message_the_person_alone_counts() -> None:
    groups = Groups(marks={ALICE: OWN}, admitted=OWN)
    assert decide(of(rule()), groups, where(channel="D0ALICE"), "vm.migrate").allowed


def test_whom_rules_refuse_anyway_learns_nothing_of_it() -> None:
    verdict = decide(of(rule()), Groups(admitted=OWN), where(MALLORY), "vm.migrate")
    assert not verdict.barred
    assert "no rule of Ferry's names you" in verdict.reason


def test_the_approval_of_an_outsider_does_not_count() -> None:
    policy = of(*EVERYBODY, approvals=(Approval(name="a"),))
    given = [(Given(by=BOB, channel="D1", at=MONDAY_NOON, digest="d"), where(BOB, "D1"))]
    for marks, met in ((OWN, True), (frozenset({G}), False), (frozenset({D}), False)):
        counts = count(policy, Groups(marks={BOB: marks}, admitted=OWN), wanted(), given)
        assert is_met(counts) == met


@pytest.mark.parametrize(
    ("may", "does"),
    [
        (Level.LOOK, {"help"}),
        (Level.RUN, {"help", "vm.migrate", "operation.confirm"}),
        (Level.APPROVE, {"help", "operation.approve", "operation.decline"}),
        (Level.OPERATE, {"help", "vm.migrate", "operation.confirm"}),
    ],
)
def test_levels(may: Level, does: set[str]) -> None:
    asked = ("help", "vm.migrate", "operation.confirm", "operation.approve", "operation.decline")
    assert {action for action in asked if ask(of(rule(may=may)), ALICE, action).allowed} == does


def test_members_of_a_group_may_what_its_rule_grants_and_a_group_that_is_not_known_has_none() -> None:
    policy = of(rule(who=OPS))
    assert ask(policy).allowed
    assert not ask(policy, BOB).allowed
    stale = decide(policy, Groups(unknown={OPS: "Slack said it last 20 min ago"}), where(), "vm.migrate")
    assert stale.reason == (
        "no rule of Ferry's names you; who is in the user group S0OPS is not known: Slack said it last 20 min ago"
    )


WHO = st.sampled_from([ALICE, BOB, OPS])
SCOPES = st.builds(
    Scope,
    vms=st.sampled_from([(), ("WEB-*",), ("SQL-*",)]),
    tags=st.sampled_from([frozenset[str](), frozenset({"web"}), frozenset({"critical"})]),
    hosts=st.sampled_from([(), ("host01",), ("host0*",)]),
    actions=st.sampled_from([frozenset[str](), frozenset({"vm.migrate"})]),
)
RULES = st.builds(
    Rule,
    name=st.sampled_from("abc"),
    who=st.frozensets(WHO),
    may=st.frozensets(st.sampled_from(Level)),
    on=SCOPES,
    channels=st.sampled_from([frozenset[str](), frozenset({"C1"}), frozenset({"C2"})]),
)
NOTHING = st.one_of(
    st.builds(Rule, name=st.just("nobody"), who=st.just(frozenset[str]()), may=st.frozensets(st.sampled_from(Level))),
    st.builds(Rule, name=st.just("nothing"), who=st.frozensets(WHO), may=st.just(frozenset[Level]())),
)
QUESTIONS = st.tuples(
    st.sampled_from([ALICE, BOB, MALLORY]), st.sampled_from([*ACTIONS, *sorted(PLANNED), "operation.approve"])
)


@given(rules=st.lists(RULES, max_size=4), nothing=NOTHING, at=st.integers(0, 4), question=QUESTIONS)
def test_a_rule_that_grants_nothing_changes_no_verdict_and_any_other_takes_nothing_away(
    rules: list[Rule], nothing: Rule, at: int, question: tuple[UserId, str]
) -> None:
    actor, action = question
    before = ask(of(*rules), actor, action, TARGET).allowed
    assert ask(of(*rules[:at], nothing, *rules[at:]), actor, action, TARGET).allowed is before
    for number in range(len(rules)):
        assert before or not ask(of(*rules[:number], *rules[number + 1 :]), actor, action, TARGET).allowed


@given(rules=st.lists(RULES, max_size=4), question=QUESTIONS)
def test_whoever_no_rule_names_may_do_nothing(rules: list[Rule], question: tuple[UserId, str]) -> None:
    assert not ask(of(*rules), MALLORY, question[1], TARGET).allowed


# What others asked for

POLICY = of(*simple([ALICE, BOB], [CAROL]))


def over(policy: Policy, actor: UserId, action: str, state: State, targets: tuple[Target, ...] = (TARGET,)) -> Verdict:
    operation = make_operation(state, requested_by=ALICE)
    return decide_over(policy, GROUPS, where(actor), action, operation, "vm.migrate", targets)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(("actor", "whose"), [(ALICE, "its own"), (BOB, "another's"), (CAROL, "an operator's")])
def test_what_was_confirmed_is_its_requesters_and_the_operators_to_cancel(
    state: State, actor: UserId, whose: str
) -> None:
    verdict = over(POLICY, actor, "operation.cancel", state)
    assert verdict.allowed is (state is State.PROPOSED or whose != "another's")
    if not verdict.allowed:
        assert verdict.reason == "m-12 is not yours to cancel"
        assert verdict.needed == "its requester or one of Ferry's operators"
        assert "`operators` under `[slack]`" in verdict.hint


def test_only_operators_close() -> None:
    assert over(POLICY, CAROL, "operation.close", State.NEEDS_ATTENTION).allowed
    verdict = over(POLICY, ALICE, "operation.close", State.NEEDS_ATTENTION)
    assert (verdict.allowed, verdict.needed) == (False, "one of Ferry's operators")


def test_what_one_asked_for_is_ones_own_to_end_at_any_hour() -> None:
    policy = of(rule(on=Scope(vms=("SQL-*",)), hours=("office",)), hours={"office": OFFICE})
    operation = make_operation(State.RUNNING, requested_by=ALICE)
    at = where(local=MONDAY_NOON.replace(hour=20))
    assert decide(policy, GROUPS, at, "operation.cancel").allowed
    assert decide_over(policy, GROUPS, at, "operation.cancel", operation, "vm.migrate", (TARGET,)).allowed
    assert not decide_over(policy, GROUPS, at, "operation.confirm", operation, "vm.migrate", (TARGET,)).allowed


@pytest.mark.parametrize(
    ("action", "allowed"),
    [(HOLD_FREEZE, True), (HOLD_LOCK, True), (HOLD_UNFREEZE, False), (HOLD_UNLOCK, False), ("vm.migrate", False)],
)
def test_brakes_work_at_any_hour_and_are_released_in_a_rules_hours(action: str, allowed: bool) -> None:
    policy = of(rule(may=Level.OPERATE, hours=("office",)), hours={"office": OFFICE})
    night = where(local=MONDAY_NOON.replace(hour=23))
    assert decide(policy, Groups(), night, action).allowed == allowed
    assert decide(policy, Groups(), where(), action).allowed
    elsewhere = of(rule(may=Level.OPERATE, on=Scope(actions=frozenset({HOLD_FREEZE, HOLD_LOCK}))))
    assert decide(elsewhere, Groups(), night, action).allowed == action.startswith("hold.")


def test_everybody_may_look() -> None:
    assert over(POLICY, BOB, "operation.look", State.NEEDS_ATTENTION).allowed


def test_confirming_and_approving_are_judged_by_what_the_plan_touches() -> None:
    web = Scope(vms=("WEB-*",))
    policy = of(rule("a", ALICE, on=web), rule("b", BOB, Level.APPROVE, on=web))
    sql = (Target(vm="SQL-01"),)
    assert over(policy, ALICE, "operation.confirm", State.PROPOSED).allowed
    assert not over(policy, ALICE, "operation.confirm", State.PROPOSED, sql).allowed
    assert over(policy, BOB, "operation.approve", State.AWAITING_APPROVAL).allowed
    assert not over(policy, BOB, "operation.approve", State.AWAITING_APPROVAL, sql).allowed
    assert not over(policy, ALICE, "operation.approve", State.AWAITING_APPROVAL).allowed
    assert not over(policy, BOB, "operation.confirm", State.PROPOSED).allowed


# What plans touch

FACTS = Facts(tags_of=lambda vm: frozenset({f"tag of {vm}"}), cluster_of={"host01": "HVC1", "host02": ""}.get)


def test_what_a_move_touches() -> None:
    (live,) = targets_of(live_plan(), FACTS)
    assert (live.vm, live.tags, live.hosts) == ("VM-01", {"tag of VM-01"}, {"host01", "host02"})
    assert (live.clusters, live.paths) == ({"HVC1", ""}, ())
    assert targets_of(shared_nothing_plan(), FACTS)[0].paths == ("D:\\VMs",)
    assert targets_of(storage_plan(), FACTS)[0].hosts == {"host01"}
    assert targets_of(live_plan(), Facts(FACTS.tags_of, lambda _: None))[0].clusters is None


# Approvals


def wanted(**changes: Any) -> Wanted:
    values: dict[str, Any] = {
        "action": "vm.migrate",
        "targets": (TARGET,),
        "vms": 1,
        "digest": "d",
        "requester": ALICE,
        "local": MONDAY_NOON,
    }
    return Wanted(**values | changes)


def approved(by: UserId, digest: str = "d") -> tuple[Given, Where]:
    return Given(by=by, channel="C1", at=MONDAY_NOON, digest=digest), where(by)


EVERYBODY = simple([ALICE, BOB, CAROL])


@pytest.mark.parametrize(
    ("approval", "changes", "needed"),
    [
        ({}, {}, True),
        ({"on": Scope(tags=frozenset({"web"}))}, {}, True),
        ({"on": Scope(tags=frozenset({"critical"}))}, {}, False),
        ({"on": Scope(hosts=("host02",))}, {}, True),  # any of what it touches is enough to ask for more
        ({"on": Scope(hosts=("host03",))}, {}, False),
        ({"on": Scope(clusters=frozenset({"HVC2"}))}, {}, False),
        ({"on": Scope(clusters=frozenset({"HVC2"}))}, {"targets": (Target(clusters=None),)}, True),
        ({"on": Scope(actions=frozenset({"host.evacuate"}))}, {}, False),
        ({"on": Scope(storage=("D:\\",))}, {"targets": (Target(paths=("D:\\VMs", "E:\\VMs")),)}, True),
        ({"on": Scope(storage=("D:\\",))}, {"targets": (Target(paths=("E:\\VMs",)),)}, False),
        ({"more_than": 20}, {"vms": 20}, False),
        ({"more_than": 20}, {"vms": 21}, True),
        ({"outside": ("office",)}, {}, False),
        ({"outside": ("office",)}, {"local": MONDAY_NOON.replace(hour=20)}, True),
    ],
)
def test_what_needs_approval(approval: dict[str, Any], changes: dict[str, Any], needed: bool) -> None:
    policy = of(*EVERYBODY, approvals=(Approval(name="a", **approval),), hours={"office": OFFICE})
    counts = count(policy, GROUPS, wanted(**changes))
    assert bool(counts) is needed
    assert is_met(counts) is not needed


@pytest.mark.parametrize(
    ("approval", "given_by", "counted"),
    [
        ({"needed": 2}, [approved(BOB)], (BOB,)),
        ({"needed": 2}, [approved(BOB), approved(CAROL)], (BOB, CAROL)),
        ({"needed": 2}, [approved(BOB), approved(BOB)], (BOB,)),  # distinct people
        ({"needed": 2}, [approved(ALICE), approved(BOB)], (BOB,)),  # alice asked for it
        ({"needed": 2, "requester": True}, [approved(ALICE), approved(BOB)], (ALICE, BOB)),
        ({"needed": 1}, [approved(BOB, digest="another plan")], ()),
        ({"needed": 1}, [approved(MALLORY)], ()),
        ({"needed": 1, "of": frozenset({CAROL})}, [approved(BOB), approved(CAROL)], (CAROL,)),
        ({"needed": 1, "of": frozenset({OPS}), "requester": True}, [approved(BOB), approved(ALICE)], (ALICE,)),
    ],
)
def test_whose_approval_counts(
    approval: dict[str, Any], given_by: list[tuple[Given, Where]], counted: tuple[UserId, ...]
) -> None:
    policy = of(*EVERYBODY, approvals=(Approval(name="a", **approval),))
    (found,) = count(policy, GROUPS, wanted(), given_by)
    assert found.by == counted
    assert found.missing == max(0, approval["needed"] - len(counted))


def test_who_may_no_longer_approve_does_not_count_any_more() -> None:
    policy = of(*EVERYBODY, approvals=(Approval(name="a"),))
    assert is_met(count(policy, GROUPS, wanted(), [approved(BOB)]))
    fewer = policy.model_copy(update={"rules": simple([ALICE, CAROL])})
    assert not is_met(count(fewer, GROUPS, wanted(), [approved(BOB)]))


# Changes of a host


def maintenance(task: Task = Task.DRAIN, *, failback: bool = False) -> MaintenancePlan:
    def role(group: str, vm: str = "", stays: str = "") -> Passenger:
        where = {"at": "host01", "priority": 2000, "how": How.LIVE, "stays": stays}
        return Passenger(group=group, vm=VmId(f"id of {vm}") if vm else None, name=vm, **where)

    return MaintenancePlan(
        command="drain host01",
        host="host01",
        task=task,
        failback=failback,
        cluster="HVC2",
        node="HOST01",
        witnesses=("host01", "host02"),
        state=0,
        drain=0,
        roles=(role("Web", "WEB-01"), role("SQL-01", "SQL-01", stays="nobody may own it"), role("Files")),
    )


@pytest.mark.parametrize(
    ("plan", "vms"),
    [
        (maintenance(), ["WEB-01", "SQL-01"]),  # its cluster decides whether SQL-01 really stays
        (maintenance(Task.PAUSE), []),
        (maintenance(Task.RESUME), []),
        (maintenance(Task.RESUME, failback=True), ["WEB-01", "SQL-01"]),
    ],
)
def test_a_change_of_a_host_touches_the_host_and_what_its_cluster_moves(plan: MaintenancePlan, vms: list[str]) -> None:
    targets = targets_of(plan, Facts(FACTS.tags_of, lambda _: None))
    assert [one.vm for one in targets] == ["", *vms]
    assert {(one.hosts, one.clusters) for one in targets} == {(frozenset({"host01"}), frozenset({"HVC2"}))}
    assert [one.tags for one in targets[1:]] == [FACTS.tags_of(vm) for vm in vms]
    assert count_vms(plan) == len(vms)


def test_a_rule_for_some_vms_does_not_let_people_drain_the_host_that_they_are_on() -> None:
    targets = targets_of(maintenance(), FACTS)
    some = of(rule(on=Scope(vms=("WEB-*", "SQL-*"))))
    assert "a host is none" in ask(some, ALICE, "host.maintain", *targets).reason
    assert ask(of(rule(on=Scope(hosts=("host01",)))), ALICE, "host.maintain", *targets).allowed


# What cannot be meant

KNOWN = Known(hosts=("host01", "host02"), tags={"web": ("WEB-*",)}, members={OPS: frozenset({ALICE})})


@pytest.mark.parametrize(
    ("policy", "problems"),
    [
        (of(*EVERYBODY), []),
        (of(rule(who=OPS)), []),
        (of(rule(who="S0GONE")), ["rules.movers.who: there is no user group S0GONE in this workspace"]),
        (of(Rule(name="movers", who=frozenset(), may=frozenset({Level.RUN}))), ["rules.movers.who: it names nobody"]),
        (of(rule(on=Scope(tags=frozenset({"wbe"})))), ["rules.movers.tags: [tags] does not have 'wbe'"]),
        (of(rule(on=Scope(hosts=("host9*",)))), ["rules.movers.hosts: no host of the settings is called 'host9*'"]),
        (of(rule(on=Scope(actions=frozenset({"vm.fly"})))), ["rules.movers.actions: there is no action 'vm.fly'"]),
        (
            of(rule(on=Scope(actions=frozenset({"host.prepare"}), vms=("WEB-*",)))),
            ["rules.movers: it can never match: host.prepare is not about VMs alone"],
        ),
        (
            of(rule(on=Scope(actions=frozenset({"host.maintain"}), tags=frozenset({"web"})))),
            ["rules.movers: it can never match: host.maintain is not about VMs alone"],
        ),
        (of(rule(on=Scope(vms=("WEB-0*",), tags=frozenset({"web"})))), []),
        (
            of(rule(on=Scope(vms=("SQL-*", "DC-01"), tags=frozenset({"web"})))),
            ["rules.movers: it can never match: no VM called SQL-* or DC-01 has its tags"],
        ),
        (of(rule(hours=("office",))), ["rules.movers.hours: there are no hours 'office'"]),
        (
            of(rule(may=Level.LOOK, on=Scope(vms=("WEB-*",)))),
            ["rules.movers: it lets people look, which is limited by no name"],
        ),
        (
            of(*EVERYBODY).model_copy(update={"windows": ("night",)}),
            ["policy.windows: there are no hours 'night'"],
        ),
        (
            of(*EVERYBODY, hours={"never": OFFICE.model_copy(update={"ends": time(8)})}),
            ["hours.never: these hours have no length"],
        ),
        (of(*EVERYBODY, approvals=(Approval(name="a", needed=2),)), []),
        (
            of(*EVERYBODY, approvals=(Approval(name="a", needed=3),)),
            ["approvals.a: it needs 3 people, and 2 may give it, who asked not counted"],
        ),
        (of(*EVERYBODY, approvals=(Approval(name="a", needed=3, requester=True),)), []),
        (
            of(rule(), approvals=(Approval(name="a"),)),
            ["approvals.a: it needs 1 person, and 0 may give it, who asked not counted"],
        ),
        (
            of(*EVERYBODY, approvals=(Approval(name="a", of=frozenset({MALLORY})),)),
            ["approvals.a: it needs 1 person, and 0 may give it, who asked not counted"],
        ),
        (
            of(
                rule(),
                rule("b", BOB, Level.APPROVE, on=Scope(hosts=("host01",))),
                approvals=(Approval(name="a", on=Scope(hosts=("host02",))),),
            ),
            ["approvals.a: it needs 1 person, and 0 may give it, who asked not counted"],
        ),
        (
            of(*EVERYBODY, approvals=(Approval(name="a", more_than=5, on=Scope(actions=frozenset({"vm.migrate"}))),)),
            ["approvals.a.more_than: only evacuations and drains have more than one VM, and `actions` leaves them out"],
        ),
    ],
)
def test_what_cannot_be_meant_is_named_with_its_place_and_a_remedy(policy: Policy, problems: list[str]) -> None:
    found = lint(policy, KNOWN)
    assert [f"{one.place}: {one.saw}" for one in found] == problems
    assert all(one.remedy for one in found)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("WEB-*", "web-01", True),
        ("WEB-*", "*-01", True),
        ("WEB-*", "SQL-*", False),
        ("*", "*", True),
        ("*", "", True),
        ("A*B", "*BA", False),
        ("A*B", "AB", True),
        ("A*", "*B*", True),
        ("*A*C", "B*C", True),
        ("AB", "A", False),
        ("", "A*", False),
        ("**", "x", True),
    ],
)
def test_whether_a_name_may_fit_two_patterns(one: str, other: str, meet: bool) -> None:
    assert may_match_one(one, other) == may_match_one(other, one) == meet


@given(st.text("ab*", max_size=5), st.text("ab*", max_size=5), st.text("ab", max_size=6))
def test_a_name_that_fits_two_patterns_is_never_denied(one: str, other: str, name: str) -> None:
    if matches((one,), name) and matches((other,), name):
        assert may_match_one(one, other)


def test_where_clusters_tell_which_hosts_there_are_an_unknown_name_may_be_one() -> None:
    policy = of(
        *EVERYBODY,
        rule(on=Scope(hosts=("node*",))),
        rule("b", BOB, Level.APPROVE, on=Scope(hosts=("node1",))),
        approvals=(Approval(name="a", on=Scope(hosts=("node*",))),),
    )
    assert lint(policy, KNOWN)
    assert lint(policy, replace(KNOWN, all_hosts=False)) == ()


@pytest.mark.parametrize(
    ("policy", "problems"),
    [
        (of(rule(who=GINA)), ["rules.movers.who: it grants nothing to whom it names: guests of the workspace"]),
        (of(rule(who=GINA, may=Level.LOOK)), []),
        (of(rule(), rule("more", OPS)), []),
        (of(rule(channels=frozenset({"C0SHARED"}))), ["rules.movers.channels: it grants nothing there"]),
        (of(rule(channels=frozenset({"C0SHARED", "direct"}))), []),
        (
            of(rule(), rule("a", GINA, Level.APPROVE), rule("b", BOB), approvals=(Approval(name="a"),)),
            ["rules.a.who: it grants nothing", "approvals.a: it needs 1 person, and 0 may give it"],
        ),
    ],
)
def test_rules_for_those_who_are_outside_grant_nothing(policy: Policy, problems: list[str]) -> None:
    marks = {GINA: frozenset({Mark.GUEST}), "C0SHARED": frozenset({Mark.SHARED})}
    found = lint(policy, replace(KNOWN, marks=marks, admitted=frozenset()))
    assert len(found) == len(problems)
    for one, start in zip(found, problems, strict=True):
        assert f"{one.place}: {one.saw}".startswith(start)
    assert not [one for one in lint(policy, replace(KNOWN, marks=marks)) if "grants nothing" in one.saw]


def test_what_groups_would_tell_is_not_judged_before_slack_was_asked() -> None:
    policy = of(rule(who="S0GONE", may=Level.APPROVE), rule("b", BOB), approvals=(Approval(name="a", needed=5),))
    assert lint(policy, Known(("host01",), {})) == ()
