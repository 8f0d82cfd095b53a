"""Many migrations at once: how soon each starts, and what the process that follows them costs.

    python -m pytest -n 0 -m benchmark tests/benchmarks/test_scale.py -s

One process on SQLite, and a bot with two workers on PostgreSQL. Hosts and workspace live in processes of their own.
Figures are printed, never asserted: they belong to the machine and to what else it does.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from bot.core.lifecycle import Event, State
from bot.core.names import UserId
from bot.core.operation import Ask, Place
from bot.core.plan import Estimate, Move, MoveKind, Plan
from bot.hyperv.fleet import HyperVFleet
from bot.operations.store import Store
from bot.settings import Settings
from tests.benchmarks.many_hosts import Shape, host_name
from tests.benchmarks.process import Usage, cpu_percent, estate, ferry, log_of, read_usage
from tests.postgres import Postgres

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

HOSTS, CONFIRMED, ALONE = 20, 200, 10
MANY_HOSTS, RUNNING = 100, 500
PROCESSES = 2  # of simulated hosts; one alone would be busier than Ferry with so many moves
IDLE_S, PATIENCE_S = 40.0, 900.0
SLOW = 2e6  # bytes a second, for 10 moves of 2 GiB: an hour or more
_BEGINS = re.compile(r"^(\S+ \S+) INFO \S+ runner_begins operation=(m-\d+)", re.MULTILINE)
BACKENDS = pytest.mark.parametrize("backend", ["sqlite", "postgresql"])


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class Running:
    """Ferry's processes, the database as a bystander sees it, and the hosts."""

    hosts: int
    pids: dict[str, int]
    rows: Store
    fleet: HyperVFleet
    actor: str

    def offer(self, vms: int) -> list[str]:
        """Plans for so many VMs, as their hosts show them now; the ids of the operations."""
        offered: list[str] = []
        for number in range(self.hosts // 2):
            source, destination = host_name(number), host_name(number + self.hosts // 2)
            there = self.fleet.read_host(destination)[0]
            host, seen = self.fleet.read_all(source)
            for vm in seen[: vms - len(offered)]:
                move = Move(
                    kind=MoveKind.LIVE,
                    vm=vm.id,
                    vm_name=vm.name,
                    source=host.name,
                    destination=destination,
                    destination_fqdn=there.fqdn,
                    state=vm.state,
                    memory_bytes=vm.memory_bytes,
                    disks=vm.disks,
                    configuration_path=vm.path,
                )
                offered.append(self._propose(move))
        return offered

    def confirm(self, operations: list[str]) -> None:
        for operation in operations:
            self.rows.change(operation, Event.CONFIRM, by=UserId(self.actor))

    def until(self, true: Callable[[], bool], pause_s: float = 0.25) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, [(one.id, one.state, one.waiting) for one in self.rows.open()][:5]
            time.sleep(pause_s)

    def _propose(self, move: Move) -> str:
        now = SystemClock().now()
        plan = Plan(
            command=f"migrate {move.vm_name} to {move.destination}",
            action="vm.migrate",
            move=move,
            findings=(),
            estimate=Estimate(seconds=10, basis="a benchmark"),
        )
        ask = Ask(
            key=f"benchmark/{move.vm_name}",
            text=plan.command,
            actor=UserId(self.actor),
            place=Place(team="T1", channel="C-nowhere"),
            at=now,
            received_at=now,
        )
        return self.rows.propose(plan, ask, now + timedelta(hours=1)).id


@contextmanager
def running(
    backend: str,
    folder: Path,
    postgres: Postgres,
    *,
    hosts: int,
    vms: int,
    at_once: int,
    link_bytes_s: float = 1e9,
    workers: int = 2,
) -> Iterator[Running]:
    with ExitStack() as stack:
        settings: dict[str, Any] = stack.enter_context(
            estate(folder, Shape(hosts, vms, hosts // 2, at_once, link_bytes_s=link_bytes_s, processes=PROCESSES))
        )
        del settings["operations"]["refresh_s"]  # the lab's own; what users have is measured
        settings["log"] = {"level": "info"}
        # The workspace of a benchmark knows neither who asks here nor where.
        settings["policy"] = {"admit": ["guests", "strangers", "shared-channels"]}
        roles = [("all", "all")]
        if backend == "postgresql":
            name = postgres.create()
            stack.callback(postgres.drop, name)
            settings["operations"]["database_url"] = postgres.url(name)
            roles = [("bot", "bot"), *(("worker", f"worker-{number + 1}") for number in range(workers))]
        pids = {name: stack.enter_context(ferry(settings, folder, role, name)) for role, name in roles}
        checked = Settings.model_validate(settings)
        rows = Store(checked.operations.database_url.get_secret_value(), SystemClock())
        stack.callback(rows.close)
        fleet = HyperVFleet(checked.hosts)
        stack.callback(fleet.close)
        yield Running(hosts, pids, rows, fleet, checked.slack.allow[0])


@BACKENDS
def test_start(backend: str, tmp_path: Path, postgres_server: Postgres) -> None:
    """From the grant, which is in the transaction that confirms or frees a place, to a runner, and to the order."""
    with running(backend, tmp_path, postgres_server, hosts=HOSTS, vms=CONFIRMED + ALONE, at_once=2) as ferries:
        operations = ferries.offer(CONFIRMED + ALONE)
        for operation in operations[:ALONE]:
            ferries.confirm([operation])
            ferries.until(lambda: all(one.confirmed_at is None for one in ferries.rows.open()))
        _title(f"{ALONE} migrations confirmed one after the other, all slots free: {backend}")
        confirmed, begun = _moments(ferries.rows, "confirm"), _begins(tmp_path, ferries.pids)
        _spread("confirmation to a runner that has begun", _waits(confirmed, begun))
        _spread("confirmation to the order", _waits(confirmed, _moments(ferries.rows, "start")))
        operations = operations[ALONE:]
        began = time.monotonic()
        ferries.confirm(operations)
        confirmed_s = time.monotonic() - began
        usages: dict[str, Usage] = {}
        top: dict[str, Usage] = {}

        def ended() -> bool:
            for name, pid in ferries.pids.items():
                usages[name] = read_usage(pid)
                top[name] = max(usages[name], top.get(name, usages[name]), key=lambda usage: usage.memory_mb)
            return not ferries.rows.open()

        before = {name: read_usage(pid) for name, pid in ferries.pids.items()}
        ferries.until(ended)
        took_s = time.monotonic() - began
        _title(f"{CONFIRMED} migrations confirmed at once, {HOSTS} hosts, 2 at a time on each: {backend}")
        print(f"confirming took {confirmed_s:.1f} s, all {took_s:.0f} s")
        many = set(operations)
        granted, begun = _moments(ferries.rows, "grant"), _begins(tmp_path, ferries.pids)
        _spread("a free slot to a runner that has begun", _waits(granted, begun, many))
        _spread(
            "and to the order (both hosts looked at, checked, compared)",
            _waits(granted, _moments(ferries.rows, "start"), many),
        )
        for name in ferries.pids:
            print(f"{name}: {cpu_percent(before[name], usages[name]):.0f} % CPU, at most {_show(top[name])}")
        ends = [one.state for one in ferries.rows.recent(CONFIRMED)]
        print({state.value: ends.count(state) for state in set(ends)})
        assert ends.count(State.SUCCEEDED) == CONFIRMED


@BACKENDS
def test_footprint(backend: str, tmp_path: Path, postgres_server: Postgres) -> None:
    """Idle, and with 500 migrations running in one process."""
    each = 2 * RUNNING // MANY_HOSTS
    with running(
        backend,
        tmp_path,
        postgres_server,
        hosts=MANY_HOSTS,
        vms=RUNNING,
        at_once=each,
        link_bytes_s=SLOW,
        workers=1,
    ) as ferries:
        time.sleep(10)  # what a start does is over
        _title(f"Idle, {MANY_HOSTS} hosts: {backend}")
        before = {name: read_usage(pid) for name, pid in ferries.pids.items()}
        time.sleep(IDLE_S)
        for name, pid in ferries.pids.items():
            usage = read_usage(pid)
            print(f"{name}: {cpu_percent(before[name], usage):.1f} % CPU, {_show(usage)}")
        operations = ferries.offer(RUNNING)
        began = time.monotonic()
        ferries.confirm(operations)

        def all_run() -> bool:
            assert not (ended := ferries.rows.recent(3)), ended
            return sum(one.state is State.RUNNING for one in ferries.rows.holding()) == RUNNING

        ferries.until(all_run, pause_s=2)
        _title(f"{RUNNING} migrations running, {each} on each host, in {time.monotonic() - began:.0f} s: {backend}")
        before = {name: read_usage(pid) for name, pid in ferries.pids.items()}
        time.sleep(IDLE_S / 2)
        for name, pid in ferries.pids.items():
            usage = read_usage(pid)
            print(f"{name}: {cpu_percent(before[name], usage):.1f} % CPU, {_show(usage)}")


def _moments(rows: Store, event: str) -> dict[str, datetime]:
    """When it last happened to each operation, by the journal."""
    told = [json.loads(entry.body) for entry in rows.journal()]
    return {one["operation"]: datetime.fromisoformat(one["at"]) for one in told if one["event"] == event}


def _begins(folder: Path, processes: Iterable[str]) -> dict[str, datetime]:
    """When a runner began with each operation, by the processes' logs."""
    found = [match for name in processes for match in _BEGINS.finditer(log_of(folder, name).read_text())]
    return {match[2]: datetime.fromisoformat(match[1].replace(",", ".")).replace(tzinfo=UTC) for match in found}


def _waits(since: dict[str, datetime], until: dict[str, datetime], which: Collection[str] | None = None) -> list[float]:
    """In seconds, of these operations or all."""
    return sorted((until[each] - since[each]).total_seconds() for each in (until if which is None else which))


def _title(text: str) -> None:
    print(f"\n\n{text} ({os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f})")


def _spread(name: str, seconds: list[float]) -> None:
    p95 = seconds[int(len(seconds) * 0.95)]
    print(f"{name}: median {median(seconds) * 1e3:.0f} ms, 95 % {p95 * 1e3:.0f} ms, most {seconds[-1] * 1e3:.0f} ms")


def _show(usage: Usage) -> str:
    return f"{usage.memory_mb:.0f} MB, {usage.threads} threads"
