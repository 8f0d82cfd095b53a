"""What some work in a lab cost: time, and traffic with the simulated hosts.

The hosts and the workspace all live in one thread, the lab's, and its CPU time is what their answers took. Whatever is
left of the wall time is the client's own: its code, its libraries, pauses, and the waits for a busy machine. So the
client's share is never shown smaller than it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.lab.running import RunningLab

T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """
    Attributes:
        lab_s: CPU time of hosts and workspace.
        cpu_s: CPU time of everything else in the process.
        http_requests, traffic_bytes: over all hosts; bodies as sent, so encrypted ones as encrypted.
    """

    wall_s: float
    lab_s: float
    cpu_s: float
    http_requests: int
    traffic_bytes: int

    @property
    def own_s(self) -> float:
        """What the work took beside the answers of hosts and workspace. Says nothing while a host lets time pass."""
        return self.wall_s - self.lab_s


def measure(lab: RunningLab, work: Callable[[], T]) -> tuple[T, Cost]:
    before = _read(lab)
    began = time.perf_counter()
    result = work()
    wall_s = time.perf_counter() - began
    lab_s, cpu_s, requests, traffic = (now - then for now, then in zip(_read(lab), before, strict=True))
    return result, Cost(wall_s, lab_s, cpu_s, int(requests), int(traffic))


def _read(lab: RunningLab) -> tuple[float, float, int, int]:
    stats = [host.stats for host in lab.hosts.values()]
    lab_s = lab.call(_thread_cpu_s())
    return (
        lab_s,
        time.process_time() - lab_s,
        sum(each.http_requests for each in stats),
        sum(each.bytes_in + each.bytes_out for each in stats),
    )


async def _thread_cpu_s() -> float:
    return time.thread_time()
