"""Get-Command, as far as clients ask for commands by name (Microsoft.PowerShell.Core).

That the parameters arrive by name, each as the name of its type, follows from the serialisation of dictionaries at
depth 1 (MS-PSRP 2.2.5.2.6.4) and is assumed; so is that a proxy shows those alone that its role lists.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.lab.engine import Category, Cmdlet, In, Kind, Parameter, PsError, PsObject, Records, Session

_TYPE = "Microsoft.PowerShell.Commands.GetCommandCommand"
_SMA = "System.Management.Automation."


async def _get_command(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        for name in given["Name"]:
            if cmdlet := session.shown(name):
                types = (_SMA + "CmdletInfo", _SMA + "CommandInfo")
                shown = {one.name: _SMA + "ParameterMetadata" for one in cmdlet.parameters if not one.hidden}
                yield PsObject(types, {"Name": cmdlet.name, "Parameters": shown}, text=cmdlet.name)
            else:
                await session.error(_not_found(name))


def _not_found(name: str) -> PsError:
    return PsError(
        f"The term '{name}' is not recognized as a name of a cmdlet, function, script file, or executable program. "
        "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
        f"CommandNotFoundException,{_TYPE}",
        Category.ObjectNotFound,
        (_SMA + "CommandNotFoundException", _SMA + "RuntimeException", "System.SystemException", "System.Exception"),
        target=name,
    )


GET_COMMAND = Cmdlet(
    "Get-Command",
    _TYPE,
    (Parameter("Name", Kind.STRINGS, (In("AllCommandSet", mandatory=True, position=0),)),),
    _get_command,
    ("AllCommandSet",),
)

CMDLETS = (GET_COMMAND,)
