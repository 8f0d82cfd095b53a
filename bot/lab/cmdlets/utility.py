"""Select-Object and Measure-Object, as far as typed pipelines use them (Microsoft.PowerShell.Utility)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.lab.engine import (
    Category,
    Cmdlet,
    In,
    Kind,
    Parameter,
    PsArray,
    PsError,
    PsObject,
    Records,
    Session,
)

_SELECT = "Microsoft.PowerShell.Commands.SelectObjectCommand"
_MEASURE = "Microsoft.PowerShell.Commands.MeasureObjectCommand"


async def _select_object(session: Session, records: Records) -> AsyncIterator[object]:
    left: int | None = None
    async for given in records:
        left = given["First"] if left is None else left
        if left == 0:
            return
        if given["ExpandProperty"]:
            for item in await _expanded(session, given["InputObject"], given["ExpandProperty"]):
                yield item
        elif given["Property"]:
            yield _selected(given["InputObject"], given["Property"])
        else:
            yield given["InputObject"]
        left = left - 1 if left is not None else None


async def _expanded(session: Session, item: object, name: str) -> list[object]:
    if not isinstance(item, PsObject) or not item.has(name):
        await session.error(
            PsError(
                f'Property "{name}" cannot be found.',
                f"ExpandPropertyNotFound,{_SELECT}",
                Category.InvalidArgument,
                ("System.Management.Automation.PSArgumentException", "System.ArgumentException", "System.Exception"),
                target=str(item),
            )
        )
        return []
    value = item.get(name)
    if isinstance(value, PsArray):
        return list(value.items)
    return [] if value is None else [value]


def _selected(item: object, names: tuple[str, ...]) -> PsObject:
    kind = item.types[0] if isinstance(item, PsObject) else "System.Object"
    values = {name: item.get(name) if isinstance(item, PsObject) else None for name in names}
    return PsObject((f"Selected.{kind}", "System.Management.Automation.PSCustomObject"), {}, extended=values)


SELECT_OBJECT = Cmdlet(
    "Select-Object",
    _SELECT,
    (
        Parameter("InputObject", Kind.OBJECT, (In("DefaultParameter", pipeline=True),)),
        Parameter("Property", Kind.STRINGS, (In("DefaultParameter", position=0),)),
        Parameter("ExpandProperty", Kind.STRING, (In("DefaultParameter"),)),
        Parameter("First", Kind.INT, (In("DefaultParameter"),)),
    ),
    _select_object,
    ("DefaultParameter",),
)


async def _measure_object(_session: Session, records: Records) -> AsyncIterator[object]:
    count = 0
    async for given in records:
        count += given["InputObject"] is not None
    yield PsObject(("Microsoft.PowerShell.Commands.GenericMeasureInfo",), {"Count": count})


MEASURE_OBJECT = Cmdlet(
    "Measure-Object",
    _MEASURE,
    (Parameter("InputObject", Kind.OBJECT, (In("GenericMeasure", pipeline=True),)),),
    _measure_object,
    ("GenericMeasure",),
)

CMDLETS = (SELECT_OBJECT, MEASURE_OBJECT)
