"""Approvals as rows: N of M, distinct, of this very plan, counted once, and asked for again at the start."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import cast

import pytest

from bot.core.estate import Cluster, ClusterNode, DrainStatus, Estate, Host, NodeState, Seen
from bot.core.evacuation import EvacuationKind, EvacuationPlan, Leg
from bot.core.lifecycle import State
from bot.core.maintenance import Maintenance, MaintenancePlan, Task
from bot.core.names import UserId
from bot.core.operation import RETRACTED, Operation
from bot.core.policy import Approval, Facts, Groups, Level, Mark, Marks, Policy, Rule, Scope, simple
from bot.core.preparation import Name, PreparationPlan, Setting
from bot.core.reply import Reply
from bot.core.roster import Roster
from bot.core.shown import Shown
from bot.core.signal import Approve, Cancel, Confirm, Decline
from bot.errors import ChatError, Refused
from bot.operations.authority import Authority, Learn, learn_nothing, read_facts
from bot.operations.consent import Patience
from bot.operations.desk import Desk
from bot.operations.looking import Looking
from bot.operations.people import People
from bot.operations.runner.permission import Permission, permission_by
from bot.operations.runner.runner import AWAITS_CHAT
from bot.operations.steward import Steward
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals
from bot.operations.store.groups import GroupRows
from bot.operations.user_groups import UserGroups
from bot.operations.watch import in_background
from bot.ports import NO_SUCH_GROUP, HostReader
from tests.operations.bench import Bench, said
from tests.operations.moving_hosts import PATIENCE_S
from tests.operations.offers import ALICE, BOB, CAROL, OFFER, SetClock, both, make_ask, make_host, make_plan

DAVE = UserId("U0DAVE")
WAIT = timedelta(hours=1)
EVACUATION = EvacuationPlan(
    kind=EvacuationKind.EVACUATION,
    command="evacuate host01",
    action="host.evacuate",
    hosts=("host01",),
    destinations=("host02",),
    legs=(Leg(plan=make_plan(1)), Leg(plan=make_plan(2))),
)


PREPARATION = PreparationPlan(
    command="prepare host01", host="host01", settings=(Setting(name=Name.LIVE_LIMIT, before=2, after=4),)
)


DRAIN = MaintenancePlan(
    command="drain host01",
    host="host01",
    task=Task.DRAIN,
    cluster="HVC1",
    node="HOST01",
    witnesses=("host01",),
    state=NodeState.UP,
    drain=DrainStatus.NOT_INITIATED,
)


class OneHost:
    """The only thing that is read here: a host, and a node, that is as it was."""

    def read_host(self, host: str) -> tuple[Host, None]:
        return make_host(host), None

    def read_roster(self, _: str) -> Roster:
        node = ClusterNode(name=DRAIN.node, state=DRAIN.state, drain=DRAIN.drain)
        return Roster(cluster=Cluster(name=DRAIN.cluster, nodes=(node,)))


def policy(
    needed: int = 2, people: Iterable[str] = (ALICE, BOB, CAROL, DAVE), groups: Iterable[str] = (), **more: object
) -> Policy:
    return Policy(rules=simple([*people, *groups]), approvals=(Approval(name="critical", needed=needed, **more),))  # type: ignore[arg-type]


FACTS = Facts(lambda _: frozenset(), lambda _: "")


class Office:
    """People who decide, by a policy that may change."""

    def __init__(self, store: Store, clock: SetClock, given: Policy) -> None:
        self.store, self.clock = store, clock
        self.differences: tuple[str, ...] = ()
        self.follow(given)

    def follow_slack(self, directory: Directory) -> None:
        """Those who change something have to be of one's own, and nothing is changed from shared channels."""
        self.rows = GroupRows(self.store, (), AGE, admitted=frozenset())
        self.people = People(self.store, self.rows, directory, self.clock)
        self.follow(self.policy, self.rows.read, self.people.learn)
        last = Authority(self.policy, self.clock, FACTS, self.rows.read_last)
        self.permission = permission_by(Authority(self.policy, self.clock, FACTS, self.rows.read), last, self.store)

    def follow(self, given: Policy, groups: Callable[[], Groups] = Groups, learn: Learn = learn_nothing) -> None:
        """From now on; as after a restart with other settings."""
        self.policy = given
        self.authority = Authority(given, self.clock, FACTS, groups, learn=learn)
        self.permission: Permission = permission_by(self.authority, self.authority, self.store)
        looking = Looking(self.store, cast(HostReader, OneHost()))
        patience = Patience(OFFER, WAIT, timedelta(minutes=10))
        self.desk = Desk(
            self.store, self.clock, lambda _: self.differences, patience, self.authority, looking, lambda _: ()
        )

    def offer(self, number: int = 1) -> Operation:
        return self.desk.propose(make_plan(number), make_ask(actor=ALICE))

    def confirm(self, actor: UserId = ALICE, row: str = "m-1") -> Reply | None:
        return self.desk.apply(Confirm(operation=row), make_ask(f"confirm {row}", actor))

    def approve(self, actor: UserId, row: str = "m-1") -> Reply | None:
        return self.desk.apply(Approve(operation=row), make_ask(f"approve {row}", actor))

    def row(self, name: str = "m-1") -> Shown:
        found = self.store.find_shown(name)
        assert found is not None
        return found

    def approvers(self, name: str = "m-1") -> tuple[UserId, ...]:
        return tuple(one for count in self.row(name).counts for one in count.by)

    def events(self, name: str = "m-1") -> list[str]:
        return [json.loads(entry.body)["event"] for entry in self.store.journal(name)]

    def thread(self) -> list[str]:
        """The lines of all threads, as far as they are plain text."""
        lines = [step.line for due in self.store.cards_due() for step in due.steps]
        return ["".join(span for span in line if isinstance(span, str)) for line in lines]


@pytest.fixture
def office(store: Store, clock: SetClock) -> Office:
    return Office(store, clock, policy())


def text(reply: Reply | None) -> str:
    assert reply is not None
    return "".join(span if isinstance(span, str) else f"@{getattr(span, 'id', '')}" for span in reply.title)


def test_an_offer_says_what_it_will_need_and_confirming_it_starts_nothing(office: Office, clock: SetClock) -> None:
    assert [(one.name, one.needed) for one in office.offer().counts] == [("critical", 2)]
    assert office.confirm(BOB) is None
    row = office.row()
    assert (row.state, row.confirmed_by) == (State.AWAITING_APPROVAL, BOB)
    assert row.expires_at == clock.now() + WAIT
    assert office.approvers() == ()  # a confirmation is no approval


def test_the_last_approval_that_is_needed_queues_it(office: Office) -> None:
    office.offer()
    office.confirm()
    assert office.approve(BOB) is None
    assert (office.row().state, office.approvers()) == (State.AWAITING_APPROVAL, (BOB,))
    assert office.approve(CAROL) is None
    assert (office.row().state, office.approvers()) == (State.QUEUED, (BOB, CAROL))
    assert office.events() == ["propose", "submit", "approve", "approve"]
    last = json.loads(office.store.journal("m-1")[-1].body)
    assert (last["by"], last["digest"], last["to"]) == (CAROL, office.row().plan.digest, "queued")


def test_what_needs_no_approval_is_queued_by_its_confirmation(office: Office) -> None:
    office.follow(policy(on=Scope(hosts=("host09",))))
    office.offer()
    office.confirm()
    assert (office.row().state, office.row().counts) == (State.QUEUED, ())


def propose(office: Office, kind: str) -> None:
    ask = make_ask(actor=ALICE)
    match kind:
        case "move":
            office.desk.propose(make_plan(), ask)
        case "evacuation":
            office.desk.propose_evacuation(EVACUATION, ask)
        case "preparation":
            office.desk.propose_host_change(PREPARATION, ask)
        case "drain":
            office.desk.propose_host_change(DRAIN, ask)


@pytest.mark.parametrize(
    ("kind", "afterwards"),
    [("move", State.QUEUED), ("evacuation", State.UNDER_WAY), ("preparation", State.GRANTED), ("drain", State.GRANTED)],
)
def test_approvals_are_the_same_for_rows_of_every_kind(office: Office, kind: str, afterwards: State) -> None:
    propose(office, kind)
    assert office.confirm() is None
    assert office.row().state is State.AWAITING_APPROVAL
    office.approve(BOB)
    assert office.row().state is State.AWAITING_APPROVAL
    office.approve(CAROL)
    assert office.row().state is afterwards
    if kind == "evacuation":
        assert {office.row(name).state for name in ("m-2", "m-3")} == {State.QUEUED}
        assert office.row("m-2").confirmed_by == ALICE


@pytest.mark.parametrize("kind", ["move", "evacuation", "preparation", "drain"])
def test_declined_withdrawn_and_too_late_are_the_same_for_rows_of_every_kind(
    office: Office, clock: SetClock, kind: str
) -> None:
    for _ in range(3):
        propose(office, kind)
    for name in ("m-1", "m-2", "m-3"):
        office.confirm(row=name)
    assert office.desk.apply(Decline(operation="m-1", reason="backup is running"), make_ask(actor=BOB)) is None
    declined = office.row("m-1")
    assert (declined.state, declined.cancelled_by) == (State.DECLINED, BOB)
    assert declined.outcome is not None
    assert declined.outcome.cause == "backup is running"
    assert office.desk.apply(Cancel(operation="m-2"), make_ask(actor=ALICE)) is None
    assert (office.row("m-2").state, office.row("m-2").cancelled_by) == (State.CANCELLED, ALICE)
    clock.forward(hours=1)
    assert "it was not approved in time" in text(office.approve(BOB, "m-3"))
    assert office.row("m-3").state is State.EXPIRED
    assert "declined by : backup is running" in office.thread()


def test_an_approval_is_not_taken_from_who_is_not_asked_for_it(office: Office) -> None:
    office.follow(policy(1, of=frozenset({CAROL})))
    office.offer()
    office.confirm()
    with pytest.raises(Refused, match="your approval of m-1 would count for nothing") as refused:
        office.approve(BOB)
    assert refused.value.needed == "one of those whose approval critical asks for"
    assert office.approve(CAROL) is None


@pytest.mark.parametrize(
    ("who", "saw", "needed"),
    [
        (ALICE, "you asked for m-1 yourself", "approval by others (critical)"),
        (UserId("U0MALLORY"), "you are not on Ferry's allow list", "your Slack user id, `U0MALLORY`, on that list"),
    ],
)
def test_an_approval_that_would_not_count_is_not_taken(office: Office, who: UserId, saw: str, needed: str) -> None:
    office.offer()
    office.confirm(BOB)
    with pytest.raises(Refused) as refused:
        office.approve(who)
    assert (refused.value.saw, refused.value.needed, refused.value.private) == (saw, needed, True)
    assert Approvals(office.store).given("m-1") == ()


def test_nobody_withdraws_what_another_asked_for(office: Office) -> None:
    office.offer()
    office.confirm()
    with pytest.raises(Refused, match="m-1 is not yours to cancel"):
        office.desk.apply(Cancel(operation="m-1"), make_ask(actor=BOB))
    assert office.row().state is State.AWAITING_APPROVAL


def test_who_approves_twice_is_told_so_and_counts_once(office: Office) -> None:
    office.offer()
    office.confirm()
    office.approve(BOB)
    assert text(office.approve(BOB)) == "you have approved m-1 before; 1 approval missing"
    assert office.approvers() == (BOB,)


def test_only_what_was_confirmed_can_be_approved(office: Office) -> None:
    office.offer()
    with pytest.raises(Refused, match="m-1 is proposed") as refused:
        office.approve(BOB)
    assert refused.value.hint == "`confirm m-1`"
    office.confirm()
    office.approve(BOB)
    office.approve(CAROL)
    assert "was already confirmed by" in text(office.approve(DAVE))


def test_a_changed_world_ends_what_waits_for_approval(office: Office) -> None:
    office.offer()
    office.confirm()
    office.differences = ("VM-01 is off now, it was running",)
    assert "VM-01 is off now" in text(office.approve(BOB))
    assert office.row().state is State.EXPIRED
    assert Approvals(office.store).given("m-1") == ()


def test_a_second_plan_for_a_vm_is_not_queued_by_its_last_approval(office: Office) -> None:
    office.follow(policy(1))
    office.offer()
    office.offer()
    for name in ("m-1", "m-2"):
        office.confirm(row=name)
    office.approve(BOB, "m-1")
    with pytest.raises(Refused, match="m-1 is queued"):
        office.approve(BOB, "m-2")
    assert office.row("m-2").state is State.AWAITING_APPROVAL
    assert Approvals(office.store).given("m-2") == ()


@both
def test_two_who_approve_at_the_same_moment_are_both_counted_and_it_is_queued_once(office: Office) -> None:
    for number in range(1, 6):
        office.offer(number)
        office.confirm(row=f"m-{number}")
    for name in (f"m-{number}" for number in range(1, 6)):
        ready = Barrier(3)

        def press(who: UserId, name: str = name, ready: Barrier = ready) -> Reply | None:
            ready.wait(10)
            return office.approve(who, name)

        with ThreadPoolExecutor(3) as people:
            replies = list(people.map(press, (BOB, CAROL, DAVE)))
        assert office.row(name).state is State.QUEUED
        assert len(office.approvers(name)) == 2
        assert replies.count(None) == 2  # the third was told that it is decided
        assert office.events(name) == ["propose", "submit", "approve", "approve"]


def test_of_an_approval_and_a_decline_at_the_same_moment_one_is_done(office: Office) -> None:
    office.follow(policy(1))
    for number in range(1, 6):
        name = f"m-{number}"
        office.offer(number)
        office.confirm(row=name)
        ready = Barrier(2)

        def approve(name: str = name, ready: Barrier = ready) -> Reply | None:
            ready.wait(10)
            return office.approve(BOB, name)

        def decline(name: str = name, ready: Barrier = ready) -> Reply | None:
            ready.wait(10)
            return office.desk.apply(Decline(operation=name), make_ask(actor=CAROL))

        with ThreadPoolExecutor(2) as people:
            replies = [done.result() for done in [people.submit(approve), people.submit(decline)]]
        assert replies.count(None) == 1
        assert office.row(name).state is (State.QUEUED if replies[0] is None else State.DECLINED)


def test_an_approver_who_was_removed_before_the_last_click_does_not_count(office: Office) -> None:
    office.offer()
    office.confirm()
    office.approve(BOB)
    office.follow(policy(people=(ALICE, CAROL, DAVE)))
    office.approve(CAROL)
    assert (office.row().state, office.approvers()) == (State.AWAITING_APPROVAL, (CAROL,))
    office.approve(DAVE)
    assert (office.row().state, office.approvers()) == (State.QUEUED, (CAROL, DAVE))


def test_who_is_removed_between_the_card_and_the_click_is_refused(office: Office) -> None:
    office.offer()
    office.confirm()
    office.follow(policy(people=(ALICE, CAROL, DAVE)))
    with pytest.raises(Refused, match="not on Ferry's allow list"):
        office.approve(BOB)


def test_the_thread_is_reminded_once_before_the_time_for_it_ends(office: Office, clock: SetClock) -> None:
    steward = Steward(office.store, lambda _: None)
    office.offer()
    office.confirm()
    office.approve(BOB)
    clock.forward(minutes=49)
    steward.look_after_people()
    assert "still waits" not in " ".join(office.thread())
    clock.forward(minutes=2)
    for _ in range(2):
        steward.look_after_people()
    assert sum("still waits for approval" in line for line in office.thread()) == 1
    clock.forward(minutes=10)
    steward.look_after_people()
    ended = office.row()
    assert ended.state is State.EXPIRED
    assert ended.outcome is not None
    assert ended.outcome.summary == "it was not approved in time; nothing was started"


def test_a_message_that_is_edited_while_it_is_answered_offers_nothing(office: Office) -> None:
    ask = make_ask(actor=ALICE)
    retraction = ask.model_copy(update={"key": f"{ask.key}{RETRACTED}", "kind": "retraction", "text": "edited"})
    office.store.take(retraction)
    with pytest.raises(Refused, match="the message that asked for it was edited; nothing is offered"):
        office.desk.propose(make_plan(), ask)
    office.desk.retract(retraction)
    assert office.store.find_shown("m-1") is None


@pytest.mark.parametrize(("actor", "ends"), [(ALICE, True), (BOB, False)])
def test_only_who_asked_takes_back_what_they_said_and_only_until_it_is_approved(
    office: Office, actor: UserId, ends: bool
) -> None:
    office.follow(policy(1))
    asks = [make_ask(actor=ALICE) for _ in range(2)]
    for number, ask in enumerate(asks, 1):
        office.desk.propose(make_plan(number), ask)
        office.confirm(row=f"m-{number}")
    office.approve(BOB, "m-2")
    for ask in asks:
        office.desk.retract(ask.model_copy(update={"key": f"{ask.key}{RETRACTED}", "text": "deleted", "actor": actor}))
    assert office.row("m-1").state is (State.CANCELLED if ends else State.AWAITING_APPROVAL)
    assert office.row("m-2").state is State.QUEUED


# At the start


@pytest.fixture
def approved(office: Office, bench: Bench) -> Office:
    """m-1 is approved and granted; Ferry has been restarted since."""
    office.desk.propose(bench.lab.plan(), make_ask(actor=ALICE))
    office.confirm()
    office.approve(BOB)
    office.approve(CAROL)
    bench.admit()
    return office


def start(office: Office, bench: Bench) -> Operation:
    bench.runner(permission=office.permission).run("m-1", 1)
    return bench.row()


def test_what_was_approved_starts_after_a_restart(approved: Office, bench: Bench) -> None:
    approved.follow(policy())
    assert start(approved, bench).state is State.SUCCEEDED


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (policy(people=(BOB, CAROL, DAVE)), "U0ALICE asked for it, who may not do so any more"),
        (policy(people=(ALICE, CAROL, DAVE)), "1 of 2 approvals are missing now (critical)"),
        (policy(needed=3), "1 of 3 approvals are missing now (critical)"),
        (Policy(), "U0ALICE asked for it, who may not do so any more"),
    ],
)
def test_what_is_no_longer_allowed_is_not_started_and_says_why(
    approved: Office, bench: Bench, now: Policy, why: str
) -> None:
    approved.follow(now)
    ended = start(approved, bench)
    assert ended.state is State.FAILED
    assert said(ended) == "nothing was started: it is no longer allowed"
    assert ended.outcome is not None
    assert ended.outcome.cause.startswith(why)
    assert ended.started_at is None


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (policy(2), ""),
        (policy(3), "1 of 3 approvals are missing now (critical)"),
        (policy(people=(BOB, CAROL)), "U0ALICE asked for it, who may not do so any more"),
    ],
)
def test_the_pause_of_a_node_is_judged_with_its_evacuation_and_needs_no_approval_of_its_own(
    office: Office, now: Policy, why: str
) -> None:
    pause = DRAIN.model_copy(update={"task": Task.PAUSE, "command": EVACUATION.command})
    office.desk.propose_evacuation(EVACUATION.model_copy(update={"pauses": (pause,)}), make_ask(actor=ALICE))
    office.confirm()
    office.approve(BOB)
    office.approve(CAROL)
    row = office.row("m-2")
    assert isinstance(row, Maintenance)
    assert (row.state, row.counts, row.confirmed_by) == (State.GRANTED, (), ALICE)

    office.follow(now)

    refusal, doubt = office.permission(row)
    assert refusal.startswith(why)
    assert bool(refusal) is bool(why)
    assert not doubt


# Rules by cluster, of hosts that this process does not look at


def test_a_rule_by_cluster_goes_by_what_any_process_has_seen(office: Office, clock: SetClock) -> None:
    """A worker of one site starts what goes to a host of another; so does a process that has just begun."""
    unseen = Estate(
        hosts=tuple(Seen(host=name, at=clock.now(), failure="not looked at") for name in ("host01", "host02"))
    )
    facts = read_facts(lambda _: frozenset(), lambda: unseen, office.store)
    mine = Rule(name="hvc1", who=frozenset({ALICE}), may=frozenset({Level.RUN}), on=Scope(clusters=frozenset({"HVC1"})))
    worker = Authority(Policy(rules=(mine,)), clock, facts)
    office.follow(policy(0))
    office.offer()
    office.confirm()
    row = office.row()
    hosts = (row.plan.move.source, row.plan.move.destination)
    assert "is for the cluster HVC1" in worker.find_refusal(row, ())
    for host in hosts:
        office.store.set_room(make_host(host).model_copy(update={"cluster": "HVC1"}), clock.now())
    assert worker.find_refusal(row, ()) == ""
    office.store.set_room(make_host(hosts[1]), clock.forward(seconds=1))
    assert "is for the cluster HVC1" in worker.find_refusal(row, ())


# Who is not of one's own


class Directory:
    """What Slack says of people and channels: nothing against them, unless it is set here."""

    def __init__(self) -> None:
        self.marks: dict[str, frozenset[Mark]] = {}
        self.silent = False
        self.asked: list[str] = []

    def members(self, _: str) -> frozenset[UserId]:
        raise AssertionError("no group is named here")

    def describe(self, whom: str) -> frozenset[Mark]:
        self.asked.append(whom)
        if self.silent:
            raise ChatError("Slack could not be reached", code="unreachable", lasting=False, maybe_done=False)
        return self.marks.get(whom, frozenset())


AGE = timedelta(minutes=15)


@pytest.fixture
def directory(office: Office) -> Directory:
    """What the office asks whenever nothing fresh is known."""
    told = Directory()
    office.follow_slack(told)
    return told


def test_it_is_asked_at_the_command_at_each_click_and_at_the_start(
    office: Office, clock: SetClock, directory: Directory
) -> None:
    place, authority = make_ask().place.channel, office.authority
    directory.marks[ALICE] = frozenset({Mark.GUEST})
    assert authority.decide(ALICE, place, "vm.migrate").reason.startswith("guests of the workspace")
    assert authority.decide(ALICE, place, "vm.read").allowed  # looking is the rules' alone
    directory.marks.clear()
    clock.forward(minutes=6)
    assert authority.decide(ALICE, place, "vm.migrate").allowed
    row = office.offer()
    clock.forward(minutes=6)
    directory.marks[place] = frozenset({Mark.SHARED})
    with pytest.raises(Refused, match="this channel is shared with others"):
        office.confirm()
    directory.marks.clear()
    clock.forward(minutes=2)
    office.people.doubt(place)  # Slack says something of it
    office.confirm()
    assert "may not do so" not in authority.find_refusal(office.row(), ())
    clock.forward(minutes=6)
    directory.marks[ALICE] = frozenset({Mark.DEACTIVATED})
    assert "who may not do so any more: this account is deactivated" in authority.find_refusal(office.row(), ())
    assert row.id == office.row().id


@pytest.mark.parametrize(
    ("said_then", "state", "why"),
    [
        (frozenset(), State.SUCCEEDED, ""),
        (frozenset({Mark.DEACTIVATED}), State.FAILED, "who may not do so any more: this account is deactivated"),
        (None, State.CANCELLED, ""),
    ],
    ids=["it may", "it may not", "cancelled meanwhile"],
)
def test_while_slack_is_silent_nothing_starts_and_nothing_ends_for_it(
    office: Office,
    bench: Bench,
    clock: SetClock,
    directory: Directory,
    said_then: frozenset[Mark] | None,
    state: State,
    why: str,
) -> None:
    office.desk.propose(bench.lab.plan(), make_ask(actor=ALICE))
    office.confirm()
    office.approve(BOB)
    office.approve(CAROL)
    bench.admit()
    clock.forward(minutes=16)
    runner = in_background(lambda: bench.runner(permission=office.permission).run("m-1", 1), "runner")
    bench.until(lambda: bench.row().waiting == AWAITS_CHAT)
    assert (bench.row().state, bench.lab.sent()) == (State.GRANTED, 0)

    if said_then is None:
        bench.store.ask_cancel("m-1", by=ALICE)
    else:
        directory.marks[ALICE] = said_then
        office.people.learn((ALICE, BOB, CAROL, make_ask().place.channel))
    runner.result(PATIENCE_S)

    ended = bench.row()
    assert ended.state is state
    assert ended.outcome is not None
    assert why in ended.outcome.cause
    assert bench.lab.sent() == (1 if state is State.SUCCEEDED else 0)


def test_what_another_thread_has_just_learned_counts(office: Office, directory: Directory) -> None:
    """Two say something at the same moment, and nothing is known of them: whoever comes second has nothing to learn."""
    place = make_ask().place.channel

    def learn_as_the_first_has(whom: Iterable[str]) -> bool:
        office.people.learn(whom)
        return office.people.learn(whom)

    office.follow(office.policy, office.rows.read, learn_as_the_first_has)
    assert office.authority.decide(ALICE, place, "vm.migrate").allowed


def test_slack_is_asked_once_in_a_while_and_never_about_whom_rules_refuse(
    office: Office, clock: SetClock, directory: Directory
) -> None:
    place = make_ask().place.channel
    for _ in range(3):
        assert office.authority.decide(ALICE, place, "vm.migrate").allowed
        assert not office.authority.decide(UserId("U0MALLORY"), place, "vm.migrate").allowed
        assert office.authority.decide(BOB, place, "vm.read").allowed
    assert sorted(directory.asked) == sorted([ALICE, place])
    clock.forward(minutes=6)
    assert office.authority.decide(ALICE, place, "vm.migrate").allowed
    assert len(directory.asked) == 4


def test_what_slack_said_counts_until_it_is_too_old_and_then_nobody_changes_anything(
    office: Office, clock: SetClock, directory: Directory
) -> None:
    place = make_ask().place.channel
    assert office.authority.decide(ALICE, place, "vm.migrate").allowed
    directory.silent = True
    clock.forward(minutes=14)
    assert office.authority.decide(ALICE, place, "vm.migrate").allowed
    clock.forward(minutes=2)
    directory.asked.clear()
    for _ in range(3):
        refused = office.authority.decide(ALICE, place, "vm.migrate")
        assert refused.reason == "whether you are a guest, or deactivated is not known: Slack does not say it now"
    assert sorted(directory.asked) == sorted([ALICE, place])  # whoever waits for Slack waits once
    directory.silent = False
    clock.forward(seconds=11)
    assert office.authority.decide(ALICE, place, "vm.migrate").allowed


def test_what_slack_contradicts_is_forgotten_if_it_does_not_say_more(office: Office, directory: Directory) -> None:
    place = make_ask().place.channel
    assert office.authority.decide(ALICE, place, "vm.migrate").allowed
    directory.silent = True
    office.people.doubt(ALICE)
    assert not office.authority.decide(ALICE, place, "vm.migrate").allowed


def test_those_on_whom_something_open_rests_are_asked_about_for_workers_that_ask_nothing(
    office: Office, clock: SetClock, directory: Directory
) -> None:
    place = make_ask().place.channel
    office.offer()
    office.confirm()
    office.approve(BOB)
    clock.forward(minutes=20)
    worker = Authority(office.policy, clock, groups=office.rows.read)
    assert "is not known" in worker.find_refusal(office.row(), ())
    directory.asked.clear()
    office.people.refresh_open()
    assert sorted(directory.asked) == sorted([ALICE, BOB, place])
    assert "is not known" not in worker.find_refusal(office.row(), ())


def test_a_start_tells_the_policy_about_those_it_names(office: Office, clock: SetClock, directory: Directory) -> None:
    told: list[Marks] = []
    directory.marks[ALICE] = frozenset({Mark.GUEST})
    people = People(office.store, office.rows, directory, clock, [ALICE, "C0OPS"], told.append)
    people.start()
    people.stop()
    assert told == [{ALICE: {Mark.GUEST}, "C0OPS": frozenset()}]


# User groups

OPS = "S0OPS"


class Members:
    """What Slack says of user groups, or that it says nothing."""

    def __init__(self, *members: UserId) -> None:
        self.now = frozenset(members)
        self.error: ChatError | None = None

    def members(self, group: str) -> frozenset[UserId]:
        assert group == OPS
        if self.error is not None:
            raise self.error
        return self.now


def test_a_group_counts_while_what_slack_said_of_it_is_fresh(office: Office, clock: SetClock) -> None:
    rows = GroupRows(office.store, [OPS], timedelta(minutes=15))
    office.follow(policy(1, people=(ALICE,), groups=(OPS,)), rows.read)
    office.offer()
    office.confirm()
    with pytest.raises(Refused, match="who is in the user group S0OPS is not known: Slack has not said it yet"):
        office.approve(BOB)
    slack = Members(BOB)
    membership = UserGroups(rows, slack, clock, timedelta(minutes=15))
    membership.refresh_all()
    clock.forward(minutes=16)
    with pytest.raises(Refused, match="Slack said it last 16 min ago"):
        office.approve(BOB)
    slack.now = frozenset({CAROL})
    membership.has_changed(OPS)
    membership.refresh_changed()
    with pytest.raises(Refused, match="not on Ferry's allow list"):
        office.approve(BOB)
    assert office.approve(CAROL) is None
    assert office.row().state is State.QUEUED


def test_a_group_that_has_changed_and_cannot_be_read_is_empty_until_it_can(office: Office, clock: SetClock) -> None:
    rows, slack = GroupRows(office.store, [OPS], timedelta(minutes=15)), Members(BOB)
    membership = UserGroups(rows, slack, clock, timedelta(minutes=15))
    membership.refresh_all()
    slack.error = ChatError("Slack could not be reached", code="unreachable", lasting=False, maybe_done=False)
    membership.refresh_all()
    assert rows.read().members == {OPS: {BOB}}  # nothing says that it has changed
    membership.has_changed(OPS)
    membership.refresh_changed()
    assert rows.read().unknown == {OPS: "Slack has not said it yet"}
    slack.error, slack.now = None, frozenset({CAROL})
    membership.refresh_changed()
    assert rows.read().members == {OPS: {CAROL}}


@pytest.mark.parametrize("people", [(), (BOB,)])
def test_a_start_is_refused_where_a_group_does_not_exist_or_cannot_meet_the_policy(
    office: Office, clock: SetClock, people: tuple[UserId, ...]
) -> None:
    told: list[Mapping[str, frozenset[UserId]]] = []
    rows, slack = GroupRows(office.store, [OPS], timedelta(minutes=15)), Members(*people)
    membership = UserGroups(rows, slack, clock, timedelta(minutes=15), told.append)
    membership.start()
    membership.stop()
    assert told == [{OPS: frozenset(people)}]
    slack.error = ChatError("Slack refused: no_such_subteam", code=NO_SUCH_GROUP, lasting=True, maybe_done=False)
    with pytest.raises(Refused, match="there is no user group S0OPS in this workspace"):
        UserGroups(rows, slack, clock, timedelta(minutes=15)).start()


def test_an_older_answer_about_a_group_never_replaces_a_newer_one(office: Office, clock: SetClock) -> None:
    rows = GroupRows(office.store, [OPS], timedelta(minutes=15))
    rows.keep(OPS, [BOB], clock.now())
    rows.keep(OPS, [CAROL], clock.now() - timedelta(seconds=5))
    assert rows.read().members == {OPS: {BOB}}
