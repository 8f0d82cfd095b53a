"""Many migrations at once, simulated: what Hyper-V hosts and their links would do, whatever started the migrations.

It knows nothing of Ferry's schedule. Links are shared max-min fairly, each way by itself; set-up and finish take time
and no link; memory is copied in passes at the rate that the migration really gets, with the rate at which the guest
really writes. The percentages shown are those of Ferry's lab unless said otherwise.

The mix is assumed: VMs of 4 to 128 GB; 70 of 100 write less than 20 MB/s, 20 up to 150, 9 up to 600, one up to 1000;
set-up 3 s, finish 1 s, ten passes, remainder 0.3 s; 10 GbE carries 1100 MB/s, 25 GbE 2750, of which one migration gets
1100, 1 GbE 110.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

MB, GB = 1e6, float(1 << 30)
GBE_1, GBE_10, GBE_25, STREAM, CORE_40 = 110 * MB, 1100 * MB, 2750 * MB, 1100 * MB, 4400 * MB
PASSES, REMAINDER_S, NOTICED_S = 10, 0.3, 0.9
BACK_OFF_S, TRIES = 2.0, 3
"""The pause that Ferry's runner makes after what passes, and how often it tries."""


@dataclass(frozen=True)
class Machine:
    id: str
    source: str
    destination: str
    memory: float
    dirty: float


@dataclass(frozen=True)
class Site:
    """The hosts, as they really are.

    Attributes:
        jitter: by how much a set-up differs from the usual, at most.
        failing: the share of attempts that fail, at their very end or, `early`, when they are set up.
        back_off_s: before the second try; twice as long before the third.
    """

    link: float
    stream: float = math.inf
    core: float = math.inf
    setup_s: float = 3.0
    finish_s: float = 1.0
    jitter: float = 0.1
    failing: float = 0.0
    back_off_s: float = BACK_OFF_S
    early: bool = False
    limits: dict[str, int] = field(default_factory=dict)
    total: int | None = None

    @property
    def best_rate(self) -> float:
        return min(self.link, self.stream, self.core)


@dataclass(frozen=True)
class Shown:
    """What is seen of a running migration."""

    machine: Machine
    elapsed_s: float
    percent: int | None


@dataclass(frozen=True)
class Made:
    machine: Machine
    began_s: float
    ended_s: float


@dataclass(frozen=True)
class Event:
    at_s: float
    what: str  # "starts", "moved" or "failed"
    machine: Machine


@dataclass
class Outcome:
    makespan_s: float = 0.0
    blackouts_s: dict[str, float] = field(default_factory=dict)
    home: dict[str, str] = field(default_factory=dict)  # those that did not move, and why
    log: list[Event] = field(default_factory=list)


class Starter(Protocol):
    def choose(
        self, now_s: float, waiting: Sequence[Machine], running: Sequence[Shown], made: Sequence[Made]
    ) -> tuple[Sequence[str], float | None]:
        """Ids to start now, and in how many seconds to be asked again if nothing ends before."""


# Scenarios


def one_host(seed: int, machines: int = 60, destinations: int = 15) -> list[Machine]:
    return many_hosts(seed, 1, machines, destinations)


def many_hosts(seed: int, hosts: int = 10, machines: int = 40, destinations: int = 30) -> list[Machine]:
    """Destinations fill evenly by memory, as a placement would have it."""
    random = Random(seed)
    filled = dict.fromkeys((f"there{number:02}" for number in range(destinations)), 0.0)
    made = []
    for number in range(hosts * machines):
        memory = random.choices((4, 8, 16, 32, 64, 128), (25, 30, 22, 14, 7, 2))[0] * GB
        least = sorted(filled, key=lambda host: filled[host])[:3]
        there = random.choice(least)
        filled[there] += memory
        made.append(Machine(f"vm{number:03}", f"here{number % hosts:02}", there, memory, _dirty(random)))
    return made


def _dirty(random: Random) -> float:
    kind = random.random()
    for below, low, high in ((0.70, 1, 20), (0.90, 20, 150), (0.99, 150, 600)):
        if kind < below:
            return random.uniform(low, high) * MB
    return random.uniform(600, 1000) * MB


def crowd(random: Random) -> tuple[Site, list[Machine]]:
    """A small random site: hosts that are source and destination, limits of all kinds, attempts that fail."""
    hosts = [f"host{number}" for number in range(random.randint(2, 5))]
    site = Site(
        link=random.choice((GBE_1, GBE_10, GBE_25)),
        stream=random.choice((math.inf, STREAM)),
        core=random.choice((math.inf, CORE_40)),
        setup_s=random.choice((0.5, 3.0, 8.0)),
        jitter=0.3,
        failing=random.choice((0.0, 0.05, 0.5)),
        limits={host: random.randint(1, 3) for host in hosts if random.random() < 0.8},
        total=random.choice((None, None, 1, 2, 4)),
    )
    machines = []
    for number in range(random.randint(1, 10)):
        here, there = random.sample(hosts, 2)
        machines.append(Machine(f"vm{number}", here, there, random.uniform(0, 16) * GB, _dirty(random)))
    return site, machines


# The course of one migration


@dataclass
class _Flow:
    machine: Machine
    limit: float
    began_s: float
    copies_at_s: float
    ways: tuple[str, ...]
    left: float
    amount: float  # of this pass
    pass_began_s: float = 0.0
    passes: int = 0
    last: bool = False
    ends_s: float = math.inf
    blackout_s: float = 0.0
    percent_from: float = 9.0
    percent_to: float = 82.0
    fails: bool = False

    def next_s(self, now_s: float, rate: float) -> float:
        if self.ends_s < math.inf:
            return self.ends_s
        if now_s < self.copies_at_s:
            return self.copies_at_s
        return now_s + self.left / rate

    def copies(self, now_s: float) -> bool:
        return now_s >= self.copies_at_s and self.ends_s == math.inf

    def pass_over(self, now_s: float, finish_s: float) -> None:
        took_s = now_s - self.pass_began_s
        if self.last:
            self.blackout_s, self.ends_s = took_s, now_s + finish_s
            return
        self.passes += 1
        remainder = min(self.machine.memory, self.machine.dirty * took_s)
        rate = self.amount / took_s if took_s > 0 else self.limit
        self.last = remainder / rate < REMAINDER_S or self.passes == PASSES
        self.left = self.amount = max(1.0, remainder)
        self.pass_began_s = now_s
        self.percent_from = self.percent_to
        self.percent_to = 98.0 if self.last else self.percent_from + (95.0 - self.percent_from) * 0.85

    def percent(self, now_s: float) -> int:
        if now_s < self.copies_at_s:
            return int(5 * (now_s - self.began_s) / (self.copies_at_s - self.began_s))
        if self.ends_s < math.inf:
            return 98
        return int(self.percent_from + (self.percent_to - self.percent_from) * (1 - self.left / self.amount))


def _fair_rates(flows: Sequence[_Flow], site: Site) -> dict[str, float]:
    """Max-min fair: every flow gets as much as it can without one that has less getting even less."""
    open_flows, rates = list(flows), {}
    free: dict[str, float] = {}
    while open_flows:
        crowd_on = Counter(way for flow in open_flows for way in flow.ways)
        for way in crowd_on:
            free.setdefault(way, site.core if way == "core" else site.link)
        level = min(free[way] / count for way, count in crowd_on.items())
        full = {way for way, count in crowd_on.items() if free[way] / count <= level * (1 + 1e-12)}
        limited = [flow for flow in open_flows if flow.limit <= level]
        settled = limited or [flow for flow in open_flows if not full.isdisjoint(flow.ways)]
        for flow in settled:
            rates[flow.machine.id] = rate = max(1.0, min(flow.limit, level))
            for way in flow.ways:
                free[way] = max(0.0, free[way] - rate)
        names = {flow.machine.id for flow in settled}
        open_flows = [flow for flow in open_flows if flow.machine.id not in names]
    return rates


# All of them


class World:
    """Runs migrations as a starter orders them, and keeps a log from which everything can be checked."""

    def __init__(self, site: Site, machines: Sequence[Machine], seed: int = 0, show: str = "lab") -> None:
        self._site, self._random, self._show = site, Random(f"world {seed}"), show
        self._waiting = list(machines)
        self._resting: list[tuple[float, Machine]] = []
        self._flows: list[_Flow] = []
        self._tries: Counter[str] = Counter()
        self._made: list[Made] = []
        self.now_s, self.outcome = 0.0, Outcome()

    def run(self, starter: Starter) -> Outcome:
        while self._waiting or self._resting or self._flows:
            self._wake()
            ask_again_s = self._ask(starter)
            rates = _fair_rates([flow for flow in self._flows if flow.copies(self.now_s)], self._site)
            moments = [flow.next_s(self.now_s, rates.get(flow.machine.id, 1.0)) for flow in self._flows]
            moments += [at_s for at_s, _ in self._resting]
            if ask_again_s is not None:
                moments.append(self.now_s + ask_again_s)
            assert moments, "nothing runs and nothing was started"
            self._pass(min(moments), rates)
        self.outcome.makespan_s = self.now_s
        return self.outcome

    def _wake(self) -> None:
        due = [machine for at_s, machine in self._resting if at_s <= self.now_s]
        self._resting = [(at_s, machine) for at_s, machine in self._resting if at_s > self.now_s]
        self._waiting = due + self._waiting

    def _ask(self, starter: Starter) -> float | None:
        shown = [self._look(flow) for flow in self._flows]
        ids, ask_again_s = starter.choose(self.now_s, self._waiting, shown, self._made)
        for machine in [machine for machine in self._waiting if machine.id in set(ids)]:
            self._waiting.remove(machine)
            self._start(machine)
        return ask_again_s if self._waiting else None

    def _look(self, flow: _Flow) -> Shown:
        percent: int | None = flow.percent(self.now_s)
        if self._show == "nothing":
            percent = None
        elif self._show == "memory" and flow.copies(self.now_s):  # bytes sent of the memory's size, up to 95
            percent = 95 if flow.passes else int(95 * (1 - flow.left / flow.amount))
        return Shown(flow.machine, self.now_s - flow.began_s, percent)

    def _start(self, machine: Machine) -> None:
        jitter = self._random.uniform(-self._site.jitter, self._site.jitter)
        ways = (f"{machine.source} out", f"{machine.destination} in")
        if self._site.core < math.inf:
            ways += ("core",)
        copies_at_s = self.now_s + self._site.setup_s * (1 + jitter)
        size = max(1.0, machine.memory)
        limit = min(self._site.best_rate, 1e15)
        flow = _Flow(machine, limit, self.now_s, copies_at_s, ways, size, size, copies_at_s)
        flow.fails = self._random.random() < self._site.failing
        if flow.fails and self._site.early:
            flow.ends_s = copies_at_s
        self._flows.append(flow)
        self.outcome.log.append(Event(self.now_s, "starts", machine))

    def _pass(self, then_s: float, rates: dict[str, float]) -> None:
        took_s, before_s, self.now_s = then_s - self.now_s, self.now_s, then_s
        for flow in list(self._flows):
            rate = rates.get(flow.machine.id)
            if rate is not None and flow.copies(before_s):
                flow.left = max(0.0, flow.left - rate * took_s)
                if flow.left <= rate * 1e-9:
                    flow.pass_over(then_s, self._site.finish_s)
            elif flow.ends_s <= then_s:
                self._end(flow)

    def _end(self, flow: _Flow) -> None:
        self._flows.remove(flow)
        machine = flow.machine
        self._tries[machine.id] += 1
        self.outcome.log.append(Event(self.now_s, "failed" if flow.fails else "moved", machine))
        if not flow.fails:
            self.outcome.blackouts_s[machine.id] = flow.blackout_s
            self._made.append(Made(machine, flow.began_s, self.now_s))
        elif self._tries[machine.id] < TRIES:
            self._resting.append((self.now_s + self._site.back_off_s * 2 ** (self._tries[machine.id] - 1), machine))
        else:
            self.outcome.home[machine.id] = f"failed {TRIES} times"


# What any schedule can be measured by


def alone(machine: Machine, site: Site) -> tuple[float, float, float]:
    """With all links to itself: seconds from order to end, bytes that travel, blackout."""
    rate, size = site.best_rate, max(1.0, machine.memory)
    passes = [size / rate]
    while len(passes) <= PASSES:
        passes.append(min(machine.memory, machine.dirty * passes[-1]) / rate)
        if passes[-1] < REMAINDER_S:
            break
    return site.setup_s + sum(passes) + site.finish_s, rate * sum(passes), passes[-1]


def lower_bound(site: Site, machines: Sequence[Machine], log: Sequence[Event] = ()) -> float:
    """No schedule is faster: every byte crosses its links, and no migration is faster than alone.

    Args:
        log: with it, what failed at its end counts too: each try takes its time and its bytes, and what rests after it.
    """
    tries = Counter(each.id for each in machines)
    if log and not site.early:
        tries = Counter(event.machine.id for event in log if event.what == "starts")
    usual_s = site.setup_s * (1 - site.jitter) + site.finish_s
    carried: dict[str, float] = defaultdict(float)
    busy: dict[str, float] = defaultdict(float)
    longest_s = total_s = 0.0
    for machine in machines:
        seconds, sent, _ = alone(machine, site)
        seconds, times = seconds - site.setup_s * site.jitter, tries[machine.id]
        rests_s = sum(site.back_off_s * 2**number for number in range(times - 1))
        longest_s, total_s = max(longest_s, seconds * times + rests_s), total_s + seconds * times
        for way in (f"{machine.source} out", f"{machine.destination} in", "core"):
            carried[way] += sent * times
        for host in (machine.source, machine.destination):
            busy[host] += seconds * times
    bounds = [longest_s]
    bounds += [sent / (site.core if way == "core" else site.link) + usual_s for way, sent in carried.items()]
    bounds += [busy[host] / limit for host, limit in site.limits.items() if host in busy]
    if site.total is not None:
        bounds.append(total_s / site.total)
    return max(bounds)


def noticed(site: Site, machines: Sequence[Machine], outcome: Outcome) -> list[str]:
    """VMs that stood still for too long though alone they would not have."""
    able = [machine.id for machine in machines if alone(machine, site)[2] <= NOTICED_S]
    return [machine for machine in able if outcome.blackouts_s.get(machine, 0.0) > NOTICED_S]


def check(site: Site, machines: Sequence[Machine], outcome: Outcome) -> list[str]:
    """What the log shows that must not be: limits exceeded at either end, VMs lost, moved twice or tried too often."""
    wrong: list[str] = []
    runs: Counter[str] = Counter()
    under_way: set[str] = set()
    tries: Counter[str] = Counter()
    moved: Counter[str] = Counter()
    for event in outcome.log:
        machine = event.machine
        ends = (machine.source, machine.destination)
        if event.what == "starts":
            if machine.id in under_way or moved[machine.id]:
                wrong.append(f"{machine.id} started twice")
            under_way.add(machine.id)
            runs.update(ends)
            tries[machine.id] += 1
            wrong += [f"{host} over its limit" for host in ends if runs[host] > site.limits.get(host, len(machines))]
            if site.total is not None and len(under_way) > site.total:
                wrong.append("over the total")
        else:
            under_way.remove(machine.id)
            runs.subtract(ends)
            moved[machine.id] += event.what == "moved"
    for machine in machines:
        if moved[machine.id] + (machine.id in outcome.home) != 1 or tries[machine.id] > TRIES:
            wrong.append(f"{machine.id} moved {moved[machine.id]} times in {tries[machine.id]} tries")
    return wrong


class PerNode:
    """As many as each end allows, in the order given; so do clusters, whose default is one."""

    def __init__(self, each: int | None = None, total: int | None = None) -> None:
        self._each, self._total = each, total

    def choose(
        self, now_s: float, waiting: Sequence[Machine], running: Sequence[Shown], made: Sequence[Made]
    ) -> tuple[Sequence[str], float | None]:
        runs = Counter(host for one in running for host in (one.machine.source, one.machine.destination))
        chosen: list[str] = []
        for machine in waiting:
            if self._total is not None and len(running) + len(chosen) >= self._total:
                break
            ends = (machine.source, machine.destination)
            if self._each is None or all(runs[host] < self._each for host in ends):
                chosen.append(machine.id)
                runs.update(ends)
        return chosen, None


BASELINES: dict[str, Callable[[], Starter]] = {
    "sequential": lambda: PerNode(total=1),
    "one per node": lambda: PerNode(1),
    "two per node": lambda: PerNode(2),
    "unlimited": PerNode,
}
