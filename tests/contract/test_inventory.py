"""The inventory over real reads, pypsrp against the lab's hosts: it knows what it saw, and says what it did not see."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import Queue

import pytest

from bot.core.estate import Cluster, Host, Role, Seen, Sighting, Vm, VmState, VmSummary
from bot.core.names import VmId
from bot.core.readiness.model import Surroundings, Target
from bot.errors import HostUnreachable, Misnamed, Refused
from bot.hyperv.fleet import HyperVFleet
from bot.operations.inventory import Inventory
from bot.operations.watch import Watch, wait_for
from tests.contract.two_hosts import VM_01, VM_02, TwoHosts, two_hosts

LONG_S = 20.0


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def into(rooms: Queue[Host]) -> Callable[[Host, datetime], None]:
    return lambda host, _: rooms.put(host)


class Door:
    """The real fleet behind a door: a host's reads can be held back, and those inside at a time are counted."""

    def __init__(self, fleet: HyperVFleet) -> None:
        self._fleet = fleet
        self._open = {host: threading.Event() for host in fleet.hosts()}
        self._lock = threading.Lock()
        self._inside: Counter[str] = Counter()
        self.reads: Counter[str] = Counter()
        self.most_inside: Counter[str] = Counter()
        self.entered: Queue[str] = Queue()
        self.stumbles = False
        for host in fleet.hosts():
            self.open(host)

    def close(self, host: str) -> None:
        self._open[host].clear()

    def open(self, host: str) -> None:
        self._open[host].set()

    @contextmanager
    def _through(self, host: str) -> Iterator[None]:
        with self._lock:
            self.reads[host] += 1
            self._inside[host] += 1
            self.most_inside[host] = max(self.most_inside[host], self._inside[host])
        self.entered.put(host)
        try:
            assert self._open[host].wait(LONG_S)
            if self.stumbles:
                raise ValueError("a property that nobody expected")
            yield
        finally:
            with self._lock:
                self._inside[host] -= 1

    def hosts(self) -> tuple[str, ...]:
        return self._fleet.hosts()

    def read_host(self, host: str, vm: VmId | None = None) -> tuple[Host, Vm | None]:
        with self._through(host):
            return self._fleet.read_host(host, vm)

    def read_vms(self, host: str) -> tuple[Host, tuple[VmSummary, ...]]:
        with self._through(host):
            return self._fleet.read_vms(host)

    def read_surroundings(self, host: str) -> Surroundings:
        with self._through(host):
            return self._fleet.read_surroundings(host)

    def reach(self, host: str, target: Target) -> bool:
        with self._through(host):
            return self._fleet.reach(host, target)

    def read_all(self, host: str) -> tuple[Host, tuple[Vm, ...]]:
        with self._through(host):
            return self._fleet.read_all(host)

    def look(self, host: str, vm: VmId) -> Sighting:
        return self._fleet.look(host, vm)

    def look_at_role(self, host: str, vm: VmId) -> Sighting:
        return self._fleet.look_at_role(host, vm)

    def read_cluster(self, host: str, vm: VmId | None = None) -> tuple[Cluster, Role | None]:
        with self._through(host):
            return self._fleet.read_cluster(host, vm)


@pytest.fixture(scope="module")
def lab() -> Iterator[TwoHosts]:
    with two_hosts() as lab:
        yield lab


@pytest.fixture
def world(lab: TwoHosts) -> TwoHosts:
    lab.reset()
    return lab


@pytest.fixture
def door(world: TwoHosts) -> Iterator[Door]:
    fleet = HyperVFleet(world.settings)
    yield Door(fleet)
    fleet.close()


@pytest.fixture
def inventory(door: Door) -> Inventory:
    return Inventory(door, SystemClock(), refresh_s=3600, patience_s=LONG_S)


def names(seen: Seen | None) -> list[str]:
    assert seen is not None
    return [vm.name for vm in seen.vms]


# What is kept


def test_before_the_first_look_nothing_is_claimed(inventory: Inventory, door: Door) -> None:
    estate = inventory.estate()

    assert [seen.host for seen in estate.hosts] == ["host01", "host02"]
    assert [seen.failure for seen in estate.unknown] == ["Ferry has not looked at it yet"] * 2
    assert not door.reads


def test_a_look_finds_hosts_and_vms_and_is_kept(inventory: Inventory, door: Door) -> None:
    estate = inventory.refreshed()
    kept = inventory.estate()

    assert names(estate.on("host01")) == ["VM-01", "VM-02"]
    assert names(estate.on("host02")) == []
    assert kept == estate
    assert door.reads == {"host01": 1, "host02": 1}
    info = kept.hosts[0].info
    assert info is not None
    assert (info.name, info.fqdn.lower()) == ("host01", "host01.contoso.com")
    assert (info.live_active, info.live_limit, info.storage_limit) == (0, 2, 2)


def test_the_background_looks_again_and_again(door: Door) -> None:
    looks: Queue[Host] = Queue()
    inventory = Inventory(door, SystemClock(), refresh_s=0.01, on_room=into(looks))
    inventory.start()
    try:
        told = [looks.get(timeout=LONG_S) for _ in range(6)]
    finally:
        inventory.stop()

    assert {host.name for host in told} == {"host01", "host02"}
    assert all(host.storage_limit == 2 for host in told)


def test_in_the_background_each_host_has_its_own_time(door: Door) -> None:
    """At the start all at once; then a second host is not looked at while the first is, but when its time comes."""
    looks: Queue[Host] = Queue()
    inventory = Inventory(door, SystemClock(), refresh_s=0.4, on_room=into(looks))
    inventory.start()
    try:
        at_once = {looks.get(timeout=LONG_S).name for _ in range(2)}
        later = [(looks.get(timeout=LONG_S).name, time.monotonic()) for _ in range(4)]
    finally:
        inventory.stop()

    assert at_once == {"host01", "host02"}
    assert [name for name, _ in later[:2]] == [name for name, _ in later[2:]]
    assert later[0][0] != later[1][0]
    assert later[2][1] - later[0][1] > 0.3


def test_asked_for_room_it_looks_soon_and_tells(door: Door, world: TwoHosts) -> None:
    looks: Queue[Host] = Queue()
    inventory = Inventory(door, SystemClock(), refresh_s=3600, on_room=into(looks))
    world.start_move(VM_01, "host02")
    for ask in (inventory.look_soon, inventory.ask_room_soon):
        ask(["host02", "of older settings"])
        host = looks.get(timeout=LONG_S)
        assert host.name == "host02"
        assert (host.live_active, host.live_limit) == (1, 2)


def test_no_host_is_asked_for_room_while_it_still_owes_the_answer(door: Door) -> None:
    rooms: Queue[Host] = Queue()
    inventory = Inventory(door, SystemClock(), refresh_s=3600, on_room=into(rooms))
    door.close("host02")
    inventory.ask_room_soon(["host02"])
    door.entered.get(timeout=LONG_S)
    inventory.ask_room_soon(["host01", "host02"])
    assert rooms.get(timeout=LONG_S).name == "host01"
    door.open("host02")
    assert rooms.get(timeout=LONG_S).name == "host02"
    assert door.reads == {"host01": 1, "host02": 1}


# Hosts that are slow, dead, or strange


def test_a_host_that_is_gone_is_kept_apart_from_what_it_held(inventory: Inventory, world: TwoHosts) -> None:
    before = inventory.refreshed().on("host01")
    world.unreachable("host01")
    estate = inventory.refreshed()
    after = estate.on("host01")

    assert before is not None
    assert after is not None
    assert not after.known
    assert after.failure
    assert after.vms == ()
    assert after.held == before.vms
    assert after.answered_at == before.answered_at
    assert estate.unknown == (after,)
    assert names(estate.on("host02")) == []

    world.unreachable("host01", False)
    back = inventory.refreshed().on("host01")
    assert names(back) == ["VM-01", "VM-02"]
    assert back is not None
    assert back.held == ()


def test_a_slow_host_is_answered_for_and_looked_at_to_the_end(door: Door) -> None:
    looks: Queue[Host] = Queue()
    inventory = Inventory(door, SystemClock(), refresh_s=3600, patience_s=LONG_S, on_room=into(looks))
    inventory.refreshed()
    impatient = Inventory(door, SystemClock(), refresh_s=3600, patience_s=2, on_room=into(looks))
    door.close("host02")
    estate = impatient.refreshed()

    assert names(estate.on("host01")) == ["VM-01", "VM-02"]
    assert [seen.failure for seen in estate.unknown] == ["no answer within 2 s"]

    while not looks.empty():
        looks.get()
    door.open("host02")
    assert looks.get(timeout=LONG_S).name == "host02"
    assert impatient.estate().unknown == ()


def test_a_host_that_was_silent_the_last_time_keeps_nobody_waiting_long(
    inventory: Inventory, door: Door, world: TwoHosts
) -> None:
    world.unreachable("host02")
    (before,) = inventory.refreshed().unknown
    door.close("host02")
    estate = inventory.refreshed()
    door.open("host02")

    assert names(estate.on("host01")) == ["VM-01", "VM-02"]
    assert [seen.failure for seen in estate.unknown] == [f"no answer within 2 s; before that: {before.failure}"]


def test_nobody_is_given_up_while_answers_keep_coming() -> None:
    """Three answers come half a second apart, though one host alone would be waited for half a second."""
    asked: dict[str, Future[int]] = {f"host{number}": Future() for number in range(4)}
    timers = [threading.Timer(0.5 * number, asked[f"host{number}"].set_result, [number]) for number in range(1, 4)]
    for timer in timers:
        timer.start()
    asked["host0"].set_result(0)
    wait_for(asked, (), 0.5)

    assert all(future.done() for future in asked.values())


def test_nobody_looks_at_a_host_twice_at_a_time(door: Door) -> None:
    watch = Watch("host01", door, SystemClock(), lambda *_: None)
    door.close("host01")
    first = watch.ask()
    door.entered.get(timeout=LONG_S)
    second, third = watch.ask(), watch.ask()
    door.open("host01")

    assert first.result(LONG_S).known
    assert second is third is not first
    assert second.result(LONG_S).at >= first.result().at
    assert door.reads["host01"] == 2
    assert door.most_inside["host01"] == 1


def test_those_who_wait_for_a_dead_host_wait_for_one_look_only(door: Door, world: TwoHosts) -> None:
    watch = Watch("host01", door, SystemClock(), lambda *_: None)
    world.unreachable("host01")
    door.close("host01")
    first = watch.ask()
    door.entered.get(timeout=LONG_S)
    second = watch.ask()
    door.open("host01")

    assert first.result(LONG_S).failure
    assert second.result(LONG_S) == first.result()
    assert door.reads["host01"] == 1
    world.unreachable("host01", False)
    assert watch.ask().result(LONG_S).known


def test_an_answer_that_ferry_stumbles_over_is_an_incident_and_no_end(
    inventory: Inventory, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.stumbles = True
    with caplog.at_level(logging.ERROR):
        failures = [seen.failure for seen in inventory.refreshed().unknown]
    door.stumbles = False

    assert len(failures) == 2
    for failure in failures:
        incident = failure.removesuffix(")").rsplit(" ", 1)[-1]
        assert any(incident in record.getMessage() and record.exc_info for record in caplog.records)
    assert inventory.refreshed().unknown == ()


def test_after_stop_nobody_is_told_any_more(door: Door) -> None:
    looks: Queue[Host] = Queue()
    inventory = Inventory(door, SystemClock(), refresh_s=3600, patience_s=LONG_S, on_room=into(looks))
    inventory.start()
    looks.get(timeout=LONG_S)
    looks.get(timeout=LONG_S)
    inventory.stop()
    inventory.refreshed()

    assert looks.empty()


# Asking hosts for everything


def test_hosts_are_asked_for_everything_at_the_same_time(inventory: Inventory, door: Door) -> None:
    door.close("host01")
    door.close("host02")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(inventory.read_all, ["host02", "host01", "host02"])
        inside = {door.entered.get(timeout=LONG_S), door.entered.get(timeout=LONG_S)}
        door.open("host01")
        door.open("host02")
        there, here = asked.result(LONG_S)

    assert inside == {"host01", "host02"}
    assert door.reads == {"host01": 1, "host02": 1}
    assert (there.host, there.vms, there.failure) == ("host02", (), "")
    assert here.info == inventory.read_host("host01")
    assert here.vms == tuple(inventory.read_vm("host01", vm)[1] for vm in (VM_01, VM_02))


def test_a_host_that_cannot_be_asked_says_why_and_keeps_nobody_waiting(door: Door, world: TwoHosts) -> None:
    inventory = Inventory(door, SystemClock(), refresh_s=3600, patience_s=LONG_S)
    world.unreachable("host02")
    here, dead = inventory.read_all(["host01", "host02"])
    world.unreachable("host02", False)
    door.close("host02")
    late = Inventory(door, SystemClock(), refresh_s=3600, census_s=1).read_all(["host01", "host02"])[1]
    door.open("host02")

    assert len(here.vms) == 2
    assert dead.failure.startswith("127.0.0.1:")
    assert (dead.info, dead.vms) == (None, ())
    assert (late.host, late.failure, late.vms) == ("host02", "no answer within 1 s", ())
    assert here.at <= late.at


def test_ferrys_own_fault_is_an_incident_there_too(
    inventory: Inventory, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.stumbles = True
    with caplog.at_level(logging.ERROR):
        (census,) = inventory.read_all(["host01"])

    incident = census.failure.removesuffix(")").rsplit(" ", 1)[-1]
    assert any(incident in record.getMessage() and record.exc_info for record in caplog.records)


def test_a_host_that_nobody_knows_is_refused_before_any_is_asked(inventory: Inventory, door: Door) -> None:
    with pytest.raises(Refused, match="host09"):
        inventory.read_all(["host01", "host09"])

    assert not door.reads


# Reading what a command is about


def test_a_vm_is_read_in_full(inventory: Inventory) -> None:
    host, vm = inventory.read_vm("host01", VM_01)

    assert host.name == "host01"
    assert vm is not None
    assert (vm.name, vm.id, vm.state) == ("VM-01", VM_01, VmState.RUNNING)
    assert [disk.path for disk in vm.disks] == [r"\\server01\vmstore\VM-01\VM-01.vhdx"]
    assert inventory.read_vm("host02", VM_01)[1] is None


def test_a_pair_is_read_at_the_same_time(inventory: Inventory, door: Door) -> None:
    door.close("host01")
    door.close("host02")
    found: Queue[tuple[Host, Vm | None, Host]] = Queue()
    reading = threading.Thread(target=lambda: found.put(inventory.read_pair("host01", "host02", VM_01)))
    reading.start()
    inside = {door.entered.get(timeout=LONG_S), door.entered.get(timeout=LONG_S)}
    door.open("host01")
    door.open("host02")
    source, vm, destination = found.get(timeout=LONG_S)
    reading.join(LONG_S)

    assert inside == {"host01", "host02"}
    assert (source.name, vm and vm.name, destination.name) == ("host01", "VM-01", "host02")


def test_a_pair_of_one_host_is_one_read(inventory: Inventory, door: Door) -> None:
    source, _, destination = inventory.read_pair("host01", "host01", VM_01)

    assert source is destination
    assert door.reads == {"host01": 1}


@pytest.mark.parametrize("said", ["host02", "HOST02", "host02.contoso.com"])
def test_a_host_goes_by_its_short_and_its_full_name(inventory: Inventory, said: str) -> None:
    inventory.refreshed()

    assert inventory.read_host(said).name == "host02"
    assert inventory.read_vms(said).host == "host02"


def test_a_host_that_the_settings_do_not_know_is_refused(inventory: Inventory, door: Door) -> None:
    with pytest.raises(Refused) as caught:
        inventory.locate("VM-01", "host2")

    assert caught.value.saw == "Ferry knows no host called host2"
    assert isinstance(caught.value, Misnamed)
    assert list(caught.value.choices) == ["host02", "host01"]
    assert not door.reads


def test_a_vm_that_is_known_is_located_without_asking_every_host(inventory: Inventory, door: Door) -> None:
    inventory.refreshed()
    door.reads.clear()
    source, vm, destination = inventory.locate("vm-01", "host02")

    assert (source.name, vm.id, destination.name) == ("host01", VM_01, "host02")
    assert door.reads == {"host01": 1, "host02": 1}


def test_a_vm_is_located_by_its_id(inventory: Inventory) -> None:
    assert inventory.locate(VM_02)[1].name == "VM-02"


def test_a_vm_that_went_elsewhere_since_is_found_there(inventory: Inventory, world: TwoHosts) -> None:
    inventory.refreshed()
    world.move(VM_01, "host02")

    source, vm, destination = inventory.locate("VM-01", "host01")

    assert (source.name, vm.host, destination.name) == ("host02", "host02", "host01")


def test_a_vm_that_nobody_has_is_looked_for_everywhere_first(inventory: Inventory, door: Door) -> None:
    with pytest.raises(Refused) as caught:
        inventory.locate("VM-3", "host02")

    assert caught.value.saw == "no host has a virtual machine called VM-3"
    assert door.reads == {"host01": 1, "host02": 1}


def test_a_vm_of_a_host_that_died_is_said_to_have_been_there(inventory: Inventory, world: TwoHosts) -> None:
    inventory.refreshed()
    world.unreachable("host01")
    inventory.refreshed()

    with pytest.raises(Refused, match="VM-01 was on host01 when that last answered"):
        inventory.locate("VM-01")


def test_a_destination_that_is_dead_is_a_hosts_failure_and_not_a_refusal(inventory: Inventory, world: TwoHosts) -> None:
    inventory.refreshed()
    world.unreachable("host02")

    with pytest.raises(HostUnreachable) as caught:
        inventory.locate("VM-01", "host02")

    assert caught.value.host == "host02"


# Readiness


def test_hosts_are_checked_at_the_same_time_each_once(inventory: Inventory, door: Door) -> None:
    door.close("host01")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lambda: inventory.check(["HOST02.contoso.com", "host01", "host02"]))
        assert {door.entered.get(timeout=LONG_S) for _ in range(2)} == {"host01", "host02"}
        door.open("host01")
        host02, host01 = asked.result(LONG_S)

    assert [checkup.host for checkup in (host02, host01)] == ["host02", "host01"]
    assert host01.info is not None
    assert host01.around.clock is not None
    assert (host01.failure, host01.unread) == ("", "")


def test_a_host_that_gave_no_answer_before_keeps_nobody_waiting(inventory: Inventory, door: Door) -> None:
    """Its patience is 20 s; the one that did not answer is given two of them."""
    door.stumbles = True
    inventory.refreshed()
    door.stumbles = False
    inventory.read_vms("host01")
    door.close("host02")
    began = datetime.now(UTC)

    host01, host02 = inventory.check(["host01", "host02"])

    door.open("host02")
    assert (datetime.now(UTC) - began).total_seconds() < LONG_S / 2
    assert host01.info is not None
    assert host02.info is None
    assert host02.failure.startswith("no answer within")


def test_a_host_that_cannot_be_reached_is_a_checkup_without_an_answer(inventory: Inventory, world: TwoHosts) -> None:
    world.unreachable("host02")

    host01, host02 = inventory.check(["host01", "host02"])

    assert host01.info is not None
    assert host02.info is None
    assert "refused the connection" in host02.failure
    assert "refused the connection" in host02.unread


def test_what_could_not_be_tried_says_why(inventory: Inventory, world: TwoHosts) -> None:
    target = Target(address="host02.contoso.com", port=6600)
    assert [one.open for one in inventory.reach("host01", [target])] == [True]

    world.unreachable("host01")
    (one,) = inventory.reach("host01", [target])

    assert one.open is None
    assert "refused the connection" in one.failure
