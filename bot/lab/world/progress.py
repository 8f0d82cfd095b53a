"""How fast the jobs under way advance, given what they share. Pure arithmetic over steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from bot.lab.world.jobs import Job, Step

_ROUNDING = 1 + 1e-9


@dataclass(frozen=True)
class Pace:
    """The speed of every step at one moment; it holds until a step begins or ends.

    Attributes:
        speeds: seconds per second for timed steps, bytes per second for the others.
        steps: whose speeds these are.
        capacities: of everything that they share.
    """

    speeds: Mapping[Job, float] = field(default_factory=dict)
    steps: Mapping[Job, Step] = field(default_factory=dict)
    capacities: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, jobs: Iterable[Job], capacity: Callable[[str], float]) -> Pace:
        return cls().now(jobs, capacity)

    def now(self, jobs: Iterable[Job], capacity: Callable[[str], float]) -> Pace:
        """The pace of these jobs at this moment: this one, as long as nothing has begun, ended or changed its speed."""
        steps = {job: job.step for job in jobs if job.step is not None}
        if steps == self.steps and all(capacity(name) == known for name, known in self.capacities.items()):
            return self
        copying = {job: step for job, step in steps.items() if step.amount_bytes}
        capacities = {name: capacity(name) for step in copying.values() for name in step.resources}
        return Pace(dict.fromkeys(steps, 1.0) | _share(copying, capacities), steps, capacities)

    def next_end(self) -> tuple[float, Job] | None:
        """Seconds until the first step is done, and whose it is; None if nothing is under way."""
        ends = [(_left(job) / speed, job) for job, speed in self.speeds.items()]
        return min(ends, key=lambda end: end[0], default=None)

    def advance(self, seconds: float) -> None:
        for job, speed in self.speeds.items():
            if job.step is not None:
                job.step.done = min(job.step.total, job.step.done + speed * seconds)
                job.percent = job.step.percent


def _left(job: Job) -> float:
    return max(0.0, job.step.total - job.step.done) if job.step else 0.0


def _share(steps: Mapping[Job, Step], capacities: Mapping[str, float]) -> dict[Job, float]:
    """Bytes a second for each: what is fair on every resource, where one leaves to the others what it cannot use.

    Whoever is held back most, by its own limit or by a crowded resource, gets its part first; what is left of the
    resources is divided among the rest (max-min fairness, as TCP connections come close to).
    """
    free = dict(capacities)
    speeds: dict[Job, float] = {}
    waiting = dict(steps)
    while waiting:
        users = Counter(name for step in waiting.values() for name in step.resources)
        parts = {
            job: min(step.most_bytes_s / step.efficiency, *(free[name] / users[name] for name in step.resources))
            for job, step in waiting.items()
        }
        least = min(parts.values()) * _ROUNDING
        for job in [job for job, part in parts.items() if part <= least]:
            step = waiting.pop(job)
            speeds[job] = parts[job] * step.efficiency
            for name in step.resources:
                free[name] = max(0.0, free[name] - parts[job])
    return speeds
