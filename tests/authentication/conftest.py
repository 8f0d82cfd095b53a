from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.lab.winrm import Authority

from .hosts import Hosts, hosts


@pytest.fixture(name="hosts")
def running_hosts() -> Iterator[Hosts]:
    with hosts() as running:
        yield running


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))
