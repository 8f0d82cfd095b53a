"""Every card in every state: rows as the shell leaves them, by what is asked for and what has become of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from bot.core.approval import Count
from bot.core.estate import Cluster, ClusterGroup, ClusterNode, Disk, DrainStatus, NodeState, Role
from bot.core.evacuation import Evacuation, EvacuationPlan
from bot.core.evacuation.homecoming import plan_return
from bot.core.holds.model import Hold, Kind
from bot.core.lifecycle import State
from bot.core.maintenance import Maintenance, MaintenancePlan, Task
from bot.core.operation import Outcome
from bot.core.plan import Plan
from bot.core.planner import plan_in_cluster
from bot.core.preparation import Preparation
from bot.core.shown import Shown
from tests.core import test_evacuation as evacuations
from tests.core import test_maintenance as maintenance
from tests.core import test_preparation as preparation
from tests.core.moves import GB, make_host, make_vm
from tests.core.rows import (
    ALICE,
    ASKED,
    BOB,
    CONFIRMED,
    LIMITS,
    STARTED,
    live_plan,
    make_operation,
    shared_nothing_plan,
    storage_plan,
)

Case = tuple[str, Shown]
S = State

TWO = (Count(name="critical", needed=2, by=()),)
ONE_OF_TWO = (Count(name="critical", needed=2, by=(BOB,)),)
NIGHT = ASKED.replace(hour=22, minute=0)
FREEZE = Hold(number=1, kind=Kind.FREEZE, by=BOB, reason="the storage is being repaired", at=ASKED)
LOCK = Hold(
    number=2, kind=Kind.HOST, target="host02", name="host02", by=BOB, reason="new firmware", at=ASKED, until=NIGHT
)
EVERY_STATE = tuple(state for state in State if state is not State.UNDER_WAY)  # an evacuation's
UNDECIDED: tuple[tuple[str, State, dict[str, Any]], ...] = (
    ("proposed, to be approved", S.PROPOSED, {"counts": TWO}),
    ("proposed, begins later", S.PROPOSED, {"begins_at": NIGHT}),
    ("awaiting approval, begins later", S.AWAITING_APPROVAL, {"begins_at": NIGHT}),
    ("scheduled, frozen", S.SCHEDULED, {"begins_at": NIGHT, "holds": (FREEZE,)}),
)


def cards() -> dict[str, tuple[Case, ...]]:
    """By kind, which names its file."""
    return {
        "live migration": tuple(_live()),
        "shared-nothing live migration": tuple(_states(_operation(shared_nothing_plan()), _END_WITH_STORAGE)),
        "storage live migration": tuple(_states(_operation(storage_plan()), _END_AT_PATH)),
        "migration in a cluster": tuple(_clustered()),
        "evacuation": tuple(_evacuation(evacuations.PLAN)),
        "return": tuple(_evacuation(_return_plan())),
        "drain": tuple(_drain()),
        "pause of a node": tuple(_states(_maintained(Task.PAUSE), _END_PAUSED)),
        "resume": tuple(_resume()),
        "prepare": tuple(_states(_prepared(back=False), _END_PREPARED)),
        "prepare back": tuple(_states(_prepared(back=True), _END_PUT_BACK)),
    }


Make = Callable[..., Shown]
Ends = dict[State, dict[str, Any]]


def _states(make: Make, ends: Ends) -> Iterator[Case]:
    """Each state, as it usually is. `ends`: what those say in which something is known of the outcome."""
    for state in EVERY_STATE:
        yield state.value, make(state, **ends.get(state, {}))


def _end(summary: str, **more: Any) -> dict[str, Any]:
    return {"outcome": Outcome(summary=summary, **more)}


def _operation(plan: Plan) -> Make:
    def make(state: State, **changes: Any) -> Shown:
        return make_operation(state, plan, **changes)

    return make


# One VM

_SILENT = "host01 gave no answer (timed out after 30 s); host02 does not show VM-01"
_DECLINED = {"cancelled_by": BOB}


def _live() -> Iterator[Case]:
    make = _operation(live_plan())
    yield from _states(
        make, {S.DECLINED: _DECLINED, S.CANCELLED: _end("nothing was started") | {"cancelled_by": ALICE}}
    )
    for name, state, changes in UNDECIDED:
        yield name, make(state, **changes)
    yield from _live_waiting(make)
    yield from _live_running(make)
    yield from _live_ended(make)


def _live_waiting(make: Make) -> Iterator[Case]:
    yield "queued, no room", make(S.QUEUED, waiting="host02 runs 2 of 2 live migrations; next in line")
    yield (
        "queued, refused for want of room",
        make(S.QUEUED, waiting="host02 has no room: it is at its limit of live migrations; asked again in 30 s"),
    )
    yield (
        "queued, frozen",
        make(S.QUEUED, holds=(FREEZE,), waiting="Ferry is frozen: the storage is being repaired"),
    )
    yield "queued, locked", make(S.QUEUED, holds=(LOCK,), waiting="host02 is locked: new firmware")
    yield "granted, waits its turn", make(S.GRANTED, waiting="waits its turn: 3 moves are looked at on host01")
    yield "granted, cancel asked", make(S.GRANTED, cancel_asked=True, cancelled_by=ALICE)


def _live_running(make: Make) -> Iterator[Case]:
    yield "running, 47 %", make(S.RUNNING, percent=47)
    yield "running, 100 %", make(S.RUNNING, percent=100)
    yield "running, longer than estimated", make(S.RUNNING, started_at=STARTED - timedelta(minutes=4))
    yield (
        "running, host away",
        make(S.RUNNING, percent=47, waiting="host01 gives no answer: timed out after 30 s; asking again"),
    )
    yield "running, no progress", make(S.RUNNING, percent=47, waiting="no progress for 5 min; host01 shows it at 47 %")
    yield "running, frozen", make(S.RUNNING, percent=47, holds=(FREEZE,))
    yield "running, cancel asked", make(S.RUNNING, percent=47, cancel_asked=True, cancelled_by=ALICE)


def _live_ended(make: Make) -> Iterator[Case]:
    moved = "running on host02, gone from host01"
    yield "succeeded, seen later", make(S.SUCCEEDED, outcome=Outcome(summary=moved, late=True))
    yield (
        "succeeded, cancel too late",
        make(
            S.SUCCEEDED,
            cancel_asked=True,
            cancelled_by=ALICE,
            **_end(f"{moved}; the request to cancel came too late"),
        ),
    )
    yield (
        "failed, nothing started",
        make(
            S.FAILED,
            started_at=None,
            **_end(
                "nothing was started: what was confirmed is no longer so",
                cause="VM-01 is off now, not running",
                remedy="migrate VM-01 to host02",
            ),
        ),
    )
    yield (
        "needs attention, silent host",
        make(
            S.NEEDS_ATTENTION,
            **_end(_SILENT, cause="what was seen does not tell how the move ended", remedy="look m-12"),
        ),
    )
    yield (
        "needs attention, goes on past its deadline",
        make(
            S.NEEDS_ATTENTION,
            job="C1D2",
            **_end("no end within 2 h: host01 shows VM-01 running, moving it to host02", remedy="look m-12"),
        ),
    )
    yield (
        "cancelled, after its start",
        make(
            S.CANCELLED,
            started_at=STARTED,
            ended_at=STARTED + timedelta(seconds=4),
            cancel_asked=True,
            cancelled_by=ALICE,
            **_end("VM-01 is still running on host01"),
        ),
    )
    yield (
        "cancelled, withdrawn before it was approved",
        make(S.CANCELLED, cancelled_by=ALICE, **_end("withdrawn before it was approved; nothing was started")),
    )
    yield "declined, with a reason", make(S.DECLINED, **_DECLINED, **_end("nothing was started", cause="not tonight"))
    yield (
        "expired, not approved",
        make(S.EXPIRED, confirmed_by=BOB, **_end("it was not approved in time; nothing was started")),
    )
    yield (
        "expired, the world has changed",
        make(
            S.EXPIRED,
            **_end("what was offered is no longer so; nothing was started", cause="VM-01 is off now, not running"),
        ),
    )
    yield (
        "expired, its time was missed",
        make(
            S.EXPIRED,
            confirmed_by=BOB,
            confirmed_at=CONFIRMED,
            **_end(
                "it did not begin at its time; m-13 is offered instead",
                cause="Ferry was not running then",
                remedy="status m-13",
            ),
        ),
    )


_END_WITH_STORAGE: Ends = {
    S.DECLINED: _DECLINED,
    S.CANCELLED: _end("nothing was started") | {"cancelled_by": ALICE},
    S.SUCCEEDED: _end("running on host02, gone from host01, storage in D:\\VMs"),
}
_END_AT_PATH: Ends = {
    S.DECLINED: _DECLINED,
    S.CANCELLED: _end("nothing was started") | {"cancelled_by": ALICE},
    S.SUCCEEDED: _end(r"running on host01, configuration and disks in \\server01\vmstore"),
    S.FAILED: _end(
        "VM-01 is still running on host01, its storage where it was",
        words="Storage migration failed. (0x80070070)",
        cause=r"\\server01\vmstore has no room for it",
        remedy=r"free 42 GB there, then: move storage VM-01 to \\server01\vmstore",
    ),
    S.NEEDS_ATTENTION: _end("host01 gave no answer"),
}


def _clustered() -> Iterator[Case]:
    volume = r"C:\ClusterStorage\Volume1"
    disks = (Disk(path=rf"{volume}\VM-01\VM-01.vhdx", size_bytes=80 * GB, file_bytes=42 * GB),)
    vm = make_vm(clustered=True, path=rf"{volume}\VM-01", disks=disks, uptime_s=41 * 86400)
    nodes = tuple(ClusterNode(name=f"HOST0{number}") for number in (1, 2, 3))
    group = ClusterGroup(name="VM-01", owner="HOST01")
    cluster = Cluster(name="HVC1", nodes=nodes, groups=(group,))
    role = Role(group=group, possible_owners=("HOST01", "HOST02"), vm=vm.id)
    source, destination = make_host("host01", cluster="HVC1"), make_host("host02", cluster="HVC1")
    for quickly in (False, True):
        command = "migrate VM-01 to host02" + (" quickly" if quickly else "")
        plan = plan_in_cluster(command, vm, source, destination, LIMITS, cluster, role, quickly=quickly)
        make = _operation(plan)
        if quickly:
            yield "proposed, quickly", make(S.PROPOSED)
            continue
        yield from _states(make, {S.SUCCEEDED: _end("running on host02, which owns it in the cluster")})
        yield "running, in the cluster's queue", make(S.RUNNING, waiting="waiting in the cluster's queue")
        yield (
            "failed, started anew elsewhere",
            make(
                S.FAILED,
                **_end(
                    "its cluster has started VM-01 anew on host03, 40 s ago: not moved by Ferry",
                    cause="its uptime began anew, as after the failure of a node; host01 gave no answer",
                    remedy="where VM-01",
                ),
            ),
        )


# Many


def _return_plan() -> EvacuationPlan:
    here = evacuations.vm(1, "host02"), evacuations.vm(2, "host02")
    gone = evacuations.away(*here)
    censuses = (evacuations.census("host01"), evacuations.census("host02", *here))
    return plan_return("return host01", ("host01",), gone, censuses, evacuations.RULES)


def _evacuation(plan: EvacuationPlan) -> Iterator[Case]:
    def make(state: State, moves: Sequence[State] = (), **changes: Any) -> Evacuation:
        children = tuple(
            make_operation(each, plan.legs[number % 2].plan, id=f"m-{number + 2}", parent="m-1")
            for number, each in enumerate(moves)
        )
        begun = {} if state in (S.PROPOSED, S.AWAITING_APPROVAL, S.SCHEDULED) or not moves else {"started_at": STARTED}
        if state is S.PROPOSED or (state in (S.DECLINED, S.EXPIRED) and "confirmed_by" not in changes):
            begun |= {"confirmed_by": None, "confirmed_at": None}
        fresh: dict[str, Any] = {"started_at": None}
        return evacuations.row(state, plan=plan, **fresh | begun | changes).model_copy(update={"moves": children})

    yield "proposed", make(S.PROPOSED)
    for name, state, changes in UNDECIDED:
        yield name, make(state, **({"counts": ONE_OF_TWO} if state is S.AWAITING_APPROVAL else {}) | changes)
    yield "awaiting approval", make(S.AWAITING_APPROVAL, counts=ONE_OF_TWO)
    yield "scheduled", make(S.SCHEDULED, begins_at=NIGHT)
    yield from _evacuation_under_way(make)
    yield from _evacuation_ended(make)


def _evacuation_under_way(make: Callable[..., Evacuation]) -> Iterator[Case]:
    half = (S.RUNNING, S.QUEUED)
    yield "under way", make(S.UNDER_WAY, half)
    yield "under way, nothing runs", make(S.UNDER_WAY, (S.SUCCEEDED, S.QUEUED))
    yield "under way, frozen", make(S.UNDER_WAY, half, holds=(FREEZE,))
    yield "under way, one failed", make(S.UNDER_WAY, (S.FAILED, S.RUNNING))
    yield "paused", make(S.UNDER_WAY, half, paused=True, paused_by=BOB)
    yield "paused by itself", make(S.UNDER_WAY, (S.FAILED, S.QUEUED), paused=True)
    yield "cancelling", make(S.UNDER_WAY, (S.RUNNING, S.CANCELLED), cancel_asked=True, cancelled_by=ALICE)


def _evacuation_ended(make: Callable[..., Evacuation]) -> Iterator[Case]:
    after: dict[str, Any] = {"ended_at": STARTED + timedelta(seconds=75)}
    yield "succeeded", make(S.SUCCEEDED, (S.SUCCEEDED, S.SUCCEEDED), **after, **_end("2 of 2 VMs moved"))
    yield (
        "failed",
        make(S.FAILED, (S.SUCCEEDED, S.FAILED), **after, **_end("1 of 2 VMs moved, 1 failed", remedy="retry m-1")),
    )
    yield (
        "needs attention",
        make(
            S.NEEDS_ATTENTION,
            (S.SUCCEEDED, S.NEEDS_ATTENTION),
            **after,
            **_end("1 of 2 VMs moved, 1 unknown", remedy="look m-3"),
        ),
    )
    yield (
        "closed",
        make(
            S.CLOSED,
            (S.SUCCEEDED, S.CLOSED),
            cancelled_by=BOB,
            **after,
            **_end("closed because VM-02 was moved by hand"),
        ),
    )
    yield (
        "cancelled",
        make(
            S.CANCELLED,
            (S.SUCCEEDED, S.CANCELLED),
            cancel_asked=True,
            cancelled_by=ALICE,
            **after,
            **_end("1 of 2 VMs moved, 1 cancelled", remedy="retry m-1"),
        ),
    )
    yield (
        "cancelled, withdrawn before it was approved",
        make(S.CANCELLED, cancelled_by=ALICE, **_end("withdrawn before it was approved; nothing was started")),
    )
    yield "declined", make(S.DECLINED, cancelled_by=BOB, **_end("nothing was started"))
    yield "expired", make(S.EXPIRED, **_end("nobody confirmed it in time; nothing was started"))


# A host itself


def _begun(state: State) -> dict[str, Any]:
    """What a row of that state has of people and times."""
    times: dict[str, Any] = {"requested_by": ALICE, "requested_at": ASKED, "expires_at": ASKED + timedelta(minutes=10)}
    if state not in (S.PROPOSED, S.DECLINED, S.EXPIRED):
        times |= {"confirmed_by": BOB, "confirmed_at": CONFIRMED}
    if state is S.AWAITING_APPROVAL:
        times |= {"counts": ONE_OF_TWO}
    if state is S.SCHEDULED:
        times |= {"begins_at": NIGHT}
    if state in (S.RUNNING, S.VERIFYING, S.SUCCEEDED, S.FAILED, S.NEEDS_ATTENTION, S.CLOSED):
        times |= {"started_at": STARTED}
    if state in (S.SUCCEEDED, S.FAILED, S.NEEDS_ATTENTION, S.CLOSED):
        times |= {"ended_at": STARTED + timedelta(seconds=11)}
    return times


def _drain_plan() -> MaintenancePlan:
    return maintenance.drain(maintenance.roster(*maintenance.THERE))


def _maintained(task: Task, plan: MaintenancePlan | None = None) -> Callable[..., Maintenance]:
    drained = plan or _drain_plan().model_copy(update={"command": "evacuate host01", "roles": (), "findings": ()})
    asked = drained.model_copy(update={"task": task})

    def make(state: State, **changes: Any) -> Maintenance:
        return maintenance.row(asked, state, **_begun(state) | changes)

    return make


_NOBODY_TOLD: Ends = {
    S.DECLINED: _DECLINED | _end("nothing was changed"),
    S.CANCELLED: _end("withdrawn before its time came; nothing was changed") | {"cancelled_by": ALICE},
    S.EXPIRED: _end("nobody confirmed it in time; nothing was changed"),
    S.CLOSED: _end("closed because it was done by hand") | {"cancelled_by": BOB},
}


def _drain() -> Iterator[Case]:
    make = _maintained(Task.DRAIN, _drain_plan())
    ends = _NOBODY_TOLD | {
        S.QUEUED: {"waiting": "m-5 is under way on host01"},
        S.RUNNING: {"percent": 50, "waiting": "1 of 2 has left; VM-01 is moving"},
        S.SUCCEEDED: _end("host01 is paused and drained; host02 has VM-01 and VM-02"),
        S.FAILED: _end(
            "HVC1 could not drain host01, which is still paused: VM-01 is on it",
            cause="VM-01: no other node may own it",
            remedy="`resume host01 with failback`",
        ),
        S.NEEDS_ATTENTION: _end("HVC1 gave no answer; whether host01 is drained is not known"),
    }
    yield from _states(make, ends)
    for name, state, changes in UNDECIDED:
        yield name, make(state, **changes)
    yield (
        "running, cancel asked",
        make(S.RUNNING, percent=50, waiting="1 of 2 has left; VM-01 is moving", cancel_asked=True, cancelled_by=ALICE),
    )
    yield "running, host away", make(S.RUNNING, percent=50, waiting="HVC1 gives no answer; asking again")
    yield (
        "cancelled, after its start",
        make(
            S.CANCELLED,
            started_at=STARTED,
            ended_at=STARTED + timedelta(seconds=11),
            cancel_asked=True,
            cancelled_by=ALICE,
            **_end("the drain was stopped: host01 is up in HVC1; host02 has VM-01"),
        ),
    )


def _resume() -> Iterator[Case]:
    gone = maintenance.roster(
        *maintenance.GONE, states=(NodeState.PAUSED, NodeState.UP, NodeState.UP), drain=DrainStatus.COMPLETED
    )
    ends = _NOBODY_TOLD | {
        S.RUNNING: {"percent": 50, "waiting": "1 of 2 is back; VM-02 is moving"},
        S.SUCCEEDED: _end("host01 is up in HVC1 and takes virtual machines again; VM-01 and VM-02 are back"),
        S.FAILED: _end(
            "host01 is up in HVC1, and not everything is back: host02 has VM-02",
            cause="its cluster did not bring it back",
            remedy="`migrate VM-02 to host01`",
        ),
        S.NEEDS_ATTENTION: _end("HVC1 gave no answer; whether host01 is up is not known"),
    }
    yield from _states(_maintained(Task.RESUME, maintenance.back(gone)), ends)
    yield "proposed, without failback", _maintained(Task.RESUME, maintenance.back(gone, failback=False))(S.PROPOSED)


_END_PAUSED: Ends = _NOBODY_TOLD | {
    S.SUCCEEDED: _end("host01 is paused in HVC1"),
    S.FAILED: _end(
        "host01 takes part in HVC1",
        cause="the order did not arrive, or somebody has resumed it since; it is not sent twice",
    ),
    S.NEEDS_ATTENTION: _end("HVC1 gave no answer; whether host01 is paused is not known"),
}


def _prepared(*, back: bool) -> Callable[..., Preparation]:
    plan = preparation.plan(*(reversed(_SETTINGS_BACK) if back else ()), back=back)
    command = "prepare host01 back" if back else "prepare host01"

    def make(state: State, **changes: Any) -> Preparation:
        return preparation.row(state, plan=plan.model_copy(update={"command": command}), **_begun(state) | changes)

    return make


_SETTINGS_BACK = tuple(
    one.model_copy(update={"before": one.after, "after": one.before})
    for one in (preparation.KERBEROS, preparation.ENABLED)
)
_END_PREPARED: Ends = _NOBODY_TOLD | {
    S.SUCCEEDED: _end("host01 shows live migration enabled, authentication by Kerberos"),
    S.FAILED: _end(
        "host01 still shows live migration disabled",
        words="The operation cannot be performed while the object is in use.",
        cause="another management tool holds the host's settings",
        remedy="prepare host01",
    ),
    S.NEEDS_ATTENTION: _end("host01 gives no answer: what is set there is not known"),
}
_END_PUT_BACK: Ends = _END_PREPARED | {
    S.SUCCEEDED: _end("host01 shows live migration disabled, authentication by CredSSP"),
    S.FAILED: _end(
        "what was confirmed is no longer so; nothing more was set",
        cause="host01 runs 2 live migrations, which switching them off would end",
        remedy="prepare host01 back",
    ),
}
