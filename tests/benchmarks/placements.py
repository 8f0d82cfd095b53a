"""Placements to solve, and a judge of the answers that shares no code with what it judges.

Planted instances can be solved: VMs are put on hosts first, and the free room is dealt out around them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from bot.core.placement import Away, Guest, Homecoming, Placement, Problem, Target

GIB, MIB = 2**30, 2**20
NORMAL = ([2, 4, 6, 8, 12, 16, 24, 32, 64], [8, 22, 10, 26, 10, 14, 4, 5, 1])
LARGE = ([16, 24, 32, 48, 64, 96], [20, 20, 25, 15, 15, 5])
GROUPED, LIMITED, PROCESSOR_FILL, RESERVE = 0.30, 0.15, 0.85, 8 * GIB


def planted(
    seed: int, vms: int, hosts: int, fill: float, mix: tuple[list[int], list[int]] = NORMAL, sources: int = 1
) -> Problem:
    """VMs that all fit on hosts other than their own.

    Args:
        fill: their memory over the free memory of all targets.
        sources: how many hosts they come from.
    """
    random = Random(f"{seed} {vms} {hosts} {fill} {mix[0][0]}")
    names = [f"host{number:02d}" for number in range(1, hosts + 1)]
    memory = [size * GIB for size in random.choices(*mix, k=vms)]
    processors = [min(16, random.choice([1, 2, 2, 4, 4, 8]) * (2 if size >= 32 * GIB else 1)) for size in memory]
    groups, apart = _groups(random, vms, hosts)
    seats = _seats(random, vms, names, memory, apart)
    free = _deal(random, names, seats, memory, sum(memory) / fill, MIB)
    free_processors = _deal(random, names, seats, processors, sum(processors) / PROCESSOR_FILL, 1)
    limited = set(random.sample(range(vms), round(vms * LIMITED)))
    guests = tuple(
        Guest(
            id=f"vm-{number:04d}",
            name=f"VM-{number:04d}",
            memory=memory[number],
            processors=processors[number],
            host=f"source{number % sources:02d}",
            allowed=frozenset(_owners(random, names, seats[number]) if number in limited else names),
            groups=frozenset(groups[number]),
        )
        for number in range(vms)
    )
    living = _living(random, names, seats, apart)
    targets = tuple(_target(random, name, free[name], free_processors[name], living[name]) for name in names)
    return Problem(guests=guests, targets=targets)


def _groups(random: Random, vms: int, hosts: int) -> tuple[list[set[str]], dict[str, list[int]]]:
    """Groups of two to four for the share that has them: by VM, and by group."""
    of: list[set[str]] = [set() for _ in range(vms)]
    members: dict[str, list[int]] = {}
    grouped = random.sample(range(vms), round(vms * GROUPED))
    while len(grouped) >= 2:
        size = min(len(grouped), random.choice([2, 2, 3, 4]), hosts)
        name = f"group{len(members):03d}"
        members[name] = [grouped.pop() for _ in range(size)]
        for vm in members[name]:
            of[vm].add(name)
    return of, members


def _seats(
    random: Random, vms: int, names: list[str], memory: list[int], apart: Mapping[str, list[int]]
) -> dict[int, str]:
    """Where each VM is planted: the emptier of two random hosts, apart from its group."""
    load: Counter[str] = Counter()
    seats: dict[int, str] = {}
    together = {vm: group for group in apart.values() for vm in group}
    for vm in random.sample(range(vms), vms):
        taken = {seats[other] for other in together.get(vm, ()) if other in seats}
        choice = [name for name in names if name not in taken]
        seats[vm] = min(random.sample(choice, min(2, len(choice))), key=lambda name: load[name])
        load[seats[vm]] += memory[vm]
    return seats


def _deal(
    random: Random, names: list[str], seats: Mapping[int, str], amounts: list[int], total: float, unit: int
) -> dict[str, int]:
    """What each host has free: what is planted there, and its random part of the rest."""
    shares = {name: random.expovariate(1) for name in names}
    rest = (total - sum(amounts)) / sum(shares.values())
    free = {name: int(shares[name] * rest) // unit * unit for name in names}
    for vm, name in seats.items():
        free[name] += amounts[vm]
    return free


def _owners(random: Random, names: list[str], planted_on: str) -> set[str]:
    return {planted_on, *random.sample(names, max(1, round(len(names) * random.uniform(0.2, 0.6))))}


def _living(
    random: Random, names: list[str], seats: Mapping[int, str], apart: Mapping[str, list[int]]
) -> dict[str, set[str]]:
    """One group in three has a further member, on a host where none is planted."""
    living: dict[str, set[str]] = defaultdict(set)
    for group, members in apart.items():
        elsewhere = [name for name in names if name not in {seats[vm] for vm in members}]
        if elsewhere and random.random() < 1 / 3:
            living[random.choice(elsewhere)].add(group)
    return living


def _target(random: Random, name: str, free: int, processors: int, groups: Iterable[str]) -> Target:
    """As much memory as machines have: of what is built in, some is free, the rest is residents' or the host's own."""
    total = next(
        (size * GIB for size in (256, 384, 512, 768, 1024, 1536, 2048) if size * GIB * random.uniform(0.3, 0.7) > free),
        4096 * GIB,
    )
    return Target(name, memory=free, memory_total=total, processors=processors, groups=frozenset(groups))


def scattered(seed: int, vms: int, hosts: int, residents: int, slack: float) -> Problem:
    """Free memory is enough in sum (`slack` x what the VMs need), but dealt out without regard to their sizes."""
    random = Random(f"{seed} {vms} {hosts} {residents} {slack}")
    names = [f"host{number:02d}" for number in range(1, hosts + 1)]
    groups, _ = _groups(random, vms, hosts)
    memory = [size * GIB for size in random.choices(*LARGE, k=vms)]
    processors = [random.choice([1, 2, 2, 4, 4, 8]) for _ in memory]
    guests = tuple(
        Guest(f"vm-{n:04d}", f"VM-{n:04d}", memory[n], processors[n], "source00", frozenset(names), {}, groups[n])
        for n in map(int, range(vms))
    )
    shares = {name: random.uniform(0.5, 1.5) for name in names}
    each = sum(memory) * slack / sum(shares.values())
    free = {name: int(each * share) // MIB * MIB for name, share in shares.items()}
    spare = round(sum(processors) / PROCESSOR_FILL / hosts) + 1
    living = tuple(_resident(random, number, names) for number in range(residents))
    used = Counter(dict.fromkeys(names, 0))
    for vm in living:
        used[vm.host] += vm.memory
    targets = tuple(
        Target(name, memory=free[name], memory_total=used[name] + free[name] + RESERVE, processors=spare)
        for name in names
    )
    return Problem(guests, targets, living)


def _resident(random: Random, number: int, names: list[str]) -> Guest:
    host = names[number % len(names)]
    allowed = frozenset(names if random.random() > LIMITED else {host, *random.sample(names, 5)})
    memory = random.choices(*NORMAL)[0] * GIB
    return Guest(f"res-{number:04d}", f"RES-{number:04d}", memory, random.choice([1, 2, 2, 4, 4, 8]), host, allowed)


@dataclass
class Ledger:
    """What a host has left, and the groups of those who live on it. In bytes; knows nothing of boards."""

    free: Counter[str]
    groups: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, target: Target) -> Ledger:
        volumes = {f"volume {letter}": size for letter, size in target.storage.items()}
        return cls(
            Counter({"memory": target.memory, "processors": target.processors} | volumes), Counter(target.groups)
        )

    def arrive(self, vm: Guest) -> list[str]:
        """Let it in all the same; what that breaks."""
        broken = [f"{group} twice" for group in vm.groups if self.groups[group]]
        self.groups.update(vm.groups)
        for resource, size in _takes(vm).items():
            self.free[resource] -= size
            if size and self.free[resource] < 0:
                broken.append(f"{resource} short by {-self.free[resource]}")
        return [f"{vm.id}: {each}" for each in broken]

    def leave(self, vm: Guest) -> None:
        self.groups.subtract(vm.groups)
        for resource, size in _takes(vm).items():
            self.free[resource] += size


def _takes(vm: Guest) -> dict[str, int]:
    return {
        "memory": vm.memory,
        "processors": vm.processors,
        **{f"volume {letter}": size for letter, size in vm.storage.items()},
    }


def violations(problem: Problem, placement: Placement) -> list[str]:
    """Every rule that a placement breaks; empty for a correct one."""
    ledgers = {target.name: Ledger.of(target) for target in problem.targets}
    places = {resident.id: resident for resident in problem.residents}
    for resident in problem.residents:
        ledgers[resident.host].groups.update(resident.groups)
    broken: list[str] = []
    for shift in placement.extra:
        vm = places[shift.guest]
        if vm.host != shift.source or shift.destination not in vm.allowed:
            broken.append(f"{vm.id}: is not on {shift.source} or may not go to {shift.destination}")
        broken += ledgers[shift.destination].arrive(vm)  # it uses both hosts while it moves
        ledgers[shift.source].leave(vm)
        places[vm.id] = replace(vm, host=shift.destination)
    for guest in problem.guests:
        if host := placement.where.get(guest.id):
            broken += [] if host in guest.allowed else [f"{guest.id}: not allowed on {host}"]
            broken += ledgers[host].arrive(guest)
    told = sorted([*placement.where, *(each.guest for each in placement.unplaced)])
    broken += [] if told == sorted(guest.id for guest in problem.guests) else ["not every guest is told of once"]
    for guest in problem.guests:
        if guest.id not in placement.where:
            room = [name for name in guest.allowed & set(ledgers) if not _refusals(ledgers[name], guest)]
            broken += [f"{guest.id}: left out, but fits on {name}" for name in room]
    return broken


def _refusals(ledger: Ledger, vm: Guest) -> list[str]:
    return Ledger(Counter(ledger.free), Counter(ledger.groups)).arrive(vm)


def homecoming_violations(away: Sequence[Away], hosts: Sequence[Target], plan: Homecoming) -> list[str]:
    """Every rule that stages break; empty for correct ones. What leaves within a stage makes no room in it."""
    ledgers = {host.name: Ledger.of(host) for host in hosts}
    vms = {each.vm.id: each.vm for each in away}
    homes = {each.vm.id: each.home for each in away}
    for vm in vms.values():
        ledgers[vm.host].groups.update(vm.groups)
    broken: list[str] = []
    for stage in plan.stages:
        for move in stage:
            vm = vms[move.guest]
            if vm.host != move.source or move.destination not in vm.allowed | {homes[vm.id]}:
                broken.append(f"{vm.id}: is not on {move.source} or may not go to {move.destination}")
            broken += ledgers[move.destination].arrive(vm)
        for move in stage:
            ledgers[move.source].leave(vms[move.guest])
            vms[move.guest] = replace(vms[move.guest], host=move.destination)
    absent = sorted(vm.id for vm in vms.values() if vm.host != homes[vm.id])
    broken += [] if absent == sorted(each.vm for each in plan.staying) else ["who stays is not who is not home"]
    return broken


@dataclass
class Pool:
    """Hosts after rolling maintenance: VMs, where each is, and where it was before."""

    vms: dict[str, Guest]
    homes: dict[str, str]
    ledgers: dict[str, Ledger]
    totals: dict[str, int]

    def fits(self, vm: Guest, host: str) -> bool:
        return not _refusals(self.ledgers[host], vm)

    def move(self, vm: str, host: str) -> None:
        self.ledgers[host].arrive(self.vms[vm])
        self.ledgers[self.vms[vm].host].leave(self.vms[vm])
        self.vms[vm] = replace(self.vms[vm], host=host)

    @property
    def away(self) -> list[Away]:
        return [Away(vm, self.homes[vm.id]) for vm in self.vms.values() if vm.host != self.homes[vm.id]]

    @property
    def hosts(self) -> list[Target]:
        """As a plan is told of them: what VMs use is taken off, and groups are of VMs that do not move."""
        settled = [vm for vm in self.vms.values() if vm.host == self.homes[vm.id]]
        groups = {name: frozenset(g for vm in settled if vm.host == name for g in vm.groups) for name in self.ledgers}
        return [
            Target(name, ledger.free["memory"], self.totals[name], ledger.free["processors"], groups=groups[name])
            for name, ledger in self.ledgers.items()
        ]


def rolled(seed: int, hosts: int, fill: float) -> Pool:
    """A pool so full, of which each host in turn was emptied, onto the emptiest others, and came back empty.

    What fits nowhere else stays on its host (it is shut down meanwhile).
    """
    random = Random(f"{seed} {hosts} {fill}")
    names = [f"host{number:02d}" for number in range(1, hosts + 1)]
    ledgers = {name: Ledger(Counter(memory=512 * GIB, processors=384)) for name in names}
    pool = Pool({}, {}, ledgers, dict.fromkeys(names, 520 * GIB))
    left = hosts * 512 * GIB * fill
    while left > 0:
        memory = random.choices(*NORMAL)[0] * GIB
        groups = frozenset([f"group{len(pool.vms) // 20}"] if len(pool.vms) % 20 < 2 else [])
        vm = Guest(f"vm-{len(pool.vms):04d}", "", memory, random.choice([1, 2, 4]), "", frozenset(names), {}, groups)
        choice = [name for name in random.sample(names, hosts) if pool.fits(vm, name)]
        if not choice:
            break
        home = min(choice[:2], key=lambda name: -ledgers[name].free["memory"])
        ledgers[home].arrive(vm)
        pool.vms[vm.id], pool.homes[vm.id] = replace(vm, host=home), home
        left -= memory
    for name in names:
        for vm in sorted(pool.vms.values(), key=lambda vm: -vm.memory):
            others = [other for other in names if other != name and pool.fits(vm, other)]
            if vm.host == name and others:
                pool.move(vm.id, max(others, key=lambda other: ledgers[other].free["memory"]))
    return pool


def host_by_host(pool: Pool) -> int:
    """Bring VMs home as XO's rolling pool update does: hosts in fixed order, VM by VM, what does not fit is dropped.

    Returns how many are not home in the end; the pool is used up.
    """
    for home in pool.ledgers:
        for away in [each for each in pool.away if each.home == home]:
            if pool.fits(away.vm, home):
                pool.move(away.vm.id, home)
    return len(pool.away)
