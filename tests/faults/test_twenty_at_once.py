"""Twenty migrations at once in one channel, with Slack's rate limits on: true at every moment, and soon.

    python -m pytest -n 0 -m benchmark tests/faults -s

Half a minute of real limits, so it runs on demand; the budget itself is held by tests/contract/test_announcer.py.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from bot.lab.world import GIB, Adapter, Disk, DiskFile, Host, RunningClock, Share, State, Switch, Vm, Volume, World
from tests.faults.waiting import assert_true_and_single
from tests.ferry import Ferry

MOVES = 20
SHARE = "\\\\server01\\vmstore"
MOST_LATE_S = 10


def estate() -> World:
    """Four hosts with five VMs each, and four with room for them."""
    world = World(RunningClock(10))
    hosts = [
        world.add_host(
            Host(
                f"host{number:02}.ferry.lab",
                256 * GIB,
                switches=(Switch("Production"),),
                volumes={"C": Volume("C", 200 * GIB)},
            )
        )
        for number in range(1, 9)
    ]
    world.add_share(Share(SHARE, 9000 * GIB))
    for number in range(MOVES):
        folder = f"{SHARE}\\VM-{number:02}"
        vm = Vm(
            f"VM-{number:02}",
            UUID(int=number + 1),
            State.RUNNING,
            4 * GIB,
            path=folder,
            checkpoint_path=folder,
            smart_paging_path=folder,
            disks=[Disk([DiskFile(f"{folder}\\disk.vhdx", 4 * GIB)], 8 * GIB)],
            adapters=[Adapter("Network Adapter", "Production")],
            started_at=world.clock.now(),
        )
        world.add_vm(hosts[number % 4], vm)
    return world


@pytest.mark.benchmark
def test_twenty_migrations_at_once(tmp_path: Path) -> None:
    with Ferry(tmp_path, world=estate()) as ferry:
        for number in range(MOVES):
            ferry.server.say("alice", "#ops", f"migrate VM-{number:02} to host{number % 4 + 5:02}")
        ferry.wait(lambda: sum(bool(one.buttons) for one in ferry.server.messages("#ops")) == MOVES)
        cards = [one for one in ferry.server.messages("#ops") if one.buttons]
        for card in cards:
            ferry.press(card, "Confirm", who="bob")
        for card in cards:
            ferry.wait_until_ended(card)
        late_s = []
        for card in cards:
            shown = ferry.server.message("#ops", card.ts)
            ended = ferry.operation(card).ended_at
            assert shown is not None
            assert ended is not None
            late_s.append((next(one.at for one in shown.versions if "succeeded" in one.text) - ended).total_seconds())
        assert_true_and_single(ferry)
        limited = [method for method, outcome in ferry.server.calls() if outcome == "ratelimited"]
        print(f"\nends were shown after {min(late_s):.1f} to {max(late_s):.1f} s, {len(limited)} calls were limited")
        assert max(late_s) < MOST_LATE_S
        assert len(limited) <= 3
