"""Many migrations at once: how soon each starts, and what the process that follows them costs.

    python -m pytest -n 0 -m benchmark tests/benchmarks/test_scale.py -s

One process on SQLite, and a bot with two workers on PostgreSQL. Hosts and workspace live in a process of their own.
Figures are printed, never asserted: they belong to the machine and to what else it does.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import sqlalchemy as sa

from bot.core.lifecycle import Event, State
from bot.core.operation import Ask, Place
from bot.core.plan import Estimate, Move, MoveKind, Plan
from bot.hyperv.fleet import HyperVFleet
from bot.operations.store import Store
from bot.settings import Settings
from tests.benchmarks.many_hosts import host_name
from tests.benchmarks.process import Usage, cpu_percent, estate, ferry, read_usage
from tests.postgres import Postgres

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

HOSTS, CONFIRMED, RUNNING = 20, 200, 500
IDLE_S, PATIENCE_S = 60.0, 600.0
BACKENDS = pytest.mark.parametrize("backend", ["sqlite", "postgresql"])


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class Running:
    """Ferry's processes, the database as a bystander sees it, and the hosts."""

    pids: dict[str, int]
    rows: Store
    fleet: HyperVFleet
    actor: str

    def offer(self, vms: int) -> list[str]:
        """Plans for so many VMs, as their hosts show them now; the ids of the operations."""
        offered = []
        for number in range(HOSTS // 2):
            source, destination = host_name(number), host_name(number + HOSTS // 2)
            there = self.fleet.read_host(destination)[0]
            for vm in self.fleet.read_vms(source)[1]:
                if len(offered) < vms:
                    host, seen = self.fleet.read_host(source, vm.id)
                    assert seen is not None
                    move = Move(
                        kind=MoveKind.LIVE,
                        vm=vm.id,
                        vm_name=seen.name,
                        source=host.name,
                        destination=destination,
                        destination_fqdn=there.fqdn,
                        state=seen.state,
                        memory_bytes=seen.memory_bytes,
                        disks=seen.disks,
                        configuration_path=seen.path,
                    )
                    offered.append(self._propose(move))
        return offered

    def confirm(self, operations: list[str]) -> None:
        for operation in operations:
            self.rows.change(operation, Event.CONFIRM, by=self.actor)  # type: ignore[arg-type]

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, [(one.id, one.state, one.waiting) for one in self.rows.open()][:5]
            time.sleep(0.25)

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
            actor=self.actor,  # type: ignore[arg-type]
            place=Place(team="T1", channel="C-nowhere"),
            at=now,
            received_at=now,
        )
        return self.rows.propose(plan, ask, now + timedelta(hours=1)).id


@contextmanager
def running(
    backend: str, folder: Path, postgres: Postgres, *, vms: int, at_once: int, speed: float, workers: int = 2
) -> Iterator[Running]:
    with ExitStack() as stack:
        settings: dict[str, Any] = stack.enter_context(estate(folder, HOSTS, vms, at_once, speed))
        settings["operations"]["refresh_s"] = 30
        settings["log"] = {"level": "warning"}
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
        yield Running(pids, rows, fleet, checked.slack.allow[0])


@BACKENDS
def test_start(backend: str, tmp_path: Path, postgres_server: Postgres) -> None:
    """From the grant, which is in the transaction that confirms or frees a place, to a runner, and to the order."""
    with running(backend, tmp_path, postgres_server, vms=CONFIRMED, at_once=2, speed=1) as ferries:
        operations = ferries.offer(CONFIRMED)
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
        _spread("grant to runner", _pickups(ferries.rows))
        _spread("grant to order (both hosts looked at, checked again, compared)", _starts(ferries.rows))
        for name in ferries.pids:
            print(f"{name}: {cpu_percent(before[name], usages[name]):.0f} % CPU, at most {_show(top[name])}")
        ends = [one.state for one in ferries.rows.recent(CONFIRMED)]
        print({state.value: ends.count(state) for state in set(ends)})
        assert ends.count(State.SUCCEEDED) == CONFIRMED


@BACKENDS
def test_footprint(backend: str, tmp_path: Path, postgres_server: Postgres) -> None:
    """Idle, and with 500 migrations running in one process."""
    each = 2 * RUNNING // HOSTS
    with running(backend, tmp_path, postgres_server, vms=RUNNING, at_once=each, speed=0.02, workers=1) as ferries:
        time.sleep(10)  # what a start does is over
        _title(f"Idle, {HOSTS} hosts: {backend}")
        before = {name: read_usage(pid) for name, pid in ferries.pids.items()}
        time.sleep(IDLE_S)
        for name, pid in ferries.pids.items():
            usage = read_usage(pid)
            print(f"{name}: {cpu_percent(before[name], usage):.1f} % CPU, {_show(usage)}")
        began = time.monotonic()
        ferries.confirm(ferries.offer(RUNNING))
        ferries.until(lambda: sum(one.state is State.RUNNING for one in ferries.rows.holding()) == RUNNING)
        _title(f"{RUNNING} migrations running, in {time.monotonic() - began:.0f} s: {backend}")
        before = {name: read_usage(pid) for name, pid in ferries.pids.items()}
        time.sleep(IDLE_S / 2)
        for name, pid in ferries.pids.items():
            usage = read_usage(pid)
            print(f"{name}: {cpu_percent(before[name], usage):.1f} % CPU, {_show(usage)}")


def _pickups(rows: Store) -> list[float]:
    """Seconds between a workflow's row and its start, as DBOS keeps them."""
    table = "workflow_status" if rows.database.sqlite else "dbos.workflow_status"
    with rows.database.reading() as connection:
        query = sa.text(f"SELECT created_at, started_at_epoch_ms FROM {table} WHERE workflow_uuid LIKE 'm-%'")
        return sorted((row.started_at_epoch_ms - row.created_at) / 1000 for row in connection.execute(query))


def _starts(rows: Store) -> list[float]:
    granted: dict[str, datetime] = {}
    waits = []
    for entry in rows.journal():
        told = json.loads(entry.body)
        if told["event"] == "grant":
            granted[told["operation"]] = datetime.fromisoformat(told["at"])
        elif told["event"] == "start":
            waits.append((datetime.fromisoformat(told["at"]) - granted[told["operation"]]).total_seconds())
    return sorted(waits)


def _title(text: str) -> None:
    print(f"\n\n{text} ({os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f})")


def _spread(name: str, seconds: list[float]) -> None:
    p95 = seconds[int(len(seconds) * 0.95)]
    print(f"{name}: median {median(seconds) * 1e3:.0f} ms, 95 % {p95 * 1e3:.0f} ms, most {seconds[-1] * 1e3:.0f} ms")


def _show(usage: Usage) -> str:
    return f"{usage.memory_mb:.0f} MB, {usage.threads} threads"
