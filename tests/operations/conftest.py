"""What the tests of the durable shell share: a clock that is told the time, and a store in a file of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.core.operation import Operation
from bot.core.plan import MoveKind
from bot.lab.winrm import Limits
from bot.operations.store import Store
from tests.operations.bench import Bench
from tests.operations.moving_hosts import MovingHosts, moving_hosts
from tests.operations.offers import OFFER, SetClock, make_ask, make_plan
from tests.postgres import MEMORY, Postgres


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database: making its hundred tables takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "ferry.sqlite"
    made = Store(f"sqlite:///{path}", SetClock())
    made.migrate()
    made.close()
    return path


@pytest.fixture(scope="session")
def template(postgres_server: Postgres) -> str:
    """The same on PostgreSQL."""
    name = postgres_server.create()
    made = Store(postgres_server.url(name), SetClock())
    made.migrate()
    made.close()
    return name


@pytest.fixture
def backend() -> str:
    """Where rows live. Tests of what differs there ask for both: `@both`."""
    return "sqlite"


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{backend}_url"))


@pytest.fixture
def postgresql_url(postgres_server: Postgres, template: str) -> Iterator[str]:
    name = postgres_server.create(template)
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def sqlite_url(migrated: Path, tmp_path: Path) -> Iterator[str]:
    """A file that is flushed at every commit, kept in memory where the system can: the disk is not what is tested."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as folder:
        shutil.copy(migrated, folder)
        yield f"sqlite:///{Path(folder) / migrated.name}"


@pytest.fixture
def store(database_url: str, clock: SetClock) -> Iterator[Store]:
    made = Store(database_url, clock)
    made.migrate()
    yield made
    made.close()


Propose = Callable[..., Operation]


@pytest.fixture
def propose(store: Store, clock: SetClock) -> Propose:
    """Offer the move of a VM, by number."""

    def make(number: int = 1, kind: MoveKind = MoveKind.LIVE, **changes: object) -> Operation:
        return store.propose(make_plan(number, kind, **changes), make_ask(), clock.now() + OFFER)

    return make


@pytest.fixture(scope="session")
def serving_hosts() -> Iterator[MovingHosts]:
    # A host keeps the sessions of clients that died for a while, and tests leave more of those than any day's work.
    with moving_hosts(Limits(shells_per_user=1000)) as running:
        yield running


@pytest.fixture
def lab(serving_hosts: MovingHosts) -> Iterator[MovingHosts]:
    """Two hosts as they were at first; only their connections are kept warm."""
    serving_hosts.reset()
    yield serving_hosts
    serving_hosts.go()  # what was left under way ends, and the sessions with it that follow it


@pytest.fixture
def bench(lab: MovingHosts, store: Store, clock: SetClock) -> Iterator[Bench]:
    made = Bench(lab, store, clock)
    yield made
    made.close()
