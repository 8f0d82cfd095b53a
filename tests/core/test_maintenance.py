"""Drains and resumptions as plans, verdicts and cards: how each role would move, what stays and why, how it ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.estate import (
    Cluster,
    ClusterGroup,
    ClusterNode,
    DrainStatus,
    Estate,
    GroupState,
    NodeState,
    Role,
    Seen,
    VmState,
    VmSummary,
)
from bot.core.later import find_differences
from bot.core.lifecycle import Event, State
from bot.core.maintenance import How, Maintenance, MaintenancePlan, Task, find_changes, plan_drain, plan_resumption
from bot.core.maintenance.card import render_maintenance
from bot.core.maintenance.judging import Sight, conclude, judge, measure
from bot.core.maintenance.roles import find_how, find_obstacle
from bot.core.names import UserId, VmId
from bot.core.operation import Outcome, Place
from bot.core.plan import Level
from bot.core.reply import Text
from bot.core.roster import Roster
from bot.errors import Refused
from tests.asking import plain
from tests.core.moves import make_host

GB = 1 << 30
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def role(name: str, owner: str = "HOST01", owners: tuple[str, ...] | None = None, **values: object) -> Role:
    group = ClusterGroup.model_validate({"name": name, "owner": owner, **values})
    return Role(group=group, possible_owners=owners, vm=VmId(f"id of {name}"))


def roster(
    *roles: Role,
    states: tuple[int, ...] = (NodeState.UP, NodeState.UP, NodeState.UP),
    drain: int = DrainStatus.NOT_INITIATED,
    enforces_apart: bool = False,
    live_from: int | None = 2000,
) -> Roster:
    nodes = tuple(
        ClusterNode(name=f"HOST0{number}", state=state, drain=drain if number == 1 else 0)
        for number, state in enumerate(states, 1)
    )
    groups = tuple(one.group for one in roles)
    cluster = Cluster(name="HVC1", nodes=nodes, groups=groups, live_limit=1, enforces_apart=enforces_apart)
    return Roster(cluster=cluster, roles=roles, live_from=live_from)


def make_vm(name: str, **values: object) -> VmSummary:
    return VmSummary.model_validate({"name": name, "host": "host01", "state": VmState.RUNNING, **values})


def estate(memory_gb: int = 8, free_gb: int = 64, *others: str) -> Estate:
    """Three nodes; each VM that a roster names has that much memory."""
    names = ("VM-01", "VM-02", "VM-03")
    vms = tuple(
        VmSummary(
            id=VmId(f"id of {name}"),
            name=name,
            host="host01",
            state=VmState.RUNNING,
            memory_bytes=memory_gb * GB,
            clustered=True,
        )
        for name in names
    )
    alone = tuple(make_vm(name, id=VmId(name)) for name in others)
    return Estate(
        hosts=tuple(
            Seen(
                host=name,
                at=NOW,
                vms=(*vms, *alone) if name == "host01" else (),
                info=make_host(name, cluster="HVC1", memory_free_bytes=free_gb * GB),
            )
            for name in ("host01", "host02", "host03")
        )
    )


def drain(found: Roster, seen: Estate | None = None) -> MaintenancePlan:
    return plan_drain("drain host01", "host01", found, seen or estate(), (), ())


def row(plan: MaintenancePlan, state: State = State.PROPOSED, **values: object) -> Maintenance:
    return Maintenance.model_validate(
        {
            "id": "m-7",
            "state": state,
            "place": Place(team="T1", channel="C1"),
            "version": 1,
            "requested_by": UserId("U0ALICE"),
            "requested_at": NOW,
            "expires_at": NOW + timedelta(minutes=10),
            "plan": plan,
            **values,
        }
    )


def text_of(plan: MaintenancePlan, state: State = State.PROPOSED, **values: object) -> str:
    reply = render_maintenance(row(plan, state, **values))
    lines = [plain(line) for part in reply.parts if isinstance(part, Text) for line in part.lines]
    return "\n".join([plain(reply.title), *lines])


@pytest.mark.parametrize(
    ("values", "move_type", "live_from", "how"),
    [
        ({}, None, 2000, How.LIVE),
        ({"priority": 1000}, None, 2000, How.QUICK),
        ({"priority": 1000}, 4294967295, 1000, How.LIVE),
        ({"priority": 3000}, None, 3001, How.QUICK),
        ({"priority": 1000}, None, None, How.QUICK),
        ({"priority": 1000}, 4, 2000, How.LIVE),
        ({}, 1, 2000, How.QUICK),
        ({}, 2, 2000, How.STOPPED),
        ({"state": GroupState.OFFLINE, "priority": 1000}, None, 2000, How.OFF),
    ],
)
def test_how_a_role_moves_by_itself(
    values: dict[str, object], move_type: int | None, live_from: int | None, how: How
) -> None:
    one = role("VM-01", **values).model_copy(update={"move_type": move_type})
    assert find_how(one, live_from) is how


LOCKED = "the cluster has it locked, as it does while it is backed up"
UP, DOWN, PAUSED = NodeState.UP, NodeState.DOWN, NodeState.PAUSED


@pytest.mark.parametrize(
    ("one", "others", "states", "enforced", "why"),
    [
        (role("VM-01"), (), (UP, UP, UP), False, ""),
        (role("VM-01"), (), (UP, DOWN, PAUSED), False, "host02 is down and host03 is paused"),
        (role("VM-01", owners=("HOST01",)), (), (UP, UP, UP), False, "no node but host01 is a possible owner of it"),
        (
            role("VM-01", owners=("HOST01", "HOST02")),
            (),
            (UP, PAUSED, UP),
            False,
            "host02 is paused, and no other node is a possible owner of it",
        ),
        (
            role("VM-01", status=1),
            (),
            (UP, UP, UP),
            False,
            LOCKED,
        ),
        (role("VM-01", apart=("a",)), (role("VM-02", "HOST02", apart=("a",)),), (UP, UP, DOWN), False, ""),
        (
            role("VM-01", apart=("a",)),
            (role("VM-02", "HOST02", apart=("a",)),),
            (UP, UP, DOWN),
            True,
            "HVC1 enforces that it is kept apart from VM-02 on host02",
        ),
        (role("VM-01", apart=("a",)), (role("VM-02", "HOST02", apart=("a",)),), (UP, UP, UP), True, ""),
    ],
)
def test_why_a_role_cannot_leave(
    one: Role, others: tuple[Role, ...], states: tuple[int, ...], enforced: bool, why: str
) -> None:
    assert find_obstacle(roster(one, *others, states=states, enforces_apart=enforced), one, "HOST01") == why


def test_a_plan_names_what_moves_how_and_among_which_nodes_and_no_destination() -> None:
    plan = drain(roster(role("VM-02", priority=1000), role("VM-01", owners=("HOST01", "HOST03")), role("X", "HOST02")))
    assert [(one.group, one.how, one.to) for one in plan.roles] == [
        ("VM-01", How.LIVE, ("host03",)),
        ("VM-02", How.QUICK, ("host02", "host03")),
    ]
    assert (plan.node, plan.witnesses) == ("HOST01", ("host01", "host02", "host03"))
    shown = text_of(plan)
    assert "Drain host01?" in shown
    assert "moves 2 VMs away by itself, the highest priority first, 1 live at a time. It chooses where." in shown


@pytest.mark.parametrize(
    ("seen", "level", "text"),
    [
        (estate(8, 64), Level.FINE, "16 GB of memory to place, 64 GB on host02 and 64 GB on host03 free"),
        (estate(48, 32), Level.WARNING, "Ferry finds no room for VM-01 (48 GB) and VM-02 (48 GB)"),
        (Estate(), Level.WARNING, "how much memory VM-01 and VM-02 need is not known"),
    ],
)
def test_whether_there_is_room(seen: Estate, level: Level, text: str) -> None:
    plan = drain(roster(role("VM-01"), role("VM-02")), seen)
    assert any(one.level is level and text in one.text for one in plan.findings if one.code == "memory")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (roster(role("VM-01", priority=1000)), "its priority is low, and HVC1 moves live only from medium up"),
        (roster(role("VM-01"), states=(UP, UP, DOWN)), "host03 is down and takes nothing"),
        (roster(role("VM-01"), live_from=None), "does not tell from which priority it moves live"),
        (roster(role("VM-01"), states=(PAUSED, UP, UP)), "host01 is paused already"),
        (
            roster(role("VM-01", apart=("a",)), role("VM-02", "HOST02", apart=("a",)), states=(UP, UP, DOWN)),
            "HVC1 keeps apart what then comes together: VM-01 with VM-02",
        ),
    ],
)
def test_what_is_said_beside_a_plan(found: Roster, text: str) -> None:
    assert any(text in one.text for one in drain(found).findings)


def test_what_is_no_role_is_said_to_stay() -> None:
    plan = drain(roster(role("VM-01")), estate(8, 64, "ALONE"))
    assert any("ALONE is no role of HVC1 and stays on host01" in one.text for one in plan.findings)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (roster(role("VM-01"), states=(DOWN, UP, UP)), "host01 is down in HVC1: VM-01 is left on it and not running"),
        (roster(states=(PAUSED, UP, UP)), "host01 is paused in HVC1 and owns no virtual machine"),
        (roster(role("VM-01"), states=(UP, DOWN, PAUSED)), "no other node of HVC1 is up"),
        (roster(role("VM-01"), states=(PAUSED, UP, UP), drain=DrainStatus.IN_PROGRESS), "is being drained in HVC1"),
    ],
)
def test_what_is_not_drained(found: Roster, text: str) -> None:
    with pytest.raises(Refused) as caught:
        drain(found)
    assert text in caught.value.saw


def test_one_operation_of_a_host_at_a_time() -> None:
    open_one = row(drain(roster(role("VM-01"))), State.RUNNING, confirmed_by=UserId("U0BOB"))
    with pytest.raises(Refused, match="m-7 is at host01: drain host01 is running"):
        plan_drain("drain host01", "host01", roster(role("VM-01")), estate(), (), (open_one,))


def test_what_is_scheduled_leaves_the_host_free_and_so_may_be_planned_anew_when_it_is_due() -> None:
    agreed = drain(roster(role("VM-01")))
    scheduled = row(agreed, State.SCHEDULED, confirmed_by=UserId("U0BOB"))
    again = plan_drain("drain host01", "host01", roster(role("VM-01")), estate(), (), (scheduled,))
    assert find_differences(agreed, again) == ()
    more = plan_drain("drain host01", "host01", roster(role("VM-01"), role("VM-02")), estate(), (), (scheduled,))
    assert find_differences(agreed, more) == ("VM-02 would move, too",)


@pytest.mark.parametrize(
    ("now", "differences"),
    [
        (roster(role("VM-01"), role("VM-02", "HOST02")), ()),
        (roster(role("VM-01", "HOST03")), ("VM-01 is no longer on host01",)),
        (roster(role("VM-01"), role("VM-03")), ("VM-03 is on host01 now",)),
        (roster(role("VM-01", priority=1000)), ("VM-01 would move quick, and was shown as live",)),
        (roster(role("VM-01"), states=(UP, DOWN, DOWN)), ("VM-01 cannot leave: host02 is down and host03 is down",)),
        (roster(role("VM-01"), states=(PAUSED, UP, UP)), ("host01 is paused in HVC1 now",)),
    ],
)
def test_what_has_changed_since_the_offer(now: Roster, differences: tuple[str, ...]) -> None:
    assert find_changes(drain(roster(role("VM-01"))), now) == differences


THERE, HALF = (role("VM-01"), role("VM-02")), (role("VM-01"), role("VM-02", "HOST02"))
GONE = (role("VM-01", "HOST03"), role("VM-02", "HOST02"))
COMPLETED, FAILED, GOING = DrainStatus.COMPLETED, DrainStatus.FAILED, DrainStatus.IN_PROGRESS


@pytest.mark.parametrize(
    ("roles", "state", "status", "sight", "event", "summary"),
    [
        (THERE, UP, 0, Sight.UNTOUCHED, Event.FAIL, "host01 is not being drained; 2 VMs on it"),
        (HALF, PAUSED, GOING, Sight.UNDER_WAY, None, ""),
        (
            GONE,
            PAUSED,
            COMPLETED,
            Sight.DONE,
            Event.SUCCEED,
            "and drained; host02 has VM-02, host03 has VM-01",
        ),
        (HALF, PAUSED, COMPLETED, Sight.DONE, Event.FAIL, "host01 counts as drained, and VM-01 is on it"),
        (HALF, PAUSED, FAILED, Sight.FAILED, Event.FAIL, "which is still paused: VM-01 stayed; host02 has VM-02"),
        (HALF, DOWN, 0, Sight.LOST, Event.FAIL, "host01 went down; host02 has VM-02"),
    ],
)
def test_how_a_drain_ends(
    roles: tuple[Role, ...], state: int, status: int, sight: Sight, event: Event | None, summary: str
) -> None:
    plan = drain(roster(*THERE))
    cluster = roster(*roles, states=(state, UP, UP), drain=status).cluster
    assert judge(plan, cluster) is sight
    ended = conclude(plan, cluster)
    assert (ended[0] if ended else None) is event
    assert summary in (ended[1].summary if ended else "")


@pytest.mark.parametrize(
    ("roles", "state", "status", "event", "summary"),
    [
        (HALF, UP, 0, Event.CANCEL, "host01 takes part in HVC1 again; host02 has VM-02 by now; VM-01 stayed"),
        (THERE, UP, 0, Event.CANCEL, "host01 takes part in HVC1 again; nothing has moved; VM-01 and VM-02 stayed"),
        (GONE, PAUSED, COMPLETED, Event.SUCCEED, "host03 has VM-01; the cancel came too late"),
    ],
)
def test_how_a_drain_ends_that_was_to_be_stopped(
    roles: tuple[Role, ...], state: int, status: int, event: Event, summary: str
) -> None:
    cluster = roster(*roles, states=(state, UP, UP), drain=status).cluster
    ended = conclude(drain(roster(*THERE)), cluster, cancelled=True)
    assert ended is not None
    assert ended[0] is event
    assert ended[1].summary.endswith(summary)


TAKES = "host01 is up in HVC1 and takes virtual machines again"


def back(found: Roster, *, failback: bool = True) -> MaintenancePlan:
    last = row(drain(roster(*THERE)), State.SUCCEEDED)
    return plan_resumption("resume host01", "host01", found, estate(), last, (), failback=failback)


@pytest.mark.parametrize(
    ("roles", "state", "sight", "event", "summary"),
    [
        (GONE, PAUSED, Sight.UNTOUCHED, Event.FAIL, "host01 is still paused"),
        (
            THERE,
            UP,
            Sight.DONE,
            Event.SUCCEED,
            f"{TAKES}; VM-01 and VM-02 are back",
        ),
        (HALF, UP, Sight.QUIET, Event.FAIL, "host01 is up in HVC1, and not everything is back: host02 has VM-02"),
        ((role("VM-01"), role("VM-02", "HOST02", status=4)), UP, Sight.UNDER_WAY, None, ""),
    ],
)
def test_how_a_failback_ends(
    roles: tuple[Role, ...], state: int, sight: Sight, event: Event | None, summary: str
) -> None:
    plan = back(roster(*GONE, states=(PAUSED, UP, UP), drain=COMPLETED))
    cluster = roster(*roles, states=(state, UP, UP)).cluster
    assert judge(plan, cluster) is sight
    ended = conclude(plan, cluster)
    assert (ended[0] if ended else None) is event
    assert (ended[1].summary if ended else "") == summary


def test_a_resumption_tells_what_comes_back_as_far_as_it_is_known() -> None:
    paused = roster(*GONE, states=(PAUSED, UP, UP), drain=COMPLETED)
    assert "bring back what was drained by m-7." in text_of(back(paused))
    assert "Nothing is moved back." in text_of(back(paused, failback=False))
    unknown = plan_resumption("resume host01", "host01", paused, estate(), None, (), failback=True)
    assert "the last drain of host01 was not Ferry's" in text_of(unknown)
    with pytest.raises(Refused, match="host01 is up in HVC1, not paused"):
        back(roster(*GONE))


def test_progress_is_told_by_owners_and_states() -> None:
    plan = drain(roster(*THERE))
    moving = (role("VM-01", state=GroupState.PENDING), role("VM-02", "HOST02"))
    assert measure(plan, roster(*moving).cluster) == (50, "1 of 2 has left; VM-01 is moving")
    assert measure(plan, roster(role("VM-01", status=4), role("VM-02")).cluster) == (
        0,
        "0 of 2 have left; VM-01 waits for its turn",
    )


@pytest.mark.parametrize("state", [state for state in State if state is not State.UNDER_WAY])
@pytest.mark.parametrize("task", list(Task))
def test_every_state_has_a_card(state: State, task: Task) -> None:
    plan = drain(roster(*THERE)).model_copy(update={"task": task})
    assert "host01" in text_of(plan, state, outcome=Outcome(summary="so it is"))
