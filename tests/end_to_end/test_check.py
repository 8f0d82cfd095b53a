"""`check` in chat: readiness of a host, a pair and all, with what to paste, and nothing changed by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lab.world.machines import Authentication
from tests.ferry import Ferry


@pytest.fixture(scope="module")
def ferry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    folder: Path = tmp_path_factory.mktemp("check")
    with Ferry(folder, rate_limits=False) as ferry:
        yield ferry


def test_a_host_that_is_ready(ferry: Ferry) -> None:
    shown = ferry.text(ferry.say("check host01"))
    assert shown.startswith("✅ host01: ready\n")
    assert "live migration enabled · authentication Kerberos" in shown
    assert "Not read, since it takes a script: whether a restart is pending" in shown


def test_a_pair_with_faults_and_what_to_paste(ferry: Ferry) -> None:
    host02 = ferry.world.host("host02")
    host02.authentication, host02.blocked_ports = Authentication.CREDSSP, frozenset({6600})
    host02.clock_skew_s = 400

    shown = ferry.text(ferry.say("check host01 to host02"))

    assert "host01 to host02: 2 things in the way, 3 warnings and 2 things not known" in shown
    assert "host01: does not reach host02:6600 (10.0.0.12), for the migration itself" in shown
    assert "host02: its clock is 6 min 40 s ahead of Ferry's: Kerberos refuses more than 5 min" in shown
    assert 'host02: has no switch "Backup", as host01' in shown
    assert "Set-ADAccountControl (Get-ADComputer host02) -TrustedToAuthForDelegation $true" in shown
    assert "reaches host02:445" in shown

    host02.authentication, host02.blocked_ports, host02.clock_skew_s = Authentication.KERBEROS, frozenset(), 0


def test_all_hosts_one_of_them_dead_and_one_without_its_service(ferry: Ferry) -> None:
    ferry.world.kill_host("host02")
    ferry.world.host("host03").service_running = False

    shown = ferry.ask("check all")

    assert "❌ 3 hosts: 1 thing in the way and 1 thing not known" in shown
    assert "host03: Hyper-V's management service is stopped" in shown
    assert "Start-Service vmms" in shown
    assert "host02: no answer: 127.0.0.1:" in shown
    assert "✓" not in shown

    ferry.world.return_host("host02")
    ferry.world.host("host03").service_running = True


def test_a_host_is_not_its_own_destination(ferry: Ferry) -> None:
    shown = ferry.text(ferry.say("check host01 to host01.ferry.lab"))
    assert "host01 is both the source and the destination" in shown


def test_a_misspelt_destination_is_mended_in_its_own_place(ferry: Ferry) -> None:
    assert "did you mean check host01 to host02" in ferry.text(ferry.say("check host01 to hosst02"))
