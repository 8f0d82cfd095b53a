"""Errors as PowerShell records them: identifier, category, exception type and text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

SMA = "System.Management.Automation."
BINDING = (SMA + "ParameterBindingException", SMA + "RuntimeException", "System.SystemException", "System.Exception")
VALIDATION = (SMA + "ParameterBindingValidationException", *BINDING)


class Category(IntEnum):
    """System.Management.Automation.ErrorCategory, as far as it is used here (Microsoft Learn)."""

    NotSpecified = 0
    InvalidArgument = 5
    InvalidData = 6
    InvalidOperation = 7
    InvalidType = 9
    MetadataError = 10
    NotImplemented = 11
    ObjectNotFound = 13
    OperationStopped = 14
    OperationTimeout = 15
    ParserError = 17
    PermissionDenied = 18
    ResourceBusy = 19
    ResourceUnavailable = 21
    ConnectionError = 27


# What Exception.HResult is unless somebody sets it: COR_E_EXCEPTION 0x80131500, COR_E_SYSTEM 0x80131501 (corerror.h).
COR_E_EXCEPTION = -2146233088
COR_E_SYSTEM = -2146233087


@dataclass(eq=False)
class PsError(Exception):
    """One ErrorRecord. Raised it ends the pipeline's statement; written through `Session.error` it does not.

    Attributes:
        identifier: FullyQualifiedErrorId, class included.
        types: exception type names, most derived first, without System.Object.
        target: what the cmdlet was dealing with, as text; the record's TargetObject.
        activity: the cmdlet's name; filled in by the engine.
        stops: raised because ErrorAction is Stop, so that no later statement runs either.
    """

    message: str
    identifier: str
    category: Category = Category.NotSpecified
    types: tuple[str, ...] = (SMA + "RuntimeException", "System.SystemException", "System.Exception")
    target: str | None = None
    activity: str = ""
    stops: bool = False

    def __str__(self) -> str:
        return self.message

    @property
    def hresult(self) -> int:
        return COR_E_SYSTEM if "System.SystemException" in self.types else COR_E_EXCEPTION

    @property
    def reason(self) -> str:
        return self.types[0].rsplit(".", 1)[-1]
