"""A lab that runs: the world's hosts as WinRM endpoints, a Slack workspace, all on loopback, in one background thread.

    with RunningLab(world, folder) as lab:
        lab.settings(database)        # a complete configuration that reaches it, by Ferry's JEA endpoint

It starts no bot: whoever wants one builds it from the settings.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from bot.lab import engine
from bot.lab.cmdlets import machine_of
from bot.lab.prepared import ENDPOINT, configurations
from bot.lab.slack import SlackServer
from bot.lab.winrm import Authority, Limits, WinRmServer
from bot.lab.world import Host, World

USER = "LAB\\ferry"
PASSWORD = "ferry-lab"  # noqa: S105 (valid on the lab's loopback endpoints only)
PEOPLE = ("alice", "bob", "mallory", "carol")
ALLOWED = ("alice", "bob")
OPERATORS = ("carol",)
TITLES = {"alice": "may command", "bob": "may command", "carol": "operator", "mallory": "may do nothing"}
CHANNEL = "ops"
SUGGESTIONS = ("hosts", "migrate VM-01 to host02", "/ferry evacuate", "help")
_PATIENCE_S = 30.0

T = TypeVar("T")


class RunningLab:
    """Start once, stop once; a context manager does both.

    Args:
        folder: where the lab writes its certificates.
        port: of the first host, the others follow; 0 takes free ones.
        tls: whether the hosts answer on HTTPS instead of HTTP with message encryption.
        slack: the workspace; None runs the hosts alone.
        slack_port: what it listens on; 0 takes a free one.
        limits: of the hosts' remote management; None: those of Windows Server.
        in_real_time: the settings tell links in real seconds, in which Ferry counts: ten times as fast in a world at
            ten times the speed, so that its predictions fit what a person sees.

    Attributes:
        hosts: the endpoints by the hosts' short names.
    """

    def __init__(
        self,
        world: World,
        folder: Path,
        *,
        port: int = 0,
        tls: bool = False,
        slack: SlackServer | None = None,
        slack_port: int = 0,
        limits: Limits | None = None,
        in_real_time: bool = False,
    ) -> None:
        self.world = world
        self.slack = slack
        self.authority = Authority(folder)
        self._limits = limits
        self._link_factor = world.clock.speed if in_real_time else 1.0
        self.hosts = {host.name.lower(): self._endpoint(host.name) for host in world.hosts}
        self._port = port
        self._slack_port = slack_port
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lab", daemon=True)

    def _endpoint(self, name: str) -> WinRmServer:
        machine = machine_of(self.world, self.world.host(name))
        return WinRmServer(
            name,
            {USER: PASSWORD},
            lambda command, user, visible: engine.run(command, machine, user, visible),
            configurations=configurations(),
            limits=self._limits,
        )

    def start(self) -> None:
        """Raises OSError if a fixed port is taken."""
        self._thread.start()
        self.call(self._start())
        for host in self.world.hosts:
            self._follow_power(host)
        self.world.watch_power(self._follow_power)

    def stop(self) -> None:
        """Close every endpoint and end the thread."""
        self.call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()

    def __enter__(self) -> RunningLab:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the lab's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    def _follow_power(self, host: Host) -> None:
        """A host that is down answers nobody. Not to be called on the lab's own thread."""
        self.hosts[host.name.lower()].unreachable(not host.up)

    async def _start(self) -> None:
        tls = self.authority.server if self._tls else None
        for number, endpoint in enumerate(self.hosts.values()):
            await endpoint.start(self._port + number if self._port else 0, tls)
        if self.slack is not None:
            await self.slack.start(self._slack_port)

    async def _stop(self) -> None:
        if self.slack is not None:
            await self.slack.stop()
        await asyncio.gather(*(endpoint.stop() for endpoint in self.hosts.values()))

    def settings(self, database: Path) -> dict[str, Any]:
        """A complete configuration of a bot in this lab."""
        return {
            "slack": self.slack_settings(),
            "operations": {"database_url": f"sqlite:///{database.as_posix()}", "refresh_s": 10},
            "remote": self.remote_settings(),
            "hosts": self.host_settings(),
            "clusters": self.cluster_settings(),
            "tags": {"domain-controllers": ["DC-*"]},
            "evacuation": {"apart": ["domain-controllers"]},
        }

    def host_settings(self) -> dict[str, dict[str, Any]]:
        """`[hosts.…]` that reach the endpoints; a node is a host for as long as its cluster tells of it."""
        of = {node.name.lower(): cluster.name for cluster in self.world.clusters for node in cluster.nodes}
        return {
            name: {
                "address": "127.0.0.1",
                "port": endpoint.port,
                "link_gbit_s": self._link(name),
                **({"cluster": of[name]} if name in of else {}),
            }
            for name, endpoint in self.hosts.items()
        }

    def cluster_settings(self) -> dict[str, dict[str, Any]]:
        """`[clusters.…]` that reach each cluster through its first node, as its own address would."""
        return {
            cluster.name: {"address": "127.0.0.1", "port": self.hosts[cluster.nodes[0].name.lower()].port}
            for cluster in self.world.clusters
        }

    def remote_settings(self) -> dict[str, Any]:
        """`[remote]` that fits them all."""
        transport: Mapping[str, Any] = {"ca_bundle": str(self.authority.ca_file)} if self._tls else {}
        return {
            "tls": self._tls,
            **transport,
            "authentication": "ntlm",
            "username": USER,
            "password": PASSWORD,
            "configuration": ENDPOINT,
        }

    def slack_settings(self) -> dict[str, Any]:
        """`[slack]` that reaches the workspace; commands in its channel need no mention."""
        assert self.slack is not None
        return {
            "bot_token": self.slack.bot_token,
            "app_token": self.slack.app_token,
            "api_url": self.slack.api_url,
            "allow": [self.slack.user_id(name) for name in ALLOWED],
            "operators": [self.slack.user_id(name) for name in OPERATORS],
            "bare_channels": [self.slack.channel_id(CHANNEL)],
        }

    def _link(self, name: str) -> float:
        return self.world.host(name).network_bytes_s * 8 / 1e9 * self._link_factor


def render_toml(lab: RunningLab) -> str:
    """A `ferry.toml` that reaches the lab's hosts. Strings are literal: a backslash is a backslash."""
    remote = lab.remote_settings()
    lines = [
        "# Reaches simulated hosts; the password is good for nothing else.",
        "[remote]",
        *map(_assign, remote.items()),
    ]
    for section, tables in (("clusters", lab.cluster_settings()), ("hosts", lab.host_settings())):
        for name, table in tables.items():
            lines += ["", f"[{section}.{name}]", *map(_assign, table.items())]
    return "\n".join(lines) + "\n"


def _assign(setting: tuple[str, object]) -> str:
    name, value = setting
    shown = f"'{value}'" if isinstance(value, str) else str(value).lower()
    return f"{name} = {shown}"
