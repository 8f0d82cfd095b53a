"""The reconcile rule: every combination of what two hosts can show of a VM that is to move."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from bot.core.estate import Disk, Job, JobState, Sighting, Status, Vm, VmState
from bot.core.names import VmId
from bot.core.plan import Move, MoveKind
from bot.core.reconcile import (
    Moved,
    Moving,
    MovingElsewhere,
    NotMoved,
    Unknown,
    decide_whereabouts,
    ended_jobs,
    find_strays,
    render_moved,
    render_sightings,
    tell_apart,
)

VM = VmId("00000000-0000-4000-8000-000000000001")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ACTIVE, DONE, BROKEN, ENDED_BY_HAND = JobState.RUNNING, JobState.COMPLETED, JobState.EXCEPTION, JobState.TERMINATED


def make_move(kind: MoveKind = MoveKind.LIVE, **values: object) -> Move:
    storage = kind is MoveKind.STORAGE
    given = {
        "kind": kind,
        "vm": VM,
        "vm_name": "VM-01",
        "source": "host01",
        "destination": "host01" if storage else "host02",
        "storage_path": None if kind is MoveKind.LIVE else "D:\\New",
        "state": VmState.RUNNING,
        "disks": (Disk(path="C:\\Old\\os.vhdx"), Disk(path="C:\\Old\\data.vhdx")),
        "configuration_path": "C:\\Old",
    }
    return Move.model_validate(given | values)


def make_vm(host: str, *, path: str = "C:\\Old", disks: tuple[str, ...] = (), status: tuple[int, ...] = (2,)) -> Vm:
    paths = disks or (f"{path}\\os.vhdx", f"{path}\\data.vhdx")
    return Vm(
        id=VM,
        name="VM-01",
        host=host,
        state=VmState.RUNNING,
        status=status,
        path=path,
        disks=tuple(Disk(path=each) for each in paths),
    )


def job(state: int, name: str = "j1", started_at: datetime | None = NOON, destination: str = "host02") -> Job:
    return Job(id=name, vm=VM, state=state, percent=40, destination=destination, started_at=started_at)


def storage_job(state: int) -> Job:
    return job(state, destination="")


MIGRATING = (Status.IN_SERVICE, Status.MIGRATING)

# What one host can show, without its jobs; "planned" is absent but for a planned VM.
SHOWN = ("here", "migrating", "absent", "planned", "silent")
JOBS = (None, ACTIVE, DONE, BROKEN)


def show(host: str, what: str, state: int | None) -> Sighting | None:
    if what == "silent":
        return None
    status = MIGRATING if what == "migrating" else (Status.OK,)
    vm = make_vm(host, status=status) if what in ("here", "migrating") else None
    jobs = (job(state),) if state is not None else ()
    return Sighting(host=host, vm=vm, planned=what == "planned", jobs=jobs)


def expected(source: str, destination: str, state: int | None) -> type:
    """The rule said again, as a person would read the table; a silent source shows no job."""
    if state == ACTIVE and source != "silent":
        return Moving
    if "silent" in (source, destination):
        return Unknown
    if "migrating" in (source, destination):
        return Moving
    at_source, at_destination = source == "here", destination == "here"
    return {(True, False): NotMoved, (False, True): Moved, (True, True): Unknown, (False, False): Unknown}[
        at_source, at_destination
    ]


@pytest.mark.parametrize(("source", "destination", "state"), [*itertools.product(SHOWN, SHOWN, JOBS)])
@pytest.mark.parametrize("kind", [MoveKind.LIVE, MoveKind.SHARED_NOTHING])
def test_every_combination_across_hosts(kind, source, destination, state):
    verdict = decide_whereabouts(make_move(kind), show("host01", source, state), show("host02", destination, None))
    assert type(verdict) is expected(source, destination, state)
    if isinstance(verdict, Moving) and state == ACTIVE:
        assert verdict.job is not None
    if isinstance(verdict, Unknown):
        assert "host01" in verdict.why
        assert "host02" in verdict.why


@pytest.mark.parametrize("state", [2, 3, 4, 5, 6])
def test_every_active_state_of_a_job_is_moving(state):
    verdict = decide_whereabouts(make_move(), show("host01", "here", state), show("host02", "absent", None))
    assert isinstance(verdict, Moving)


@pytest.mark.parametrize("state", [7, 8, 9, 10, 32768])
def test_no_ended_state_of_a_job_is_moving(state):
    verdict = decide_whereabouts(make_move(), show("host01", "here", state), show("host02", "absent", None))
    assert verdict == NotMoved(vm=make_vm("host01"), job=job(state))


def test_an_active_job_at_the_destination_is_moving_too():
    verdict = decide_whereabouts(make_move(), show("host01", "here", None), show("host02", "absent", ACTIVE))
    assert isinstance(verdict, Moving)


def test_an_ended_job_at_the_destination_is_of_an_earlier_move():
    verdict = decide_whereabouts(make_move(), show("host01", "here", None), show("host02", "absent", BROKEN))
    assert verdict == NotMoved(vm=make_vm("host01"))


def test_a_job_to_ignore_gives_no_reason_but_an_active_one_always_counts():
    source = Sighting(host="host01", vm=make_vm("host01"), jobs=(job(BROKEN, "old"),))
    there = show("host02", "absent", None)
    assert decide_whereabouts(make_move(), source, there, frozenset({"old"})) == NotMoved(vm=make_vm("host01"))
    active = Sighting(host="host01", vm=make_vm("host01"), jobs=(job(ACTIVE, "old"),))
    assert isinstance(decide_whereabouts(make_move(), active, there, frozenset({"old"})), Moving)


@pytest.mark.parametrize("kind", [kind for kind in MoveKind if kind is not MoveKind.CLUSTER])
@pytest.mark.parametrize(
    ("destination", "leads_to"),
    [("host02", "host02"), ("HOST02", "host02"), ("host02.contoso.com", "host02"), ("host03", "host03"), ("", "")],
)
def test_a_job_that_leads_elsewhere_is_somebody_elses(kind: MoveKind, destination: str, leads_to: str):
    there = show("host01" if kind is MoveKind.STORAGE else "host02", "absent", None)
    ours = leads_to == ("" if kind is MoveKind.STORAGE else "host02")
    move = make_move(kind, destination_fqdn="host02.contoso.com")
    running = Sighting(host="host01", vm=make_vm("host01"), jobs=(job(ACTIVE, destination=destination),))
    assert type(decide_whereabouts(move, running, there)) is (Moving if ours else MovingElsewhere)
    broken = Sighting(host="host01", vm=make_vm("host01"), jobs=(job(BROKEN, destination=destination),))
    verdict = decide_whereabouts(move, broken, broken if kind is MoveKind.STORAGE else there)
    assert isinstance(verdict, NotMoved)
    assert (verdict.job is not None) is ours


def test_of_several_ended_jobs_the_newest_tells():
    source = Sighting(host="host01", vm=make_vm("host01"), jobs=(job(BROKEN, "new"), job(DONE, "older")))
    verdict = decide_whereabouts(make_move(), source, show("host02", "absent", None))
    assert isinstance(verdict, NotMoved)
    assert verdict.job is not None
    assert verdict.job.id == "new"


# Storage: one host, decided by paths

OLD, NEW = make_vm("host01"), make_vm("host01", path="D:\\New")
HALF = make_vm("host01", path="D:\\New", disks=("D:\\New\\os.vhdx", "C:\\Old\\data.vhdx"))
CONFIGURATION_BEHIND = make_vm("host01", disks=("D:\\New\\os.vhdx", "D:\\New\\data.vhdx"))
FOLDER = make_vm("host01", path="d:\\new", disks=("D:\\NEW\\Virtual Hard Disks\\os.vhdx", "D:\\New\\x\\data.vhdx"))
ALIKE = make_vm("host01", path="D:\\Newer")
BUSY = make_vm("host01", status=(Status.IN_SERVICE, Status.STORAGE_MIGRATION_PHASE_ONE))

STORAGE_TABLE = [
    ("nothing moved", OLD, None, NotMoved),
    ("nothing moved, job failed", OLD, BROKEN, NotMoved),
    ("nothing moved, job stopped", OLD, ENDED_BY_HAND, NotMoved),
    ("nothing moved, job says done", OLD, DONE, NotMoved),
    ("everything moved", NEW, None, Moved),
    ("everything moved, job says done", NEW, DONE, Moved),
    ("everything moved, in folders and other letters", FOLDER, DONE, Moved),
    ("everything moved though the job failed", NEW, BROKEN, Moved),
    ("a name that begins alike is another folder", ALIKE, None, NotMoved),
    ("half moved", HALF, DONE, Unknown),
    ("configuration behind", CONFIGURATION_BEHIND, None, Unknown),
    ("the VM says it is moving", BUSY, None, Moving),
    ("the job runs", OLD, ACTIVE, Moving),
    ("the VM is gone", None, None, Unknown),
]


@pytest.mark.parametrize(("vm", "state", "kind"), [r[1:] for r in STORAGE_TABLE], ids=[r[0] for r in STORAGE_TABLE])
def test_every_combination_of_a_storage_move(vm, state, kind):
    seen = Sighting(host="host01", vm=vm, jobs=(storage_job(state),) if state is not None else ())
    assert type(decide_whereabouts(make_move(MoveKind.STORAGE), seen, seen)) is kind


def test_a_silent_host_tells_nothing_of_a_storage_move():
    verdict = decide_whereabouts(make_move(MoveKind.STORAGE), None, None)
    assert verdict == Unknown(why="host01 gave no answer")


@pytest.mark.parametrize(("state", "kind"), [(None, NotMoved), (DONE, Moved), (BROKEN, NotMoved)])
def test_paths_that_cannot_tell_leave_it_to_the_job(state, kind):
    """Everything was below the destination before, and is at the same paths now."""
    inside = make_vm("host01", path="D:\\New\\VM-01")
    disks = tuple(Disk(path=disk.path) for disk in inside.disks)
    move = make_move(MoveKind.STORAGE, disks=disks, configuration_path="D:\\New\\VM-01")
    seen = Sighting(host="host01", vm=inside, jobs=(storage_job(state),) if state is not None else ())
    assert type(decide_whereabouts(move, seen, seen)) is kind


def test_one_telling_path_decides_beside_those_that_cannot_tell():
    """The configuration was below the destination before; the disks show that the move is not done."""
    vm = make_vm("host01", path="D:\\New", disks=("C:\\Old\\os.vhdx",))
    move = make_move(MoveKind.STORAGE, disks=(Disk(path="C:\\Old\\os.vhdx"),), configuration_path="D:\\New")
    seen = Sighting(host="host01", vm=vm)
    assert isinstance(decide_whereabouts(move, seen, seen), NotMoved)


def test_physical_disks_do_not_travel():
    disks = (Disk(path="D:\\New\\os.vhdx"), Disk(path="\\\\.\\PhysicalDrive2", passthrough=True))
    vm = NEW.model_copy(update={"disks": disks})
    seen = Sighting(host="host01", vm=vm)
    assert isinstance(decide_whereabouts(make_move(MoveKind.STORAGE), seen, seen), Moved)


# What belongs to this move


def test_only_jobs_that_have_ended_are_of_before():
    seen = Sighting(host="host01", vm=None, jobs=(job(ACTIVE, "running"), job(BROKEN, "broken"), job(DONE, "done")))
    assert ended_jobs(seen) == {"broken", "done"}


# Words


@pytest.mark.parametrize(
    ("source", "destination", "words"),
    [
        ("here", "here", "host01 shows VM-01 running; host02 shows VM-01 running"),
        ("here", "silent", "host01 shows VM-01 running; host02 gave no answer"),
        ("absent", "planned", "host01 does not show VM-01; host02 does not show VM-01, only a planned VM of it"),
    ],
)
def test_what_was_seen_is_said_of_each_host(source, destination, words):
    assert render_sightings(make_move(), show("host01", source, None), show("host02", destination, None)) == words


def test_success_says_only_what_was_observed():
    there = make_vm("host02", path="D:\\New")
    assert render_moved(make_move(), there) == "running on host02, gone from host01"
    shared = make_move(MoveKind.SHARED_NOTHING)
    assert render_moved(shared, there) == "running on host02, gone from host01, storage in D:\\New"
    assert render_moved(shared, make_vm("host02")) == "running on host02, gone from host01"
    storage = make_move(MoveKind.STORAGE)
    assert render_moved(storage, NEW) == "running on host01, configuration and disks in D:\\New"


def test_strays_are_what_is_not_where_it_was_asked_to_be():
    move = make_move(MoveKind.SHARED_NOTHING)
    assert find_strays(move, NEW) == ()
    assert find_strays(move, HALF) == ("C:\\Old\\data.vhdx",)
    assert find_strays(make_move(), OLD) == ()


HERE, OURS, THEIRS = make_vm("host01"), job(ACTIVE, "ours"), job(ACTIVE, "theirs")


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (Moving(job=OURS), Moving(job=OURS)),
        (Moving(job=THEIRS), MovingElsewhere(job=THEIRS)),
        (Moving(), Moving()),  # no host shows whose it is yet
        (MovingElsewhere(job=THEIRS), MovingElsewhere(job=THEIRS)),
        (NotMoved(vm=HERE, job=job(BROKEN, "ours")), NotMoved(vm=HERE, job=job(BROKEN, "ours"))),
        (NotMoved(vm=HERE, job=job(BROKEN, "theirs")), NotMoved(vm=HERE)),
        (NotMoved(vm=HERE), NotMoved(vm=HERE)),
        (Moved(vm=HERE), Moved(vm=HERE)),
        (Unknown(why="host02 gave no answer"), Unknown(why="host02 gave no answer")),
    ],
)
def test_a_move_that_is_known_by_its_job_is_told_from_every_other(verdict, told):
    assert tell_apart(verdict, "ours") == told
