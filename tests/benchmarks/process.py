"""`ferry run` as a process: started with settings, measured from outside, ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.many_hosts import Shape

ROOT = Path(__file__).parents[2]
TICKS_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Usage:
    """Of a process, at one moment."""

    at: float
    cpu_s: float
    memory_mb: float
    threads: int


@contextmanager
def estate(folder: Path, shape: Shape) -> Iterator[dict[str, Any]]:
    """The settings of a bot for an estate that lives in processes of its own."""
    with ExitStack() as stack:
        parts = [stack.enter_context(_part(folder, shape, number)) for number in range(shape.processes)]
        hosts = {name: host for part in parts for name, host in part["hosts"].items()}
        yield parts[0] | {"hosts": dict(sorted(hosts.items()))}


@contextmanager
def _part(folder: Path, shape: Shape, number: int) -> Iterator[dict[str, Any]]:
    place = folder / f"estate-{number}"
    place.mkdir()
    words = [json.dumps(asdict(shape)), str(number), str(place)]
    command = [sys.executable, "-m", "tests.benchmarks.many_hosts", *words]
    running = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        yield json.loads(running.stdout.readline())
    finally:
        running.kill()
        running.communicate()


@contextmanager
def ferry(settings: dict[str, Any], folder: Path, role: str, name: str) -> Iterator[int]:
    """Its process id, once it works."""
    config = folder / f"{name}.toml"
    config.write_text(_toml(settings | {"operations": settings["operations"] | {"process": name}}))
    command = [sys.executable, "-m", "bot", "run", "--role", role, "--config", str(config)]
    log = log_of(folder, name)
    with log.open("w") as written:
        running = subprocess.Popen(command, cwd=ROOT, stderr=written, env={**os.environ, "TZ": "UTC"})
        try:
            while "looks after" not in log.read_text():
                assert running.poll() is None, log.read_text()
                time.sleep(0.1)
            yield running.pid
        finally:
            running.kill()
            running.wait()


def log_of(folder: Path, name: str) -> Path:
    return folder / f"{name}.log"


def read_usage(pid: int) -> Usage:
    """From /proc, so on Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Usage(
        time.monotonic(),
        (int(fields[11]) + int(fields[12])) / TICKS_S,
        int(status["VmRSS"].split()[0]) / 1024,
        int(status["Threads"]),
    )


def cpu_percent(before: Usage, after: Usage) -> float:
    return 100 * (after.cpu_s - before.cpu_s) / (after.at - before.at)


def _toml(settings: dict[str, Any]) -> str:
    lines: list[str] = []
    for name, section in settings.items():
        if name == "hosts":
            for host, values in section.items():
                lines += ["", f"[hosts.{host}]", *_assign(values)]
        else:
            lines += ["", f"[{name}]", *_assign(section)]
    return "\n".join(lines) + "\n"


def _assign(values: dict[str, Any]) -> list[str]:
    return [
        f"{key} = {json.dumps(value)}"  # what JSON writes, TOML reads
        for key, value in values.items()
        if value is not None
    ]
