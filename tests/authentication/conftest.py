from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lab.winrm import Authority

from .hosts import Hosts, hosts


@pytest.fixture(name="hosts")
def running_hosts() -> Iterator[Hosts]:
    with hosts() as running:
        yield running


@pytest.fixture(autouse=True)
def no_realm_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the Kerberos libraries, `negotiate` would look for this machine's own realm on the network."""
    nothing = tmp_path / "krb5.conf"
    nothing.write_text("[libdefaults]\n dns_lookup_kdc = false\n dns_lookup_realm = false\n")
    monkeypatch.setenv("KRB5_CONFIG", str(nothing))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))
