"""How fast the jobs under way advance, given what they share. Pure arithmetic over steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.lab.world.jobs import Job, Step


@dataclass(frozen=True)
class Pace:
    """The speed of every step at one moment; it holds until a step begins or ends.

    Attributes:
        speeds: seconds per second for timed steps, bytes per second for the others.
    """

    speeds: dict[Job, float]

    @classmethod
    def of(cls, jobs: Iterable[Job], capacity: Callable[[str], float]) -> Pace:
        working = [(job, job.step) for job in jobs if job.step is not None]
        users = Counter(name for _, step in working for name in step.resources)
        return cls({job: _speed(step, users, capacity) for job, step in working})

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


def _speed(step: Step, users: Counter[str], capacity: Callable[[str], float]) -> float:
    if not step.amount_bytes:
        return 1.0
    return step.factor * min(capacity(name) / users[name] for name in step.resources)
