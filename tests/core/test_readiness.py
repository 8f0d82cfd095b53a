"""The rules of readiness, as tables: what a host or a pair shows, against what is found and what to paste."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.estate import Host, Switch, Volume
from bot.core.evacuation.measuring import Past, Rate, measure_between
from bot.core.planner import Limits
from bot.core.readiness import (
    Checkup,
    Finding,
    Level,
    Reached,
    Surroundings,
    Target,
    answer_hosts,
    answer_pair,
    check_hosts,
    check_pair,
    targets_between,
)
from bot.core.reply import Mark, Table
from bot.slack.blocks import render
from tests.asking import plain, text_of

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
GIB = 1 << 30
SWITCHES = (Switch(name="Production", type=2), Switch(name="Internal", type=1))
VOLUMES = (Volume(letter="D", size_bytes=1000 * GIB, free_bytes=400 * GIB),)
READY = Host(
    name="host01",
    fqdn="host01.contoso.com",
    memory_bytes=128 * GIB,
    memory_free_bytes=52 * GIB,
    migration_enabled=True,
    authentication=1,
    performance=1,
    live_limit=2,
    storage_limit=2,
    vm_versions=("8.0", "9.0", "10.0"),
    switches=SWITCHES,
    volumes=VOLUMES,
    any_network=True,
    listeners=("10.0.0.11",),
)
AROUND = Surroundings(
    service=4,
    networks=(),
    domain="contoso.com",
    processor="GenuineIntel Family 6 Model 106",
    credential_guard=False,
    clock=NOW,
)


LIMITS = Limits(memory_reserve_bytes=0)


def checkup(name: str = "host01", around: dict[str, Any] | None = None, **info: Any) -> Checkup:
    host = READY.model_copy(update={"name": name, "fqdn": f"{name.upper()}.contoso.com", **info})
    surroundings = AROUND.model_copy(update=around or {})
    return Checkup(host=name, began=NOW, ended=NOW + timedelta(seconds=1), info=host, around=surroundings)


def silent(name: str = "host02", **around: Any) -> Checkup:
    return Checkup(host=name, began=NOW, ended=NOW, failure="no answer", around=Surroundings(**around), unread="none")


def troubles(findings: tuple[Finding, ...]) -> list[tuple[Level, str, tuple[str, ...]]]:
    return [(one.level, one.code, one.commands) for one in findings if one.level is not Level.FINE]


KERBEROS = "Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos"
B, W, U = Level.BLOCKING, Level.WARNING, Level.UNKNOWN

ONE_HOST: list[tuple[dict[str, Any], dict[str, Any], Level, str, tuple[str, ...]]] = [
    ({"migration_enabled": False}, {}, B, "migration", ("Enable-VMMigration",)),
    ({"authentication": 0}, {}, W, "authentication", (KERBEROS,)),
    ({"authentication": 0}, {"credential_guard": None}, W, "authentication", (KERBEROS,)),
    ({"authentication": 0}, {"credential_guard": True}, B, "credential_guard", (KERBEROS,)),
    ({"authentication": 7}, {}, U, "authentication", (KERBEROS,)),
    ({"any_network": False}, {}, B, "networks", ("Add-VMMigrationNetwork <subnet, like 10.0.0.0/24>",)),
    ({"any_network": False}, {"networks": None}, U, "networks", ("Get-VMMigrationNetwork",)),
    ({"any_network": None}, {"networks": ("10.0.0.0/24",)}, U, "networks", ("Get-VMMigrationNetwork",)),
    ({"listeners": ()}, {}, B, "networks", ("Get-VMMigrationNetwork",)),
    ({"live_limit": 0}, {}, B, "limits", ("Set-VMHost -MaximumVirtualMachineMigrations 2",)),
    ({"storage_limit": 0}, {}, B, "limits", ("Set-VMHost -MaximumStorageMigrations 2",)),
    ({"memory_free_bytes": GIB}, {}, W, "memory", ()),
    ({"volumes": ()}, {}, U, "storage", ("Get-Volume",)),
    ({"volumes": (Volume(letter="D", size_bytes=1000, free_bytes=49),)}, {}, W, "storage", ()),
    ({"vm_versions": ()}, {}, U, "versions", ("Get-VMHostSupportedVersion",)),
    ({}, {"domain": ""}, B, "domain", ()),
    ({}, {"domain": None}, U, "domain", ()),
    ({}, {"clock": None}, U, "clock", ("w32tm /query /status",)),
    ({}, {"clock": NOW - timedelta(seconds=90)}, W, "clock", ("w32tm /resync", "w32tm /query /status")),
    ({}, {"clock": NOW + timedelta(seconds=302)}, B, "clock", ("w32tm /resync", "w32tm /query /status")),
]


@pytest.mark.parametrize(("info", "around", "level", "code", "commands"), ONE_HOST)
def test_a_host_with_one_fault_has_one_finding(
    info: dict[str, Any], around: dict[str, Any], level: Level, code: str, commands: tuple[str, ...]
) -> None:
    found = troubles(check_hosts([checkup(around=around, **info)], 2 * GIB))
    assert found == [(level, code, commands)]


@pytest.mark.parametrize(
    ("info", "around"),
    [
        ({}, {}),
        ({"any_network": False}, {"networks": ("10.0.0.0/24",)}),
        ({"any_network": True}, {"networks": None}),
        ({"listeners": None}, {}),
        ({}, {"credential_guard": True}),
        ({}, {"clock": NOW - timedelta(seconds=59)}),
        ({}, {"service": None}),  # it has answered: the service is there
    ],
)
def test_a_host_that_is_ready_has_nothing_but_fine_findings(info: dict[str, Any], around: dict[str, Any]) -> None:
    findings = check_hosts([checkup(around=around, **info)], 2 * GIB)
    assert not troubles(findings)
    assert len(findings) >= 9


@pytest.mark.parametrize(
    ("around", "level", "code", "commands"),
    [
        ({}, U, "answer", ()),
        ({"service": 4}, U, "answer", ()),
        ({"service": 1}, B, "service", ("Start-Service vmms",)),
        ({"service": 3}, B, "service", ("Start-Service vmms",)),
    ],
)
def test_a_host_without_an_answer_is_unknown_and_never_fine(
    around: dict[str, Any], level: Level, code: str, commands: tuple[str, ...]
) -> None:
    findings = check_hosts([silent(**around)], 0)
    assert [(one.level, one.code, one.commands) for one in findings] == [(level, code, commands)]


PAIRS: list[tuple[dict[str, Any], dict[str, Any], Level, str, str]] = [
    ({"performance": 2}, {}, W, "performance_differs", "performance differs: compression on host01, SMB on host02"),
    ({"live_limit": 4}, {}, W, "limits_differ", "2 live, 2 storage on host01, 4 live, 2 storage on host02"),
    ({"vm_versions": ("9.0", "10.0", "12.0")}, {}, W, "versions_differ", "10.0 on host01, 12.0 on host02"),
    ({"vm_versions": ("9.0",)}, {}, W, "versions_differ", "a VM of a newer version cannot move"),
    ({"switches": ()}, {}, W, "switch", 'has no switch "Production", as host01'),
    ({}, {"domain": "fabrikam.com"}, W, "domains_differ", "they have to trust each other"),
    ({}, {"processor": "AuthenticAMD Family 25 Model 1"}, B, "makers_differ", "cannot move between makers"),
    ({}, {"processor": "GenuineIntel Family 6 Model 85"}, W, "processors_differ", "processor compatibility"),
]


@pytest.mark.parametrize(("info", "around", "level", "code", "text"), PAIRS)
def test_two_hosts_that_differ_in_one_thing(
    info: dict[str, Any], around: dict[str, Any], level: Level, code: str, text: str
) -> None:
    both = [checkup(), checkup("host02", around=around, **info)]
    (found,) = [one for one in check_hosts(both, 0) if one.level is not Level.FINE]
    assert (found.level, found.code) == (level, code)
    assert text in found.text


def test_differing_authentication_is_said_beside_the_credssp_of_one() -> None:
    found = troubles(check_hosts([checkup(), checkup("host02", authentication=0)], 0))
    assert [(level, code) for level, code, _ in found] == [(W, "authentication"), (W, "authentication_differs")]


def test_hosts_that_are_alike_are_said_to_be() -> None:
    findings = check_hosts([checkup(), checkup("host02")], 0)
    assert [one.seen for one in findings if one.code == "alike"] == ["alike"]


def test_the_few_are_named_and_not_the_many() -> None:
    many = [checkup(f"host{number:02}") for number in range(1, 10)]
    (found,) = [one for one in check_hosts([*many, checkup("host10", performance=0)], 0) if one.level is W]
    assert found.hosts == ("host10",)
    assert found.text.startswith(
        "performance differs: compression on host01, host02, host03, host04 and 5 more, TCP/IP on host10"
    )


def test_a_switch_with_a_strange_name_stands_in_nothing_that_is_pasted() -> None:
    strange = (Switch(name="x'; Remove-VM *", type=2), *SWITCHES)
    (found,) = [one for one in check_hosts([checkup(switches=strange), checkup("host02")], 0) if one.code == "switch"]
    assert found.hosts == ("host02",)
    assert found.commands == ()


def test_a_host_that_does_not_answer_is_not_compared() -> None:
    findings = check_hosts([checkup(), silent()], 0)
    assert {one.code for one in findings if one.level is not Level.FINE} == {"answer"}


# One host to another


def test_migrations_are_tried_where_the_destination_listens_and_all_else_by_its_name() -> None:
    targets = targets_between(checkup(), checkup("host02", listeners=("10.0.0.12", "fe80::1", "10.0.1.12")))
    assert [(one.address, one.port) for one in targets] == [
        ("10.0.0.12", 6600),
        ("10.0.1.12", 6600),
        ("host02.contoso.com", 445),
        ("host02.contoso.com", 5985),
    ]
    assert [one.port for one in targets_between(checkup(), checkup("host02", listeners=None))] == [6600, 445, 5985]
    assert targets_between(checkup(), silent()) == ()


def reached(port: int, open_: bool | None) -> Reached:
    return Reached(target=Target(address="host02.contoso.com", port=port), open=open_, failure="lost")


@pytest.mark.parametrize(
    ("port", "open_", "performance", "level"),
    [
        (6600, True, 1, Level.FINE),
        (6600, False, 1, B),
        (6600, None, 1, U),
        (445, False, 1, W),
        (445, False, 2, B),  # migrations by SMB
        (5985, False, 1, B),
    ],
)
def test_a_port(port: int, open_: bool | None, performance: int, level: Level) -> None:
    both = checkup(performance=performance), checkup("host02", performance=performance)
    (found,) = [one for one in check_pair(*both, [reached(port, open_)], LIMITS) if one.code == "port"]
    assert (found.level, found.hosts) == (level, ("host01",))
    assert level is Level.FINE or found.commands == (f"Test-NetConnection host02.contoso.com -Port {port}",)


def test_ports_that_were_not_tried_are_not_known() -> None:
    (found,) = [one for one in check_pair(checkup(), silent(), [], LIMITS) if one.code == "port"]
    assert found.level is U


def test_delegation_is_written_out_both_ways_for_both_services_and_both_names() -> None:
    (found,) = [one for one in check_pair(checkup(), checkup("host02"), [], LIMITS) if one.code == "delegation"]
    assert (found.level, found.where) == (U, "in Active Directory, as a domain administrator")
    assert found.commands == (
        "Get-ADComputer host01 -Properties msDS-AllowedToDelegateTo, TrustedToAuthForDelegation",
        "Get-ADComputer host02 -Properties msDS-AllowedToDelegateTo, TrustedToAuthForDelegation",
        "Get-ADComputer host01 | Set-ADObject -Add @{'msDS-AllowedToDelegateTo' = "
        "'Microsoft Virtual System Migration Service/host02', "
        "'Microsoft Virtual System Migration Service/host02.contoso.com', 'cifs/host02', 'cifs/host02.contoso.com'}",
        "Set-ADAccountControl (Get-ADComputer host01) -TrustedToAuthForDelegation $true",
        "Get-ADComputer host02 | Set-ADObject -Add @{'msDS-AllowedToDelegateTo' = "
        "'Microsoft Virtual System Migration Service/host01', "
        "'Microsoft Virtual System Migration Service/host01.contoso.com', 'cifs/host01', 'cifs/host01.contoso.com'}",
        "Set-ADAccountControl (Get-ADComputer host02) -TrustedToAuthForDelegation $true",
    )


def test_a_host_that_calls_itself_something_strange_is_called_by_ferrys_name() -> None:
    strange = checkup("host02", fqdn="x'; Remove-ADUser *")
    (found,) = [one for one in check_pair(checkup(), strange, [], LIMITS) if one.code == "delegation"]
    assert "Remove-ADUser" not in " ".join(found.commands)
    assert "'cifs/host02'}" in found.commands[2]


# The answer


def test_a_host_that_is_ready_says_so() -> None:
    reply = answer_hosts([checkup()], 0)
    assert (plain(reply.title), reply.mark) == ("host01: ready", Mark.FINE)
    assert not any(isinstance(part, Table) for part in reply.parts)


def test_what_stands_in_the_way_comes_first() -> None:
    reply = answer_pair(checkup(), checkup("host02", migration_enabled=False, authentication=0), [], LIMITS)
    assert plain(reply.title) == "host01 to host02: 1 thing in the way, 2 warnings and 3 things not known"
    assert reply.mark is Mark.BLOCKING
    (table,) = [part for part in reply.parts if isinstance(part, Table)]
    assert [row[:3] for row in table.rows] == [
        ("stops", "host02", "live migration"),
        ("warning", "host02", "authentication"),
        ("warning", "host01 and host02", "authentication"),
        ("not known", "host01", "ports"),
        ("not known", "host01 and host02", "delegation"),
        ("not known", "host01 and host02", "rate"),
    ]
    assert "On host02:\n`Enable-VMMigration`\n" in text_of(reply)


def test_a_host_without_an_answer_keeps_the_whole_from_being_fine() -> None:
    reply = answer_hosts([checkup(), checkup("host02"), silent("host03")], 0)
    assert plain(reply.title) == "3 hosts: nothing in the way, 1 thing not known"
    assert reply.mark is Mark.WARNING


def test_a_hundred_hosts_with_one_fault_share_one_line() -> None:
    reply = answer_hosts([checkup(f"host{number:03}", migration_enabled=False) for number in range(1, 101)], 0)
    (table,) = [part for part in reply.parts if isinstance(part, Table)]
    assert table.rows == (("stops", "host001, host002 and 98 more", "live migration", "off"),)
    assert "host001, host002, host003, host004 and 96 more: live migration is not enabled" in text_of(reply)


def test_many_findings_are_counted_and_what_fits_is_shown() -> None:
    hosts = [checkup(f"host{number:03}", memory_free_bytes=number) for number in range(1, 101)]
    reply = answer_hosts(hosts, GIB)
    assert plain(reply.title) == "100 hosts: nothing in the way, 100 warnings"
    (table,) = [part for part in reply.parts if isinstance(part, Table)]
    assert len(table.rows) == 30
    assert "86 more; `check <host>` tells of one host in full" in text_of(reply)
    assert "does not fit" not in str(render(reply).blocks)


# What migrations between two hosts carried

GBE_10 = {"host01": 10.0, "host02": 25.0}


@pytest.mark.parametrize(
    ("rate", "links", "level", "seen"),
    [
        (None, GBE_10, Level.UNKNOWN, "not measured yet"),
        (Rate(1.0e9, 3), GBE_10, Level.FINE, "954 MB/s measured"),
        (Rate(0.56e9, 1), GBE_10, Level.FINE, "534 MB/s measured"),
        (Rate(0.11e9, 4), GBE_10, Level.WARNING, "105 MB/s at best, of 4 migrations"),
        (Rate(0.11e9, 1), {"host01": 10.0}, Level.UNKNOWN, "105 MB/s at best, of 1 migration"),
    ],
)
def test_the_rate_of_earlier_migrations(rate: Rate | None, links: dict[str, float], level: Level, seen: str) -> None:
    limits = Limits(memory_reserve_bytes=0, link_gbit_s=links)
    (found,) = [one for one in check_pair(checkup(), checkup("host02"), [], limits, rate) if one.code == "rate"]
    assert (found.level, found.seen) == (level, seen)
    assert bool(found.commands) == (level is Level.WARNING)


def test_a_rate_that_does_not_fit_says_what_was_seen_what_was_expected_and_what_to_look_at() -> None:
    limits = Limits(memory_reserve_bytes=0, link_gbit_s=GBE_10)
    (found,) = [
        one for one in check_pair(checkup(), checkup("host02"), [], limits, Rate(0.11e9, 4)) if one.code == "rate"
    ]
    assert found.text == (
        "migrations between them carried 105 MB/s at best, of 4 migrations; a link of 10 GbE, from settings, carries "
        "about 1.0 GB/s. They may run over another network, be held down by a limit of bandwidth, or the setting may "
        "be wrong"
    )
    assert found.commands[0] == "Get-VMMigrationNetwork"


def past(source: str, destination: str, start_s: float, length_s: float, gib: int = 8) -> Past:
    began = NOW + timedelta(seconds=start_s)
    return Past("vm", source, destination, gib * GIB, began, began + timedelta(seconds=length_s))


def test_the_fastest_of_those_that_had_their_links_to_themselves_in_either_direction() -> None:
    there, back = past("host01", "host02", 0, 13), past("host02", "host01", 100, 21)
    small = past("host01", "host02", 200, 6, gib=1)
    crowded, beside = past("host01", "host02", 300, 6), past("host01", "host03", 301, 20)
    found = measure_between([there, back, small, crowded, beside], "host01", "host02")
    assert found == Rate(GIB, 2)
    assert measure_between([small, crowded, beside], "host01", "host02") is None
    assert measure_between([there], "host01", "host03") is None
