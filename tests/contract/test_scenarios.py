"""What the scenarios for evacuations promise: their numbers, what fits and what does not, who stands still for long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import pytest

from bot.lab.scenario import SCENARIOS, full, hot_vms, rack, scattered, slow_link
from bot.lab.world import GIB, Event, Host, HyperVError, Job, Layout, ManualClock, MoveRequest, State, Vm, World

LONG_S = 0.9


class Estate:
    """A scenario whose time passes as far as moves need it."""

    def __init__(self, scenario: Callable[[ManualClock], World]) -> None:
        self.clock = ManualClock()
        self.world = scenario(self.clock)
        self.source, *self.others = self.world.hosts

    def start(self, vm: Vm, destination: Host) -> Job:
        source = next(host for host in self.world.hosts if vm.id in host.vms)
        local = not vm.path.startswith("\\\\")
        layout = Layout(disks={disk.path: disk.path for disk in vm.disks}, same_paths=True) if local else None
        return self.world.start_move(source, MoveRequest(vm.id, destination.name, layout))

    def finish(self, *jobs: Job) -> None:
        while any(job.active for job in jobs):
            self.clock.advance(5)
            with self.world.look():
                pass

    def move(self, name: str, destination: Host) -> Job:
        job = self.start(self.world.vm(name), destination)
        self.finish(job)
        return job

    def empty(self, at_once: int) -> float:
        """Move all that can move from host01, the largest first and each to where most is free; seconds it took."""
        began, running = self.clock.now(), list[Job]()
        for vm in sorted(movable(self), key=lambda vm: -vm.memory_bytes):
            while len(running) == at_once:
                self.clock.advance(0.5)
                with self.world.look():
                    running = [job for job in running if job.active]
            with self.world.look():
                busy = {job.destination for job in running}
                free = [host for host in self.others if host not in busy]
                running.append(self.start(vm, max(free, key=lambda host: host.free_memory_bytes)))
        self.finish(*running)
        ends = [entry.at for entry in self.world.journal.entries if entry.event is Event.COMPLETED]
        return (ends[-1] - began).total_seconds()


def movable(estate: Estate) -> Iterator[Vm]:
    for vm in tuple(estate.source.vms.values()):
        request = MoveRequest(vm.id, estate.others[0].name)
        fits = not estate.world.incompatibilities(estate.source, request) or not vm.path.startswith("\\\\")
        if fits and not vm.clustered:
            yield vm


def gib(hosts: Iterable[Host]) -> list[int]:
    return [host.free_memory_bytes // GIB for host in hosts]


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_is_the_same_every_time(name: str) -> None:
    def told() -> list[tuple[object, ...]]:
        world = SCENARIOS[name](ManualClock())
        return [
            (host.fqdn, host.memory_bytes, vm.id, vm.name, vm.memory_bytes, vm.dirty_bytes_s, vm.state, vm.started_at)
            for host in world.hosts
            for vm in host.vms.values()
        ]

    assert told() == told()


@pytest.mark.parametrize("name", ["rack", "full", "scattered", "slow-link", "hot-vms"])
def test_all_names_are_different(name: str) -> None:
    names = [vm.name for host in SCENARIOS[name](ManualClock()).hosts for vm in host.vms.values()]
    assert len(set(names)) == len(names)


class TestRack:
    def test_its_numbers(self) -> None:
        estate = Estate(rack)
        running = [vm for vm in movable(estate) if vm.running]
        assert len(estate.source.vms) == 41
        assert sum(vm.memory_bytes for vm in running) == 396 * GIB
        assert {vm.memory_bytes // GIB for vm in running} <= set(range(2, 65))
        assert (sum(gib(estate.others)), max(gib(estate.others))) == (516, 96)
        assert [host.memory_bytes // GIB for host in estate.world.hosts] == [512, 512, 512, 512, 384, 384, 384, 384]
        assert [host.maximum_migrations for host in estate.world.hosts] == [3, 3, 3, 2, 2, 2, 2, 3]
        idle = {vm.name: vm.state for vm in estate.source.vms.values() if not vm.running}
        assert idle == {"PKI-01": State.OFF, "TEST-01": State.OFF, "TEST-02": State.OFF, "DEV-01": State.SAVED}

    def test_three_cannot_move_each_for_a_reason_of_its_own(self) -> None:
        estate = Estate(rack)
        stuck = set(estate.source.vms.values()) - set(movable(estate))
        assert {vm.name for vm in stuck} == {"SETUP-01", "SCAN-01", "CLU-01"}
        for host in estate.others:
            reasons = {
                vm.name: [
                    entry.source
                    for entry in estate.world.incompatibilities(estate.source, MoveRequest(vm.id, host.name))
                ]
                for vm in stuck
            }
            assert reasons == {"SETUP-01": ["dvd", "vm"], "SCAN-01": ["switch", "vm"], "CLU-01": []}

    def test_all_others_can_and_nobody_notices_one_at_a_time(self) -> None:
        estate = Estate(rack)
        seconds = estate.empty(at_once=1)
        assert len(estate.source.vms) == 3
        assert 500 < seconds < 700
        assert max(entry.blackout_s or 0 for entry in estate.world.journal.entries) < LONG_S

    def test_two_at_once_are_faster_and_three_are_not(self) -> None:
        """Set-ups fill the pauses of the link; beyond that, what guests write meanwhile is more to be copied."""
        estates = [Estate(rack) for _ in range(3)]
        one, two, three = (estate.empty(at_once=number) for number, estate in enumerate(estates, start=1))
        assert two < one < three
        assert [estate.world.journal.most_at_once("host01") for estate in estates] == [1, 2, 3]
        longest = [max(entry.blackout_s or 0 for entry in estate.world.journal.entries) for estate in estates]
        assert longest[1] < LONG_S < longest[2]


class TestFull:
    def test_more_is_needed_than_there_is(self) -> None:
        estate = Estate(full)
        assert sum(vm.memory_bytes for vm in estate.source.vms.values()) == 192 * GIB
        assert gib(estate.others) == [40, 36, 28]
        assert len(list(movable(estate))) == len(estate.source.vms) == 12

    def test_what_fits_nowhere_is_refused_for_its_memory(self) -> None:
        estate = Estate(full)
        for host in estate.others:
            job = estate.move("SQL-01", host)
            assert job.error is not None
            assert "0x8007000E" in job.error.message


class TestScattered:
    def test_in_total_there_is_enough_and_nowhere_enough_for_one(self) -> None:
        estate = Estate(scattered)
        assert sum(vm.memory_bytes for vm in estate.source.vms.values()) == 112 * GIB
        assert gib(estate.others) == [42, 42, 42, 42]
        assert sum(vm.memory_bytes == 48 * GIB for vm in estate.source.vms.values()) == 2
        for host in estate.others:
            assert not estate.move("SQL-01", host).succeeded

    def test_two_moves_between_the_others_make_room_for_everything(self) -> None:
        estate = Estate(scattered)
        first, second, third, fourth = estate.others
        for giving, taking in ((first, third), (second, fourth)):
            vm = max(giving.vms.values(), key=lambda vm: vm.memory_bytes)
            assert estate.move(vm.name, taking).succeeded
        for name, host in (("SQL-01", first), ("SQL-02", second), ("WEB-01", third), ("WEB-02", fourth)):
            assert estate.move(name, host).succeeded
        assert estate.source.vms == {}
        assert min(gib(estate.others)) >= 2


def blackouts(estate: Estate) -> dict[str, tuple[int, float]]:
    """Passes and standstill of every running VM of host01, each moved alone."""
    found = {}
    for number, vm in enumerate(tuple(estate.source.vms.values())):
        job = estate.move(vm.name, estate.others[number % len(estate.others)])
        assert job.succeeded
        if job.blackout_s is not None:
            found[vm.name] = (job.passes, job.blackout_s)
    return found


class TestLinks:
    def test_on_a_slow_link_one_vm_is_never_caught_up_with(self) -> None:
        estate = Estate(slow_link)
        began = estate.clock.now()
        found = blackouts(estate)
        assert {name for name, (_, blackout_s) in found.items() if blackout_s > LONG_S} == {"SQL-01"}
        assert found["SQL-01"] == (10, pytest.approx(78, abs=1))
        assert 1500 < (estate.clock.now() - began).total_seconds() < 2100

    def test_on_a_slow_link_company_is_noticed(self) -> None:
        estate = Estate(slow_link)
        jobs = [estate.start(estate.world.vm(name), estate.others[0]) for name in ("LOG-01", "APP-01")]
        estate.finish(*jobs)
        assert jobs[0].blackout_s is not None
        assert jobs[0].blackout_s > LONG_S

    def test_hot_vms_stand_still_for_long_only_where_no_link_would_do(self) -> None:
        found = blackouts(Estate(hot_vms))
        assert {name for name, (_, blackout_s) in found.items() if blackout_s > LONG_S} == {"CACHE-01", "QUEUE-01"}
        assert found["QUEUE-01"][1] == pytest.approx(16 * GIB / 1.1e9 + 0.4, rel=0.01)

    def test_hot_vms_are_moved_sooner_one_after_the_other_than_two_at_once(self) -> None:
        assert Estate(hot_vms).empty(at_once=1) < 0.8 * Estate(hot_vms).empty(at_once=2)

    def test_local_storage_travels_first(self) -> None:
        estate = Estate(hot_vms)
        vm, there = estate.world.vm("LOG-01"), estate.others[0]
        with pytest.raises(HyperVError, match="not found"):
            raise_error(estate.world.start_foreign_move(vm, there.name), estate)
        job = estate.start(vm, there)
        shown = []
        while job.active:
            shown.append((job.passes, there.volumes["D"].holds(vm.disks[0].path)))
            estate.clock.advance(1)
            with estate.world.look():
                pass
        assert job.succeeded
        assert shown[-1][0] > 1
        assert all(earlier[0] <= later[0] for earlier, later in pairwise(shown))
        assert sum(passes == 0 for passes, _ in shown) > 40
        assert not estate.source.volumes["D"].holds(vm.disks[0].path)


def raise_error(job: Job, estate: Estate) -> None:
    estate.finish(job)
    assert job.error is not None
    raise job.error


def test_a_host_at_its_limit_refuses_and_does_not_queue() -> None:
    estate = Estate(rack)
    host05 = estate.world.host("host05")
    jobs = [estate.start(estate.world.vm(name), host05) for name in ("WEB-01", "WEB-02", "WEB-03")]
    estate.clock.advance(1)
    with estate.world.look():
        refused = [job for job in jobs if not job.active]
    assert [job.vm.name for job in refused] == ["WEB-03"]
    assert refused[0].error is not None
    assert 'limit "2" was reached' in refused[0].error.message
