"""What the hosts show of a VM that is to move -> moved, moving, not moved, or unknown.

Pure: sightings in, verdict out. Used alike before a move, while following one, after it, after a crash and after a lost
connection. Rules:

1. An active migration job is a move under way, whoever started it: never start a second. One that leads elsewhere is
   somebody else's: it is neither followed nor stopped.
2. No answer is unknown, never absent. A verdict needs both ends to have answered, except rule 1.
3. A planned VM is not presence: a move under way holds one at the destination, and a comparison leaves one behind.
4. Where the VM is tells what happened; a job that ended only tells why. A verdict may be of a moment: the host that
   reports success may show the VM a little longer at its old place, so whoever asks looks again before believing that.
5. In a cluster the cluster is asked as well, through either node: moved is what the wanted node owns *and* has online,
   or offline where the VM was not running. Online alone proves nothing: a failed move goes back to where it was.

Facts: a job names the VM by id and stays readable for five minutes after its end (Microsoft Learn, Msvm_MigrationJob);
moving memory and storage runs as such a job on the source host.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.core.estate import IN_MEMORY, Frozen, GroupState, Job, JobState, RoleSight, Sighting, Vm
from bot.core.names import same_computer
from bot.core.plan import Move, MoveKind
from bot.core.storage import file_of, is_below, same_path, travelling
from bot.core.wording import render_group_state, render_state


class Moved(Frozen):
    """The VM is where it was asked to be."""

    vm: Vm


class Moving(Frozen):
    """It is being moved now. No job: the VM says so itself, and the host shows no job of it yet or any more.

    Its cluster may say so, and how far it has come, where no host shows a job.
    """

    job: Job | None = None
    role: RoleSight | None = None


class MovingElsewhere(Frozen):
    """Somebody else moves it: to another place than the one that was asked for, or by another job than the known."""

    job: Job


class NotMoved(Frozen):
    """It is where it was, and nothing moves it."""

    vm: Vm
    job: Job | None = None  # the one that ended without moving it
    role: RoleSight | None = None  # as its cluster shows it


class Restarted(Frozen):
    """Its cluster has started it anew on a node, which no migration does: a node has died. `seen`: on the hosts."""

    vm: Vm
    node: str
    seen: str


class Unknown(Frozen):
    """What was seen does not tell. `why` names each host and what it showed."""

    why: str


Whereabouts = Moved | Moving | MovingElsewhere | NotMoved | Restarted | Unknown


NO_REASONS: Mapping[str, str] = MappingProxyType({})


def decide_whereabouts(
    move: Move,
    source: Sighting | None,
    destination: Sighting | None,
    ignore: frozenset[str] = frozenset(),
    reasons: Mapping[str, str] = NO_REASONS,
) -> Whereabouts:
    """Where the VM of `move` is, by what its two hosts show.

    Args:
        source, destination: one look each; None if no answer came. The same value twice for a storage migration.
        ignore: ids of jobs that ended before this move began; they tell nothing about it.
        reasons: by host, why no answer came.
    """
    for sighting in (source, destination):
        if sighting is not None and (active := next((job for job in sighting.jobs if job.active), None)):
            if _is_forming(move, active):
                return Moving()
            return Moving(job=active) if leads_there(move, active) else MovingElsewhere(job=active)
    if move.kind is MoveKind.CLUSTER:
        return _decide_role(move, source, destination, ignore, reasons)
    if source is None or destination is None:
        return Unknown(why=render_sightings(move, source, destination, reasons))
    ended = _ended(move, source, ignore)
    if move.kind is MoveKind.STORAGE:
        return _decide_storage(move, source, ended)
    return _decide_host(move, source, destination, ended)


def tell_apart(verdict: Whereabouts, job: str) -> Whereabouts:
    """The same of a move that is known by its job: every other one is somebody else's, or of another time."""
    match verdict:
        case Moving(job=Job(id=other) as found) if other != job:
            return MovingElsewhere(job=found)
        case NotMoved(job=Job(id=other)) if other != job:
            return verdict.model_copy(update={"job": None})
        case _:
            return verdict


def _ended(move: Move, source: Sighting | None, ignore: frozenset[str]) -> Job | None:
    """Only the source's jobs: an ended one at the destination is of an earlier move, the other way round."""
    jobs = source.jobs if source is not None else ()
    return next((job for job in jobs if job.id not in ignore and leads_there(move, job)), None)


def _is_forming(move: Move, job: Job) -> bool:
    """Whether where it leads is not said yet: the next look tells (that a new job may lack it is assumed)."""
    return move.kind is not MoveKind.STORAGE and not job.destination and job.state in (JobState.NEW, JobState.STARTING)


def leads_there(move: Move, job: Job) -> bool:
    """Whether a job takes the VM where this move takes it; two of those cannot be told apart."""
    if move.kind is MoveKind.STORAGE or not job.destination:
        return move.kind is MoveKind.STORAGE and not job.destination
    return same_computer(job.destination, move.destination_fqdn or move.destination)


def _decide_host(move: Move, source: Sighting, destination: Sighting, ended: Job | None) -> Whereabouts:
    here, there = source.vm, destination.vm
    if (here and here.migrating) or (there and there.migrating):
        return Moving()
    if there and not here:
        return Moved(vm=there)
    if here and not there:
        return NotMoved(vm=here, job=ended)
    return Unknown(why=render_sightings(move, source, destination))


def _decide_role(
    move: Move,
    source: Sighting | None,
    destination: Sighting | None,
    ignore: frozenset[str],
    reasons: Mapping[str, str],
) -> Whereabouts:
    """One node tells for the whole cluster who owns the role; where the VM is, its own host has to show.

    Without an answer from the source the VM may have been started anew by a failover: that is not moved, but unknown.
    """
    role = next((seen.role for seen in (destination, source) if seen is not None and seen.role is not None), None)
    if role is None:
        return Unknown(why=render_sightings(move, source, destination, reasons))
    wanted = GroupState.ONLINE if move.state in IN_MEMORY else GroupState.OFFLINE
    here, there = source and source.vm, destination and destination.vm
    arrived = same_computer(role.owner, move.destination_fqdn or move.destination)
    if source and arrived and role.state == wanted and there and not there.migrating:
        return Moved(vm=there)
    if role.moving or (here and here.migrating) or (there and there.migrating):
        return Moving(role=role)
    if here and not there and not arrived:
        return NotMoved(vm=here, job=_ended(move, source, ignore), role=role)
    return Unknown(why=render_sightings(move, source, destination, reasons))


def _decide_storage(move: Move, host: Sighting, ended: Job | None) -> Whereabouts:
    vm = host.vm
    if vm is None:
        return Unknown(why=render_sightings(move, host, host))
    if vm.migrating:
        return Moving()
    found = {_decide_path(move, before, now) for before, now in _paths(move, vm)} - {None}
    if found == {True} or (not found and ended is not None and ended.succeeded):
        return Moved(vm=vm)
    if found <= {False}:
        return NotMoved(vm=vm, job=ended)
    return Unknown(why=render_sightings(move, host, host))


def _paths(move: Move, vm: Vm) -> tuple[tuple[str | None, str], ...]:
    """Path before and now, of the configuration and of each virtual disk; disks keep their file name when they move."""
    before = {file_of(disk.path).casefold(): disk.path for disk in travelling(move.disks)}
    disks = ((before.get(file_of(disk.path).casefold()), disk.path) for disk in travelling(vm.disks))
    return ((move.configuration_path or None, vm.path), *disks) if vm.path else tuple(disks)


def _decide_path(move: Move, before: str | None, now: str) -> bool | None:
    """Whether this path shows the move done. None: the path alone cannot tell, it was below the destination before."""
    if move.storage_path is None or not is_below(now, move.storage_path):
        return False
    if before is not None and same_path(before, now):
        return None
    return True


def find_strays(move: Move, vm: Vm) -> tuple[str, ...]:
    """Paths of the configuration and disks that are not below the storage path that was asked for."""
    if move.storage_path is None:
        return ()
    paths = [vm.path] if vm.path else []
    paths += [disk.path for disk in travelling(vm.disks)]
    return tuple(path for path in paths if not is_below(path, move.storage_path))


def ended_jobs(sighting: Sighting) -> frozenset[str]:
    """Ids of the jobs that have ended, for `ignore`: told before a move is sent, they are not that move's."""
    return frozenset(job.id for job in sighting.jobs if not job.active)


def render_sightings(
    move: Move, source: Sighting | None, destination: Sighting | None, reasons: Mapping[str, str] = NO_REASONS
) -> str:
    """What each host showed: "host01 shows VM-01 running; host02 gave no answer"."""
    first = _render_sighting(move, move.source, source, reasons)
    if move.source == move.destination:
        return first
    role = next((seen.role for seen in (destination, source) if seen is not None and seen.role is not None), None)
    cluster = f"; its cluster shows it {_render_role(role)}" if role else ""
    return f"{first}; {_render_sighting(move, move.destination, destination, reasons)}{cluster}"


def _render_role(role: RoleSight) -> str:
    where = f"{render_group_state(role.state)}, owned by {role.owner.lower()}"
    return f"{where}, in its queue" if role.queued else where


def _render_sighting(move: Move, host: str, sighting: Sighting | None, reasons: Mapping[str, str] = NO_REASONS) -> str:
    if sighting is None:
        return f"{host} gave no answer ({reasons[host]})" if reasons.get(host) else f"{host} gave no answer"
    if sighting.vm is not None:
        where = f", configuration in {sighting.vm.path}" if move.kind is MoveKind.STORAGE and sighting.vm.path else ""
        return f"{host} shows {move.vm_name} {render_state(sighting.vm.state)}{where}{_render_job(move, sighting)}"
    planned = ", only a planned VM of it" if sighting.planned else ""
    return f"{host} does not show {move.vm_name}{planned}{_render_job(move, sighting)}"


def _render_job(move: Move, sighting: Sighting) -> str:
    job = next((job for job in sighting.jobs if job.active), None)
    if job is None:
        return ""
    towards = move.destination if job.destination and leads_there(move, job) else job.destination
    return f", moving it to {towards or 'other storage'}, {job.percent} %"


def render_moved(move: Move, vm: Vm) -> str:
    """What was observed of a finished move: "running on host02, gone from host01"."""
    state = render_state(vm.state)
    if move.kind is MoveKind.STORAGE:
        return f"{state} on {move.source}, configuration and disks in {move.storage_path}"
    if move.kind is MoveKind.CLUSTER:
        return f"{state} on {move.destination}, which owns it in the cluster"
    storage = f", storage in {move.storage_path}" if move.storage_path and not find_strays(move, vm) else ""
    return f"{state} on {move.destination}, gone from {move.source}{storage}"
