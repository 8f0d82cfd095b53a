"""Processes that carry out operations, to be killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.nursery import PATIENCE_S, READY, Life, Nursery
from tests.operations.moving_hosts import MovingHosts
from tests.operations.one_process import carry_out


@contextmanager
def process(lab: MovingHosts, database_url: str, name: str = "ferry", site: str = "main") -> Iterator[Life]:
    """One that is ready; it is killed at the end."""
    ports = [server.port for server in lab.servers.values()]
    life = Nursery().start(carry_out, database_url, name, site, ports)
    try:
        assert life.line.poll(PATIENCE_S)
        assert life.line.recv() == READY
        yield life
    finally:
        life.kill()
