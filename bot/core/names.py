"""Names and identities: what each may contain, checked once where text enters.

Names from chat and from hosts are untrusted. A name is what a person says; a VM's identity is its id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, NewType

from pydantic import AfterValidator, Field

VmId = NewType("VmId", str)
"""A VM's GUID as lower-case text without braces. The only identity of a VM; its name is not unique in Hyper-V."""

UserId = NewType("UserId", str)
"""A Slack user id ("U…" or "W…"), as the authenticated socket delivered it. Never a display name."""

# Characters that PowerShell expands (about_Wildcards); no wildcard may ever reach a host.
WILDCARDS = frozenset("*?[]")
# Assumed generous: Hyper-V accepts up to 100 characters in a VM's name (Hyper-V Manager's own limit).
LONGEST_VM_NAME = 100
_NETBIOS_LENGTH = 15
_HOST = re.compile(r"(?=.{1,255}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}))*\Z")
_OPERATION = re.compile(r"m-[1-9][0-9]{0,8}\Z")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_PERSON = re.compile(r"<@([UW][A-Z0-9]{2,20})(\|[^<>]*)?>\Z")
_AGE = re.compile(r"([1-9][0-9]{0,3})(s|min|m|h|d|w)\Z")
_AGE_UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DRIVE = re.compile(r"[A-Za-z]:\\")
# Reserved in Windows file names (Microsoft Learn, "Naming Files, Paths, and Namespaces"); ':' is checked apart.
_FORBIDDEN_IN_PATH = frozenset('<>"|/') | WILDCARDS


def _refuse_controls_and_wildcards(value: str, what: str) -> None:
    if any(not character.isprintable() for character in value):
        raise ValueError(f"{what} must not contain control or invisible characters")
    if found := sorted(WILDCARDS & set(value)):
        raise ValueError(f"{what} must be one exact name: wildcards ({' '.join(found)}) are not accepted")


def check_vm_name(value: str) -> str:
    if not value or len(value) > LONGEST_VM_NAME:
        raise ValueError(f"a VM name has 1 to {LONGEST_VM_NAME} characters")
    _refuse_controls_and_wildcards(value, "a VM name")
    return value


def check_host_name(value: str) -> str:
    _refuse_controls_and_wildcards(value, "a host name")
    if not _HOST.match(value):
        raise ValueError("a host name has letters, digits, hyphens and dots only, like host02 or host02.contoso.com")
    return value.lower()


def check_storage_path(value: str) -> str:
    """A full Windows path, `D:\\VMs` or `\\\\server\\share\\folder`; a trailing backslash goes, but `D:\\` keeps it."""
    _refuse_controls_and_wildcards(value, "a path")
    unc, drive = value.startswith("\\\\"), bool(_DRIVE.match(value))
    if not unc and not drive:
        raise ValueError("a path starts with a drive (D:\\VMs) or is a share (\\\\server01\\vmstore)")
    rest = value[2:]
    if ":" in rest or _FORBIDDEN_IN_PATH & set(rest):
        raise ValueError('a path must not contain any of < > " | / : * ? [ ]')
    parts = [part for part in rest.split("\\") if part]
    if any(part in (".", "..") or part.endswith((" ", ".")) for part in parts):
        raise ValueError("a path must be complete: no '.' or '..' parts, and no part ending in a blank or a full stop")
    if unc:
        if len(parts) < 2:
            raise ValueError("a share has a server and a name, like \\\\server01\\vmstore")
        return "\\\\" + "\\".join(parts)
    return value[:2] + "\\" + "\\".join(parts)


def same_computer(one: str, other: str) -> bool:
    """Whether two names may mean one computer: equal, or alike in the first label, which NetBIOS cuts off."""
    both_full = "." in one and "." in other
    one, other = one.casefold(), other.casefold()
    return one == other if both_full else netbios_name(one) == netbios_name(other)


def netbios_name(computer: str) -> str:
    """What a failover cluster calls a node: the first label of its name, cut off."""
    return computer.partition(".")[0][:_NETBIOS_LENGTH]


def is_path(value: str) -> bool:
    """Whether it is meant as a path: `D:\\VMs`, or a share."""
    return value.startswith("\\\\") or value[1:2] == ":"


def check_lockable(value: str) -> str:
    """What may be locked: a VM or a host by name or id, or a folder by its path."""
    return check_storage_path(value) if is_path(value) else check_vm_name(value)


def check_operation_id(value: str) -> str:
    if not _OPERATION.match(value.lower()):
        raise ValueError("an operation is written like m-12")
    return value.lower()


def is_person(value: str) -> bool:
    """Whether it is the mention of one person, as Slack writes it: `<@U012ABCDEF>`."""
    return bool(_PERSON.match(value))


def is_person_id(value: str) -> bool:
    return is_person(f"<@{value}>")


def check_person(value: str) -> UserId:
    """A person's mention, or id."""
    found = _PERSON.match(value) or _PERSON.match(f"<@{value.upper()}>")
    if found is None:
        raise ValueError("a person is mentioned, like @alice, or named by Slack user id, like U012ABCDEF")
    return UserId(found[1])


def check_topic(value: str) -> str:
    """What a record may be searched for: a name, an id or a person. A mention becomes the person's id."""
    if person := _PERSON.match(value):
        return person[1]
    if not value.strip() or len(value) > LONGEST_VM_NAME:
        raise ValueError(f"what to look for has 1 to {LONGEST_VM_NAME} characters")
    _refuse_controls_and_wildcards(value, "what to look for")
    return value


def check_age(value: str) -> str:
    if not _AGE.match(value.lower()):
        raise ValueError("an age is a number with s, min, h, d or w, like 90min, 2h or 3d")
    return value.lower()


def to_timedelta(age: str) -> timedelta:
    """How long ago an age is that was checked."""
    found = _AGE.match(age)
    assert found is not None
    return timedelta(**{_AGE_UNITS[found[2]]: int(found[1])})


def check_vm_id(value: str) -> VmId:
    """Normalise a GUID in any of Windows's spellings.

    Raises:
        ValueError: it is no GUID.
    """
    text = value.strip().strip("{}").lower()
    if not _GUID.match(text):
        raise ValueError("not a VM id (GUID)")
    return VmId(text)


class TakesMention:
    """Marks the type of a slot that a person's mention may fill."""


@dataclass(frozen=True)
class TakesList:
    """Marks the type of a slot that takes several names, separated by commas."""


MOST_LISTED = 200

VmName = Annotated[str, AfterValidator(check_vm_name)]
HostName = Annotated[str, AfterValidator(check_host_name)]
ClusterName = Annotated[str, AfterValidator(check_host_name)]  # it has a DNS name, like a host
StoragePath = Annotated[str, AfterValidator(check_storage_path)]
Lockable = Annotated[str, AfterValidator(check_lockable)]
OperationId = Annotated[str, AfterValidator(check_operation_id)]
Topic = Annotated[str, AfterValidator(check_topic), TakesMention()]
Person = Annotated[str, AfterValidator(check_person), TakesMention()]
Age = Annotated[str, AfterValidator(check_age)]
VmNames = Annotated[tuple[VmName, ...], Field(min_length=1, max_length=MOST_LISTED), TakesList()]
HostNames = Annotated[tuple[HostName, ...], Field(min_length=1, max_length=MOST_LISTED), TakesList()]
