"""Records of what stands around Hyper-V on a host, in the domain's words. No I/O.

Property names: Microsoft Learn, Win32_ComputerSystem, Win32_Processor, Win32_DeviceGuard, ServiceController,
Get-VMMigrationNetwork, Test-NetConnection. What the host left out is None: not known.
"""

from __future__ import annotations

import re
from datetime import datetime

from bot.core.readiness.model import RUNNING_SERVICE, Surroundings
from bot.hyperv import readers
from bot.hyperv.answer import Answer, Record
from bot.hyperv.views import Unreadable

_SERVICE_STATES: readers.Names = {"stopped": 1, "startpending": 2, "stoppending": 3, "running": RUNNING_SERVICE}
_CREDENTIAL_GUARD = 1  # Win32_DeviceGuard.SecurityServicesRunning
_OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d|[+-]\d{3})\Z")
_FAMILY = re.compile(r"Family \d+ Model \d+")


def surroundings_of(answer: Answer) -> Surroundings:
    return Surroundings(
        service=_service(answer),
        networks=_networks(answer),
        domain=_domain(answer),
        processor=_processor(answer),
        credential_guard=_credential_guard(answer),
        clock=_clock(answer),
    )


def reached_in(answer: Answer) -> bool:
    for record in answer.of("TestNetConnectionResult"):
        if (reached := readers.as_flag(record["TcpTestSucceeded"])) is not None:
            return reached
    raise Unreadable("TestNetConnectionResult", "TcpTestSucceeded")


def _first(answer: Answer, kind: str) -> Record | None:
    return next(iter(answer.of(kind)), None)


def _service(answer: Answer) -> int | None:
    record = _first(answer, "ServiceController")
    return readers.as_number(record["Status"], _SERVICE_STATES) if record else None


def _networks(answer: Answer) -> tuple[str, ...] | None:
    """No network and no answer look alike in the records; only without trouble is it none."""
    records = answer.of("VMMigrationNetwork")
    if not records and (not answer.completed or any(one.cmdlet == "getvmmigrationnetwork" for one in answer.troubles)):
        return None
    found = [(readers.as_number(record["Priority"]) or 0, readers.as_text(record["Subnet"])) for record in records]
    return tuple(subnet for _, subnet in sorted(found))


def _domain(answer: Answer) -> str | None:
    record = _first(answer, "Win32_ComputerSystem")
    member = readers.as_flag(record["PartOfDomain"]) if record else None
    if record is None or member is None:
        return None
    return readers.as_text(record["Domain"]).casefold() if member else ""


def _processor(answer: Answer) -> str | None:
    """Maker, family and model; steppings of one model do not keep VMs apart."""
    record = _first(answer, "Win32_Processor")
    if record is None:
        return None
    maker = readers.as_text(record["Manufacturer"])
    model = _FAMILY.search(readers.as_text(record["Description"]))
    return f"{maker} {model[0] if model else readers.as_text(record['Name'])}".strip() or None


def _credential_guard(answer: Answer) -> bool | None:
    record = _first(answer, "Win32_DeviceGuard")
    if record is None:
        return None
    return _CREDENTIAL_GUARD in readers.as_numbers(record["SecurityServicesRunning"])


def _clock(answer: Answer) -> datetime | None:
    """Only with its offset: without one it is some time of the day, anywhere."""
    record = _first(answer, "Win32_OperatingSystem")
    said = record["LocalDateTime"] if record else None
    return readers.as_time(said) if _OFFSET.search(readers.as_text(said).strip()) else None
