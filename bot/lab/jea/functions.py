"""Functions that a role defines: their parameters are read, what they do is stood in for.

There is no PowerShell here. A stand-in is written for one text of a function's `process` block and bears its digest:
when the text changes, the endpoint refuses to open until somebody has compared the two.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from uuid import UUID

from bot.lab.cmdlets.things import VmHandle
from bot.lab.engine import (
    Arguments,
    Category,
    Cmdlet,
    In,
    Kind,
    Parameter,
    PsError,
    PsObject,
    Records,
    Session,
    Validation,
)
from bot.lab.engine.values import display
from bot.lab.jea.data_file import Malformed, Script

Run = Callable[[Session, Records], AsyncIterator[object]]

_PARAMETERS = re.compile(r"param\((?P<inside>.*?)\n\s*\)\n", re.DOTALL)
_PARAMETER = re.compile(r"\s*(?P<attributes>(?:\[.*\]\s)*)\$(?P<name>\w+),?\s*\Z")
_PROCESS = re.compile(r"\n\s*process \{\n(?P<body>.*)\n\s*\}\s*\Z", re.DOTALL)
_SET = re.compile(r"ValidateSet\((.*?)\)")
_KINDS = {
    "[string]": Kind.STRING,
    "[switch]": Kind.SWITCH,
    "[System.Collections.IDictionary]": Kind.HASHTABLE,
}
_VIRTUALIZATION = r"root\virtualization\v2"


async def _one(arguments: Mapping[str, Any], set_name: str) -> Records:
    yield Arguments(arguments, set_name)


def _original(session: Session, name: str, arguments: Mapping[str, Any]) -> AsyncIterator[object]:
    """The host's own cmdlet, as a function calls it by its module's name."""
    cmdlet = session.machine.cmdlet(name)
    assert cmdlet is not None
    return cmdlet.run(session, _one(arguments, cmdlet.sets[0]))  # type: ignore[no-any-return]  # machine is Any


def _thrown(text: str) -> PsError:
    """What `throw 'text'` makes: the text is its identifier too."""
    return PsError(text, text, Category.OperationStopped)


async def _select_object(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        async for item in _original(session, "Select-Object", given.values):
            yield item


async def _invoke_cim_method(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        requested = {key.casefold(): value for key, value in given["Arguments"].items()}
        if list(requested) != ["requestedstate"] or str(requested["requestedstate"]) != "4":
            raise _thrown("This endpoint takes -Arguments @{ RequestedState = 4 } and no other.")
        job = {"Namespace": _VIRTUALIZATION, "ClassName": "Msvm_MigrationJob", "Filter": _filter(given["InputObject"])}
        async for instance in _original(session, "Get-CimInstance", job):
            order = {"MethodName": given["MethodName"], "Arguments": {"RequestedState": 4}, "InputObject": instance}
            async for item in _original(session, "Invoke-CimMethod", order):
                yield item


def _filter(item: object) -> str:
    identity = item.get("InstanceID") if isinstance(item, PsObject) else None
    try:
        return f"InstanceID='{str(UUID(str(identity))).upper()}'"
    except ValueError:
        text = f'Cannot convert value "{display(identity)}" to type "System.Guid".'
        raise PsError(text, "InvalidCastParseTargetInvocation", Category.InvalidArgument) from None


async def _remove_vm(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        handle = given["VM"].native if isinstance(given["VM"], PsObject) else None
        if not isinstance(handle, VmHandle) or not handle.planned:
            raise _thrown("This endpoint removes planned virtual machines only.")
        arguments = {"VM": (given["VM"],), "Force": given["Force"]}
        async for item in _original(session, "Remove-VM", arguments):
            yield item


_STAND_INS: Mapping[str, tuple[str, Run]] = {
    "Select-Object": ("b7fcacc5f4ad", _select_object),
    "Invoke-CimMethod": ("2fcf3e7fe9b5", _invoke_cim_method),
    "Remove-VM": ("899fabebd980", _remove_vm),
}


def function(name: str, script: Script) -> Cmdlet:
    """
    Raises:
        Malformed: its parameters are written in a way that is not read here, or nothing stands in for what it does.
    """
    parameters, process = _PARAMETERS.search(script.text), _PROCESS.search(script.text)
    if parameters is None or process is None:
        raise Malformed(f"the function {name} has no param(…) and process {{…}} that are read here")
    text = "\n".join(line.strip() for line in process["body"].splitlines())
    digest, run = _STAND_INS.get(name, ("", None))
    found = hashlib.sha256(text.encode()).hexdigest()[:12]
    if run is None or found != digest:
        raise Malformed(f"nothing stands in for this text of the function {name} (digest {found})")
    read = tuple(_parameter(name, line) for line in parameters["inside"].strip("\n").splitlines())
    return Cmdlet(name, name, read, run, should_process="SupportsShouldProcess = $true" in script.text)


def _parameter(function_name: str, line: str) -> Parameter:
    match = _PARAMETER.match(line)
    if match is None:
        raise Malformed(f"a parameter of the function {function_name} is not read here: {line.strip()}")
    given = match["attributes"]
    choices = _SET.search(given)
    kind = next((kind for written, kind in _KINDS.items() if written in given), Kind.OBJECT)
    return Parameter(
        match["name"],
        kind,
        (In(mandatory="Mandatory = $true" in given, pipeline="ValueFromPipeline = $true" in given),),
        validation=Validation(set=tuple(re.findall(r"'(.*?)'", choices[1]))) if choices else None,
    )
