"""What stands around Hyper-V, in the shapes that Windows gives it, against what Ferry makes of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.core.readiness.model import Surroundings
from bot.hyperv.answer import Answer, Record, Trouble
from bot.hyperv.surroundings import reached_in, surroundings_of
from bot.hyperv.views import Unreadable


def answer(*records: Record, troubles: tuple[Trouble, ...] = ()) -> Answer:
    return Answer(records, troubles, completed=True)


def of(kind: str, **values: object) -> Surroundings:
    return surroundings_of(answer(Record(kind, values)))


@pytest.mark.parametrize(
    ("said", "clock"),
    [
        ("2026-11-25T13:00:00.5+01:00", datetime(2026, 11, 25, 12, 0, 0, 500000, tzinfo=UTC)),
        ("2026-11-25T12:00:00Z", datetime(2026, 11, 25, 12, tzinfo=UTC)),
        ("20261125130000.000000+060", datetime(2026, 11, 25, 12, tzinfo=UTC)),
        ("2026-11-25T13:00:00", None),  # whose noon?
        ("", None),
        (None, None),
    ],
)
def test_a_clock_counts_only_with_its_offset(said: object, clock: datetime | None) -> None:
    assert of("Win32_OperatingSystem", LocalDateTime=said).clock == clock


@pytest.mark.parametrize(
    ("member", "domain", "expected"),
    [(True, "Contoso.com", "contoso.com"), (False, "WORKGROUP", ""), (None, "contoso.com", None)],
)
def test_a_domain(member: object, domain: str, expected: str | None) -> None:
    assert of("Win32_ComputerSystem", PartOfDomain=member, Domain=domain).domain == expected


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Intel64 Family 6 Model 106 Stepping 6", "GenuineIntel Family 6 Model 106"),
        ("Intel64 Family 6 Model 106 Stepping 4", "GenuineIntel Family 6 Model 106"),
        ("", "GenuineIntel Xeon"),
    ],
)
def test_a_processor_is_its_maker_and_model(description: str, expected: str) -> None:
    shown = of("Win32_Processor", Manufacturer="GenuineIntel", Description=description, Name="Xeon")
    assert shown.processor == expected


@pytest.mark.parametrize(
    ("running", "expected"), [([1, 2], True), ("1 2", True), ([2], False), (0, False), ([], False)]
)
def test_credential_guard(running: object, expected: bool) -> None:
    assert of("Win32_DeviceGuard", SecurityServicesRunning=running).credential_guard is expected


@pytest.mark.parametrize(("status", "expected"), [(4, 4), ("Running", 4), ("Stopped", 1), ("Melted", None)])
def test_a_service(status: object, expected: int | None) -> None:
    assert of("ServiceController", Status=status).service == expected


def test_networks_come_in_their_order_of_preference() -> None:
    networks = [Record("VMMigrationNetwork", {"Subnet": name, "Priority": rank}) for name, rank in (("b", 9), ("a", 2))]
    assert surroundings_of(answer(*networks)).networks == ("a", "b")


def test_no_network_and_no_answer_are_told_apart() -> None:
    trouble = Trouble("CommandNotFoundException", 13, "Get-VMMigrationNetwork", "", "not recognized")
    assert surroundings_of(answer()).networks == ()
    assert surroundings_of(answer(troubles=(trouble,))).networks is None


def test_what_the_host_left_out_is_not_known() -> None:
    nothing = surroundings_of(answer())
    assert nothing == Surroundings(networks=())


def test_a_port_without_an_answer_is_not_closed() -> None:
    assert reached_in(answer(Record("TestNetConnectionResult", {"TcpTestSucceeded": True})))
    assert not reached_in(answer(Record("TestNetConnectionResult", {"TcpTestSucceeded": "False"})))
    with pytest.raises(Unreadable):
        reached_in(answer())
