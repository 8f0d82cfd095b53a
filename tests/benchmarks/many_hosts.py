"""An estate in a process of its own: `many_hosts.py <hosts> <vms> <on> <at once> <speed> <link> <folder>`.

It prints the settings of a bot that reaches it, workspace included, as one line of JSON, and ends with its input. The
VMs are dealt out to the first `on` hosts; each host carries out so many moves at once, over a link of so many
bytes a second.
"""

from __future__ import annotations

import json
import sys
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


def make_world(hosts: int, vms: int, on: int, at_once: int, speed: float, link_bytes_s: float) -> World:
    world = World(RunningClock(speed))
    world.add_share(Share(SHARE, 100 * TIB, 0, rate_bytes_s=100e9))
    for number in range(hosts):
        made = Host(
            f"{host_name(number)}.contoso.com", 4 * TIB, maximum_migrations=at_once, network_bytes_s=link_bytes_s
        )
        made.switches = (Switch("Production"),)
        made.volumes = {letter: Volume(letter, 10 * TIB) for letter in "CD"}
        world.add_host(made)
    for number in range(vms):
        name = f"VM-{number:03d}"
        folder = rf"{SHARE}\{name}"
        disk = DiskFile(rf"{folder}\{name}.vhdx", 4 * GIB)
        world.add_vm(
            world.host(host_name(number % on)),
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
    hosts, vms, on, at_once, speed, link_bytes_s, folder = sys.argv[1:]
    world = make_world(int(hosts), int(vms), int(on), int(at_once), float(speed), float(link_bytes_s))
    with RunningLab(world, Path(folder), slack=SlackServer(rate_limits=False), limits=MANY) as lab:
        settings = lab.settings(Path(folder) / "ferry.sqlite")
        settings["slack"]["commands_per_minute"] = 0
        print(json.dumps(settings, default=str), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
