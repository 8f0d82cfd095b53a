"""CIM instances as PowerShell shows them."""

from __future__ import annotations

from collections.abc import Iterable

from bot.lab.engine import PsObject, Value

CIM_INSTANCE = "Microsoft.Management.Infrastructure.CimInstance"
CIMV2 = "root/cimv2"


def cim_instance(
    namespace: str, name: str, properties: dict[str, Value], *, parents: Iterable[str] = (), native: object = None
) -> PsObject:
    names = (name, *parents)
    types = (*(f"{CIM_INSTANCE}#{namespace}/{one}" for one in names), *(f"{CIM_INSTANCE}#{one}" for one in names))
    return PsObject((*types, CIM_INSTANCE), {**properties, "PSComputerName": None}, name, native=native)
