"""A part of an estate in a process of its own: `many_hosts.py <Shape as JSON> <part> <folder>`.

It prints settings that reach its hosts, and as the first part a workspace too, as one line of JSON, and ends with its
input.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

from bot.lab.running import RunningLab
from bot.lab.slack import SlackServer
from bot.lab.winrm import Limits
from bot.lab.world import GIB, Adapter, Disk, DiskFile, Host, RunningClock, Share, State, Switch, Vm, Volume, World

SHARE = r"\\server01\vmstore"
TIB = 1024 * GIB
MANY = Limits(shells_per_user=1000)


def host_name(number: int) -> str:
    return f"host{number:02d}"


@dataclass(frozen=True)
class Shape:
    """An estate, in any number of processes: what one of them cannot carry, several may.

    Attributes:
        on: the VMs are dealt out to the first so many hosts.
        at_once: moves that each host takes part in at the same time.
        speed: of the world's time.
        link_bytes_s: of each host's network.
        processes: hosts `n` and `n + hosts / 2` are in the same, and may move VMs to each other.
    """

    hosts: int
    vms: int
    on: int
    at_once: int
    speed: float = 1.0
    link_bytes_s: float = 1e9
    processes: int = 1

    def part(self, number: int) -> list[int]:
        """The hosts that live in a process."""
        return [host for host in range(self.hosts) if host % (self.hosts // 2) % self.processes == number]


def make_world(shape: Shape, part: int) -> World:
    world = World(RunningClock(shape.speed))
    world.add_share(Share(SHARE, 100 * TIB, 0, rate_bytes_s=100e9))
    here = shape.part(part)
    for number in here:
        made = Host(
            f"{host_name(number)}.contoso.com",
            4 * TIB,
            maximum_migrations=shape.at_once,
            network_bytes_s=shape.link_bytes_s,
        )
        made.switches = (Switch("Production"),)
        made.volumes = {letter: Volume(letter, 10 * TIB) for letter in "CD"}
        world.add_host(made)
    for number in range(shape.vms):
        if number % shape.on not in here:
            continue
        name = f"VM-{number:03d}"
        folder = rf"{SHARE}\{name}"
        disk = DiskFile(rf"{folder}\{name}.vhdx", 4 * GIB)
        world.add_vm(
            world.host(host_name(number % shape.on)),
            Vm(
                name,
                uuid5(NAMESPACE_DNS, name),
                State.RUNNING,
                memory_bytes=2 * GIB,
                path=folder,
                checkpoint_path=folder,
                smart_paging_path=folder,
                disks=[Disk([disk], 8 * GIB)],
                adapters=[Adapter("Network Adapter", "Production")],
            ),
        )
    return world


def main() -> None:
    shape, part, folder = Shape(**json.loads(sys.argv[1])), int(sys.argv[2]), Path(sys.argv[3])
    slack = SlackServer(rate_limits=False) if part == 0 else None
    with RunningLab(make_world(shape, part), folder, slack=slack, limits=MANY) as lab:
        settings = lab.settings(folder / "ferry.sqlite") if slack else {"hosts": lab.host_settings()}
        if slack:
            settings["slack"]["commands_per_minute"] = 0
        print(json.dumps(settings, default=str), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
