"""The reconcile rule in a cluster: what both nodes show of the VM, and what the cluster shows of its role."""

from __future__ import annotations

import itertools

import pytest

from bot.core.estate import GroupState, RoleSight, Sighting, VmState
from bot.core.plan import Move, MoveKind
from bot.core.reconcile import Moved, Moving, MovingElsewhere, NotMoved, Unknown, decide_whereabouts, render_sightings
from tests.core.test_reconcile import ACTIVE, BROKEN, JobState, job, make_move, make_vm, show

ONLINE, OFFLINE, FAILED, PENDING = GroupState.ONLINE, GroupState.OFFLINE, GroupState.FAILED, GroupState.PENDING
SHOWN = ("here", "absent", "silent")


def cluster_move(**values: object) -> Move:
    given = {"storage_path": None, "destination_fqdn": "host02.contoso.com", **values}
    return make_move(MoveKind.CLUSTER, **given)


def seen(host: str, what: str, role: RoleSight | None, state: JobState | None = None) -> Sighting | None:
    sighting = show(host, what, state)
    return sighting and sighting.model_copy(update={"role": role})


def role(owner: str, state: int = ONLINE, **values: int) -> RoleSight:
    return RoleSight(owner=owner, state=state, **values)


def expected(source: str, destination: str, told: RoleSight) -> type:
    """The rule said again, as a person would read it."""
    if source == destination == "silent":
        return Unknown
    if source != "silent" and destination == "here" and told.owner == "HOST02" and told.state == ONLINE:
        return Moved
    if told.queued or told.state == PENDING or told.migration in (1, 2, 3):
        return Moving
    if source == "here" and destination != "here" and told.owner != "HOST02":
        return NotMoved
    return Unknown


@pytest.mark.parametrize(("source", "destination"), [*itertools.product(SHOWN, SHOWN)])
@pytest.mark.parametrize("owner", ["HOST01", "HOST02", "HOST03"])
@pytest.mark.parametrize("values", [{}, {"state": PENDING}, {"state": FAILED}, {"status": 4}, {"migration": 2}])
def test_every_combination(source: str, destination: str, owner: str, values: dict[str, int]) -> None:
    told = role(owner, **values)
    verdict = decide_whereabouts(cluster_move(), seen("host01", source, told), seen("host02", destination, told))
    assert type(verdict) is expected(source, destination, told)


def test_one_that_is_off_has_moved_when_it_is_offline_there() -> None:
    move = cluster_move(state=VmState.OFF)
    for state, kind in ((OFFLINE, Moved), (ONLINE, Unknown)):
        told = role("HOST02", state)
        assert type(decide_whereabouts(move, seen("host01", "absent", told), seen("host02", "here", told))) is kind


def test_where_the_cluster_says_nothing_nothing_is_known() -> None:
    here, there = seen("host01", "here", None), seen("host02", "absent", None)
    assert isinstance(decide_whereabouts(cluster_move(), here, there), Unknown)


@pytest.mark.parametrize(("leads_to", "kind"), [("host02", Moving), ("host03", MovingElsewhere)])
def test_a_job_counts_as_outside_a_cluster(leads_to: str, kind: type) -> None:
    moving = Sighting(
        host="host01", vm=make_vm("host01"), jobs=(job(ACTIVE, destination=leads_to),), role=role("HOST01", PENDING)
    )
    assert type(decide_whereabouts(cluster_move(), moving, seen("host02", "absent", None))) is kind


def test_how_far_it_has_come_is_told_by_the_role_where_there_is_no_job() -> None:
    told = role("HOST01", PENDING, migration=2, percent=47)
    verdict = decide_whereabouts(cluster_move(), seen("host01", "here", told), seen("host02", "absent", told))
    assert verdict == Moving(role=told)


def test_why_it_has_not_moved_is_told_by_its_last_job_but_no_former_one() -> None:
    told = role("HOST01", migration=5)
    here = seen("host01", "here", told, BROKEN)
    there = seen("host02", "absent", told)
    verdict, former = (decide_whereabouts(cluster_move(), here, there, frozenset(ignore)) for ignore in ((), ("j1",)))
    assert isinstance(verdict, NotMoved)
    assert isinstance(former, NotMoved)
    assert verdict.job is not None
    assert former.job is None


def test_what_was_seen_is_said_with_what_the_cluster_shows() -> None:
    told = role("HOST03", FAILED)
    said = render_sightings(cluster_move(), None, seen("host02", "absent", told), {"host01": "timed out"})
    assert said == (
        "host01 gave no answer (timed out); host02 does not show VM-01; its cluster shows it failed, owned by host03"
    )
    queued = role("HOST01", status=4)
    assert render_sightings(cluster_move(), seen("host01", "here", queued), None).endswith(
        "its cluster shows it online, owned by host01, in its queue"
    )
