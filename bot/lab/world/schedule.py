"""The migrations of a world in time: what is due next, what then happens, and how each of them ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from bot.lab.world import faults, migration
from bot.lab.world.cluster import RoleMove
from bot.lab.world.estate import Estate
from bot.lab.world.faults import HyperVError
from bot.lab.world.jobs import KEPT_S, Job, JobState, MigrationType, Step
from bot.lab.world.journal import Event, Journal
from bot.lab.world.machines import Host, Vm
from bot.lab.world.progress import Pace
from bot.lab.world.storage import Store


def _nothing(_: Job) -> None:
    """Until somebody wants to be told."""


@dataclass(frozen=True)
class OrderedFault:
    """A failure that a test wants; `error` None: what is usual for the kind of migration."""

    at_percent: int
    error: HyperVError | None
    every_time: bool


def _is_live(job: Job) -> bool:
    """A quick migration saves and restores: it is none of those that a host limits."""
    return job.moves_vm and job.role_move is not RoleMove.QUICK


class Schedule:
    """Carries the jobs of an estate forward. Not safe by itself: the world uses it under its lock.

    Attributes:
        now: the time up to which everything has happened; inside a migration's own code, the moment of that event.
        faults: ordered failures by VM.
        after_end: told of every job that has ended, at that moment.
    """

    def __init__(self, estate: Estate, journal: Journal, now: datetime) -> None:
        self.now = now
        self.faults: dict[UUID, OrderedFault] = {}
        self._estate = estate
        self._journal = journal
        self._began = now
        self._pace = Pace()
        self.after_end: Callable[[Job], None] = _nothing

    @property
    def jobs(self) -> tuple[Job, ...]:
        return tuple(job for host in self._estate.hosts for job in host.jobs)

    def note(self, host: Host, event: Event, vm: Vm | None = None, job: Job | None = None) -> None:
        self._journal.write(self.now, host, event, vm, job)

    def start(self, job: Job, steps: migration.Steps) -> Job:
        job.steps = steps
        ordered = self.faults.get(job.vm.id) if job.type is not MigrationType.STAGED else None
        if ordered:
            job.fault = (ordered.at_percent, ordered.error or self._broken_connection(job))
            if not ordered.every_time:
                del self.faults[job.vm.id]
        job.vm.job = job
        job.source.jobs.append(job)
        self.note(job.source, Event.REQUESTED, job.vm, job)
        self._next_step(job)
        return job

    def request_state_change(self, job: Job, requested: int) -> int:
        if requested not in (4, 5):
            return 32773  # invalid parameter; other states are not supported by this job (assumed)
        if not job.cancellable:
            return 32775  # invalid state
        job.steps.close()
        job.fault = None
        job.state, job.steps = JobState.SHUTTING_DOWN, migration.stopping(job.percent)
        job.end_state = JobState.TERMINATED if requested == 4 else JobState.KILLED
        vm = job.vm
        job.error = (
            faults.at_source(vm.name, vm.guid, job.source.name, faults.CANCELLED)
            if job.destination
            else faults.storage(vm.name, vm.guid, faults.CANCELLED)
        )
        self.note(job.source, Event.CANCEL_REQUESTED, job.vm, job)
        self._next_step(job)
        return 0

    def _broken_connection(self, job: Job) -> HyperVError:
        if job.destination is None:
            return faults.storage(job.vm.name, job.vm.guid, faults.copy_failed(job.vm.path, faults.DISK_FULL))
        return faults.at_source(job.vm.name, job.vm.guid, job.source.name, faults.CONNECTION_RESET)

    def settle(self, target: datetime) -> None:
        """Let everything happen up to that time, one event after another, each at its own time."""
        while True:
            working = [job for job in self.jobs if job.active]
            pace = self._pace = self._pace.now(working, self._estate.capacity_bytes_s)
            due = pace.next_end()
            left = (target - self.now).total_seconds()
            if due is None or due[0] > left:
                pace.advance(max(0.0, left))
                break
            pace.advance(due[0])
            self.now += timedelta(seconds=due[0])
            self._next_step(due[1])
        self.now = max(self.now, target)
        for host in self._estate.hosts:
            host.jobs[:] = [job for job in host.jobs if job.active or not self._forgotten(job)]

    def _forgotten(self, job: Job) -> bool:
        return job.ended_at is not None and (self.now - job.ended_at).total_seconds() >= KEPT_S

    def _next_step(self, job: Job) -> None:
        """What follows the step that has just been done: the next one, the end, or the failure."""
        try:
            if job.fault and job.step and job.step.percent >= job.fault[0]:
                job.steps.close()
                raise job.fault[1]
            job.step = next(job.steps)
        except StopIteration:
            self._end(job, job.end_state)
        except HyperVError as error:
            job.error = error
            self._end(job, JobState.EXCEPTION)
        else:
            self._stop_at_fault(job, job.step)

    def _stop_at_fault(self, job: Job, step: Step) -> None:
        """Shorten the step in which an ordered failure lies, so that its end is the moment of the failure."""
        if job.fault and step.start <= job.fault[0] < step.end:
            part = (job.fault[0] - step.start) / (step.end - step.start)
            step.end = job.fault[0]
            step.seconds *= part
            step.amount_bytes *= part

    def _end(self, job: Job, state: JobState) -> None:
        job.state, job.step, job.ended_at, job.vm.job = state, None, self.now, None
        job.percent = 100 if state is JobState.COMPLETED else job.percent
        event = {JobState.COMPLETED: Event.COMPLETED, JobState.EXCEPTION: Event.FAILED}.get(state, Event.CANCELLED)
        self.note(job.source, event, job.vm, job)
        self.after_end(job)

    def break_off(self, job: Job, *, lost_records: bool) -> None:
        """End a job because one of its hosts has gone."""
        job.steps.close()
        job.error = self._broken_connection(job)
        self._end(job, JobState.EXCEPTION)
        if lost_records:
            job.source.jobs.remove(job)

    # What a migration needs (bot.lab.world.migration.Place)

    def elapsed_s(self) -> float:
        return (self.now - self._began).total_seconds()

    def time(self) -> datetime:
        return self.now

    def store_for(self, host: Host, path: str) -> Store | str:
        return self._estate.store_for(host, path)

    def over_migration_limit(self, job: Job) -> int | None:
        for host in filter(None, (job.source, job.destination)):
            limit = self._estate.migration_limit(host)
            if self._others(job, host, _is_live) >= limit:
                return limit
        return None

    def over_storage_limit(self, job: Job) -> int | None:
        for host in filter(None, (job.source, job.destination)):
            if self._others(job, host, lambda other: other.moves_storage) >= host.maximum_storage_migrations:
                return host.maximum_storage_migrations
        return None

    def admit(self, job: Job) -> None:
        job.admitted = True
        self.note(job.source, Event.STARTED, job.vm, job)

    def hand_over(self, job: Job) -> None:
        """The moment a VM changes hosts."""
        source, destination, vm = job.source, job.destination, job.vm
        assert destination is not None
        if job.layout is None:
            self._estate.carry_configuration(source, destination, vm)
        del source.vms[vm.id]
        destination.planned.pop(vm.id, None)
        destination.vms[vm.id] = vm
        self.note(source, Event.VM_LEFT, vm, job)
        self.note(destination, Event.VM_ARRIVED, vm, job)

    def _others(self, job: Job, host: Host, counts: Callable[[Job], bool]) -> int:
        return sum(
            other is not job and other.active and other.admitted and other.at(host) and counts(other)
            for other in self.jobs
        )
