"""Starting and stopping."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.lab.winrm import WinRmServer

from .client import USERS, Lab, begin, invoke
from .cmdlets import Cmdlets


def test_a_port_that_is_taken_is_an_error(lab: Lab, server: WinRmServer, cmdlets: Cmdlets) -> None:
    second = WinRmServer("HV02", USERS, cmdlets.run)
    with pytest.raises(OSError, match="in use"):
        lab.call(second.start(server.port))


def test_stop_leaves_nothing_behind_and_the_port_can_be_used_again(
    lab: Lab,
    loop: asyncio.AbstractEventLoop,
    cmdlets: Cmdlets,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    threads = threading.active_count()
    server = WinRmServer("HV01", USERS, cmdlets.run)
    lab.call(server.start())
    assert len(list(tmp_path.iterdir())) == 1
    pool = lab.open(server, max_runspaces=2)
    shells = [begin(pool, "Move-Item"), begin(pool, "Move-Item")]
    assert cmdlets.waiting.wait(10)
    port = server.port
    lab.call(server.stop())
    lab.call(server.stop())
    assert cmdlets.stopped.wait(10)
    assert lab.call(_other_tasks()) == []
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == threads
    assert "NTLM_USER_FILE" not in os.environ
    with pytest.raises(requests.ConnectionError):
        shells[0].poll_invoke()
    again = lab.start(port=port)
    assert again.port == port
    assert invoke(lab.open(again), "Get-User") == ["admin"]


def test_stop_while_unreachable(lab: Lab, server: WinRmServer) -> None:
    server.unreachable()
    lab.call(server.stop())
    again = lab.start(port=server.port)
    assert invoke(lab.open(again), "Get-User") == ["admin"]


def test_eight_clients_at_once(lab: Lab, server: WinRmServer) -> None:
    pools = [lab.open(server) for _ in range(8)]
    results: dict[int, list[Any]] = {}

    def work(number: int) -> None:
        results[number] = [invoke(pools[number], "Write-Text", Text=f"{number}") for _ in range(10)]

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert results == {number: [[f"{number}"]] * 10 for number in range(8)}


async def _other_tasks() -> list[str]:
    return [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]
