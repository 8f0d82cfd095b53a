"""The simulated world refuses, and takes its time, as Hyper-V does. Times are the world's own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from math import inf
from uuid import NAMESPACE_DNS, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.lab.scenario import small
from bot.lab.world import (
    GIB,
    Authentication,
    Disk,
    DiskFile,
    Event,
    Host,
    HyperVError,
    Identifier,
    Job,
    JobState,
    Layout,
    ManualClock,
    MigrationType,
    MoveRequest,
    Performance,
    RunningClock,
    Share,
    State,
    Switch,
    Vm,
    Volume,
    World,
)
from bot.lab.world.jobs import Step
from bot.lab.world.progress import Pace

SHARE = "\\\\server01\\vmstore"
OTHER_SHARE = "\\\\server02\\vmstore"


class Two:
    """Two hosts, two shares; `shared` lies on a share, `local` on host01's drive D."""

    def __init__(self, core_bytes_s: float = inf) -> None:
        self.clock = ManualClock()
        self.world = World(self.clock, core_bytes_s=core_bytes_s)
        self.one, self.two = (self._host(number) for number in (1, 2))
        self.world.add_share(Share(SHARE, 4000 * GIB))
        self.world.add_share(Share(OTHER_SHARE, 100 * GIB, hosts=frozenset({"host01"})))
        self.shared = self.add("shared", f"{SHARE}\\shared")
        self.local = self.add("local", "D:\\VMs\\local")

    def _host(self, number: int) -> Host:
        return self.world.add_host(
            Host(
                f"host0{number}.ferry.lab",
                switches=(Switch("Production"),),
                volumes={letter: Volume(letter, 500 * GIB) for letter in "CD"},
            )
        )

    def add(self, name: str, path: str, memory_gib: int = 8, host: Host | None = None) -> Vm:
        disk = Disk([DiskFile(f"{path}\\Virtual Hard Disks\\{name}.vhdx", 10 * GIB)], 20 * GIB)
        vm = Vm(name, uuid5(NAMESPACE_DNS, name), State.RUNNING, memory_gib * GIB, path=path, disks=[disk])
        vm.started_at = self.clock.now() - timedelta(days=1)
        return self.world.add_vm(host or self.one, vm)

    def start(self, vm: Vm, storage_path: str | None = None, *, same_paths: bool = False) -> Job:
        layout = Layout.below(storage_path, vm) if storage_path else None
        if same_paths:
            layout = Layout(disks={disk.path: disk.path for disk in vm.disks}, same_paths=True)
        return self.world.start_move(self.one, MoveRequest(vm.id, "host02", layout))

    def finish(self, job: Job) -> float:
        """Let the job end; gives its duration in seconds."""
        for _ in range(10_000):
            if not job.active:
                assert job.ended_at is not None
                return (job.ended_at - job.started_at).total_seconds()
            self.clock.advance(0.1)
            with self.world.look():
                pass
        raise AssertionError("the job does not end")

    def until(self, job: Job, percent: int) -> None:
        while job.active and job.percent < percent:
            self.clock.advance(0.05)
            with self.world.look():
                pass

    def files(self) -> set[str]:
        stores = [*self.world.shares, *self.one.volumes.values(), *self.two.volumes.values()]
        return {path for store in stores for path in store.files}


@pytest.fixture
def two() -> Two:
    return Two()


class TestLiveMigration:
    def test_eight_gib_over_ten_gigabit_take_about_ten_seconds(self, two: Two) -> None:
        assert 9 < two.finish(two.start(two.shared)) < 12
        assert two.world.whereabouts(two.shared) == ("HOST02",)

    def test_the_source_shows_it_running_until_it_has_gone(self, two: Two) -> None:
        job = two.start(two.shared)
        two.until(job, 50)
        assert two.shared.id in two.one.vms
        assert two.shared.state is State.RUNNING
        assert two.two.planned[two.shared.id].job is job
        assert two.two.free_memory_bytes == two.two.memory_bytes - two.two.root_reserve_bytes - 8 * GIB
        two.finish(job)
        assert two.two.planned == {}
        assert two.shared.id not in two.one.vms

    def test_percent_only_rises_and_ends_at_a_hundred(self, two: Two) -> None:
        job, seen = two.start(two.shared), [0]
        while job.active:
            two.clock.advance(0.2)
            with two.world.look():
                seen.append(job.percent)
        assert seen == sorted(seen)
        assert seen[-1] == 100

    def test_two_at_once_share_the_link(self, two: Two) -> None:
        alone = two.finish(two.start(two.shared))
        others = [two.add(name, f"{SHARE}\\{name}") for name in ("a", "b")]
        jobs = [two.start(vm) for vm in others]
        together = max(two.finish(job) for job in jobs)
        assert 1.6 * alone < together < 2.2 * alone

    def test_a_busy_guest_takes_longer(self, two: Two) -> None:
        busy = two.add("busy", f"{SHARE}\\busy")
        busy.dirty_bytes_s = 600e6
        assert two.finish(two.start(busy)) > 1.3 * two.finish(two.start(two.shared))

    def test_plain_tcp_is_slower(self, two: Two) -> None:
        two.one.performance = Performance.TCPIP
        assert two.finish(two.start(two.shared)) > 13

    def test_a_vm_that_is_off_needs_no_memory_copy(self, two: Two) -> None:
        two.shared.state = State.OFF
        assert two.finish(two.start(two.shared)) < 4
        assert two.world.whereabouts(two.shared) == ("HOST02",)

    def test_uptime_survives(self, two: Two) -> None:
        before = two.shared.started_at
        two.finish(two.start(two.shared))
        assert two.shared.started_at == before

    def test_a_local_configuration_travels_to_the_same_path(self, two: Two) -> None:
        two.shared.path = "C:\\Configurations\\shared"
        two.one.volumes["C"].put(two.shared.configuration_file, 1)
        two.finish(two.start(two.shared))
        assert two.two.volumes["C"].holds(two.shared.configuration_file)
        assert not two.one.volumes["C"].holds(two.shared.configuration_file)

    def test_a_drive_that_the_configuration_needs_is_missed_late(self, two: Two) -> None:
        two.shared.path = "E:\\Configurations\\shared"
        job = two.start(two.shared)
        two.until(job, 90)
        assert job.active
        two.finish(job)
        assert job.error is not None
        assert "0x80070003" in job.error.message


class TestLinks:
    def test_a_link_is_divided_evenly(self, two: Two) -> None:
        two.add("other", f"{SHARE}\\other")
        jobs = [two.start(two.shared), two.start(two.world.vm("other"))]
        two.until(jobs[0], 40)
        assert jobs[0].percent == jobs[1].percent

    def test_what_one_cannot_use_is_the_others(self, two: Two) -> None:
        """Both leave by the same link of 10 Gbit/s, one of them to a host that has 1 Gbit/s."""
        slow = two.world.add_host(Host("host03.ferry.lab", switches=(Switch("Production"),), network_bytes_s=1e9 / 8))
        other = two.add("other", f"{SHARE}\\other")
        two.world.start_move(two.one, MoveRequest(other.id, slow.name))
        assert two.finish(two.start(two.shared)) == pytest.approx(2.3 + 8.6e9 / (0.9 * 1.1e9), rel=0.06)

    def test_one_migration_may_not_fill_a_fast_link(self, two: Two) -> None:
        """Two of them do: together they take as long as one alone."""
        two.one.network_bytes_s = two.two.network_bytes_s = 25e9 / 8
        two.one.stream_bytes_s = 1.1e9
        alone = two.finish(two.start(two.shared))
        jobs = [two.start(two.add(name, f"{SHARE}\\{name}")) for name in ("a", "b")]
        assert 9 < alone < 12
        assert max(two.finish(job) for job in jobs) == pytest.approx(alone, abs=0.2)

    def test_what_all_hosts_use_together_is_divided_too(self) -> None:
        durations = []
        for core_bytes_s in (2 * 10e9 / 8, 10e9 / 8):
            two = Two(core_bytes_s=core_bytes_s)
            pair = [
                two.world.add_host(replace(two.one, fqdn=f"{name}.ferry.lab", vms={}, planned={}, jobs=[]))
                for name in "ab"
            ]
            two.world.start_move(pair[0], MoveRequest(two.add("other", f"{SHARE}\\other", host=pair[0]).id, "b"))
            durations.append(two.finish(two.start(two.shared)))
        assert durations[1] == pytest.approx(2 * durations[0] - 2.3, rel=0.05)

    def test_preparing_takes_as_long_as_the_destination_says(self, two: Two) -> None:
        usual = two.finish(two.start(two.shared))
        two.two.setup_s += 5
        assert two.finish(two.start(two.add("other", f"{SHARE}\\other"))) == pytest.approx(usual + 5, abs=0.2)

    @pytest.mark.parametrize("pause_s", [0.01, 0.5])
    def test_it_takes_as_long_however_often_somebody_looks(self, two: Two, pause_s: float) -> None:
        """Another begins after 3 s, and after 5 s the link becomes slower: what each gets is worked out anew then."""
        job = two.start(two.shared)
        for second, change in (
            (3, lambda: two.start(two.add("other", f"{SHARE}\\other"))),
            (2, lambda: setattr(two.one, "network_bytes_s", two.one.network_bytes_s / 2)),
        ):
            for _ in range(round(second / pause_s)):
                two.clock.advance(pause_s)
                with two.world.look():
                    assert job.active
            change()
        assert two.finish(job) == pytest.approx(28.84, abs=0.05)

    @given(
        st.lists(
            st.tuples(st.sets(st.sampled_from("abcde"), min_size=1, max_size=3), st.floats(0.05, 20), st.booleans()),
            min_size=1,
            max_size=8,
        )
    )
    def test_nobody_could_get_more_without_taking_it_from_one_that_has_no_more(
        self, flows: list[tuple[set[str], float, bool]]
    ) -> None:
        two = Two()
        capacity = dict(zip("abcde", (1.0, 2.0, 5.0, 10.0, 10.0), strict=True))
        jobs = {}
        for resources, most, thrifty in flows:
            job = Job(two.shared, two.one, two.two, MigrationType.VIRTUAL_SYSTEM, "", two.clock.now())
            job.step = Step(0, 1, amount_bytes=1, resources=tuple(resources), most_bytes_s=most)
            job.step.efficiency = 0.5 if thrifty else 1.0
            jobs[job] = job.step
        speeds = Pace.of(jobs, capacity.__getitem__).speeds
        sent = {job: speeds[job] / step.efficiency for job, step in jobs.items()}
        for job, step in jobs.items():
            crowded = [
                name
                for name in step.resources
                if sum(sent[other] for other in jobs if name in jobs[other].resources) >= capacity[name] * (1 - 1e-6)
                and all(sent[other] <= sent[job] * (1 + 1e-6) for other in jobs if name in jobs[other].resources)
            ]
            assert crowded or speeds[job] == pytest.approx(step.most_bytes_s)
        for name, most in capacity.items():
            assert sum(sent[job] for job in jobs if name in jobs[job].resources) <= most * (1 + 1e-6)


class TestPasses:
    """How often memory is copied, and how long the guest stands still: what schedules are compared by."""

    RATE = 0.88 * 10e9 / 8

    def expected(self, memory: float, dirty: float) -> tuple[int, float, float]:
        """Passes, seconds of copying, blackout: Clark et al., "Live Migration of Virtual Machines"."""
        remaining, took, passes = memory, 0.0, 0
        while passes < 10:
            took, passes = took + remaining / self.RATE, passes + 1
            remaining = min(memory, dirty * remaining / self.RATE)
            if remaining / self.RATE < 0.3:
                break
        return passes, took + remaining / self.RATE, remaining / self.RATE + 0.4

    @pytest.mark.parametrize("dirty_mb_s", [0, 50, 300, 700, 900, 1099, 1500, 5000])
    def test_each_carries_what_was_written_during_the_one_before(self, two: Two, dirty_mb_s: int) -> None:
        vm = two.add("hot", f"{SHARE}\\hot", 32)
        vm.dirty_bytes_s = dirty_mb_s * 1e6
        job = two.start(vm)
        duration = two.finish(job)
        passes, copying_s, blackout_s = self.expected(32 * GIB, vm.dirty_bytes_s)
        assert job.passes == passes
        assert job.blackout_s == pytest.approx(blackout_s, rel=1e-3)
        assert duration == pytest.approx(copying_s + 0.4 + 1.1 + 0.4 + 0.4, rel=1e-3)

    def test_the_journal_tells_it(self, two: Two) -> None:
        job = two.start(two.shared)
        two.until(job, 50)
        with two.world.look():
            (started,) = two.world.journal.of(two.shared, Event.STARTED)
        assert (started.passes, started.blackout_s) == (0, None)
        two.finish(job)
        (arrived,) = two.world.journal.of(two.shared, Event.VM_ARRIVED)
        (completed,) = two.world.journal.of(two.shared, Event.COMPLETED)
        assert (arrived.passes, arrived.blackout_s) == (completed.passes, completed.blackout_s) == (2, job.blackout_s)
        assert job.blackout_s is not None
        assert 0.4 < job.blackout_s < 0.7

    def test_a_vm_that_is_off_does_not_stand_still(self, two: Two) -> None:
        two.shared.state = State.OFF
        job = two.start(two.shared)
        two.finish(job)
        assert (job.passes, job.blackout_s) == (0, None)

    def test_in_company_a_hot_vm_stands_still_for_longer(self, two: Two) -> None:
        blackouts = []
        for names in (["a"], ["b", "c"]):
            vms = [two.add(name, f"{SHARE}\\{name}", 16) for name in names]
            for vm in vms:
                vm.dirty_bytes_s = 500e6
            jobs = [two.start(vm) for vm in vms]
            for job in jobs:
                two.finish(job)
            blackouts.append(max(job.blackout_s or 0 for job in jobs))
        assert blackouts[0] < 0.7
        assert blackouts[1] > 5

    def test_storage_is_copied_before_memory_is(self, two: Two) -> None:
        job = two.start(two.local, "D:\\Moved")
        while job.passes == 0:
            two.clock.advance(0.1)
            with two.world.look() as now:
                pass
        copied_s = (now - job.started_at).total_seconds()
        assert copied_s == pytest.approx(1.5 + 10 * GIB / 1e9 + 8 * GIB / self.RATE, rel=0.02)
        two.finish(job)
        assert job.passes == 2


class TestSharedNothing:
    def test_disks_go_first_and_then_memory(self, two: Two) -> None:
        job = two.start(two.local, "D:\\Moved")
        two.until(job, 70)
        with two.world.look() as now:
            copying_s = (now - job.started_at).total_seconds()
        assert copying_s > 9  # 10 GiB at 1 GB/s
        two.finish(job)
        assert two.local.disks[0].path == "D:\\Moved\\Virtual Hard Disks\\local.vhdx"
        assert (two.local.path, two.local.checkpoint_path, two.local.smart_paging_path) == ("D:\\Moved",) * 3
        assert two.two.volumes["D"].holds(two.local.disks[0].path)
        assert two.one.volumes["D"].files == {}

    def test_without_a_path_all_paths_stay(self, two: Two) -> None:
        path = two.local.disks[0].path
        two.finish(two.start(two.local, same_paths=True))
        assert two.local.disks[0].path == path
        assert two.two.volumes["D"].holds(path)
        assert two.world.whereabouts(two.local) == ("HOST02",)

    def test_room_is_taken_while_it_copies_and_given_back_when_it_fails(self, two: Two) -> None:
        before = two.files()
        two.world.fail_next(two.local, 40)
        job = two.start(two.local, "D:\\Moved")
        two.until(job, 20)
        assert two.two.volumes["D"].free_bytes < 490 * GIB
        two.finish(job)
        assert job.percent == 40
        assert two.files() == before
        assert two.world.whereabouts(two.local) == ("HOST01",)

    def test_it_also_counts_as_a_storage_migration(self, two: Two) -> None:
        two.two.maximum_storage_migrations = 0
        job = two.start(two.local, "D:\\Moved")
        two.finish(job)
        assert job.error is not None
        assert "maximum storage migration limit '0' was reached" in job.error.message


class TestLimits:
    def test_a_third_move_is_refused_not_queued(self, two: Two) -> None:
        vms = [two.shared, *(two.add(name, f"{SHARE}\\{name}") for name in ("b", "c"))]
        jobs = [two.start(vm) for vm in vms]
        two.until(jobs[0], 20)
        refused = [job for job in jobs if not job.active]
        assert [job.state for job in refused] == [JobState.EXCEPTION]
        assert refused[0].error is not None
        assert 'because virtual machine migration limit "2" was reached' in refused[0].error.message
        assert refused[0].percent < 10
        for job in jobs:
            two.finish(job)
        assert two.world.journal.most_at_once("host01") == 2

    def test_the_destination_has_a_limit_too(self, two: Two) -> None:
        two.two.maximum_migrations = 1
        first, second = two.start(two.shared), two.start(two.local, "D:\\Moved")
        two.finish(second)
        assert second.error is not None
        assert 'limit "1"' in second.error.message
        two.finish(first)
        assert first.succeeded

    def test_storage_moves_have_a_limit_of_their_own(self, two: Two) -> None:
        two.one.maximum_storage_migrations = 1
        other = two.add("other", "D:\\VMs\\other")
        first = two.world.start_storage_move(two.one, two.local.id, Layout.below("C:\\A", two.local))
        second = two.world.start_storage_move(two.one, other.id, Layout.below("C:\\B", other))
        live = two.start(two.shared)
        two.finish(second)
        assert second.error is not None
        assert "maximum storage migration limit '1' was reached" in second.error.message
        two.finish(first)
        two.finish(live)
        assert first.succeeded
        assert live.succeeded


Change = Callable[[Two], object]


def refusal(two: Two, start: Callable[[], Job]) -> HyperVError:
    """What a move is refused or ends with."""
    before = two.files()
    try:
        job = start()
    except HyperVError as error:
        return error
    two.finish(job)
    assert job.state is JobState.EXCEPTION
    assert job.error is not None
    assert two.files() == before, "a failed move leaves nothing behind"
    assert two.two.planned == {}
    return job.error


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "identifier", "words"),
        [
            (lambda two: setattr(two.one, "migration_enabled", False), Identifier.OPERATION_FAILED, "source"),
            (lambda two: setattr(two.two, "migration_enabled", False), Identifier.OPERATION_FAILED, "destination"),
            (lambda two: setattr(two.two, "listener_addresses", ()), Identifier.OPERATION_FAILED, "No network"),
            (lambda two: two.world.kill_host("host02"), Identifier.OBJECT_NOT_FOUND, "cannot connect"),
            (lambda two: setattr(two.shared, "backing_up", True), Identifier.OBJECT_IN_USE, "in use"),
            (lambda two: setattr(two.shared, "state", State.STARTING), Identifier.INVALID_STATE, "current state"),
            (lambda two: two.start(two.shared), Identifier.OBJECT_IN_USE, "in use"),
        ],
    )
    def test_before_there_is_a_job(self, two: Two, change: Change, identifier: Identifier, words: str) -> None:
        change(two)
        count = len(two.one.jobs)
        with pytest.raises(HyperVError, match=words) as raised:
            two.start(two.shared)
        assert raised.value.identifier is identifier
        assert len(two.one.jobs) == count

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda two: setattr(two.one, "authentication", Authentication.CREDSSP), "0x8009030E"),
            (lambda two: setattr(two.one, "constrained_delegation", False), "0x8009030E"),
            (
                lambda two: setattr(two.two, "memory_bytes", 11 * GIB),
                "'shared' could not initialize memory.*0x8007000E",
            ),
            (lambda two: setattr(two.shared, "dvd_paths", ["D:\\ISO\\x.iso"]), "0xC03A0014"),
            (lambda two: setattr(two.two, "processor_vendor", "AuthenticAMD"), "hardware on the destination computer"),
            (lambda two: setattr(two.two, "processor_family", "Haswell"), "processor-specific features"),
            (lambda two: setattr(two.shared, "version", "12.0"), "version 12.0"),
            (lambda two: setattr(two.world.shares[0], "hosts", frozenset({"host01"})), "attachment.*0x80070005"),
            (lambda two: setattr(two.shared.disks[0], "shared", True), "clustered VM roles"),
            (lambda two: two.shared.disks.append(Disk([], GIB, physical_number=3)), "physical disk"),
        ],
    )
    def test_by_a_job_that_fails_early(self, two: Two, change: Change, words: str) -> None:
        change(two)
        error = refusal(two, lambda: two.start(two.shared))
        assert error.identifier is Identifier.OPERATION_FAILED
        assert error.summary.startswith("Virtual machine migration operation for 'shared' failed at migration ")
        assert two.one.jobs[-1].percent < 10
        with pytest.raises(HyperVError, match=f"(?s){words}"):
            raise error

    def test_a_missing_switch(self, two: Two) -> None:
        world = small(ManualClock())
        job = world.start_foreign_move(world.vm("VM-06"), "host02")
        assert isinstance(world.clock, ManualClock)
        world.clock.advance(5)
        with world.look():
            assert job.error is not None
        assert job.error.description == (
            "The virtual machine 'VM-06' is not compatible with physical computer 'HOST02'. "
            "Could not find Ethernet switch 'Backup'."
        )

    def test_compatibility_mode_lets_other_generations_in(self, two: Two) -> None:
        two.two.processor_family, two.shared.processor_compatibility = "Haswell", True
        two.finish(two.start(two.shared))
        assert two.world.whereabouts(two.shared) == ("HOST02",)

    def test_an_iso_that_both_hosts_have(self, two: Two) -> None:
        two.shared.dvd_paths, two.two.isos = ["D:\\ISO\\x.iso"], frozenset({"d:\\iso\\X.ISO"})
        two.finish(two.start(two.shared))
        assert two.world.whereabouts(two.shared) == ("HOST02",)

    def test_local_disks_cannot_stay_behind(self, two: Two) -> None:
        error = refusal(two, lambda: two.start(two.local))
        assert "Attachment 'D:\\VMs\\local\\Virtual Hard Disks\\local.vhdx' not found" in error.message
        assert "0x80070003" in error.message

    @pytest.mark.parametrize(
        ("path", "code"),
        [
            ("E:\\VMs", "0x80070003"),
            ("\\\\server09\\vmstore", "0x80070035"),
            ("\\\\server01\\nothing", "0x80070043"),
            (OTHER_SHARE, "0x80070005"),
        ],
    )
    def test_places_that_the_destination_does_not_reach(self, two: Two, path: str, code: str) -> None:
        assert code in refusal(two, lambda: two.start(two.local, path)).message

    def test_no_room(self, two: Two) -> None:
        two.two.volumes["D"].other_bytes = 495 * GIB
        error = refusal(two, lambda: two.start(two.local, "D:\\VMs"))
        assert "Not enough disk space at 'D:\\VMs\\Virtual Hard Disks'" in error.message
        assert "0x80070070" in error.message

    def test_a_file_in_the_way(self, two: Two) -> None:
        two.two.volumes["D"].put("D:\\VMs\\Virtual Hard Disks\\LOCAL.vhdx", GIB)
        assert "0x80070050" in refusal(two, lambda: two.start(two.local, "D:\\VMs")).message

    def test_storage_on_a_share_cannot_be_copied_onto_itself(self, two: Two) -> None:
        assert "0x80070050" in refusal(two, lambda: two.start(two.shared, same_paths=True)).message

    @pytest.mark.parametrize("path", ["VMs", "D:VMs", "\\VMs", "D:\\VMs\\..\\x"])
    def test_paths_that_are_not_whole(self, two: Two, path: str) -> None:
        with pytest.raises(HyperVError) as raised:
            two.start(two.local, path)
        assert raised.value.identifier is Identifier.INVALID_PARAMETER

    def test_a_clustered_vm_with_storage(self, two: Two) -> None:
        two.local.clustered = True
        with pytest.raises(HyperVError) as raised:
            two.start(two.local, "D:\\Moved")
        assert raised.value.invalid_operation

    @pytest.mark.parametrize(("name", "words"), [("host09", "Cannot find the computer host09"), ("host01", "moved to")])
    def test_hosts_that_cannot_be_meant(self, two: Two, name: str, words: str) -> None:
        with pytest.raises(HyperVError, match=words):
            two.world.start_move(two.one, MoveRequest(two.shared.id, name))


class TestJobs:
    def test_a_failure_ordered_for_a_percentage_comes_there(self, two: Two) -> None:
        two.world.fail_next(two.shared, 47)
        job = two.start(two.shared)
        two.finish(job)
        assert (job.state, job.percent) == (JobState.EXCEPTION, 47)
        assert job.error is not None
        assert "0x80072746" in job.error.message
        assert two.world.whereabouts(two.shared) == ("HOST01",)
        two.finish(two.start(two.shared))
        assert two.world.whereabouts(two.shared) == ("HOST02",)

    def test_a_cancelled_job_cleans_up(self, two: Two) -> None:
        before = two.files()
        job = two.start(two.local, "D:\\Moved")
        two.until(job, 30)
        assert job.cancellable
        assert two.world.request_state_change(job, 4) == 0
        stopping = job.state
        assert stopping is JobState.SHUTTING_DOWN
        two.finish(job)
        assert job.state is JobState.TERMINATED
        assert two.files() == before
        assert two.two.planned == {}
        assert two.world.whereabouts(two.local) == ("HOST01",)

    def test_killing_ends_as_killed(self, two: Two) -> None:
        job = two.start(two.shared)
        assert two.world.request_state_change(job, 5) == 0
        two.finish(job)
        assert job.state is JobState.KILLED

    def test_too_late_to_cancel_while_it_switches_over(self, two: Two) -> None:
        job = two.start(two.shared)
        two.until(job, 98)
        assert job.active
        assert not job.cancellable
        assert two.world.request_state_change(job, 4) == 32775
        two.finish(job)
        assert job.succeeded
        assert two.world.request_state_change(job, 4) == 32775

    def test_only_termination_can_be_requested(self, two: Two) -> None:
        job = two.start(two.shared)
        assert two.world.request_state_change(job, 3) == 32773
        two.finish(job)
        assert job.succeeded

    def test_records_are_kept_for_five_minutes(self, two: Two) -> None:
        job = two.start(two.shared)
        two.finish(job)
        two.clock.advance(299)
        assert two.world.job(two.one, job.id) is job
        two.clock.advance(2)
        assert two.world.job(two.one, job.id) is None

    def test_events_have_their_own_times_however_late_one_looks(self, two: Two) -> None:
        job = two.start(two.shared)
        two.clock.advance(3600)
        with two.world.look():
            assert not job.active
        arrived = two.world.journal.of(two.shared, Event.VM_ARRIVED)[0]
        assert 9 < (arrived.at - job.started_at).total_seconds() < 12


class TestHostsThatGo:
    def test_a_destination_that_dies(self, two: Two) -> None:
        job = two.start(two.shared)
        two.until(job, 50)
        two.world.kill_host("host02")
        assert job.state is JobState.EXCEPTION
        assert two.world.whereabouts(two.shared) == ("HOST01",)
        assert job in two.one.jobs

    def test_a_source_that_dies_takes_its_records_along(self, two: Two) -> None:
        job = two.start(two.shared)
        two.until(job, 50)
        told: list[bool] = []
        two.world.watch_power(lambda host: told.append(host.up))
        two.world.kill_host("host01")
        assert two.one.jobs == []
        assert two.two.planned == {}
        two.clock.advance(100)
        two.world.return_host("host01")
        assert told == [False, True]
        with two.world.look() as now:
            assert two.shared.started_at == now
        assert two.world.whereabouts(two.shared) == ("HOST01",)

    def test_a_management_service_that_restarts(self, two: Two) -> None:
        started = two.shared.started_at
        job = two.start(two.shared)
        two.until(job, 50)
        two.world.restart_vmms("host01")
        assert two.one.jobs == []
        assert two.shared.started_at == started
        two.finish(two.start(two.shared))

    def test_one_that_dies_after_the_switch_over_holds_the_vm(self, two: Two) -> None:
        job = two.start(two.shared)
        while two.shared.id in two.one.vms:
            two.clock.advance(0.05)
            with two.world.look():
                pass
        assert job.active
        two.world.kill_host("host02")
        assert job.state is JobState.EXCEPTION
        assert two.world.whereabouts(two.shared) == ("HOST02",)


class TestComparing:
    def compare(self, two: Two, vm: Vm) -> Job:
        job = two.world.start_compare(two.one, MoveRequest(vm.id, "host02"))
        two.finish(job)
        return job

    def test_it_leaves_a_planned_vm(self, two: Two) -> None:
        assert self.compare(two, two.shared).succeeded
        assert two.two.planned[two.shared.id].job is None
        assert two.world.incompatibilities(two.one, MoveRequest(two.shared.id, "host02")) == ()

    def test_a_move_takes_it_over(self, two: Two) -> None:
        self.compare(two, two.shared)
        two.finish(two.start(two.shared))
        assert two.two.planned == {}
        assert two.world.whereabouts(two.shared) == ("HOST02",)

    def test_even_a_refused_move_deletes_it(self, two: Two) -> None:
        self.compare(two, two.shared)
        two.two.maximum_migrations = 0
        two.finish(two.start(two.shared))
        assert two.two.planned == {}
        assert two.world.whereabouts(two.shared) == ("HOST01",)

    def test_it_can_be_removed_and_a_running_vm_cannot(self, two: Two) -> None:
        self.compare(two, two.shared)
        two.world.remove_vm(two.two, two.shared.id)
        assert two.two.planned == {}
        with pytest.raises(HyperVError) as raised:
            two.world.remove_vm(two.one, two.shared.id)
        assert raised.value.identifier is Identifier.INVALID_STATE
        assert two.shared.id in two.one.vms

    def test_the_planned_vm_of_a_move_under_way_cannot_be_removed(self, two: Two) -> None:
        job = two.start(two.shared)
        two.until(job, 50)
        with pytest.raises(HyperVError) as raised:
            two.world.remove_vm(two.two, two.shared.id)
        assert raised.value.identifier is Identifier.OBJECT_IN_USE

    def test_entries(self, two: Two) -> None:
        two.two.versions = ("9.0",)
        two.shared.dvd_paths = ["D:\\ISO\\x.iso"]
        entries = two.world.incompatibilities(two.one, MoveRequest(two.shared.id, "host02"))
        assert entries[0].message_id == 40010
        assert [entry.source for entry in entries] == ["dvd", "vm", "vm"]
        assert entries[-1].message == "The virtual machine 'shared' is not compatible with physical computer 'HOST02'."

    def test_local_disks_are_reported(self, two: Two) -> None:
        entries = two.world.incompatibilities(two.one, MoveRequest(two.local.id, "host02"))
        assert [entry.source for entry in entries] == ["disk", "vm"]


class TestStorageMigration:
    def test_everything_moves_and_the_vm_stays(self, two: Two) -> None:
        disk = two.shared.disks[0]
        disk.files.insert(0, DiskFile(disk.path.replace(".vhdx", "_1.avhdx"), GIB))
        two.world.shares[0].put(disk.path, GIB)
        job = two.world.start_storage_move(two.one, two.shared.id, Layout.below("D:\\Here", two.shared))
        assert 10 < two.finish(job) < 16
        assert [file.path for file in disk.files] == [
            "D:\\Here\\Virtual Hard Disks\\shared_1.avhdx",
            "D:\\Here\\Virtual Hard Disks\\shared.vhdx",
        ]
        assert all(two.one.volumes["D"].holds(file.path) for file in disk.files)
        assert two.world.shares[0].files == {}
        assert two.world.whereabouts(two.shared) == ("HOST01",)

    def test_the_same_place_is_refused(self, two: Two) -> None:
        layout = Layout.below("D:\\VMs\\local", two.local)
        assert "0x80070050" in refusal(two, lambda: two.world.start_storage_move(two.one, two.local.id, layout)).message

    def test_it_may_stay_on_its_share(self, two: Two) -> None:
        job = two.world.start_storage_move(two.one, two.shared.id, Layout.below(SHARE, two.shared))
        two.finish(job)
        assert two.shared.disks[0].path == f"{SHARE}\\Virtual Hard Disks\\shared.vhdx"

    def test_somebody_else_may_move_storage_too(self, two: Two) -> None:
        job = two.world.start_foreign_storage_move(two.local, "C:\\X")
        assert (job.owner, job.destination) == ("LAB\\another-admin", None)
        two.finish(job)
        assert two.local.path == "C:\\X"

    def test_a_clustered_vm_may(self, two: Two) -> None:
        two.local.clustered = True
        two.finish(two.world.start_storage_move(two.one, two.local.id, Layout.below(f"{SHARE}\\X", two.local)))
        assert two.local.path == f"{SHARE}\\X"


class TestWaiting:
    def test_it_wakes_when_time_has_done_the_work(self) -> None:
        world = small(RunningClock(200))
        vm = world.vm("VM-01")
        job = world.start_foreign_move(vm, "host02")
        assert world.wait_until(lambda: not job.active, 10)
        assert world.whereabouts(vm) == ("HOST02",)

    def test_it_gives_up(self, two: Two) -> None:
        assert not two.world.wait_until(lambda: False, 0.01)

    def test_another_thread_may_make_it_true(self, two: Two) -> None:
        thread = threading.Thread(target=lambda: two.start(two.shared))
        thread.start()
        assert two.world.wait_until(lambda: bool(two.world.active_jobs()), 5)
        thread.join()


class TestTheSmallScenario:
    def test_vm_01_is_what_the_readme_says(self) -> None:
        world = small(ManualClock())
        vm, host02 = world.vm("VM-01"), world.host("host02")
        assert (vm.memory_bytes, len(vm.disks), len(vm.checkpoints)) == (8 * GIB, 2, 1)
        assert host02.free_memory_bytes == 52 * GIB
        assert host02.memory_bytes == 128 * GIB
        with world.look() as now:
            assert vm.started_at is not None
            assert (now - vm.started_at).days == 41

    def test_a_name_on_two_hosts_is_ambiguous(self) -> None:
        with pytest.raises(LookupError, match="2 VMs named VM-07"):
            small(ManualClock()).vm("VM-07")


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["move", "back", "storage", "compare", "cancel", "fail", "vmms"]),
        st.integers(0, 3),
        st.floats(0, 12),
    ),
    max_size=25,
)


class TestWhateverHappens:
    @settings(max_examples=60, deadline=None)
    @given(ACTIONS)
    def test_every_vm_is_in_one_place_with_exactly_its_files(self, actions: list[tuple[str, int, float]]) -> None:
        two = Two()
        vms = [two.shared, two.local, two.add("c", "D:\\VMs\\c"), two.add("d", f"{SHARE}\\d")]
        for action, number, seconds in actions:
            act(two, action, vms[number])
            two.clock.advance(seconds)
            for vm in vms:
                assert len(two.world.whereabouts(vm)) == 1
        two.clock.advance(3600)
        assert two.world.active_jobs() == ()
        expected = {vm.configuration_file.casefold() for vm in vms}
        expected |= {file.path.casefold() for vm in vms for disk in vm.disks for file in disk.files}
        assert two.files() == expected
        assert two.world.journal.most_at_once("host01") <= 4  # two live and two storage migrations


def act(two: Two, action: str, vm: Vm) -> None:
    host = two.one if vm.id in two.one.vms else two.two
    other = two.two if host is two.one else two.one
    folder = f"C:\\{vm.name}" if vm.path.startswith("D:") else f"D:\\VMs\\{vm.name}"
    try:
        if action == "move":
            two.world.start_move(host, MoveRequest(vm.id, other.name, Layout.below(folder, vm)))
        elif action == "back":
            two.world.start_move(host, MoveRequest(vm.id, other.name))
        elif action == "storage":
            two.world.start_storage_move(host, vm.id, Layout.below(folder, vm))
        elif action == "compare":
            two.world.start_compare(host, MoveRequest(vm.id, other.name))
        elif action == "cancel" and vm.job is not None:
            two.world.request_state_change(vm.job, 4)
        elif action == "fail":
            two.world.fail_next(vm, 60)
        elif action == "vmms":
            two.world.restart_vmms(host.name)
    except HyperVError:
        pass  # refused: nothing may have changed, which the invariants show
