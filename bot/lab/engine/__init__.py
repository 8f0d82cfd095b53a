"""A PowerShell pipeline engine without the PowerShell language: named cmdlets with typed parameters, and nothing else.

It binds parameters, chains pipelines by value and writes the streams as a host does whose endpoint is in NoLanguage
mode. It knows no cmdlet itself: a `Machine` brings them. It knows no WinRM: a `Command` carries its psrpcore pipeline.
"""

from bot.lab.engine.errors import Category, PsError
from bot.lab.engine.parameters import Cmdlet, In, Kind, Parameter, Validation
from bot.lab.engine.pipeline import Arguments, Command, Machine, Records, Role, Session, Visible, run
from bot.lab.engine.values import (
    Char,
    Int64,
    PsArray,
    PsEnum,
    PsObject,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Value,
)

__all__ = [
    "Arguments",
    "Category",
    "Char",
    "Cmdlet",
    "Command",
    "In",
    "Int64",
    "Kind",
    "Machine",
    "Parameter",
    "PsArray",
    "PsEnum",
    "PsError",
    "PsObject",
    "Records",
    "Role",
    "Session",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Validation",
    "Value",
    "Visible",
    "run",
]
