"""Lenient readers of single values: whatever way a host spelt a value, the same plain value comes out.

The same property may arrive as a number, an enumeration object, a text, nothing, or an array flattened into one text:
that depends on the cmdlet, the depth of serialisation and the Windows version. Names of enumeration members are not
localised; status texts are, so they are never read. A value that cannot be read is `None` (or empty), meaning "not
known".

Facts: pypsrp gives enumerations as GenericComplexObject, TimeSpan and DateTime as text (pypsrp issues 96, 105;
serializer.py). Member numbers: Microsoft.HyperV.PowerShell enumerations (Microsoft Learn), and clusapi.h.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from pypsrp.complex_objects import Enum, GenericComplexObject

from bot.core.names import VmId, check_vm_id

Names = Mapping[str, int]
"""Member names of an enumeration, in lower case, with their numbers."""

_NO_NAMES: Names = {}

VM_STATES: Names = {
    "other": 1,
    "running": 2,
    "off": 3,
    "stopping": 4,
    "saved": 6,
    "paused": 9,
    "starting": 10,
    "reset": 11,
    "saving": 32773,
    "pausing": 32776,
    "resuming": 32777,
    "fastsaved": 32779,
    "fastsaving": 32780,
    "forceshutdown": 32781,
    "forcereboot": 32782,
    "hibernated": 32783,
    "componentservicing": 32784,
    "runningcritical": 32785,
    "offcritical": 32786,
    "stoppingcritical": 32787,
    "savedcritical": 32788,
    "pausedcritical": 32789,
    "startingcritical": 32790,
    "resetcritical": 32791,
    "savingcritical": 32792,
    "pausingcritical": 32793,
    "resumingcritical": 32794,
    "fastsavedcritical": 32795,
    "fastsavingcritical": 32796,
}
OPERATIONAL_STATUSES: Names = {
    "ok": 2,
    "degraded": 3,
    "predictivefailure": 5,
    "inservice": 11,
    "dormant": 15,
    "supportingentityinerror": 16,
    "applyingsnapshot": 23769,  # sic; WMI documents 32769
    "creatingsnapshot": 32768,
    "deletingsnapshot": 32770,
    "waitingtostart": 32771,
    "mergingdisks": 32772,
    "exportingvirtualmachine": 32773,
    "migratingvirtualmachine": 32774,
    "backingupvirtualmachine": 32776,
    "modifyingupvirtualmachine": 32777,
    "storagemigrationphaseone": 32778,
    "storagemigrationphasetwo": 32779,
    "migratingplannedvm": 32780,
    "checkingcompatibility": 32781,
    "applicationcriticalstate": 32782,
    "communicationtimedout": 32783,
    "communicationfailed": 32784,
    "noiommu": 32785,
    "noiovsupportinnic": 32786,
    "switchnotiniovmode": 32787,
    "iovblockedbypolicy": 32788,
    "iovnoavailresources": 32789,
    "iovguestdriversneeded": 32790,
    "criticalioerror": 32795,
}
REALIZED_VM, PLANNED_VM = 3, 4
VM_TYPES: Names = {"realizedvirtualmachine": REALIZED_VM, "plannedvirtualmachine": PLANNED_VM}
SWITCH_TYPES: Names = {"private": 0, "internal": 1, "external": 2}
MIGRATION_AUTHENTICATIONS: Names = {"credssp": 0, "kerberos": 1}
MIGRATION_PERFORMANCES: Names = {"tcpip": 0, "compression": 1, "smb": 2}
NODE_STATES: Names = {"unknown": -1, "up": 0, "down": 1, "paused": 2, "joining": 3}
DRAIN_STATUSES: Names = {"notinitiated": 0, "inprogress": 1, "completed": 2, "failed": 3}
GROUP_STATES: Names = {"unknown": -1, "online": 0, "offline": 1, "failed": 2, "partialonline": 3, "pending": 4}
RULE_TYPES: Names = {"samefaultdomain": 1, "samenode": 2, "differentfaultdomain": 3, "differentnode": 4}
VIRTUAL_MACHINE_GROUP = 111
GROUP_TYPES: Names = {"virtualmachine": VIRTUAL_MACHINE_GROUP}

_SEPARATORS = re.compile(r"[\s,;{}()]+")
_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?\Z"
)
_CLOCK = re.compile(r"(?P<sign>-?)(?:(?P<days>\d+)\.)?(?P<hours>\d+):(?P<minutes>\d+):(?P<seconds>\d+(?:\.\d+)?)\Z")
_CIM_INTERVAL = re.compile(r"(?P<days>\d{8})(?P<hours>\d\d)(?P<minutes>\d\d)(?P<seconds>\d\d\.\d{6}):000\Z")
_CIM_TIME = re.compile(r"(\d{14}\.\d{6})([+-]\d{3})\Z")
TICKS_PER_SECOND = 10_000_000  # System.TimeSpan


def properties(value: object) -> dict[str, object]:
    """All properties of a deserialised object; those a cmdlet or Select-Object added win over the adapted ones."""
    if not isinstance(value, GenericComplexObject):
        return {}
    return {**value.adapted_properties, **value.extended_properties}


def as_number(value: object, names: Names = _NO_NAMES) -> int | None:
    """A whole number, or an enumeration member's number."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return int(value)
    if isinstance(value, Enum):
        return as_number(value.value)
    if isinstance(value, GenericComplexObject):
        inner = properties(value)
        spelt = (*value.property_sets, inner.get("value__"), inner.get("Value"), value.to_string)
        return next((number for part in spelt if (number := as_number(part, names)) is not None), None)
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"-?\d+", text):
            return int(text)
        return names.get(text.casefold())
    return None


def as_numbers(value: object, names: Names = _NO_NAMES) -> tuple[int, ...]:
    """An array of numbers or enumeration members, also flattened into a text; unreadable parts are left out."""
    return tuple(number for part in as_list(value) if (number := as_number(part, names)) is not None)


def as_list(value: object) -> tuple[object, ...]:
    """The parts of an array; a text is split at blanks and commas, so this is not for names that may contain them."""
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        return tuple(value)
    if isinstance(value, str):
        return tuple(part for part in _SEPARATORS.split(value) if part)
    return (value,)


def as_text(value: object) -> str:
    """A text; empty for nothing, for a lone NUL (a Char property without a value) and for objects without a text."""
    if value is None:
        return ""
    if isinstance(value, GenericComplexObject):
        return value.to_string or ""
    return str(value).strip("\0")


def as_texts(value: object) -> tuple[str, ...]:
    return tuple(text for part in as_list(value) if (text := as_text(part)))


def as_flag(value: object) -> bool | None:
    text = as_text(value).strip().casefold()
    return {"true": True, "false": False, "1": True, "0": False}.get(text)


def as_vm_id(value: object) -> VmId | None:
    if not isinstance(value, (str, UUID, GenericComplexObject)):
        return None
    try:
        return check_vm_id(as_text(value))
    except ValueError:
        return None


def as_seconds(value: object) -> float | None:
    """A TimeSpan: xs:duration ("P41DT2H"), .NET's own text ("41.02:00:00"), a CIM interval, or the object itself."""
    if isinstance(value, GenericComplexObject):
        inner = properties(value)
        ticks = as_number(inner.get("Ticks"))
        return ticks / TICKS_PER_SECOND if ticks is not None else as_seconds(value.to_string)
    if not isinstance(value, str):
        return None
    for pattern in (_DURATION, _CLOCK, _CIM_INTERVAL):
        if match := pattern.match(value.strip()):
            parts = {unit: float(amount) for unit, amount in match.groupdict("0").items() if unit != "sign"}
            seconds = timedelta(**parts).total_seconds()
            return -seconds if match.groupdict().get("sign") else seconds
    return None


def as_time(value: object) -> datetime | None:
    """A DateTime in aware UTC: ISO 8601 or a CIM datetime. A time without an offset is taken as UTC (assumed)."""
    if isinstance(value, GenericComplexObject):
        value = value.to_string
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        if match := _CIM_TIME.match(text):
            offset = timezone(timedelta(minutes=int(match[2])))
            return datetime.strptime(match[1], "%Y%m%d%H%M%S.%f").replace(tzinfo=offset).astimezone(UTC)
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
