"""Processes that carry out operations, to be killed: `python -m tests.operations.one_process`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.operations.moving_hosts import MovingHosts

ROOT = Path(__file__).parents[2]


@contextmanager
def process(
    lab: MovingHosts, database_url: str, name: str = "ferry", site: str = "main"
) -> Iterator[subprocess.Popen[str]]:
    """One that is ready; it is killed at the end."""
    ports = [str(server.port) for server in lab.servers.values()]
    command = [sys.executable, "-m", "tests.operations.one_process", database_url, name, site, *ports]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        yield running
    finally:
        running.kill()
        running.communicate()
