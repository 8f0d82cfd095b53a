"""Every spelling in which a value was ever seen to arrive, against the one value it means."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from pypsrp.complex_objects import GenericComplexObject, PSThreadOptions
from pypsrp.serializer import Serializer

from bot.hyperv import readers

GUID = "d46f1c3a-0b1e-4c2d-9e3f-0123456789ab"


def serialised(clixml: str) -> object:
    """The value as pypsrp delivers it for that piece of CLIXML."""
    return Serializer().deserialize(clixml)


RUNNING = serialised(
    '<Obj RefId="0"><TN RefId="0"><T>Microsoft.HyperV.PowerShell.VMState</T><T>System.Enum</T><T>System.ValueType</T>'
    "<T>System.Object</T></TN><ToString>Running</ToString><I32>2</I32></Obj>"
)
RUNNING_WITHOUT_NUMBER = serialised(
    '<Obj RefId="0"><TN RefId="0"><T>Microsoft.HyperV.PowerShell.VMState</T><T>System.Object</T></TN>'
    "<ToString>Running</ToString></Obj>"
)
RUNNING_AS_PROPERTY = serialised(
    '<Obj RefId="0"><TN RefId="0"><T>Deserialized.Microsoft.HyperV.PowerShell.VMState</T><T>System.Object</T></TN>'
    '<ToString>Wird ausgeführt</ToString><Props><I32 N="value__">2</I32></Props></Obj>'
)
MIGRATING = serialised(
    '<Obj RefId="0"><TN RefId="0"><T>Microsoft.HyperV.PowerShell.VMOperationalStatus[]</T><T>System.Array</T>'
    "<T>System.Object</T></TN><LST>"
    '<Obj RefId="1"><TN RefId="1"><T>Microsoft.HyperV.PowerShell.VMOperationalStatus</T><T>System.Enum</T>'
    "<T>System.ValueType</T><T>System.Object</T></TN><ToString>InService</ToString><I32>11</I32></Obj>"
    '<Obj RefId="2"><TNRef RefId="1" /><ToString>MigratingVirtualMachine</ToString><I32>32774</I32></Obj>'
    "</LST></Obj>"
)


@pytest.mark.parametrize(
    "value",
    [
        2,
        2.0,
        "2",
        " 2 ",
        "Running",
        "running",
        RUNNING,
        RUNNING_WITHOUT_NUMBER,
        RUNNING_AS_PROPERTY,
        PSThreadOptions(value=2),
        serialised("<I32>2</I32>"),
        serialised("<U16>2</U16>"),
        serialised("<By>2</By>"),
    ],
)
def test_a_state_is_a_number_however_it_is_spelt(value: object) -> None:
    assert readers.as_number(value, readers.VM_STATES) == 2


@pytest.mark.parametrize("value", [None, "", "Wird ausgeführt", "2 GB", GenericComplexObject(), [], object()])
def test_what_cannot_be_read_is_not_known(value: object) -> None:
    assert readers.as_number(value, readers.VM_STATES) is None


@pytest.mark.parametrize(
    "value",
    [
        [11, 32774],
        ["InService", "MigratingVirtualMachine"],
        "InService MigratingVirtualMachine",
        "InService, MigratingVirtualMachine",
        "{InService, MigratingVirtualMachine}",
        "11 32774",
        MIGRATING,
    ],
)
def test_a_status_is_two_numbers_however_it_is_spelt(value: object) -> None:
    assert readers.as_numbers(value, readers.OPERATIONAL_STATUSES) == (11, 32774)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Ok", (2,)),
        (RUNNING_AS_PROPERTY, (2,)),
        (None, ()),
        ("Microsoft.HyperV.PowerShell.VMOperationalStatus[]", ()),
        ("In Betrieb", ()),
    ],
)
def test_a_status_flattened_beyond_recognition_is_empty(value: object, expected: tuple[int, ...]) -> None:
    assert readers.as_numbers(value, readers.OPERATIONAL_STATUSES) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("8.0 9.0 10.0", ("8.0", "9.0", "10.0")),
        (["8.0", "9.0"], ("8.0", "9.0")),
        ("{8.0, 9.0}", ("8.0", "9.0")),
        (None, ()),
        ("10.0", ("10.0",)),
    ],
)
def test_a_list_of_versions(value: object, expected: tuple[str, ...]) -> None:
    assert readers.as_texts(value) == expected


@pytest.mark.parametrize(
    "value", [GUID, GUID.upper(), "{" + GUID + "}", UUID(GUID), f" {GUID} ", serialised(f"<G>{GUID}</G>")]
)
def test_an_id(value: object) -> None:
    assert readers.as_vm_id(value) == GUID


@pytest.mark.parametrize("value", [None, "", "VM-01", 7, "d46f1c3a"])
def test_what_is_no_id(value: object) -> None:
    assert readers.as_vm_id(value) is None


def _time_span(ticks: int) -> GenericComplexObject:
    span = GenericComplexObject()
    span.adapted_properties = {"Ticks": ticks}
    return span


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("P41DT2H", 41 * 86400 + 2 * 3600),
        ("PT5H", 5 * 3600),
        ("PT0S", 0),
        ("PT1M1.5S", 61.5),
        ("-PT1S", -1),
        ("41.02:00:00", 41 * 86400 + 2 * 3600),
        ("02:00:00", 2 * 3600),
        ("00:00:01.5000000", 1.5),
        ("00000041020000.000000:000", 41 * 86400 + 2 * 3600),
        (_time_span(50_000_000), 5),
        (serialised("<TS>P1D</TS>"), 86400),
        (None, None),
        ("later", None),
        (7, None),
    ],
)
def test_a_time_span(value: object, seconds: float | None) -> None:
    assert readers.as_seconds(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-22T10:30:00.0000000+00:00",
        "2026-11-22T11:30:00+01:00",
        "2026-11-22T10:30:00Z",
        "2026-11-22T10:30:00",
        "20261122103000.000000+000",
        "20261122113000.000000+060",
        serialised("<DT>2026-11-22T11:30:00.0000000+01:00</DT>"),
    ],
)
def test_a_time_is_utc(value: object) -> None:
    assert readers.as_time(value) == datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, "", "yesterday", 5, "20261322103000.000000+000"])
def test_what_is_no_time(value: object) -> None:
    assert readers.as_time(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), (False, False), ("True", True), ("false", False), (1, True), (0, False), (None, None), ("ja", None)],
)
def test_a_flag(value: object, expected: bool | None) -> None:
    assert readers.as_flag(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("D", "D"), ("\0", ""), (None, ""), (RUNNING, "Running"), (GenericComplexObject(), ""), (7, "7")],
)
def test_a_text(value: object, expected: str) -> None:
    assert readers.as_text(value) == expected
