"""Evacuations and returns from what hosts say to what the card shows; placement by hand, without a solver."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.estate import Census, Cluster, ClusterGroup, ClusterNode, NodeState, Role, Switch, Vm, VmState
from bot.core.evacuation import Evacuation, EvacuationKind, EvacuationPlan
from bot.core.evacuation.card import render_evacuation, render_status_line
from bot.core.evacuation.changes import find_changes
from bot.core.evacuation.ending import conclude
from bot.core.evacuation.gantt import make_picture
from bot.core.evacuation.homecoming import Away, plan_return
from bot.core.evacuation.measuring import Past, measure
from bot.core.evacuation.offered import render_list_of_moves, render_preview
from bot.core.evacuation.pausing import add_pauses
from bot.core.evacuation.planning import Wish, plan_evacuation
from bot.core.evacuation.rules import Rules
from bot.core.evacuation.timing import Known
from bot.core.lifecycle import Event, State
from bot.core.names import VmId
from bot.core.operation import Outcome, Place
from bot.core.placement import Outcome as Answer
from bot.core.placement import Placement, Problem, Solution, place
from bot.core.plan import MoveKind
from bot.core.planner import Limits
from bot.core.preflight import changes
from bot.core.reply import Bar, Reply, Table
from bot.core.roster import Roster, Rosters
from bot.core.schedule import Network
from bot.errors import Refused
from tests.asking import plain, text_of
from tests.core.moves import GB, RESERVE, make_host, make_local_vm, make_vm
from tests.core.rows import ALICE, ASKED, BOB, CONFIRMED, make_operation

RULES = Rules(limits=Limits(memory_reserve_bytes=RESERVE, link_gbit_s={f"host{n:02d}": 10 for n in range(1, 9)}))


def by_hand(problem: Problem, *, make_room: bool = False) -> Placement:
    """What is found without a solver."""
    search = place(problem, make_room=make_room)
    try:
        next(search)
        while True:
            search.send(Solution(Answer.UNDECIDED, why="there is no solver here"))
    except StopIteration as end:
        return end.value


def vm(number: int, host: str = "host01", **changes: Any) -> Vm:
    name = changes.pop("name", f"VM-{number:02d}")
    return make_vm(id=VmId(f"00000000-0000-4000-8000-{number:012d}"), name=name, host=host, **changes)


def census(host: str, *vms: Vm, **changes: Any) -> Census:
    info = make_host(host, processors=32, **changes)
    return Census(host=host, at=ASKED, info=info, vms=vms)


def silent(host: str) -> Census:
    return Census(host=host, at=ASKED, failure="it did not answer")


def evacuate(*censuses: Census, rules: Rules = RULES, **wish: Any) -> EvacuationPlan:
    values = {"command": "evacuate host01", "hosts": ("host01",)} | wish
    return plan_evacuation(Wish(**values), censuses, rules, by_hand)


def where(plan: EvacuationPlan) -> dict[str, str]:
    return {leg.plan.move.vm_name: leg.plan.move.destination for leg in plan.legs}


def stays(plan: EvacuationPlan) -> dict[str, str]:
    return {one.vm_name: one.why for one in plan.staying}


# Planning


def test_every_vm_goes_where_it_fits_beside_the_others() -> None:
    plan = evacuate(census("host01", vm(1), vm(2), vm(3)), census("host02"), census("host03"))
    assert set(where(plan)) == {"VM-01", "VM-02", "VM-03"}
    assert set(where(plan).values()) <= {"host02", "host03"}
    assert plan.staying == ()
    (before, *_) = plan.loads
    assert (before.host, before.vms_before, before.vms_after) == ("host01", 3, 0)
    assert plan.command == "evacuate host01"
    assert [leg.plan.command for leg in plan.legs if leg.plan.move.vm_name == "VM-02"] == [
        f"migrate VM-02 to {where(plan)['VM-02']}"
    ]


def test_a_vm_on_its_hosts_own_drive_travels_with_its_storage() -> None:
    local = make_local_vm(id=vm(1).id, name="VM-01", host="host01")
    (leg,) = evacuate(census("host01", local), census("host02")).legs
    assert leg.plan.command == "migrate VM-01 to host02 with storage"
    full = census("host02", volumes=())
    assert "VM-01" in stays(evacuate(census("host01", local), full))


def test_what_cannot_move_stays_with_what_was_seen_and_what_to_do() -> None:
    plan = evacuate(
        census("host01", vm(1, clustered=True), vm(2, dvd_paths=(r"D:\setup.iso",)), vm(3)),
        census("host02", switches=(Switch(name="Other", type=2),)),
    )
    assert plan.legs == ()
    said = {one.vm_name: (one.why, one.remedy) for one in plan.staying}
    assert said["VM-01"][0] == "VM-01 belongs to a failover cluster"
    assert "Set-VMDvdDrive" in said["VM-02"][1]
    assert said["VM-03"][0].startswith('host02 has no switch "Production"')


def test_what_is_too_large_is_told_what_there_is_and_what_would_be_enough() -> None:
    plan = evacuate(census("host01", vm(1, memory_bytes=96 * GB), vm(2)), census("host02"), census("host03"))
    assert set(where(plan)) == {"VM-02"}
    assert stays(plan)["VM-01"].startswith("it takes 96 GB; the most that a host has is 50 GB on host0")


def test_where_free_memory_is_scattered_making_room_is_the_remedy() -> None:
    hosts = [census(f"host0{n}", vm(n, f"host0{n}", memory_bytes=16 * GB), memory_free_bytes=30 * GB) for n in (2, 3)]
    large = census("host01", vm(1, memory_bytes=40 * GB))
    (one,) = evacuate(large, *hosts).staying
    assert one.remedy == "`evacuate host01 make room` also moves VMs between the other hosts"
    (one,) = evacuate(census("host01", vm(1, memory_bytes=90 * GB)), *hosts).staying
    assert "make room" not in one.remedy


def test_hosts_emptied_together_never_receive_each_others_vms() -> None:
    plan = evacuate(
        census("host01", vm(1)), census("host02", vm(2, "host02")), census("host03"), hosts=("host01", "host02")
    )
    assert where(plan) == {"VM-01": "host03", "VM-02": "host03"}


def test_what_is_left_out_tagged_or_kept_apart() -> None:
    rules = Rules(
        limits=RULES.limits,
        tags={"pinned": ("LIC-*",), "controllers": ("dc-*",), "critical": ("DC-2",)},
        never=("pinned",),
        apart=("controllers",),
        first=("critical",),
    )
    plan = evacuate(
        census("host01", vm(1, name="LIC-1"), vm(2, name="DC-1"), vm(3, name="DC-2"), vm(4)),
        census("host02"),
        census("host03"),
        rules=rules,
        but=("vm-04",),
    )
    assert stays(plan) == {"LIC-1": "it has the tag pinned, and those stay", "VM-04": "left out, as asked"}
    assert len(set(where(plan).values())) == 2
    assert {leg.plan.move.vm_name: leg.rank for leg in plan.legs} == {"DC-1": 1, "DC-2": 0}
    alone = evacuate(census("host01", vm(2, name="DC-1")), census("host02", vm(9, "host02", name="DC-9")), rules=rules)
    assert stays(alone) == {"DC-1": "a VM with the tag controllers, which keeps apart, is on host02"}


def test_processors_may_be_promised_only_so_often() -> None:
    rules = Rules(limits=RULES.limits, processors_per_core=1)
    busy = census("host02", vm(9, "host02", processors=30))
    plan = evacuate(census("host01", vm(1, processors=4)), busy, rules=rules)
    assert stays(plan) == {"VM-01": "host02 may run 2 more virtual processors, and it has 4"}


def test_a_vm_that_is_off_takes_no_memory_there() -> None:
    plan = evacuate(census("host01", vm(1, state=VmState.OFF, memory_bytes=96 * GB)), census("host02"))
    assert where(plan) == {"VM-01": "host02"}


def test_a_host_that_gives_no_answer_is_not_emptied_and_takes_nothing() -> None:
    with pytest.raises(Refused, match="host01 gives no answer: it did not answer; what it holds and does is unknown"):
        evacuate(silent("host01"), census("host02"))
    plan = evacuate(census("host01", vm(1)), silent("host02"), census("host03"))
    assert where(plan) == {"VM-01": "host03"}
    assert "not considered, because they give no answer: host02" in plan.notes
    with pytest.raises(Refused, match="no host could take anything: host02 give no answer"):
        evacuate(census("host01", vm(1)), silent("host02"))


def test_a_name_that_is_not_there_is_no_exception() -> None:
    with pytest.raises(Refused, match="there is no VM-77 on host01"):
        evacuate(census("host01", vm(1)), census("host02"), but=("VM-77",))


def test_two_vms_of_one_name_are_told_apart_by_id() -> None:
    plan = evacuate(census("host01", vm(1, name="A"), vm(2, name="a")), census("host02"))
    assert {leg.plan.command for leg in plan.legs} == {f"migrate {vm(n).id} to host02" for n in (1, 2)}


def test_what_differs_at_the_click_is_named() -> None:
    before = (census("host01", vm(1), vm(2)), census("host02"))
    plan = evacuate(*before)
    assert find_changes(plan, before, RESERVE) == ()
    gone = (census("host01", vm(2, state=VmState.OFF)), census("host02"))
    assert set(find_changes(plan, gone, RESERVE)) == {
        "VM-01 is no longer on host01",
        "VM-02 is off now, not running",
    }
    assert find_changes(plan, (before[0], silent("host02")), RESERVE) == ("host02 gives no answer: it did not answer",)


# Coming home


def away(*vms: Vm) -> dict[str, Away]:
    return {one.id: Away(one.id, one.name, "host01", one.host) for one in vms}


def test_who_is_where_it_was_put_comes_home() -> None:
    here, moved_on = vm(1, "host02"), vm(2, "host03")
    gone = {**away(here), moved_on.id: Away(moved_on.id, moved_on.name, "host01", "host02")}
    plan = plan_return(
        "return host01",
        ("host01",),
        gone,
        (census("host01"), census("host02", here), census("host03", moved_on)),
        RULES,
    )
    assert where(plan) == {"VM-01": "host01"}
    assert stays(plan) == {"VM-02": "it is on host03 now, not on host02 where it was put"}
    assert plan.kind is EvacuationKind.RETURN


def test_home_is_not_cleared_of_others() -> None:
    here = vm(1, "host02", memory_bytes=60 * GB)
    plan = plan_return("return host01", ("host01",), away(here), (census("host01"), census("host02", here)), RULES)
    assert plan.legs == ()
    assert stays(plan) == {"VM-01": "host01 has 50 GB left for 60 GB"}


def test_two_that_are_in_each_others_place_step_aside() -> None:
    one, two = vm(1, "host02", memory_bytes=40 * GB), vm(2, "host01", memory_bytes=40 * GB)
    gone = {**away(one), two.id: Away(two.id, two.name, "host02", "host01")}
    full = {"memory_free_bytes": 12 * GB}
    plan = plan_return(
        "return host01, host02",
        ("host01", "host02"),
        gone,
        (census("host01", two, **full), census("host02", one, **full), census("host03")),
        RULES,
    )
    moves = [(leg.stage, leg.plan.move.vm_name, leg.plan.move.destination, leg.makes_room) for leg in plan.legs]
    assert len(moves) == 3
    assert moves[0][2:] == ("host03", True)
    assert {(name, to) for _, name, to, room in moves if not room} == {("VM-01", "host01"), ("VM-02", "host02")}
    assert [stage for stage, *_ in moves] == [0, 1, 2]


def test_everyone_at_home_is_said() -> None:
    with pytest.raises(Refused, match="everything that left host01 is at home already"):
        plan_return(
            "return host01", ("host01",), away(vm(1, "host02")), (census("host01", vm(1)), census("host02")), RULES
        )


# In a failover cluster


def roster(*vms: Vm, state: int = NodeState.UP) -> Roster:
    """HVC1 of host01 to host03, of which host01 is in that state; VM-02 may be on host01 and host03 only."""
    nodes = (ClusterNode(name="HOST01", state=state), ClusterNode(name="HOST02"), ClusterNode(name="HOST03"))
    roles = tuple(
        Role(
            group=ClusterGroup(name=one.name, owner=one.host.upper()),
            possible_owners=("HOST01", "HOST03") if one.name == "VM-02" else ("HOST01", "HOST02", "HOST03"),
            vm=one.id,
        )
        for one in vms
    )
    cluster = Cluster(name="HVC1", nodes=nodes, groups=tuple(role.group for role in roles))
    return Roster(cluster=cluster, roles=roles, live_from=2000)


def in_cluster(*vms: Vm) -> tuple[Census, ...]:
    nodes = tuple(
        census(name, *(one for one in vms if one.host == name), cluster="HVC1")
        for name in ("host01", "host02", "host03")
    )
    return (*nodes, census("host04"))


def in_it(found: Roster) -> Rosters:
    return dict.fromkeys(("host01", "host02", "host03"), found)


def test_clustered_vms_leave_by_their_cluster_to_nodes_that_may_own_them() -> None:
    vms = (vm(1, clustered=True), vm(2, clustered=True, state=VmState.OFF), vm(3))
    censuses, rosters = in_cluster(*vms), in_it(roster(*vms[:2]))
    wish = Wish(command="evacuate host01", hosts=("host01",))
    plan = add_pauses(plan_evacuation(wish, censuses, RULES, by_hand, rosters=rosters), censuses, rosters)
    moves = {leg.plan.move.vm_name: leg.plan.move for leg in plan.legs}
    assert {name: move.kind for name, move in moves.items()} == {
        "VM-01": MoveKind.CLUSTER,
        "VM-02": MoveKind.CLUSTER,
        "VM-03": MoveKind.LIVE,
    }
    assert moves["VM-01"].destination in ("host02", "host03")
    assert (moves["VM-02"].destination, moves["VM-02"].quick) == ("host03", True)
    (pause,) = plan.pauses
    assert (pause.host, pause.node, pause.witnesses) == ("host01", "HOST01", ("host01", "host02", "host03"))
    offer = text_of(render_evacuation(row(State.PROPOSED, plan=plan), ASKED))
    assert "First host01 is paused in HVC1, so that nothing lands on it" in offer
    assert find_changes(plan, censuses, RESERVE, rosters) == ()
    assert find_changes(plan, censuses, RESERVE, in_it(roster(vms[0]))) == (
        "HVC1 shows no role of VM-02 (needed: a role of its cluster)",
    )


def test_a_strict_rival_moves_away_where_room_is_made() -> None:
    large, rival = vm(1, clustered=True, memory_bytes=40 * GB), vm(3, "host02", clustered=True, memory_bytes=4 * GB)
    found = roster(large, rival)
    groups = tuple(group.model_copy(update={"apart": ("web",)}) for group in found.cluster.groups)
    cluster = found.cluster.model_copy(update={"groups": groups, "enforces_apart": True})
    rosters = in_it(found.model_copy(update={"cluster": cluster}))
    nodes = (census("host01", large), census("host02", rival), census("host03", memory_free_bytes=20 * GB))

    def planned(*, make_room: bool) -> EvacuationPlan:
        wish = Wish(command="evacuate host01", hosts=("host01",), make_room=make_room)
        return plan_evacuation(wish, nodes, RULES, by_hand, Known(ties=rosters["host01"].ties()), rosters)

    assert planned(make_room=False).legs == ()
    plan = planned(make_room=True)
    assert [(leg.plan.move.vm_name, leg.plan.move.destination, leg.stage) for leg in plan.legs] == [
        ("VM-03", "host03", 0),
        ("VM-01", "host02", 1),
    ]
    assert all(not leg.plan.blocked for leg in plan.legs)
    assert find_changes(plan, nodes, RESERVE, rosters) == ()
    second = plan.legs[1].plan  # when its turn comes, the cluster is asked again: the rival may have stayed
    assert changes(second, large, nodes[0].info, nodes[1].info, 0, cluster, rosters["host01"].role_of(large.id)) == (
        "HVC1 keeps VM-01 apart from VM-03, on host02 (needed: a node without them: the cluster enforces it)",
    )


def test_a_strict_rival_that_may_not_move_keeps_its_node() -> None:
    large, rival = vm(1, clustered=True), vm(3, "host02", clustered=True)
    found = roster(large, rival)
    groups = tuple(group.model_copy(update={"apart": ("web",)}) for group in found.cluster.groups)
    cluster = found.cluster.model_copy(update={"groups": groups, "enforces_apart": True})
    rosters = in_it(found.model_copy(update={"cluster": cluster}))
    rules = Rules(limits=RULES.limits, tags={"pinned": ("VM-03",)}, never=("pinned",))
    wish = Wish(command="evacuate host01", hosts=("host01",), make_room=True)
    nodes = (census("host01", large), census("host02", rival))
    plan = plan_evacuation(wish, nodes, rules, by_hand, Known(ties=rosters["host01"].ties()), rosters)
    assert plan.legs == ()
    assert "apart from VM-03" in stays(plan)["VM-01"]


def test_a_node_that_is_paused_already_stays_so_and_that_is_said() -> None:
    one = vm(1, clustered=True)
    censuses, rosters = in_cluster(one), in_it(roster(one, state=NodeState.PAUSED))
    wish = Wish(command="evacuate host01", hosts=("host01",))
    plan = add_pauses(plan_evacuation(wish, censuses, RULES, by_hand, rosters=rosters), censuses, rosters)
    assert plan.pauses == ()
    assert plan.notes[0].startswith("host01 is paused in HVC1 already, and stays so: `resume host01`")


def test_a_cluster_that_could_not_be_read_keeps_its_vms() -> None:
    one = vm(1, clustered=True)
    wish = Wish(command="evacuate host01", hosts=("host01",))
    plan = plan_evacuation(wish, in_cluster(one), RULES, by_hand)
    assert stays(plan) == {"VM-01": "VM-01 belongs to a failover cluster"}


def test_nothing_comes_home_to_a_node_that_is_paused() -> None:
    one = vm(1, "host02", clustered=True)
    censuses = in_cluster(one)
    paused = in_it(roster(one, state=NodeState.PAUSED))
    with pytest.raises(Refused) as caught:
        plan_return("return host01", ("host01",), away(one), censuses, RULES, rosters=paused)
    assert caught.value.hint == "`resume host01`, and then `return host01`"
    plan = plan_return("return host01", ("host01",), away(one), censuses, RULES, rosters=in_it(roster(one)))
    assert [leg.plan.move.kind for leg in plan.legs] == [MoveKind.CLUSTER]


# Measuring


def past(vm_name: str, seconds: float, gigabytes: int = 10, after_s: float = 0, to: str = "host02") -> Past:
    began = CONFIRMED + timedelta(seconds=after_s)
    return Past(vm_name, "host01", to, gigabytes * GB, began, began + timedelta(seconds=seconds))


NETWORK = Network(links={}, default_bytes_s=1.1e9, setup_s=4, finish_s=1)


def test_a_link_is_as_fast_as_the_fastest_move_that_had_it_alone() -> None:
    measured = measure([past("a", 15), past("b", 25, after_s=100)], NETWORK)
    assert measured.links == {"host01": pytest.approx(GB), "host02": pytest.approx(GB)}
    assert measured.dirty["a"] == 0
    assert measured.dirty["b"] == pytest.approx(GB / 2)


def test_moves_that_shared_a_link_tell_nothing() -> None:
    assert measure([past("a", 15), past("b", 25, after_s=10, to="host03")], NETWORK).links == {}
    assert measure([past("a", 5.2, gigabytes=1)], NETWORK).links == {}


def test_what_the_settings_say_of_a_link_holds() -> None:
    known = Network(links={"host01": 2.0 * GB, "host02": 2.0 * GB}, default_bytes_s=1, setup_s=4, finish_s=1)
    measured = measure([past("a", 15)], known)
    assert measured.links == {}
    assert measured.dirty["a"] == pytest.approx(GB)


# Ends and cards

PLAN = evacuate(census("host01", vm(1), vm(2), vm(3, clustered=True)), census("host02"))


def row(state: State, moves: Iterable[State] = (), **changes: Any) -> Evacuation:
    children = tuple(
        make_operation(each, PLAN.legs[number % 2].plan, id=f"m-{number + 2}", parent="m-1")
        for number, each in enumerate(moves)
    )
    values: dict[str, Any] = {
        "id": "m-1",
        "plan": PLAN,
        "state": state,
        "place": Place(team="T1", channel="C1"),
        "version": 1,
        "requested_by": ALICE,
        "requested_at": ASKED,
        "expires_at": ASKED + timedelta(minutes=10),
        "moves": children,
    }
    if state is not State.PROPOSED:
        values |= {"confirmed_by": BOB, "confirmed_at": CONFIRMED, "started_at": CONFIRMED}
    return Evacuation(**values | changes)


S = State


@pytest.mark.parametrize(
    ("moves", "cancel", "event", "summary"),
    [
        ((S.SUCCEEDED, S.SUCCEEDED), False, Event.SUCCEED, "2 of 2 VMs moved, 1 stayed, as the plan said"),
        ((S.SUCCEEDED, S.FAILED), False, Event.FAIL, "1 of 2 VMs moved, 1 failed, 1 stayed, as the plan said"),
        ((S.SUCCEEDED, S.CANCELLED), True, Event.CANCEL, "1 of 2 VMs moved, 1 cancelled, 1 stayed, as the plan said"),
        ((S.SUCCEEDED, S.CANCELLED), False, Event.FAIL, "1 of 2 VMs moved, 1 cancelled, 1 stayed, as the plan said"),
        ((S.SUCCEEDED, S.SUCCEEDED), True, Event.SUCCEED, "2 of 2 VMs moved, 1 stayed, as the plan said"),
        (
            (S.FAILED, S.NEEDS_ATTENTION),
            True,
            Event.DOUBT,
            "0 of 2 VMs moved, 1 failed, 1 unknown, 1 stayed, as the plan said",
        ),
        ((S.EXPIRED, S.CLOSED), False, Event.FAIL, "0 of 2 VMs moved, 1 failed, 1 unknown, 1 stayed, as the plan said"),
    ],
)
def test_what_became_of_its_moves_decides_how_it_ends(
    moves: tuple[State, ...], cancel: bool, event: Event, summary: str
) -> None:
    ended = conclude(row(State.UNDER_WAY, moves, cancel_asked=cancel))
    assert ended is not None
    assert (ended[0], ended[1].summary) == (event, summary)


def test_it_does_not_end_before_its_moves() -> None:
    for state in (S.QUEUED, S.GRANTED, S.RUNNING, S.VERIFYING):
        assert conclude(row(State.UNDER_WAY, (S.SUCCEEDED, state))) is None


def labels(reply: Reply) -> list[str]:
    return [button.label for button in reply.buttons]


def test_the_offer_shows_the_whole_plan_and_says_on_the_button_what_stays() -> None:
    card = render_evacuation(row(State.PROPOSED), ASKED)
    text = text_of(card)
    assert text.startswith("Evacuate host01?")
    assert "2 VMs to 1 host, 16 GB memory; storage stays where it is" in text
    assert "• VM-01 → host02, 8.0 GB" in text
    assert "1 VM stays:\nVM-03 belongs to a failover cluster" in text
    assert "Nothing changes until someone confirms" in text
    assert labels(card) == ["Move 2, leave 1", "Cancel"]
    assert card.buttons[0].sends == "confirm m-1"
    (table,) = [part for part in card.parts if isinstance(part, Table)]
    assert table.rows[0][0] == "host01"


def test_under_way_it_counts_and_names_what_is_in_flight() -> None:
    card = render_evacuation(row(State.UNDER_WAY, (S.RUNNING, S.QUEUED)), CONFIRMED + timedelta(seconds=8))
    assert "0 of 2 done, 1 running, 1 waiting, 1 staying" in text_of(card)
    assert "• VM-0" in text_of(card)
    assert labels(card) == ["Pause", "Cancel"]
    (bar,) = [part for part in card.parts if isinstance(part, Bar)]
    assert 0 <= bar.percent < 100
    assert plain(bar.line).startswith("8 s gone")


def test_paused_and_cancelled_say_who_and_what_goes_on() -> None:
    paused = render_evacuation(row(State.UNDER_WAY, (S.RUNNING, S.QUEUED), paused=True, paused_by=BOB), CONFIRMED)
    assert "is paused" in text_of(paused)
    assert "what runs goes on to its end, nothing new starts" in text_of(paused)
    assert labels(paused) == ["Resume", "Cancel"]
    itself = render_evacuation(row(State.UNDER_WAY, (S.FAILED, S.QUEUED), paused=True), CONFIRMED)
    assert "by itself: too many failed" in text_of(itself)
    assert labels(itself) == ["Resume", "Cancel", "Retry failed"]
    asked = row(State.UNDER_WAY, (S.RUNNING, S.CANCELLED), cancel_asked=True, cancelled_by=ALICE)
    assert labels(render_evacuation(asked, CONFIRMED)) == []


def test_the_end_compares_the_time_with_the_prediction() -> None:
    ended = row(
        State.FAILED,
        (S.SUCCEEDED, S.FAILED),
        ended_at=CONFIRMED + timedelta(seconds=75),
        outcome=Outcome(summary="1 of 2 VMs moved, 1 failed", remedy="retry m-1"),
    )
    card = render_evacuation(ended, CONFIRMED)
    assert "It took 1 min 15 s; about" in text_of(card)
    assert [(one.label, one.sends) for one in card.buttons] == [
        ("Retry failed", "retry m-1"),
        ("Bring them home", "return host01"),
    ]
    assert "retry m-1" not in text_of(card)  # its button says so


def test_every_state_has_a_card_and_a_line() -> None:
    moves = (S.SUCCEEDED, S.FAILED)
    for state in (S.PROPOSED, S.UNDER_WAY, S.SUCCEEDED, S.FAILED, S.CANCELLED, S.DECLINED, S.EXPIRED, S.CLOSED):
        shown = row(state, () if state in (S.PROPOSED, S.DECLINED, S.EXPIRED) else moves)
        assert text_of(render_evacuation(shown, ASKED))
        assert plain(render_status_line(shown, ASKED)).startswith("`m-1`")


def test_a_plan_that_is_only_looked_at_offers_nothing() -> None:
    preview = render_preview(PLAN)
    assert preview.buttons == ()
    assert "To offer it, type" not in text_of(preview)  # it is small print
    assert "2 VMs to 1 host" in text_of(preview)


def test_the_list_for_the_thread_has_every_move_and_all_that_stays() -> None:
    text = render_list_of_moves(PLAN)
    assert text.startswith("evacuate host01\n")
    assert sum(line.startswith("VM-0") for line in text.splitlines()) == 3
    assert "VM-03 stays on host01" in text


def test_the_picture_has_a_bar_for_every_move_that_was_sent() -> None:
    began = datetime(2026, 11, 23, 14, 32, tzinfo=UTC)
    ended = row(State.FAILED, (S.SUCCEEDED, S.CANCELLED), ended_at=began + timedelta(seconds=90))
    sent = ended.moves[0].model_copy(update={"started_at": began, "ended_at": began + timedelta(seconds=10)})
    never = ended.moves[1].model_copy(update={"started_at": None, "ended_at": began})
    picture = make_picture(ended.model_copy(update={"moves": (sent, never)}))
    (bar,) = picture.bars
    assert (bar.state, bar.bytes, bar.seconds) == ("moved", 8 * GB, 10)
    assert picture.title == "Evacuation of host01"
