"""What a check of readiness reads from the lab's hosts over pypsrp: surroundings, ports, and what a role leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.core.readiness.model import RUNNING_SERVICE, Target
from bot.errors import HostError, HostUnreachable
from bot.hyperv.cmdlets import CMDLETS
from bot.hyperv.fleet import HyperVFleet
from bot.lab.world import Host
from tests.contract.two_hosts import TwoHosts, two_hosts


@pytest.fixture(scope="module")
def lab() -> Iterator[TwoHosts]:
    with two_hosts() as lab:
        yield lab


@pytest.fixture
def fleet(lab: TwoHosts) -> Iterator[HyperVFleet]:
    lab.reset()
    fleet = HyperVFleet(lab.settings)
    yield fleet
    fleet.close()


@pytest.fixture
def host02(lab: TwoHosts, fleet: HyperVFleet) -> Host:
    """After the fleet, whose making puts the world back."""
    host = lab.world.host("host02")
    host.listener_addresses = ("10.0.0.12",)
    return host


def test_the_surroundings_of_a_host(fleet: HyperVFleet) -> None:
    before = datetime.now(UTC)
    around = fleet.read_surroundings("host01")

    assert (around.service, around.networks, around.credential_guard) == (RUNNING_SERVICE, (), False)
    assert (around.domain, around.processor) == ("contoso.com", "GenuineIntel Family 6 Model 106")
    assert around.clock is not None
    assert before <= around.clock <= datetime.now(UTC)


def test_the_settings_that_only_a_check_needs(fleet: HyperVFleet, host02: Host) -> None:
    host02.any_network, host02.migration_networks = False, ("10.0.1.0/24", "10.0.0.0/24")

    host, _ = fleet.read_host("host02")

    assert (host.any_network, host.listeners) == (False, ("10.0.0.12",))
    assert fleet.read_surroundings("host02").networks == ("10.0.1.0/24", "10.0.0.0/24")


def test_surroundings_answer_although_hyper_v_does_not(fleet: HyperVFleet, host02: Host) -> None:
    """Networks are Hyper-V's own: without an answer they are not known, and not none."""
    host02.service_running, host02.credential_guard, host02.clock_skew_s = False, True, 600

    with pytest.raises(HostError, match="management service is stopped"):
        fleet.read_host("host02")
    around = fleet.read_surroundings("host02")

    assert (around.service, around.networks, around.credential_guard) == (1, None, True)
    assert around.clock is not None
    assert (around.clock - datetime.now(UTC)).total_seconds() > 590


@pytest.mark.parametrize(
    ("address", "port", "open_"),
    [
        ("host02.contoso.com", 6600, True),
        ("10.0.0.12", 6600, True),
        ("host02", 445, False),
        ("host02.contoso.com", 5985, True),
        ("host09.contoso.com", 5985, False),
    ],
)
def test_a_host_tries_the_ports_of_another(
    fleet: HyperVFleet, host02: Host, address: str, port: int, open_: bool
) -> None:
    host02.blocked_ports = frozenset({445})
    assert fleet.reach("host01", Target(address=address, port=port)) is open_


def test_nobody_listens_where_migration_is_off(fleet: HyperVFleet, host02: Host) -> None:
    host02.migration_enabled = False
    assert not fleet.reach("host01", Target(address="host02", port=6600))


@pytest.mark.parametrize("target", [("host02; Stop-VM", 445), ("*", 445), ("host02", 22)])
def test_only_names_and_the_ports_of_migrations_can_be_asked_for(fleet: HyperVFleet, target: tuple[str, int]) -> None:
    with pytest.raises(ValueError, match=r"takes one of|host name"):
        fleet.reach("host01", Target(address=target[0], port=target[1]))


def test_a_host_that_is_gone_has_no_surroundings(lab: TwoHosts, fleet: HyperVFleet) -> None:
    lab.unreachable("host02")
    with pytest.raises(HostUnreachable):
        fleet.read_surroundings("host02")


def test_every_cmdlet_of_a_check_is_declared() -> None:
    """What an endpoint's role is made of."""
    declared = {cmdlet.name: cmdlet.module for cmdlet in CMDLETS}
    assert declared["Get-VMMigrationNetwork"] == "Hyper-V"
    assert declared["Get-Service"] == "Microsoft.PowerShell.Management"
    assert declared["Test-NetConnection"] == "NetTCPIP"
