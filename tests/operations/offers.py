"""Clocks, people, plans, asks and hosts for the tests of the durable shell."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.estate import Disk, Host, VmState
from bot.core.names import UserId, VmId
from bot.core.operation import Ask, Place
from bot.core.plan import Estimate, Move, MoveKind, Plan

both = pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
"""Runs a test on both databases."""

ALICE, BOB, CAROL = UserId("U0ALICE"), UserId("U0BOB"), UserId("U0CAROL")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
OFFER = timedelta(minutes=10)


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime = NOON) -> None:
        self._at = at
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._at

    def forward(self, **duration: float) -> datetime:
        with self._lock:
            self._at += timedelta(**duration)
            return self._at


def vm_id(number: int = 1) -> VmId:
    return VmId(f"00000000-0000-4000-8000-{number:012d}")


def make_move(number: int = 1, kind: MoveKind = MoveKind.LIVE, **changes: object) -> Move:
    values: dict[str, object] = {
        "kind": kind,
        "vm": vm_id(number),
        "vm_name": f"VM-{number:02d}",
        "source": "host01",
        "destination": "host01" if kind is MoveKind.STORAGE else "host02",
        "destination_fqdn": "host02.contoso.com",
        "storage_path": None if kind is MoveKind.LIVE else "D:\\New",
        "state": VmState.RUNNING,
        "memory_bytes": 8 << 30,
        "disks": (Disk(path=f"D:\\VMs\\VM-{number:02d}.vhdx"),),
        "configuration_path": "D:\\VMs",
    }
    return Move.model_validate(values | changes)


def make_plan(number: int = 1, kind: MoveKind = MoveKind.LIVE, **changes: object) -> Plan:
    move = make_move(number, kind, **changes)
    return Plan(
        command=f"migrate {move.vm_name} to {move.destination}",
        action="vm.migrate",
        move=move,
        findings=(),
        estimate=Estimate(seconds=10, basis="8.0 GB at 1.1 GB/s"),
    )


_keys = itertools.count(1)


def make_ask(text: str = "migrate VM-01 to host02", actor: UserId = ALICE, key: str = "", at: datetime = NOON) -> Ask:
    return Ask(
        key=key or f"T1/C1/{next(_keys)}",
        text=text,
        actor=actor,
        place=Place(team="T1", channel="C1"),
        at=at,
        received_at=at,
    )


def make_host(name: str, *, live: int = 2, storage: int = 2, live_active: int = 0, storage_active: int = 0) -> Host:
    return Host(
        name=name,
        fqdn=f"{name}.contoso.com",
        memory_bytes=128 << 30,
        memory_free_bytes=64 << 30,
        migration_enabled=True,
        authentication=1,
        performance=1,
        live_limit=live,
        storage_limit=storage,
        live_active=live_active,
        storage_active=storage_active,
    )
