"""What a storm passes over: hosts with room for two migrations each, VMs of every kind, and what people want of them.

One wish for each VM, so that what the hosts' journal says of a VM is of one operation. Everything is drawn from a seed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from uuid import NAMESPACE_DNS, UUID, uuid5

from bot.lab.world import (
    GIB,
    Adapter,
    Disk,
    DiskFile,
    Host,
    MoveRequest,
    Share,
    State,
    Switch,
    Vm,
    Volume,
    World,
    WorldClock,
)
from bot.lab.world.jobs import Job
from bot.lab.world.layout import Layout

HOSTS = ("host01", "host02", "host03")
CHANNELS = ("ops", "night-shift", "projects")
SHARES = ("\\\\server01\\vmstore", "\\\\server02\\vmstore")
PRODUCTION = Switch("Production")


class Then(StrEnum):
    """What people do once the plan is on its card."""

    CONFIRM = "confirm"
    DECLINE = "decline"
    CANCEL = "confirm, and cancel"


@dataclass(frozen=True)
class Wish:
    """Something said that a card answers.

    Attributes:
        at_s: since the storm began.
        fails_at: percent at which the host will fail the move; 0: it does not.
        patience_s: from the confirmation until it is cancelled, if it is.
    """

    vm: str
    text: str
    where: str
    then: Then
    at_s: float
    fails_at: int = 0
    patience_s: float = 0.0


@dataclass(frozen=True)
class Question:
    """Something said that a reply answers.

    Attributes:
        whispered: what only `who` then reads; empty: everybody reads the answer.
    """

    text: str
    where: str
    at_s: float
    who: str = "alice"
    whispered: str = ""


@dataclass(frozen=True)
class Order:
    """What `text` orders, the card of many moves answers."""

    text: str
    where: str
    at_s: float = 0.0


Said = Wish | Question | Order


class CountingWorld(World):
    """Keeps every order to move a VM, those included that Hyper-V refuses before there is a job.

    Attributes:
        orders: VM ids and Unix times, oldest first.
    """

    def __init__(self, clock: WorldClock | None = None) -> None:
        super().__init__(clock)
        self.orders: list[tuple[UUID, float]] = []

    def start_move(self, source: Host, request: MoveRequest) -> Job:
        self.orders.append((request.vm, time.time()))
        return super().start_move(source, request)

    def start_storage_move(self, host: Host, vm_id: UUID, layout: Layout, owner: str = "LAB\\operator") -> Job:
        self.orders.append((vm_id, time.time()))
        return super().start_storage_move(host, vm_id, layout, owner)


def draw(seed: int, count: int, seconds: float) -> tuple[tuple[Wish, ...], tuple[Question, ...]]:
    """So many wishes within so many seconds, in bursts that want more than there is room for, and questions between."""
    chance = random.Random(seed)
    wishes = []
    for number in range(1, count + 1):
        vm, source = f"VM-{number:02d}", _home(number)
        to = chance.choice([host for host in HOSTS if host != source])
        text = _KINDS[number % len(_KINDS)].format(vm=vm, to=to)
        then = chance.choice([Then.CONFIRM] * 6 + [Then.CANCEL] * 3 + [Then.DECLINE])
        fails_at = chance.choice([0] * 6 + [3, 50])
        burst = (number // 4) * 4 / count
        at_s = seconds * burst + chance.uniform(0, 0.5)
        wishes.append(Wish(vm, text, chance.choice(CHANNELS), then, at_s, fails_at, chance.uniform(0, 2)))
    return tuple(wishes), tuple(_questions(chance, seconds))


_KINDS = (
    "migrate {vm} to {to}",
    "migrate {vm} to {to} with storage",
    "migrate {vm} to {to}",
    "move storage {vm} \\\\server02\\vmstore",
)


def _questions(chance: random.Random, seconds: float) -> Iterator[Question]:
    for text in ("status", "where VM-01", "hosts", "vms host02", "where VM-99"):
        yield Question(text, chance.choice(CHANNELS), chance.uniform(0, seconds))
    yield Question("@Ferry help", "ops", chance.uniform(0, seconds), whispered="move storage")
    yield Question("migrate VM-02 to host01", "ops", chance.uniform(0, seconds), who="mallory", whispered="allow")


def build(clock: WorldClock, wishes: tuple[Wish, ...]) -> CountingWorld:
    world = build_hosts(clock)
    for number, wish in enumerate(wishes, 1):
        vm = add_vm(world, _home(number), number, 2 + number % 3 * 2, local=wish.text.endswith("with storage"))
        if wish.fails_at:
            world.fail_next(vm, wish.fails_at, every_time=True)
    return world


def build_hosts(clock: WorldClock, migrations: int = 2) -> CountingWorld:
    """Args: migrations: how many of each kind a host takes part in at once."""
    world = CountingWorld(clock)
    for name in HOSTS:
        host = Host(
            f"{name}.ferry.lab", 512 * GIB, maximum_migrations=migrations, maximum_storage_migrations=migrations
        )
        host.switches = (PRODUCTION,)
        host.volumes = {"C": Volume("C", 200 * GIB, 80 * GIB), "D": Volume("D", 4096 * GIB, 300 * GIB)}
        world.add_host(host)
    for share in SHARES:
        world.add_share(Share(share, 20480 * GIB, 1024 * GIB, rate_bytes_s=2.0e9))
    return world


def _home(number: int) -> str:
    return HOSTS[number % len(HOSTS)]


def add_vm(world: World, host: str, number: int, memory_gib: int, *, local: bool) -> Vm:
    """A running VM, its storage on a share or on its host."""
    name = f"VM-{number:02d}"
    path = f"D:\\VMs\\{name}" if local else f"{SHARES[0]}\\{name}"
    vm = Vm(
        name,
        uuid5(NAMESPACE_DNS, f"{name}.crash"),
        State.RUNNING,
        memory_gib * GIB,
        path=path,
        checkpoint_path=path,
        smart_paging_path=path,
        disks=[Disk([DiskFile(f"{path}\\Virtual Hard Disks\\{name}.vhdx", 4 * GIB)], 8 * GIB)],
        adapters=[Adapter("Network Adapter", PRODUCTION.name)],
        started_at=world.clock.now(),
    )
    return world.add_vm(world.host(host), vm)
